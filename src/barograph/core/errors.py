"""What can go wrong that a user can mend.

    BarographError            one clear sentence: what, where, what to do
     +- UnreadableRun         a log that cannot be read
     +- ConfigurationError    a setting that cannot be used
     +- ExpressionError       a rule's expression that cannot be understood
     +- MissingExtra          an optional library that is not installed
     +- Interrupted           Ctrl-C, with what to do to go on

Anything else that escapes is a bug, and is shown with its traceback.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

__all__ = [
    "BarographError",
    "ConfigurationError",
    "ExpressionError",
    "Interrupted",
    "MissingExtra",
    "UnreadableRun",
    "suggest",
]


class BarographError(Exception):
    """A problem its reader can solve. The message is one whole sentence."""


class UnreadableRun(BarographError):
    """A log that is missing, broken, or no log at all."""

    def __init__(self, path: object, problem: str, cure: str = "") -> None:
        self.path = str(path)
        self.problem = problem
        self.cure = cure
        super().__init__(f"{path}: {problem}" + (f"; {cure}" if cure else ""))


class ConfigurationError(BarographError):
    """A setting with an unknown name or an impossible value."""


class ExpressionError(ConfigurationError):
    """A rule's expression in text form that cannot be understood."""


class MissingExtra(BarographError, ImportError):
    """A feature whose optional library is not installed."""

    def __init__(self, feature: str, library: str, extra: str) -> None:
        super().__init__(f"{feature} needs {library}, which is not installed: pip install 'barograph[{extra}]'")
        self.extra = extra
        #: As `ImportError` calls it.
        self.name = library


class Interrupted(BarographError):
    """Ctrl-C: what was done is kept, and the sentence says how to go on."""


def suggest(word: str, known: Iterable[str]) -> str:
    """`` - did you mean 'x'?`` when a known word is near, else nothing.

    >>> suggest("los", ["loss", "lr"])
    "; did you mean 'loss'?"
    >>> suggest("zebra", ["loss", "lr"])
    ''
    """
    near = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f"; did you mean {near[0]!r}?" if near else ""
