"""A callback that lets the model answer held-out prompts while it trains, and scores what it says.

>>> trainer = DPOTrainer(
...     ...,
...     callbacks=[  # doctest: +SKIP
...         BarographCallback(),
...         TextEvaluation(prompts, references, metrics=["bleu", "rouge"], every=100),
...     ],
... )
"""

from __future__ import annotations

import math
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from statistics import fmean
from typing import Any, TypeAlias

from barograph.console.progress_bars import facts_line
from barograph.core.errors import ConfigurationError, MissingExtra
from barograph.text.catalogue import Settings, made
from barograph.text.score import Metric, Pair
from barograph.trainers import trl_compat
from barograph.trainers.callback import BarographCallback

try:
    import torch
    from accelerate.utils import broadcast_object_list
    from tqdm.auto import tqdm
    from transformers import TrainerCallback
except ImportError as error:
    raise MissingExtra("TextEvaluation", str(error.name), "train") from error

__all__ = ["TextEvaluation"]

#: A prompt as text, or as the messages of a chat.
Prompt: TypeAlias = "str | Sequence[Mapping[str, str]]"
#: Scores an answer to a prompt.
Reward: TypeAlias = Callable[[Any, str], float]

#: Answers of an evaluation that are kept beside their scores.
KEPT = 16
BAR = "{desc} |{bar:20}| {n_fmt}/{total_fmt} [{elapsed}<{remaining}, {rate_inv_fmt}]"
#: When an evaluation takes place, besides a number of steps.
EPOCH, EVALUATION = "epoch", "evaluation"


class TextEvaluation(TrainerCallback):  # type: ignore[misc, unused-ignore]
    """Answers to held-out prompts, scored as `eval_bleu`, `eval_rouge` ... in the trainer's own log.

    Whoever listens to the trainer hears the numbers, `BarographCallback` among them; it keeps some of the answers too.
    The training goes on as if nothing had been: its random numbers, its mode and its gradients are left as they were.

    Args:
        prompts: texts, or chats, which the tokenizer's template turns into texts.
        references: what would have been right, one text or several for each prompt; scores need them, rewards do not.
        metrics: names as for `barograph eval --metrics`, or metrics.
        every: a number of steps, "epoch", or "evaluation": whenever the trainer evaluates.
        reward: called with a prompt and an answer; its mean is logged as `eval_reward`.
        language: the programming language of the answers, for metrics of code.
        model: the folder of the model that BERTScore looks through.
        batch_size, max_new_tokens: how answers are made; `generation` holds more of what `generate` takes. By itself
            the likeliest word is taken each time, so that two evaluations differ by the model alone.
    """

    def __init__(  # noqa: PLR0913 - one argument for each setting
        self,
        prompts: Sequence[Prompt],
        references: Sequence[str | Sequence[str]] | None = None,
        *,
        metrics: Sequence[str | Metric] = (),
        every: int | str = EVALUATION,
        reward: Reward | None = None,
        language: str | None = None,
        model: Any = None,
        batch_size: int = 8,
        max_new_tokens: int = 128,
        generation: Mapping[str, object] | None = None,
    ) -> None:
        self.prompts = list(prompts)
        self.references = [(one,) if isinstance(one, str) else tuple(one) for one in references or ()]
        self.metrics = _metrics(metrics, Settings(language=language, model=model))
        self.every = every
        self.reward = reward
        self.batch_size = batch_size
        self.generation = {"max_new_tokens": max_new_tokens, "do_sample": False, **(generation or {})}
        self._trainer: Any = None
        self._told = set[str]()
        self._check()

    def _check(self) -> None:
        if not self.prompts:
            raise ConfigurationError("there is no prompt to answer")
        if self.metrics and len(self.references) != len(self.prompts):
            raise ConfigurationError(
                f"{len(self.prompts)} prompts and {len(self.references)} references: a score needs one for each prompt"
            )
        if not self.metrics and self.reward is None:
            raise ConfigurationError("nothing to score by: name metrics, or give a reward function")
        if isinstance(self.every, str) and self.every not in {EPOCH, EVALUATION}:
            raise ConfigurationError(f"every={self.every!r}: a number of steps, 'epoch' or 'evaluation' belongs there")
        if isinstance(self.every, int) and self.every < 1:
            raise ConfigurationError(f"every={self.every}: a number of steps from 1 on belongs there")

    # When

    def on_init_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """The trainer is there, and calls."""
        self._trainer = trl_compat.trainer_of_caller(sys._getframe(1))  # noqa: SLF001 - the only way to the trainer

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """A step is over."""
        if isinstance(self.every, int) and state.global_step % self.every == 0:
            self.evaluate(kwargs)

    def on_epoch_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """An epoch is over."""
        if self.every == EPOCH:
            self.evaluate(kwargs)

    def on_evaluate(
        self, args: Any, state: Any, control: Any, metrics: dict[str, float] | None = None, **kwargs: Any
    ) -> None:
        """The trainer has evaluated. What comes of it here may choose its best checkpoint (`metric_for_best_model`)."""
        if self.every == EVALUATION:
            numbers = self.evaluate(kwargs)
            if metrics is not None:
                # What could not be had is no number, and never the best: a trainer that waits for it would end.
                metrics.update({**dict.fromkeys(self._expected(), math.nan), **numbers})

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """What would never happen is said before the training."""
        if self._trainer is None:
            self._trainer = trl_compat.trainer_of_caller(sys._getframe(1))  # noqa: SLF001 - as above
        if self.every == EVALUATION and str(getattr(args.eval_strategy, "value", args.eval_strategy)) == "no":
            self._tell("TextEvaluation waits for evaluations that the trainer never makes: give every=STEPS or 'epoch'")

    def _expected(self) -> list[str]:
        """The names under which numbers come."""
        return [f"eval_{one.name}" for one in self.metrics] + (["eval_reward"] if self.reward is not None else [])

    # What

    def evaluate(self, known: Mapping[str, Any]) -> dict[str, float]:
        """Let the model answer, and log what that is worth. A training is never stopped by it."""
        trainer = self._trainer
        if trainer is None:
            self._tell("TextEvaluation was added after its trainer had been made, and cannot reach it")
            return {}
        if trl_compat.is_sharded(trainer):
            self._tell("TextEvaluation makes no answers with a model that is spread over devices (FSDP, ZeRO-3)")
            return {}
        found: list[dict[str, float]] = [{}]
        try:
            if trainer.state.is_world_process_zero:
                found = [self._evaluate(trainer, known)]
        except Exception as problem:  # noqa: BLE001 - as above
            said = f"{type(problem).__name__}: {problem}"
            self._tell(f"TextEvaluation failed at step {trainer.state.global_step} ({said})", about=said)
        finally:
            broadcast_object_list(found)  # Each process chooses the best checkpoint, by the numbers of the first.
        return found[0]

    def _evaluate(self, trainer: Any, known: Mapping[str, Any]) -> dict[str, float]:
        tokenizer = known.get("processing_class") or known.get("tokenizer") or trainer.processing_class
        model = trainer.accelerator.unwrap_model(known.get("model") or trainer.model)
        answers = list[str]()
        rewards = list[float]()
        starts = range(0, len(self.prompts), self.batch_size)
        with _undisturbed(model), _progress(len(starts)) as step:
            for start in starts:
                prompts = self.prompts[start : start + self.batch_size]
                said = _answers(model, tokenizer, prompts, self.generation)
                answers += said
                if self.reward is not None:
                    rewards += [float(self.reward(prompt, one)) for prompt, one in zip(prompts, said, strict=True)]
                step(len(answers), fmean(rewards) if rewards else None)
        numbers, columns = self._scored(answers, rewards)
        named = {f"eval_{name}": value for name, value in numbers.items()}
        trl_compat.log_beside(trainer, named)
        rows = [dict(zip(columns, row, strict=True)) for row in islice(zip(*columns.values(), strict=True), KEPT)]
        for listener in trainer.callback_handler.callbacks:
            if isinstance(listener, BarographCallback):
                listener.samples(rows, trainer.state.global_step)
        return named

    def _scored(
        self, answers: Sequence[str], rewards: Sequence[float]
    ) -> tuple[dict[str, float], dict[str, Sequence[object]]]:
        """The numbers of all answers, and what is worth keeping of each."""
        numbers: dict[str, float] = {"reward": fmean(rewards)} if rewards else {}
        columns: dict[str, Sequence[object]] = {"prompt": [*map(_shown, self.prompts)], "completion": answers}
        if self.references:
            columns["reference"] = [one[0] if one else "" for one in self.references]
        if rewards:
            columns["score"] = rewards
        pairs = list(map(Pair, answers, self.references))  # As many as there are answers, or no metric asks for any.
        for metric in self.metrics:
            ready = metric.prepared(self.references)
            scores = ready.scores(pairs)
            whole = ready.corpus_of(scores).value
            if whole is not None:
                numbers[metric.name] = whole
            columns[metric.name] = [score.value for score in scores]
        return numbers, columns

    def _tell(self, sentence: str, about: str = "") -> None:
        """Once for each matter."""
        if (about or sentence) not in self._told:
            self._told.add(about or sentence)
            warnings.warn(sentence, stacklevel=3)


def _metrics(asked: Sequence[str | Metric], settings: Settings) -> list[Metric]:
    """Metrics by their names; those that are made already as they are."""
    return [one if isinstance(one, Metric) else made([one], settings)[0] for one in asked]


def _answers(model: Any, tokenizer: Any, prompts: Sequence[Prompt], generation: Mapping[str, object]) -> list[str]:
    """What the model says to each prompt."""
    texts = [
        one if isinstance(one, str) else tokenizer.apply_chat_template(one, tokenize=False, add_generation_prompt=True)
        for one in prompts
    ]
    has_template = any(not isinstance(one, str) for one in prompts)
    side, tokenizer.padding_side = tokenizer.padding_side, "left"
    pad = tokenizer.pad_token
    if pad is None:
        tokenizer.pad_token = tokenizer.eos_token
    try:
        # A template has set the special tokens already.
        rows = tokenizer(texts, return_tensors="pt", padding=True, add_special_tokens=not has_template)
        rows = rows.to(model.device)
        given = model.generate(
            input_ids=rows["input_ids"], attention_mask=rows["attention_mask"],
            **{"pad_token_id": tokenizer.pad_token_id, **generation},
        )  # fmt: skip
    finally:
        tokenizer.padding_side, tokenizer.pad_token = side, pad
    said: list[str] = tokenizer.batch_decode(given[:, rows["input_ids"].shape[1] :], skip_special_tokens=True)
    return said


@contextmanager
def _undisturbed(model: Any) -> Iterator[None]:
    """The model answers as it would after the training; then all is as it was."""
    was_training = model.training
    model.eval()
    devices = [model.device] if model.device.type == "cuda" else []
    try:
        with torch.no_grad(), torch.random.fork_rng(devices=devices):
            yield
    finally:
        model.train(was_training)


@contextmanager
def _progress(batches: int) -> Iterator[Callable[[int, float | None], None]]:
    """A bar, and below it how many prompts have been answered and what that is worth so far."""
    with (
        tqdm(total=batches, desc="Evaluating", unit="batch", leave=False, bar_format=BAR) as bar,
        tqdm(total=0, leave=False, position=abs(bar.pos) + 1, bar_format="{desc}") as below,
    ):

        def step(processed: int, reward: float | None) -> None:
            bar.update()
            below.set_description_str(facts_line({"processed": processed, "avg_reward": reward}))

        yield step


def _shown(prompt: Prompt) -> object:
    return prompt if isinstance(prompt, str) else [dict(message) for message in prompt]
