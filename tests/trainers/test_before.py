"""Before the first step: what is wrong with settings and data is told like anything else, and sound ones are let be."""

# ruff: noqa: E402 - what trains is imported only where it is there

from __future__ import annotations

import json
import random
import sys
from pathlib import Path
from typing import Any

import pytest

for library in ("torch", "transformers", "trl"):
    pytest.importorskip(library, reason="needs the `train` extra")
sys.path.insert(0, str(Path(__file__).parents[1] / "data"))

import data_cases
import torch
from datasets import Dataset
from tiny_preferences import arguments, make, quiet, tokenizer
from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification

from barograph.core.finding import Finding
from barograph.core.listener import Listener
from barograph.core.methods import Method
from barograph.trainers import before
from barograph.trainers.callback import BarographCallback

pytestmark = [
    pytest.mark.train,
    pytest.mark.timeout(300),
    pytest.mark.filterwarnings("default"),  # The libraries warn of each other.
]


class Heard(Listener):
    """What was told, and after how many rows."""

    def __init__(self) -> None:
        self.rows = 0
        self.told: list[tuple[int, Finding]] = []

    def logged(self, step: int, raw: Any, values: Any) -> None:
        self.rows += 1

    def found(self, finding: Finding) -> None:
        self.told.append((self.rows, finding))

    @property
    def before(self) -> list[str]:
        return [finding.code for rows, finding in self.told if rows == 0]


def kept(folder: Path) -> list[dict[str, Any]]:
    path = folder / "logs/findings.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.is_file() else []


def trained(method: str, base: Path, folder: Path, steps: int = 2, *, check_data: bool = False, **more: Any) -> Heard:
    heard = Heard()
    callback = BarographCallback(console=False, listeners=[heard], check_data=check_data)
    make(method, base, folder, callback, steps=steps, **more).train()
    return heard


def pair_trainer(rows: list[dict[str, Any]], base: Path, folder: Path, *callbacks: Any, **more: Any) -> Any:
    from trl import DPOConfig, DPOTrainer

    quiet()
    return DPOTrainer(
        model=AutoModelForCausalLM.from_pretrained(base), ref_model=AutoModelForCausalLM.from_pretrained(base),
        args=arguments(DPOConfig, "dpo", folder, steps=1, max_length=None, **more), processing_class=tokenizer(),
        train_dataset=Dataset.from_list(rows), callbacks=list(callbacks),
    )  # fmt: skip


# Settings


@pytest.mark.parametrize("method", ["dpo", "kto", "sft", "reward", "grpo", "rloo", "classifier"])
def test_sound_settings_are_let_be(method: str, base: Path, tmp_path: Path) -> None:
    heard = trained(method, base, tmp_path)
    assert [code for code in heard.before if code.startswith("CFG")] == []


def test_a_rate_a_hundred_times_too_high_is_told_before_the_first_row(base: Path, tmp_path: Path) -> None:
    heard = trained("dpo", base, tmp_path, times=100)  # 0.1, twenty times the most that toys bear
    assert "CFG03" in heard.before
    first = kept(tmp_path)[0]
    assert (first["kind"], first["code"], first["step"]) == ("finding", "CFG03", 0)
    assert first["says"].startswith("learning_rate is 0.1, 20 times the most")
    assert not [entry for entry in kept(tmp_path) if entry["kind"] == "decision"]


def test_remarks_are_kept_and_not_told(base: Path, tmp_path: Path) -> None:
    heard = trained("dpo", base, tmp_path)
    remarks = {entry["code"] for entry in kept(tmp_path) if entry["severity"] == "info" and entry["code"][:3] == "CFG"}
    assert "CFG32" in remarks  # no checkpoint is written
    assert "CFG32" not in heard.before


def test_a_batch_that_kto_cannot_use(base: Path, tmp_path: Path) -> None:
    assert "CFG12" in trained("kto", base, tmp_path, per_device_train_batch_size=2).before


def test_what_is_not_wanted_is_not_done(base: Path, tmp_path: Path) -> None:
    heard = Heard()
    callback = BarographCallback(console=False, listeners=[heard], check_settings=False, check_data=False)
    make("dpo", base, tmp_path, callback, steps=2, times=100).train()
    assert heard.before == []
    assert not [entry for entry in kept(tmp_path) if entry["code"].startswith(("CFG", "DATA"))]


def test_a_reference_that_is_another_model(base: Path, tmp_path: Path) -> None:
    heard = Heard()
    callback = BarographCallback(console=False, listeners=[heard], check_data=False)
    trainer = make("dpo", base, tmp_path, callback, steps=1)
    with torch.no_grad():
        for weight in trainer.ref_model.parameters():
            weight.mul_(1.05)
    trainer.train()
    assert "CFG22" in heard.before


def test_a_reference_in_another_precision_is_the_same_model(base: Path, tmp_path: Path) -> None:
    trainer = make("dpo", base, tmp_path, steps=1)
    trainer.ref_model.to(torch.bfloat16)
    assert before._reference_differs(trainer, trainer.model) is False


def test_a_run_that_goes_on_is_not_looked_at_again(base: Path, tmp_path: Path) -> None:
    trained("dpo", base, tmp_path, steps=2, save_strategy="steps", save_steps=1, times=100)
    heard = Heard()
    callback = BarographCallback(console=False, listeners=[heard], check_data=False)
    trainer = make("dpo", base, tmp_path, callback, steps=3, times=100)
    trainer.train(resume_from_checkpoint=str(tmp_path / "checkpoint-1"))
    assert not [code for code in heard.before if code.startswith("CFG")]


def test_a_mistake_of_ours_never_stops_a_training(base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr("barograph.trainers.callback.look_before", broken)
    callback = BarographCallback(console=False)
    trainer = make("dpo", base, tmp_path, callback, steps=2)
    trainer.train()
    assert trainer.state.global_step == 2
    assert callback.monitor is not None
    assert callback.monitor.state == "finished"


def test_settings_within_settings_are_seen(base: Path, tmp_path: Path) -> None:
    trainer = make("grpo", base, tmp_path, steps=1, generation_kwargs={"min_length": 4}, beta=0.1)
    plan = before.plan_of_trainer(trainer, trainer.model, {}, Method.GRPO)
    assert (plan.number("min_length"), plan.weighs_kl, plan.is_adapter) == (4, True, False)


# Data


def test_sound_data_are_let_be(base: Path, tmp_path: Path) -> None:
    heard = Heard()
    callback = BarographCallback(console=False, listeners=[heard])
    pair_trainer(data_cases.pairs(400), base, tmp_path, callback).train()
    assert [code for code in heard.before if code.startswith("DATA")] == []


def test_pairs_with_the_same_text_on_both_sides(base: Path, tmp_path: Path) -> None:
    rows = data_cases.pairs(400)
    for row in random.Random(1).sample(rows, 40):
        row["rejected"] = row["chosen"]
    heard = Heard()
    pair_trainer(rows, base, tmp_path, BarographCallback(console=False, listeners=[heard])).train()
    told = next(finding for _, finding in heard.told if finding.code == "DATA04")
    assert told.says.startswith("40 of 400 pairs")
    assert (told.step, told.metric) == (0, "train_dataset")
    assert told.advice


def test_a_large_set_is_looked_at_in_part(base: Path, tmp_path: Path) -> None:
    rows = data_cases.pairs(2_500)
    for row in rows:
        row["rejected"] = row["chosen"]
    heard = Heard()
    pair_trainer(rows, base, tmp_path, BarographCallback(console=False, listeners=[heard])).train()
    told = next(finding for _, finding in heard.told if finding.code == "DATA04")
    assert told.says.endswith("(of 834 of 2,500 examples)")  # every third


def test_a_slow_set_is_left_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(before, "SECONDS", 0.0)
    sample = before.Sampled(Dataset.from_list(data_cases.pairs(50)), ["prompt", "chosen"])
    assert (len(sample.kept), sample.whole) == (1, 50)


def test_classes_out_of_balance_are_laid_against_the_weights(base: Path, tmp_path: Path) -> None:
    from trl import KTOConfig, KTOTrainer

    quiet()
    heard = Heard()
    rows = data_cases.labelled(400, good=0.9)
    random.Random(0).shuffle(rows)
    trainer = KTOTrainer(
        model=AutoModelForCausalLM.from_pretrained(base), ref_model=AutoModelForCausalLM.from_pretrained(base),
        args=arguments(KTOConfig, "kto", tmp_path, steps=1), train_dataset=Dataset.from_list(rows),
        processing_class=tokenizer(), callbacks=[BarographCallback(console=False, listeners=[heard])],
    )  # fmt: skip
    trainer.train()
    told = next(finding for _, finding in heard.told if finding.code == "CFG11")
    assert told.says.startswith("360 good and 40 bad examples")
    assert "DATA28" not in heard.before  # told once


def test_what_a_trainer_adds_to_its_data_is_not_held_against_them(base: Path, tmp_path: Path) -> None:
    """TRL puts the prompt in front of both answers of a reward model, and an end behind them."""
    from trl import RewardConfig, RewardTrainer

    quiet()
    heard = Heard()
    trainer = RewardTrainer(
        model=AutoModelForSequenceClassification.from_pretrained(base, num_labels=1), processing_class=tokenizer(),
        args=arguments(RewardConfig, "reward", tmp_path, steps=1),
        train_dataset=Dataset.from_list(data_cases.pairs(400)),
        callbacks=[BarographCallback(console=False, listeners=[heard])],
    )  # fmt: skip
    trainer.train()
    assert [code for code in heard.before if code.startswith("DATA")] == []


def test_data_without_texts_are_let_be(base: Path, tmp_path: Path) -> None:
    heard = trained("classifier", base, tmp_path, check_data=True)
    assert [code for code in heard.before if code.startswith("DATA")] == []


# Recipes


def test_a_recipe_says_it_at_once_and_not_again(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    from barograph.recipes.dpo import run
    from barograph.recipes.options import DPOOptions

    run(DPOOptions.made({"learning_rate": 0.1, "max_steps": 2, "output_dir": str(tmp_path / "run")}))
    output, said = capfd.readouterr()
    assert said.count("CFG03 rate-high") == 1
    assert "CFG03" not in output
    assert "CFG03" in {entry["code"] for entry in kept(tmp_path / "run")}


@pytest.mark.parametrize("method", ["kto", "reward"])
def test_a_recipe_as_it_comes_says_nothing(method: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    from importlib import import_module

    from barograph.recipes.options import METHODS

    folder = tmp_path / "run"
    made = METHODS[method].made({"output_dir": str(folder), "max_steps": 60})
    import_module(f"barograph.recipes.{method}").run(made)
    loud = [one for one in kept(folder) if one["code"].startswith(("CFG", "DATA")) and one["severity"] != "info"]
    assert loud == []
    assert "CFG" not in "".join(capfd.readouterr())
