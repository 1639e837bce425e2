"""What verl prints: one line a step, `step:1 - actor/entropy:0.09 - actor/pg_clipfrac:np.float64(0.0) - ...`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import ClassVar

from barograph.sources.formats.consoles.base import Console, Parser, Row
from barograph.sources.formats.consoles.printed import NUMBER, unwrapped
from barograph.sources.late import late

__all__ = ["VERL", "VerlConsole"]

_LINE = late(r"(?<![\w/.])step:(\d{1,15}) - (?=\S)")
_VALUE = rf"(?:np|numpy)\.\w+\([^()]*\)|{NUMBER}|True|False|None"
#: A key may hold spaces, colons, even ` - ` (it may name a data set): it ends where a whole value stands behind it.
_PAIR = late(rf"(.+?):({_VALUE})(?: - |\s*$)")
#: What Ray adds to a line that several processes print.
_REPEATED = late(r"\s{0,9}\[repeated \d+x across cluster\].*$")
_BAR = late(r"Training Progress:\s*\d{1,3}%\|[^|]{0,400}\|\s*\d+/(\d{1,15}) \[")


class VerlConsole(Console):
    """The lines of verl's console logger, which every trainer there uses."""

    name: ClassVar[str] = "verl"
    describes: ClassVar[str] = (
        "What verl prints: `step:1 - actor/entropy:0.09 - critic/score/mean:0.4 - ...`, with Ray's names of processes "
        "and numpy's names of types, validation on the same line."
    )
    checked: ClassVar[str] = "what verl 0.9 prints, and the log of a real run"
    mark: ClassVar[re.Pattern[str]] = late(rf"{_LINE.pattern}.{{1,400}}?:(?:{_VALUE})(?: - |\s*$)")
    hint: ClassVar[bytes] = b"step:"

    def parser(self) -> Parser:
        return _Rows()


class _Rows(Parser):
    def __init__(self) -> None:
        self._config: dict[str, object] = {}

    def line(self, line: str) -> Iterator[Row]:
        if "Training Progress:" in line and (bars := _BAR.findall(line)):
            self._config["max_steps"] = int(bars[-1])
        if "step:" not in line or not (match := _LINE.search(line)):
            return
        if row := _pairs(_REPEATED.sub("", line[match.end() :])):
            yield {"step": match[1], **row}

    def config(self) -> dict[str, object]:
        return dict(self._config)


def _pairs(text: str) -> Row:
    """The pairs of a line, as far as they are whole: a line that is cut short loses its last."""
    row: Row = {}
    at = 0
    while match := _PAIR.match(text, at):
        row[match[1].strip()] = unwrapped(match[2])
        at = match.end()
    return row


VERL = VerlConsole()
