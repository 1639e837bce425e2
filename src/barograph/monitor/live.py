"""A run while it goes on: every row is written, judged, and told to whoever listens; a guard may decide something.

Nothing here ever raises into a training loop. What goes wrong inside is counted and told once.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from barograph.core.decision import Decision, Deed
from barograph.core.errors import BarographError
from barograph.core.finding import Action, Diagnosis, Finding
from barograph.core.fingerprint import recognise_method
from barograph.core.listener import Listener
from barograph.core.methods import Method
from barograph.core.names import split_of
from barograph.core.run import Run
from barograph.engine.bound import BoundRule, bind
from barograph.engine.frame import frame_of
from barograph.engine.judge import judge
from barograph.engine.live import Engine
from barograph.engine.settings import Settings, read_settings
from barograph.guard.policy import Guard
from barograph.monitor.rows import Naming, as_number
from barograph.sinks.journal import Journal
from barograph.sinks.lines import encoder
from barograph.sinks.replace import write_whole
from barograph.sources.naming import as_method
from barograph.sources.runs import read_run

__all__ = ["LOG", "Monitor"]

LOG = "logs/training_metrics.jsonl"
FINDINGS = "logs/findings.jsonl"
RUN = "run.json"
#: So many rows are kept until the method of the run is known.
MOST_EARLY_ROWS = 1_000
#: So many of our own mistakes are told; all are counted.
MOST_TOLD = 3


class Monitor:
    """Keeps the trace of one run, and watches it.

    `method` may be left open: it is recognised by the keys of the first rows. `guard` is the most that may be done
    about a finding: `advise`, `stop` or `rescue`; whoever trains asks `take_decision` after each row.
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        *,
        method: Method | str | None = None,
        config: Mapping[str, object] | None = None,
        settings: Settings | None = None,
        guard: Deed | str = Deed.ADVISE,
        dry_run: bool = False,
        listeners: Iterable[Listener] = (),
    ) -> None:
        self.folder = Path(folder)
        self.config: dict[str, object] = dict(config or {})
        self.settings = settings or read_settings()
        self.listeners = list(listeners)
        #: What went wrong inside, how often.
        self.mistakes = 0
        self.rows = 0
        self.last_step = -1
        self.state = "running"
        self._asked = as_method(method)
        self._said: set[str] = set()
        self._waiting: deque[Decision] = deque()
        self._early: list[tuple[int, dict[str, float]]] = []
        self._first: dict[str, float] = {}
        self._last_of: dict[str, int] = {}
        self._started = time.time()
        self._encode = encoder()
        self._journal = Journal(self.folder / LOG, self.tell)
        self._findings = Journal(self.folder / FINDINGS, self.tell)
        self._set_method(self._asked or Method.UNKNOWN)
        self.guard = Guard(Deed(guard), _acting(self._rules), is_dry=dry_run)
        self._write_run()
        self._each("started", str(self.folder), self.method.value, self.config)

    # What whoever trains calls

    def log(self, step: int, metrics: Mapping[str, object]) -> None:
        """Keep one row, and judge it. Keys are those of the framework; `eval_` in front stands for held-out data."""
        try:
            self._log(step, metrics)
        except Exception as error:  # noqa: BLE001 - a monitor never stops a training
            self._stumble(error)

    def saved(self, step: int, path: str | os.PathLike[str]) -> None:
        """A checkpoint was written: the guard may go back to it."""
        self.guard.saved(step, os.fspath(path))

    def configure(self, facts: Mapping[str, object]) -> None:
        """Settings of the run that have become known."""
        self.config.update(facts)
        self._set_method(self.method)
        self._replay()
        self._write_run()

    def take_decision(self) -> Decision | None:
        """What the guard has decided and nobody has carried out yet."""
        return self._waiting.popleft() if self._waiting else None

    def tell(self, sentence: str) -> None:
        """Say something to whoever listens, once."""
        if sentence not in self._said:
            self._said.add(sentence)
            self._each("told", sentence)

    def finish(self, state: str = "finished") -> Diagnosis | None:
        """The run is over. Gives the whole diagnosis, as `check` would."""
        if self.state != "running":
            return None
        self.state = state
        self._journal.close()
        self._write_run()
        diagnosis = self.diagnosis()
        self._each("ended", diagnosis)
        self._findings.close()
        return diagnosis

    def diagnosis(self) -> Diagnosis | None:
        """What `check` says of the run so far; None if there is nothing to judge."""
        run = self.run()
        return judge(run, self.settings) if run is not None else None

    def run(self) -> Run | None:
        """The run so far, as it is read back from its folder."""
        try:
            return read_run(self.folder / LOG, self.method, self.config, self.settings.metrics)
        except BarographError:
            return None

    @property
    def findings(self) -> Sequence[Finding]:
        """What has been found so far."""
        return self._engine.findings()

    # One row

    def _log(self, step: int, metrics: Mapping[str, object]) -> None:
        row = self._cleaned(metrics)
        line = self._encode(step, row)
        self._journal.write(line)
        self.rows += 1
        if self.method is Method.UNKNOWN and self._asked is None:
            self._recognise(row)
        values = self._naming.values(row)
        if self._falls_back(step, values):
            self._go_back(step)
        if self.method is Method.UNKNOWN and len(self._early) < MOST_EARLY_ROWS:
            self._early.append((step, row))
        self.last_step = step
        news = self._engine.advance(step, values)
        for listener in self.listeners:
            listener.logged(step, metrics, values)
        if news:
            self._tell_news(news, step)

    def _cleaned(self, metrics: Mapping[str, object]) -> dict[str, float]:
        """The numbers of a row. What is none is left out, and told once."""
        row: dict[str, float] = {}
        for key, value in metrics.items():
            if type(value) is float or type(value) is int:
                row[key] = value
                continue
            number = as_number(value)
            if number is not None:
                row[str(key)] = number
            elif value is not None and key != "step":
                self.tell(f"`{str(key)[:80]!r}` is {type(value).__name__}, not a number: left out")
        row.pop("step", None)
        return row

    def _tell_news(self, news: Sequence[Finding], step: int) -> None:
        for finding in news:
            self._findings.write(json.dumps({"kind": "finding", "at": step, **finding.to_dict()}).encode() + b"\n")
            self._each("found", finding)
        decision = self.guard.found(news, step)
        if decision is not None:
            self._findings.write(json.dumps({"kind": "decision", **decision.to_dict()}).encode() + b"\n")
            self._waiting.append(decision)
            self._each("decided", decision)

    # The method, and going back

    def _set_method(self, method: Method) -> None:
        self.method = method
        self._naming = Naming(method, self.settings.metrics)
        self._rules: list[BoundRule] = bind(method, self.settings)
        self._engine = Engine(self._rules, frame_of(method, self.config, self._first.get("loss")))
        self._last_of = {}

    def _recognise(self, row: Mapping[str, float]) -> None:
        """Look at the keys again while they leave the method open."""
        if row.keys() <= self._first.keys():
            return
        for key, value in row.items():
            self._first.setdefault(key, value)
        method, why = recognise_method(list(self._first), self._first, str(self.folder))
        if method is not Method.UNKNOWN:
            self._set_method(method)
            self.guard.acting.update(_acting(self._rules))
            self.tell(f"taken as {method.value}: {why}")
            for step, early in self._early:
                self._engine.advance(step, self._naming.values(early))
            self._early = []
            self._write_run()

    def _falls_back(self, step: int, values: Mapping[str, float]) -> bool:
        """Whether a series is given once more for a step: the run was resumed."""
        falls = False
        for series in values:
            if step < self._last_of.get(series, -1) and split_of(series)[1] != "epoch":
                falls = True
            self._last_of[series] = step
        return falls

    def _go_back(self, step: int) -> None:
        """Forget what was judged from a step on, for it is being done again."""
        self._set_method(self.method)
        self._replay(before=step)
        self._last_of = {}

    def _replay(self, before: int | None = None) -> None:
        """Judge what is written already, without telling it again."""
        run = self.run() if self.rows or (self.folder / LOG).is_file() else None
        for record in run.records() if run is not None else ():
            if before is None or record.step < before:
                self._engine.advance(record.step, record.series())

    # The run's own file, and mistakes

    def _write_run(self) -> None:
        from barograph import __version__

        facts = {
            "schema": 1,
            "method": self.method.value,
            "state": self.state,
            "started": self._started,
            "updated": time.time(),
            "last_step": self.last_step,
            "rows": self.rows,
            "versions": {"barograph": __version__, "python": sys.version.split()[0]},
            "config": {key: value for key, value in self.config.items() if _is_plain(value)},
        }
        with suppress(OSError):
            write_whole(self.folder / RUN, json.dumps(facts, indent=1).encode() + b"\n")

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
                self._findings.write(json.dumps({"kind": "mistake", "says": sentence}).encode() + b"\n")
                for listener in self.listeners:
                    listener.told(sentence)


def _is_plain(value: object) -> bool:
    return value is None or isinstance(value, str | bool | int | float)


def _acting(rules: Iterable[BoundRule]) -> dict[str, set[Action]]:
    """The codes of rules that may act, with the deeds they advise."""
    return {
        rule.rule.code: {advice.action for advice in rule.rule.do if advice.action is not None}
        for rule in rules
        if rule.rule.may_act
    }
