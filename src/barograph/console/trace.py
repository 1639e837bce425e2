"""A series in one line of text: its course, and where a finding held."""

from __future__ import annotations

import math
from collections.abc import Sequence

__all__ = ["mark", "sparkline"]

_BLOCKS = "▁▂▃▄▅▆▇█"
_ASCII = "_.-~=+*#"
_GAP = " "


def sparkline(values: Sequence[float], width: int, *, unicode: bool = True) -> str:
    """The course of a series in `width` characters. A spike is never averaged away; gaps stay blank.

    Where several values share a character, the one farthest from the middle of the series is drawn.

    >>> sparkline([0, 1, 2, 3], 4)
    '▁▃▆█'
    >>> sparkline([1.0, float("nan"), 1.0], 3)
    '▄ ▄'
    """
    finite = sorted(value for value in values if math.isfinite(value))
    if not finite:
        return _GAP * min(width, len(values))
    low, high, middle = finite[0], finite[-1], finite[len(finite) // 2]
    signs = _BLOCKS if unicode else _ASCII
    text = []
    for bucket in buckets(len(values), width):
        inside = [values[i] for i in bucket if math.isfinite(values[i])]
        if not inside:
            text.append(_GAP)
            continue
        value = max(inside, key=lambda v: abs(v - middle))
        place = (value - low) / (high - low) * (len(signs) - 1) if high > low else (len(signs) - 1) / 2
        text.append(signs[round(place)] if high > low else signs[3])
    return "".join(text)


def mark(positions: Sequence[int], first: int, last: int, width: int, *, unicode: bool = True) -> str:
    """A line to stand under a sparkline: it shows which part of it lies between two rows."""
    sign = "▔" if unicode else "^"
    return "".join(
        sign if any(first <= positions[i] <= last for i in bucket) else " " for bucket in buckets(len(positions), width)
    ).rstrip()


def buckets(count: int, width: int) -> list[range]:
    """The indices that each character stands for."""
    columns = min(width, count)
    return [range(i * count // columns, (i + 1) * count // columns) for i in range(columns)]
