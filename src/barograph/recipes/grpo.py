"""GRPO: several answers to one prompt, each scored by a function; those above the average of their group gain.

By default the function asks for the true sum and for an honest yes or no. `--reward FILE.py:FUNCTION` names another: it
is called with an answer and the columns of its prompt, and gives a number. `--reward-model FOLDER` names a model.
"""

from __future__ import annotations

from collections.abc import Callable
from statistics import fmean
from typing import Any, TypeAlias

from barograph.recipes import answers
from barograph.recipes.course import arguments, prepare, train, watching
from barograph.recipes.examples import PROMPTS, Room, split_of
from barograph.recipes.options import GRPOOptions
from barograph.recipes.result import Finished
from barograph.recipes.score import Score, scores_of
from barograph.recipes.scoring import heard, said, scored_by
from barograph.recipes.weights import adapter, causal, tokenizer
from barograph.trainers.callback import BarographCallback

__all__ = ["run"]

#: Called with the rows of a batch, its answers and their scores.
Keep: TypeAlias = Callable[[list[dict[str, Any]], list[str], list[float]], None]


def run(asked: GRPOOptions) -> Finished:
    """Train, and measure what it brought."""
    from trl import GRPOConfig, GRPOTrainer

    options = prepare(asked, "grpo")
    settings = arguments(
        GRPOConfig, options, beta=options.beta, num_generations=options.generations,
        max_completion_length=options.answer_length, temperature=options.temperature,
    )  # fmt: skip
    score, words = scored_by(options, settings.device), tokenizer(options)
    callback = watching(options)
    examples = split_of(options, PROMPTS, Room(words, (options.max_length or 0) - (options.answer_length or 0)))
    trainer = GRPOTrainer(
        model=causal(options),
        reward_funcs=_of_batches(score, words, _keeping(callback, options.logging_steps or 1)),
        args=settings,
        train_dataset=examples.train,
        eval_dataset=examples.held_out,
        processing_class=words,
        peft_config=adapter(options, "CAUSAL_LM"),
        callbacks=[callback],
    )  # fmt: skip
    before = answers.of_the_tiny_world(trainer.model, options)
    verdict = train(trainer, options, "grpo")
    after = answers.of_the_tiny_world(trainer.model, options)
    rewards = [row["reward"] for row in trainer.state.log_history if "reward" in row]
    tenth = max(1, len(rewards) // 10)
    return Finished(
        "grpo", str(options.output_dir), trainer.state.global_step, verdict,
        {**before, "mean reward": fmean(rewards[:tenth])}, {**after, "mean reward": fmean(rewards[-tenth:])},
    ).kept()  # fmt: skip


def _keeping(callback: BarographCallback, every: int) -> Keep:
    """Keeps a few answers of each step that is logged; those of an evaluation are not of any step."""

    def keep(rows: list[dict[str, Any]], texts: list[str], scores: list[float]) -> None:
        if callback.step is not None and (callback.step == 1 or callback.step % every == 0):
            callback.samples(said(rows, texts, scores))

    return keep


def _of_batches(score: Score, words: Any, keep: Keep) -> Any:
    """As TRL calls it: with a batch of answers, and each column as a list."""

    def reward(
        completions: list[Any], prompts: list[Any], completion_ids: list[list[int]], **columns: Any
    ) -> list[float]:
        known = {name: values for name, values in columns.items() if isinstance(values, list)}
        known = {name: values for name, values in known.items() if len(values) == len(completions)}
        rows = [
            {"prompt": prompt, **{name: values[at] for name, values in known.items()}}
            for at, prompt in enumerate(prompts)
        ]
        texts = [
            heard(words, words(prompt)["input_ids"], ids) if isinstance(prompt, str) else answer[-1]["content"]
            for prompt, answer, ids in zip(prompts, completions, completion_ids, strict=True)
        ]
        scores = scores_of(score, texts, rows)
        keep(rows, texts, scores)
        return scores

    return reward
