"""Our own recipes: what `barograph train --config` takes, and what a run of PPO records."""

from __future__ import annotations

from collections.abc import Mapping

from barograph.config.dialects.base import Dialect, Found
from barograph.core.methods import Method

__all__ = ["RECIPE"]

NAMES: Mapping[str, tuple[str, ...]] = {
    "model": ("model", "model_size"),
    "parameters": ("parameters",),
    "trainable_parameters": ("trainable_parameters",),
    "lora": ("lora",),
    "lora_rank": ("lora_rank",),
    "precision": ("precision",),
    "recompute": ("recompute",),
    "learning_rate": ("learning_rate",),
    "value_learning_rate": ("value_learning_rate",),
    "schedule": ("schedule",),
    "warmup_share": ("warmup",),
    "max_grad_norm": ("max_grad_norm",),
    "epochs": ("epochs",),
    "max_steps": ("max_steps",),
    "per_device_batch": ("batch_size",),
    "accumulation": ("accumulate",),
    "devices": ("world_size",),
    "train_examples": ("train_examples",),
    "eval_examples": ("eval_examples",),
    "max_length": ("max_length",),
    "answer_limit": ("answer_length", "response_length"),
    "beta": ("beta",),
    "loss_type": ("loss_type",),
    "label_smoothing": ("label_smoothing",),
    "desirable_weight": ("desirable_weight",),
    "undesirable_weight": ("undesirable_weight",),
    "temperature": ("temperature",),
    "top_k": ("top_k",),
    "top_p": ("top_p",),
    "group_size": ("generations",),
    "num_iterations": ("ppo_epochs",),
    "minibatches": ("minibatches",),
    "clip_low": ("clip",),
    "value_weight": ("value_weight",),
    "missing_eos_penalty": ("missing_eos_penalty",),
    "eval_steps": ("eval_steps",),
    "save_steps": ("save_steps",),
    "keep_checkpoints": ("keep_checkpoints",),
    "logging_steps": ("logging_steps",),
    "guard": ("guard",),
    "context": ("context",),
}
#: Options that one recipe alone has.
SIGNS: Mapping[str, Method] = {
    "desirable_weight": Method.KTO,
    "undesirable_weight": Method.KTO,
    "sft_weight": Method.DPO,
    "ppo_epochs": Method.PPO,
    "minibatches": Method.PPO,
    "value_learning_rate": Method.PPO,
    "response_length": Method.PPO,
    "generations": Method.GRPO,
    "answer_length": Method.GRPO,
}


def _method(found: Found) -> Method | None:
    return next((method for name, method in SIGNS.items() if name in found), None)


def _made(found: Found) -> Mapping[str, object]:
    """A recipe evaluates and saves by steps, and holds no checkpoint of which it says 0."""
    made: dict[str, object] = {"eval_strategy": "steps", "save_strategy": "steps"}
    if found.get("quantize") in {"4bit", "8bit"}:
        made["quantized"] = found["quantize"]
    if found.get("save_steps") in {0, "0"}:
        made["save_strategy"] = "no"
    if "ppo_epochs" in found:
        # A step answers so many prompts, and PPO of ours evaluates nothing in between.
        made |= {"batch_of_prompts": True, "eval_strategy": None}
    if "ppo_epochs" not in found and "generations" not in found:
        made["asks_before"] = found.get("keep_reference") is not True
    if "desirable_weight" not in found and "undesirable_weight" not in found:
        made["weights_are_found"] = True
    return made


RECIPE = Dialect(
    "a recipe of barograph",
    frozenset({"accumulate", "warmup", "schedule", "eval_share", "keep_checkpoints", "drop_long", "model_size",
               "recompute", "sft_weight", "generations", "answer_length", "keep_reference"}),
    NAMES, _method, _made,
)  # fmt: skip
