"""Which rules may act: those that were right, and silent on every healthy run."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import pytest

from barograph.core.decision import Decision, Deed
from barograph.core.errors import UnreadableRun
from barograph.core.finding import Severity
from barograph.core.live_settings import GuardSettings
from barograph.engine.bound import bind
from barograph.engine.frame import frame_of
from barograph.engine.live import Engine
from barograph.engine.settings import Settings
from barograph.monitor.guarding import guard_of
from barograph.rules.base import Rule
from barograph.rules.catalogue import RULES
from barograph.sources.runs import read_run

ACTING = [rule for rule in RULES if rule.may_act]


def test_these_and_no_others() -> None:
    """A rule that is new, or whose false alarms are known to happen, must not slip in."""
    assert {rule.code for rule in ACTING} == {
        "NUM01", "NUM02", "NUM03",  # numbers that are none: no false alarm is known
        "PREF01", "GRAD04",  # nothing is being trained: only stopping helps
        "PREF03", "ACC02", "RM07",  # learned backwards
        "LIK05", "LOSS02", "GRAD01",  # steps far too large
        "KL02", "ENT02", "RWD03",  # the policy falls apart
    }  # fmt: skip


@pytest.mark.parametrize("rule", ACTING, ids=lambda rule: rule.code)
def test_one_that_may_act_can_be_critical_and_advises_a_deed(rule: type[Rule]) -> None:
    grades = {rule.severity, *rule.severity_for.values(), *rule.escalates}
    assert Severity.CRITICAL in grades
    assert any(advice.action for advice in rule.do)


def decisions_on(path: Path) -> Iterator[Decision]:
    """What a guard would decide, row by row, with a checkpoint behind each row."""
    run = read_run(path)
    rules = bind(run.method, Settings())
    engine = Engine(rules, frame_of(run.method, run.config))
    guard = guard_of(GuardSettings(), rules, Deed.RESCUE)
    guard.know(run.config)
    guard.is_there = bool
    guard.saved(0, "checkpoint-0")
    for record in run.records():
        decision = guard.found(engine.advance(record.step, record.series()), record.step)
        if decision is not None:
            yield decision
        guard.saved(record.step, f"checkpoint-{record.step}")


def test_on_real_runs(shared_runs: Path) -> None:
    """No healthy run is touched; on the sick ones the trouble is placed where their labels see it."""
    acted: dict[str, tuple[str, int | None]] = {}
    healthy = 0
    with (shared_runs / "INDEX.tsv").open(encoding="utf-8") as file:
        for entry in csv.DictReader(file, delimiter="\t"):
            healthy += entry["label"] == "healthy"
            try:
                first = next(decisions_on(shared_runs / entry["id"] / entry["file"]), None)
            except UnreadableRun:
                continue
            if first is not None:
                assert entry["label"] == "unhealthy", entry["id"]
                acted[entry["id"]] = (f"{first.deed} {first.codes[0]}", first.checkpoint)
    assert healthy >= 10
    assert acted == {
        "dpo-distillsafe": ("stop GRAD01", None),
        "dpo-minillm": ("stop GRAD04", 0),
        "grpo-rasbt-72": ("rescue ENT02", 236),
        "grpo-rasbt-76": ("rescue ENT02", 142),
    }
