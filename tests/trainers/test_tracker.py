"""The plain-loop tracker, as a script uses it."""

from __future__ import annotations

import json
import math
import random
import subprocess
import sys
from pathlib import Path

import pytest

import barograph
from barograph.core.decision import Deed
from barograph.core.listener import Listener
from barograph.monitor import read_each


def rows_in(folder: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in (folder / "logs/training_metrics.jsonl").read_text().splitlines()]


def facts_of(folder: Path) -> dict[str, object]:
    return json.loads((folder / "run.json").read_text())


def healthy(step: int) -> dict[str, float]:
    chance = random.Random(step)
    margin = min(1.0, step / 100)
    return {
        "loss": 0.69 - 0.2 * margin + chance.gauss(0, 0.01), "rewards/chosen": margin / 2,
        "rewards/rejected": -margin / 2,
        "rewards/margins": margin + chance.gauss(0, 0.02), "rewards/accuracies": 0.6 + 0.2 * margin,
        "grad_norm": 2.0 + chance.random(), "learning_rate": 5e-7,
    }  # fmt: skip


def test_five_lines(tmp_path: Path) -> None:
    with barograph.start(tmp_path / "dpo", method="dpo", config={"beta": 0.1}, console=False) as run:
        for step in range(1, 31):
            run.log(step, healthy(step))
    assert [row["step"] for row in rows_in(tmp_path / "dpo")] == list(range(1, 31))
    assert facts_of(tmp_path / "dpo")["state"] == "finished"
    assert barograph.check(tmp_path / "dpo").verdict.value == "healthy"


def test_every_way_to_log(tmp_path: Path) -> None:
    run = barograph.start(tmp_path, method="dpo", console=False)
    run.log(4, {"loss": 1.0})
    run.log({"loss": 2.0})
    run.log({"loss": 3.0}, 8)
    run.log({"loss": 4.0}, step=9)
    run.log(step=10, metrics={"loss": 5.0})
    run.log(11, [6.0])
    run.log()
    assert [(row["step"], row["loss"]) for row in rows_in(tmp_path)] == [(4, 1), (5, 2), (8, 3), (9, 4), (10, 5)]


def test_an_error_leaves_the_run_as_crashed(tmp_path: Path) -> None:
    def train() -> None:
        with barograph.start(tmp_path, method="dpo", console=False) as run:
            run.log(1, {"loss": 0.5})
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train()
    assert facts_of(tmp_path)["state"] == "crashed"
    assert len(rows_in(tmp_path)) == 1


@pytest.mark.parametrize(("ending", "state"), [("", "finished"), ("1 / 0", "crashed")])
def test_a_run_that_nobody_ends_is_ended_with_the_process(tmp_path: Path, ending: str, state: str) -> None:
    script = f"import barograph\nrun = barograph.start({str(tmp_path)!r}, 'dpo')\nrun.log(1, {{'loss': 0.5}})\n{ending}"
    subprocess.run([sys.executable, "-c", script], check=False, capture_output=True, timeout=60)
    assert facts_of(tmp_path)["state"] == state


def test_the_guard_stops_a_loop_of_ones_own(tmp_path: Path) -> None:
    with barograph.start(tmp_path, method="dpo", guard="stop", console=False) as run:
        for step in range(1, 100):
            run.log(step, {**healthy(step), **({"loss": math.nan} if step >= 30 else {})})
            if run.should_stop:
                break
    assert 30 <= step < 40
    assert run.decision is not None
    assert run.decision.deed is Deed.STOP


def test_the_guard_only_advises_unless_it_is_told_otherwise(tmp_path: Path) -> None:
    with barograph.start(tmp_path, method="dpo", console=False) as run:
        for step in range(1, 60):
            run.log(step, {**healthy(step), **({"loss": math.nan} if step >= 30 else {})})
            assert not run.should_stop
    assert run.decision is not None
    assert run.decision.deed is Deed.ADVISE


def test_a_rescue_by_hand(tmp_path: Path) -> None:
    with barograph.start(tmp_path, method="dpo", guard="rescue", console=False) as run:
        step, poisoned, rescues = 0, True, []
        while step < 80:
            step += 1
            run.log(step, {**healthy(step), **({"loss": math.nan} if poisoned and step >= 45 else {})})
            if step % 10 == 0:
                (tmp_path / f"checkpoint-{step}").mkdir(exist_ok=True)
                run.saved(step, tmp_path / f"checkpoint-{step}")
            decision = run.take_decision()
            if decision is not None and decision.deed is Deed.RESCUE:
                rescues.append((decision.checkpoint, decision.path, decision.rate))
                step, poisoned = decision.checkpoint, False
                run.went_back(step)
        assert not run.should_stop
    assert rescues == [(40, str(tmp_path / "checkpoint-40"), 0.5)]
    assert barograph.check(tmp_path).verdict.value == "healthy"


def test_what_the_model_said_is_kept_beside_the_rows(tmp_path: Path) -> None:
    talk = [{"role": "user", "content": "3 + 4 ?"}]
    with barograph.start(tmp_path, method="grpo", console=False) as run:
        for step in (1, 2):
            run.log(step, {"reward": 0.5})
            run.samples(step, [{"prompt": talk, "completion": f"{step}", "score": math.nan, "step": 7}])
    said = (tmp_path / "logs/completions.jsonl").read_text()
    assert said == (
        '{"step": 1, "prompt": "3 + 4 ?", "completion": "1", "score": "NaN"}\n'
        '{"step": 2, "prompt": "3 + 4 ?", "completion": "2", "score": "NaN"}\n'
    )
    assert [row["step"] for row in rows_in(tmp_path)] == [1, 2]
    assert [len(run.steps) for run in read_each(tmp_path)] == [2]  # It is no log of metrics.


def test_whatever_is_given_as_samples_nothing_raises(tmp_path: Path) -> None:
    class Hostile:
        def __str__(self) -> str:
            raise RuntimeError("no")

    told: list[str] = []

    class Ear(Listener):
        def told(self, sentence: str) -> None:
            told.append(sentence)

    circle: list[object] = []
    circle.append(circle)
    with barograph.start(tmp_path, method="grpo", console=False, listeners=[Ear()]) as run:
        run.log(3, {"reward": 0.5})
        for rows in (None, 7, ["text"], [{"a": Hostile()}], [{"a": circle}], {"one": 1}):
            run.samples(4, rows)
        run.samples("five", [{"a": 5}])
    run.samples(9, [{"a": "after the end"}])
    kept = [json.loads(line) for line in (tmp_path / "logs/completions.jsonl").read_text().splitlines()]
    assert kept == [{"step": 4, "a": "(list)"}, {"step": 4, "one": 1}, {"step": 3, "a": 5}]
    assert "samples() was given str where a row with named columns belongs: left out" in told
    assert sum("barograph made a mistake" in sentence for sentence in told) == 3


def test_only_the_first_of_a_group_records(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RANK", "1")
    with barograph.start(tmp_path / "run", method="dpo") as run:
        run.log(1, {"loss": 0.5})
        run.samples(1, [{"completion": "x"}])
        run.saved(1, "x")
        assert not run.should_stop
        assert run.findings == []
    assert not (tmp_path / "run").exists()
