"""A whole run: its columns, its method, its configuration."""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from barograph.core.methods import Method
from barograph.core.names import TRAIN, split_of
from barograph.core.record import Record

__all__ = ["Column", "Run", "run_from_rows"]


@dataclass(frozen=True, slots=True)
class Column:
    """One series: the rows that carry it, and its value there.

    Columns that occur in the same rows share one `at` array, so that whole-column arithmetic need not align them.
    """

    at: array[int]  # typecode 'q': row numbers, rising
    values: array[float]  # typecode 'd': NaN and infinities kept
    raw: str = ""

    def __len__(self) -> int:
        return len(self.values)

    def finite(self) -> list[float]:
        """The values that are numbers."""
        return [value for value in self.values if math.isfinite(value)]


@dataclass(frozen=True, slots=True, repr=False)
class Run:
    """The trace of one training run, in columns.

    `steps` holds the step of every row. `columns` is keyed by series: `loss`, `eval.loss`, `eval/helpful.loss`.
    """

    path: str
    source: str
    method: Method
    steps: array[int]  # typecode 'q', one per row
    columns: Mapping[str, Column]
    config: Mapping[str, object] = field(default_factory=dict)
    notes: Sequence[str] = ()
    unknown_keys: Sequence[str] = ()
    #: Where one log holds runs that follow each other: which of them this is, from 1; else 0.
    attempt: int = 0

    def __len__(self) -> int:
        return len(self.steps)

    def __repr__(self) -> str:
        """A line: a notebook keeps this beside every run that it shows, and all numbers of a long one would fill it."""
        steps = f"steps {self.first_step:,} to {self.last_step:,}"
        return f"<Run {self.path}: {self.method}, {len(self):,} rows, {steps}, {len(self.columns):,} series>"

    @property
    def first_step(self) -> int:
        return self.steps[0] if self.steps else 0

    @property
    def last_step(self) -> int:
        return self.steps[-1] if self.steps else 0

    def noting(self, note: str) -> Run:
        """The same run with one more note."""
        return replace(self, notes=[*self.notes, note])

    def latest(self, key: str) -> float | None:
        """The last value of a series, or None."""
        column = self.columns.get(key)
        return column.values[-1] if column else None

    def records(self) -> Iterator[Record]:
        """The rows in order, one record for each split that a row carries."""
        cells: list[list[tuple[str, float, str]]] = [[] for _ in self.steps]
        for key, column in self.columns.items():
            for row, value in zip(column.at, column.values, strict=True):
                cells[row].append((key, value, column.raw))
        for step, row_cells in zip(self.steps, cells, strict=True):
            by_split: dict[str, tuple[dict[str, float], dict[str, object]]] = {TRAIN: ({}, {})} if not row_cells else {}
            for key, value, raw in row_cells:
                split, name = split_of(key)
                metrics, raws = by_split.setdefault(split, ({}, {}))
                metrics[name] = value
                raws[raw or key] = value
            for split, (metrics, raws) in by_split.items():
                yield Record(step=step, metrics=metrics, split=split, raw=raws)


def run_from_rows(
    rows: Iterable[tuple[int, Mapping[str, float]]],
    *,
    method: Method = Method.UNKNOWN,
    config: Mapping[str, object] | None = None,
    path: str = "",
    source: str = "rows",
) -> Run:
    """A run from (step, values by series key) pairs, in the order given.

    >>> run = run_from_rows([(1, {"loss": 0.7}), (2, {"loss": 0.6, "eval.loss": 0.65})])
    >>> len(run), run.latest("loss"), list(run.columns["eval.loss"].at)
    (2, 0.6, [1])
    """
    steps = array("q")
    at: dict[str, array[int]] = {}
    values: dict[str, array[float]] = {}
    for row, (step, cells) in enumerate(rows):
        steps.append(step)
        for key, value in cells.items():
            at.setdefault(key, array("q")).append(row)
            values.setdefault(key, array("d")).append(value)
    shared: dict[bytes, array[int]] = {}
    columns = {
        key: Column(at=shared.setdefault(rows_of.tobytes(), rows_of), values=values[key], raw=key)
        for key, rows_of in at.items()
    }
    return Run(path=path, source=source, method=method, steps=steps, columns=columns, config=config or {})
