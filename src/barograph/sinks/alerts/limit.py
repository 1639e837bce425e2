"""How often a person is told: seldom enough to be listened to."""

from __future__ import annotations

from collections import deque

__all__ = ["Limit"]

HOUR = 3600.0


class Limit:
    """Lets through one alert of a kind in `pause` seconds, and so many of any kind in an hour.

    >>> limit = Limit(pause=60, most_an_hour=20)
    >>> limit.admits("NUM01", now=0), limit.admits("NUM01", now=30), limit.held
    (True, False, 1)
    """

    def __init__(self, pause: float, most_an_hour: int) -> None:
        self.pause = pause
        self.most_an_hour = most_an_hour
        #: Alerts that were held back since the last one that was let through.
        self.held = 0
        self._last: dict[str, float] = {}
        self._recent: deque[float] = deque()

    def admits(self, kind: str, now: float) -> bool:
        """Whether an alert may go out now, by a clock that never goes back."""
        while self._recent and now - self._recent[0] >= HOUR:
            self._recent.popleft()
        last = self._last.get(kind)
        if len(self._recent) >= self.most_an_hour or (last is not None and now - last < self.pause):
            self.held += 1
            return False
        self._last[kind] = now
        self._recent.append(now)
        return True

    def take_held(self) -> int:
        """How many were held back, to be told with the next."""
        held, self.held = self.held, 0
        return held
