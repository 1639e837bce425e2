"""Rows of what a model said, by their steps, read when they are asked for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from time import monotonic
from typing import Protocol, TypeAlias

from barograph.core.samples import Cell, cell
from barograph.sources.samples.notes import Notes
from barograph.sources.wording import visible

__all__ = ["MOST_BYTES", "MOST_ROWS", "Row", "Samples", "Shelf", "found_in", "row_of", "whole_step"]

#: A row begins with its step.
Row: TypeAlias = dict[str, Cell]

#: Rows of one step, and columns of one row. Beyond, they are left out.
MOST_ROWS, MOST_COLUMNS = 10_000, 60
#: Bytes that are read for one step.
MOST_BYTES = 64 << 20
#: Seconds after which a search gives what it has found so far.
LONGEST_SEARCH = 5.0
#: The columns are those of the last step that can be read; so many are tried.
MOST_TRIED = 5


class Shelf(Protocol):
    """One place where rows lie. It holds where they are, not the rows."""

    @property
    def steps(self) -> Sequence[int]:
        """The steps of which there are rows, rising."""

    def read(self, steps: Iterable[int], notes: Notes) -> Iterator[tuple[int, list[Row]]]:
        """The rows of some of these steps, one step after the other."""


@dataclass(frozen=True, slots=True)
class Samples:
    """What a model said. Only what is asked for is read, and nothing is kept."""

    steps: Sequence[int]
    #: The names of the columns, `step` first; rows of some steps may have others.
    columns: Sequence[str]
    #: What was left out, in sentences; reading on may bring more.
    notes: Sequence[str]
    _shelf: Shelf | None = field(default=None, repr=False)

    def rows(self, step: int) -> list[Mapping[str, object]]:
        """The rows of a step, each with texts, numbers, truth values and None; none where there is no such step."""
        return [row for _, row in self._each([step])]

    def find(
        self, text: str = "", step: int | None = None, first: int = 0, most: int = 50
    ) -> tuple[list[Mapping[str, object]], int]:
        """The rows that hold a text in any cell, and how many there are; capitals count like small letters.

        Of these, `most` from number `first` on are given, in the order of their steps. A search that takes too long
        ends with what it has found, and a note says up to which step it came.
        """
        wanted, page, total = text.casefold(), list[Mapping[str, object]](), 0
        ends = monotonic() + LONGEST_SEARCH
        for at, row in self._each(self.steps if step is None else [step]):
            if not wanted or _holds(row, wanted):
                if max(first, 0) <= total < max(first, 0) + most:
                    page.append(row)
                total += 1
            if monotonic() > ends:
                self._say(f"the search took too long and was ended at step {at:,}: rows after it were not looked at")
                break
        return page, total

    def _each(self, steps: Iterable[int]) -> Iterator[tuple[int, Row]]:
        if self._shelf is None or not isinstance(self.notes, Notes):
            return
        known = set(self.steps)
        for at, rows in self._shelf.read((one for one in steps if one in known), self.notes):
            for row in rows:
                yield at, row

    def _say(self, sentence: str) -> None:
        if isinstance(self.notes, Notes):
            self.notes.say(sentence)


def found_in(shelf: Shelf, notes: Notes) -> Samples:
    """The samples on a shelf."""
    columns: dict[str, None] = {}
    for _, rows in shelf.read(reversed(shelf.steps[-MOST_TRIED:]), notes):
        if rows:
            columns = dict.fromkeys(name for row in rows for name in row)
            break
    return Samples(shelf.steps, tuple(columns), notes, shelf)


def row_of(step: int, found: Mapping[str, object], more: Mapping[str, Cell] | None = None) -> Row:
    """A row as it is shown, with its step in front.

    >>> row_of(10, {"prompt": "3 + 4 ?", "step": 10, "scores": [1, 2]})
    {'step': 10, 'prompt': '3 + 4 ?', 'scores': '[1, 2]'}
    """
    named = ((visible(name), value) for name, value in islice(found.items(), MOST_COLUMNS))
    return {"step": step, **(more or {}), **{name: cell(value) for name, value in named if name != "step"}}


def whole_step(value: object) -> int | None:
    """The step that a value is, a whole number from 0 on; texts of digits count.

    >>> whole_step(10), whole_step("10"), whole_step(10.0), whole_step(True), whole_step("ten")
    (10, 10, 10, None, None)
    """
    if isinstance(value, str):
        return int(value) if value.isdecimal() and len(value) <= 18 else None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 2**63:
        return None
    return int(value) if value == int(value) else None


def _holds(row: Row, wanted: str) -> bool:
    return any(wanted in str(value).casefold() for name, value in row.items() if name != "step" and value is not None)
