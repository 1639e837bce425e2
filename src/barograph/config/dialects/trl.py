"""transformers and TRL: arguments of a trainer as a mapping, a command's flags, and what our own callback records."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from barograph.config.dialects.base import Dialect, Found, named_method
from barograph.core.methods import Method
from barograph.core.settings import SPELLINGS

__all__ = ["TRL"]

#: What TRL and transformers, in their versions of today and of some years, and what peft call their settings.
KNOWN = Path(__file__).with_name("trl_names.txt")

#: Names that speak for a method, the telling ones first.
SIGNS: tuple[tuple[Method, frozenset[str]], ...] = (
    (Method.KTO, frozenset({"desirable_weight", "undesirable_weight"})),
    (Method.BCO, frozenset({"min_density_ratio", "max_density_ratio", "prompt_sample_size"})),
    (Method.CPO, frozenset({"cpo_alpha", "simpo_gamma"})),
    (Method.PRM, frozenset({"step_separator", "train_on_last_step_only"})),
    (Method.PPO, frozenset({"num_ppo_epochs", "vf_coef", "cliprange_value", "whiten_rewards", "value_model"})),
    (Method.RLOO, frozenset({"rloo_k", "normalize_advantages"})),
    (Method.GRPO, frozenset({"num_generations", "scale_rewards", "mask_truncated_completions", "epsilon_high"})),
    (Method.REWARD, frozenset({"center_rewards_coefficient"})),
    (Method.DPO, frozenset({"discopop_tau", "f_divergence_type", "precompute_ref_log_probs", "rpo_alpha", "ld_alpha"})),
    (Method.SFT, frozenset({"packing", "assistant_only_loss", "completion_only_loss", "dataset_text_field"})),
    (Method.DPO, frozenset({"beta"})),
)
#: Losses that a method alone has.
LOSSES = {"kto": Method.KTO, "apo_zero_unpaired": Method.KTO, "simpo": Method.CPO, "dapo": Method.GRPO,
          "grpo": Method.GRPO, "dr_grpo": Method.GRPO, "bnpo": Method.GRPO}  # fmt: skip

NAMES: Mapping[str, tuple[str, ...]] = {
    "model": ("model_name_or_path", "model_id", "base_model", "model_name", "model"),
    "parameters": ("parameters",),
    "trainable_parameters": ("trainable_parameters",),
    "lora": ("use_peft", "lora", "use_lora"),
    "lora_rank": SPELLINGS["lora_rank"],
    "lora_alpha": ("lora_alpha",),
    "weights_dtype": ("dtype", "torch_dtype", "model_init_kwargs.dtype", "model_init_kwargs.torch_dtype"),
    "bf16": ("bf16",),
    "fp16": ("fp16",),
    "recompute": ("gradient_checkpointing", "activation_checkpointing"),
    "learning_rate": SPELLINGS["learning_rate"],
    "value_learning_rate": SPELLINGS["value_learning_rate"],
    "schedule": ("lr_scheduler_type",),
    "warmup_steps": ("warmup_steps",),
    "warmup_share": ("warmup_ratio",),
    "weight_decay": ("weight_decay",),
    "max_grad_norm": SPELLINGS["max_grad_norm"],
    "epochs": SPELLINGS["epochs"],
    "max_steps": ("max_steps",),
    "per_device_batch": SPELLINGS["per_device_batch"],
    "accumulation": SPELLINGS["accumulation"],
    "devices": ("world_size", "num_processes"),
    "eval_batch": ("per_device_eval_batch_size",),
    "train_examples": ("train_examples",),
    "eval_examples": ("eval_examples",),
    "max_length": ("max_length", "max_seq_length"),
    "prompt_limit": ("max_prompt_length",),
    "answer_limit": SPELLINGS["answer_limit"],
    "beta": (*SPELLINGS["beta"], "kl_coef", "init_kl_coef"),
    "loss_type": ("loss_type",),
    "label_smoothing": ("label_smoothing",),
    "desirable_weight": ("desirable_weight",),
    "undesirable_weight": ("undesirable_weight",),
    "cpo_alpha": ("cpo_alpha",),
    "reference": ("ref_model_name_or_path", "ref_model", "reference_model", "sft_model_path"),
    "reference_differs": ("reference_differs",),
    "asks_before": ("precompute_ref_log_probs",),
    "sync_reference": ("sync_ref_model",),
    "disable_dropout": ("disable_dropout",),
    "temperature": ("temperature",),
    "top_k": ("top_k", "generation_kwargs.top_k"),
    "top_p": ("top_p", "generation_kwargs.top_p"),
    "min_p": ("min_p", "generation_kwargs.min_p"),
    "min_length": ("min_new_tokens", "min_length", "generation_kwargs.min_new_tokens", "generation_kwargs.min_length",
                   "generation_kwargs.min_tokens"),
    "repetition_penalty": ("repetition_penalty", "generation_kwargs.repetition_penalty"),
    "ignore_eos": ("ignore_eos", "generation_kwargs.ignore_eos"),
    "padding_side": ("padding_side",),
    "group_size": (*SPELLINGS["group_size"], "rloo_k"),
    "generation_batch": ("generation_batch_size",),
    "steps_per_generation": ("steps_per_generation",),
    "num_iterations": SPELLINGS["num_iterations"],
    "minibatches": ("num_mini_batches",),
    "clip_low": SPELLINGS["clip_low"],
    "value_weight": ("vf_coef",),
    "entropy_bonus": SPELLINGS["entropy_bonus"],
    "missing_eos_penalty": ("missing_eos_penalty",),
    "eval_strategy": ("eval_strategy", "evaluation_strategy"),
    "eval_steps": ("eval_steps",),
    "save_strategy": ("save_strategy",),
    "save_steps": ("save_steps",),
    "keep_checkpoints": ("save_total_limit",),
    "load_best": ("load_best_model_at_end",),
    "logging_steps": ("logging_steps",),
    "guard": ("guard",),
    "context": ("context",),
}  # fmt: skip


def _method(found: Found) -> Method | None:
    trainer = found.get("trainer")
    if isinstance(trainer, str):
        word = trainer.removesuffix("Trainer").removesuffix("v2")
        if (named := named_method(word)) is not None:
            return named
    for loss in _words(found.get("loss_type")):
        if loss in LOSSES:
            return LOSSES[loss]
    return next((method for method, names in SIGNS if not names.isdisjoint(found)), None)


def _made(found: Found) -> Mapping[str, object]:
    """Bits of frozen weights are said by a switch for each."""
    made: dict[str, object] = {}
    for bits in ("4bit", "8bit"):
        if found.get(f"load_in_{bits}") in {True, "true", "True"}:
            made["quantized"] = bits
    return made


def _words(value: object) -> list[str]:
    return [str(one) for one in (value if isinstance(value, list | tuple) else [value]) if one is not None]


@cache
def _known() -> frozenset[str]:
    lines = KNOWN.read_text("utf-8").splitlines()
    return frozenset(line for line in lines if line and not line.startswith("#"))


#: It has no names of its own: what is in no other dialect is read as this one.
TRL = Dialect("transformers and TRL", frozenset(), NAMES, _method, _made, _known)
