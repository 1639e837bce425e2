"""What is known of trainers, tried on classes of the same make: no library is needed."""

from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import Any

import pytest

from barograph.core.methods import Method
from barograph.trainers import trl_compat


class Trainer:
    def train(self) -> None:
        self._inner_training_loop()

    def _inner_training_loop(self) -> None:
        self.should_training_stop = False


class DPOTrainer(Trainer):
    pass


class UnslothDPOTrainer(DPOTrainer):
    pass


class PPOTrainer(Trainer):
    def train(self) -> None:
        for _ in range(3):
            pass


class LlamaForSequenceClassification:
    pass


def test_a_trainer_is_known_by_its_class_or_an_ancestor() -> None:
    assert trl_compat.method_of(UnslothDPOTrainer()) is Method.DPO
    assert trl_compat.method_of(PPOTrainer()) is Method.PPO
    assert trl_compat.method_of(Trainer()) is None
    assert trl_compat.method_of(Trainer(), LlamaForSequenceClassification()) is Method.CLASSIFIER


def test_a_loop_that_no_callback_can_stop_is_known() -> None:
    assert trl_compat.can_be_stopped(UnslothDPOTrainer())
    assert not trl_compat.can_be_stopped(PPOTrainer())
    assert "PPOTrainer" in trl_compat.can_go_back(PPOTrainer())
    assert trl_compat.can_go_back(DPOTrainer()) == ""


def test_sharded_models_are_not_taken_back() -> None:
    assert "DeepSpeed" in trl_compat.can_go_back(SimpleNamespace(is_deepspeed_enabled=True))
    assert "FSDP" in trl_compat.can_go_back(SimpleNamespace(is_fsdp_enabled=True))


@pytest.mark.parametrize(
    ("row", "is_closing"),
    [
        ({"train_runtime": 3.0, "train_loss": 0.5, "total_flos": 1.0, "epoch": 1.0}, True),
        ({"loss": 0.5, "epoch": 1.0}, False),
        ({"eval_loss": 0.5, "eval_runtime": 1.0}, False),
    ],
)
def test_the_closing_totals_are_told_from_rows(row: dict[str, float], is_closing: bool) -> None:
    assert trl_compat.is_closing_row(row) is is_closing


def test_the_trainer_is_found_among_the_callers() -> None:
    class Calling(Trainer):
        callback_handler = None

        def call(self) -> Any:
            return tells_an_event()

    def tells_an_event() -> Any:
        return trl_compat.trainer_of_caller(sys._getframe())

    calling = Calling()
    assert calling.call() is calling
    assert trl_compat.trainer_of_caller(sys._getframe()) is None


def test_what_an_attempt_leaves_behind_is_dropped() -> None:
    trainer = SimpleNamespace(_metrics={"train": {"kl": [float("nan")]}, "eval": {}}, _buffered_inputs=[1], _step=7)
    trl_compat.forget_attempt(trainer)
    assert (trainer._metrics, trainer._buffered_inputs, trainer._step) == ({"train": {}, "eval": {}}, None, 0)
