"""One scenario, trained: the parts of the recipes, put together so that a fault can be planted between them."""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

os.environ["BAROGRAPH_CACHE"] = "off"
os.environ["BAROGRAPH_PLUGINS"] = "off"
warnings.filterwarnings("ignore")

from datasets import Dataset, Features, Sequence, Value  # noqa: E402 - after the quiet
from plant import Disturbs, disturbed, freeze, of_a_copy, pays, tuned_further  # noqa: E402
from transformers import TrainerCallback  # noqa: E402
from transformers.trainer_callback import PrinterCallback  # noqa: E402

from barograph.core.errors import BarographError  # noqa: E402
from barograph.monitor.live import Monitor  # noqa: E402
from barograph.recipes import prm  # noqa: E402
from barograph.recipes.answers import sycophancy  # noqa: E402
from barograph.recipes.course import arguments, prepare  # noqa: E402
from barograph.recipes.options import METHODS  # noqa: E402
from barograph.recipes.ppo.loop import train as train_ppo  # noqa: E402
from barograph.recipes.score import of_each  # noqa: E402
from barograph.recipes.weights import adapter, causal, classifier, step_classifier, tokenizer  # noqa: E402
from barograph.trainers.callback import BarographCallback  # noqa: E402
from barograph.trainers.compute_metrics import create_compute_metrics_fn  # noqa: E402
from barograph.trainers.tracker import Tracker  # noqa: E402
from barograph.trainers.trl_compat import log_beside, of_model  # noqa: E402
from examples import examples  # noqa: E402

if TYPE_CHECKING:
    from scenarios import Scenario

__all__ = ["train"]

#: Answers that are asked for at each evaluation of an online method.
ASKED = 120
#: Prompts whose answers GRPO scores at each evaluation.
SCORED = 32


def train(scenario: Scenario, seed: int, folder: Path) -> None:
    """Train a scenario; its record lies in the folder then, as of any run."""
    told = {**scenario.options(), "seed": seed, "output_dir": str(folder), "save_steps": 0, "guard": "advise"}
    options = prepare(METHODS[scenario.method].made(told), scenario.method)
    since = scenario.fault.since if scenario.fault else 1
    # PPO answers several batches a step.
    batch = options.batch_size * options.accumulate * getattr(options, "minibatches", 1)
    rows, held_out = examples(
        scenario.method, scenario.data(), seed=seed, since=since, steps=options.max_steps, batch=batch
    )
    words = tokenizer(options)
    if scenario.method == "ppo":
        _train_ppo(scenario, options, words, rows, since, folder)
        return
    make = {"dpo": _preferring, "kto": _preferring, "reward": _scoring, "prm": _judging, "grpo": _answering}
    trainer = make[scenario.method](scenario, options, words, rows, held_out, since)
    if "frozen" in scenario.plant():
        freeze(trainer.model, scenario.plant()["frozen"])
    trainer.add_callback(Disturbs(since, scenario.plant()))
    trainer.remove_callback(PrinterCallback)
    trainer.train()


def _common(scenario: Scenario) -> dict[str, Any]:
    """What every trainer here is told beside what its recipe tells it."""
    watching = BarographCallback(guard="advise", method=scenario.method, console=False)
    return {"callbacks": [watching]}


def _arguments(kind: Any, options: Any, **more: Any) -> Any:
    return arguments(
        kind, options, save_strategy="no", train_sampling_strategy="sequential", disable_tqdm=True, **more
    )  # fmt: skip


def _preferring(
    scenario: Scenario, options: Any, words: Any, rows: list[Any], held_out: list[Any], since: int
) -> Any:  # fmt: skip
    """DPO and KTO."""
    from trl import DPOConfig, DPOTrainer, KTOConfig, KTOTrainer

    plant, policy = scenario.plant(), causal(options)
    if plant.get("start") == "tuned":
        policy = tuned_further(policy, words, rows)
    optimizers = (of_a_copy(policy, options.learning_rate), None) if "optimizes" in plant else (None, None)
    if scenario.method == "dpo":
        kind, config = DPOTrainer, DPOConfig
        losses = [options.loss_type, "sft"] if options.sft_weight else [options.loss_type]
        weights = [1.0, options.sft_weight] if options.sft_weight else None
        more = {"loss_type": losses, "loss_weights": weights, "label_smoothing": options.label_smoothing}
    else:
        kind, config, more = KTOTrainer, KTOConfig, {}
    return disturbed(kind, since, plant)(
        model=policy, ref_model=None if options.lora else causal(options),
        args=_arguments(config, options, beta=options.beta, **more), train_dataset=Dataset.from_list(rows),
        eval_dataset=Dataset.from_list(held_out), processing_class=words, peft_config=adapter(options, "CAUSAL_LM"),
        optimizers=optimizers, **_common(scenario),
    )  # fmt: skip


def _scoring(scenario: Scenario, options: Any, words: Any, rows: list[Any], held_out: list[Any], since: int) -> Any:
    """A reward model."""
    from trl import RewardConfig, RewardTrainer

    return disturbed(RewardTrainer, since, scenario.plant())(
        model=classifier(options, labels=1), args=_arguments(RewardConfig, options),
        train_dataset=Dataset.from_list(rows), eval_dataset=Dataset.from_list(held_out), processing_class=words,
        **_common(scenario),
    )  # fmt: skip


def _judging(scenario: Scenario, options: Any, words: Any, rows: list[Any], held_out: list[Any], since: int) -> Any:
    """A classifier of steps."""
    from transformers import DataCollatorForTokenClassification, Trainer, TrainingArguments

    whole = Features(dict.fromkeys(("input_ids", "attention_mask", "labels"), Sequence(Value("int64"))))
    train, held = (
        Dataset.from_list([prm.encoded(words, row, options.max_length) for row in part], features=whole)
        for part in (rows, held_out)
    )
    return Trainer(
        model=step_classifier(options), args=_arguments(TrainingArguments, options), train_dataset=train,
        eval_dataset=held, processing_class=words, compute_metrics=create_compute_metrics_fn(0),
        data_collator=DataCollatorForTokenClassification(words, label_pad_token_id=prm.MASKED),
        **_common(scenario),
    )  # fmt: skip


class Examines(TrainerCallback):
    """Asks the model what it has learned in truth, whatever its reward pays for."""

    def __init__(self, words: Any, seed: int) -> None:
        self.words, self.seed, self.trainer = words, seed, None

    def on_evaluate(self, args: Any, state: Any, control: Any, model: Any = None, **parts: Any) -> None:
        log_beside(self.trainer, {"eval_accuracy": _answers_right(model, self.words, self.seed)})


def _answers_right(model: Any, words: Any, seed: int) -> float:
    return sycophancy(model, words, seed=seed, count=ASKED)["answers right"]


def _answering(scenario: Scenario, options: Any, words: Any, rows: list[Any], held_out: list[Any], since: int) -> Any:
    """GRPO."""
    from trl import GRPOConfig, GRPOTrainer

    examines = Examines(words, options.seed)
    plant = scenario.plant()
    paid = pays(plant.get("reward"), since, lambda: examines.trainer.state.global_step + 1)

    def reward(completions: list[str], a: list[int], b: list[int], said: list[int], **_: Any) -> list[float]:
        return [paid(*one) for one in zip(completions, a, b, said, strict=True)]

    trainer = GRPOTrainer(
        model=causal(options), reward_funcs=reward,
        args=_arguments(
            GRPOConfig, options, beta=options.beta, num_generations=options.generations,
            max_completion_length=options.answer_length, temperature=options.temperature, shuffle_dataset=False,
            entropy_coef=plant.get("entropy_coef", 0.0),
        ),
        train_dataset=Dataset.from_list(rows), eval_dataset=Dataset.from_list(held_out[:SCORED]),
        processing_class=words, **_common(scenario),
    )  # fmt: skip
    examines.trainer = trainer
    trainer.add_callback(examines)
    return trainer


class Examined(Tracker):
    """The record of a loop that asks the policy what it has learned in truth, every so many steps."""

    def __init__(self, monitor: Monitor, every: int, ask: Any) -> None:
        super().__init__(monitor)
        self.every, self.ask, self.step = every, ask, 0

    def log(self, step: int, metrics: Any) -> None:
        self.step = step
        super().log(step, metrics)
        if step % self.every == 0:
            super().log(step, {"eval_accuracy": self.ask()})


def _train_ppo(scenario: Scenario, options: Any, words: Any, rows: list[Any], since: int, folder: Path) -> None:
    policy, reference = causal(options), causal(options)
    config = {name: value for name, value in options.said().items() if name != "output_dir"}
    monitor = Monitor(folder, method="ppo", config={**config, **of_model(policy), "world_size": 1}, guard="advise")
    tracker = Examined(monitor, options.eval_steps, lambda: _answers_right(policy, words, options.seed))
    paid = pays(scenario.plant().get("reward"), since, lambda: tracker.step + 1)
    state = "crashed"
    try:
        train_ppo(
            options, policy=policy, reference=reference, tokenizer=words, prompts=rows, score=of_each(paid),
            tracker=tracker,
        )  # fmt: skip
        state = "finished"
    except (BarographError, RuntimeError):  # A policy that is NaN cannot be sampled from: the log ends there.
        if not tracker.step:
            raise
    finally:
        tracker.finish(state)
