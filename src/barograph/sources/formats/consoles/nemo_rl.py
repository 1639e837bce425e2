"""NeMo-RL: bullets under `Training Results:` and `Validation Results:`, between headers that tell the step."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from barograph.sources.formats.consoles.base import Console, Parser, Row, gives_rows
from barograph.sources.late import late
from barograph.sources.numbers import to_number

__all__ = ["NEMO_RL", "NemoRlConsole"]

_HEADER = late(r"^=+ (Step|Epoch) (\d{1,15})/(\d{1,15}) =+$")
_RESULTS = late(r"^\W*(Train|Training|Validation) Results(?: for [`'\"]?([\w.-]+)[`'\"]?(?: set)?)?:$")
_BULLET = late(r"^\s*• (.{1,200}?): (\S+)(?: [a-z]+)?$")
_TIME = late(r"^\s*• Total step time: (\d+(?:\.\d+)?)s$")


class NemoRlConsole(Console):
    """What NeMo-RL's algorithms print after each step."""

    name: ClassVar[str] = "nemo_rl"
    describes: ClassVar[str] = "The console of NeMo-RL: bullets under `Training Results:` after each step."
    checked: ClassVar[str] = "a description only"
    hint: ClassVar[bytes] = "• ".encode()

    def recognises(self, path: str, head: bytes) -> bool:
        return self.hint in head and b" Results" in head and gives_rows(self.parser(), head)

    def parser(self) -> Parser:
        return _Rows()


class _Rows(Parser):
    def __init__(self) -> None:
        self._epoch = 1
        self._epochs = 1
        #: The step that is under way, and of how many; where no header tells it, blocks are counted.
        self._step = 0
        self._of = 0
        #: The split that the bullets belong to, as it stands before their keys; None outside of a block.
        self._prefix: str | None = None
        self._row: Row = {}

    def line(self, line: str) -> Iterator[Row]:
        line = line.rstrip()
        if "•" in line:
            if time := _TIME.match(line):
                yield from self._close()
                yield {"step": self._step, "step_time": time[1]}
            elif self._prefix is not None and (bullet := _BULLET.match(line)):
                name, value = bullet.groups()
                if isinstance(to_number(value), float):
                    self._row[self._prefix + (name.removeprefix("Validation ") if self._prefix else name)] = value
        elif results := _RESULTS.match(line):
            yield from self._close()
            self._open(*results.groups())
        elif header := _HEADER.match(line):
            yield from self._close()
            self._turn(header[1], int(header[2]), int(header[3]))
        elif line.endswith(":"):  # Another block. What other processes print in between is passed over.
            yield from self._close()

    def end(self) -> Iterator[Row]:
        yield from self._close()

    def config(self) -> dict[str, object]:
        return {"max_steps": self._of} if self._of and self._epochs == 1 else {}

    def _turn(self, what: str, number: int, of: int) -> None:
        if what == "Epoch":
            self._epoch, self._epochs = number, of
        else:
            # Steps are counted anew in every epoch.
            self._step, self._of = (self._epoch - 1) * of + number, of

    def _open(self, kind: str, data: str | None) -> None:
        if kind == "Validation":
            self._prefix = f"validation-{data}/" if data else "validation/"
        else:
            self._prefix = ""
            if not self._of:
                self._step += 1

    def _close(self) -> Iterator[Row]:
        row, self._row, self._prefix = self._row, {}, None
        if row:
            yield {"step": self._step, **row}


NEMO_RL = NemoRlConsole()
