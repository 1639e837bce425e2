"""Evaluate expressions one row at a time, with plain floats.

Each distinct sub-expression becomes one cell, shared by all rules that use it. A row updates only the cells
that its metrics can reach: for each set of metrics that a row may carry, that list is worked out once.
"""

from __future__ import annotations

import math
from bisect import bisect_left, insort
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import ClassVar

from barograph.core.names import series_key, split_of
from barograph.signals.expression import Signal
from barograph.signals.timeline import Timeline

__all__ = ["Cell", "Stepper", "Sustained"]


class Clock:
    """The row that is being read."""

    __slots__ = ("row", "step", "timeline", "values")

    def __init__(self, timeline: Timeline) -> None:
        self.timeline = timeline
        self.row = -1
        self.step = 0.0
        self.values: Mapping[str, float] = {}


class Cell:
    """The state of one sub-expression: its value, and the row of its last update.

    A cell whose inputs all lack updates of their own (phases, facts) is *passive*: it has a value in every
    row, but that value never counts as an update.
    """

    __slots__ = ("clock", "inputs", "stamp", "value")
    passive: ClassVar[bool] = False

    def __init__(self, clock: Clock, inputs: tuple[Cell, ...]) -> None:
        self.clock = clock
        self.inputs = inputs
        self.value: float | None = None
        self.stamp = -1

    def update(self, row: int) -> None:
        raise NotImplementedError


class Stepper:
    """Many expressions over one run, advanced together."""

    def __init__(self, signals: Iterable[Signal], timeline: Timeline) -> None:
        self.clock = Clock(timeline)
        self._cells: dict[Signal, Cell] = {}
        self._order: list[tuple[Signal, Cell]] = []
        self._plans: dict[tuple[str, ...], list[Callable[[int], None]]] = {}
        for signal in signals:
            self._cell(signal)

    def cell(self, signal: Signal) -> Cell:
        """The cell that holds the value of one of the expressions given at the start."""
        return self._cells[signal]

    def advance(self, step: float, values: Mapping[str, float]) -> int:
        """Read one row: values by series key, NaN and infinities included. Returns the row's number."""
        clock = self.clock
        clock.row = row = clock.row + 1
        clock.step = step
        clock.values = values
        keys = tuple(values)
        plan = self._plans.get(keys)
        if plan is None:
            plan = self._plans[keys] = self._plan(frozenset(keys))
        for update in plan:
            update(row)
        return row

    def _cell(self, signal: Signal) -> Cell:
        if signal in self._cells:
            return self._cells[signal]
        inputs = tuple(self._cell(part) for part in signal.inputs)
        cell = _make(signal, self.clock, inputs)
        self._cells[signal] = cell
        self._order.append((signal, cell))
        return cell

    def _plan(self, keys: frozenset[str]) -> list[Callable[[int], None]]:
        splits = {split_of(key)[0] for key in keys}
        reached: set[Signal] = set()
        updates: list[Callable[[int], None]] = []
        for signal, cell in self._order:
            if signal.word in {"metric", "nonfinite"}:
                touched = _series(signal) in keys
            elif signal.word == "present":
                touched = signal.arguments[1] in splits
            else:
                touched = cell.passive or any(part in reached for part in signal.inputs)
            if touched and not isinstance(cell, Still):
                if not cell.passive:
                    reached.add(signal)
                updates.append(cell.update)
        return updates


def _series(signal: Signal) -> str:
    return series_key(str(signal.arguments[0]), str(signal.arguments[1]))


def _make(signal: Signal, clock: Clock, inputs: tuple[Cell, ...]) -> Cell:
    """The cell for one node. Bare numbers among the operands become cells that stand still."""
    word = signal.word
    if word in _TWO:
        operands = iter(inputs)
        pair = tuple(
            next(operands) if isinstance(argument, Signal) else Still(clock, float(argument))  # type: ignore[arg-type]
            for argument in signal.arguments
        )
        kind: type[Pair] = PassivePair if pair[0].passive and pair[1].passive else Pair
        return kind(clock, pair, _TWO[word])
    if word in _ONE:
        if inputs[0].passive:
            return PassiveOne(clock, inputs, _ONE[word])
        return One(clock, inputs, _ONE[word])
    if word in {"and", "or"}:
        joined: dict[str, tuple[type[Joined], type[Joined]]] = {"and": (And, PassiveAnd), "or": (Or, PassiveOr)}
        return joined[word][all(cell.passive for cell in inputs)](clock, inputs)
    numbers = [argument for argument in signal.arguments if not isinstance(argument, Signal)]
    return _CELLS[word](clock, inputs, *numbers)


# Leaves


class MetricCell(Cell):
    __slots__ = ("key",)

    def __init__(self, clock: Clock, inputs: tuple[Cell, ...], name: str, split: str) -> None:
        super().__init__(clock, inputs)
        self.key = series_key(name, split)

    def update(self, row: int) -> None:
        value = self.clock.values[self.key]
        if value - value == 0.0:  # false for NaN and infinities, and cheaper than isfinite
            self.value = value
            self.stamp = row


class NonFinite(MetricCell):
    __slots__ = ()

    def update(self, row: int) -> None:
        value = self.clock.values[self.key]
        self.value = value - value != 0.0
        self.stamp = row


class Present(MetricCell):
    """No value before the metric has been seen once: what is never logged is not missing."""

    __slots__ = ()

    def update(self, row: int) -> None:
        here = self.key in self.clock.values
        if here or self.value is not None:
            self.value = here
            self.stamp = row


class Still(Cell):
    """A constant, or a fact of the configuration."""

    __slots__ = ()
    passive = True

    def __init__(self, clock: Clock, value: float | None) -> None:
        super().__init__(clock, ())
        self.value = value


def _fact(clock: Clock, inputs: tuple[Cell, ...], name: str) -> Cell:
    return Still(clock, clock.timeline.facts.get(name))


class StepNow(Cell):
    __slots__ = ()
    passive = True

    def update(self, row: int) -> None:
        self.value = self.clock.step


class Progress(Cell):
    __slots__ = ()
    passive = True

    def update(self, row: int) -> None:
        horizon = self.clock.timeline.horizon
        self.value = self.clock.step / horizon if horizon else None


class After(Cell):
    __slots__ = ("limit",)
    passive = True

    def __init__(self, clock: Clock, inputs: tuple[Cell, ...], share: float, steps: float) -> None:
        super().__init__(clock, inputs)
        self.limit = clock.timeline.reach(share, steps)

    def update(self, row: int) -> None:
        self.value = True if self.clock.step >= self.limit else None


class Before(After):
    __slots__ = ()

    def update(self, row: int) -> None:
        self.value = self.clock.step <= self.limit


def _after_warmup(clock: Clock, inputs: tuple[Cell, ...]) -> Cell:
    return After(clock, inputs, 0, clock.timeline.warmup_end())


# Arithmetic, comparison, logic


class One(Cell):
    """A function of one number. Where it has no finite result, there is no update."""

    __slots__ = ("function", "x")

    def __init__(self, clock: Clock, inputs: tuple[Cell, ...], function: Callable[[float], float]) -> None:
        super().__init__(clock, inputs)
        self.x = inputs[0]
        self.function = function

    def update(self, row: int) -> None:
        if self.x.stamp == row:
            result = self.function(self.x.value)  # type: ignore[arg-type]
            if result - result == 0.0:
                self.value = result
                self.stamp = row


class PassiveOne(One):
    __slots__ = ()
    passive = True

    def update(self, row: int) -> None:
        result = math.nan if self.x.value is None else self.function(self.x.value)
        self.value = result if math.isfinite(result) else None


class Pair(Cell):
    """A function of two numbers: updated when either is, once both have a value."""

    __slots__ = ("a", "b", "function")

    def __init__(self, clock: Clock, inputs: tuple[Cell, ...], function: Callable[[float, float], float]) -> None:
        super().__init__(clock, inputs)
        self.a, self.b = inputs
        self.function = function

    def update(self, row: int) -> None:
        a, b = self.a, self.b
        if a.stamp == row or b.stamp == row:
            x, y = a.value, b.value
            if x is not None and y is not None:
                result = self.function(x, y)
                if result - result == 0.0:
                    self.value = result
                    self.stamp = row


class PassivePair(Pair):
    __slots__ = ()
    passive = True

    def update(self, row: int) -> None:
        x, y = self.a.value, self.b.value
        result = math.nan if x is None or y is None else self.function(x, y)
        self.value = result if math.isfinite(result) else None


class Joined(Cell):
    __slots__ = ("a", "b")

    def __init__(self, clock: Clock, inputs: tuple[Cell, ...]) -> None:
        super().__init__(clock, inputs)
        self.a, self.b = inputs

    def join(self) -> float | None:
        raise NotImplementedError

    def update(self, row: int) -> None:
        if self.a.stamp == row or self.b.stamp == row:
            result = self.join()
            if result is not None:
                self.value = result
                self.stamp = row


class And(Joined):
    __slots__ = ()

    def join(self) -> float | None:
        x, y = self.a.value, self.b.value
        return None if x is None or y is None else bool(x and y)


class Or(Joined):
    __slots__ = ()

    def join(self) -> float | None:
        x, y = self.a.value, self.b.value
        return None if x is None and y is None else bool(x or y)


class PassiveAnd(And):
    __slots__ = ()
    passive = True

    def update(self, row: int) -> None:
        self.value = self.join()


class PassiveOr(Or):
    __slots__ = ()
    passive = True

    def update(self, row: int) -> None:
        self.value = self.join()


def _divide(a: float, b: float) -> float:
    return a / b if b else math.nan


def _logarithm(a: float) -> float:
    return math.log(a) if a > 0 else math.nan


_ONE: dict[str, Callable[[float], float]] = {
    "neg": lambda a: -a,
    "abs": abs,
    "log": _logarithm,
    "not": lambda a: not a,
}
_TWO: dict[str, Callable[[float, float], float]] = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "div": _divide,
    "minimum": lambda a, b: b if b < a else a,
    "maximum": lambda a, b: b if b > a else a,
    "lt": lambda a, b: a < b,
    "le": lambda a, b: a <= b,
    "gt": lambda a, b: a > b,
    "ge": lambda a, b: a >= b,
}


# Words with a memory


class Ema(Cell):
    __slots__ = ("share", "steps", "then", "weight", "x")

    def __init__(self, clock: Clock, inputs: tuple[Cell, ...], rows: float, steps: float, share: float) -> None:
        super().__init__(clock, inputs)
        self.x = inputs[0]
        self.steps, self.share = steps, share
        self.weight = 2.0 / (rows + 1.0) if rows else 0.0
        self.then = 0.0

    def update(self, row: int) -> None:
        x = self.x
        if x.stamp == row:
            new, old = x.value, self.value
            if old is None:
                self.value = new
            else:
                weight = self.weight or self._weight_by_steps()
                self.value = old + weight * (new - old)  # type: ignore[operator]
            self.then = self.clock.step
            self.stamp = row

    def _weight_by_steps(self) -> float:
        clock = self.clock
        horizon = clock.timeline.horizon
        span = self.steps or self.share * (clock.step if horizon is None else horizon)
        gone = max(0.0, clock.step - self.then)
        return -math.expm1(-gone / span) if span > 0 else 1.0


class Windowed(Cell):
    """A function of the last values."""

    __slots__ = ("window", "x")

    def __init__(self, clock: Clock, inputs: tuple[Cell, ...], rows: float) -> None:
        super().__init__(clock, inputs)
        self.x = inputs[0]
        self.window: deque[float] = deque(maxlen=int(rows))

    def result(self) -> float | None:
        raise NotImplementedError

    def update(self, row: int) -> None:
        if self.x.stamp == row:
            self.window.append(self.x.value)  # type: ignore[arg-type]
            result = self.result()
            if result is not None:
                self.value = result
                self.stamp = row


class Mean(Windowed):
    __slots__ = ()

    def result(self) -> float:
        return sum(self.window) / len(self.window)


class Std(Windowed):
    __slots__ = ()

    def result(self) -> float | None:
        n = len(self.window)
        if n < 2:
            return None
        mean = sum(self.window) / n
        return math.sqrt(sum((value - mean) ** 2 for value in self.window) / (n - 1))


class Slope(Windowed):
    __slots__ = ()

    def result(self) -> float | None:
        n = len(self.window)
        if n < 3:
            return None
        middle = (n - 1) / 2
        rise = sum((i - middle) * value for i, value in enumerate(self.window))
        return rise / (n * (n * n - 1) / 12)


class Median(Windowed):
    __slots__ = ("ranked",)

    def __init__(self, clock: Clock, inputs: tuple[Cell, ...], rows: float) -> None:
        super().__init__(clock, inputs, rows)
        self.ranked: list[float] = []

    def update(self, row: int) -> None:
        if self.x.stamp == row:
            slide(self.window, self.ranked, self.x.value)  # type: ignore[arg-type]
            self.value = middle_of(self.ranked)
            self.stamp = row


class Spike(Median):
    """Compared with the values before: the window holds those when a new value arrives."""

    __slots__ = ()

    def update(self, row: int) -> None:
        if self.x.stamp == row:
            value: float = self.x.value  # type: ignore[assignment]
            ranked = self.ranked
            if len(ranked) * 2 >= self.window.maxlen:  # type: ignore[operator]
                self.value = spike_height(value, ranked) if value > ranked[-1] else 0.0
                self.stamp = row
            slide(self.window, ranked, value)


class Delta(Windowed):
    __slots__ = ()

    def __init__(self, clock: Clock, inputs: tuple[Cell, ...], rows: float) -> None:
        super().__init__(clock, inputs, rows + 1)

    def result(self) -> float | None:
        window = self.window
        return window[-1] - window[0] if len(window) == window.maxlen else None


class First(Cell):
    __slots__ = ("ranked", "rows", "x")

    def __init__(self, clock: Clock, inputs: tuple[Cell, ...], rows: float) -> None:
        super().__init__(clock, inputs)
        self.x = inputs[0]
        self.rows = int(rows)
        self.ranked: list[float] = []

    def update(self, row: int) -> None:
        if self.x.stamp == row:
            if len(self.ranked) < self.rows:
                insort(self.ranked, self.x.value)  # type: ignore[type-var]
                self.value = middle_of(self.ranked)
            self.stamp = row


class Extreme(Cell):
    __slots__ = ("choose", "window", "x")

    def __init__(
        self, clock: Clock, inputs: tuple[Cell, ...], rows: float, choose: Callable[[Iterable[float]], float]
    ) -> None:
        super().__init__(clock, inputs)
        self.x = inputs[0]
        self.choose = choose
        self.window: deque[float] | None = deque(maxlen=int(rows)) if rows else None

    def update(self, row: int) -> None:
        if self.x.stamp == row:
            value: float = self.x.value  # type: ignore[assignment]
            if self.window is not None:
                self.window.append(value)
                self.value = self.choose(self.window)
            else:
                self.value = value if self.value is None else self.choose((self.value, value))
            self.stamp = row


class Count(Cell):
    __slots__ = ("x",)

    def __init__(self, clock: Clock, inputs: tuple[Cell, ...]) -> None:
        super().__init__(clock, inputs)
        self.x = inputs[0]

    def update(self, row: int) -> None:
        if self.x.stamp == row:
            self.value = (self.value or 0.0) + 1.0
            self.stamp = row


class Total(Count):
    __slots__ = ()

    def update(self, row: int) -> None:
        if self.x.stamp == row:
            self.value = (self.value or 0.0) + (1.0 if self.x.value else 0.0)
            self.stamp = row


class Ever(Count):
    __slots__ = ()

    def update(self, row: int) -> None:
        if self.x.stamp == row:
            self.value = bool(self.value or self.x.value)
            self.stamp = row


class Streak(Count):
    __slots__ = ()

    def update(self, row: int) -> None:
        if self.x.stamp == row:
            self.value = (self.value or 0.0) + 1.0 if self.x.value else 0.0
            self.stamp = row


class Fraction(Windowed):
    __slots__ = ()

    def result(self) -> float | None:
        window = self.window
        return sum(window) / len(window) if len(window) == window.maxlen else None


class Sustained(Cell):
    """True for long enough. A row stands for the steps since the row before it, so the span begins there."""

    __slots__ = ("begun", "onset", "rows", "share", "since", "steps", "then", "x")

    def __init__(self, clock: Clock, inputs: tuple[Cell, ...], rows: float, steps: float, share: float) -> None:
        super().__init__(clock, inputs)
        self.x = inputs[0]
        self.rows, self.steps, self.share = rows, steps, share
        self.begun = 0.0
        #: The first step at which it was true, in the stretch that goes on.
        self.onset: float = 0.0
        self.since: float | None = None
        self.then: float | None = None

    def update(self, row: int) -> None:
        x = self.x
        if x.stamp == row:
            step = self.clock.step
            if not x.value:
                self.value, self.begun, self.since = False, 0.0, None
            else:
                if self.since is None:
                    self.since = step if self.then is None else self.then
                    self.onset = step
                self.begun += 1.0
                self.value = (
                    self.begun >= self.rows
                    and step - self.since >= self.steps
                    and (not self.share or step - self.since >= self.share * self._length())
                )
            self.then = step
            self.stamp = row

    def _length(self) -> float:
        horizon = self.clock.timeline.horizon
        return self.clock.step if horizon is None else horizon


def _lowest(clock: Clock, inputs: tuple[Cell, ...], rows: float) -> Cell:
    return Extreme(clock, inputs, rows, min)


def _highest(clock: Clock, inputs: tuple[Cell, ...], rows: float) -> Cell:
    return Extreme(clock, inputs, rows, max)


_CELLS: dict[str, Callable[..., Cell]] = {
    "metric": MetricCell,
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


# Ranks


def slide(window: deque[float], ranked: list[float], value: float) -> None:
    """Move the window on by one value, keeping its values ranked as well."""
    if len(window) == window.maxlen:
        del ranked[bisect_left(ranked, window[0])]
    window.append(value)
    insort(ranked, value)


def middle_of(ranked: list[float]) -> float:
    """The median of values in rising order."""
    n = len(ranked)
    return ranked[n // 2] if n % 2 else (ranked[n // 2 - 1] + ranked[n // 2]) / 2


def spike_height(value: float, ranked: list[float]) -> float:
    """Robust standard deviations above the median; a spread of zero counts as a hundredth of the level."""
    level = middle_of(ranked)
    deviation = middle_of(sorted(abs(other - level) for other in ranked))
    return (value - level) / max(1.4826 * deviation, 0.01 * abs(level), 1e-12)
