"""A monitor with a guard: from rows that are logged to a decision that somebody can carry out."""

from __future__ import annotations

import json
import math
import random
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from barograph.core.decision import Decision, Deed
from barograph.engine.settings import Settings, settings_from
from barograph.monitor.live import Monitor


@pytest.fixture(autouse=True)
def _nobody_is_alerted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BAROGRAPH_ALERT", raising=False)


def rows(count: int) -> Iterator[tuple[int, dict[str, float]]]:
    """A healthy DPO run."""
    chance = random.Random(5)
    for step in range(1, count + 1):
        margin = 0.02 * step + chance.gauss(0, 0.02)
        yield (
            step,
            {
                "loss": math.log(1 + math.exp(-margin)),
                "rewards/chosen": margin / 2,
                "rewards/rejected": -margin / 2,
                "rewards/margins": margin,
                "rewards/accuracies": 0.75 + chance.choice((-0.125, 0, 0.125)),
                "grad_norm": 2 + chance.random(),
            },
        )


def watched(folder: Path, guard: str = "rescue", settings: Settings | None = None) -> Monitor:
    config = {"max_steps": 100, "learning_rate": 1e-6, "beta": 0.1, "logging_steps": 1}
    return Monitor(folder, method="dpo", config=config, guard=guard, settings=settings or Settings())


def run_until_nan(monitor: Monitor, folder: Path, at: int = 12, first: int = 1) -> Decision | None:
    """Log rows, with a checkpoint each fifth, and NaN from a step on; until something is decided."""
    for step, row in rows(40):
        if step < first:
            continue
        monitor.log(step, row if step < at else {**row, "loss": math.nan})
        if (decision := monitor.take_decision()) is not None:
            return decision
        if step % 5 == 0:
            (folder / f"checkpoint-{step}").mkdir(exist_ok=True)
            monitor.saved(step, folder / f"checkpoint-{step}")
    return None


def test_nan_is_rescued_at_the_very_step_from_before_it(tmp_path: Path) -> None:
    monitor = watched(tmp_path)
    decision = run_until_nan(monitor, tmp_path)
    assert decision is not None
    assert (decision.deed, decision.step, decision.codes) == (Deed.RESCUE, 12, ("NUM01",))
    assert (decision.checkpoint, decision.rate) == (10, 0.5)
    assert decision.says.startswith("gone back to step 10, at half the learning rate (5e-07): NUM01")


def test_a_rescue_that_does_not_help_is_tried_again_and_then_given_up(tmp_path: Path) -> None:
    monitor = watched(tmp_path)
    monitor.guard.most_rescues = 2
    decisions = []
    decision = run_until_nan(monitor, tmp_path)
    while decision is not None and decision.deed is Deed.RESCUE:
        decisions.append((decision.step, decision.checkpoint, decision.rate))
        monitor.went_back(decision.checkpoint or 0)
        decision = run_until_nan(monitor, tmp_path, first=(decision.checkpoint or 0) + 1)
    assert decisions == [(12, 10, 0.5), (12, 10, 0.125)]
    assert decision is not None
    assert decision.deed is Deed.STOP
    assert "2 rescues, at 0.5 and 0.125 of the learning rate, did not help" in decision.says
    assert monitor.mistakes == 0


def test_a_checkpoint_that_was_deleted_is_passed_over(tmp_path: Path) -> None:
    monitor = watched(tmp_path)
    for step, row in rows(11):
        monitor.log(step, row)
        if step % 5 == 0:
            monitor.saved(step, tmp_path / f"checkpoint-{step}")
    (tmp_path / "checkpoint-5").mkdir()
    monitor.log(12, {"loss": math.nan})
    decision = monitor.take_decision()
    assert decision is not None
    assert decision.checkpoint == 5


def test_a_healthy_run_draws_no_decision(tmp_path: Path) -> None:
    monitor = watched(tmp_path)
    for step, row in rows(100):
        monitor.log(step, row)
    assert (monitor.take_decision(), monitor.guard.decisions, monitor.mistakes) == (None, [], 0)


def test_the_settings_allow_more_where_the_code_says_nothing(tmp_path: Path) -> None:
    settings = settings_from({"guard": {"allowed": "stop", "dry_run": True}}, "x.toml")
    decision = run_until_nan(watched(tmp_path, "advise", settings), tmp_path)
    assert decision is not None
    assert (decision.deed, decision.is_dry) == (Deed.STOP, True)
    asked = run_until_nan(watched(tmp_path / "asked", "rescue", settings), tmp_path)
    assert asked is not None
    assert asked.deed is Deed.RESCUE


def test_an_ignored_code_is_told_and_not_acted_on(tmp_path: Path) -> None:
    monitor = watched(tmp_path, settings=settings_from({"guard": {"ignore": ["NUM"]}}, "x.toml"))
    assert run_until_nan(monitor, tmp_path) is None
    assert "NUM01" in {finding.code for finding in monitor.findings}


def test_an_alert_needs_no_code(tmp_path: Path) -> None:
    script = tmp_path / "take.py"
    script.write_text(
        "import os, pathlib\n"
        f"with open({str(tmp_path / 'heard.txt')!r}, 'a') as heard:\n"
        "    heard.write(os.environ['BAROGRAPH_TITLE'] + '\\n')\n"
    )
    settings = settings_from({"alerts": {"commands": [f'"{sys.executable}" "{script}"']}}, "x.toml")
    monitor = watched(tmp_path / "run", "stop", settings)
    run_until_nan(monitor, tmp_path)
    monitor.finish()
    assert set((tmp_path / "heard.txt").read_text().splitlines()) == {
        "NUM01 loss-not-finite (critical)",
        "Guard: stop",
    }


def test_decisions_are_kept_with_the_findings(tmp_path: Path) -> None:
    decision = run_until_nan(watched(tmp_path, "advise"), tmp_path)
    lines = [json.loads(line) for line in (tmp_path / "logs" / "findings.jsonl").read_text().splitlines()]
    [kept] = [line for line in lines if line["kind"] == "decision"]
    assert Decision.from_dict(kept) == decision
    path = tmp_path / "checkpoint-10"
    assert kept["says"].endswith(f'learning_rate=5e-07: barograph.trainers.resume(trainer, "{path}", rate=0.5)')
