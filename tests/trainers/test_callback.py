"""One line in a trainer: the record is what it logged, under the right method, with the settings of the run."""

# ruff: noqa: E402 - what trains is imported only where it is there

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

for library in ("torch", "transformers", "trl"):
    pytest.importorskip(library, reason="needs the `train` extra")

import torch
from datasets import Dataset
from tiny_preferences import make, pairs, quiet, says_no, tokenizer
from transformers import AutoModelForCausalLM, TrainerCallback

from barograph.core.errors import ConfigurationError
from barograph.trainers.callback import BarographCallback

pytestmark = [
    pytest.mark.train,
    pytest.mark.timeout(300),
    pytest.mark.filterwarnings("default"),  # The libraries warn of each other.
]

RECOGNISED = {"classifier": "classifier", "sft": "sft", "reward": "reward"}
CLOSING = {"train_runtime", "train_samples_per_second", "train_steps_per_second", "total_flos", "train_loss", "step"}


def rows_of(folder: Path) -> list[dict[str, Any]]:
    lines = (folder / "logs" / "training_metrics.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


def facts_of(folder: Path) -> dict[str, Any]:
    facts: dict[str, Any] = json.loads((folder / "run.json").read_text())
    return facts


def quiet_callback(**more: Any) -> BarographCallback:
    return BarographCallback(console=False, **more)


@pytest.mark.parametrize("method", ["dpo", "kto", "sft", "reward", "grpo", "rloo", "classifier"])
def test_the_record_is_what_the_trainer_logged(method: str, base: Path, tmp_path: Path) -> None:
    callback = quiet_callback()
    trainer = make(method, base, tmp_path / "run", callback, steps=6, eval_strategy="steps", eval_steps=3)
    trainer.train()
    logged = [row for row in trainer.state.log_history if not set(row) - {"epoch"} <= CLOSING]
    assert len(logged) == 8  # six steps and two evaluations
    written = rows_of(tmp_path / "run")
    # The record leaves out what is no number; the numbers are the trainer's own.
    assert [{key: row[key] for key in row if key in source} for row, source in zip(written, logged, strict=True)] == [
        {key: value for key, value in row.items() if isinstance(value, int | float)} for row in logged
    ]
    assert facts_of(tmp_path / "run")["method"] == RECOGNISED.get(method, method)
    assert facts_of(tmp_path / "run")["state"] == "finished"
    monitor = callback.monitor
    assert monitor is not None
    assert monitor.mistakes == 0
    assert monitor.guard.decisions == []


def test_the_settings_are_kept_for_the_rules(base: Path, tmp_path: Path) -> None:
    make("dpo", base, tmp_path, quiet_callback(), steps=2, beta=0.3, warmup_steps=1).train()
    config = facts_of(tmp_path)["config"]
    told = {
        "beta": 0.3, "loss_type": "sigmoid", "learning_rate": 1e-3, "per_device_train_batch_size": 16, "max_steps": 2,
        "warmup_steps": 1, "lr_scheduler_type": "linear", "trainer": "DPOTrainer", "train_examples": 576,
        "eval_examples": 64, "gradient_accumulation_steps": 1, "torch_version": torch.__version__,
    }  # fmt: skip
    assert {key: config.get(key) for key in told} == told
    assert not [key for key in config if "token" in key and "hub" in key]


def test_settings_of_generation_and_of_an_adapter_are_kept(base: Path, tmp_path: Path) -> None:
    peft = pytest.importorskip("peft")
    adapter = peft.LoraConfig(r=4, lora_alpha=8, target_modules="all-linear")
    trainer = make("grpo", base, tmp_path, quiet_callback(), steps=1, temperature=0.9)
    trainer.model = peft.get_peft_model(trainer.model, adapter)
    trainer.model_wrapped = trainer.model
    trainer.train()
    config = facts_of(tmp_path)["config"]
    told = {"num_generations": 4, "max_completion_length": 8, "temperature": 0.9, "lora_r": 4, "lora_alpha": 8}
    assert {key: config.get(key) for key in told} == told
    assert config["trainable_parameters"] < config["parameters"]


def test_a_run_that_raises_is_recorded_as_crashed(base: Path, tmp_path: Path) -> None:
    class Breaks(TrainerCallback):
        def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            if state.global_step == 3:
                raise ZeroDivisionError("a bug of somebody's")

    trainer = make("dpo", base, tmp_path, quiet_callback(), Breaks(), steps=5)
    with pytest.raises(ZeroDivisionError, match="somebody's"):
        trainer.train()
    assert facts_of(tmp_path)["state"] == "crashed"
    assert [row["step"] for row in rows_of(tmp_path)] == [1, 2]


def test_a_callback_that_is_added_late_still_records(base: Path, tmp_path: Path) -> None:
    trainer = make("kto", base, tmp_path, steps=3)
    trainer.add_callback(quiet_callback())
    trainer.train()
    assert [row["step"] for row in rows_of(tmp_path)] == [1, 2, 3]
    assert (facts_of(tmp_path)["method"], facts_of(tmp_path)["state"]) == ("kto", "finished")


def test_a_trainer_that_is_resumed_goes_on_in_the_same_record(base: Path, tmp_path: Path) -> None:
    make("dpo", base, tmp_path, quiet_callback(), steps=6, save_strategy="steps", save_steps=4).train()
    trainer = make("dpo", base, tmp_path, quiet_callback(), steps=8, save_strategy="steps", save_steps=4)
    trainer.train(resume_from_checkpoint=str(tmp_path / "checkpoint-4"))
    assert [row["step"] for row in rows_of(tmp_path)] == [1, 2, 3, 4, 5, 6, 5, 6, 7, 8]
    from barograph.monitor import read

    assert [record.step for record in read(tmp_path).records()] == [1, 2, 3, 4, 5, 6, 7, 8]


def test_an_error_of_ours_never_stops_the_training(base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("barograph.trainers.trl_compat.config_of", lambda *_: 1 / 0)
    trainer = make("sft", base, tmp_path, quiet_callback(), steps=3)
    with pytest.warns(UserWarning, match=r"barograph made a mistake in on_train_begin \(ZeroDivisionError"):
        trainer.train()
    assert trainer.state.global_step == 3


def test_an_unknown_guard_is_named() -> None:
    with pytest.raises(ConfigurationError, match=r"unknown guard 'rescu'.*did you mean 'rescue'"):
        BarographCallback(guard="rescu")


def test_findings_reach_tensorboard(base: Path, tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    trainer = make("dpo", base, tmp_path / "run", quiet_callback(), steps=12, times=100, report_to="tensorboard")
    trainer.train()
    folder = next(path.parent for path in (tmp_path / "run").rglob("events.out.tfevents.*"))
    events = EventAccumulator(str(folder))
    events.Reload()
    assert "train/loss" in events.Tags()["scalars"]  # The trainer's own reporting goes on beside it.
    texts = [event.tensor_proto.string_val[0].decode() for event in events.Tensors("barograph/findings/text_summary")]
    assert any("LIK05" in text for text in texts)


@pytest.mark.parametrize("is_shown", [True, False])
def test_the_table_stands_in_place_of_the_rows_that_the_trainer_prints(
    is_shown: bool, base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trainer = make("dpo", base, tmp_path, BarographCallback(console=is_shown), steps=6, disable_tqdm=False)
    trainer.train()
    said = capsys.readouterr()
    assert ("'loss': " in said.out) is not is_shown
    assert ("Rewards/Margins" in said.out or "Margin" in said.out) is is_shown
    assert "6/6" in said.err  # The bar of the trainer is there either way.
    trainer.log({"loss": 0.5})
    assert all("on_log" not in vars(callback) for callback in trainer.callback_handler.callbacks)


@pytest.mark.parametrize(
    ("module", "name", "method", "more"),
    [
        ("orpo", "ORPO", "orpo", {}),
        ("cpo", "CPO", "cpo", {}),
        ("tpo", "TPO", "dpo", {}),
        ("online_dpo", "OnlineDPO", "online-dpo", {"max_new_tokens": 8}),
    ],
)
def test_trainers_that_trl_calls_experimental_are_recorded_under_their_method(
    module: str, name: str, method: str, more: dict[str, Any], base: Path, tmp_path: Path
) -> None:
    home = pytest.importorskip(f"trl.experimental.{module}", reason="this version of TRL has it no more")
    rows = [{**row, "reference": row["chosen"]} if module == "tpo" else row for row in pairs(1, count=64)]
    given: dict[str, Any] = {"model": AutoModelForCausalLM.from_pretrained(base)}
    if module == "online_dpo":
        given |= {"ref_model": AutoModelForCausalLM.from_pretrained(base), "reward_funcs": says_no}
        rows = [{"prompt": row["prompt"]} for row in rows]
    quiet()
    args = getattr(home, f"{name}Config")(
        output_dir=str(tmp_path), use_cpu=True, bf16=False, report_to="none", logging_steps=1, max_steps=4,
        per_device_train_batch_size=8, save_strategy="no", disable_tqdm=True, dataloader_pin_memory=False, **more,
    )  # fmt: skip
    trainer = getattr(home, f"{name}Trainer")(
        **given, args=args, train_dataset=Dataset.from_list(rows), processing_class=tokenizer(),
        callbacks=[BarographCallback(console=False)],
    )  # fmt: skip
    trainer.train()
    assert rows_of(tmp_path) == [{"step": row["step"], **row} for row in trainer.state.log_history if "loss" in row]
    assert facts_of(tmp_path)["method"] == method
