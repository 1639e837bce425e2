"""`barograph demo`: what a newcomer sees, and that it says what `check` says."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from barograph.cli.demo import CHECKPOINT, STEPS, TURN, rows
from barograph.core.finding import Verdict
from barograph.core.methods import Method
from barograph.core.run import run_from_rows
from barograph.monitor import check


def demo(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "barograph", "demo", "--fast", *map(str, arguments)], capture_output=True, text=True,
        check=False, timeout=60, env={**os.environ, "NO_COLOR": "1"},
    )  # fmt: skip


def test_it_shows_a_finding_the_guards_advice_and_the_verdict(tmp_path: Path) -> None:
    done = demo("--keep", tmp_path / "kept")
    assert (done.returncode, done.stderr) == (0, "")
    assert "HEALTHY" in done.stdout
    assert "critical PREF03 margin-inverted" in done.stdout
    # The newest checkpoint from before the trouble began.
    assert f"go back to step {TURN // CHECKPOINT * CHECKPOINT + CHECKPOINT}" in done.stdout
    assert "the run has ended: UNHEALTHY" in done.stdout
    assert "PREF03 margin-inverted" in (tmp_path / "kept/report.html").read_text(encoding="utf-8")
    kept = check(tmp_path / "kept")
    assert (kept.rows, kept.verdict) == (STEPS, Verdict.UNHEALTHY)
    again = demo("--keep", tmp_path / "kept")
    assert (again.returncode, again.stdout) == (2, "")
    assert "not empty" in again.stderr


def test_nothing_is_left_where_no_folder_is_named(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "barograph", "demo", "--fast"], capture_output=True, text=True, check=False, timeout=60,
        cwd=tmp_path, env={**os.environ, "TMPDIR": str(tmp_path)},
    )  # fmt: skip
    assert done.returncode == 0
    assert list(tmp_path.iterdir()) == []


def test_the_run_is_well_until_it_turns_and_the_same_each_time() -> None:
    assert list(rows()) == list(rows())
    names = {"rewards/margins": "reward_margin", "rewards/chosen": "reward_chosen", "loss": "loss",
             "rewards/rejected": "reward_rejected", "grad_norm": "grad_norm", "learning_rate": "lr",
             "kl": "kto_z0"}  # fmt: skip
    early = [(step, {names[key]: row[key] for key in names}) for step, row in rows() if step <= TURN]
    run = run_from_rows(early, method=Method.KTO, config={"max_steps": STEPS, "beta": 0.1, "warmup_steps": 12})
    assert check(run).verdict is Verdict.HEALTHY


@pytest.mark.train
def test_a_tiny_model_learns_and_its_run_is_kept(tmp_path: Path) -> None:
    for library in ("torch", "transformers", "trl", "datasets"):
        pytest.importorskip(library, reason="needs the `train` extra")
    done = subprocess.run(
        [sys.executable, "-m", "barograph", "demo", "dpo"], capture_output=True, text=True, check=False, timeout=110,
        cwd=tmp_path, env={**os.environ, "NO_COLOR": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("dpo: Of two answers, the chosen one against the rejected one.\n")
    assert "dpo, 150 steps: healthy" in done.stdout
    assert "runs/demo-dpo/metrics/plots" in done.stdout
    assert "the report:  runs/demo-dpo/report.html" in done.stdout
    assert "Healthy: nothing to worry about" in (tmp_path / "runs/demo-dpo/report.html").read_text(encoding="utf-8")
    assert check(tmp_path / "runs/demo-dpo").verdict is Verdict.HEALTHY


def test_a_method_that_is_none_is_a_mistake_of_usage() -> None:
    done = demo("dop")
    assert done.returncode == 2
    assert "'dop' is not one of 'kto', 'dpo', 'reward', 'prm', 'ppo', 'grpo'" in done.stderr
