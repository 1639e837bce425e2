"""Evaluate expressions over whole columns, with NumPy: the same meaning as `step`, row for row.

A series is the rows at which a signal was updated, and its value there. Signals of metrics that are logged
together share one array of rows, so that joining them costs nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias, cast

import numpy as np
from numpy.typing import NDArray

from barograph.core.names import series_key, split_of
from barograph.core.run import Run
from barograph.signals.expression import Signal
from barograph.signals.timeline import Timeline

__all__ = ["Passive", "Scanner", "Series", "onset"]

Rows: TypeAlias = NDArray[np.int64]
Floats: TypeAlias = NDArray[np.float64]
#: Windows are worked through in blocks of this many rows, to bound memory.
BLOCK = 1 << 16


@dataclass(frozen=True, slots=True)
class Series:
    """A signal with updates of its own: the rows of the updates, and the value after each."""

    at: Rows
    values: Floats

    def before_or_at(self, rows: Rows) -> Floats:
        """The value held at each row; NaN before the first update."""
        if self.at is rows:
            return self.values
        position = np.searchsorted(self.at, rows, side="right") - 1
        held = np.full(len(rows), np.nan)
        known = position >= 0
        held[known] = self.values[position[known]]
        return held


@dataclass(frozen=True, slots=True)
class Passive:
    """A signal without updates of its own: its value in every row, NaN where it has none."""

    values: Floats

    def before_or_at(self, rows: Rows) -> Floats:
        return self.values if len(rows) == len(self.values) else self.values[rows]


Scanned: TypeAlias = Series | Passive


class Scanner:
    """Expressions over one run; equal sub-expressions are worked out once."""

    def __init__(self, run: Run, timeline: Timeline) -> None:
        self.run = run
        self.timeline = timeline
        self.steps: Floats = np.frombuffer(run.steps, dtype=np.int64).astype(np.float64) if len(run) else np.empty(0)
        self._rows: dict[int, Rows] = {}
        self._unions: dict[tuple[int, int], Rows] = {}
        self._done: dict[Signal, Scanned] = {}

    def scan(self, signal: Signal) -> Scanned:
        """The whole course of a signal."""
        done = self._done.get(signal)
        if done is None:
            with np.errstate(all="ignore"):
                done = self._done[signal] = self._scan(signal)
        return done

    def _scan(self, signal: Signal) -> Scanned:
        word = signal.word
        if word in _LEAVES:
            return _LEAVES[word](self, *signal.arguments)
        if word in _TWO:
            a, b = (self._operand(argument) for argument in signal.arguments)
            return self._pair(a, b, _TWO[word])
        if word in {"and", "or"}:
            a, b = (self.scan(part) for part in signal.inputs)
            return self._pair(a, b, _and if word == "and" else _or)
        (x,) = (self.scan(part) for part in signal.inputs)
        if word in _ONE:
            return finite(x, _ONE[word](x.values))
        numbers = cast("tuple[float, ...]", tuple(a for a in signal.arguments if not isinstance(a, Signal)))
        return _MEMORY[word](self, cast("Series", x), *numbers)

    def _operand(self, argument: object) -> Scanned | float:
        return self.scan(argument) if isinstance(argument, Signal) else float(cast("float", argument))

    def _pair(self, a: Scanned | float, b: Scanned | float, function: Callable[[Floats, Floats], Floats]) -> Scanned:
        active = [side.at for side in (a, b) if isinstance(side, Series)]
        if not active:
            rows = np.arange(len(self.steps))
            return Passive(_unknown_if_infinite(function(_held(a, rows), _held(b, rows))))
        at = active[0] if len(active) == 1 else self._union(active[0], active[1])
        return finite(Series(at, np.empty(0)), function(_held(a, at), _held(b, at)))

    def _union(self, a: Rows, b: Rows) -> Rows:
        if a is b:
            return a
        key = (id(a), id(b))
        if key not in self._unions:
            union = np.union1d(a, b)
            # Where one holds all rows of the other, keep its very array: sharing is what makes joining cheap.
            self._unions[key] = a if len(union) == len(a) else b if len(union) == len(b) else union
        return self._unions[key]

    def rows_of(self, at: object) -> Rows:
        """A column's rows as an array; columns that share their rows share the array."""
        if id(at) not in self._rows:
            self._rows[id(at)] = np.frombuffer(cast("bytes", at), dtype=np.int64)
        return self._rows[id(at)]


def finite(template: Scanned, values: Floats) -> Scanned:
    """The result at the template's rows, without the updates that have no finite value."""
    if isinstance(template, Passive):
        return Passive(_unknown_if_infinite(values))
    good = np.isfinite(values)
    if good.all():
        return Series(template.at, values)
    return Series(template.at[good], values[good])


def _held(side: Scanned | float, rows: Rows) -> Floats:
    return np.full(len(rows), side) if isinstance(side, float) else side.before_or_at(rows)


def _unknown_if_infinite(values: Floats) -> Floats:
    return np.where(np.isfinite(values), values, np.nan)


# Leaves


def _metric(scanner: Scanner, name: str, split: str) -> Series:
    column = scanner.run.columns.get(series_key(name, split))
    if column is None or not len(column):
        return Series(np.empty(0, dtype=np.int64), np.empty(0))
    values = np.frombuffer(column.values, dtype=np.float64)
    return cast("Series", finite(Series(scanner.rows_of(column.at), values), values))


def _nonfinite(scanner: Scanner, name: str, split: str) -> Series:
    column = scanner.run.columns.get(series_key(name, split))
    if column is None or not len(column):
        return Series(np.empty(0, dtype=np.int64), np.empty(0))
    values = np.frombuffer(column.values, dtype=np.float64)
    return Series(scanner.rows_of(column.at), (~np.isfinite(values)).astype(np.float64))


def _present(scanner: Scanner, name: str, split: str) -> Series:
    carried = [
        scanner.rows_of(column.at)
        for key, column in scanner.run.columns.items()
        if len(column) and split_of(key)[0] == split
    ]
    if not carried:
        return Series(np.empty(0, dtype=np.int64), np.empty(0))
    distinct = list({id(rows): rows for rows in carried}.values())
    rows = distinct[0] if len(distinct) == 1 else np.unique(np.concatenate(distinct))
    column = scanner.run.columns.get(series_key(name, split))
    own = scanner.rows_of(column.at) if column and len(column) else np.empty(0, dtype=np.int64)
    seen = rows[np.searchsorted(rows, own[0]) :] if len(own) else rows[:0]
    return Series(seen, np.isin(seen, own, assume_unique=True).astype(np.float64))


def _fact(scanner: Scanner, name: str) -> Passive:
    return Passive(np.full(len(scanner.steps), scanner.timeline.facts.get(name, np.nan)))


def _step(scanner: Scanner) -> Passive:
    return Passive(scanner.steps)


def _progress(scanner: Scanner) -> Passive:
    horizon = scanner.timeline.horizon
    return Passive(scanner.steps / horizon if horizon else np.full(len(scanner.steps), np.nan))


def _after(scanner: Scanner, share: float, steps: float) -> Passive:
    return Passive(np.where(scanner.steps >= scanner.timeline.reach(share, steps), 1.0, np.nan))


def _before(scanner: Scanner, share: float, steps: float) -> Passive:
    return Passive((scanner.steps <= scanner.timeline.reach(share, steps)).astype(np.float64))


def _after_warmup(scanner: Scanner) -> Passive:
    return _after(scanner, 0, scanner.timeline.warmup_end())


# Arithmetic, comparison, logic. Truth is 1.0 and 0.0; NaN is "no value" and finite() removes it.


def _compare(test: Callable[[Floats, Floats], NDArray[np.bool_]]) -> Callable[[Floats, Floats], Floats]:
    def compare(a: Floats, b: Floats) -> Floats:
        return np.where(np.isnan(a) | np.isnan(b), np.nan, test(a, b))

    return compare


def _and(a: Floats, b: Floats) -> Floats:
    return a * b  # NaN on either side stays NaN


def _or(a: Floats, b: Floats) -> Floats:
    return np.fmax(a, b)  # NaN only if both are


def _divide(a: Floats, b: Floats) -> Floats:
    return np.where(b == 0, np.nan, a / np.where(b == 0, 1.0, b))


def _smaller(a: Floats, b: Floats) -> Floats:
    return np.minimum(a, b)


def _larger(a: Floats, b: Floats) -> Floats:
    return np.maximum(a, b)


_ONE: dict[str, Callable[[Floats], Floats]] = {
    "neg": np.negative,
    "abs": np.abs,
    "log": lambda a: np.log(np.where(a > 0, a, np.nan)),
    "not": lambda a: 1.0 - a,
}
_TWO: dict[str, Callable[[Floats, Floats], Floats]] = {
    "add": np.add,
    "sub": np.subtract,
    "mul": np.multiply,
    "div": _divide,
    "minimum": _smaller,
    "maximum": _larger,
    "lt": _compare(np.less),
    "le": _compare(np.less_equal),
    "gt": _compare(np.greater),
    "ge": _compare(np.greater_equal),
}


# Words with a memory


def _ema(scanner: Scanner, x: Series, rows: float, steps: float, share: float) -> Series:
    n = len(x.values)
    if not n:
        return x
    if rows:
        weight = np.full(n, 2.0 / (rows + 1.0))
    else:
        now = scanner.steps[x.at]
        horizon = scanner.timeline.horizon
        span = np.full(n, steps) if steps else share * (now if horizon is None else np.full(n, horizon))
        gone = np.maximum(0.0, np.diff(now, prepend=now[0]))
        weight = np.where(span > 0, -np.expm1(-gone / np.where(span > 0, span, 1.0)), 1.0)
    weight[0] = 1.0
    keep, moved = 1.0 - weight, weight * x.values
    # y[i] = keep[i] y[i-1] + moved[i], by doubling: after k rounds each entry spans 2^k rows. Rounds end as soon
    # as what is kept over that span is lost in rounding.
    shift = 1
    while shift < n and np.abs(keep).max() > 1e-18:
        moved[shift:] += keep[shift:] * moved[:-shift]
        keep[shift:] *= keep[:-shift].copy()
        shift *= 2
    return Series(x.at, moved)


def _windows(values: Floats, rows: int, function: Callable[[Floats], Floats], least: int = 1) -> Floats:
    """A function of the last `rows` values, block by block; over fewer at the beginning, NaN below `least`."""
    n = len(values)
    result = np.full(n, np.nan)
    for i in range(least - 1, min(rows - 1, n)):
        result[i] = function(values[None, : i + 1])[0]
    if n >= rows:
        view = np.lib.stride_tricks.sliding_window_view(values, rows)
        for start in range(0, len(view), BLOCK):
            block = function(view[start : start + BLOCK])
            result[start + rows - 1 : start + rows - 1 + len(block)] = block
    return result


def _rolling(function: Callable[[Floats], Floats], least: int = 1) -> Callable[[Scanner, Series, float], Series]:
    def rolling(scanner: Scanner, x: Series, rows: float) -> Series:
        return cast("Series", finite(x, _windows(x.values, int(rows), function, least)))

    return rolling


def _slope_of(window: Floats) -> Floats:
    n = window.shape[1]
    lever = np.arange(n) - (n - 1) / 2
    return window @ lever / (n * (n * n - 1) / 12)


def _fraction(scanner: Scanner, x: Series, rows: float) -> Series:
    sums = np.concatenate(([0.0], np.cumsum(x.values)))
    n = int(rows)
    if len(x.values) < n:
        return Series(x.at[:0], x.values[:0])
    return Series(x.at[n - 1 :], (sums[n:] - sums[:-n]) / n)


def _spike(scanner: Scanner, x: Series, rows: float) -> Series:
    values, n = x.values, int(rows)
    least = (n + 1) // 2
    if len(values) <= least:
        return Series(x.at[:0], x.values[:0])
    ceiling = _windows(values, n, lambda window: window.max(axis=1))[:-1]
    height = np.zeros(len(values))
    for i in np.flatnonzero(values[1:] > ceiling) + 1:
        earlier = values[max(0, i - n) : i]
        level = np.median(earlier)
        deviation = np.median(np.abs(earlier - level))
        height[i] = (values[i] - level) / max(1.4826 * deviation, 0.01 * abs(level), 1e-12)
    return Series(x.at[least:], height[least:])


def _delta(scanner: Scanner, x: Series, rows: float) -> Series:
    n = int(rows)
    return cast("Series", finite(Series(x.at[n:], x.values[n:]), x.values[n:] - x.values[:-n][: len(x.values[n:])]))


def _first(scanner: Scanner, x: Series, rows: float) -> Series:
    n = min(int(rows), len(x.values))
    if not n:
        return x
    values = np.full(len(x.values), np.median(x.values[:n]))
    for i in range(n - 1):
        values[i] = np.median(x.values[: i + 1])
    return Series(x.at, values)


def _extreme(
    over_all: Callable[[Floats], Floats], over_window: Callable[[Floats], Floats]
) -> Callable[[Scanner, Series, float], Series]:
    def extreme(scanner: Scanner, x: Series, rows: float) -> Series:
        return Series(x.at, _windows(x.values, int(rows), over_window) if rows else over_all(x.values))

    return extreme


def _count(scanner: Scanner, x: Series) -> Series:
    return Series(x.at, np.arange(1.0, len(x.values) + 1))


def _total(scanner: Scanner, x: Series) -> Series:
    return Series(x.at, np.cumsum(x.values))


def _ever(scanner: Scanner, x: Series) -> Series:
    return Series(x.at, np.maximum.accumulate(x.values))


def _last_false(x: Series) -> Rows:
    """For each update the position of the last one that was false, itself included; -1 if there was none."""
    position = np.arange(len(x.values))
    return np.maximum.accumulate(np.where(x.values > 0, -1, position))


def _streak(scanner: Scanner, x: Series) -> Series:
    if not len(x.values):
        return x
    return Series(x.at, (np.arange(len(x.values)) - _last_false(x)).astype(np.float64))


def _sustained(scanner: Scanner, x: Series, rows: float, steps: float, share: float) -> Series:
    if not len(x.values) or not x.values.any():
        return x
    now = scanner.steps[x.at]
    broken = _last_false(x)
    span = now - now[np.maximum(broken, 0)]
    held = (x.values > 0) & (np.arange(len(now)) - broken >= rows) & (span >= steps)
    if share:
        horizon = scanner.timeline.horizon
        held &= span >= share * (now if horizon is None else horizon)
    return Series(x.at, held.astype(np.float64))


def onset(scanner: Scanner, sustained: Signal, row: int) -> int:
    """The first row of the unbroken stretch of truth that a `sustained` condition has reached in this row."""
    inner = cast("Series", scanner.scan(sustained.inputs[0]))
    here = int(np.searchsorted(inner.at, row, side="right")) - 1
    false = np.flatnonzero(inner.values[: here + 1] == 0)
    return int(inner.at[false[-1] + 1 if len(false) else 0])


_LEAVES: Mapping[str, Callable[..., Scanned]] = {
    "metric": _metric,
    "nonfinite": _nonfinite,
    "present": _present,
    "fact": _fact,
    "step": _step,
    "progress": _progress,
    "after": _after,
    "before": _before,
    "after_warmup": _after_warmup,
}
_MEMORY: Mapping[str, Callable[..., Series]] = {
    "ema": _ema,
    "mean": _rolling(lambda window: window.mean(axis=1)),
    "median": _rolling(lambda window: np.asarray(np.median(window, axis=1))),
    "std": _rolling(lambda window: window.std(axis=1, ddof=1), least=2),
    "slope": _rolling(_slope_of, least=3),
    "spike": _spike,
    "delta": _delta,
    "first": _first,
    "lowest": _extreme(np.minimum.accumulate, lambda window: window.min(axis=1)),
    "highest": _extreme(np.maximum.accumulate, lambda window: window.max(axis=1)),
    "count": _count,
    "sustained": _sustained,
    "streak": _streak,
    "fraction": _fraction,
    "total": _total,
    "ever": _ever,
}
