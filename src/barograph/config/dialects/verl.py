"""verl: groups of settings within groups, as its YAML has them or as `name.of.setting=value` on its command line."""

from __future__ import annotations

from collections.abc import Mapping

from barograph.config.dialects.base import Dialect, Found, named_method
from barograph.core.methods import Method
from barograph.core.settings import as_number

__all__ = ["VERL"]

_ACTOR, _ROLLOUT, _MODEL = "actor_rollout_ref.actor", "actor_rollout_ref.rollout", "actor_rollout_ref.model"

NAMES: Mapping[str, tuple[str, ...]] = {
    "model": (f"{_MODEL}.path",),
    "lora_rank": (f"{_MODEL}.lora_rank",),
    "lora_alpha": (f"{_MODEL}.lora_alpha",),
    "recompute": (f"{_MODEL}.enable_gradient_checkpointing",),
    "learning_rate": (f"{_ACTOR}.optim.lr",),
    "value_learning_rate": ("critic.optim.lr",),
    "schedule": (f"{_ACTOR}.optim.lr_scheduler_type", f"{_ACTOR}.optim.warmup_style"),
    "warmup_steps": (f"{_ACTOR}.optim.lr_warmup_steps",),
    "warmup_share": (f"{_ACTOR}.optim.lr_warmup_steps_ratio",),
    "weight_decay": (f"{_ACTOR}.optim.weight_decay",),
    "max_grad_norm": (f"{_ACTOR}.grad_clip", f"{_ACTOR}.optim.clip_grad"),
    "epochs": ("trainer.total_epochs",),
    "max_steps": ("trainer.total_training_steps",),
    "global_batch": ("data.train_batch_size",),
    "per_device_batch": (f"{_ACTOR}.ppo_micro_batch_size_per_gpu",),
    "prompt_limit": ("data.max_prompt_length",),
    "answer_limit": ("data.max_response_length",),
    "beta": (f"{_ACTOR}.kl_loss_coef", "algorithm.kl_ctrl.kl_coef"),
    "temperature": (f"{_ROLLOUT}.temperature",),
    "top_k": (f"{_ROLLOUT}.top_k",),
    "top_p": (f"{_ROLLOUT}.top_p",),
    "ignore_eos": (f"{_ROLLOUT}.ignore_eos",),
    "group_size": (f"{_ROLLOUT}.n",),
    "num_iterations": (f"{_ACTOR}.ppo_epochs",),
    "clip_low": (f"{_ACTOR}.clip_ratio_low", f"{_ACTOR}.clip_ratio"),
    "entropy_bonus": (f"{_ACTOR}.entropy_coeff",),
    "eval_steps": ("trainer.test_freq",),
    "save_steps": ("trainer.save_freq",),
    "keep_checkpoints": ("trainer.max_actor_ckpt_to_keep",),
    "train_examples": ("train_examples",),
}


def _method(found: Found) -> Method | None:
    return named_method(found.get("algorithm.adv_estimator")) or Method.PPO


def _made(found: Found) -> Mapping[str, object]:
    """The KL counts in the loss, or in the reward, or not at all; below zero steps between two things mean never."""
    made: dict[str, object] = {"batch_of_prompts": True}
    if f"{_MODEL}.lora_rank" not in found:
        made["lora"] = False
    nodes, each = as_number(found.get("trainer.nnodes")), as_number(found.get("trainer.n_gpus_per_node"))
    if nodes and each:
        made["devices"] = nodes * each
    in_loss, in_reward = (found.get(name) for name in (f"{_ACTOR}.use_kl_loss", "algorithm.use_kl_in_reward"))
    if in_loss is True:
        made["beta"] = found.get(f"{_ACTOR}.kl_loss_coef", 0.001)
    elif in_reward is True:
        made["beta"] = found.get("algorithm.kl_ctrl.kl_coef", 0.001)
    elif in_loss is False or in_reward is False:
        made["beta"] = 0.0
    for kind, name in (("eval", "trainer.test_freq"), ("save", "trainer.save_freq")):
        every = as_number(found.get(name))
        if every is not None:
            made[f"{kind}_strategy"] = "steps" if every > 0 else "no"
    if (as_number(found.get(f"{_ROLLOUT}.top_k")) or 0) < 0:
        made["top_k"] = 0
    if (as_number(found.get(f"{_ACTOR}.optim.lr_warmup_steps")) or 0) < 0:
        made["warmup_steps"] = None
    batch, updates = (
        as_number(found.get("data.train_batch_size")),
        as_number(found.get(f"{_ACTOR}.ppo_mini_batch_size")),
    )
    if batch and updates:
        made["mini_batch"] = updates
    return made


VERL = Dialect(
    "verl",
    frozenset({"algorithm.adv_estimator", f"{_MODEL}.path", f"{_ACTOR}.optim.lr", f"{_ROLLOUT}.n", f"{_ROLLOUT}.name",
               "data.train_batch_size", f"{_ACTOR}.ppo_mini_batch_size"}),
    NAMES, _method, _made,
)  # fmt: skip
