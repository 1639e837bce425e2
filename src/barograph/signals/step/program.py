"""One straight function for all that a row does: expressions are written out as source, and compiled.

What a row updates follows from its keys. So a function is written for rows with certain keys (a *shape*), and asks
only what they leave open: whether a value is finite, whether a word has its first value already, whether a phase has
begun. `step.source_of` shows what comes out.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from math import inf
from textwrap import dedent
from typing import NamedTuple

from barograph.core.names import COUNTERS, split_of
from barograph.signals.expression import Signal
from barograph.signals.step.conditions import ALWAYS, NEVER, Test, both, either, implies, written
from barograph.signals.step.memory import Memory
from barograph.signals.step.operators import OPERATORS
from barograph.signals.step.outline import LOGGED, key_of
from barograph.signals.step.state import State, begin_of, name_of
from barograph.signals.step.terms import UNSEEN, Term, combined, number

__all__ = ["Shape", "Written", "splits_of", "write"]

#: Brackets within brackets, before a part becomes a line of its own: Python's parser has a limit.
DEEP = 15
#: The comparison that says the same with its sides exchanged.
MIRRORED = {"lt": "gt", "gt": "lt", "le": "ge", "ge": "le"}


@dataclass(frozen=True)
class Shape:
    """What is known of a row before it comes."""

    #: The keys that rows may have.
    keys: Collection[str]
    #: The keys that the row has, in their order, all with finite values; None if nothing is known of it.
    exactly: tuple[str, ...] | None = None


class Written(NamedTuple):
    """What has been written for one shape."""

    source: str
    #: The conditions that every such row decides and of which the function does not say when they fail: each has
    #: failed before, so whoever runs it need only look at those that have held since.
    silent: frozenset[int]


def write(state: State, shape: Shape, *, comments: bool = False) -> Written:
    """The source of the function for rows of a shape.

    The state tells what need not be asked again: which words have their first value and have outgrown their youth,
    which phases have begun or are over. A function for exact keys gives None for a row that it is not written for.
    """
    writer = Writer(state, shape, comments=comments)
    return Written(writer.source(), frozenset(writer.silent))


class Writer:
    """Writes one function, line by line. Whatever a line needs is written before it, when it is first asked for."""

    def __init__(self, state: State, shape: Shape, *, comments: bool) -> None:
        self.state, self.outline, self.shape = state, state.outline, shape
        self.comments = comments
        self.silent: set[int] = set()
        #: No row of an earlier step is taken.
        self._reached = state.step if shape.exactly is not None else -inf
        self._terms: dict[Signal, Term] = {}
        #: Lines, each block with the test under which it runs.
        self._blocks: list[tuple[Test, list[str]]] = []
        #: Where the values of this row are, by key.
        self._here: dict[str, str] = {}
        self._locals = 0

    def source(self) -> str:
        """The whole text, to be bound to its variables."""
        outline = self.outline
        if self.shape.exactly is not None:
            self._take(self.shape.exactly)
        # What hangs on one series alone first, series by series: then many lines on end share their test.
        stored = (s for s in outline.number if s in outline.memory or s in outline.kept or s.word in LOGGED)
        for signal in sorted(stored, key=outline.series_first):
            self._term(signal)
        self._emit(ALWAYS, "holding = ()")
        for place, condition in enumerate(outline.conditions):
            self._condition(place, condition)
        body = "\n".join(f"        {line}" for line in self._lines())
        names = ", ".join(sorted(self.state.variables.keys() & set(_NAME.findall(body))))
        # As arguments of the outer function they are declared at the least cost.
        nonlocals = f"        nonlocal {names}\n" if names else ""
        return f"def program({names}):\n    def plan(step, values):\n{nonlocals}{body}\n        return holding"

    # Lines

    def _emit(self, test: Test, *lines: str) -> None:
        """These lines come next, where the test holds."""
        if test is None or not lines:
            return
        if self._blocks and self._blocks[-1][0] == test:
            self._blocks[-1][1].extend(lines)
        else:
            self._blocks.append((test, list(lines)))

    def _comment(self, signal: Signal) -> None:
        if self.comments:
            self._emit(ALWAYS, f"# {signal}")

    def _lines(self) -> Iterator[str]:
        for test, block in self._blocks:
            if test == ALWAYS:
                yield from block
            else:
                yield f"if {written(test)}:"
                yield from (f"    {line}" for line in block)

    def _own_line(self, term: Term) -> Term:
        """The same, computed once on a line of its own."""
        self._locals += 1
        name = f"v{self._locals}"
        value = term.text if term.known == ALWAYS else f"{term.bracketed} if {written(term.known)} else None"
        self._emit(ALWAYS, f"{name} = {value}")
        return Term(term.fresh, term.known, name)

    # What is logged

    def _take(self, keys: Sequence[str]) -> None:
        """Take the values out of a row that is known to have them, or do nothing if one is not as expected."""
        if self._reached > 0:
            self._emit(ALWAYS, f"if step < {self._reached!r}: return None")
        wanted = {key_of(signal) for signal in self.outline.number if signal.word in LOGGED}
        self._here = {key: f"m{place}" for place, key in enumerate(keys) if key in wanted}
        if self._here:
            self._emit(ALWAYS, "".join(f"{self._here.get(key, '_')}, " for key in keys) + "= values.values()")
            # The length of a vector is NaN or infinite if one of its sides is: one call looks at them all.
            sides = ", ".join(self._here.values())
            self._emit(ALWAYS, f"if not hypot({sides}) < {self.outline.most!r}: return None")

    def _logged(self, signal: Signal) -> Term:
        key, split = key_of(signal), str(signal.arguments[1])
        me, known = self._me(signal), self._has_value(signal)
        splits = {split_of(one)[0] for one in self.shape.keys} if signal.word == "present" else ()
        if key not in self.shape.keys and split not in splits:
            return UNSEEN
        if self.shape.exactly is not None:
            return self._logged_surely(signal, self.shape.exactly)
        if signal.word == "present":
            test = f"{split!r} in splits_of(tuple(values))"
            self._emit((test,), f"if {key!r} in values or {me} is not None: {me} = {key!r} in values")
            return Term(both([(test,), known]), known, me)
        here = self._here.get(key)
        if here is None:
            here = self._here[key] = f"m{len(self._here)}"
            self._emit(ALWAYS, f"{here} = values.get({key!r})")
            self._emit(ALWAYS, f"{here}_finite = {here} is not None and {here} - {here} == 0.0")
        if signal.word == "metric":
            self._emit((f"{here}_finite",), f"{me} = {here}")
            return Term((f"{here}_finite",), known, me)
        self._emit((f"{here} is not None",), f"{me} = not {here}_finite")
        return Term((f"{here} is not None",), known, me)

    def _logged_surely(self, signal: Signal, keys: tuple[str, ...]) -> Term:
        key = key_of(signal)
        me, known = self._me(signal), self._has_value(signal)
        if signal.word == "present" and signal.arguments[1] in splits_of(keys):
            known = ALWAYS if key in keys else known
            self._emit(known, f"{me} = {key in keys}")
            return number(key in keys, known, known)
        if key not in keys or signal.word == "present":
            return Term(NEVER, known, me)
        term = Term(ALWAYS, ALWAYS, self._here[key]) if signal.word == "metric" else number(False, ALWAYS)
        self._emit(ALWAYS, f"{me} = {term.text}")
        return term

    # Expressions

    def _term(self, argument: object) -> Term:
        """How to read an argument from here on."""
        if not isinstance(argument, Signal):
            return number(float(argument))  # type: ignore[arg-type]
        term = self._terms.get(argument)
        if term is None:
            if argument.word in OPERATORS:
                term = self._operator(argument)
            elif argument in self.outline.memory:
                term = self._memory(argument, self.outline.memory[argument])
            elif argument.word in LOGGED:
                term = self._logged(argument)
            else:
                term = self._phase(argument)
            self._terms[argument] = term
        return term

    def _me(self, signal: Signal) -> str:
        return name_of(self.outline.number[signal])

    def _has_value(self, signal: Signal) -> Test:
        """Once it has a value, it always has one."""
        if self.state.has_value(signal):
            return ALWAYS
        memory = self.outline.memory.get(signal)
        is_read = memory is not None and memory.read is not None
        return (f"{self._me(signal)}_window" if is_read else f"{self._me(signal)} is not None",)

    def _phase(self, signal: Signal) -> Term:
        timeline = self.outline.timeline
        match signal.word:
            case "fact":
                fact = timeline.facts.get(str(signal.arguments[0]))
                return UNSEEN if fact is None else number(fact)
            case "step":
                return Term(NEVER, ALWAYS, "step")
            case "progress":
                return Term(NEVER, ALWAYS, f"step / {timeline.horizon!r}", 1) if timeline.horizon else UNSEEN
            case "before":
                limit = timeline.reach(*signal.arguments)  # type: ignore[arg-type]
                return number(False) if self._reached > limit else Term(NEVER, ALWAYS, f"step <= {limit!r}", 1)
        begin = begin_of(self.outline, signal)
        return number(True, known=ALWAYS if self._reached >= begin else (f"step >= {begin!r}",))

    def _by_now(self, signal: Signal) -> Term | None:
        """A comparison of the step with a number, where no later step can change it."""
        word, (one, other) = signal.word, signal.arguments
        if isinstance(other, Signal):
            one, other, word = other, one, MIRRORED[word]
        if not isinstance(one, Signal) or one.word != "step" or isinstance(other, Signal):
            return None
        limit = float(other)
        is_past = self._reached >= limit if word in {"lt", "ge"} else self._reached > limit
        return number(word in {"gt", "ge"}) if is_past else None

    def _memory(self, signal: Signal, memory: Memory) -> Term:
        x = self._term(signal.inputs[0])
        if x.known is NEVER:
            return UNSEEN
        me, known = self._me(signal), self._has_value(signal)
        value = Term(NEVER, known, me)
        if memory.read is not None:
            value = Term(NEVER, known, _filled(memory.read, me, memory), 1, is_costly=True)
        if x.fresh is NEVER:
            return value
        template = memory.lines
        if memory.later is not None and memory.grown(self.state.memory(signal)):
            template = memory.later
        text = _filled(template, me, memory)
        twice = x.depth and len(_X.findall(text)) > 1
        text = f"x = {x.text}\n{text}" if twice else _X.sub(x.bracketed, text)
        self._comment(signal)
        self._emit(x.fresh, *text.splitlines())
        if memory.late:
            return value._replace(fresh=both([x.fresh, known]))
        return value._replace(fresh=x.fresh, known=ALWAYS if x.fresh == ALWAYS else known)

    def _operator(self, signal: Signal) -> Term:
        word, outline = signal.word, self.outline
        settled = self._by_now(signal) if word in MIRRORED else None
        if settled is not None:
            return settled
        parts = [self._term(argument) for argument in signal.arguments]
        if word == "or":
            # One operand is enough, but one that is never updated brings nothing about by itself.
            known = either(self._term(part).known for part in outline.deciding(signal))
            fresh = either(part.fresh for part in parts)
        else:
            known = both(part.known for part in parts)
            fresh = either(_updates(part, parts) for part in parts if part.fresh is not NEVER)
        if known is NEVER:
            return UNSEEN
        term = combined(word, parts, self._own_line)._replace(fresh=fresh, known=known)
        if signal in outline.kept:
            return self._keep(signal, term)
        if signal in outline.failing and term.value is None:
            name = self._own_line(term).text
            self._emit(ALWAYS, f"if {name} is not None and {name} - {name} != 0.0: {name} = None")
            return Term(NEVER, (f"{name} is not None",), name)
        if term.depth and (outline.uses[signal] > 1 or term.depth > DEEP):
            return self._own_line(term)
        return term

    def _keep(self, signal: Signal, term: Term) -> Term:
        """An operator whose value cannot be told from its operands in later rows."""
        me, known = self._me(signal), self._has_value(signal)
        self._comment(signal)
        if signal not in self.outline.failing:
            self._emit(term.fresh, f"{me} = {term.text}")
            return Term(term.fresh, ALWAYS if term.fresh == ALWAYS else known, me)
        if term.fresh is NEVER:
            return Term(NEVER, known, me)
        self._emit(ALWAYS, f"{me}_new = False")
        self._emit(term.fresh, f"x = {term.text}", "if x - x == 0.0:", f"    {me} = x", f"    {me}_new = True")
        return Term((f"{me}_new",), known, me)

    def _condition(self, place: int, condition: Signal) -> None:
        """Say that it holds, or remember that it failed."""
        term = self._term(condition)
        self._comment(condition)
        test = term.known if condition in self.outline.passive else term.fresh
        holds, fails = f"holding += ({place},)", f"failed{place} = True"
        if test == ALWAYS and self.shape.exactly is not None and self.state.has_failed(place):
            self.silent.add(place)
            if term.value is None:
                self._emit(ALWAYS, f"if {term.text}: {holds}")
            elif term.value:
                self._emit(ALWAYS, holds)
        elif term.value is None:
            self._emit(test, f"if {term.text}: {holds}", f"else: {fails}")
        else:
            self._emit(test, holds if term.value else fails)


def _updates(part: Term, parts: Sequence[Term]) -> Test:
    """Whether an operand updates the result: all others must have a value, as those updated with it do."""
    return both([part.fresh, *(other.known for other in parts if not implies(part.fresh, other.fresh))])


# Keys


def splits_of(keys: tuple[str, ...]) -> frozenset[str]:
    """The splits that a row with these keys belongs to."""
    return frozenset(split_of(key)[0] for key in keys if key not in COUNTERS)


# Templates


_NAME = re.compile(r"\b[cf]\w+")
_X = re.compile(r"\bx\b")
_ME = re.compile(r"\bme(?=_|\b)")


@cache
def _pattern(template: str) -> str:
    """A template with a mark where the name of the word's value stands."""
    return _ME.sub("\0", dedent(template).strip("\n"))


def _filled(template: str, me: str, memory: Memory) -> str:
    """A template with names and numbers filled in; `x` is left."""
    text = _pattern(template).replace("\0", me)
    for name, value in memory.numbers.items():
        text = text.replace(name, value)
    return text
