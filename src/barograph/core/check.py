"""What checks of data and of settings have in common: each is one thing that may be wrong, declared by itself.

Its docstring says what it sees, why that matters, when it is a false alarm, and where its numbers come from, each with
a tag for how well founded it is; help, pages and tables are printed from it.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping, Sequence
from typing import ClassVar, Self, TypeVar

from barograph.core.errors import ConfigurationError, suggest
from barograph.core.finding import Severity

__all__ = ["Declared", "Limit", "NotJudgeable", "chosen", "limit"]

SECTIONS = ("Why", "False alarm", "Sources")


class Limit(float):
    """A number that may be set from outside, and says what it is.

    >>> limit(0.01, "share of pairs") > 0.001, limit(0.01, "share of pairs").about
    (True, 'share of pairs')
    """

    about: str

    def __new__(cls, value: float, about: str) -> Self:
        made = super().__new__(cls, value)
        made.about = about
        return made


limit = Limit


class NotJudgeable(Exception):
    """A check cannot say anything, and why."""


class Declared:
    """One thing that may be wrong. Subclasses declare, and say what they find."""

    code: ClassVar[str]
    name: ClassVar[str]
    severity: ClassVar[Severity] = Severity.WARNING
    #: In its words stand the numbers of a finding.
    says: ClassVar[str]
    do: ClassVar[tuple[str, ...]]

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if not hasattr(cls, "code"):
            return  # what several have in common
        missing = [field for field in ("name", "says", "do") if not hasattr(cls, field)]
        if missing or not cls.__doc__:
            absent = ", ".join(missing) or "docstring"
            raise ConfigurationError(f"the check {cls.__name__} does not declare its {absent}")

    @classmethod
    def limits(cls) -> Mapping[str, Limit]:
        """The numbers that may be set, by name."""
        found: dict[str, Limit] = {}
        for base in reversed(cls.__mro__):
            found.update({name: value for name, value in vars(base).items() if isinstance(value, Limit)})
        return found

    def set(self, numbers: Mapping[str, float]) -> None:
        """Set some of its numbers."""
        for name, value in numbers.items():
            setattr(self, name, value)

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


Kind = TypeVar("Kind", bound=Declared)


def chosen(
    checks: Sequence[type[Kind]], selected: Iterable[str] = (), ignored: Iterable[str] = ()
) -> tuple[type[Kind], ...]:
    """Those of the checks that are selected and not ignored: by code (`DATA03`), prefix (`DATA`) or name."""
    wanted = {check for word in selected for check in _matching(checks, word)}
    refused = {check for word in ignored for check in _matching(checks, word)}
    return tuple(check for check in checks if (not wanted or check in wanted) and check not in refused)


def _matching(checks: Sequence[type[Kind]], selector: str) -> list[type[Kind]]:
    word = selector.strip()
    found = [check for check in checks if check.name == word.lower() or check.code.startswith(word.upper() or "-")]
    if not found:
        known = [check.code for check in checks] + [check.name for check in checks]
        raise ConfigurationError(f"no check is called {word!r}{suggest(word, known) or suggest(word.upper(), known)}")
    return found
