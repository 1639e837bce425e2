"""Cells with a memory: smoothing, looking back, lasting."""

from __future__ import annotations

import math
from bisect import bisect_left, insort
from collections import deque
from collections.abc import Callable, Iterable

from barograph.signals.step.cells import Cell, Clock

__all__ = ["MEMORY", "WHOLE", "Sustained"]

#: The mass of an average from which on it counts as whole.
WHOLE = 1.0 - 1e-12


class Ema(Cell):
    """Each value weighs less the longer it is ago. While there are few, all that there are make up the whole."""

    __slots__ = ("by_steps", "gone", "mass", "share", "steps", "then", "weight", "x")

    def __init__(self, clock: Clock, inputs: tuple[Cell, ...], rows: float, steps: float, share: float) -> None:
        super().__init__(clock, inputs)
        self.x = inputs[0]
        self.steps, self.share = steps, share
        self.weight = 2.0 / (rows + 1.0) if rows else 0.0
        #: The weight of all values so far; it grows to one, as if the series had always been there.
        self.mass = 0.0
        self.then = 0.0
        self.gone = -1.0
        self.by_steps = 0.0

    def update(self, row: int) -> None:
        x = self.x
        if x.stamp == row:
            old = self.value
            if old is None:
                self.value = x.value
            else:
                weight = self.weight or self._weight_by_steps()
                if self.mass < 1.0:
                    weight = self._among_few(weight)
                self.value = old + weight * (x.value - old)
            self.then = self.clock.step
            self.stamp = row

    def _among_few(self, weight: float) -> float:
        """The weight of a value when the average is not yet whole. The first value weighs as much as the second."""
        if not weight:
            return 0.0
        begun = self.mass or weight
        mass = begun + weight * (1.0 - begun)
        self.mass = mass if mass < WHOLE else 1.0
        return weight / self.mass

    def _weight_by_steps(self) -> float:
        """By the steps that have gone since the update before: nearly always as many as the last time."""
        clock = self.clock
        gone = max(0.0, clock.step - self.then)
        horizon = clock.timeline.horizon
        if gone != self.gone or (horizon is None and self.share):
            span = self.steps or self.share * (clock.step if horizon is None else horizon)
            self.gone = gone
            self.by_steps = -math.expm1(-gone / span) if span > 0 else 1.0
        return self.by_steps


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
            self.window.append(self.x.value)
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
    __slots__ = ("ranked", "rows")

    def __init__(self, clock: Clock, inputs: tuple[Cell, ...], rows: float) -> None:
        super().__init__(clock, inputs, rows)
        self.ranked: list[float] = []
        self.rows = int(rows)

    def update(self, row: int) -> None:
        if self.x.stamp == row:
            slide(self.window, self.ranked, self.x.value)
            self.value = middle_of(self.ranked)
            self.stamp = row


class Spike(Median):
    """Compared with the values before: the window holds those when a new value arrives."""

    __slots__ = ()

    def update(self, row: int) -> None:
        if self.x.stamp == row:
            value: float = self.x.value
            ranked = self.ranked
            if len(ranked) * 2 >= self.rows:
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
                insort(self.ranked, self.x.value)
                self.value = middle_of(self.ranked)
            self.stamp = row


class Settled(Cell):
    __slots__ = ("seen", "wanted", "x")

    def __init__(self, clock: Clock, inputs: tuple[Cell, ...], rows: float) -> None:
        super().__init__(clock, inputs)
        self.x = inputs[0]
        self.seen = 0
        self.wanted = int(rows)

    def update(self, row: int) -> None:
        if self.x.stamp == row:
            self.seen += 1
            if self.seen >= self.wanted:
                self.value = self.x.value
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
            value: float = self.x.value
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
