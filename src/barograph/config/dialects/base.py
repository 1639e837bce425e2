"""What a dialect is: the names that a framework has for settings, and what is known of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from barograph.core.methods import Method

__all__ = ["MEANINGS", "Dialect", "Found", "named_method", "nothing"]

#: The settings of a file: their names as they stand there, those in tables with the table's name in front (`a.b`).
Found: TypeAlias = Mapping[str, object]

#: Every setting that a check asks for, under our name.
MEANINGS: Mapping[str, str] = {
    "model": "the model that is trained",
    "parameters": "its weights",
    "trainable_parameters": "those of them that are trained",
    "lora": "whether an adapter is trained, or how the model is trained",
    "lora_rank": "the rank of the adapter",
    "lora_alpha": "what the adapter's output is multiplied by, together with its rank",
    "quantized": "in how many bits the weights are held that are not trained",
    "weights_dtype": "in what precision the weights are loaded",
    "precision": "in what precision is computed",
    "bf16": "whether bf16 is computed in",
    "fp16": "whether fp16 is computed in",
    "recompute": "whether activations are computed again instead of kept",
    "learning_rate": "the highest learning rate",
    "value_learning_rate": "that of the critic",
    "schedule": "how the rate goes on after the warm-up",
    "warmup_steps": "steps in which the rate rises",
    "warmup_share": "the share of the run in which the rate rises",
    "weight_decay": "how much weights shrink",
    "max_grad_norm": "the length that gradients are cut to",
    "epochs": "passes over the data",
    "max_steps": "steps of the run, where they are said",
    "per_device_batch": "examples on each device in one go",
    "accumulation": "batches that make up an update",
    "devices": "devices that train together",
    "global_batch": "examples in an update, over all devices",
    "mini_batch": "prompts in an update, where a step makes several",
    "batch_of_prompts": "whether batches are counted in prompts, where others count answers",
    "eval_batch": "examples on each device in an evaluation",
    "train_examples": "examples to train on",
    "eval_examples": "examples that are held out",
    "max_length": "tokens of a prompt with its answer",
    "prompt_limit": "tokens of a prompt",
    "answer_limit": "tokens of an answer",
    "beta": "the weight of the distance to the reference",
    "loss_type": "the loss",
    "label_smoothing": "the share of labels that is taken to be wrong",
    "desirable_weight": "what a good answer weighs",
    "undesirable_weight": "what a bad answer weighs",
    "weights_are_found": "whether the trainer finds these weights itself, where they are not said",
    "cpo_alpha": "the weight of the likelihood in CPO",
    "reference": "the model that is measured against",
    "reference_differs": "whether its weights are others than those that training starts from",
    "asks_before": "whether the reference is asked once, before the training, and not held",
    "sync_reference": "whether the reference follows the policy",
    "disable_dropout": "whether dropout is off",
    "temperature": "how boldly answers are drawn",
    "top_k": "tokens that are drawn from",
    "top_p": "the share of probability that is drawn from",
    "min_p": "how likely a token must be against the likeliest one",
    "min_length": "tokens of an answer at least",
    "repetition_penalty": "what tokens lose that were said before",
    "ignore_eos": "whether answers go on behind their end",
    "padding_side": "on which side prompts are padded",
    "group_size": "answers to each prompt",
    "generation_batch": "answers that are generated in one go, over all devices",
    "steps_per_generation": "batches that are trained on before answers are drawn anew",
    "num_iterations": "passes over the answers of a step",
    "minibatches": "updates in each of these passes",
    "clip_low": "how far the ratio of new to old probability may count",
    "value_weight": "the weight of the value loss",
    "entropy_bonus": "the weight of the entropy",
    "missing_eos_penalty": "what an answer loses that does not end by itself",
    "eval_strategy": "when is evaluated",
    "eval_steps": "steps between two evaluations",
    "save_strategy": "when checkpoints are written",
    "save_steps": "steps between two checkpoints",
    "keep_checkpoints": "how many of the newest checkpoints are kept",
    "load_best": "whether the best checkpoint is loaded in the end",
    "logging_steps": "steps between two rows of the log",
    "guard": "what is done about a sick run",
    "good": "examples that are labelled good",
    "bad": "examples that are labelled bad",
    "longest": "tokens of the longest example",
    "tokens_are_counted": "whether tokens were counted by a tokenizer, not estimated from bytes",
    "most_fit": "tokens that all but two in a hundred examples fit into",
    "cut": "the share of examples that are cut off",
    "memory_needed": "bytes that the training takes on each device",
    "memory_there": "bytes that there are on each device",
    "context": "tokens that the model takes at most",
}


def nothing(found: Found) -> Mapping[str, object]:
    """Where no setting is made of several."""
    return {}


@dataclass(frozen=True)
class Dialect:
    """The names of one framework."""

    name: str
    #: Names that it alone has: a file that holds one of them is taken for its own.
    marks: frozenset[str]
    #: Its names for ours, the usual one first.
    names: Mapping[str, tuple[str, ...]]
    #: What its settings say the method is.
    method: Callable[[Found], Method | None]
    #: Our settings that are made of several of its own.
    made: Callable[[Found], Mapping[str, object]] = field(default=nothing)
    #: Every name that it knows, if that is known; one that resembles it and is not among them is a slip.
    known: Callable[[], frozenset[str]] | None = None


#: What methods are called in settings that name one.
_NAMED = {
    "dpo": Method.DPO, "ipo": Method.DPO, "kto": Method.KTO, "bco": Method.BCO, "orpo": Method.ORPO, "cpo": Method.CPO,
    "simpo": Method.CPO, "rm": Method.REWARD, "reward": Method.REWARD, "prm": Method.PRM, "ppo": Method.PPO,
    "gae": Method.PPO, "grpo": Method.GRPO, "group_norm": Method.GRPO, "dr_grpo": Method.GRPO, "rloo": Method.RLOO,
    "reinforce_plus_plus": Method.RLOO, "reinforce": Method.RLOO, "reinforce_baseline": Method.RLOO,
    "remax": Method.RLOO, "sft": Method.SFT, "online_dpo": Method.ONLINE_DPO, "classifier": Method.CLASSIFIER,
}  # fmt: skip


def named_method(word: object) -> Method | None:
    """The method of a name.

    >>> named_method("GRPO"), named_method("online-dpo"), named_method(3)
    (<Method.GRPO: 'grpo'>, <Method.ONLINE_DPO: 'online-dpo'>, None)
    """
    return _NAMED.get(word.strip().lower().replace("-", "_")) if isinstance(word, str) else None
