"""What configurations call the settings that we ask for, and how their values are read."""

from __future__ import annotations

import math
from collections.abc import Mapping

__all__ = ["CHECKPOINTS", "SPELLINGS", "as_number", "numbers_of"]

#: Our name of a setting, and what it is called, most often first.
SPELLINGS = {
    "learning_rate": ("learning_rate", "lr", "actor_learning_rate", "actor_lr", "policy_learning_rate"),
    "value_learning_rate": ("value_learning_rate", "critic_learning_rate", "critic_lr", "vf_lr"),
    "per_device_batch": ("per_device_train_batch_size", "train_batch_size", "micro_batch_size"),
    "accumulation": ("gradient_accumulation_steps", "accumulate"),
    "beta": ("beta", "pref_beta", "kto_beta", "dpo_beta"),
    "num_iterations": ("num_iterations", "ppo_epochs", "num_ppo_epochs", "mu"),
    # Not n_samples_per_prompt and the like: one answer is right where the baseline comes from elsewhere.
    "group_size": ("num_generations", "group_size"),
    "max_grad_norm": ("max_grad_norm", "gradient_clipping", "clip_grad"),
    "epochs": ("num_train_epochs", "num_epochs", "epochs"),
    "answer_limit": ("max_completion_length", "response_length", "max_response_length", "max_new_tokens"),
    "lora_rank": ("lora_r", "lora_rank"),
    "entropy_bonus": ("entropy_coef", "entropy_coeff", "ent_coef", "entropy_loss_coef"),
    "clip_low": ("epsilon", "cliprange", "clip_range", "clip_eps"),
    "clip_high": ("epsilon_high", "clip_ratio_high", "eps_clip_high"),
}
#: What we add to a configuration: the steps of the checkpoints that lie beside the log.
CHECKPOINTS = "checkpoints"


def as_number(value: object) -> float | None:
    """A finite number, also one that a file holds as text; a switch is none.

    >>> as_number("5e-7"), as_number(True), as_number("auto"), as_number(float("inf"))
    (5e-07, None, None, None)
    """
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def numbers_of(config: Mapping[str, object]) -> dict[str, float]:
    """The numbers of a configuration, also by our names.

    >>> numbers_of({"num_ppo_epochs": 4})
    {'num_ppo_epochs': 4.0, 'num_iterations': 4.0}
    """
    numbers = {name: number for name, value in config.items() if (number := as_number(value)) is not None}
    for ours, theirs in SPELLINGS.items():
        spelt = next((numbers[name] for name in theirs if name in numbers), None)
        if spelt is not None:
            numbers.setdefault(ours, spelt)
    return numbers
