"""OpenRLHF: flags of its commands, as in a script or written down as a mapping."""

from __future__ import annotations

from collections.abc import Mapping

from barograph.config.dialects.base import Dialect, Found, named_method
from barograph.core.methods import Method
from barograph.core.settings import as_number

__all__ = ["OPENRLHF"]

NAMES: Mapping[str, tuple[str, ...]] = {
    "model": ("pretrain",),
    "reference": ("ref_pretrain",),
    "lora_rank": ("lora_rank",),
    "lora_alpha": ("lora_alpha",),
    "bf16": ("bf16",),
    "recompute": ("gradient_checkpointing",),
    "learning_rate": ("actor_learning_rate", "learning_rate"),
    "value_learning_rate": ("critic_learning_rate",),
    "schedule": ("lr_scheduler",),
    "warmup_share": ("lr_warmup_ratio",),
    "weight_decay": ("l2",),
    "max_grad_norm": ("max_norm",),
    "global_batch": ("train_batch_size",),
    "per_device_batch": ("micro_train_batch_size",),
    "max_length": ("max_len",),
    "prompt_limit": ("prompt_max_len",),
    "answer_limit": ("generate_max_len", "max_new_tokens"),
    "beta": ("init_kl_coef", "beta"),
    "label_smoothing": ("label_smoothing",),
    "desirable_weight": ("desirable_loss_weight",),
    "undesirable_weight": ("undesirable_loss_weight",),
    "temperature": ("temperature",),
    "top_p": ("top_p",),
    "group_size": ("n_samples_per_prompt",),
    "clip_low": ("eps_clip",),
    "entropy_bonus": ("entropy_loss_coef",),
    "eval_steps": ("eval_steps",),
    "save_steps": ("save_steps",),
    "keep_checkpoints": ("max_ckpt_num",),
    "logging_steps": ("logging_steps",),
    "train_examples": ("train_examples",),
}


def _is_online(found: Found) -> bool:
    return any(name in found for name in ("rollout_batch_size", "micro_rollout_batch_size", "actor_learning_rate"))


def _method(found: Found) -> Method | None:
    if _is_online(found):
        return named_method(found.get("advantage_estimator")) or Method.PPO
    if found.get("unpaired_preference") or "desirable_loss_weight" in found:
        return Method.KTO
    if "ref_pretrain" in found or "beta" in found or "ref_offload" in found:
        return Method.DPO
    return Method.REWARD if "chosen_key" in found or found.get("save_value_head_prefix") else None


def _made(found: Found) -> Mapping[str, object]:
    """Passes over the data are episodes where answers are generated; steps of -1 mean never."""
    made: dict[str, object] = {} if "lora_rank" in found else {"lora": False}
    if _is_online(found):
        made |= {"epochs": found.get("num_episodes", 1), "num_iterations": found.get("max_epochs", 1)}
    elif "max_epochs" in found:
        made["epochs"] = found["max_epochs"]
    for kind in ("eval", "save"):
        every = as_number(found.get(f"{kind}_steps"))
        if every is not None:
            made[f"{kind}_strategy"] = "steps" if every > 0 else "no"
    nodes, each = (as_number(found.get(f"actor_num_{name}")) for name in ("nodes", "gpus_per_node"))
    if nodes and each:
        made["devices"] = nodes * each
    if found.get("load_in_4bit"):
        made["quantized"] = "4bit"
    return made


OPENRLHF = Dialect(
    "OpenRLHF",
    frozenset({"pretrain", "ref_pretrain", "micro_train_batch_size", "rollout_batch_size", "actor_num_nodes",
               "prompt_max_len", "generate_max_len", "advantage_estimator"}),
    NAMES, _method, _made,
)  # fmt: skip
