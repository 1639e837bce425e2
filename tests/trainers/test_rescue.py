"""Going back: exactly where the run was, at a lower rate, and with the abandoned attempt out of the way."""

# ruff: noqa: E402 - what trains is imported only where it is there

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

for library in ("torch", "transformers", "trl"):
    pytest.importorskip(library, reason="needs the `train` extra")

import torch
from tiny_preferences import accuracy, make
from transformers import TrainerCallback

from barograph.core.decision import Decision, Deed
from barograph.trainers import rescue
from barograph.trainers.callback import BarographCallback

pytestmark = [pytest.mark.train, pytest.mark.timeout(300), pytest.mark.filterwarnings("default")]

SAVED = {"save_strategy": "steps", "save_steps": 5}


class Decides(TrainerCallback):
    """Asks the callback once, as a guard would, to go back."""

    def __init__(self, callback: BarographCallback, folder: Path, *, rate: float, at: int = 12, to: int = 10) -> None:
        self.callback, self.rate, self.at, self.to = callback, rate, at, to
        self.path = str(folder / f"checkpoint-{to}")

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if state.global_step == self.at and self.callback.monitor is not None:
            self.at = -1
            decision = Decision(Deed.RESCUE, 12, ("PREF03",), "gone back", self.to, self.path, self.rate)
            self.callback.monitor._waiting.append(decision)


def trained(method: str, base: Path, folder: Path, *callbacks: Any, **more: Any) -> Any:
    trainer = make(method, base, folder, *callbacks, **({"steps": 16} | SAVED | more))
    trainer.train()
    return trainer


def gone_back(method: str, base: Path, folder: Path, rate: float, **more: Any) -> Any:
    callback = BarographCallback(guard="rescue", console=False)
    to = more.pop("to", 10)
    trainer = trained(method, base, folder, callback, Decides(callback, folder, rate=rate, to=to), **more)
    assert callback.rescues == 1
    return trainer


def series(trainer: Any, key: str) -> list[float]:
    return [row[key] for row in trainer.state.log_history if key in row]


@pytest.mark.parametrize("method", ["dpo", "kto", "grpo", "classifier"])
def test_at_the_same_rate_the_run_is_the_one_that_was_never_interrupted(
    method: str, base: Path, tmp_path: Path
) -> None:
    """Model, optimizer, scheduler, random numbers and the order of the data all have to be right for this."""
    whole = trained(method, base, tmp_path / "whole")
    again = gone_back(method, base, tmp_path / "again", rate=1.0)
    for key in ("loss", "grad_norm", "learning_rate"):
        assert series(again, key) == pytest.approx(series(whole, key), rel=1e-6, abs=1e-9)
    rows = (tmp_path / "again/logs/training_metrics.jsonl").read_text().splitlines()
    assert [json.loads(row)["step"] for row in rows] == [*range(1, 13), *range(11, 17)]


def test_data_of_several_epochs_come_in_the_order_they_would_have(base: Path, tmp_path: Path) -> None:
    more = {"steps": 60, "save_steps": 10, "per_device_train_batch_size": 32, "learning_rate": 1e-4}
    whole = trained("dpo", base, tmp_path / "whole", **more)  # 18 steps an epoch
    callback = BarographCallback(guard="rescue", console=False)
    decides = Decides(callback, tmp_path / "again", rate=1.0, at=45, to=40)
    again = trained("dpo", base, tmp_path / "again", callback, decides, **more)
    assert series(again, "loss") == pytest.approx(series(whole, "loss"), rel=1e-6)


def test_the_rate_is_halved_for_the_rest_of_the_schedule(base: Path, tmp_path: Path) -> None:
    whole = trained("dpo", base, tmp_path / "whole")
    again = gone_back("dpo", base, tmp_path / "again", rate=0.5)
    rates = series(whole, "learning_rate")
    assert series(again, "learning_rate") == pytest.approx(rates[:10] + [rate / 2 for rate in rates[10:]])


def test_a_checkpoint_of_the_model_alone_starts_a_new_optimizer(base: Path, tmp_path: Path) -> None:
    trainer = gone_back("dpo", base, tmp_path, rate=0.5, save_only_model=True)
    assert trainer.state.global_step == 16
    assert series(trainer, "learning_rate")[10] == pytest.approx(1e-3 / 2)  # The schedule begins anew.
    steps = {int(state["step"]) for state in trainer.optimizer.state.values()}
    assert steps == {6}


def test_checkpoints_of_the_abandoned_attempt_are_set_aside(base: Path, tmp_path: Path) -> None:
    gone_back("dpo", base, tmp_path, rate=0.5, to=5)
    assert {path.name for path in tmp_path.glob("*checkpoint-*")} == {
        "checkpoint-0", "checkpoint-5", "abandoned-1-checkpoint-10", "checkpoint-10", "checkpoint-15", "checkpoint-16",
    }  # fmt: skip


def test_a_limit_on_checkpoints_leaves_enough_to_go_back_to(base: Path, tmp_path: Path) -> None:
    callback = BarographCallback(guard="rescue", console=False)
    trained("dpo", base, tmp_path, callback, save_total_limit=1)
    assert {path.name for path in tmp_path.glob("checkpoint-*")} == {"checkpoint-10", "checkpoint-15", "checkpoint-16"}


def test_a_callback_that_is_added_late_stops_instead_and_says_why(base: Path, tmp_path: Path) -> None:
    heard: list[str] = []

    class Ear(BarographCallback):
        def tell(self, sentence: str) -> None:
            heard.append(sentence)

    callback = Ear(guard="rescue", console=False)
    trainer = make("dpo", base, tmp_path, steps=16, **SAVED)
    trainer.add_callback(callback)
    trainer.add_callback(Decides(callback, tmp_path, rate=0.5))
    trainer.train()
    assert trainer.state.global_step == 12
    assert (tmp_path / "checkpoint-12").is_dir()  # It stops with a checkpoint.
    assert any("attach(trainer)" in sentence for sentence in heard)
    assert any(f'resume(trainer, "{tmp_path / "checkpoint-10"}", rate=0.5)' in sentence for sentence in heard)


def test_by_hand_the_rate_is_cut_where_it_is_kept(base: Path, tmp_path: Path) -> None:
    whole = trained("dpo", base, tmp_path / "whole")
    again = make("dpo", base, tmp_path / "again", steps=16, **SAVED)
    rescue.resume(again, str(tmp_path / "whole" / "checkpoint-10"), rate=0.25)
    rates = series(whole, "learning_rate")
    assert series(again, "learning_rate")[10:] == pytest.approx([rate / 4 for rate in rates[10:]])


def test_a_dry_run_changes_nothing(base: Path, tmp_path: Path) -> None:
    plain = trained("dpo", base, tmp_path / "plain", times=100)
    callback = BarographCallback(guard="rescue", dry_run=True, console=False)
    dry = trained("dpo", base, tmp_path / "dry", callback, times=100)
    assert series(dry, "loss") == series(plain, "loss")
    assert not (tmp_path / "dry" / "checkpoint-0").exists()
    notes = [json.loads(line) for line in (tmp_path / "dry/logs/findings.jsonl").read_text().splitlines()]
    assert [note["dry_run"] for note in notes if note["kind"] == "decision"][:1] == [True]


@pytest.mark.parametrize("method", ["dpo", "kto"])
def test_at_a_hundred_times_the_rate_stop_ends_within_ten_rows(method: str, base: Path, tmp_path: Path) -> None:
    callback = BarographCallback(guard="stop", console=False)
    trainer = trained(method, base, tmp_path, callback, steps=60, times=100)
    notes = [json.loads(line) for line in (tmp_path / "logs/findings.jsonl").read_text().splitlines()]
    first = next(note["at"] for note in notes if note.get("severity") == "critical")
    rows = (tmp_path / "logs/training_metrics.jsonl").read_text().splitlines()
    assert json.loads(rows[-1])["step"] - first <= 10
    assert trainer.state.global_step < 60
    assert (tmp_path / f"checkpoint-{trainer.state.global_step}").is_dir()
    assert json.loads((tmp_path / "run.json").read_text())["state"] == "stopped"


class Poisons(TrainerCallback):
    """Makes one weight NaN before a step, once."""

    def __init__(self, step: int) -> None:
        self.step = step

    def on_step_begin(self, args: Any, state: Any, control: Any, model: Any = None, **kwargs: Any) -> None:
        if state.global_step + 1 == self.step:
            self.step = -1
            with torch.no_grad():
                next(model.parameters()).view(-1)[:200] = math.nan


@pytest.mark.parametrize(("method", "step"), [("dpo", 13), ("kto", 8), ("sft", 13)])
def test_a_nan_is_said_at_its_step_and_rescued_from_before_it(
    method: str, step: int, base: Path, tmp_path: Path
) -> None:
    callback = BarographCallback(guard="rescue", console=False)
    trainer = trained(method, base, tmp_path, callback, Poisons(step), steps=20)
    notes = [json.loads(line) for line in (tmp_path / "logs/findings.jsonl").read_text().splitlines()]
    decision = next(note for note in notes if note["kind"] == "decision")
    assert (decision["deed"], decision["step"], decision["checkpoint"]) == ("rescue", step, (step - 1) // 5 * 5)
    assert trainer.state.global_step == 20
    assert callback.rescues == 1
    assert all(math.isfinite(loss) for loss in series(trainer, "loss"))
    assert all(bool(torch.isfinite(weight).all()) for weight in trainer.model.parameters())


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("method", ["dpo", "kto"])
def test_at_a_hundred_times_the_rate_a_rescued_run_ends_healthy(
    method: str, seed: int, base: Path, tmp_path: Path
) -> None:
    """With what is usual; and the same run without a guard has forgotten its sums, and is at chance."""
    from barograph.monitor import check

    held = {"eval_strategy": "steps", "eval_steps": 100, "steps": 100, "times": 100, "save_steps": 10, "seed": seed}
    callback = BarographCallback(guard="rescue", console=False)
    rescued = trained(method, base, tmp_path / "rescued", callback, **held)
    left = trained(method, base, tmp_path / "left", BarographCallback(console=False), **held)
    assert str(check(tmp_path / "left").verdict) == "unhealthy"
    assert str(check(tmp_path / "rescued").verdict) == "healthy"
    assert 1 <= callback.rescues <= 3
    margins = series(rescued, "rewards/margins")[-20:]
    assert sum(margins) / len(margins) > 0.05
    assert series(rescued, "eval_rewards/margins")[-1] > 0.05
    assert series(rescued, "eval_loss")[-1] < series(left, "eval_loss")[-1]
    # On 200 pairs that neither has seen, chance is 0.5 with a standard error of 0.035.
    assert accuracy(rescued.model, base, seed) > 0.65
    assert accuracy(left.model, base, seed) < 0.65


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("method", ["dpo", "kto"])
def test_a_healthy_run_is_left_alone(method: str, seed: int, base: Path, tmp_path: Path) -> None:
    callback = BarographCallback(guard="rescue", console=False)
    trainer = trained(method, base, tmp_path / "watched", callback, steps=80, seed=seed, save_steps=20)
    plain = trained(method, base, tmp_path / "plain", steps=80, seed=seed, save_steps=20)
    assert callback.monitor is not None
    assert callback.monitor.guard.decisions == []
    assert series(trainer, "loss") == series(plain, "loss")
