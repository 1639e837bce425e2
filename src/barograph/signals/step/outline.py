"""What can be said of expressions before the first row: which need no state, and which may fail.

Words with a memory must see every row. An operator is a function of its operands, so it is written where it is
needed and nothing of it is stored, with two exceptions that are *kept*: a result that may not be finite, as it then
stands as it was; and an operator on a phase, whose value moves without an update, where its old value may be asked
for.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable

from barograph.core.names import series_key
from barograph.signals.expression import Signal
from barograph.signals.step.memory import MEMORY, Memory
from barograph.signals.step.operators import OPERATORS, largest
from barograph.signals.timeline import Timeline

__all__ = ["CAREFUL", "LOGGED", "PLAIN", "Outline", "key_of"]

#: How large a metric may be while sums and products of some need no look at whether they are still finite.
PLAIN = 1e30
#: For runs that have ever had a larger one.
CAREFUL = math.inf
#: The same for results, short of the largest float for what rounding adds.
FINITE = 1e300
#: How far anything is ever counted.
MOST = 1e15
LOGGED = frozenset({"metric", "nonfinite", "present"})


def key_of(signal: Signal) -> str:
    """The series that a word reads."""
    return series_key(str(signal.arguments[0]), str(signal.arguments[1]))


class Outline:
    """The expressions of a program, inputs first, and how each is to be treated."""

    def __init__(self, conditions: Iterable[Signal], shown: Iterable[Signal], timeline: Timeline) -> None:
        self.timeline = timeline
        self.conditions = tuple(conditions)
        self.shown = frozenset(shown)
        self.number: dict[Signal, int] = {}
        self.memory: dict[Signal, Memory] = {}
        #: Without updates of their own: phases, facts, and what is made of them alone.
        self.passive: set[Signal] = set()
        #: How many different expressions read it.
        self.uses: Counter[Signal] = Counter()
        #: Operators whose result may not be finite, and those whose value must be remembered.
        self.failing: set[Signal] = set()
        self.kept: set[Signal] = set()
        self._mixes: set[Signal] = set()
        self._series: dict[Signal, frozenset[str]] = {}
        for signal in (*self.conditions, *shown):
            self._meet(signal)
        self.uses.update(set(self.conditions))
        self.expect(PLAIN)

    def _meet(self, signal: Signal) -> None:
        if signal in self.number:
            return
        inputs = tuple(dict.fromkeys(signal.inputs))
        for part in inputs:
            self._meet(part)
        self.number[signal] = len(self.number)
        own = (key_of(signal),) if signal.word in LOGGED else ()
        self._series[signal] = frozenset(own).union(*(self._series[part] for part in inputs))
        for part in inputs:
            self.uses[part] += 1
        if signal.word in OPERATORS:
            if all(part in self.passive for part in inputs):
                self.passive.add(signal)
            elif sum(part not in self.passive for part in inputs) > 1:
                self._mixes.update(inputs)
        elif signal.word in MEMORY:
            numbers = [argument for argument in signal.arguments if not isinstance(argument, Signal)]
            self.memory[signal] = MEMORY[signal.word](self.timeline, *numbers)
        elif signal.word not in LOGGED:
            self.passive.add(signal)

    def series_first(self, signal: Signal) -> tuple[bool, str]:
        """A key to sort by: what hangs on one series alone comes first, series by series."""
        series = self._series[signal]
        return (False, next(iter(series))) if len(series) == 1 else (True, "")

    def expect(self, most: float) -> None:
        """Settle what is kept, for metrics up to this size; more is never less."""
        self.most = most
        moving: set[Signal] = set()
        size: dict[Signal, float] = {}
        for signal in self.number:
            size[signal] = self._size(signal, size)
            if signal.word in OPERATORS:
                if not size[signal] <= FINITE:
                    self.failing.add(signal)
                    size[signal] = math.inf
                moves = any(part in moving for part in signal.inputs)
                # In rows without an update it is read only by operators that something else may update.
                read_late = signal in self._mixes or signal in self.shown
                if signal not in self.passive and (signal in self.failing or (moves and read_late)):
                    self.kept.add(signal)
                elif moves:
                    moving.add(signal)
            elif signal in self.passive and signal.word != "fact":
                moving.add(signal)

    def _size(self, signal: Signal, size: dict[Signal, float]) -> float:
        if signal.word == "metric":
            return self.most
        if signal.word == "fact":
            return abs(self.timeline.facts.get(str(signal.arguments[0]), 0.0))
        if signal.word in {"step", "progress"}:
            return math.inf
        if signal in self.memory:
            return max(size[signal.inputs[0]], MOST) * self.memory[signal].size
        if signal.word in OPERATORS:
            sizes = [size[part] if isinstance(part, Signal) else abs(float(part)) for part in signal.arguments]
            divisor = self.constant(signal.arguments[1]) if signal.word == "div" else None
            return sizes[0] / abs(divisor) if divisor else largest(signal.word, sizes)
        return 1.0

    def deciding(self, signal: Signal) -> list[Signal]:
        """The inputs of `or` whose first value gives it its own."""
        active = [part for part in signal.inputs if part not in self.passive]
        return active or list(signal.inputs)

    def constant(self, argument: object) -> float | None:
        """A number, or a fact."""
        if not isinstance(argument, Signal):
            return float(argument)  # type: ignore[arg-type]
        return self.timeline.facts.get(str(argument.arguments[0])) if argument.word == "fact" else None
