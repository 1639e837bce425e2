"""Evaluate expressions one row at a time, with plain floats and nothing but the standard library.

All expressions of a run become one function, written out as source and compiled; equal parts are computed once.
There is one for rows of any kind, and one for each kind of row that comes often, written for just its keys.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from math import hypot
from types import CellType

from barograph.signals.expression import Condition, Signal
from barograph.signals.step.memory import HELPERS
from barograph.signals.step.outline import CAREFUL, PLAIN, Outline
from barograph.signals.step.program import Shape, splits_of, write
from barograph.signals.step.state import Reader, State, bind, name_of
from barograph.signals.timeline import Timeline

__all__ = ["Stepper", "course", "source_of", "updated"]

#: After so many rows of a kind, a function of its own pays for the time that it takes to compile.
OFTEN = 128
#: At these rows it is written anew: by then more of what may be missing at first is there for good.
AGAIN = (512, 2048, 8192)
#: So many kinds of rows are counted, and so many have functions of their own.
MOST_COUNTED, MOST_OWN = 1000, 16

#: What a row does: it gives the numbers of the conditions that hold, or None if it is not for this row.
Program = Callable[[float, Mapping[str, float]], "tuple[int, ...] | None"]


class Stepper:
    """Many expressions over one run, advanced together.

    It tells which of the conditions hold; anything else among what is shown can be read at any time. Keys that are
    known to come may be given, as every new one costs a compilation.
    """

    def __init__(
        self,
        conditions: Iterable[Signal],
        timeline: Timeline,
        shown: Iterable[Signal] = (),
        *,
        keys: Iterable[str] = (),
        often: int = OFTEN,
    ) -> None:
        self.row = -1
        self.timeline = timeline
        self._often = often
        self._state = State(Outline(conditions, tuple(shown), timeline))
        self._keys = frozenset(keys)
        self._any: Program | None = None
        #: For rows of one kind: the program, and the conditions of which it does not say when they fail.
        self._own: dict[tuple[str, ...], tuple[Program, frozenset[int]]] = {}
        #: Conditions that may have held in the row that last decided them.
        self._held: set[int] = set()
        self._counted: Counter[tuple[str, ...]] = Counter()

    def advance(self, step: float, values: Mapping[str, float], keys: tuple[str, ...] | None = None) -> tuple[int, ...]:
        """Read one row: values by series key, NaN and infinities included. Returns the numbers of what holds.

        Whoever has the keys at hand, in the order of the values, may give them along.
        """
        self.row += 1
        self._state.step = step
        if keys is None:
            keys = tuple(values)
        if self.row in AGAIN:
            self._own.clear()
        own = self._own.get(keys)
        if own is not None:
            program, silent = own
            holding = program(step, values)
            if holding is not None:
                if holding or self._held:
                    self._notice(holding, silent)
                return holding
        holding = self._advance_any(keys, step, values)
        self._held.update(holding)
        return holding

    def _notice(self, holding: tuple[int, ...], silent: frozenset[int]) -> None:
        """Say of the conditions that held before that they have failed, where the program does not."""
        for number in (self._held & silent).difference(holding):
            self.failed(number).cell_contents = True
            self._held.discard(number)
        self._held.update(holding)

    def reader(self, signal: Signal) -> Reader:
        """A function that tells the latest value of something shown, None while there is none."""
        return self._state.reader(signal)

    def variable(self, signal: Signal, part: str) -> CellType:
        """What a word with a memory remembers besides its value."""
        return self._state.variables[name_of(self._state.outline.number[signal], part)]

    def failed(self, number: int) -> CellType:
        """Whether a condition has been false; for its reader to reset."""
        return self._state.variables[f"failed{number}"]

    def _advance_any(self, keys: tuple[str, ...], step: float, values: Mapping[str, float]) -> tuple[int, ...]:
        if not self._keys.issuperset(keys):
            self._keys = self._keys.union(keys)
            self._forget()
        if self._state.outline.most == PLAIN and any(
            not -PLAIN < value < PLAIN and value - value == 0.0 for value in values.values()
        ):
            self._state.expect(CAREFUL)
            self._forget()
        if len(self._counted) >= MOST_COUNTED:
            self._counted.clear()
        self._counted[keys] += 1
        program = self._any
        if program is None:
            program = self._any = self._compile(Shape(self._keys))[0]
        holding = program(step, values) or ()
        if self._counted[keys] > self._often and keys not in self._own and len(self._own) < MOST_OWN:
            self._own[keys] = self._compile(Shape(self._keys, keys))
        return holding

    def _forget(self) -> None:
        self._any = None
        self._own.clear()

    def _compile(self, shape: Shape) -> tuple[Program, frozenset[int]]:
        written = write(self._state, shape)
        return bind(written.source, self._state.variables, NAMES), written.silent


NAMES = {**HELPERS, "hypot": hypot, "splits_of": splits_of}


def course(
    signal: Signal, rows: Iterable[tuple[float, Mapping[str, float]]], timeline: Timeline, often: int = OFTEN
) -> dict[int, float]:
    """The value of an expression after each row that updates it, by the row's number."""
    stepper = Stepper([updated(signal)], timeline, [signal], often=often)
    read = stepper.reader(signal)
    seen = {}
    for step, values in rows:
        if stepper.advance(step, values):
            seen[stepper.row] = float(read())
    return seen


def updated(signal: Signal) -> Condition:
    """Holds in just the rows that update a signal: nothing is less than itself, not even NaN."""
    return Condition("not", Condition("lt", signal, signal))


def source_of(signal: Signal, keys: Collection[str], timeline: Timeline | None = None) -> str:
    """What is written for one expression and rows with these keys, before the first row; to read, not to run."""
    state = State(Outline([signal], (), timeline or Timeline()))
    return write(state, Shape(frozenset(keys), tuple(keys)), comments=True).source
