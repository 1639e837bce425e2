"""How many updates a run has, and whether an adapter is trained: worked out by hand, or as transformers does."""

from __future__ import annotations

from typing import Any

import pytest

from barograph.config.plan import Plan
from barograph.config.reading import SettingsFile, plan_of
from barograph.core.methods import Method


def plan(method: Method, **settings: Any) -> Plan:
    return plan_of(SettingsFile("settings", settings, method))


@pytest.mark.parametrize(
    ("method", "settings", "updates"),
    [
        # The step classifiers' guide: 180,000 of 200,000 examples, three epochs, 16 in an update.
        (Method.PRM, {"train_examples": 180_000, "num_train_epochs": 3, "per_device_train_batch_size": 4,
                      "gradient_accumulation_steps": 4}, 33_750),
        # The last update of an epoch is not full: 7 of 64 in 400.
        (Method.DPO, {"train_examples": 400, "num_train_epochs": 2, "per_device_train_batch_size": 8,
                      "gradient_accumulation_steps": 4, "world_size": 2}, 14),
        (Method.DPO, {"max_steps": 145, "train_examples": 10, "num_train_epochs": 9}, 145),
        (Method.DPO, {"max_steps": -1, "train_examples": 100, "num_train_epochs": 1,
                      "per_device_train_batch_size": 10}, 10),
        # 100 prompts are answered 8 times each, 16 answers in an update.
        (Method.GRPO, {"train_examples": 100, "num_generations": 8, "per_device_train_batch_size": 16,
                       "num_train_epochs": 1}, 50),
        # A step of our PPO answers 4 x 4 x 4 prompts.
        (Method.PPO, {"train_examples": 640, "batch_size": 4, "accumulate": 4, "minibatches": 4, "ppo_epochs": 4,
                      "epochs": 2, "warmup": 0.1}, 20),
        (Method.DPO, {"num_train_epochs": 1, "per_device_train_batch_size": 8}, None),
    ],
)  # fmt: skip
def test_updates(method: Method, settings: dict[str, Any], updates: int | None) -> None:
    assert plan(method, **settings).updates == updates


def test_settings_below_one_are_shares_of_the_run() -> None:
    found = plan(Method.DPO, max_steps=200, eval_steps=0.1, save_steps=25, warmup_steps=0.05)
    assert (found.steps("eval_steps"), found.steps("save_steps"), found.warmup) == (20, 25, 10)


def test_passes() -> None:
    common = {"train_examples": 640, "per_device_train_batch_size": 64}
    assert plan(Method.DPO, **common, max_steps=25).passes == 2.5
    assert plan(Method.DPO, **common, num_train_epochs=3).passes == 3


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"use_peft": True}, True), ({"use_peft": False, "lora_r": 16}, False), ({"lora_r": 16}, True),
        ({"parameters": 100, "trainable_parameters": 2}, True),
        ({"parameters": 100, "trainable_parameters": 100}, False),
        ({"finetuning_type": "full"}, False), ({"finetuning_type": "lora"}, True), ({}, None),
    ],
)  # fmt: skip
def test_adapters(settings: dict[str, Any], expected: bool | None) -> None:
    assert plan(Method.DPO, **settings).is_adapter is expected


def test_beside_the_trainer_itself() -> None:
    """transformers' own count of updates, for batches that do not come out even."""
    transformers = pytest.importorskip("transformers")
    torch = pytest.importorskip("torch")
    model = torch.nn.Linear(2, 2)
    for examples, batch, accumulate, epochs in ((101, 8, 3, 2), (64, 8, 1, 1), (7, 8, 4, 3)):
        arguments = transformers.TrainingArguments(
            output_dir="unused", per_device_train_batch_size=batch, gradient_accumulation_steps=accumulate,
            num_train_epochs=epochs, use_cpu=True, report_to=[],
        )  # fmt: skip
        trainer = transformers.Trainer(model=model, args=arguments, train_dataset=list(range(examples)))
        counted = trainer.set_initial_training_values(arguments, trainer.get_train_dataloader())
        ours = plan(
            Method.SFT, train_examples=examples, per_device_train_batch_size=batch, num_train_epochs=epochs,
            gradient_accumulation_steps=accumulate,
        )  # fmt: skip
        assert ours.updates == counted[-1]
