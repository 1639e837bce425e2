"""Cells with a memory: what they keep of one block, they need for the next."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

import numpy as np

from barograph.signals.scan.block import NO_ROWS, NO_VALUES, Block, Floats, Rows, Values
from barograph.signals.scan.cells import Cell, finite, kept, true
from barograph.signals.step.memory import WHOLE
from barograph.signals.timeline import Timeline

__all__ = ["MEMORY", "Sustained"]


class Ema(Cell):
    """Each value weighs less the longer it is ago; see the cell of the same name in `step`."""

    def __init__(self, timeline: Timeline, inputs: tuple[Cell, ...], rows: float, steps: float, share: float) -> None:
        super().__init__(timeline, inputs)
        self.rows, self.steps, self.share = rows, steps, share
        self.mass = 0.0
        self.then = 0.0

    def compute(self, block: Block) -> tuple[Rows, Values]:
        x = self.inputs[0]
        if not len(x.at):
            return NO_ROWS, NO_VALUES
        begins = np.isnan(self.held)
        weight = 2.0 / (self.rows + 1.0) if self.rows else self._by_steps(block.steps_at(x.at), begins=begins)
        # Reckoned from where it stands, so that a series that does not move keeps its value to the last digit.
        level = float(x.values[0]) if begins else self.held
        if self.mass < 1.0:
            weight = self._among_few(np.broadcast_to(weight, len(x.at)), begins=begins)
        return x.at, level + _decay(1.0 - weight, weight * (x.values - level))

    def _by_steps(self, now: Floats, *, begins: bool) -> float | Floats:
        """Weights by the steps that have gone since the update before; one number when all are alike."""
        gone = np.maximum(0.0, np.diff(now, prepend=now[0] if begins else self.then))
        self.then = float(now[-1])
        horizon = self.timeline.horizon
        if not self.steps and horizon is None:
            spans = self.share * now
            return np.where(spans > 0, -np.expm1(-gone / np.where(spans > 0, spans, 1.0)), 1.0)
        span = self.steps or self.share * (horizon or 0.0)
        if span <= 0:
            return 1.0
        alike = not begins and gone.min() == gone.max()
        return float(-np.expm1(-gone[0] / span)) if alike else np.asarray(-np.expm1(-gone / span))

    def _among_few(self, weights: Floats, *, begins: bool) -> Floats:
        """The weights of values when the average is not yet whole. The first value weighs as much as the second."""
        result = weights.copy()
        first = 1 if begins else 0
        if not self.mass:
            nonzero = np.flatnonzero(weights[first:])
            if not len(nonzero):
                return result
            first += int(nonzero[0])
        begun = self.mass or weights[first]
        mass = 1.0 - (1.0 - begun) * np.cumprod(1.0 - weights[first:])
        mass = np.where(mass < WHOLE, mass, 1.0)
        self.mass = float(mass[-1])
        result[first:] = weights[first:] / mass
        return result


def _decay(keep: float | Floats, moved: Floats) -> Floats:
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

    def over(self, windows: Floats) -> Floats:
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
        return kept(x.at, result, finite(result, None))

    def extended(self, values: Values, tail: int) -> Values:
        """The values with the tail of those before them; keeps the new tail."""
        series = np.concatenate((self.tail, values)) if len(self.tail) else values
        self.tail = series[max(0, len(series) - tail) :].copy()
        return series


class Mean(Windowed):
    def over(self, windows: Floats) -> Floats:
        return np.asarray(windows.mean(axis=1))


class Median(Windowed):
    def over(self, windows: Floats) -> Floats:
        return _middle(windows)


def _middle(windows: Floats) -> Floats:
    """The median of each row of a matrix; all its values are finite, which numpy's own would check."""
    half = windows.shape[1] // 2
    if windows.shape[1] % 2:
        return np.asarray(np.partition(windows, half, axis=1)[:, half])
    ranked = np.partition(windows, (half - 1, half), axis=1)
    return np.asarray((ranked[:, half - 1] + ranked[:, half]) / 2)


class Std(Windowed):
    least = 2

    def over(self, windows: Floats) -> Floats:
        return np.asarray(windows.std(axis=1, ddof=1))


class Slope(Windowed):
    least = 3

    def over(self, windows: Floats) -> Floats:
        n = windows.shape[1]
        lever = np.arange(n) - (n - 1) / 2
        return np.asarray(windows @ lever / (n * (n * n - 1) / 12))


class Lowest(Windowed):
    def over(self, windows: Floats) -> Floats:
        return np.asarray(windows.min(axis=1))


class Highest(Windowed):
    def over(self, windows: Floats) -> Floats:
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
        return (x.at[short:], height[short:]) if short else (x.at, height)  # the very array: sharing it is cheap


def _heights(values: Floats, windows: Floats) -> Floats:
    level = _middle(windows)
    deviation = _middle(np.abs(windows - level[:, None]))
    return np.asarray((values - level) / np.maximum(np.maximum(1.4826 * deviation, 0.01 * np.abs(level)), 1e-12))


class Delta(Windowed):
    def compute(self, block: Block) -> tuple[Rows, Values]:
        x = self.inputs[0]
        series = self.extended(x.values, self.n)
        change = series[self.n :] - series[: len(series) - self.n] if len(series) > self.n else NO_VALUES
        at = x.at if len(change) == len(x.at) else x.at[len(x.at) - len(change) :]
        return kept(at, change, finite(change, None))


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


class Settled(Cell):
    def __init__(self, timeline: Timeline, inputs: tuple[Cell, ...], rows: float) -> None:
        super().__init__(timeline, inputs)
        self.missing = int(rows) - 1

    def compute(self, block: Block) -> tuple[Rows, Values]:
        x = self.inputs[0]
        begin = min(self.missing, len(x.at))
        self.missing -= begin
        return (x.at[begin:], x.values[begin:]) if begin else (x.at, x.values)


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
        return x.at, np.logical_or.accumulate(true(x.values)) | (self.start > 0)


class Streak(Count):
    def compute(self, block: Block) -> tuple[Rows, Values]:
        x = self.inputs[0]
        broken = last_false(x.values)
        place = np.arange(len(broken))
        return x.at, np.where(broken < 0, self.start + place + 1, place - broken).astype(np.float64)


class Fraction(Windowed):
    def compute(self, block: Block) -> tuple[Rows, Values]:
        x = self.inputs[0]
        series = self.extended(true(x.values).astype(np.float64), self.n - 1)
        if len(series) < self.n:
            return NO_ROWS, NO_VALUES
        sums = np.concatenate(([0.0], np.cumsum(series)))
        result = (sums[self.n :] - sums[: -self.n]) / self.n
        return x.at if len(result) == len(x.at) else x.at[len(x.at) - len(result) :], result


def last_false(values: Values) -> Rows:
    """For each update the position of the last one that was false, itself included; -1 if there was none."""
    return np.maximum.accumulate(np.where(true(values), -1, np.arange(len(values))))


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
        self.now: Floats = NO_VALUES

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
        if not true(x.values).any():
            return x.at, np.zeros(len(now), dtype=bool)
        inside = broken >= 0
        place = np.arange(len(now))
        rows = np.where(inside, place - broken, self.begun + place + 1)
        span = now - np.where(inside, now[np.maximum(broken, 0)], self.since)
        held = true(x.values) & (rows >= self.rows) & (span >= self.steps)
        if self.share:
            horizon = self.timeline.horizon
            held &= span >= self.share * (now if horizon is None else horizon)
        return x.at, held

    def rows_at(self, row: int) -> int:
        """For how many updates the stretch that reaches this row of the block has lasted."""
        place = int(np.searchsorted(self.at, row, side="right")) - 1
        if place < 0:
            return self.begun
        broken = int(self.broken[place])
        return self.begun + place + 1 if broken < 0 else place - broken

    def onset_at(self, row: int) -> int:
        """The first step of the unbroken stretch that reaches this row of the block."""
        place = int(np.searchsorted(self.at, row, side="right")) - 1
        if place < 0:
            return int(self.onset)
        broken = int(self.broken[place])
        if broken < 0 and self.begun:
            return int(self.onset)
        return int(self.now[broken + 1])


MEMORY: dict[str, Callable[..., Cell]] = {
    "ema": Ema,
    "mean": Mean,
    "median": Median,
    "std": Std,
    "slope": Slope,
    "spike": Spike,
    "delta": Delta,
    "first": First,
    "settled": Settled,
    "lowest": _lowest,
    "highest": _highest,
    "count": Count,
    "sustained": Sustained,
    "streak": Streak,
    "fraction": Fraction,
    "total": Total,
    "ever": Ever,
}
