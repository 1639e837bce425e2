"""A step model: of each step of a solution, whether it is right, told at the step's last token.

A solution is as good as its worst step (`min`), or as likely as all its steps together (`product`); of several
solutions the best by either can be taken.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterable
from typing import Any

import torch
from datasets import Dataset, Features, Sequence, Value

from barograph.recipes import tasks
from barograph.recipes.answers import UNSEEN
from barograph.recipes.course import arguments, prepare, train, watching
from barograph.recipes.examples import STEPS, Room, Split, split_of
from barograph.recipes.options import PRMOptions
from barograph.recipes.result import Finished
from barograph.recipes.weights import adapter, is_tiny, step_classifier, tokenizer
from barograph.trainers.compute_metrics import create_compute_metrics_fn
from barograph.trainers.prediction_callback import PredictionLoggingCallback

__all__ = ["MASKED", "best_of", "encoded", "run", "score", "step_scores"]

#: The label of a token that is no end of a step.
MASKED = -100


def encoded(words: Any, row: dict[str, Any], most: int) -> dict[str, list[int]]:
    """The tokens of a solution, and labels: 1 or 0 at the last token of each step, masked elsewhere."""
    ids = list(words(row["prompt"])["input_ids"])
    labels = [MASKED] * len(ids)
    for step, is_right in zip(row["completions"], row["labels"], strict=True):
        tokens = words(step, add_special_tokens=False)["input_ids"]
        ids += tokens
        labels += [MASKED] * (len(tokens) - 1) + [int(is_right)]
    return {"input_ids": ids[:most], "attention_mask": [1] * len(ids[:most]), "labels": labels[:most]}


def step_scores(model: Any, words: Any, row: dict[str, Any], most: int) -> list[float]:
    """How likely each step is right, as the model sees it."""
    made = encoded(words, row, most)
    with torch.no_grad():
        logits = model.eval()(input_ids=torch.tensor([made["input_ids"]], device=model.device)).logits[0]
    chances = logits.float().softmax(-1)[:, 1].tolist()
    return [chance for chance, label in zip(chances, made["labels"], strict=True) if label != MASKED]


def score(steps: Iterable[float], by: str = "min") -> float:
    """How good a whole solution is, by its steps.

    >>> score([0.9, 0.5, 0.8]), score([0.5, 0.5], by="product"), score([])
    (0.5, 0.25, 0.0)
    """
    chances = list(steps)
    if not chances:
        return 0.0
    return min(chances) if by == "min" else math.prod(chances)


def best_of(model: Any, words: Any, rows: list[dict[str, Any]], most: int, by: str = "min") -> int:
    """The number of the solution that the model thinks best."""
    scores = [score(step_scores(model, words, row, most), by) for row in rows]
    return max(range(len(rows)), key=scores.__getitem__)


def run(asked: PRMOptions) -> Finished:
    """Train, and measure what it brought."""
    from transformers import DataCollatorForTokenClassification, Trainer, TrainingArguments

    options = prepare(asked, "prm")
    words, most = tokenizer(options), options.max_length or 1024
    # Said outright, or the labels of tokens would become truth values as those of steps are, and a mask a true one.
    whole = Features(dict.fromkeys(("input_ids", "attention_mask", "labels"), Sequence(Value("int64"))))

    def of_tokens(part: Dataset) -> Dataset:
        return part.map(
            lambda row: encoded(words, row, most), remove_columns=part.column_names, features=whole
        )  # fmt: skip

    examples = Split(*map(of_tokens, split_of(options, STEPS, Room(words, most - 1))))
    model = step_classifier(options)
    lora = adapter(options, "TOKEN_CLS")
    if lora is not None:
        from peft import get_peft_model

        model = get_peft_model(model, lora)
    compute = create_compute_metrics_fn(options.shown or 0)
    folder = str(options.output_dir)
    best = {"load_best_model_at_end": True, "metric_for_best_model": "eval_f1", "greater_is_better": True}
    trainer = Trainer(
        model=model,
        args=arguments(TrainingArguments, options, **best),
        train_dataset=examples.train,
        eval_dataset=examples.held_out,
        processing_class=words,
        data_collator=DataCollatorForTokenClassification(words, label_pad_token_id=MASKED),
        compute_metrics=compute,
        callbacks=[
            watching(options, method="prm"),
            PredictionLoggingCallback(folder, options.shown or 0, compute_metrics=compute),
        ],
    )
    verdict = train(trainer, options, "prm")
    held = trainer.evaluate()
    seen = trainer.evaluate(examples.train.select(range(min(len(examples.train), len(examples.held_out)))))
    after = {
        f"held-out {name}": held[f"eval_{name}"] for name in ("accuracy", "f1", "precision", "recall", "specificity")
    }
    after["train-eval gap"] = seen["eval_accuracy"] - held["eval_accuracy"]
    before = {}
    if is_tiny(options) and not options.data:
        picked, at_random = _best_of_eight(trainer.model, words, options)
        before, after = {"solution right, picked at random": at_random}, {**after, "solution right, best of 8": picked}
    return Finished("prm", folder, trainer.state.global_step, verdict, before, after).kept()


def _best_of_eight(model: Any, words: Any, options: PRMOptions, trials: int = 100) -> tuple[float, float]:
    """How often the best of eight solutions is right throughout, and how often one at random is."""
    dice = random.Random(options.seed)  # noqa: S311 - a play, no secret
    drawn = tasks.solutions((options.seed or 0) + UNSEEN, 8 * trials)
    right = at_random = 0
    for trial in range(trials):
        rows = drawn[8 * trial : 8 * trial + 8]
        right += all(rows[best_of(model, words, rows, options.max_length or 1024)]["labels"])
        at_random += all(dice.choice(rows)["labels"])
    return right / trials, at_random / trials
