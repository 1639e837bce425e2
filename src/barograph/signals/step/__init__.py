"""Evaluate expressions one row at a time, with plain floats.

Each distinct sub-expression becomes one cell, shared by all rules that use it. A row updates only the cells
that the metrics seen so far can reach; that plan is compiled anew when a metric is seen for the first time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from barograph.core.names import COUNTERS, series_key, split_of
from barograph.signals.expression import Signal
from barograph.signals.step.cells import LEAVES, Cell, Clock, Passive
from barograph.signals.step.memory import MEMORY, Sustained
from barograph.signals.step.program import OPERATORS, compile_plan
from barograph.signals.timeline import Timeline

__all__ = ["Cell", "Stepper", "Sustained"]


#: Rows of so many kinds are remembered; a log with more is odd, and only a little slower.
MOST_KEY_SETS = 1000


class Stepper:
    """Many expressions over one run, advanced together."""

    def __init__(self, signals: Iterable[Signal], timeline: Timeline) -> None:
        self.clock = Clock(timeline)
        self._cells: dict[Signal, Cell] = {}
        self._keys: frozenset[str] = frozenset()
        self._plan: Callable[[int], None] = _nothing
        #: The splits that rows with these keys belong to.
        self._splits: dict[tuple[str, ...], frozenset[str]] = {}
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
        splits = self._splits.get(keys)
        if splits is None:
            splits = self._meet(keys)
        clock.splits = splits
        self._plan(row)
        return row

    def _meet(self, keys: tuple[str, ...]) -> frozenset[str]:
        """Rows with these keys are new: find their splits, and compile the plan again if any key is new."""
        if len(self._splits) >= MOST_KEY_SETS:
            self._splits.clear()
        splits = self._splits[keys] = frozenset(split_of(key)[0] for key in keys if key not in COUNTERS)
        if not self._keys.issuperset(keys):
            self._keys = self._keys.union(keys)
            self._plan = self._compile()
        return splits

    def _cell(self, signal: Signal) -> Cell:
        if signal not in self._cells:
            inputs = tuple(self._cell(part) for part in signal.inputs)
            self._cells[signal] = self._make(signal, inputs)
        return self._cells[signal]

    def _make(self, signal: Signal, inputs: tuple[Cell, ...]) -> Cell:
        if signal.word in OPERATORS:
            return (Passive if all(cell.passive for cell in inputs) else Cell)(self.clock, inputs)
        numbers = [argument for argument in signal.arguments if not isinstance(argument, Signal)]
        return (LEAVES.get(signal.word) or MEMORY[signal.word])(self.clock, inputs, *numbers)

    def _compile(self) -> Callable[[int], None]:
        splits = {split_of(key)[0] for key in self._keys}
        reached: set[Signal] = set()
        touched: list[Signal] = []
        for signal, cell in self._cells.items():
            if cell.passive:
                if not cell.still:
                    touched.append(signal)
            elif _reaches(signal, self._keys, splits, reached):
                reached.add(signal)
                touched.append(signal)
        return compile_plan(self._cells, touched, reached)


def _nothing(row: int) -> None:
    """The plan before the first row."""


def _reaches(signal: Signal, keys: frozenset[str], splits: set[str], reached: set[Signal]) -> bool:
    """Whether a row with some of these keys can update a signal."""
    if signal.word in {"metric", "nonfinite"}:
        return series_key(str(signal.arguments[0]), str(signal.arguments[1])) in keys
    if signal.word == "present":
        return signal.arguments[1] in splits
    return any(part in reached for part in signal.inputs)
