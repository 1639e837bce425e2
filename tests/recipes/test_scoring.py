"""What scores answers: functions of one answer, and reward models against the same models asked text by text."""

# ruff: noqa: E402 - what trains is imported only where it is there

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from statistics import fmean
from typing import Any

import pytest

for library in ("torch", "transformers", "datasets"):
    pytest.importorskip(library, reason="needs the `train` extra")

import torch
from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification, AutoTokenizer

from barograph.core.errors import ConfigurationError
from barograph.recipes import grpo, ppo, reward, scoring, tasks
from barograph.recipes.options import GRPOOptions, PPOOptions, RewardOptions
from barograph.recipes.score import Score, of_each, scores_of
from barograph.recipes.weights import TINY_FOLDER

pytestmark = [pytest.mark.train, pytest.mark.filterwarnings("default")]

#: Each message between marks, and at the end the mark of whoever speaks next. All words of the tiny model.
TEMPLATE = (
    "{% for one in messages %}{{ '+ ' if one['role'] == 'user' else '- ' }}{{ one['content'] }} ; {% endfor %}"
    "{% if add_generation_prompt %}- {% endif %}"
)
ROWS = [{**row, "n": number} for number, row in enumerate(tasks.pairs(5, 7))]
ANSWERS = [" no", " yes , it is 9 .", "", *(row["chosen"] for row in ROWS[3:])]


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Any:
    """Several threads on small matrices wait for each other."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def tokenizer(template: str = "") -> Any:
    made = AutoTokenizer.from_pretrained(TINY_FOLDER)
    made.chat_template = template or None
    return made


def random_head(labels: int) -> Any:
    """The tiny model with a head of random numbers that are no longer small."""
    torch.manual_seed(labels)
    made = AutoModelForSequenceClassification.from_pretrained(TINY_FOLDER, num_labels=labels, dtype=torch.float32)
    torch.nn.init.normal_(made.score.weight)
    return made.eval()


def kept(model: Any, folder: Path, template: str = "") -> str:
    model.save_pretrained(folder)
    tokenizer(template).save_pretrained(folder)
    return str(folder)


def scored(folder: str, answers: Any = ANSWERS, rows: Any = ROWS, **options: Any) -> list[float]:
    named = PPOOptions.made({"batch_size": 3, "max_length": 64, "precision": "fp32", "reward_model": folder}, options)
    return scores_of(scoring.scored_by(named, "cpu"), answers, rows)


def asked(model: Any, text: str, longest: int = 64) -> list[float]:
    """What a model says of one text, by itself and without filling."""
    ids = tokenizer()(text)["input_ids"][-longest:]
    with torch.no_grad():
        return list(model(torch.tensor([ids])).logits[0].tolist())


# Functions. --------------------------------------------------------------------------------------------------------- #


def test_a_function_is_given_what_it_asks_for() -> None:
    given: list[Any] = []
    rows = [{"prompt": "p", "a": 1, "b": 2}]
    for function in (
        lambda answer: given.append((answer,)) or 1,
        lambda text, b: given.append((text, b)) or 1,
        lambda prompt, a: given.append((prompt, a)) or 1,  # The first is the answer, whatever it is called.
        lambda answer, prompt: given.append((answer, prompt)) or 1,
        lambda answer, **columns: given.append((answer, columns)) or 1,
        lambda answer, missing=3: given.append((answer, missing)) or 1,
    ):
        assert scores_of(of_each(function), ["x"], rows) == [1.0]
    assert given == [("x",), ("x", 2), ("x", 1), ("x", "p"), ("x", rows[0]), ("x", 3)]


@pytest.mark.parametrize(
    ("score", "sentence"),
    [
        (lambda answers, rows: [1.0], "gave 1 numbers for 2 answers"),
        (lambda answers, rows: [1.0, math.nan], "the answer 'yes' to 'p' is nan; a finite number belongs there"),
        (lambda answers, rows: [None, 1.0], "the answer 'no' to 'p' is None"),
    ],
)
def test_a_score_that_will_not_do(score: Score, sentence: str) -> None:
    with pytest.raises(ConfigurationError, match=sentence):
        scores_of(score, ["no", "yes"], [{"prompt": "p"}] * 2)


def test_an_answer_is_heard_as_it_goes_on_after_its_prompt() -> None:
    words = tokenizer()
    for row in ROWS:
        ids, answer = words(row["prompt"])["input_ids"], words(row["chosen"])["input_ids"]
        assert scoring.heard(words, ids, [*answer, words.eos_token_id]) == row["chosen"]
        assert words(row["prompt"] + scoring.heard(words, ids, answer))["input_ids"] == ids + answer
    assert scoring.heard(words, words("3 ?")["input_ids"], []) == ""


# Models. ------------------------------------------------------------------------------------------------------------ #


@pytest.mark.parametrize("batch_size", [1, 3, 64])
def test_one_output_is_the_score_of_the_whole_text_with_its_end(tmp_path: Path, batch_size: int) -> None:
    model = random_head(1)
    expected = [asked(model, f"{row['prompt']}{answer}<eos>")[0] for answer, row in zip(ANSWERS, ROWS, strict=True)]
    assert scored(kept(model, tmp_path), batch_size=batch_size) == pytest.approx(expected, abs=1e-4)
    assert max(expected) - min(expected) > 0.1


def test_of_two_outputs_it_is_good_minus_bad(tmp_path: Path) -> None:
    model = random_head(2)
    logits = [asked(model, f"{row['prompt']}{answer}") for answer, row in zip(ANSWERS, ROWS, strict=True)]
    assert scored(kept(model, tmp_path)) == pytest.approx([good - bad for bad, good in logits], abs=1e-4)


def test_of_what_is_too_long_the_end_is_judged(tmp_path: Path) -> None:
    model = random_head(1)
    expected = [asked(model, f"{row['prompt']}{answer}<eos>", 6)[0] for answer, row in zip(ANSWERS, ROWS, strict=True)]
    assert scored(kept(model, tmp_path), max_length=6) == pytest.approx(expected, abs=1e-4)


def test_a_chat_is_judged_in_the_models_own_template(tmp_path: Path) -> None:
    model, chat = random_head(1), [{"role": "user", "content": "3 + 4"}, {"role": "assistant", "content": "is it 7 ?"}]
    rows = [{"prompt": [*chat, {"role": "user", "content": "yes"}]}]
    expected = asked(model, "+ 3 + 4 ; - is it 7 ? ; + yes ; - it is 7 ; ")[0]
    assert scored(kept(model, tmp_path / "a", TEMPLATE), ["it is 7"], rows) == pytest.approx([expected], abs=1e-4)
    with pytest.raises(ConfigurationError, match="prompts are chats, and its tokenizer has no chat template"):
        scored(kept(model, tmp_path / "b"), ["it is 7"], rows)


@pytest.mark.parametrize("labels", [1, 2])
def test_an_adapter_is_judged_with_what_lies_under_it(tmp_path: Path, labels: int) -> None:
    peft = pytest.importorskip("peft")
    config = peft.LoraConfig(r=4, target_modules="all-linear", exclude_modules=["score"], task_type="SEQ_CLS")
    model = peft.get_peft_model(random_head(labels), config)
    for weight in model.parameters():
        if weight.requires_grad:
            torch.nn.init.normal_(weight, std=0.3)
    model.eval()
    folder, end = kept(model, tmp_path), "<eos>" if labels == 1 else ""
    assert (tmp_path / "adapter_config.json").is_file()
    assert not (tmp_path / "config.json").is_file()
    logits = [asked(model, f"{row['prompt']}{answer}{end}") for answer, row in zip(ANSWERS, ROWS, strict=True)]
    assert scored(folder) == pytest.approx([one[-1] - (one[0] if labels == 2 else 0.0) for one in logits], abs=1e-3)


def without_tokenizer(folder: Path) -> str:
    random_head(1).save_pretrained(folder)
    return str(folder)


def of_another_kind(folder: Path) -> str:
    return kept(AutoModelForCausalLM.from_pretrained(TINY_FOLDER), folder)


def adapter_without_head(folder: Path) -> str:
    peft = pytest.importorskip("peft")
    config = peft.LoraConfig(r=4, target_modules="all-linear", task_type="CAUSAL_LM")
    return kept(peft.get_peft_model(AutoModelForCausalLM.from_pretrained(TINY_FOLDER), config), folder)


@pytest.mark.parametrize(
    ("made", "sentence"),
    [
        (lambda folder: "./nowhere", "'./nowhere': there is no such folder"),
        (str, "holds neither config.json nor adapter_config.json"),
        (without_tokenizer, "its tokenizer cannot be loaded, which belongs in the same folder"),
        (lambda folder: kept(random_head(3), folder), "gives a text 3 numbers, where a reward model gives one"),
        (of_another_kind, "is a LlamaForCausalLM, which gives a text no score"),
        (adapter_without_head, "is an adapter without a head that scores"),
    ],
    ids=["nowhere", "empty", "no-tokenizer", "three", "causal", "causal-adapter"],
)
def test_a_model_that_will_not_do(tmp_path: Path, made: Callable[[Path], str], sentence: str) -> None:
    with pytest.raises(ConfigurationError, match=sentence) as raised:
        scored(made(tmp_path))
    assert "reward_model = " in str(raised.value)


@pytest.mark.parametrize("kind", [PPOOptions, GRPOOptions])
def test_one_of_two_scores(kind: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"reward = 'a\.py:f' and reward_model = 'b': one of them scores"):
        scoring.scored_by(kind(reward="a.py:f", reward_model="b"), "cpu")
    with pytest.raises(ConfigurationError, match=r"need a score: name --reward FILE\.py:FUNCTION or --reward-model"):
        scoring.scored_by(kind(data="mine.jsonl"), "cpu")


# From pairs to a policy. -------------------------------------------------------------------------------------------- #


@pytest.mark.slow
def test_a_reward_model_teaches_a_policy() -> None:
    short = {"eval_steps": 120, "save_steps": 120, "guard": "advise"}
    learned = reward.run(RewardOptions(max_steps=120, **short))
    model = f"{learned.folder}/final_model"
    by_ppo = ppo.run(PPOOptions(reward_model=model, max_steps=12, guard="advise"))
    rows = [json.loads(row) for row in (Path(by_ppo.folder) / "logs/training_metrics.jsonl").read_text().splitlines()]
    scores = [row["objective/scores"] for row in rows]
    assert fmean(scores[-4:]) > fmean(scores[:4]) + 0.05
    # What the model was taught is right, so that whoever learns from it comes nearer to what is right.
    assert by_ppo.after["answers right"] > by_ppo.before["answers right"] + 0.1
    by_grpo = grpo.run(GRPOOptions(reward_model=model, max_steps=3, **short))
    assert by_grpo.steps == 3
    assert all(math.isfinite(value) for value in (*by_grpo.before.values(), *by_grpo.after.values()))


@pytest.mark.slow
@pytest.mark.parametrize("more", [{"lora": True}, {"kind": "labels"}, {"kind": "labels", "lora": True}])
def test_what_the_recipe_leaves_can_score(more: dict[str, Any]) -> None:
    learned = reward.run(RewardOptions(max_steps=2, eval_steps=2, save_steps=2, guard="advise", **more))
    done = ppo.run(PPOOptions(reward_model=f"{learned.folder}/final_model", max_steps=1, batch_size=8, guard="advise"))
    assert math.isfinite(done.after["mean reward"])
