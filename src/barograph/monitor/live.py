"""A run while it goes on: every row is written, judged, and told to whoever listens; a guard may decide something.

Nothing here ever raises into a training loop. What goes wrong inside is counted and told once. A row is written before
anything else that could fail is done with it.
"""

from __future__ import annotations

import json
import os
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from barograph.core.decision import Decision, Deed
from barograph.core.errors import BarographError
from barograph.core.finding import Diagnosis, Finding, Severity
from barograph.core.fingerprint import recognise_method
from barograph.core.listener import Listener
from barograph.core.methods import Method
from barograph.core.run import Run
from barograph.engine.bound import BoundRule, bind
from barograph.engine.frame import frame_of
from barograph.engine.judge import judge
from barograph.engine.live import Engine
from barograph.engine.settings import Settings, read_settings
from barograph.engine.verdict import conclude
from barograph.monitor.claim import Claim
from barograph.monitor.guarding import alerts_of, guard_of, license_rules
from barograph.monitor.rows import HIGHEST_STEP, Cleaner, Naming, Plan, as_step
from barograph.monitor.run_file import RUN, RunFile, settings_of
from barograph.sinks.completions import Completions
from barograph.sinks.journal import Journal
from barograph.sinks.lines import encoder, strict
from barograph.sources.naming import as_method
from barograph.sources.runs import read_run

__all__ = ["FINDINGS", "LOG", "RUN", "Monitor"]

LOG = "logs/training_metrics.jsonl"
FINDINGS = "logs/findings.jsonl"
#: So many numbers of early rows are kept until the method of the run is known; beyond, the file is read again.
MOST_EARLY_NUMBERS = 20_000
#: So often the keys are looked at again while they leave the method open.
MOST_LOOKS = 50
#: So often it is followed when steps jump back: each time the file is read once more.
MOST_RETURNS = 20
#: So many of our own mistakes are told; all are counted.
MOST_TOLD = 3


class Monitor:
    """Keeps the trace of one run, and watches it.

    `method` may be left open: it is recognised by the keys of the first rows. `guard` is the most that may be done
    about a finding: `advise`, `stop` or `rescue`; whoever trains asks `take_decision` after each row. A folder that
    holds a log is gone on with; one that another process writes to is left alone, and the next free one beside it is
    taken. `folder` says which it is.
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        *,
        method: Method | str | None = None,
        config: object = None,
        settings: Settings | None = None,
        guard: Deed | str = Deed.ADVISE,
        dry_run: bool = False,
        listeners: Iterable[Listener] = (),
    ) -> None:
        self.settings = settings or read_settings()
        self._asked = as_method(method)
        deed = Deed.of(guard)
        self.listeners = list(listeners)
        #: What went wrong inside, how often.
        self.mistakes = 0
        self.rows = 0
        self.last_step = -1
        self.state = "running"
        self._process = os.getpid()
        self._said: set[str] = set()
        self._waiting: deque[Decision] = deque()
        self._early: list[tuple[int, dict[str, float]]] = []
        self._early_numbers = 0
        self._first: dict[str, float] = {}
        self._looks = 0
        self._returns = 0
        self._told: dict[str, Severity] = {}
        self._cleaner = Cleaner(self.tell)
        self._encode = encoder()
        self._claim = Claim(Path(folder), self._give_way)
        self.folder = self._claim.folder
        self._file = RunFile(self.folder)
        self.config: dict[str, object] = {**self._file.config, **settings_of(config)}
        #: Whether there are rows from before, of which none has been judged yet.
        self.has_past = (self.folder / LOG).is_file()
        self._journal = Journal(self.folder / LOG, self.tell)
        self._completions = Completions(self.folder, self.tell)
        self._findings = Journal(self.folder / FINDINGS, self._tell_of_findings)
        self._set_method(self._asked or self._method_before())
        self.guard = guard_of(self.settings.guard, self._rules, deed, dry_run=dry_run)
        self.guard.know(self.config)
        self.listeners += alerts_of(self.settings.alerts, self.tell)
        self._write_run()
        self._each("introduced", self.so_far)
        self._each("started", str(self.folder), self.method.value, self.config)
        if self.folder != Path(folder):
            self.tell(f"{folder}: another process records its run there; this one is kept in {self.folder}")

    # What whoever trains calls

    def log(self, step: object, metrics: Mapping[str, object]) -> None:
        """Keep one row, and judge it. Keys are those of the framework; `eval_` in front stands for held-out data.

        A step that is None is counted. In a forked process nothing is kept: the rows are its parent's.
        """
        if os.getpid() != self._process or self.state != "running":
            return
        try:
            self._log(step, metrics)
        except Exception as error:  # noqa: BLE001 - a monitor never stops a training
            self._stumble(error)

    def samples(self, step: object, rows: Iterable[Mapping[str, object]]) -> None:
        """Keep what the model said at a step: rows with a `prompt`, a `completion`, a `score`, and whatever else."""
        if os.getpid() != self._process or self.state != "running":
            return
        try:
            found = as_step(step)
            self._completions.write(max(self.last_step, 0) if found is None else found, rows)
        except Exception as error:  # noqa: BLE001 - as above
            self._stumble(error)

    def saved(self, step: int, path: str | os.PathLike[str]) -> None:
        """A checkpoint was written: the guard may go back to it."""
        try:
            self.guard.saved(int(step), os.fspath(path))
        except Exception as error:  # noqa: BLE001 - as above
            self._stumble(error)

    def went_back(self, step: int) -> None:
        """What was logged after a step is being done again, from a checkpoint of that step."""
        try:
            self._go_back(step + 1)
        except Exception as error:  # noqa: BLE001 - as above
            self._stumble(error)

    def found_before(self, findings: Iterable[Finding], *, quietly: bool = False) -> None:
        """What was found in settings or data before the first step. It is kept and told, and the guard does nothing.

        With `quietly` it is only kept.
        """
        try:
            for finding in findings:
                self._note({"kind": "finding", "at": 0, **finding.to_dict()})
                if not quietly:
                    self._each("found", finding)
        except Exception as error:  # noqa: BLE001 - as above
            self._stumble(error)

    def configure(self, facts: object) -> None:
        """Settings of the run that have become known."""
        try:
            self.config.update(settings_of(facts))
            self.guard.know(self.config)
            self._set_method(self.method)
            if self.rows:
                self._replay()
            self._write_run()
        except Exception as error:  # noqa: BLE001 - as above
            self._stumble(error)

    def summarise(self, facts: Mapping[str, object]) -> None:
        """What the owner of the run wants to keep beside its metrics: it goes to `run.json` when the run ends."""
        self._file.summary.update(facts)

    def take_decision(self) -> Decision | None:
        """What the guard has decided and nobody has carried out yet."""
        return self._waiting.popleft() if self._waiting else None

    def tell(self, sentence: str) -> None:
        """Say something to whoever listens, once."""
        if sentence not in self._said:
            self._said.add(sentence)
            self._each("told", sentence)

    def _tell_of_findings(self, sentence: str) -> None:
        if not self._journal.is_troubled:  # Else the owner knows already that this folder takes nothing.
            self.tell(sentence)

    def finish(self, state: str = "finished") -> Diagnosis | None:
        """The run is over. Gives the whole diagnosis, as `check` would."""
        if self.state != "running" or os.getpid() != self._process:
            return None
        self.state = state
        self._journal.close()
        self._write_run()
        diagnosis: Diagnosis | None = None
        try:
            diagnosis = self.diagnosis()
        except Exception as error:  # noqa: BLE001 - as above
            self._stumble(error)
        self._each("ended", diagnosis)
        self._findings.close()
        self._claim.release()
        return diagnosis

    def past_step(self) -> int:
        """The last step that is in the folder; -1 if there is none."""
        run = self.run()
        return run.last_step if run is not None else -1

    def diagnosis(self) -> Diagnosis | None:
        """What `check` says of the run so far; None if there is nothing to judge."""
        run = self.run()
        return judge(run, self.settings) if run is not None else None

    def so_far(self, run: Run) -> Diagnosis:
        """What the findings add up to by now, for whoever keeps the rows as a run: nothing is read or judged anew."""
        judged = {watch.rule.rule.code for watch in self._engine.watches if watch.judged}
        run = replace(run, method=self.method)
        return conclude(run, self._rules, self._engine.timeline, self._engine.findings(), judged)

    def run(self) -> Run | None:
        """The run so far, as it is read back from its folder."""
        try:
            return read_run(self.folder / LOG, self._known(), self.config, self.settings.metrics)
        except BarographError:
            return None

    @property
    def findings(self) -> Sequence[Finding]:
        """What has been found so far."""
        return self._engine.findings()

    # One row

    def _log(self, step: object, metrics: Mapping[str, object]) -> None:
        row, plan = self._cleaned(metrics)
        if type(step) is not int or not 0 <= step <= HIGHEST_STEP:
            step = self._counted(step, metrics)
        self._journal.write(self._encode(step, row))
        self.rows += 1
        if self.has_past:
            self._go_on_from(step)
            plan = None
        if self.method is Method.UNKNOWN:
            self._recognise(step, row)
            plan = None
        if plan is None:
            plan = self._naming.plan(row)
        if step < self.last_step and self._falls_back(step, plan):
            self._go_back(step)
            plan = self._naming.plan(row)
        plan.last = self.last_step = step
        values = self._naming.carried_out(plan, row)
        news = self._engine.advance(step, values, plan.keys)
        for listener in self.listeners:
            try:
                if listener.wants_rows:
                    listener.logged(step, metrics, values)
            except Exception as error:  # noqa: BLE001 - one that stumbles must not silence the others
                self._stumble(error)
        if news:
            self._tell_news(news, step)

    def _cleaned(self, metrics: Mapping[str, object]) -> tuple[Mapping[str, float], Plan | None]:
        """The numbers of a row, and what to do with it if that is known. What is no number is left out, and told."""
        if type(metrics) is dict:
            plan = self._naming.plans.get(tuple(metrics))
            if plan is not None and [*map(type, metrics.values())].count(float) == len(metrics):
                return metrics, plan  # As nearly every row: floats, under keys that have come before.
        return self._cleaner.cleaned(metrics), None

    def _counted(self, step: object, metrics: Mapping[str, object]) -> int:
        """A step that is a whole number of any type, or the one that follows the last."""
        found = as_step(metrics.get("step") if step is None else step)
        if found is not None:
            return found
        if step is not None:
            self.tell(f"{str(step)[:40]!r} is no step, which is a whole number from 0 on: the rows are counted instead")
        if self.has_past:
            self.last_step = self.past_step()
        return self.last_step + 1

    def _tell_news(self, news: Sequence[Finding], step: int) -> None:
        for finding in news:
            self._told[finding.code] = max(finding.severity, self._told.get(finding.code, finding.severity))
            self._note({"kind": "finding", "at": step, **finding.to_dict()})
            self._each("found", finding)
        decision = self.guard.found(news, step)
        if decision is not None:
            self._note({"kind": "decision", **decision.to_dict()})
            self._waiting.append(decision)
            self._each("decided", decision)

    # The method

    def _known(self) -> Method | None:
        return self.method if self.method is not Method.UNKNOWN else None

    def _method_before(self) -> Method:
        """The method of an earlier part of the run."""
        try:
            return Method(self._file.method)
        except ValueError:
            return Method.UNKNOWN

    def _set_method(self, method: Method) -> None:
        self.method = method
        self._naming = Naming(method, self.settings.metrics)
        self._rules: list[BoundRule] = bind(method, self.settings)
        try:
            frame = frame_of(method, self.config, self._first.get("loss"))
        except Exception as error:  # noqa: BLE001 - a setting that nobody foresaw must not keep a run from its start
            self._stumble(error)
            frame = frame_of(method, {}, self._first.get("loss"))
        self._engine = Engine(self._rules, frame)

    def _recognise(self, step: int, row: Mapping[str, float]) -> None:
        """Look at the keys again while they leave the method open, and keep the rows till then."""
        if self._asked is None and self._looks < MOST_LOOKS and not row.keys() <= self._first.keys():
            self._looks += 1
            for key, value in row.items():
                self._first.setdefault(key, value)
            method, why = recognise_method(list(self._first), self._first, str(self.folder))
            if method is not Method.UNKNOWN:
                self._take_as(method, why, step)
                return
        if self._looks < MOST_LOOKS and self._asked is None:
            self._early_numbers += len(row)
            if self._early_numbers <= MOST_EARLY_NUMBERS:
                self._early.append((step, dict(row)))
        elif self._early:
            self._early = []

    def _take_as(self, method: Method, why: str, step: int) -> None:
        """From now on judge by the rules of a method; what they find in the rows so far is told as well."""
        self._set_method(method)
        license_rules(self.guard, self._rules)
        self.tell(f"taken as {method.value}: {why}")
        news: list[Finding] = []
        if self._early_numbers <= MOST_EARLY_NUMBERS:
            for early, row in self._early:
                news += self._engine.advance(early, self._naming.values(row))
                self._naming.plan(row).last = early
        else:
            news = self._replay(before=step)
        self._early = []
        self._write_run()
        fresh = [f for f in news if f.code not in self._told or f.severity > self._told[f.code]]
        if fresh:
            self._tell_news(fresh, step)

    # Going on from rows that are there, and going back

    def _go_on_from(self, step: int) -> None:
        """The first row in a folder that holds some: judge those before it, as if they had just come."""
        self.has_past = False
        past = self.run()
        if past is None:
            return
        if self.method is Method.UNKNOWN and past.method is not Method.UNKNOWN:
            self._set_method(past.method)
            license_rules(self.guard, self._rules)
        self._replay(before=step)

    def _falls_back(self, step: int, plan: Plan) -> bool:
        """Whether a series is given for a step that it is past: the run was resumed."""
        falls = any(step < other.last and plan.steady & other.steady for other in self._naming.plans.values())
        if not falls:
            return False
        self._returns += 1
        if self._returns == MOST_RETURNS:
            self.tell("the steps jump back again and again: from here on rows are judged in the order they come")
        return self._returns < MOST_RETURNS

    def _go_back(self, step: int) -> None:
        """Forget what was judged from a step on, for it is being done again."""
        self._set_method(self.method)
        self.guard.went_back(step - 1)
        self.last_step = step - 1
        self._replay(before=step)

    def _replay(self, before: int | None = None) -> list[Finding]:
        """Judge what is written already, without telling it again."""
        news: list[Finding] = []
        run = self.run()
        if run is None:
            return news
        for record in run.records():
            if before is None or record.step < before:
                news += self._engine.advance(record.step, record.series())
                self.last_step = record.step
        if before is not None:
            self._each("went_back", before, run)
        return news

    # The run's own file, and mistakes

    def _give_way(self) -> None:
        """Another monitor of this process has taken the folder."""
        self.state = "replaced"
        self._journal.close()
        self._findings.close()
        self._claim.release()

    def _write_run(self) -> None:
        facts = {"method": self.method.value, "state": self.state, "last_step": self.last_step, "rows": self.rows}
        with suppress(OSError):
            self._file.write(facts, self.config)

    def _note(self, entry: Mapping[str, object]) -> None:
        self._findings.write(json.dumps(strict(entry), allow_nan=False).encode() + b"\n")

    def _each(self, what: str, *arguments: object) -> None:
        for listener in self.listeners:
            try:
                getattr(listener, what)(*arguments)
            except Exception as error:  # noqa: BLE001 - one that stumbles must not silence the others
                self._stumble(error)

    def _stumble(self, error: Exception) -> None:
        self.mistakes += 1
        if self.mistakes <= MOST_TOLD:
            sentence = f"barograph made a mistake ({type(error).__name__}: {error}); the training goes on"
            with suppress(Exception):
                self._note({"kind": "mistake", "says": sentence})
                for listener in self.listeners:
                    listener.told(sentence)
