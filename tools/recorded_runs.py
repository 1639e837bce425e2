"""The recorded trainings of benchmarks/diagnosis, as runs to be drawn, and what barograph says of them."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from barograph.core.finding import Diagnosis, Finding, Severity
from barograph.core.run import Run
from barograph.engine.bound import bind
from barograph.engine.frame import frame_of
from barograph.engine.judge import judge
from barograph.engine.live import Engine
from barograph.engine.settings import Settings
from barograph.rules.catalogue import by_code

sys.path.append(str(Path(__file__).resolve().parent.parent / "benchmarks" / "diagnosis"))

from judging import run_of
from recorded import MANIFEST, Manifest, log_of, read_log
from scenarios import SCENARIOS, Fault, Scenario

__all__ = ["Recorded", "blind_spots", "faults_of", "recorded"]


@dataclass(frozen=True, slots=True)
class Recorded:
    """One training: its log, and what is said of it."""

    scenario: Scenario
    run: Run
    #: What is said when it is complete.
    diagnosis: Diagnosis
    #: The step of the first alarm that somebody who watches gets to see once the fault has begun; 0 if there is none.
    alarmed_at: int
    #: The warnings or worse of that step: causes before consequences, and no consequence of another among them.
    alarms: tuple[Finding, ...]

    @property
    def fault(self) -> Fault | None:
        return self.scenario.fault


@cache
def _manifest() -> Manifest:
    return Manifest.read(MANIFEST)


@cache
def recorded(name: str) -> Recorded:
    """The run of a scenario: always the first seed, so that none is picked for its looks."""
    scenario = next(one for one in SCENARIOS if one.name == name)
    entry = _manifest().entries[name]
    seed = min(map(int, entry["rows"]))
    run = run_of(read_log(log_of(name, scenario.method, seed)), entry)
    since = scenario.fault.since if scenario.fault else 0
    return Recorded(scenario, run, judge(run, Settings()), *_first_alarm(run, since))


def _first_alarm(run: Run, since: int) -> tuple[int, tuple[Finding, ...]]:
    engine = Engine(bind(run.method, Settings()), frame_of(run.method, run.config), run.columns)
    for record in run.records():
        news = engine.advance(record.step, record.series())
        if record.step >= since and (alarms := [one for one in news if one.severity >= Severity.WARNING]):
            codes = {one.code for one in alarms}
            return record.step, tuple(one for one in alarms if codes.isdisjoint(by_code()[one.code].follows))
    return 0, ()


def faults_of(method: str) -> Iterator[Scenario]:
    """Each kind of fault that was planted in runs of a method and that a log can show, once; none that is held out."""
    kinds = set[str]()
    for scenario in SCENARIOS:
        fault = scenario.fault
        if fault is None or scenario.method != method or scenario.is_held_out or fault.kind in kinds:
            continue
        if fault.seen_from is not None and scenario.name in _manifest().entries:
            kinds.add(fault.kind)
            yield scenario


def blind_spots(method: str) -> Iterator[Fault]:
    """What was planted in runs of a method though no log can show it, each kind once. No run is looked at."""
    kinds = {
        scenario.fault.kind: scenario.fault
        for scenario in SCENARIOS
        if scenario.method == method and scenario.fault and scenario.fault.seen_from is None
    }
    yield from kinds.values()
