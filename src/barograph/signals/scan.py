"""Evaluate expressions over columns, a block of rows at a time, with NumPy: the same meaning as `step`.

Each distinct sub-expression is one cell, as in `step`; but a cell takes a whole block of rows and keeps what
it needs for the next. Blocks are small enough to stay in the processor's cache, and memory does not grow with
the run. How rows are cut into blocks makes no difference to any value.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from typing import ClassVar, TypeAlias

import numpy as np
from numpy.typing import NDArray

from barograph.core.names import series_key, split_of
from barograph.core.run import Run
from barograph.signals.expression import Signal
from barograph.signals.timeline import Timeline

__all__ = ["Block", "Cell", "Scanner", "Sustained"]

Rows: TypeAlias = NDArray[np.int64]
#: Numbers, or truth values of conditions.
Values: TypeAlias = NDArray[np.float64] | NDArray[np.bool_]
Known: TypeAlias = NDArray[np.bool_] | None

BLOCK = 1 << 14
NO_ROWS: Rows = np.empty(0, dtype=np.int64)
NO_VALUES: NDArray[np.float64] = np.empty(0)


class Block:
    """Some rows of a run: their steps, and what each series has in them."""

    def __init__(self, start: int, steps: NDArray[np.float64]) -> None:
        self.start = start
        self.rows: Rows = np.arange(start, start + len(steps))
        self.steps = steps
        self.series: dict[str, tuple[Rows, NDArray[np.float64]]] = {}
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
            carried.setdefault(split_of(key)[0], {})[id(rows)] = rows
        return {
            split: np.unique(np.concatenate(list(arrays.values()))) if len(arrays) > 1 else next(iter(arrays.values()))
            for split, arrays in carried.items()
        }


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

    def on(self, rows: Rows) -> tuple[Values | float, Known]:
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


class Scanner:
    """Many expressions over one run, advanced together block by block."""

    def __init__(self, signals: Iterable[Signal], timeline: Timeline) -> None:
        self.timeline = timeline
        self._cells: dict[Signal, Cell] = {}
        for signal in signals:
            self._cell(signal)

    def cell(self, signal: Signal) -> Cell:
        return self._cells[signal]

    def scan(self, run: Run, size: int = BLOCK) -> Iterator[Block]:
        """Go through a run; after each block every cell holds its updates there."""
        cells = list(self._cells.values())
        with np.errstate(all="ignore"):
            for block in blocks(run, size):
                for cell in cells:
                    cell.advance(block)
                yield block

    def _cell(self, signal: Signal) -> Cell:
        if signal not in self._cells:
            inputs = tuple(self._cell(part) for part in signal.inputs)
            self._cells[signal] = _make(signal, self.timeline, inputs)
        return self._cells[signal]


def blocks(run: Run, size: int = BLOCK) -> Iterator[Block]:
    """A run cut into blocks. Series that occur in the same rows share one array of them in each block."""
    steps = np.frombuffer(run.steps, dtype=np.int64) if len(run) else NO_ROWS
    arrays: dict[int, Rows] = {}
    columns: list[tuple[str, Rows, NDArray[np.float64]]] = []
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


def _kept(at: Rows, values: Values, known: Known) -> tuple[Rows, Values]:
    """Only the updates that have a value."""
    if known is None or known.all():
        return at, values
    return at[known], values[known]


def _both(a: Known, b: Known) -> Known:
    if a is None:
        return b
    return a if b is None else a & b


def _finite(values: Values, known: Known) -> Known:
    """Where the values are finite as well. One sum tells the common case."""
    if values.dtype == bool or np.isfinite(values.sum()):
        return known
    return _both(known, np.isfinite(values))


def _make(signal: Signal, timeline: Timeline, inputs: tuple[Cell, ...]) -> Cell:
    word = signal.word
    if word in _TWO:
        operands = iter(inputs)
        pair = tuple(
            next(operands) if isinstance(argument, Signal) else Still(timeline, (), float(argument))
            for argument in signal.arguments
        )
        kind = PassivePair if pair[0].passive and pair[1].passive else Pair
        return kind(timeline, pair, _TWO[word])
    if word in _ONE:
        return (PassiveOne if inputs[0].passive else One)(timeline, inputs, _ONE[word])
    if word in {"and", "or"}:
        passive = inputs[0].passive and inputs[1].passive
        kinds: dict[tuple[str, bool], type[Cell]] = {
            ("and", False): And, ("and", True): PassiveAnd, ("or", False): Or, ("or", True): PassiveOr,
        }  # fmt: skip
        return kinds[word, passive](timeline, inputs)
    numbers = [argument for argument in signal.arguments if not isinstance(argument, Signal)]
    return _CELLS[word](timeline, inputs, *numbers)


# Leaves


class Metric(Cell):
    def __init__(self, timeline: Timeline, inputs: tuple[Cell, ...], name: str, split: str) -> None:
        super().__init__(timeline, inputs)
        self.key = series_key(name, split)

    def compute(self, block: Block) -> tuple[Rows, Values]:
        at, values = block.series.get(self.key, (NO_ROWS, NO_VALUES))
        return _kept(at, values, _finite(values, None))


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
        self.everywhere: NDArray[np.float64] = NO_VALUES
        self.start = 0
        self.known: Known = None

    def advance(self, block: Block) -> None:
        self.start = block.start
        self.everywhere = self.compute_everywhere(block)
        known = ~np.isnan(self.everywhere)
        self.known = None if known.all() else known

    def compute_everywhere(self, block: Block) -> NDArray[np.float64]:
        raise NotImplementedError

    def on(self, rows: Rows) -> tuple[Values | float, Known]:
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

    def compute_everywhere(self, block: Block) -> NDArray[np.float64]:
        return np.full(len(block.rows), self.value)

    def on(self, rows: Rows) -> tuple[Values | float, Known]:
        return self.value, np.zeros(len(rows), dtype=bool) if np.isnan(self.value) else None


def _fact(timeline: Timeline, inputs: tuple[Cell, ...], name: str) -> Cell:
    return Still(timeline, inputs, timeline.facts.get(name, np.nan))


class StepNow(Passive):
    def compute_everywhere(self, block: Block) -> NDArray[np.float64]:
        return block.steps


class Progress(Passive):
    def compute_everywhere(self, block: Block) -> NDArray[np.float64]:
        return block.steps / (self.timeline.horizon or np.nan)


class After(Passive):
    def __init__(self, timeline: Timeline, inputs: tuple[Cell, ...], share: float, steps: float) -> None:
        super().__init__(timeline, inputs)
        self.limit = timeline.reach(share, steps)

    def compute_everywhere(self, block: Block) -> NDArray[np.float64]:
        return np.where(block.steps >= self.limit, 1.0, np.nan)


class Before(After):
    def compute_everywhere(self, block: Block) -> NDArray[np.float64]:
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
        return _kept(x.at, values, _finite(values, None))


class PassiveOne(Passive):
    def __init__(self, timeline: Timeline, inputs: tuple[Cell, ...], function: Callable[[Values], Values]) -> None:
        super().__init__(timeline, inputs)
        self.function = function

    def compute_everywhere(self, block: Block) -> NDArray[np.float64]:
        values, known = _everywhere(self.inputs[0], block)
        return _with_gaps(self.function(values > 0 if self.function is np.logical_not else values), known)


def _everywhere(cell: Cell, block: Block) -> tuple[NDArray[np.float64], Known]:
    values, known = cell.on(block.rows)
    return np.broadcast_to(np.asarray(values, dtype=np.float64), len(block.rows)), known


def _with_gaps(values: Values, known: Known) -> NDArray[np.float64]:
    result = np.where(np.isfinite(values), values, np.nan)
    return result if known is None else np.where(known, result, np.nan)


class Pair(Cell):
    def __init__(
        self, timeline: Timeline, inputs: tuple[Cell, ...], function: Callable[[Values | float, Values | float], Values]
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
        values = np.broadcast_to(self.function(x, y), rows.shape)
        known = _both(x_known, y_known)
        return _kept(rows, values, _finite(values, known) if known is None else known & np.isfinite(values))


class PassivePair(Passive):
    def __init__(
        self, timeline: Timeline, inputs: tuple[Cell, ...], function: Callable[[Values | float, Values | float], Values]
    ) -> None:
        super().__init__(timeline, inputs)
        self.function = function

    def compute_everywhere(self, block: Block) -> NDArray[np.float64]:
        (x, x_known), (y, y_known) = (_everywhere(cell, block) for cell in self.inputs)
        return _with_gaps(self.function(x, y), _both(x_known, y_known))


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
        values, known = self.join(_true(x), x_known, _true(y), y_known)
        return _kept(rows, np.broadcast_to(values, rows.shape), known)


class Or(And):
    """Truth of either condition, where one has a value."""

    join = staticmethod(_or)


class PassiveAnd(Passive):
    join = staticmethod(_and)

    def compute_everywhere(self, block: Block) -> NDArray[np.float64]:
        (x, x_known), (y, y_known) = (_everywhere(cell, block) for cell in self.inputs)
        return _with_gaps(*self.join(_true(x), x_known, _true(y), y_known))


class PassiveOr(PassiveAnd):
    join = staticmethod(_or)


def _true(values: Values | float) -> NDArray[np.bool_]:
    array = np.asarray(values)
    return array if array.dtype == bool else array > 0


def _divide(a: Values | float, b: Values | float) -> Values:
    return np.asarray(np.divide(a, np.where(np.equal(b, 0), np.nan, b)))


_ONE: dict[str, Callable[[Values], Values]] = {
    "neg": np.negative,
    "abs": np.abs,
    "log": lambda a: np.log(np.where(a > 0, a, np.nan)),
    "not": np.logical_not,
}
_TWO: dict[str, Callable[[Values | float, Values | float], Values]] = {
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


# Words with a memory


class Ema(Cell):
    def __init__(self, timeline: Timeline, inputs: tuple[Cell, ...], rows: float, steps: float, share: float) -> None:
        super().__init__(timeline, inputs)
        self.rows, self.steps, self.share = rows, steps, share
        self.then = 0.0

    def compute(self, block: Block) -> tuple[Rows, Values]:
        x = self.inputs[0]
        if not len(x.at):
            return NO_ROWS, NO_VALUES
        weight = 2.0 / (self.rows + 1.0) if self.rows else self._weights(block.steps_at(x.at))
        begins = np.isnan(self.held)
        keep, moved = 1.0 - weight, weight * x.values
        if begins:
            moved[0] = x.values[0]
        else:
            moved[0] += (keep if isinstance(keep, float) else keep[0]) * self.held
        return x.at, _decay(keep, moved)

    def _weights(self, now: NDArray[np.float64]) -> float | NDArray[np.float64]:
        """By the steps that have gone since the update before; one number when all are alike."""
        before = now[0] if np.isnan(self.held) else self.then
        self.then = float(now[-1])
        gone = np.maximum(0.0, np.diff(now, prepend=before))
        horizon = self.timeline.horizon
        if self.steps or horizon is not None:
            span = self.steps or self.share * (horizon or 0.0)
            if len(gone) > 1 and gone[1:].min() == gone[1:].max() and (gone[0] == gone[1] or np.isnan(self.held)):
                return float(-np.expm1(-gone[1] / span)) if span > 0 else 1.0
            return np.asarray(-np.expm1(-gone / span)) if span > 0 else np.ones(len(now))
        spans = self.share * now
        return np.where(spans > 0, -np.expm1(-gone / np.where(spans > 0, spans, 1.0)), 1.0)


def _decay(keep: float | NDArray[np.float64], moved: NDArray[np.float64]) -> NDArray[np.float64]:
    """y[i] = keep[i] y[i-1] + moved[i], by doubling: after k rounds each entry spans 2^k rows.

    Rounds end as soon as what is kept over that span is lost in rounding.
    """
    shift, n = 1, len(moved)
    if isinstance(keep, float):
        while shift < n and abs(keep) > 1e-18:
            moved[shift:] += keep * moved[:-shift]
            keep *= keep
            shift *= 2
        return moved
    keep = keep.copy()
    keep[0] = 0.0  # what came before the block is in moved[0] already
    while shift < n and np.abs(keep).max() > 1e-18:
        moved[shift:] += keep[shift:] * moved[:-shift]
        keep[shift:] *= keep[:-shift].copy()
        shift *= 2
    return moved


class Windowed(Cell):
    """A function of the last values; the tail of one block goes before the next."""

    least: ClassVar[int] = 1

    def __init__(self, timeline: Timeline, inputs: tuple[Cell, ...], rows: float) -> None:
        super().__init__(timeline, inputs)
        self.n = int(rows)
        self.tail: Values = NO_VALUES

    def over(self, windows: NDArray[np.float64]) -> NDArray[np.float64]:
        """The function of each row of a matrix of windows."""
        raise NotImplementedError

    def compute(self, block: Block) -> tuple[Rows, Values]:
        x = self.inputs[0]
        if not len(x.at):
            return NO_ROWS, NO_VALUES
        series = self.extended(x.values, self.n - 1)
        first = len(series) - len(x.values)
        result = np.full(len(x.values), np.nan)
        for i in range(first, min(self.n - 1, len(series))):
            if i + 1 >= self.least:
                result[i - first] = self.over(series[None, : i + 1])[0]
        if len(series) >= self.n:
            full = self.over(np.lib.stride_tricks.sliding_window_view(series, self.n))
            result[len(result) - len(full) :] = full
        return _kept(x.at, result, _finite(result, None))

    def extended(self, values: Values, tail: int) -> Values:
        """The values with the tail of those before them; keeps the new tail."""
        series = np.concatenate((self.tail, values)) if len(self.tail) else values
        self.tail = series[max(0, len(series) - tail) :].copy()
        return series


class Mean(Windowed):
    def over(self, windows: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(windows.mean(axis=1))


class Median(Windowed):
    def over(self, windows: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(np.median(windows, axis=1))


class Std(Windowed):
    least = 2

    def over(self, windows: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(windows.std(axis=1, ddof=1))


class Slope(Windowed):
    least = 3

    def over(self, windows: NDArray[np.float64]) -> NDArray[np.float64]:
        n = windows.shape[1]
        lever = np.arange(n) - (n - 1) / 2
        return np.asarray(windows @ lever / (n * (n * n - 1) / 12))


class Lowest(Windowed):
    def over(self, windows: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(windows.min(axis=1))


class Highest(Windowed):
    def over(self, windows: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(windows.max(axis=1))


class BestSoFar(Cell):
    def __init__(self, timeline: Timeline, inputs: tuple[Cell, ...], choose: np.ufunc) -> None:
        super().__init__(timeline, inputs)
        self.choose = choose

    def compute(self, block: Block) -> tuple[Rows, Values]:
        x = self.inputs[0]
        best = self.choose.accumulate(x.values)
        return x.at, best if np.isnan(self.held) else self.choose(best, self.held)


def _lowest(timeline: Timeline, inputs: tuple[Cell, ...], rows: float) -> Cell:
    return Lowest(timeline, inputs, rows) if rows else BestSoFar(timeline, inputs, np.minimum)


def _highest(timeline: Timeline, inputs: tuple[Cell, ...], rows: float) -> Cell:
    return Highest(timeline, inputs, rows) if rows else BestSoFar(timeline, inputs, np.maximum)


class Spike(Windowed):
    """Only a value above all of its window can be one, so that few medians are needed."""

    def compute(self, block: Block) -> tuple[Rows, Values]:
        x = self.inputs[0]
        if not len(x.at):
            return NO_ROWS, NO_VALUES
        series = self.extended(x.values, self.n)
        first = len(series) - len(x.values)
        height = np.zeros(len(x.values))
        begun = min(first, self.n) if first >= self.n else first
        for i in range(begun, min(self.n, len(series))):
            if i and series[i] > series[:i].max():
                height[i - first] = _heights(series[i : i + 1], series[None, :i])[0]
        if len(series) > self.n:
            windows = np.lib.stride_tricks.sliding_window_view(series[:-1], self.n)
            high = np.flatnonzero(series[self.n :] > windows.max(axis=1))
            height[high + self.n - first] = _heights(series[high + self.n], windows[high])
        short = max(0, (self.n + 1) // 2 - first)
        return x.at[short:], height[short:]


def _heights(values: NDArray[np.float64], windows: NDArray[np.float64]) -> NDArray[np.float64]:
    level = np.median(windows, axis=1)
    deviation = np.median(np.abs(windows - level[:, None]), axis=1)
    return np.asarray((values - level) / np.maximum(np.maximum(1.4826 * deviation, 0.01 * np.abs(level)), 1e-12))


class Delta(Windowed):
    def compute(self, block: Block) -> tuple[Rows, Values]:
        x = self.inputs[0]
        series = self.extended(x.values, self.n)
        change = series[self.n :] - series[: len(series) - self.n] if len(series) > self.n else NO_VALUES
        at = x.at if len(change) == len(x.at) else x.at[len(x.at) - len(change) :]
        return _kept(at, change, _finite(change, None))


class First(Windowed):
    def compute(self, block: Block) -> tuple[Rows, Values]:
        x = self.inputs[0]
        seen = len(self.tail)
        result = np.empty(len(x.values))
        for i in range(min(self.n - seen, len(x.values))):
            self.tail = np.append(self.tail, x.values[i])
            result[i] = np.median(self.tail)
        if len(x.values) > self.n - seen:
            result[max(0, self.n - seen) :] = np.median(self.tail)
        return x.at, result


class Count(Cell):
    def compute(self, block: Block) -> tuple[Rows, Values]:
        x = self.inputs[0]
        return x.at, self.start + np.arange(1.0, len(x.at) + 1)

    @property
    def start(self) -> float:
        return 0.0 if np.isnan(self.held) else self.held


class Total(Count):
    def compute(self, block: Block) -> tuple[Rows, Values]:
        x = self.inputs[0]
        return x.at, self.start + np.cumsum(x.values, dtype=np.float64)


class Ever(Count):
    def compute(self, block: Block) -> tuple[Rows, Values]:
        x = self.inputs[0]
        return x.at, np.logical_or.accumulate(_true(x.values)) | (self.start > 0)


class Streak(Count):
    def compute(self, block: Block) -> tuple[Rows, Values]:
        x = self.inputs[0]
        broken = last_false(x.values)
        place = np.arange(len(broken))
        return x.at, np.where(broken < 0, self.start + place + 1, place - broken).astype(np.float64)


class Fraction(Windowed):
    def compute(self, block: Block) -> tuple[Rows, Values]:
        x = self.inputs[0]
        series = self.extended(_true(x.values).astype(np.float64), self.n - 1)
        if len(series) < self.n:
            return NO_ROWS, NO_VALUES
        sums = np.concatenate(([0.0], np.cumsum(series)))
        result = (sums[self.n :] - sums[: -self.n]) / self.n
        return x.at if len(result) == len(x.at) else x.at[len(x.at) - len(result) :], result


def last_false(values: Values) -> Rows:
    """For each update the position of the last one that was false, itself included; -1 if there was none."""
    return np.maximum.accumulate(np.where(_true(values), -1, np.arange(len(values))))


class Sustained(Cell):
    """True for long enough; see the cell of the same name in `step`."""

    def __init__(self, timeline: Timeline, inputs: tuple[Cell, ...], rows: float, steps: float, share: float) -> None:
        super().__init__(timeline, inputs)
        self.rows, self.steps, self.share = rows, steps, share
        self.begun = 0
        self.since: float | None = None
        #: The step at which the stretch that reaches into the block began, and the positions within the block.
        self.onset: float = 0.0
        self.broken: Rows = NO_ROWS
        self.now: NDArray[np.float64] = NO_VALUES

    def advance(self, block: Block) -> None:
        self._carry()
        super().advance(block)

    def _carry(self) -> None:
        """Keep what the next block needs of this one."""
        if not len(self.broken):
            return
        last = int(self.broken[-1])
        if last >= 0:
            self.since, self.begun = float(self.now[last]), len(self.now) - 1 - last
            if self.begun:
                self.onset = float(self.now[last + 1])
        else:
            if not self.begun:
                self.onset = float(self.now[0])
            self.begun += len(self.now)

    def compute(self, block: Block) -> tuple[Rows, Values]:
        x = self.inputs[0]
        self.broken, self.now = NO_ROWS, NO_VALUES
        if not len(x.at):
            return NO_ROWS, NO_VALUES
        self.now = now = block.steps_at(x.at)
        self.broken = broken = last_false(x.values)
        if self.since is None:
            self.since = float(now[0])
        if not _true(x.values).any():
            return x.at, np.zeros(len(now), dtype=bool)
        inside = broken >= 0
        place = np.arange(len(now))
        rows = np.where(inside, place - broken, self.begun + place + 1)
        span = now - np.where(inside, now[np.maximum(broken, 0)], self.since)
        held = _true(x.values) & (rows >= self.rows) & (span >= self.steps)
        if self.share:
            horizon = self.timeline.horizon
            held &= span >= self.share * (now if horizon is None else horizon)
        return x.at, held

    def onset_at(self, row: int) -> int:
        """The first step of the unbroken stretch that reaches this row of the block."""
        place = int(np.searchsorted(self.at, row, side="right")) - 1
        if place < 0:
            return int(self.onset)
        broken = int(self.broken[place])
        if broken < 0 and self.begun:
            return int(self.onset)
        return int(self.now[broken + 1])


_CELLS: dict[str, Callable[..., Cell]] = {
    "metric": Metric,
    "nonfinite": NonFinite,
    "present": Present,
    "fact": _fact,
    "step": StepNow,
    "progress": Progress,
    "after": After,
    "before": Before,
    "after_warmup": _after_warmup,
    "ema": Ema,
    "mean": Mean,
    "median": Median,
    "std": Std,
    "slope": Slope,
    "spike": Spike,
    "delta": Delta,
    "first": First,
    "lowest": _lowest,
    "highest": _highest,
    "count": Count,
    "sustained": Sustained,
    "streak": Streak,
    "fraction": Fraction,
    "total": Total,
    "ever": Ever,
}
