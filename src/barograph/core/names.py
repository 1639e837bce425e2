"""How the names that frameworks write lead to metrics.

Every quantity has one canonical name here, with its unit and its good direction; a framework's key is
an *alias*. The traps live in the aliases: `kl` is four different things, `rewards/...` is an implicit
reward or a reward function, so an alias may hold for some methods only.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from typing import NamedTuple

from barograph.core.methods import ONLINE, Method
from barograph.core.metric import Alias, Metric

__all__ = [
    "COMPONENT",
    "COMPONENT_STD",
    "COUNTERS",
    "EVAL",
    "TRAIN",
    "Resolved",
    "catalogue",
    "nearest",
    "plain_key",
    "precedence",
    "resolve",
    "series_key",
    "split_of",
]

TRAIN = "train"
EVAL = "eval"
#: What only tells how far the run is stands in rows of every split, and makes none of them a training row.
COUNTERS = frozenset({"epoch", "episode", "tokens_seen", "max_steps", "epoch_time", "step_time"})
#: Prefix of the canonical names of single reward functions: `reward_component/<name>`.
COMPONENT = "reward_component/"
#: The same for their standard deviations.
COMPONENT_STD = "reward_component_std/"


class Resolved(NamedTuple):
    """Where a raw key leads."""

    name: str
    split: str
    alias: Alias | None


def series_key(name: str, split: str = TRAIN) -> str:
    """The name of a series within a run: the training split goes without a prefix.

    >>> series_key("loss"), series_key("loss", "eval"), series_key("loss", "eval/helpful")
    ('loss', 'eval.loss', 'eval/helpful.loss')
    """
    return name if split == TRAIN else f"{split}.{name}"


def split_of(key: str) -> tuple[str, str]:
    """The inverse of `series_key`.

    >>> split_of("eval.loss"), split_of("loss"), split_of("reward_component/a.b")
    (('eval', 'loss'), ('train', 'loss'), ('train', 'reward_component/a.b'))
    """
    split, dot, name = key.partition(".")
    if dot and (split == EVAL or split.startswith("eval/")):
        return split, name
    return TRAIN, key


_TEST = "eval/test"
_SPLIT_PREFIXES = (
    ("train/", TRAIN),
    ("train_", TRAIN),
    ("eval/", EVAL),
    ("eval_", EVAL),
    ("val/", EVAL),
    ("validation/", EVAL),
    ("validation_", EVAL),
    ("val_", EVAL),
    ("test_", _TEST),
    ("test/", _TEST),
    ("eval-rollout/", EVAL),  # AReaL
)


@cache
def catalogue() -> dict[str, Metric]:
    """Every canonical metric by name."""
    from barograph.core.vocabulary import METRICS

    return {metric.name: metric for metric in METRICS}


@cache
def _alias_table() -> dict[str, tuple[tuple[Alias, str], ...]]:
    table: dict[str, list[tuple[Alias, str]]] = {}
    for metric in catalogue().values():
        for alias in (Alias(metric.name, "barograph"), *metric.aliases):
            table.setdefault(_plain(alias.key), []).append((alias, metric.name))
    return {key: tuple(entries) for key, entries in table.items()}


def _plain(key: str) -> str:
    """One spelling for the many that tables and notebooks use: `Rewards / Chosen` is `rewards/chosen`."""
    key = key.strip().lower()
    return re.sub(r"\s*/\s*", "/", key).replace(" ", "_") if " " in key else key


def _look_up(key: str, method: Method) -> tuple[str, Alias] | None:
    entries = _alias_table().get(key, ())
    for alias, name in entries:
        if method in alias.methods:
            return name, alias
    for alias, name in entries:
        if not alias.methods:
            return name, alias
    if method is Method.UNKNOWN and len({name for _, name in entries}) == 1:
        alias, name = entries[0]
        return name, alias
    return None


@cache
def _bookkeeping() -> frozenset[str]:
    from barograph.core.vocabulary import TOTALS

    return TOTALS - {"train_loss"}  # alone, without the other totals, it is the loss


def _without_split(key: str) -> tuple[str, str]:
    """The split that a key's beginning names, and the rest of the key."""
    for prefix, split in _SPLIT_PREFIXES:
        if key.startswith(prefix):
            return split, key[len(prefix) :]
    if key.startswith("validation-") and "/" in key:  # NeMo-RL: validation-<data set>/<metric>
        data, _, rest = key.removeprefix("validation-").partition("/")
        return _eval_of(data), rest
    return TRAIN, key


def plain_key(raw_key: str) -> tuple[str, str, str]:
    """A key in the one spelling we compare; the split it names; and the rest without that split.

    >>> plain_key("eval/Rewards / Chosen")
    ('eval/rewards/chosen', 'eval', 'rewards/chosen')
    """
    key = _plain(raw_key)
    return key, *_without_split(key)


def _eval_of(data: str) -> str:
    # A dot ends the split in the name of a series.
    return f"{EVAL}/{data.replace('.', '_')}"


def resolve(raw_key: str, method: Method = Method.UNKNOWN) -> Resolved | None:
    """The canonical metric and split that a framework's key stands for, or None for an unknown key.

    >>> resolve("eval_rewards/margins", Method.DPO)[:2]
    ('reward_margin', 'eval')
    >>> resolve("kl", Method.KTO)[:2], resolve("kl", Method.GRPO)[:2]
    (('kto_z0', 'train'), ('kl_ref', 'train'))
    >>> resolve("rewards / check_answer / mean", Method.GRPO)[:2]
    ('reward_component/check_answer', 'train')
    >>> resolve("eval/helpful.loss")[:2]
    ('loss', 'eval/helpful')
    """
    key = _plain(raw_key)
    if key in _bookkeeping():
        return None
    if own := _own(key):
        return own
    # A name may itself begin like a split (`val/ratio` of old PPO), so the whole key is tried first.
    if found := _look_up(key, method):
        return Resolved(found[0], TRAIN, found[1])
    split, bare = _without_split(key)
    if bare is not key and (found := _look_up(bare, method)):
        return Resolved(found[0], split, found[1])
    return _scoped(bare, split, method) or _evaluation(bare, split) or _reward_function(bare, split, method)


def _own(key: str) -> Resolved | None:
    """The names that we write ourselves and no framework does: `eval.loss`, `reward_component/format`."""
    split, name = split_of(key)
    if name.startswith((COMPONENT, COMPONENT_STD)):
        return Resolved(name, split, None)
    return Resolved(name, split, Alias(name, "barograph")) if split != TRAIN and name in catalogue() else None


def _scoped(key: str, split: str, method: Method) -> Resolved | None:
    """Keys with a path in front that names an environment or an aggregate."""
    scope, *rest = key.split("/")
    for start in range(len(rest)):
        if found := _look_up("*/" + "/".join(rest[start:]), method):
            return Resolved(found[0], _eval_of(scope) if split == EVAL else split, found[1])
    return None


#: What some frameworks say of a data set, behind its name.
_OF_DATA_SETS = {
    "_response_length_mean": "len_mean",  # OpenRLHF
    "_truncated_rate": "truncated_frac",
    "/avg_score": "score_mean",  # SkyRL
    "/pass_at_1": "task_accuracy",
    "-truncated_ratio": "truncated_frac",  # slime
}


def _evaluation(key: str, split: str) -> Resolved | None:
    """Keys of evaluations that carry the name of a data set."""
    match key.split("/"):  # verl: val-core/<data set>/acc/mean@8, where the data set may hold a slash
        case ["val-core", *data, "acc", statistic] if data and statistic.startswith("mean@"):
            return Resolved("task_accuracy", _eval_of("/".join(data)), None)
        case ["val-core", *data, "reward" | "score", statistic] if data and statistic.startswith("mean@"):
            return Resolved("score_mean", _eval_of("/".join(data)), None)
    if split != EVAL:
        return None
    if key.endswith("_loss"):  # transformers: eval_<data set>_loss
        return Resolved("loss", _eval_of(key.removesuffix("_loss")), None)
    if key.endswith("_pass1"):  # OpenRLHF: eval_<data set>_pass1
        return Resolved("task_accuracy", _eval_of(key.removesuffix("_pass1")), None)
    for ending, name in _OF_DATA_SETS.items():
        if key.endswith(ending) and key != ending:
            return Resolved(name, _eval_of(key.removesuffix(ending)), None)
    scope, _, statistic = key.rpartition("/")
    if scope and statistic.startswith("avg@"):  # prime-rl: eval/<environment>/.../avg@8
        return Resolved("score_mean", _eval_of(scope.split("/")[0]), None)
    return None


def _reward_function(key: str, split: str, method: Method) -> Resolved | None:
    """Single reward functions: only where the policy generates can `rewards/...` be one."""
    if method not in ONLINE and method is not Method.UNKNOWN:
        return None
    match key.split("/"):
        case ["rewards", name] | [*_, "rewards", name, "mean"]:
            return Resolved(COMPONENT + name, split, None)
        case [*_, "rewards", name, "std"]:
            return Resolved(COMPONENT_STD + name, split, None)
        case [name] if name.endswith("_reward_avg"):
            return Resolved(COMPONENT + name.removesuffix("_reward_avg"), split, None)
    return None


def precedence(found: Resolved) -> int:
    """How good a witness a key is; the lowest counts when several keys of a row lead to the same series.

    >>> keys = ["completion_length", "completions/mean_length"]  # Unsloth writes both
    >>> min(keys, key=lambda key: precedence(resolve(key)))
    'completions/mean_length'
    """
    metric = catalogue().get(found.name)
    if metric is None or found.alias is None:
        return 1_000
    return metric.aliases.index(found.alias) + 1 if found.alias in metric.aliases else 0


def nearest(raw_key: str, limit: int = 1) -> list[str]:
    """Known keys that look like an unknown one, nearest first."""
    import difflib

    known: Iterable[str] = _alias_table()
    return difflib.get_close_matches(_plain(raw_key), list(known), n=limit, cutoff=0.6)
