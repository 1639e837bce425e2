"""Which method wrote a log: recognised by its keys, or at worst guessed from its name.

The tests stand in order, the telling keys first. They see keys in one spelling and without the split in front, so
that `train/rewards/chosen`, `eval_rewards/chosen` and `Rewards / Chosen` are the same.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from barograph.core.methods import ALL, ONLINE, PAIRED, Method
from barograph.core.names import EVAL, plain_key

__all__ = ["recognise_method"]

_Answer: TypeAlias = tuple[Method, str]

#: Words in the names of files and folders, the telling ones first: any online run may have a `reward` in its name.
_WORDS: dict[str, Method] = {
    "kto": Method.KTO,
    "bco": Method.BCO,
    "orpo": Method.ORPO,
    "simpo": Method.CPO,
    "cpo": Method.CPO,
    "xpo": Method.ONLINE_DPO,
    "dpo": Method.DPO,
    "ipo": Method.DPO,
    "grpo": Method.GRPO,
    "gspo": Method.GRPO,
    "dapo": Method.GRPO,
    "rloo": Method.RLOO,
    "ppo": Method.PPO,
    "prm": Method.PRM,
    "classifier": Method.CLASSIFIER,
    "cls": Method.CLASSIFIER,
    "rm": Method.REWARD,
    "reward": Method.REWARD,
    "sft": Method.SFT,
}

#: Keys that only an online run of a framework writes.
_ONLINE_SIGNS: dict[str, tuple[str, ...]] = {
    "verl": ("critic/score/mean", "critic/rewards/mean", "actor/pg_loss"),
    "OpenRLHF": ("ppo_clip_ratio", "act_loss", "group_reward_std"),
    "SkyRL": ("policy/final_loss", "policy/policy_loss", "reward/avg_raw_reward"),
    "slime": ("rollout/raw_reward", "pg_loss"),
    "NeMo-RL": (
        "token_mult_prob_error",
        "probs_ratio",
        "baseline_reward/pct_mixed",
        "generation_kl_error",
        "mean_generation_length",
        "avg_trajectory_age",
    ),
    "prime-rl": (
        "mismatch_kl/all/mean",
        "mismatch_kl/mean",
        "mismatch_kl",
        "trainable_%",
        "max._off-policy_level",
        "effective_batch_size/all",
    ),
    "tinker-cookbook": ("optim/kl_sample_train_v1", "env/all/reward/total"),
    "AReaL": ("ppo_actor/task_reward/avg", "ppo_actor/update/actor_loss/avg", "ppo_actor/final_reward/avg"),
    "torchtune": ("approx_policy_kl",),
}
#: Keys that only a value model writes.
_CRITIC_SIGNS = (
    "critic/vf_loss",
    "critic_loss",
    "critic/critic_loss",
    "critic/loss",
    "critic-value_loss",
    "ppo_critic/critic_loss/avg",
    "ppo_critic/update/critic_loss/avg",
    "value_loss",
    "loss/value_avg",
)
_CLASSIFIER_SIGNS = ("f1", "precision", "recall", "specificity", "f1_score", "f1_macro")
#: The KL that GRPO logs cannot fall below zero, rounding apart. A signed estimate can.
_BELOW_ZERO = -1e-6
#: Rewards this far below zero before anything is learned are log-probabilities, not ratios to a reference.
_FAR_BELOW_ZERO = -0.2


@dataclass(frozen=True, slots=True)
class _Log:
    keys: frozenset[str]
    first: Mapping[str, float]
    #: The method that the name of the log speaks of, and the part of the path where it does.
    named: Method | None
    name: str

    def has(self, *keys: str) -> bool:
        return all(key in self.keys for key in keys)

    def any(self, *keys: str) -> bool:
        return any(key in self.keys for key in keys)

    def under(self, prefix: str) -> bool:
        return any(key.startswith(prefix) for key in self.keys)

    def guess(self, otherwise: Method, among: Collection[Method], why: str) -> _Answer:
        """Where the keys fit several methods, the one of them that the name speaks of, or else the usual one."""
        if self.named is None or self.named not in among or self.named is otherwise:
            return otherwise, why
        return self.named, f"{why}; of the methods that fit, guessed from the name {self.name!r}"


#: Our own names, as an export writes them, and what a framework would have called them.
CANONICAL = {
    "kto_z0": "kl",
    "reward_chosen": "rewards/chosen",
    "reward_rejected": "rewards/rejected",
    "reward_margin": "rewards/margins",
    "reward_accuracy": "rewards/accuracies",
    "score_mean": "reward",
    "score_std": "reward_std",
    "zero_std_frac": "frac_reward_zero_std",
    "len_mean": "completions/mean_length",
    "kl_ref_sequence": "objective/kl",
    "value_loss": "loss/value_avg",
    "rm_margin": "margin",
    "rm_accuracy": "accuracy",
    "rm_mean": "mean_reward",
    "eval.cls_f1": "eval_f1",
    "eval.cls_accuracy": "eval_accuracy",
    "eval.cls_precision": "eval_precision",
}


def recognise_method(keys: Collection[str], first: Mapping[str, float], path: str = "") -> tuple[Method, str]:
    """The method behind a log's raw keys, and one sentence that says how it was recognised.

    `first` holds the first finite value of every raw key; `path` is where the log was found, for logs whose keys
    leave it open. An unknown method comes with an empty sentence.

    >>> recognise_method(["loss", "rewards/chosen", "rewards/rejected", "kl"], {})[0]
    <Method.KTO: 'kto'>
    >>> recognise_method(["loss"], {}, "runs/dpo-small/log.csv")
    (<Method.DPO: 'dpo'>, "guessed from the name 'dpo-small', since the keys leave it open")
    """
    named, name = _method_in_path(path)
    keys = [*keys, *(CANONICAL[key] for key in keys if key in CANONICAL)]
    first = {**first, **{CANONICAL[key]: value for key, value in first.items() if key in CANONICAL}}
    log = _Log(_spellings(keys), _first_values(first), named, name)
    for test in _TESTS:
        if answer := test(log):
            return answer
    if named is not None:
        return named, f"guessed from the name {name!r}, since the keys leave it open"
    return Method.UNKNOWN, ""


def _spellings(keys: Collection[str]) -> frozenset[str]:
    """Every key with and without its split: `val/ratio` is a name of its own, `val/loss` is a loss."""
    plain = [plain_key(key) for key in keys]
    return frozenset(whole for whole, _, _ in plain) | frozenset(bare for _, _, bare in plain)


def _first_values(first: Mapping[str, float]) -> dict[str, float]:
    """The first values by plain key. Training rows tell more of the beginning than evaluations."""
    values: dict[str, float] = {}
    for key, value in first.items():
        _, split, bare = plain_key(key)
        if math.isfinite(value) and (not split.startswith(EVAL) or bare not in values):
            values[bare] = value
    return values


def _method_in_path(path: str) -> tuple[Method | None, str]:
    """The method that a path speaks of, the file before its folders."""
    for part in reversed(re.split(r"[\\/]+", path)):
        words = set(re.split(r"[^a-z0-9]+", part.lower()))
        if {"online", "dpo"} <= words:
            return Method.ONLINE_DPO, part
        for word, method in _WORDS.items():
            if word in words:
                return method, part
    return None, ""


def _odds_ratio(log: _Log) -> _Answer | None:
    if log.any("log_odds_ratio", "odds_ratio_loss", "log_odds_chosen", "log_odds"):
        return Method.ORPO, "an odds-ratio term is logged"
    return None


def _trl_objective(log: _Log) -> _Answer | None:
    """TRL's trainers that generate: the newer ones with `objective/`, the oldest with `ppo/`."""
    if log.any("rewards/probabilities", "loss/xpo"):
        return Method.ONLINE_DPO, "the keys of TRL's NashMD or XPO"
    if log.any("objective/scores", "objective/kl") and log.has("val/contain_eos_token"):
        return Method.ONLINE_DPO, "the keys of TRL's OnlineDPO: objective/... with val/contain_eos_token"
    if log.under("objective/") and log.has("policy/clipfrac_avg"):
        if log.has("loss/value_avg"):
            return Method.PPO, "the keys of TRL's PPO: objective/..., with a value loss"
        return Method.RLOO, "the keys of TRL's older RLOO: objective/..., without a value loss"
    if log.under("ppo/") or log.has("env/reward_mean"):
        return Method.PPO, "the keys of TRL's first PPO: ppo/..."
    if log.any("objective/kl", "objective/rlhf_reward"):
        return log.guess(Method.PPO, ONLINE, "objective/... is logged, as in TRL's PPO")
    return None


def _implicit_rewards(log: _Log) -> _Answer | None:
    """Preference methods in the keys of TRL, which LLaMA-Factory, Axolotl, Unsloth and torchtune share."""
    if not log.any("rewards/chosen", "rewards/rejected"):
        return None
    if log.has("delta"):
        return Method.BCO, "implicit rewards with BCO's running shift"
    if not log.any("rewards/accuracies", "rewards/accuracy"):
        if log.any("kl", "kl_divergence"):
            return Method.KTO, "implicit rewards with a KL and without accuracies"
        return log.guess(Method.KTO, PAIRED | {Method.BCO}, "implicit rewards without accuracies, as KTO logs them")
    if _is_reference_free(log):
        return Method.CPO, "the rewards are scaled log-probabilities from the first row on: no reference model"
    among = {Method.DPO, Method.ONLINE_DPO}
    return log.guess(Method.DPO, among, "implicit rewards with accuracies of pairs")


def _is_reference_free(log: _Log) -> bool:
    chosen, rejected = log.first.get("rewards/chosen"), log.first.get("rewards/rejected")
    if chosen is None or rejected is None or chosen >= 0 or rejected >= 0:
        return False
    logp_chosen, logp_rejected = log.first.get("logps/chosen"), log.first.get("logps/rejected")
    if logp_chosen and logp_rejected:
        # Without a reference the reward is beta times the log-probability, with the same beta on both sides.
        beta = chosen / logp_chosen
        return beta > 0.005 and math.isclose(beta, rejected / logp_rejected, rel_tol=0.001)
    return log.has("nll_loss") and chosen < _FAR_BELOW_ZERO and rejected < _FAR_BELOW_ZERO


def _pairs_elsewhere(log: _Log) -> _Answer | None:
    """Pairs in the keys of other frameworks, some of which log a reward model and DPO alike."""
    if log.any("dpo_loss", "preference_loss") or log.under("dpo/"):
        return log.guess(Method.DPO, PAIRED, "a loss over pairs is logged under its name")
    if log.under("rw/"):
        return Method.REWARD, "AReaL's keys of a reward model"
    if log.has("rewards_chosen_mean"):
        if log.has("sft_loss"):
            return Method.DPO, "NeMo-RL's keys of DPO"
        return Method.REWARD, "NeMo-RL's keys of a reward model"
    if log.has("chosen_reward") and log.any("reject_reward", "rejected_reward"):
        if log.first.get("chosen_reward") == 0.0:
            return Method.DPO, "rewards of pairs that start at exactly zero: measured against a reference"
        if log.has("reward_mean", "reward_std"):
            return Method.REWARD, "OpenRLHF's keys of a reward model, with its evaluation"
        return log.guess(Method.REWARD, PAIRED, "rewards of pairs that do not start at zero")
    if log.has("current_steps", "accuracy"):
        return log.guess(Method.DPO, PAIRED, "LLaMA-Factory logs an accuracy for pairs only")
    return None


def _groups(log: _Log) -> _Answer | None:
    """Sampled answers in groups, in the keys of TRL and of hand-written loops."""
    in_groups = log.any("reward_std", "frac_reward_zero_std", "completion_length") or log.under("completions/")
    if log.has("reward") and in_groups and not log.any("acc", "acc_mean"):
        if log.named is not Method.GRPO and log.first.get("kl", 0.0) < _BELOW_ZERO:
            return Method.RLOO, "rewards of sampled groups with a KL below zero, which GRPO's estimate cannot be"
        return log.guess(Method.GRPO, {Method.RLOO}, "rewards of sampled groups")
    if log.has("reward_avg") and log.any("avg_response_len", "adv_avg"):
        return log.guess(Method.GRPO, ONLINE, "mean reward and answer length of a hand-written GRPO loop")
    return None


def _online_elsewhere(log: _Log) -> _Answer | None:
    for framework, signs in _ONLINE_SIGNS.items():
        if log.any(*signs):
            if log.any(*_CRITIC_SIGNS):
                return Method.PPO, f"{framework}'s keys of an online run with a value model"
            return log.guess(Method.GRPO, {Method.RLOO}, f"{framework}'s keys of an online run without a value model")
    if log.any("policy_loss", "actor_loss"):
        if log.any(*_CRITIC_SIGNS):
            return Method.PPO, "a policy loss and a value loss"
        if log.any("reward", "rewards", "mean_reward"):
            return log.guess(Method.GRPO, ONLINE, "a policy loss and a reward without a value loss")
    if log.has("reward") and (log.has("kl_divergence") or log.has("kl", "entropy")):
        return log.guess(Method.PPO, ONLINE, "a reward with a KL divergence")
    if log.has("current_steps", "reward"):
        return Method.PPO, "LLaMA-Factory logs a reward in its PPO stage only"
    return None


def _reward_model(log: _Log) -> _Answer | None:
    if log.has("accuracy", "margin") or (log.has("min_reward", "max_reward") and log.any("accuracy", "margin")):
        return log.guess(Method.REWARD, PAIRED, "accuracy and margin of pairs")
    if log.any("acc", "acc_mean") and log.has("reward_mean", "reward_std"):
        return Method.REWARD, "OpenRLHF's keys of a reward model's evaluation"
    return None


def _supervised(log: _Log) -> _Answer | None:
    if log.any("mean_token_accuracy", "gpt_loss", "train_mean_nll"):
        return Method.SFT, "token accuracy or likelihood, and no rewards"
    return None


def _classifier(log: _Log) -> _Answer | None:
    if log.any(*_CLASSIFIER_SIGNS):
        return log.guess(Method.CLASSIFIER, {Method.PRM}, "precision, recall or F1 of a classifier")
    if log.has("accuracy"):
        why = "an accuracy beside the loss, as of a classifier"
        return log.guess(Method.CLASSIFIER, ALL - ONLINE, why)
    return None


_TESTS: tuple[Callable[[_Log], _Answer | None], ...] = (
    _odds_ratio,
    _trl_objective,
    _implicit_rewards,
    _pairs_elsewhere,
    _groups,
    _online_elsewhere,
    _reward_model,
    _supervised,
    _classifier,
)
