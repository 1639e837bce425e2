"""The runs that somebody looks at: read once, judged, and followed from there on as they grow.

Everything here may be called from several threads. What grows must not do so while it is drawn: `OpenRun.lock` is for
that.
"""

from __future__ import annotations

import itertools
import os
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

__all__ = ["Desk", "OpenRun", "next_version"]

#: Numbers of runs that nobody looks at any more which are kept, in case somebody comes back.
MOST_KEPT = 5_000_000

#: Each number is given once: also a run that was put away, or a server that was started again, tells news by it.
_VERSIONS = itertools.count(time.time_ns() // 1_000_000)


def next_version() -> int:
    """A number that nothing has had before."""
    return next(_VERSIONS)


class OpenRun:
    """One run: at first as it lies there, from its first new row on as it grows.

    `open` begins to read it. A long log is sketched first, then read, then judged; `version` rises each time there is
    more to see.
    """

    def __init__(self, path: str, settings: Settings) -> None:
        self.path = path
        self.version = next_version()
        #: Held while the run is drawn, and while it grows.
        self.lock = threading.RLock()
        #: Set once there is something to draw, and once all is read and judged; both also where that failed.
        self.has_begun, self.is_read = threading.Event(), threading.Event()
        self.is_sketch = False
        #: Why it cannot be read.
        self.trouble = ""
        self._settings = settings
        self._opening, self._looking = threading.Lock(), threading.Lock()
        self._run: Run | None = None
        self._diagnosis: Diagnosis | None = None
        self._stamp: object = None
        self._log: Path | None = None
        self._watcher: Watcher | None = None
        #: Whether its log goes on with other runs, so that it has to be read as a whole each time.
        self._is_one_of_several = False
        self._seen: tuple[object, ...] = ()
        self._is_closed = False

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
            self._tell(sketch(self.path, How(metrics=self._settings.metrics)), is_sketch=True)
            run = read_run(self.path, metrics=self._settings.metrics)
            self._tell(run)
            self._diagnosis = judge(run, self._settings)
            self.trouble = ""
        except UnreadableRun as error:
            self._fail(str(error))
        except Exception as error:
            self._fail(f"{self.path}: {type(error).__name__}: {error}")  # Whoever waits is not left waiting.
            raise
        finally:
            self.version = next_version()
            self.has_begun.set()
            self.is_read.set()
            self._opening.release()

    def _tell(self, run: Run | None, *, is_sketch: bool = False) -> None:
        if run is not None:
            with self.lock:
                self._run, self.is_sketch = run, is_sketch
                self.version = next_version()
            self.has_begun.set()

    def _fail(self, trouble: str) -> None:
        """What was sketched is no run after all."""
        with self.lock:
            self._run, self.is_sketch, self.trouble = None, False, trouble

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
                return replace(self._watcher.scene(), state=self.state, trouble=self.trouble)
            run = self._run
            if run is None:
                return Scene(path=self.path, trouble=self.trouble)
            decisions = OwnFolder(self._log).decisions()
            return Scene(path=run.path, planned=planned_steps(run), share=share_done(run), trouble=self.trouble,
                         state=self.state, decisions=decisions)  # fmt: skip

    def look(self) -> None:
        """Take what has been written since the last look."""
        if not self.is_read.is_set():
            return
        with self._looking:
            watcher = self._watcher
            if watcher is not None:
                self._follow(watcher)
            elif (stamp := self._stamp_of_log()) != self._stamp:
                self._stamp = stamp
                self._begin_to_follow()

    def _follow(self, watcher: Watcher) -> None:
        with self.lock:
            if self._is_closed:
                return
            watcher.look()
            if self._is_another(watcher):  # The next run in its log has begun.
                self._watcher, self._is_one_of_several = None, True
                watcher.close()
                self._read_anew()
                return
            self.trouble = watcher.trouble or self._lost(watcher)
            if (seen := self._look_of(watcher)) != self._seen:
                self._seen, self.version = seen, next_version()

    def _begin_to_follow(self) -> None:
        """From now on it is read on from where one has come to; reading it up to there may take a while."""
        if self._is_one_of_several:
            self._read_anew()
            return
        watcher = Watcher(self.path, self._settings, steps_through=False)
        watcher.look()
        if self._is_another(watcher):
            self._is_one_of_several = True
            watcher.close()
            self._read_anew()
            return
        with self.lock:
            self.trouble = watcher.trouble
            if watcher.run is None or self._is_closed:
                watcher.close()
            else:
                self._watcher, self._seen = watcher, self._look_of(watcher)
            self.version = next_version()

    def _read_anew(self) -> None:
        """As a whole, for what cannot be followed."""
        try:
            run = read_run(self.path, metrics=self._settings.metrics)
            diagnosis = judge(run, self._settings)
        except UnreadableRun as error:
            with self.lock:
                self.trouble, self.version = str(error), next_version()
            return
        with self.lock:
            self._run, self._diagnosis, self.trouble, self.version = run, diagnosis, "", next_version()

    def _is_another(self, watcher: Watcher) -> bool:
        """Whether what is followed is not the run of this name but one that comes after it in the log."""
        return "#" in self.path and watcher.run is not None and watcher.run.path != self.path

    def _lost(self, watcher: Watcher) -> str:
        """What to say where the log is no longer there: its reader waits for it to come back."""
        log = watcher.tail.log
        return f"{self.path}: has been removed" if log is not None and not os.path.lexists(log) else ""

    def _look_of(self, watcher: Watcher) -> tuple[object, ...]:
        """What tells that there is something new."""
        known = watcher.diagnosis()
        return known.rows, known.last_step, tuple(known.findings), self.trouble, self.state

    def _stamp_of_log(self) -> object:
        """Size and time of its files. Of a folder it is those of its newest log."""
        try:
            self._log = find(self.path)[0].logs[0].document.place
            return [*stamps(self._log), self.state]
        except (UnreadableRun, OSError) as error:
            return str(error)

    def close(self) -> None:
        """Let go of the log. What was read of it stays as it is."""
        with self.lock:
            self._is_closed = True
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

    def is_looked_at(self, path: str) -> bool:
        """Whether somebody does, so that it is up to date."""
        with self._lock:
            return self._lookers[path] > 0

    def wait_for_others(self, longest: float) -> None:
        """Until nobody waits for a run, for so many seconds at most."""
        end = time.monotonic() + longest
        while time.monotonic() < end and not all(run.is_read.is_set() for run in list(self._open.values())):
            time.sleep(0.02)

    def close(self) -> None:
        """Let go of every log, and of whoever waits for one."""
        with self._lock:
            for run in self._open.values():
                run.has_begun.set()
                run.is_read.set()
            for run in self._open.values():
                run.close()

    def _put_away(self) -> None:
        # Of those that are being read somebody may wait for one.
        done = [(path, run) for path, run in self._open.items() if run.is_read.is_set()]
        held = {path: _numbers(run) for path, run in done if not self._lookers[path]}
        total = sum(held.values())
        for path, numbers in held.items():
            if total <= MOST_KEPT:
                return
            # Nobody waits for that: it may be growing this moment.
            threading.Thread(target=self._open.pop(path).close, daemon=True).start()
            total -= numbers


def _numbers(opened: OpenRun) -> int:
    run = opened.run
    # A list, for it may be growing this moment.
    return sum(map(len, list(run.columns.values()))) if run is not None else 0
