"""What changes, as it changes: one stream of events for each page, and one look for all pages at the same thing.

An event says no more than which numbers have risen; the page then asks for what it shows. So nothing piles up for one
that reads slowly: it is told the latest when it is ready for it.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager

__all__ = ["MOST_STREAMS", "SOON", "Lookout", "events"]

_LOG = logging.getLogger(__name__)

#: So many pages at once; one more is told to come back later.
MOST_STREAMS = 256
#: Without news, a page is told so often that the server is still there.
HEARTBEAT = 15.0
#: Seconds in which news reaches the page.
SOON = 0.15
#: A browser that has lost the stream comes back after so many milliseconds.
COMES_BACK = 1500
#: Looking takes at most one part in so many of the time.
RESTS = 4.0


class Lookout:
    """Looks at one thing again and again, while there is anybody to look for."""

    def __init__(self, look: Callable[[], None], every: float) -> None:
        """There are so many seconds between two looks, and more after one that takes its time."""
        self._look = look
        self._every = every
        self._lookers = 0
        self._task: asyncio.Task[None] | None = None
        self._failed = ""

    @property
    def is_over(self) -> bool:
        """Whether nobody looks any more."""
        return not self._lookers and self._task is not None and self._task.done()

    @contextmanager
    def looking(self) -> Iterator[None]:
        """While this lasts."""
        self._lookers += 1
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._watch())
        try:
            yield
        finally:
            self._lookers -= 1

    async def _watch(self) -> None:
        while self._lookers:
            begun = time.monotonic()
            try:
                await asyncio.to_thread(self._look)
            except Exception as error:  # noqa: BLE001 - said once; whoever looks still waits for the next news
                if repr(error) != self._failed:
                    self._failed = repr(error)
                    _LOG.exception("a look has failed")
            await asyncio.sleep(max(self._every, RESTS * (time.monotonic() - begun)))


async def events(
    lookouts: Sequence[Lookout], now: Callable[[], Mapping[str, object]], is_ending: Callable[[], bool] = bool
) -> AsyncGenerator[str]:
    """The text of a stream: `now` as it is, and again each time it has become another."""
    yield f"retry: {COMES_BACK}\n\n"
    told: Mapping[str, object] | None = None
    last = time.monotonic()
    with ExitStack() as stack:
        for lookout in lookouts:
            stack.enter_context(lookout.looking())
        while not is_ending():
            if (state := now()) != told:
                told, last = state, time.monotonic()
                yield f"data: {json.dumps(state)}\n\n"
            elif time.monotonic() - last > HEARTBEAT:
                last = time.monotonic()
                yield ": still here\n\n"
            await asyncio.sleep(SOON)
