"""What counts as a number in somebody's log."""

from __future__ import annotations

import re
from enum import Enum

__all__ = ["Kind", "progress", "to_number"]


class Kind(Enum):
    """What a value is that is no number."""

    NOTHING = "nothing"
    TEXT = "text"
    LIST = "a list"
    NESTED = "a nested object"


_NOTHING = frozenset({"", "none", "null", "n/a", "na", "<na>", "-", "--"})
_TRUTH = {"true": 1.0, "false": 0.0}
_PROGRESS = re.compile(r"(?<![\d./])(\d{1,15})\s*/\s*(\d{1,15})(?![\d./])")


def to_number(value: object) -> float | Kind:
    """The number that a value stands for, or what it is instead.

    Newer consoles quote their numbers, so text is cast. NaN and infinities are evidence and are kept.

    >>> to_number("2.433e+04"), to_number("15.6%"), to_number(True), to_number("-0.0")
    (24330.0, 0.156, 1.0, -0.0)
    >>> to_number(None), to_number("hello")
    (<Kind.NOTHING: 'nothing'>, <Kind.TEXT: 'text'>)
    """
    if isinstance(value, int | float):
        return _as_float(value)
    if isinstance(value, str):
        return _read(value)
    if value is None:
        return Kind.NOTHING
    return Kind.NESTED if isinstance(value, dict) else Kind.LIST


def _as_float(value: float) -> float:
    try:
        return float(value)
    except OverflowError:  # A whole number of more than 308 digits.
        return float("inf") if value > 0 else float("-inf")


def _read(text: str) -> float | Kind:
    try:
        return float(text)
    except ValueError:
        pass
    word = text.strip().lower()
    if word in _NOTHING:
        return Kind.NOTHING
    if word in _TRUTH:
        return _TRUTH[word]
    if word.endswith("%"):
        try:
            return float(word[:-1]) / 100.0
        except ValueError:
            pass
    return Kind.TEXT


def progress(text: str) -> tuple[int, int] | None:
    """How far, of how many: what ms-swift and progress bars write in place of a step.

    >>> progress("12/1000"), progress(" 12%|## | 120/1000 [02:00<14:40, 1.0it/s]"), progress("1/2/3")
    ((12, 1000), (120, 1000), None)
    """
    match = _PROGRESS.search(text[:1000])
    return (int(match[1]), int(match[2])) if match else None
