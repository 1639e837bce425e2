"""The many ways in which one and the same run is logged, as transformations of its rows that can be joined.

A habit gives the log that a trainer with that habit would have left; None where it cannot have it, such as evaluations
alone of a run that was never evaluated.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

__all__ = ["HABITS", "NAMES", "Habit", "Log", "averaged", "begun_late", "every", "joined", "keys_of", "without"]

Row: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Log:
    """The rows of a run, and what its reader is told of it besides."""

    rows: Sequence[Row]
    config: Mapping[str, Any] = field(default_factory=dict)
    method: str | None = None


Habit: TypeAlias = Callable[[Log], Log | None]

#: What tells where the run is; it stays when other keys go.
PLACE = frozenset({"step", "epoch", "episode", "num_tokens"})
#: What a trainer logs as it stands, and does not average over the steps since the last row.
AS_IT_STANDS = PLACE | {"learning_rate", "lr", "grad_norm", "objective/kl_coef"}


def keys_of(log: Log) -> list[str]:
    """Every key that says more than where the run is."""
    return sorted({key for row in log.rows for key in row} - PLACE)


def is_evaluation(row: Row) -> bool:
    return any(key.startswith("eval_") for key in row)


def _with(log: Log, rows: Sequence[Row]) -> Log | None:
    kept = [row for row in rows if not PLACE.issuperset(row)]
    return replace(log, rows=kept) if kept else None


def joined(*habits: Habit) -> Habit:
    """One after the other."""

    def apply(log: Log) -> Log | None:
        left: Log | None = log
        for habit in habits:
            left = left and habit(left)
        return left

    return apply


# How often


def _thinned(log: Log, pick: Callable[[list[Row]], list[Row]], k: int) -> Log | None:
    """Training rows are picked from, evaluations stay where they are."""
    training = [row for row in log.rows if not is_evaluation(row)]
    if len(training) < 2 * k:
        return None
    order = {id(row): index for index, row in enumerate(log.rows)}
    picked = pick(training)
    placed = [(order[id(row)], row) for row in log.rows if is_evaluation(row)]
    ends = {int(row["step"]): index for index, row in enumerate(log.rows) if not is_evaluation(row)}
    placed += [(ends[int(row["step"])], row) for row in picked]
    interval = k * int(log.config.get("logging_steps", 1))
    config = {**log.config, "logging_steps": interval} if "logging_steps" in log.config else log.config
    return replace(log, rows=[row for _, row in sorted(placed, key=lambda entry: entry[0])], config=config)


def every(k: int) -> Habit:
    """One training row in k, from the first on: what a loop does that asks `step % k == 0`."""
    return lambda log: _thinned(log, lambda rows: rows[::k], k)


def averaged(k: int) -> Habit:
    """One training row for k, with the means since the last one: what trainers do that log every k steps."""

    def pick(rows: list[Row]) -> list[Row]:
        return [_mean(rows[begin : begin + k]) for begin in range(0, len(rows) - k + 1, k)]

    return lambda log: _thinned(log, pick, k)


def _mean(rows: Sequence[Row]) -> dict[str, Any]:
    mean: dict[str, Any] = {}
    for key in dict.fromkeys(key for row in rows for key in row):
        values = [row[key] for row in rows if key in row]
        numbers = [float(value) for value in values]
        mean[key] = values[-1] if key in AS_IT_STANDS else math.fsum(numbers) / len(numbers)
        if isinstance(mean[key], float) and not math.isfinite(mean[key]):
            mean[key] = str(mean[key])
    return mean


# How much of it


def without(keys: Collection[str]) -> Habit:
    """These keys are never logged."""
    return lambda log: _with(log, [{key: value for key, value in row.items() if key not in keys} for row in log.rows])


def only(keys: Collection[str]) -> Habit:
    """These keys, and the place of the row."""
    return lambda log: _with(
        log, [{key: value for key, value in row.items() if key in keys or key in PLACE} for row in log.rows]
    )


def like(*parts: str) -> Habit:
    """Without the keys that hold one of these parts."""
    return lambda log: without({key for key in keys_of(log) if any(part in key for part in parts)})(log)


def evaluations(log: Log) -> Log | None:
    """Only what is measured on held-out examples."""
    return _with(log, [row for row in log.rows if is_evaluation(row)])


def training(log: Log) -> Log | None:
    """Without anything that is measured on held-out examples."""
    if not any(map(is_evaluation, log.rows)):
        return None
    return _with(log, [row for row in log.rows if not is_evaluation(row)])


def begun_late(share: float) -> Habit:
    """The first part is not in the log, as after a resume in a folder of its own."""

    def apply(log: Log) -> Log | None:
        begin = share * max(int(row["step"]) for row in log.rows)
        return _with(log, [row for row in log.rows if int(row["step"]) > begin])

    return apply


def twice(log: Log) -> Log:
    """Each row is there twice, as two processes or two loggers write it."""
    return replace(log, rows=[row for row in log.rows for _ in range(2)])


def unmerged(log: Log) -> Log:
    """Each key in a row of its own, as trackers keep them."""
    rows = []
    for row in log.rows:
        rows += [{"step": row["step"], key: value} for key, value in row.items() if key not in PLACE]
    return replace(log, rows=rows)


# What is known besides


def no_config(log: Log) -> Log:
    """The rows alone, by somebody who says which method it is."""
    return replace(log, config={})


def rows_alone(log: Log) -> Log:
    """The rows alone."""
    return replace(log, config={}, method=None)


# Under which names

_PAIRS = {"rewards/chosen": "chosen_reward", "rewards/rejected": "reject_reward", "rewards/accuracies": "acc"}
_TRAIN = ("loss", "grad_norm", "learning_rate")

#: What a key of TRL is called elsewhere; what a framework does not log is left out. For each: the methods it trains.
NAMES: Mapping[str, tuple[frozenset[str], Mapping[str, str]]] = {
    "LLaMA-Factory": (
        frozenset({"dpo"}),
        {"loss": "loss", "eval_loss": "eval_loss", "learning_rate": "lr", "rewards/accuracies": "accuracy"},
    ),
    "OpenRLHF": (
        frozenset({"dpo"}),
        {"loss": "loss", "grad_norm": "grad_norm", "learning_rate": "lr", "eval_loss": "eval_loss", **_PAIRS},
    ),
    "torchtune": (
        frozenset({"dpo"}),
        {
            "loss": "loss", "learning_rate": "lr", "logps/chosen": "log_probs/chosen",
            "logps/rejected": "log_probs/rejected",
            **{key: key for key in ("rewards/chosen", "rewards/rejected", "rewards/margins", "rewards/accuracies")},
        },
    ),
    "NeMo-RL": (
        frozenset({"dpo"}),
        {
            "loss": "train/loss", "grad_norm": "train/grad_norm", "learning_rate": "train/lr",
            "rewards/accuracies": "train/accuracy", "rewards/chosen": "train/rewards_chosen_mean",
            "rewards/rejected": "train/rewards_rejected_mean", "eval_loss": "validation-default/loss",
        },
    ),
    "tinker-cookbook": (
        frozenset({"dpo"}),
        {
            "loss": "dpo_loss", "learning_rate": "learning_rate", "rewards/accuracies": "accuracy",
            "rewards/margins": "margin", "rewards/chosen": "chosen_reward", "rewards/rejected": "rejected_reward",
        },
    ),
    "verl": (
        frozenset({"grpo"}),
        {
            "reward": "critic/score/mean", "entropy": "actor/entropy", "kl": "actor/kl_loss",
            "grad_norm": "actor/grad_norm", "learning_rate": "actor/lr", "clip_ratio/region_mean": "actor/pg_clipfrac",
            "completions/mean_length": "response_length/mean", "loss": "actor/pg_loss",
            "completions/clipped_ratio": "response_length/clip_ratio",
        },
    ),
    "OpenRLHF online": (
        frozenset({"grpo"}),
        {
            "reward": "reward", "reward_std": "group_reward_std", "entropy": "entropy_loss", "kl": "kl",
            "grad_norm": "actor_grad_norm", "learning_rate": "actor_lr", "clip_ratio/region_mean": "ppo_clip_ratio",
            "completions/mean_length": "response_length", "completions/clipped_ratio": "truncated",
            "loss": "policy_loss",
        },
    ),
    "prime-rl": (
        frozenset({"grpo"}),
        {
            "reward": "reward/all/mean", "entropy": "entropy/all/mean", "grad_norm": "optim/grad_norm",
            "learning_rate": "optim/lr", "completions/mean_length": "decode_len/all/mean",
            "completions/clipped_ratio": "is_truncated/all/mean", "loss": "loss/mean",
        },
    ),
    "TRL 0.11": (
        frozenset({"ppo"}),
        {
            "objective/scores": "ppo/mean_scores", "objective/kl": "objective/kl", "loss/value_avg": "ppo/loss/value",
            "loss/policy_avg": "ppo/loss/policy", "policy/entropy_avg": "ppo/policy/entropy",
            "policy/approxkl_avg": "ppo/policy/approxkl", "policy/clipfrac_avg": "ppo/policy/clipfrac",
            "val/clipfrac_avg": "ppo/val/clipfrac", "explained_variance": "ppo/val/var_explained",
            "val/ratio": "ppo/policy/ratio", "mean_length": "tokens/responses_len_mean", "lr": "ppo/learning_rate",
        },
    ),
}  # fmt: skip


def renamed(framework: str) -> Habit:
    """As another framework names what it logs, without what it does not log."""
    methods, names = NAMES[framework]

    def apply(log: Log) -> Log | None:
        if log.method not in methods:
            return None
        known = names.keys() | PLACE
        return _with(log, [{names.get(key, key): row[key] for key in row if key in known} for row in log.rows])

    return apply


def as_dashboard(log: Log) -> Log:
    """As W&B and its kin keep them: `train/loss`, `eval/loss`."""

    def name(key: str) -> str:
        if key in PLACE:
            return key
        return f"eval/{key.removeprefix('eval_')}" if key.startswith("eval_") else f"train/{key}"

    return replace(log, rows=[{name(key): value for key, value in row.items()} for row in log.rows])


#: Everyday habits, by the name that the table gives them.
HABITS: Mapping[str, Habit] = {
    **{f"one row in {k}": every(k) for k in (2, 5, 10, 50)},
    **{f"means over {k} rows": averaged(k) for k in (2, 5, 10, 50)},
    "each row twice": twice,
    "each key in its own row": unmerged,
    "no configuration": no_config,
    "rows alone": rows_alone,
    "the loss alone": only({"loss"}),
    "loss, gradient and rate": only(_TRAIN),
    "loss and evaluations": lambda log: only({"loss", *(key for key in keys_of(log) if key.startswith("eval_"))})(log),
    "evaluations alone": evaluations,
    "no evaluation": training,
    "no gradient norm, no rate": without({"grad_norm", "learning_rate", "lr"}),
    "no margin, no accuracy": like("margin", "accurac"),
    "no rewards of either side": like("rewards/chosen", "rewards/rejected"),
    "no log-probabilities, no entropy": like("logps", "logits", "entropy"),
    "no loss": without({"loss", "eval_loss"}),
    "no spread, no length": like("std", "completions", "length", "eos"),
    "a quarter missing at the start": begun_late(0.25),
    "the first half missing": begun_late(0.5),
    **{f"as {framework}": renamed(framework) for framework in NAMES},
    "as a dashboard": as_dashboard,
    "as a dashboard, means over 10, no configuration": joined(averaged(10), as_dashboard, no_config),
    "rows alone, one in 5": joined(every(5), rows_alone),
    "rows alone, means over 10, no evaluation": joined(averaged(10), training, rows_alone),
    "late, means over 5": joined(begun_late(0.5), averaged(5)),
    "no configuration, no gradient norm, one row in 2": joined(no_config, without({"grad_norm"}), every(2)),
}
