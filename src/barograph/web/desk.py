"""The runs that somebody looks at: read once, judged, and followed from there on as they grow.

Everything here may be called from several threads. What grows must not do so while it is drawn: `OpenRun.lock` is for
that.
"""

from __future__ import annotations

import threading
import time
from collections import Counter, OrderedDict
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from barograph.console.watch_view import Scene
from barograph.core.errors import UnreadableRun
from barograph.core.finding import Diagnosis, Verdict
from barograph.core.run import Run
from barograph.engine.judge import judge
from barograph.engine.settings import Settings
from barograph.monitor.own_folder import OwnFolder
from barograph.monitor.watcher import Watcher, planned_steps, share_done
from barograph.sources.locate import find
from barograph.sources.runs import How, read_run
from barograph.sources.sketch import sketch
from barograph.sources.tail import stamps

__all__ = ["Desk", "OpenRun"]

#: Numbers of runs that nobody looks at any more which are kept, in case somebody comes back.
MOST_KEPT = 5_000_000
#: Of the time between two looks, so much goes into judging rows that are waiting.
SHARE = 0.5


class OpenRun:
    """One run: at first as it lies there, from its first new row on as it grows.

    `open` begins to read it. A long log is sketched first, then read, then judged; `version` rises each time there is
    more to see.
    """

    def __init__(self, path: str, settings: Settings) -> None:
        self.path = path
        self.version = 0
        #: Held while the run is drawn, and while it grows.
        self.lock = threading.RLock()
        #: Set once there is something to draw, and once all is read and judged; both also where that failed.
        self.has_begun, self.is_read = threading.Event(), threading.Event()
        self.is_sketch = False
        #: Why it cannot be read.
        self.trouble = ""
        self._settings = settings
        self._opening = threading.Lock()
        self._run: Run | None = None
        self._diagnosis: Diagnosis | None = None
        self._stamp: object = None
        self._log: Path | None = None
        self._watcher: Watcher | None = None

    @property
    def run(self) -> Run | None:
        """The run as far as it is known."""
        return self._watcher.run if self._watcher is not None else self._run

    @property
    def state(self) -> str:
        """How a run of ours stands, in its own words; of another it is not known."""
        return str(OwnFolder(self._log).facts().get("state", ""))

    @property
    def changed(self) -> float | None:
        """When its log was written to, in seconds since 1970."""
        try:
            return self._log.stat().st_mtime if self._log is not None else None
        except OSError:
            return None

    def open(self) -> None:
        """Read it, unless somebody has or is at it."""
        if not self.is_read.is_set() and self._opening.acquire(blocking=False):
            threading.Thread(target=self._open, name=f"reads {self.path}", daemon=True).start()

    def _open(self) -> None:
        try:
            self._stamp = self._stamp_of_log()  # Taken before: what is written meanwhile counts as new.
            how = How(metrics=self._settings.metrics)
            self._tell(sketch(self.path, how), is_sketch=True)
            run = read_run(self.path, metrics=how.metrics)
            self._tell(run)
            self._diagnosis = judge(run, self._settings)
            self.trouble = ""
        except UnreadableRun as error:
            self.trouble = str(error)
        except Exception as error:
            self.trouble = f"{self.path}: {type(error).__name__}: {error}"  # Whoever waits is not left waiting.
            raise
        finally:
            self.version += 1
            self.has_begun.set()
            self.is_read.set()
            self._opening.release()

    def _tell(self, run: Run | None, *, is_sketch: bool = False) -> None:
        if run is not None:
            with self.lock:
                self._run, self.is_sketch = run, is_sketch
                self.version += 1
            self.has_begun.set()

    def diagnosis(self) -> Diagnosis:
        """What can be said of it; that it is unjudged, while it has not been judged."""
        with self.lock:
            if self._watcher is not None:
                return self._watcher.diagnosis()
            run = self._run
            assert run is not None  # noqa: S101 - nobody asks before there is a run
            return self._diagnosis or Diagnosis(
                run.path, run.source, run.method, len(run), run.first_step, run.last_step, Verdict.UNJUDGED
            )

    def scene(self) -> Scene:
        """How it stands."""
        with self.lock:
            if self._watcher is not None:
                return replace(self._watcher.scene(), state=self.state)
            run = self._run
            if run is None:
                return Scene(path=self.path, trouble=self.trouble)
            decisions = OwnFolder(self._log).decisions()
            return Scene(path=run.path, planned=planned_steps(run), share=share_done(run), trouble=self.trouble,
                         state=self.state, decisions=decisions)  # fmt: skip

    def look(self, seconds: float) -> None:
        """Take what has been written since the last look; rows of a long log are judged meanwhile."""
        if not self.is_read.is_set():
            return
        if self._watcher is None:
            stamp = self._stamp_of_log()
            if stamp != self._stamp:
                self._stamp = stamp
                self._begin_to_follow()
            return
        with self.lock:
            before = self._seen()
            self._watcher.look()
            self._watcher.catch_up(SHARE * seconds)
            self.trouble = self._watcher.trouble
            self.version += self._seen() != before

    def _begin_to_follow(self) -> None:
        """From now on it is read on from where one has come to; reading it up to there may take a while."""
        watcher = Watcher(self.path, self._settings)
        watcher.look()
        with self.lock:
            self.trouble = watcher.trouble
            if watcher.run is not None:
                self._watcher = watcher
            self.version += 1

    def _seen(self) -> tuple[object, ...]:
        """What tells that there is something new."""
        assert self._watcher is not None  # noqa: S101 - only a run that is followed is asked
        found = tuple((one.code, one.severity) for one in self._watcher.diagnosis().findings)
        return len(self._watcher.run or ()), self._watcher.trouble, found, self.state

    def _stamp_of_log(self) -> object:
        """Size and time of its files. Of a folder it is those of its newest log."""
        try:
            self._log = find(self.path)[0].logs[0].document.place
        except UnreadableRun as error:
            return str(error)
        return [*stamps(self._log), self.state]

    def close(self) -> None:
        """Let go of the log."""
        with self.lock:
            if self._watcher is not None:
                self._watcher.close()


class Desk:
    """All runs that are open. Those that nobody looks at any more are put away, the longest unseen first."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._open: OrderedDict[str, OpenRun] = OrderedDict()
        self._lookers = Counter[str]()
        self._lock = threading.Lock()

    def at(self, path: str) -> OpenRun:
        """The run at a path, which is being read from now on."""
        with self._lock:
            if path not in self._open:
                self._open[path] = OpenRun(path, self._settings)
                self._put_away()
            self._open.move_to_end(path)
            run = self._open[path]
        run.open()
        return run

    @contextmanager
    def looking(self, paths: Collection[str]) -> Iterator[None]:
        """Runs that somebody looks at: they stay."""
        with self._lock:
            self._lookers.update(paths)
        try:
            yield
        finally:
            with self._lock:
                self._lookers.subtract(paths)

    def wait_for_others(self, longest: float) -> None:
        """Until nobody waits for a run, for so many seconds at most."""
        end = time.monotonic() + longest
        while time.monotonic() < end and not all(run.is_read.is_set() for run in list(self._open.values())):
            time.sleep(0.02)

    def close(self) -> None:
        """Let go of every log."""
        with self._lock:
            for run in self._open.values():
                run.close()

    def _put_away(self) -> None:
        held = {path: _numbers(run) for path, run in self._open.items() if not self._lookers[path]}
        total = sum(held.values())
        for path in list(held)[:-1]:  # The last is the one that somebody is about to look at.
            if total <= MOST_KEPT:
                return
            # Nobody waits for that: it may be growing this moment.
            threading.Thread(target=self._open.pop(path).close, daemon=True).start()
            total -= held[path]


def _numbers(opened: OpenRun) -> int:
    return sum(map(len, opened.run.columns.values())) if opened.run is not None else 0
