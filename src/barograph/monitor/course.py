"""The course of a growing series in a few hundred points, whatever its length."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite, nan
from statistics import median

__all__ = ["Course"]

#: More points than the widest terminal has columns would never be seen.
MOST_POINTS = 400
SAMPLES = 101


class Course:
    """The points of one series. Each stands for `stride` values, and of these it is the one farthest from the middle.

    >>> course = Course(most=4)
    >>> course.follow([1, 1, 1, 9, 1, 1, 1, 1])
    [1, 9, 1, 1]
    """

    def __init__(self, most: int = MOST_POINTS) -> None:
        self.most = most
        self.stride = 1
        self._points: list[float] = []
        self._middle = 0.0

    def follow(self, values: Sequence[float]) -> list[float]:
        """The points of a series that begins with what it was when last followed. Only what is new is looked at."""
        if len(values) <= self.most:
            return list(values)
        self._middle = _middle_of(values)
        while len(values) > self.most * self.stride:
            # A pair becomes one point; what is left over is taken from the values again.
            pairs = zip(self._points[::2], self._points[1::2], strict=False)
            self._points = [self._extreme(pair) for pair in pairs]
            self.stride *= 2
        stride = self.stride
        for begin in range(len(self._points) * stride, len(values) - stride + 1, stride):
            self._points.append(self._extreme(values[begin : begin + stride]))
        rest = values[len(self._points) * stride :]
        return [*self._points, self._extreme(rest)] if rest else list(self._points)

    def _extreme(self, values: Sequence[float]) -> float:
        low, high = min(values), max(values)
        if not (isfinite(low) and isfinite(high) and isfinite(sum(values))):
            finite = list(filter(isfinite, values))
            if not finite:
                return nan
            low, high = min(finite), max(finite)
        return high if high - self._middle >= self._middle - low else low


def _middle_of(values: Sequence[float]) -> float:
    stride = max(1, len(values) // SAMPLES)
    finite = list(filter(isfinite, values[::stride]))
    return median(finite) if finite else 0.0
