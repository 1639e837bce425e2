"""Watching somebody's log while it is written: rows are judged one by one, and the picture of the run is kept."""

from __future__ import annotations

import math
import os
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from statistics import median
from typing import NamedTuple

from barograph.console.watch_view import Gauge, Scene
from barograph.core.bands import Band, Stage, band_at, bands_for, stage_at
from barograph.core.finding import Diagnosis, Finding, Severity
from barograph.core.methods import CLASSIFIER, ONLINE, PREFERENCE, REWARD_MODEL, Method
from barograph.core.run import Run
from barograph.engine.bound import BoundRule, bind
from barograph.engine.coverage import seen_by
from barograph.engine.frame import frame_of
from barograph.engine.judge import judge
from barograph.engine.live import Engine
from barograph.engine.settings import Settings
from barograph.engine.stages import METRICS as STAGED
from barograph.engine.verdict import conclude
from barograph.monitor.course import Course
from barograph.monitor.own_folder import RUNNING, OwnFolder
from barograph.sources.checkpoints import saved_beside
from barograph.sources.growth import Row, RowsOf
from barograph.sources.runs import How
from barograph.sources.tail import Tail

__all__ = ["Change", "Watcher", "metrics_of", "planned_steps", "share_done"]

#: A log that has more rows than this when it is first seen is judged as a whole, and row by row meanwhile.
AT_ONCE = 5_000
#: A run that is judged as a whole each time is left alone for so many times as long as that took, unless it was quick.
RESTS, QUICK = 9.0, 0.03
#: So many rows are judged before the clock is asked again.
BATCH = 200
#: A run is called quiet after so many times the usual distance of its rows, and never before so many seconds.
QUIET_AFTER, QUIET_AT_LEAST = 10.0, 15.0
#: The same, while the usual distance is not known.
QUIET_UNKNOWN = 300.0
#: The rate is that of the last so many looks that brought rows.
LOOKS = 30
#: So many steps tell how long one takes, where the log says so itself.
TIMED = 50

_ALWAYS = ("eval.loss", "grad_norm", "lr")
_WATCHED: tuple[tuple[frozenset[Method], tuple[str, ...]], ...] = (
    (PREFERENCE, ("loss", "reward_margin", "reward_accuracy", "reward_chosen", "reward_rejected", "kto_z0",
                  "eval.reward_margin", "eval.reward_accuracy")),
    (ONLINE, ("score_mean", "reward_total", "kl_ref", "kl_ref_sequence", "approx_kl", "entropy", "clip_frac",
              "len_mean", "truncated_frac", "zero_std_frac", "explained_var", "value_loss", "eval.score_mean")),
    (REWARD_MODEL, ("loss", "rm_accuracy", "rm_margin", "rm_mean", "eval.rm_accuracy")),
    (CLASSIFIER, ("loss", "cls_accuracy", "cls_f1", "cls_precision", "cls_recall", "cls_specificity",
                  "eval.cls_accuracy", "eval.cls_f1")),
    (frozenset(Method), ("loss", "token_accuracy", "entropy")),
)  # fmt: skip


def metrics_of(method: Method) -> tuple[str, ...]:
    """The series to keep an eye on, the most telling first."""
    return next(names for methods, names in _WATCHED if method in methods) + _ALWAYS


class Change(NamedTuple):
    """What one look has brought."""

    rows: int = 0
    #: Findings that are new, or have grown worse.
    findings: tuple[Finding, ...] = ()
    #: Whether this is the first that was seen of the run, or of another run in its place.
    is_beginning: bool = False


class Watcher:
    """Follows one log and judges it.

    `look` takes what is new, `scene` is what there is to see, `catch_up` works off what a long log has left to judge.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        settings: Settings,
        method: str | None = None,
        *,
        steps_through: bool = True,
    ) -> None:
        """Rows are judged one by one as they come; or, where it is not so, as a whole, which says what `check` says."""
        self.settings = settings
        self._steps_through = steps_through
        self._rests_until = -math.inf
        self.tail = Tail(path, How(method, metrics=settings.metrics))
        self._named: Callable[[str], str] = str
        #: Whether no more can come, where that is known; that a run of ours is finished stands in its folder.
        self.has_ended: Callable[[], bool] = bool
        self._own = OwnFolder(None)
        self._facts: dict[str, object] = {}
        self._frame: tuple[Method, dict[str, object]] | None = None
        self._rules: list[BoundRule] = []
        self._engine: Engine | None = None
        #: Rows of a long log that have not been judged one by one yet, and how many they are.
        self._behind: deque[Iterator[Row]] = deque()
        self._rows_behind = 0
        self._scanned: tuple[list[Finding], set[str]] | None = None
        self._has_caught_up = False
        self._told: dict[tuple[str, int], Severity] = {}
        self._diagnosis: Diagnosis | None = None
        self._judged_rows = -1
        self._courses: dict[str, Course] = {}
        self._looks: deque[tuple[float, int, int]] = deque(maxlen=LOOKS)
        self._last_row: float | None = None

    @property
    def run(self) -> Run | None:
        """The run so far."""
        return self.tail.run

    @property
    def state(self) -> str:
        """`running`, or how a run of ours has ended."""
        return "ended" if self.has_ended() else str(self._facts.get("state", RUNNING))

    @property
    def is_over(self) -> bool:
        """Whether no more is to come, as far as is known."""
        return self.state != RUNNING

    @property
    def trouble(self) -> str:
        """Why there is nothing to read."""
        return self._named(self.tail.trouble)

    def shown_as(self, named: Callable[[str], str], has_ended: Callable[[], bool]) -> None:
        """What is followed goes by another name, and somebody knows when it ends."""
        self._named, self.has_ended = named, has_ended

    def close(self) -> None:
        """Let go of the log."""
        self.tail.close()

    # Looking

    def look(self) -> Change:
        """Take what has been written since the last look."""
        before = self.run
        last_step = before.last_step if before is not None else -1
        news = self.tail.poll()
        self._own = OwnFolder(self.tail.log)
        self._facts = self._own.facts()
        run = self.run
        if run is None:
            return Change()
        frame = (run.method, dict(run.config))
        is_beginning = before is None or (news.anew and run.last_step < last_step)
        if is_beginning:
            self._told = {}
        if news.anew or frame != self._frame:
            self._frame = frame
            whole = news.anew or before is None
            found = self._begin(run, news.rows if whole else RowsOf(run))
        else:
            found = self._judge(news.rows) if self._steps_through else []
        self._note_time(len(news.rows), run, is_beginning=is_beginning)
        return Change(len(news.rows), self._not_told(found), is_beginning)

    def glance(self) -> None:
        """Look once and for all: judged as `check` does, and not made ready for what may come."""
        self.tail.poll()
        self._own = OwnFolder(self.tail.log)
        self._facts = self._own.facts()
        run = self.run
        if run is not None:
            self._diagnosis, self._judged_rows = self.closing_diagnosis(), len(run)
            self._note_time(len(run), run, is_beginning=True)

    def catch_up(self, seconds: float) -> None:
        """Judge rows that are still waiting, for about so long."""
        end = time.monotonic() + seconds
        engine = self._engine
        while engine is not None and self._behind and time.monotonic() < end:
            judged = 0
            for step, values in islice(self._behind[0], BATCH):
                engine.advance(step, values)
                judged += 1
            self._rows_behind -= judged
            if judged < BATCH:
                self._behind.popleft()
        if not self._behind and self._scanned is not None:
            self._scanned = None
            self._judged_rows = -1
            self._has_caught_up = True

    def _wait(self, rows: Sequence[Row]) -> None:
        self._behind.append(iter(rows))
        self._rows_behind += len(rows)

    def _begin(self, run: Run, rows: Sequence[Row]) -> list[Finding]:
        """Judge from the first row on."""
        self._courses = {}
        if not self._steps_through:
            self._diagnosis = None
            return []
        timeline = frame_of(run.method, run.config, _first_loss(run))
        self._rules = seen_by(bind(run.method, self.settings), run, timeline)
        self._engine = Engine(self._rules, timeline)
        self._scanned = None
        self._behind.clear()
        self._rows_behind = 0
        if len(rows) > AT_ONCE:
            from barograph.engine.scan import scan_run

            self._scanned = scan_run(run, self._rules, timeline)
            self._wait(rows)
        else:
            for step, values in rows:
                self._engine.advance(step, values)
        self._judged_rows = -1
        return list(self.diagnosis().findings)

    def _judge(self, rows: Sequence[Row]) -> list[Finding]:
        if self._behind:
            self._wait(rows)
            return []
        assert self._engine is not None  # noqa: S101 - for the type checker
        found = [finding for step, values in rows for finding in self._engine.advance(step, values)]
        if self._has_caught_up:  # Something may have come up in the rows that were waiting.
            self._has_caught_up = False
            found = [*self.diagnosis().findings, *found]
        return found

    def _not_told(self, findings: Iterable[Finding]) -> tuple[Finding, ...]:
        new = []
        for finding in findings:
            known = self._told.get((finding.code, finding.step))
            if known is None or finding.severity > known:
                self._told[finding.code, finding.step] = finding.severity
                new.append(finding)
        return tuple(new)

    # What there is to see

    def diagnosis(self) -> Diagnosis:
        """What can be said of the run so far."""
        run, engine = self.run, self._engine
        assert run is not None  # noqa: S101 - nobody asks before there is a row
        if not self._steps_through:
            return self._as_a_whole(run)
        if self._diagnosis is None or self._judged_rows != len(run):
            assert engine is not None  # noqa: S101 - as above
            judged = {watch.rule.rule.code for watch in engine.watches if watch.judged}
            findings, known = self._scanned or (engine.findings(), judged)
            concluded = conclude(self._with_checkpoints(run), self._rules, engine.timeline, findings, known)
            self._diagnosis = replace(concluded, path=self._named(run.path))
            self._judged_rows = len(run)
        return self._diagnosis

    def _as_a_whole(self, run: Run) -> Diagnosis:
        """What `check` says; of a long run that grows fast, what it said a moment ago."""
        begun = time.monotonic()
        if self._diagnosis is None or (self._judged_rows != len(run) and begun > self._rests_until):
            self._diagnosis, self._judged_rows = self.closing_diagnosis(), len(run)
            now = time.monotonic()
            self._rests_until = now + RESTS * (now - begun) if now - begun > QUICK else now
        return replace(self._diagnosis, rows=len(run), last_step=run.last_step)

    def closing_diagnosis(self) -> Diagnosis:
        """What `check` says of the run."""
        assert self.run is not None  # noqa: S101 - as above
        return replace(judge(self._with_checkpoints(self.run), self.settings), path=self._named(self.run.path))

    def _with_checkpoints(self, run: Run) -> Run:
        """As it lies there now: what can be gone back to is part of the answer."""
        log = self.tail.log
        return replace(run, config={**run.config, **saved_beside(log)}) if log is not None else run

    def scene(self) -> Scene:
        """The picture of this moment."""
        run = self.run
        if run is None:
            return Scene(path=self._named(self.tail.path), trouble=self.trouble)
        diagnosis = self.diagnosis()
        share = share_done(run)
        left = self._seconds_left(run, share)
        return Scene(
            path=self._named(self.tail.path),
            diagnosis=diagnosis,
            gauges=self._gauges(run, diagnosis, share),
            planned=planned_steps(run),
            share=share,
            stage=str(stage_at(share).value) if share is not None else "",
            seconds_left=left,
            seconds_a_row=self._seconds_a_row(),
            quiet=self._quiet(),
            state=self.state,
            decisions=[self._named(said) for said in self._own.decisions()],
            remarks=self._remarks(run),
        )

    def _remarks(self, run: Run) -> list[str]:
        remarks = []
        if self.tail.others and self.tail.log is not None:
            more = "another run lies" if self.tail.others == 1 else f"{self.tail.others} other runs lie"
            remarks.append(f"{more} in this folder; the newest is followed: {self.tail.log.name}")
        if self._behind:
            done = 100 * (1 - self._rows_behind / max(1, len(run)))
            remarks.append(f"a long log: judged as a whole first, now row by row ({done:.0f} % so far)")
        if self.trouble:
            remarks.append(self.trouble)
        return remarks

    def _gauges(self, run: Run, diagnosis: Diagnosis, share: float | None) -> list[Gauge]:
        pointed = [finding.metric for finding in diagnosis.findings if finding.severity > Severity.INFO]
        names = [name for name in dict.fromkeys([*metrics_of(run.method), *pointed]) if run.columns.get(name)]
        gauges = []
        for name in names:
            column = run.columns[name]
            points = self._courses.setdefault(name, Course()).follow(column.values)
            band = _band(name, run, diagnosis, share)
            gauges.append(Gauge(name, column.values[-1], points, band, is_found=name in pointed))
        return gauges

    # Time

    def _note_time(self, rows: int, run: Run, *, is_beginning: bool) -> None:
        now = time.monotonic()
        if is_beginning:
            self._looks.clear()
        if rows or is_beginning:
            self._last_row = now
            if is_beginning and self.tail.log is not None:
                self._last_row = now - _age(self.tail.log)
            self._looks.append((self._last_row, len(run), run.last_step))

    def _seconds_a_row(self) -> float | None:
        return self._rate(1)

    def _rate(self, what: int) -> float | None:
        """Seconds for a row (1) or a step (2), as seen while watching."""
        if len(self._looks) < 2:
            return None
        first, last = self._looks[0], self._looks[-1]
        gained = last[what] - first[what]
        return (last[0] - first[0]) / gained if gained > 0 else None

    def _seconds_left(self, run: Run, share: float | None) -> float | None:
        planned = planned_steps(run)
        if planned is None and share and run.last_step:
            planned = round(run.last_step / share)
        if planned is None or self.state != RUNNING:
            return None
        timed = run.columns.get("step_time")
        recent = list(filter(math.isfinite, timed.values[-TIMED:])) if timed else []
        a_step = median(recent) if recent else self._rate(2) or self._rate_of_own(run)
        return max(0.0, (planned - run.last_step) * a_step) if a_step is not None else None

    def _rate_of_own(self, run: Run) -> float | None:
        """Seconds for a step since a run of ours was started."""
        started = self._facts.get("started")
        if not isinstance(started, float | int) or self.tail.log is None or run.last_step <= 0:
            return None
        return max(0.0, time.time() - _age(self.tail.log) - started) / run.last_step

    def _quiet(self) -> float | None:
        """Seconds since the last row, if that is longer than one would expect."""
        if self._last_row is None or self.state != RUNNING:
            return None
        usual = self._seconds_a_row()
        limit = QUIET_UNKNOWN if usual is None else max(QUIET_AT_LEAST, QUIET_AFTER * usual)
        since = time.monotonic() - self._last_row
        return since if since > limit else None


def _age(log: os.PathLike[str]) -> float:
    """Seconds since a log was written to; zero where that cannot be told."""
    try:
        return max(0.0, time.time() - os.stat(log).st_mtime)  # noqa: PTH116 - a path of any kind
    except OSError:
        return 0.0


def _first_loss(run: Run) -> float | None:
    losses = run.columns.get("loss")
    first = list(filter(math.isfinite, losses.values[:5])) if losses else []
    return median(first) if first else None


def planned_steps(run: Run) -> int | None:
    """The step at which the run is meant to end."""
    planned = run.config.get("max_steps")
    if not isinstance(planned, float | int) or not math.isfinite(planned) or planned <= 0:
        return None
    return int(planned) if planned >= run.last_step else None


def share_done(run: Run) -> float | None:
    """How much of the run is done, by its steps or else by its epochs."""
    planned = planned_steps(run)
    if planned is not None:
        return run.last_step / planned
    epochs, epoch = run.config.get("num_train_epochs"), run.latest("epoch")
    if isinstance(epochs, float | int) and epoch is not None and 0 < epoch <= epochs:
        return epoch / epochs
    return None


def _band(name: str, run: Run, diagnosis: Diagnosis, share: float | None) -> Band | None:
    """Where a healthy run is by now: at this stage, or at any where the stage is not known."""
    band = band_at(name, run.method, share) if share is not None else None
    levels_differ = name in STAGED and not any(name in row.cells for row in diagnosis.stages)
    if band is None or (levels_differ and band.stage is not Stage.ANY):
        # A loss that starts elsewhere belongs to another objective: levels say nothing about it.
        return next((known for known in bands_for(name, run.method) if known.stage is Stage.ANY), None)
    return band
