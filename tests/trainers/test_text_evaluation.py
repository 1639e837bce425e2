"""What a model says to held-out prompts while it trains: scored, kept, and without a trace in the training itself."""

# ruff: noqa: E402 - what trains is imported only where it is there

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

for library in ("torch", "transformers", "trl"):
    pytest.importorskip(library, reason="needs the `train` extra")

from tiny_preferences import make, pairs

from barograph.core.errors import ConfigurationError
from barograph.text.score import Metric, Score
from barograph.trainers.callback import BarographCallback
from barograph.trainers.text_evaluation import TextEvaluation

pytestmark = [
    pytest.mark.train,
    pytest.mark.timeout(300),
    pytest.mark.filterwarnings("default"),  # The libraries warn of each other.
]

HELD_OUT = pairs(7, noise=0.0, count=24)
PROMPTS = [row["prompt"] for row in HELD_OUT]
GOOD = [row["chosen"].strip() for row in HELD_OUT]


class Same(Metric):
    """Whether an answer is its reference, word for word."""

    name = "same"

    @property
    def signature(self) -> str:
        return "same"

    def score(self, prediction: str, references: Sequence[str]) -> Score:
        return Score(float(prediction.split() in [one.split() for one in references]))


def begins_with_yes(prompt: str, answer: str) -> float:
    return float(answer.split()[:1] == ["yes"])


def trained(base: Path, folder: Path, *listeners: Any, **more: Any) -> Any:
    trainer = make("dpo", base, folder, *listeners, steps=4, **more)
    trainer.train()
    return trainer


def test_answers_are_scored_beside_each_evaluation_and_kept(base: Path, tmp_path: Path) -> None:
    record = BarographCallback(tmp_path / "record", console=False)
    asks = TextEvaluation(PROMPTS, GOOD, metrics=["rouge", Same()], reward=begins_with_yes, max_new_tokens=8)
    trainer = trained(base, tmp_path, asks, record, eval_strategy="steps", eval_steps=2)
    rows = [row for row in trainer.state.log_history if "eval_rouge" in row]
    assert [row["step"] for row in rows] == [2, 4]
    kept = [json.loads(line) for line in (tmp_path / "record/logs/completions.jsonl").read_text().splitlines()]
    last = [row for row in kept if row["step"] == 4]
    assert [row["prompt"] for row in last] == PROMPTS[:16]
    assert [row["reference"] for row in last] == GOOD[:16]
    for row in last:  # What is kept was scored as it stands there.
        assert row["same"] == (row["completion"].split() == row["reference"].split())
        assert row["score"] == begins_with_yes("", row["completion"])
    assert {"eval_rouge", "eval_same", "eval_reward", "epoch", "step"} == set(rows[-1])
    written = [json.loads(line) for line in (tmp_path / "record/logs/training_metrics.jsonl").read_text().splitlines()]
    assert [row["eval_same"] for row in written if "eval_same" in row] == [row["eval_same"] for row in rows]


def test_the_likeliest_answers_are_those_of_the_model_alone(base: Path, tmp_path: Path) -> None:
    """Left padding and batches change nothing: each answer is what the prompt alone would get."""
    from tiny_preferences import tokenizer

    record = BarographCallback(tmp_path / "record", console=False)
    asks = TextEvaluation(PROMPTS, GOOD, metrics=[Same()], every=4, max_new_tokens=8, batch_size=5)
    trainer = trained(base, tmp_path, asks, record)
    model, words = trainer.model.eval(), tokenizer()
    kept = [json.loads(line) for line in (tmp_path / "record/logs/completions.jsonl").read_text().splitlines()]
    for row in kept:
        rows = words(row["prompt"], return_tensors="pt")
        given = model.generate(input_ids=rows["input_ids"], attention_mask=rows["attention_mask"], max_new_tokens=8,
                               do_sample=False)  # fmt: skip
        assert row["completion"] == words.decode(given[0, rows["input_ids"].shape[1] :], skip_special_tokens=True)


def test_the_training_goes_on_as_if_nothing_had_been(base: Path, tmp_path: Path) -> None:
    asks = TextEvaluation(PROMPTS, GOOD, metrics=[Same()], every=1, generation={"do_sample": True}, max_new_tokens=8)
    asked = trained(base, tmp_path / "asked", asks)
    alone = trained(base, tmp_path / "alone")
    losses = ([row["loss"] for row in one.state.log_history if "loss" in row] for one in (asked, alone))
    assert next(losses) == next(losses)
    assert sum("eval_same" in row for row in asked.state.log_history) == 4


def test_a_score_may_choose_the_best_checkpoint(base: Path, tmp_path: Path) -> None:
    class Later(Same):
        """Better from one evaluation to the next, whatever is said."""

        seen = 0

        def score(self, prediction: str, references: Sequence[str]) -> Score:
            type(self).seen += 1
            return Score(1.0 if len(PROMPTS) < self.seen <= 2 * len(PROMPTS) else 0.0)

    asks = TextEvaluation(PROMPTS, GOOD, metrics=[Later()], max_new_tokens=4)
    trainer = trained(base, tmp_path, asks, eval_strategy="steps", eval_steps=1, save_strategy="best",
                      metric_for_best_model="eval_same", greater_is_better=True, load_best_model_at_end=True,
                      save_steps=1)  # fmt: skip
    assert trainer.state.best_global_step == 2
    assert trainer.state.best_metric == 1.0


def test_a_trainer_that_chooses_by_it_goes_on_where_it_fails(base: Path, tmp_path: Path) -> None:
    class Fails(Same):
        calls = 0

        def score(self, prediction: str, references: Sequence[str]) -> Score:
            type(self).calls += 1
            if self.calls > len(PROMPTS):
                raise RuntimeError("out of order")
            return Score(0.5)

    asks = TextEvaluation(PROMPTS, GOOD, metrics=[Fails()], max_new_tokens=4)
    with pytest.warns(UserWarning, match="out of order"):
        trainer = trained(base, tmp_path, asks, eval_strategy="steps", eval_steps=1, save_strategy="best",
                          metric_for_best_model="eval_same", greater_is_better=True, save_steps=1)  # fmt: skip
    assert (trainer.state.global_step, trainer.state.best_metric) == (4, 0.5)


def test_what_goes_wrong_is_told_once_and_the_training_goes_on(base: Path, tmp_path: Path) -> None:
    def broken(prompt: str, answer: str) -> float:
        raise RuntimeError("no judge")

    asks = TextEvaluation(PROMPTS, reward=broken, every=1, max_new_tokens=2)
    with pytest.warns(UserWarning, match=r"TextEvaluation failed at step 1 \(RuntimeError: no judge\)") as said:
        trainer = trained(base, tmp_path, asks)
    assert sum("TextEvaluation" in str(one.message) for one in said) == 1
    assert trainer.state.global_step == 4


def test_it_says_that_it_waits_for_evaluations_that_never_come(base: Path, tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match=r"never makes: give every=STEPS or 'epoch'"):
        trained(base, tmp_path, TextEvaluation(PROMPTS, GOOD, metrics=[Same()]))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"prompts": []}, "there is no prompt to answer"),
        ({"prompts": PROMPTS, "references": GOOD[:3], "metrics": ["rouge"]}, "24 prompts and 3 references"),
        ({"prompts": PROMPTS}, "nothing to score by"),
        ({"prompts": PROMPTS, "references": GOOD, "metrics": ["bleuu"]}, "did you mean 'bleu'"),
        ({"prompts": PROMPTS, "references": GOOD, "metrics": ["rouge"], "every": "day"}, "every='day'"),
        ({"prompts": PROMPTS, "references": GOOD, "metrics": ["rouge"], "every": 0}, "every=0"),
    ],
)
def test_settings_that_cannot_be_are_one_sentence(given: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        TextEvaluation(**given)
