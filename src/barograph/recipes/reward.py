"""A reward model: one number for an answer, learned from pairs; or a classifier that says good or bad.

Of pairs it learns which is better (`kind = "pairs"`), of labelled answers whether each is good (`kind = "labels"`). The
best checkpoint is kept, by accuracy or by F1.
"""

from __future__ import annotations

from typing import Any

from barograph.recipes.course import arguments, prepare, train, watching
from barograph.recipes.examples import PAIRS, UNPAIRED, Room, Split, split_of
from barograph.recipes.options import RewardOptions
from barograph.recipes.result import Finished
from barograph.recipes.weights import adapter, classifier, tokenizer
from barograph.trainers.compute_metrics import create_compute_metrics_fn
from barograph.trainers.prediction_callback import PredictionLoggingCallback

__all__ = ["run"]


def run(asked: RewardOptions) -> Finished:
    """Train, and measure what it brought."""
    options = prepare(asked, "reward")
    trainer, best = _of_labels(options) if options.kind == "labels" else _of_pairs(options)
    verdict = train(trainer, options, "reward")
    after = {name: value for name, value in trainer.evaluate().items() if name in {best, "eval_accuracy", "eval_loss"}}
    named = {f"held-out {name.removeprefix('eval_')}": value for name, value in after.items()}
    return Finished("reward", str(options.output_dir), trainer.state.global_step, verdict, {}, named).kept()


def _best(metric: str) -> dict[str, Any]:
    return {"load_best_model_at_end": True, "metric_for_best_model": metric, "greater_is_better": True}


def _of_pairs(options: RewardOptions) -> tuple[Any, str]:
    from trl import RewardConfig, RewardTrainer

    words = tokenizer(options)
    examples = split_of(options, PAIRS, Room(words, options.max_length or 0, is_whole=True))
    trainer = RewardTrainer(
        model=classifier(options, labels=1),
        args=arguments(RewardConfig, options, **_best("eval_accuracy")),
        train_dataset=examples.train,
        eval_dataset=examples.held_out,
        processing_class=words,
        peft_config=adapter(options, "SEQ_CLS"),
        callbacks=[watching(options)],
    )
    return trainer, "eval_accuracy"


def _of_labels(options: RewardOptions) -> tuple[Any, str]:
    from transformers import DataCollatorWithPadding, Trainer, TrainingArguments

    words = tokenizer(options)
    examples = split_of(options, UNPAIRED, Room(words, (options.max_length or 0) - 1))

    def encoded(row: dict[str, Any]) -> dict[str, Any]:
        whole = words(row["prompt"] + row["completion"], truncation=True, max_length=options.max_length)
        return {**whole, "labels": int(row["label"])}

    examples = Split(*(part.map(encoded, remove_columns=part.column_names) for part in examples))
    model = classifier(options, labels=2)
    lora = adapter(options, "SEQ_CLS")
    if lora is not None:
        from peft import get_peft_model

        model = get_peft_model(model, lora)
    compute = create_compute_metrics_fn(options.shown or 0)
    folder = str(options.output_dir)
    trainer = Trainer(
        model=model,
        args=arguments(TrainingArguments, options, **_best("eval_f1")),
        train_dataset=examples.train,
        eval_dataset=examples.held_out,
        processing_class=words,
        data_collator=DataCollatorWithPadding(words),
        compute_metrics=compute,
        callbacks=[
            watching(options),
            PredictionLoggingCallback(folder, options.shown or 0, compute_metrics=compute),
        ],
    )
    return trainer, "eval_f1"
