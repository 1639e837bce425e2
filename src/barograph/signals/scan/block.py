"""A run cut into blocks of rows."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from barograph.core.names import COUNTERS, split_of
from barograph.core.run import Run

__all__ = ["BLOCK", "NO_ROWS", "NO_VALUES", "Block", "Floats", "Known", "Rows", "Values", "blocks"]

Rows: TypeAlias = NDArray[np.int64]
Floats: TypeAlias = NDArray[np.float64]
#: Numbers, or truth values of conditions.
Values: TypeAlias = NDArray[Any]
#: Where there is a value; None for everywhere.
Known: TypeAlias = NDArray[np.bool_] | None

BLOCK = 1 << 14
NO_ROWS: Rows = np.empty(0, dtype=np.int64)
NO_VALUES: Floats = np.empty(0)


class Block:
    """Some rows of a run: their steps, and what each series has in them."""

    def __init__(self, start: int, steps: NDArray[np.float64]) -> None:
        self.start = start
        self.rows: Rows = np.arange(start, start + len(steps))
        self.steps = steps
        self.series: dict[str, tuple[Rows, Floats]] = {}
        self._unions: dict[tuple[int, int], Rows] = {}

    def steps_at(self, rows: Rows) -> NDArray[np.float64]:
        return self.steps if len(rows) == len(self.steps) else self.steps[rows - self.start]

    def union(self, a: Rows, b: Rows) -> Rows:
        """Rows of either; the very same array where both are one, which is the common case."""
        if a is b or not len(b):
            return a
        if not len(a):
            return b
        key = (id(a), id(b))
        if key not in self._unions:
            longer, shorter = (a, b) if len(a) >= len(b) else (b, a)
            if np.array_equal(longer[len(longer) - len(shorter) :], shorter):
                self._unions[key] = longer  # what looks back begins later, and is as regular from there on
            else:
                union = np.union1d(a, b)
                self._unions[key] = longer if len(union) == len(longer) else union
        return self._unions[key]

    @cached_property
    def rows_by_split(self) -> dict[str, Rows]:
        """The rows in which a split has anything at all."""
        carried: dict[str, dict[int, Rows]] = {}
        for key, (rows, _) in self.series.items():
            if key in COUNTERS:
                continue
            carried.setdefault(split_of(key)[0], {})[id(rows)] = rows
        return {
            split: np.unique(np.concatenate(list(arrays.values()))) if len(arrays) > 1 else next(iter(arrays.values()))
            for split, arrays in carried.items()
        }


def blocks(run: Run, size: int = BLOCK) -> Iterator[Block]:
    """A run cut into blocks. Series that occur in the same rows share one array of them in each block."""
    steps = np.frombuffer(run.steps, dtype=np.int64) if len(run) else NO_ROWS
    arrays: dict[int, Rows] = {}
    columns: list[tuple[str, Rows, Floats]] = []
    for key, column in run.columns.items():
        if len(column):
            at = arrays.setdefault(id(column.at), np.frombuffer(column.at, dtype=np.int64))
            columns.append((key, at, np.frombuffer(column.values, dtype=np.float64)))
    for start in range(0, len(steps), size):
        stop = min(start + size, len(steps))
        block = Block(start, steps[start:stop].astype(np.float64))
        bounds = {id(at): (np.searchsorted(at, start), np.searchsorted(at, stop)) for _, at, _ in columns}
        slices = {id(at): at[slice(*bounds[id(at)])] for _, at, _ in columns}
        for key, at, values in columns:
            if len(slices[id(at)]):
                block.series[key] = (slices[id(at)], values[slice(*bounds[id(at)])])
        yield block
