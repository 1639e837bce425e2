"""SkyRL: `Step 5: ` and behind it a dict that is printed over several lines."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from barograph.sources.formats.consoles.base import Console, Parser, Row, gives_rows
from barograph.sources.formats.consoles.decimals import LOST, is_lost
from barograph.sources.formats.consoles.printed import dict_in
from barograph.sources.late import late

__all__ = ["SKYRL", "SkyRlConsole"]

_HEADER = late(r"(?:^| - )Step (\d{1,15}):\s*(\{.*)?$")
#: A line of such a dict: the first one opens it, the others stand one blank to the right.
_ITEM = late(r"""(?:\{| )['"].+[,}]\s*$""")
#: Lines of other processes may stand between those of a dict, but not more than this.
MOST_BETWEEN = 100
#: No dict of metrics has more lines than this.
MOST_LINES = 10_000


class SkyRlConsole(Console):
    """What the console backend of SkyRL's tracking prints."""

    name: ClassVar[str] = "skyrl"
    describes: ClassVar[str] = "The console of SkyRL: `Step 5:` and a dict over several lines, with four decimals."
    checked: ClassVar[str] = "what the tracking of SkyRL 0.4 prints, with and without colours"
    hint: ClassVar[bytes] = b"Step "

    def recognises(self, path: str, head: bytes) -> bool:
        return self.hint in head and b"{'" in head and gives_rows(self.parser(), head)

    def parser(self) -> Parser:
        return _Rows()


class _Rows(Parser):
    def __init__(self) -> None:
        self._step = -1
        self._lines: list[str] = []
        self._between = 0
        self._has_lost = False

    def line(self, line: str) -> Iterator[Row]:
        if "Step " in line and (match := _HEADER.search(line)):
            self._step, self._lines, self._between = int(match[1]), [], 0
            if not match[2]:
                return
            line = match[2]
        if self._step < 0:
            return
        if not _ITEM.match(line) or line.startswith("{") == bool(self._lines):
            self._between += 1
        else:
            self._lines.append(line.strip())
            if line.rstrip().endswith("}"):
                yield from self._row()
        if self._between > MOST_BETWEEN or len(self._lines) > MOST_LINES:
            self._step = -1

    def _row(self) -> Iterator[Row]:
        found = dict_in(" ".join(self._lines))
        step, self._step, self._lines = self._step, -1, []
        if found:
            kept = {key: value for key, value in found[0].items() if not is_lost(key, value)}
            self._has_lost |= len(kept) < len(found[0])
            yield {"step": step, **kept}

    def notes(self) -> list[str]:
        return [LOST] if self._has_lost else []


SKYRL = SkyRlConsole()
