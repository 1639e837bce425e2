"""Data that JSON has words for: what a program is told has null for a number that is none, a record its name."""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite, isnan

__all__ = ["plain", "spelt"]

#: Whole numbers from here on are more than most readers of JSON can hold.
_TOO_LARGE = 2**63


def plain(thing: object) -> object:
    """The same, with null for NaN and infinities, and text for what JSON has no word for.

    >>> plain({"loss": float("nan"), 3: (1.5, {None})})
    {'loss': None, '3': [1.5, [None]]}
    """
    if isinstance(thing, float):
        return thing if isfinite(thing) else None
    if thing is None or isinstance(thing, str | int):
        return thing
    if isinstance(thing, Mapping):
        return {str(key): plain(value) for key, value in thing.items()}
    if isinstance(thing, list | tuple | set | frozenset):
        return [plain(value) for value in thing]
    return str(thing)


def spelt(number: float) -> float | str:
    """A number, or its name where JSON has none for it.

    >>> spelt(0.5), spelt(float("inf")), spelt(2**70)
    (0.5, 'Infinity', 1.1805916207174113e+21)
    """
    if isinstance(number, int) and abs(number) >= _TOO_LARGE:
        try:
            number = float(number)
        except OverflowError:
            return "Infinity" if number > 0 else "-Infinity"
    if isinstance(number, int) or isfinite(number):
        return number
    return "NaN" if isnan(number) else "Infinity" if number > 0 else "-Infinity"
