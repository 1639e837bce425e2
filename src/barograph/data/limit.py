"""A number that a check goes by, with what it stands for."""

from __future__ import annotations

from typing import Self

__all__ = ["Limit", "limit"]


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
