"""The state of expressions: cells for what a run says of itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from barograph.core.names import series_key
from barograph.signals.timeline import Timeline

__all__ = ["LEAVES", "Cell", "Clock", "Passive"]


class Clock:
    """The row that is being read."""

    __slots__ = ("row", "splits", "step", "timeline", "values")

    def __init__(self, timeline: Timeline) -> None:
        self.timeline = timeline
        self.row = -1
        self.step = 0.0
        self.values: Mapping[str, float] = {}
        self.splits: frozenset[str] = frozenset()


class Cell:
    """The state of one sub-expression: its value, and the row of its last update.

    A cell whose inputs all lack updates of their own (phases, facts) is *passive*: it has a value in every
    row, but that value never counts as an update.
    """

    __slots__ = ("clock", "inputs", "stamp", "value")
    passive: ClassVar[bool] = False
    #: It never changes, so that no row need look at it.
    still: ClassVar[bool] = False

    def __init__(self, clock: Clock, inputs: tuple[Cell, ...]) -> None:
        self.clock = clock
        self.inputs = inputs
        #: A number or a truth value; None while there is none, which a fresh stamp rules out.
        self.value: Any = None
        self.stamp = -1

    def update(self, row: int) -> None:
        """Take the present row in."""
        raise NotImplementedError


class Passive(Cell):
    """A value in every row, but never an update."""

    __slots__ = ()
    passive = True


class MetricCell(Cell):
    __slots__ = ("key",)

    def __init__(self, clock: Clock, inputs: tuple[Cell, ...], name: str, split: str) -> None:
        super().__init__(clock, inputs)
        self.key = series_key(name, split)

    def update(self, row: int) -> None:
        value = self.clock.values.get(self.key)
        if value is not None and value - value == 0.0:  # false for NaN and infinities, and cheaper than isfinite
            self.value = value
            self.stamp = row


class NonFinite(MetricCell):
    __slots__ = ()

    def update(self, row: int) -> None:
        value = self.clock.values.get(self.key)
        if value is not None:
            self.value = value - value != 0.0
            self.stamp = row


class Present(MetricCell):
    """No value before the metric has been seen once: what is never logged is not missing."""

    __slots__ = ("split",)

    def __init__(self, clock: Clock, inputs: tuple[Cell, ...], name: str, split: str) -> None:
        super().__init__(clock, inputs, name, split)
        self.split = split

    def update(self, row: int) -> None:
        if self.split not in self.clock.splits:
            return
        here = self.key in self.clock.values
        if here or self.value is not None:
            self.value = here
            self.stamp = row


class Still(Passive):
    """A fact of the configuration."""

    __slots__ = ()
    still = True

    def __init__(self, clock: Clock, value: float | None) -> None:
        super().__init__(clock, ())
        self.value = value


def _fact(clock: Clock, inputs: tuple[Cell, ...], name: str) -> Cell:
    return Still(clock, clock.timeline.facts.get(name))


class StepNow(Passive):
    __slots__ = ()

    def update(self, row: int) -> None:
        self.value = self.clock.step


class Progress(Passive):
    __slots__ = ()

    def update(self, row: int) -> None:
        horizon = self.clock.timeline.horizon
        self.value = self.clock.step / horizon if horizon else None


class After(Passive):
    __slots__ = ("limit",)

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


LEAVES: dict[str, Callable[..., Cell]] = {
    "metric": MetricCell,
    "nonfinite": NonFinite,
    "present": Present,
    "fact": _fact,
    "step": StepNow,
    "progress": Progress,
    "after": After,
    "before": Before,
    "after_warmup": _after_warmup,
}
