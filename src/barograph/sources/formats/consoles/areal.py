"""AReaL: a table of keys and values behind `Epoch 1/2 Step 3/10 Train step 3/20 done.`"""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from barograph.sources.formats.consoles.base import Console, Parser, Row, gives_rows
from barograph.sources.late import late
from barograph.sources.numbers import to_number

__all__ = ["AREAL", "ArealConsole"]

_DONE = late(r"\bTrain step (\d{1,15})/(\d{1,15}) done\b")


class ArealConsole(Console):
    """What AReaL's StatsLogger prints."""

    name: ClassVar[str] = "areal"
    describes: ClassVar[str] = "The console of AReaL: tables behind `Epoch 1/2 Step 3/10 Train step 3/20 done`."
    checked: ClassVar[str] = "what the StatsLogger of AReaL 1.0 prints"
    hint: ClassVar[bytes] = b"Train step "

    def recognises(self, path: str, head: bytes) -> bool:
        return self.hint in head and "╒".encode() in head and gives_rows(self.parser(), head)

    def parser(self) -> Parser:
        return _Rows()


class _Rows(Parser):
    def __init__(self) -> None:
        self._step = -1
        self._target = 0
        self._row: Row | None = None

    def line(self, line: str) -> Iterator[Row]:
        if self._row is not None and "│" in line:
            # Several pairs stand side by side; the last places may be empty.
            cells = [cell.strip() for cell in line[line.index("│") + 1 :].split("│")]
            pairs = zip(cells[::2], cells[1::2], strict=False)
            self._row.update((key, value) for key, value in pairs if key and isinstance(to_number(value), float))
        elif "╒" in line:
            self._row = {}
        elif "╘" in line:
            row, self._row = self._row, None
            if row and self._step >= 0:
                yield {"step": self._step, **row}
        elif match := _DONE.search(line):
            self._step, self._target = int(match[1]), int(match[2])

    def config(self) -> dict[str, object]:
        return {"max_steps": self._target} if self._target else {}


AREAL = ArealConsole()
