"""What a rule is: a failure mode that declares itself.

A rule says when (an expression), how bad, in which words, with which advice, for which methods, and why it may
be wrong. Nothing else is written down anywhere: help, tables, pages and charts are printed from these classes.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from typing import ClassVar

from barograph.core.errors import ConfigurationError
from barograph.core.finding import Action, Severity
from barograph.core.methods import ALL, Method
from barograph.rules.advice import Advice
from barograph.signals.expression import Condition, Param, Signal

__all__ = ["CRITICAL", "INFO", "WARNING", "Rule", "param"]

INFO, WARNING, CRITICAL = Severity.INFO, Severity.WARNING, Severity.CRITICAL

#: The parts that a rule's docstring may have after its first paragraph.
SECTIONS = ("Why", "False alarm", "Sources")

param = Param


class Rule:
    """One failure mode. Subclasses declare; they hold no state and no code.

    The docstring's first paragraph says what the rule sees; then come `Why:`, `False alarm:` and `Sources:`.
    Sources carry a tag for how well founded a number is: P paper, D documentation, S source code, I issue thread,
    M mathematical identity, G our own measurement or judgement.
    """

    code: ClassVar[str]
    name: ClassVar[str]
    #: The methods whose runs it judges.
    methods: ClassVar[frozenset[Method]] = ALL
    severity: ClassVar[Severity] = WARNING
    #: Severity for single methods, where it differs.
    severity_for: ClassVar[Mapping[Method, Severity]] = {}
    #: Series that it points at, most telling first; the first that is there (or not finite) becomes the finding's.
    about: ClassVar[str | tuple[str, ...]]
    when: ClassVar[Condition]
    #: Conditions under which a finding grows worse while it lasts.
    escalates: ClassVar[Mapping[Severity, Condition]] = {}
    #: Numbers to quote: each name may stand in `says`.
    shows: ClassVar[Mapping[str, Signal]] = {}
    says: ClassVar[str]
    do: ClassVar[tuple[Advice, ...]]
    #: Codes whose finding explains this one: a consequence is told after its cause and never leads.
    follows: ClassVar[tuple[str, ...]] = ()
    #: Whether a guard may act on it. A rule earns this by having been right on many runs.
    may_act: ClassVar[bool] = False
    #: Two episodes nearer than this share of the run are one.
    rearm: ClassVar[float] = 0.1
    #: A finding that has not held for this last share of the run counts one grade less; 1 for never.
    forgiven_after: ClassVar[float] = 1.0

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        missing = [field for field in ("code", "name", "about", "when", "says", "do") if not hasattr(cls, field)]
        if missing or not cls.__doc__:
            absent = ", ".join(missing) or "docstring"
            raise ConfigurationError(f"the rule {cls.__name__} does not declare its {absent}")
        if twice := set(cls.shows) & set(cls.params()):
            raise ConfigurationError(f"the rule {cls.__name__} shows {', '.join(twice)}, which is a parameter's name")

    @classmethod
    def params(cls) -> Mapping[str, Param]:
        """The numbers that may be set, by name."""
        found: dict[str, Param] = {}
        for base in reversed(cls.__mro__):
            found.update({name: value for name, value in vars(base).items() if isinstance(value, Param)})
        return found

    @classmethod
    def signals(cls) -> Iterator[Signal]:
        """Every expression of the rule."""
        yield cls.when
        yield from cls.escalates.values()
        yield from cls.shows.values()

    @classmethod
    def pointers(cls) -> tuple[str, ...]:
        return (cls.about,) if isinstance(cls.about, str) else cls.about

    @classmethod
    def action(cls) -> Action | None:
        """The most drastic deed that it advises."""
        order = list(Action)
        return max((a.action for a in cls.do if a.action), key=order.index, default=None)

    @classmethod
    def sections(cls) -> dict[str, str]:
        """The docstring in its parts: `Sees`, and those of `SECTIONS` that are there."""
        parts = {"Sees": ""}
        here = "Sees"
        for line in inspect.cleandoc(cls.__doc__ or "").splitlines():
            head, colon, rest = line.partition(": ")
            if colon and head in SECTIONS:
                here, line = head, rest  # noqa: PLW2901 - the heading is taken off its line
            parts[here] = f"{parts.get(here, '')} {line.strip()}".strip()
        return parts

    @classmethod
    def summary(cls) -> str:
        """The first sentence of what it sees."""
        return cls.sections()["Sees"].split(". ")[0].rstrip(".") + "."
