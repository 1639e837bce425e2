"""Cells without a memory: metrics, facts, phases, arithmetic, comparison, logic."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, TypeAlias

import numpy as np

from barograph.core.names import series_key
from barograph.signals.scan.block import NO_ROWS, NO_VALUES, Block, Floats, Known, Rows, Values
from barograph.signals.timeline import Timeline

__all__ = ["PLAIN", "Cell", "Passive", "binary", "finite", "joined", "kept", "true", "unary"]

Operand: TypeAlias = Values | float


class Cell:
    """One sub-expression: its updates in the present block, and its value before the block."""

    passive: ClassVar[bool] = False

    def __init__(self, timeline: Timeline, inputs: tuple[Cell, ...]) -> None:
        self.timeline = timeline
        self.inputs = inputs
        self.at: Rows = NO_ROWS
        self.values: Values = NO_VALUES
        self.held = np.nan

    def advance(self, block: Block) -> None:
        if len(self.at):
            self.held = float(self.values[-1])
        self.at, self.values = self.compute(block)

    def compute(self, block: Block) -> tuple[Rows, Values]:
        raise NotImplementedError

    def on(self, rows: Rows) -> tuple[Operand, Known]:
        """The value that holds in each of some rows of the block, and where there is one (None: everywhere)."""
        if rows is self.at:
            return self.values, None
        if not len(self.at):
            if np.isnan(self.held):
                return self.held, np.zeros(len(rows), dtype=bool)
            return self.held, None
        place = np.searchsorted(self.at, rows, side="right") - 1
        before = place < 0
        values = self.values[np.maximum(place, 0)]
        if not before.any():
            return values, None
        if np.isnan(self.held):
            return values, ~before
        return np.where(before, self.held, values), None

    def at_row(self, row: int) -> float | None:
        """The value that holds in one row of the block."""
        place = int(np.searchsorted(self.at, row, side="right")) - 1
        value = float(self.values[place]) if place >= 0 else self.held
        return None if np.isnan(value) else value


def kept(at: Rows, values: Values, known: Known) -> tuple[Rows, Values]:
    """Only the updates that have a value."""
    if known is None or known.all():
        return at, values
    return at[known], values[known]


def _both(a: Known, b: Known) -> Known:
    if a is None:
        return b
    return a if b is None else a & b


def finite(values: Values, known: Known) -> Known:
    """Where the values are finite as well. One sum tells the common case."""
    if values.dtype == bool or np.isfinite(values.sum()):
        return known
    return _both(known, np.isfinite(values))


# Leaves


class Metric(Cell):
    def __init__(self, timeline: Timeline, inputs: tuple[Cell, ...], name: str, split: str) -> None:
        super().__init__(timeline, inputs)
        self.key = series_key(name, split)

    def compute(self, block: Block) -> tuple[Rows, Values]:
        at, values = block.series.get(self.key, (NO_ROWS, NO_VALUES))
        return kept(at, values, finite(values, None))


class NonFinite(Metric):
    def compute(self, block: Block) -> tuple[Rows, Values]:
        at, values = block.series.get(self.key, (NO_ROWS, NO_VALUES))
        return at, ~np.isfinite(values)


class Present(Metric):
    def __init__(self, timeline: Timeline, inputs: tuple[Cell, ...], name: str, split: str) -> None:
        super().__init__(timeline, inputs, name, split)
        self.split = split
        self.seen = False

    def compute(self, block: Block) -> tuple[Rows, Values]:
        own, _ = block.series.get(self.key, (NO_ROWS, NO_VALUES))
        rows = block.rows_by_split.get(self.split, NO_ROWS)
        if not self.seen:
            rows = rows[np.searchsorted(rows, own[0]) :] if len(own) else NO_ROWS
            self.seen = len(own) > 0
        return rows, np.isin(rows, own, assume_unique=True)


class Passive(Cell):
    """A value in every row of the block, NaN for none, but no updates."""

    passive = True

    def __init__(self, timeline: Timeline, inputs: tuple[Cell, ...]) -> None:
        super().__init__(timeline, inputs)
        self.everywhere: Floats = NO_VALUES
        self.start = 0
        self.known: Known = None

    def advance(self, block: Block) -> None:
        self.start = block.start
        self.everywhere = self.compute_everywhere(block)
        known = ~np.isnan(self.everywhere)
        self.known = None if known.all() else known

    def compute_everywhere(self, block: Block) -> Floats:
        raise NotImplementedError

    def on(self, rows: Rows) -> tuple[Operand, Known]:
        if len(rows) == len(self.everywhere):
            return self.everywhere, self.known
        place = rows - self.start
        return self.everywhere[place], None if self.known is None else self.known[place]

    def at_row(self, row: int) -> float | None:
        value = float(self.everywhere[row - self.start])
        return None if np.isnan(value) else value


class Still(Passive):
    """A constant, or a fact of the configuration."""

    def __init__(self, timeline: Timeline, inputs: tuple[Cell, ...], value: float) -> None:
        super().__init__(timeline, inputs)
        self.value = value

    def compute_everywhere(self, block: Block) -> Floats:
        return np.full(len(block.rows), self.value)

    def on(self, rows: Rows) -> tuple[Operand, Known]:
        return self.value, np.zeros(len(rows), dtype=bool) if np.isnan(self.value) else None


def _fact(timeline: Timeline, inputs: tuple[Cell, ...], name: str) -> Cell:
    return Still(timeline, inputs, timeline.facts.get(name, np.nan))


class StepNow(Passive):
    def compute_everywhere(self, block: Block) -> Floats:
        return block.steps


class Progress(Passive):
    def compute_everywhere(self, block: Block) -> Floats:
        return block.steps / (self.timeline.horizon or np.nan)


class After(Passive):
    def __init__(self, timeline: Timeline, inputs: tuple[Cell, ...], share: float, steps: float) -> None:
        super().__init__(timeline, inputs)
        self.limit = timeline.reach(share, steps)

    def compute_everywhere(self, block: Block) -> Floats:
        return np.where(block.steps >= self.limit, 1.0, np.nan)


class Before(After):
    def compute_everywhere(self, block: Block) -> Floats:
        return (block.steps <= self.limit).astype(np.float64)


def _after_warmup(timeline: Timeline, inputs: tuple[Cell, ...]) -> Cell:
    return After(timeline, inputs, 0, timeline.warmup_end())


# Arithmetic, comparison, logic


class One(Cell):
    def __init__(self, timeline: Timeline, inputs: tuple[Cell, ...], function: Callable[[Values], Values]) -> None:
        super().__init__(timeline, inputs)
        self.function = function

    def compute(self, block: Block) -> tuple[Rows, Values]:
        x = self.inputs[0]
        values = self.function(x.values)
        return kept(x.at, values, finite(values, None))


class PassiveOne(Passive):
    def __init__(self, timeline: Timeline, inputs: tuple[Cell, ...], function: Callable[[Values], Values]) -> None:
        super().__init__(timeline, inputs)
        self.function = function

    def compute_everywhere(self, block: Block) -> Floats:
        values, known = _everywhere(self.inputs[0], block)
        return _with_gaps(self.function(values > 0 if self.function is np.logical_not else values), known)


def _everywhere(cell: Cell, block: Block) -> tuple[Floats, Known]:
    values, known = cell.on(block.rows)
    return np.broadcast_to(np.asarray(values, dtype=np.float64), len(block.rows)), known


def _with_gaps(values: Values, known: Known) -> Floats:
    result = np.where(np.isfinite(values), values, np.nan)
    return result if known is None else np.where(known, result, np.nan)


class Pair(Cell):
    def __init__(
        self, timeline: Timeline, inputs: tuple[Cell, ...], function: Callable[[Operand, Operand], Values]
    ) -> None:
        super().__init__(timeline, inputs)
        self.function = function

    def rows(self, block: Block) -> Rows:
        a, b = self.inputs
        if a.passive or b.passive:
            return b.at if a.passive else a.at
        return block.union(a.at, b.at)

    def compute(self, block: Block) -> tuple[Rows, Values]:
        rows = self.rows(block)
        if not len(rows):
            return NO_ROWS, NO_VALUES
        (x, x_known), (y, y_known) = (cell.on(rows) for cell in self.inputs)
        values = _as_long(self.function(x, y), rows)
        known = _both(x_known, y_known)
        return kept(rows, values, finite(values, known) if known is None else known & np.isfinite(values))


class PassivePair(Passive):
    def __init__(
        self, timeline: Timeline, inputs: tuple[Cell, ...], function: Callable[[Operand, Operand], Values]
    ) -> None:
        super().__init__(timeline, inputs)
        self.function = function

    def compute_everywhere(self, block: Block) -> Floats:
        (x, x_known), (y, y_known) = (_everywhere(cell, block) for cell in self.inputs)
        return _with_gaps(self.function(x, y), _both(x_known, y_known))


def _as_long(values: Values, rows: Rows) -> Values:
    """One value for each row; two numbers that stand still make one number."""
    return values if np.shape(values) == rows.shape else np.broadcast_to(values, rows.shape)


def _and(x: Values, x_known: Known, y: Values, y_known: Known) -> tuple[Values, Known]:
    return x & y, _both(x_known, y_known)


def _or(x: Values, x_known: Known, y: Values, y_known: Known) -> tuple[Values, Known]:
    known = None if x_known is None or y_known is None else x_known | y_known
    left = x if x_known is None else x & x_known
    right = y if y_known is None else y & y_known
    return left | right, known


class And(Pair):
    """Truth of two conditions, where both have a value."""

    join = staticmethod(_and)

    def __init__(self, timeline: Timeline, inputs: tuple[Cell, ...]) -> None:
        Cell.__init__(self, timeline, inputs)

    def compute(self, block: Block) -> tuple[Rows, Values]:
        rows = self.rows(block)
        if not len(rows):
            return NO_ROWS, NO_VALUES
        (x, x_known), (y, y_known) = (cell.on(rows) for cell in self.inputs)
        values, known = self.join(true(x), x_known, true(y), y_known)
        return kept(rows, _as_long(values, rows), known)


class Or(And):
    """Truth of either condition, where one has a value."""

    join = staticmethod(_or)


class PassiveAnd(Passive):
    join = staticmethod(_and)

    def compute_everywhere(self, block: Block) -> Floats:
        (x, x_known), (y, y_known) = (_everywhere(cell, block) for cell in self.inputs)
        return _with_gaps(*self.join(true(x), x_known, true(y), y_known))


class PassiveOr(PassiveAnd):
    join = staticmethod(_or)


def true(values: Operand) -> Values:
    """As truth values: whatever is above zero is true."""
    array = np.asarray(values)
    return array if array.dtype == bool else array > 0


def _divide(a: Operand, b: Operand) -> Values:
    return np.asarray(np.divide(a, np.where(np.equal(b, 0), np.nan, b)))


_ONE: dict[str, Callable[[Values], Values]] = {
    "neg": np.negative,
    "abs": np.abs,
    "log": lambda a: np.log(np.where(a > 0, a, np.nan)),
    # Beyond 700 it has no finite value.
    "exp": lambda a: np.where(np.greater(a, 700.0), np.inf, np.exp(np.minimum(a, 700.0))),
    "not": np.logical_not,
}
_TWO: dict[str, Callable[[Operand, Operand], Values]] = {
    "add": np.add,
    "sub": np.subtract,
    "mul": np.multiply,
    "div": _divide,
    "minimum": np.minimum,
    "maximum": np.maximum,
    "lt": np.less,
    "le": np.less_equal,
    "gt": np.greater,
    "ge": np.greater_equal,
}

PLAIN: dict[str, Callable[..., Cell]] = {
    "metric": Metric,
    "nonfinite": NonFinite,
    "present": Present,
    "fact": _fact,
    "step": StepNow,
    "progress": Progress,
    "after": After,
    "before": Before,
    "after_warmup": _after_warmup,
}


def binary(word: str, timeline: Timeline, operands: tuple[Cell | float, ...]) -> Cell | None:
    """The cell of an operator with two sides, or None for another word."""
    if word not in _TWO:
        return None
    a, b = (Still(timeline, (), side) if isinstance(side, float | int) else side for side in operands)
    return (PassivePair if a.passive and b.passive else Pair)(timeline, (a, b), _TWO[word])


def unary(word: str, timeline: Timeline, inputs: tuple[Cell, ...]) -> Cell | None:
    """The cell of a function of one number, or None for another word."""
    if word not in _ONE:
        return None
    return (PassiveOne if inputs[0].passive else One)(timeline, inputs, _ONE[word])


def joined(word: str, timeline: Timeline, inputs: tuple[Cell, ...]) -> Cell | None:
    """The cell of `and` or `or`, or None for another word."""
    if word not in {"and", "or"}:
        return None
    if inputs[0].passive and inputs[1].passive:
        return (PassiveAnd if word == "and" else PassiveOr)(timeline, inputs)
    return (And if word == "and" else Or)(timeline, inputs)
