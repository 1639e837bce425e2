"""A run as the rows that every sink writes: one for each step and split."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from barograph.core.errors import ConfigurationError, suggest
from barograph.core.metric import Alias
from barograph.core.names import EVAL, TRAIN, resolve, split_of
from barograph.core.run import Run

__all__ = ["STEP", "Row", "Rows", "rows_of", "splits_of"]

#: The name of the step in every form.
STEP = "step"

#: A step, and the values that were logged for one split there.
Row: TypeAlias = "tuple[int, dict[str, float]]"


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of a run under the names that they are to be written by."""

    #: The names of all values, in the order in which they first come; the step is not among them.
    names: tuple[str, ...]
    rows: tuple[Row, ...]

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows)


def splits_of(run: Run) -> tuple[str, ...]:
    """The splits that a run was logged for, training first.

    >>> from barograph.core.run import run_from_rows
    >>> splits_of(run_from_rows([(1, {"eval.loss": 0.7, "loss": 0.6})]))
    ('train', 'eval')
    """
    found = dict.fromkeys(split_of(key)[0] for key in run.columns)
    return tuple(sorted(found, key=lambda split: split != TRAIN))


def rows_of(run: Run, *, raw: bool = False, splits: Iterable[str] = ()) -> Rows:
    """The rows of a run, by its canonical names or by those that its framework wrote.

    Equal steps of one split are one row. `splits` keeps some only; `eval` stands for every evaluation.

    >>> from barograph.core.run import run_from_rows
    >>> rows_of(run_from_rows([(1, {"loss": 0.7, "eval.loss": 0.8}), (2, {"loss": 0.6})])).rows
    ((1, {'loss': 0.7}), (1, {'eval.loss': 0.8}), (2, {'loss': 0.6}))
    """
    chosen = _chosen(splits, splits_of(run))
    names = {key: (column.raw or key) if raw else key for key, column in run.columns.items()}
    cells: dict[str, dict[int, dict[str, float]]] = {split: {} for split in splits_of(run) if split in chosen}
    for key, column in run.columns.items():
        by_row = cells.get(split_of(key)[0])
        if by_row is None:
            continue
        values = _as_logged(key, column.raw, column.values, run) if raw else column.values
        for row, value in zip(column.at, values, strict=True):
            by_row.setdefault(row, {})[names[key]] = value
    rows = tuple(_in_order(run, cells))
    kept = (names[key] for key in run.columns if split_of(key)[0] in cells)
    return Rows(tuple(dict.fromkeys(kept)), rows)


def _chosen(wanted: Iterable[str], there: Collection[str]) -> set[str]:
    chosen: set[str] = set()
    for split in wanted:
        found = {name for name in there if name == split or (split == EVAL and name.startswith(f"{EVAL}/"))}
        if not found:
            raise ConfigurationError(
                f"the run has no split {split!r}{suggest(split, there)}; it has {', '.join(there)}"
            )
        chosen |= found
    return chosen or set(there)


def _in_order(run: Run, cells: dict[str, dict[int, dict[str, float]]]) -> Iterator[Row]:
    """The rows as they come, those of equal steps joined within their split."""
    waiting: dict[str, dict[str, float]] = {}
    for number, step in enumerate(run.steps):
        if number and step != run.steps[number - 1]:
            yield from ((run.steps[number - 1], values) for values in waiting.values())
            waiting = {}
        for split, by_row in cells.items():
            if values := by_row.get(number):
                waiting.setdefault(split, {}).update(values)
    yield from ((run.last_step, values) for values in waiting.values())


def _as_logged(key: str, raw: str, values: Iterable[float], run: Run) -> Iterable[float]:
    """Values in the unit that the framework wrote them in, under its name for them."""
    found = resolve(raw, run.method)
    alias = found.alias if found is not None and found.name == split_of(key)[1] else None
    if alias is None or (alias.scale == 1.0 and not alias.complement):
        return values
    return (_logged(alias, value) for value in values)


def _logged(alias: Alias, value: float) -> float:
    """The inverse of `Alias.canonical`.

    >>> alias = Alias("pct_mixed", "NeMo-RL", scale=0.01, complement=True)
    >>> alias.canonical(_logged(alias, 0.25))
    0.25
    """
    return ((1.0 - value) if alias.complement else value) / alias.scale
