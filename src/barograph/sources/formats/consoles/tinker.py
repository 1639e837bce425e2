"""tinker-cookbook: a table under the title `Step 5`, on the console and in `logs.log`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from barograph.sources.formats.consoles.base import Console, Parser, Row, gives_rows
from barograph.sources.formats.consoles.decimals import LOST, is_lost
from barograph.sources.formats.tinker import OF_THE_STEP
from barograph.sources.late import late

__all__ = ["TINKER", "TinkerConsole"]

_TITLE = late(r"^\s*Step (\d{1,15})\s*$")
_HEADER = late(r"^\s*┃ Metric\s+┃ Value\s+┃\s*$")
_ROW = late(r"^\s*│ (\S.{0,200}?) {1,200}│ (\S{1,100}) {1,200}│\s*$")


class TinkerConsole(Console):
    """What tinker-cookbook's PrettyPrintLogger prints."""

    name: ClassVar[str] = "tinker_console"
    describes: ClassVar[str] = (
        "The console of tinker-cookbook, also its `logs.log`: a table of metrics under `Step 5`. Its `metrics.jsonl` "
        "tells more."
    )
    checked: ClassVar[str] = "what tinker-cookbook 0.6 prints"
    hint: ClassVar[bytes] = "┃ Metric".encode()

    def recognises(self, path: str, head: bytes) -> bool:
        return self.hint in head and gives_rows(self.parser(), head)

    def parser(self) -> Parser:
        return _Rows()


class _Rows(Parser):
    def __init__(self) -> None:
        #: The title that a table may follow. A table without one sums up the run.
        self._step: int | None = None
        self._row: Row | None = None
        self._has_lost = False
        self._has_cut = False

    def line(self, line: str) -> Iterator[Row]:
        if self._row is not None:
            if "└" in line:
                row, self._row = self._row, None
                step, self._step = self._step, None
                if step is not None and row:
                    yield {"step": step, **row}
            elif cells := _ROW.match(line):
                self._take(cells[1], cells[2])
        elif _HEADER.match(line):
            self._row = {}
        elif title := _TITLE.match(line):
            self._step = int(title[1])

    def _take(self, key: str, value: str) -> None:
        if key.endswith("…"):
            self._has_cut = True
        elif is_lost(key, value):
            self._has_lost = True
        elif self._row is not None:
            self._row[OF_THE_STEP.get(key, key)] = value

    def notes(self) -> list[str]:
        cut = ["names of more than 60 characters were cut when they were printed: left out"] if self._has_cut else []
        return [*cut, *([LOST] if self._has_lost else [])]


TINKER = TinkerConsole()
