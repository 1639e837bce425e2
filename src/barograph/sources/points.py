"""Numbers that a tracker logged one by one, each with its step, put back into rows; and several runs side by side."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import NamedTuple

from barograph.core.vocabulary import TOTALS
from barograph.sources.base import unreadable
from barograph.sources.table import Gatherer, RawTable, TooManyColumns, plain

__all__ = ["PORTION", "Gathered", "Point", "Rows", "names_apart", "without_idle_steps"]

#: Rows that are handed on together.
PORTION = 4_096
_TOTALS = frozenset(plain(key) for key in TOTALS)


class Point(NamedTuple):
    """One number."""

    key: str
    step: int
    value: float


class Rows:
    """Makes rows of the points of one run, as they come.

    Points that follow each other at one step are one row, up to a key that is there already. The trainer's totals
    stand at the step of the last row and are none of it, so they are kept in a row of their own.
    """

    def __init__(self, step_key: str) -> None:
        self._step_key = step_key
        self._ready: list[dict[str, object]] = []
        self._row: dict[str, object] = {}
        self._totals: dict[str, object] = {}
        self._step = 0
        self._is_total: dict[str, bool] = {}

    def __len__(self) -> int:
        """The rows that are ready."""
        return len(self._ready)

    def add(self, point: Point) -> None:
        key, step, value = point
        if step != self._step or key in self._row or key in self._totals:
            self.end_row()
            self._step = step
        is_total = self._is_total.get(key)
        if is_total is None:
            is_total = self._is_total[key] = plain(key) in _TOTALS
        (self._totals if is_total else self._row)[key] = value

    def end_row(self) -> None:
        """What comes next belongs to another row."""
        self._ready += [{**row, self._step_key: self._step} for row in (self._row, self._totals) if row]
        self._row, self._totals = {}, {}

    def ready(self) -> list[dict[str, object]]:
        """The rows that have become whole."""
        rows, self._ready = self._ready, []
        return rows


class Gathered:
    """The table of one run of several, whose rows come mixed with those of the others."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._gatherer = Gatherer()
        self._waiting: list[dict[str, object]] = []

    def extend(self, rows: Iterable[dict[str, object]]) -> None:
        self._waiting += rows
        if len(self._waiting) >= PORTION:
            self._hand_on()

    def _hand_on(self) -> None:
        rows, self._waiting = self._waiting, []
        try:
            self._gatherer.extend(rows)
        except TooManyColumns as many:
            raise unreadable(self._path, f"a run has {many.number:,} keys or more", "are these metrics?") from None

    def table(self) -> RawTable:
        self._hand_on()
        return self._gatherer.finish()


def without_idle_steps(table: RawTable, step_key: str) -> RawTable:
    """The table without its steps, for a log in which nobody told a step and all are 0."""
    steps = table.columns.get(step_key)
    if table.rows < 2 or steps is None or any(steps.values):
        return table
    return replace(table, columns={key: column for key, column in table.columns.items() if key != step_key})


def names_apart(names: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """By the identity of each run a name that no other has: its own, with a part of its identity where it must be.

    >>> dict(names_apart({"a1b2": "dpo", "c3d4": "kto", "e5f6": "dpo", "0718": ""}))
    {'a1b2': 'dpo-a1b2', 'c3d4': 'kto', 'e5f6': 'dpo-e5f6', '0718': '0718'}
    """
    # What follows a `#` is the name of a run.
    clean = {identity: name.replace("#", "_").strip() for identity, name in names.items()}
    often = Counter(clean.values())
    taken: set[str] = set()
    for identity, name in clean.items():
        unique = name if name and often[name] == 1 else f"{name}-{identity[:8]}".strip("-")
        if unique in taken or not unique:
            unique = f"{unique}-{identity}"
        taken.add(unique)
        yield identity, unique
