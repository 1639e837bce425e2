"""Patterns that are compiled at their first use: most formats are never asked for, and large patterns take long."""

from __future__ import annotations

import re
from typing import cast

__all__ = ["late"]


class _Late:
    """Stands for a pattern, and takes over each of its methods when that is first called."""

    def __init__(self, pattern: str, flags: int) -> None:
        self.pattern = pattern
        self._flags = flags

    def __getattr__(self, name: str) -> object:
        found: object = getattr(re.compile(self.pattern, self._flags), name)
        setattr(self, name, found)  # From now on it is found without coming here.
        return found


def late(pattern: str, flags: int = 0) -> re.Pattern[str]:
    r"""As `re.compile`, but compiled at its first use.

    >>> digits = late(r"\d+")
    >>> digits.pattern, digits.sub("#", "step 12")
    ('\\d+', 'step #')
    """
    return cast("re.Pattern[str]", _Late(pattern, flags))
