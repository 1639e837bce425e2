"""Which charts a run has, as data: what stands together, and what is looked at first.

What belongs on one chart is what cannot be judged alone: chosen beside rejected, training beside held-out data.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import NamedTuple

from barograph.core.file_names import plain_name
from barograph.core.methods import CLASSIFIER, ONLINE, PREFERENCE, REWARD_MODEL, Method
from barograph.core.names import COMPONENT, COMPONENT_STD, COUNTERS, TRAIN, catalogue, split_of
from barograph.core.objectives import starting_loss

__all__ = ["Level", "Panel", "levels", "panels_of", "series_title", "title_of"]


class Panel(NamedTuple):
    """One chart: its title and the metrics on it."""

    name: str
    title: str
    metrics: tuple[str, ...]
    #: On a scale of powers of ten, where all values are above zero.
    is_log: bool = False
    #: What is set rather than measured has no noise to be smoothed away.
    smooths: bool = True


class Level(NamedTuple):
    """A value that means something: a line across a chart."""

    value: float
    says: str


_REWARDS = Panel("rewards", "Rewards of chosen and rejected", ("reward_chosen", "reward_rejected"))
_MARGIN = Panel("margin", "Reward margin", ("reward_margin",))
_LOSS = Panel("loss", "Loss", ("loss",))
_LOGPS = Panel("log-probabilities", "Log-probabilities of chosen and rejected", ("logp_chosen", "logp_rejected"))
_GRADIENT = Panel("gradient", "Gradient norm", ("grad_norm",), is_log=True)
_RATE = Panel("learning-rate", "Learning rate", ("lr",), smooths=False)
_ENTROPY = Panel("entropy", "Entropy", ("entropy",))
_LENGTH = Panel("length", "Answer length", ("len_mean", "len_max"))
_TEXT = Panel("evaluation", "Evaluation", ("bertscore", "codebleu", "bleu", "rouge", "ruby"))

_OF_PREFERENCE = (
    _REWARDS, _MARGIN, Panel("accuracy", "Reward accuracy", ("reward_accuracy",)), _LOSS, _LOGPS,
    Panel("kl", "KTO reference point", ("kto_z0",)), _GRADIENT, _ENTROPY, _RATE,
)  # fmt: skip
_OF_ONLINE = (
    Panel("score", "Score", ("score_mean", "reward_total")),
    Panel("kl", "KL to the reference", ("kl_ref", "kl_ref_sequence")),
    _ENTROPY,
    _LENGTH,
    Panel("cut-off", "Answers cut off, groups without contrast", ("truncated_frac", "zero_std_frac")),
    Panel("update", "KL of the update", ("approx_kl",)),
    Panel("clipping", "Clipped share", ("clip_frac", "value_clip_frac")),
    Panel("ratio", "Probability ratio", ("ratio_mean",)),
    Panel("critic", "Explained variance", ("explained_var",)),
    Panel("losses", "Losses", ("policy_loss", "value_loss")),
    _GRADIENT, _LOSS, _RATE,
)  # fmt: skip
_OF_REWARD_MODELS = (
    Panel("accuracy", "Pair accuracy", ("rm_accuracy",)),
    _LOSS,
    Panel("margin", "Pair margin", ("rm_margin",)),
    Panel("rewards", "Rewards", ("rm_mean", "rm_min", "rm_max")),
    _GRADIENT, _RATE,
)  # fmt: skip
_OF_CLASSIFIERS = (
    Panel("f1", "F1 and accuracy", ("cls_f1", "cls_accuracy")),
    _LOSS,
    Panel("precision", "Precision, recall, specificity", ("cls_precision", "cls_recall", "cls_specificity")),
    Panel("confidence", "Mean confidence", ("cls_confidence",)),
    _GRADIENT, _RATE,
)  # fmt: skip
_OF_OTHERS = (_LOSS, _GRADIENT, _ENTROPY, _RATE)


def panels_of(method: Method, series: Iterable[str], *, first: Collection[str] = ()) -> list[Panel]:
    """The charts for what a run has logged: those that hold a series of `first` lead, and what is on none comes last.

    >>> [panel.name for panel in panels_of(Method.DPO, ["lr", "loss", "reward_margin"], first=["loss"])]
    ['loss', 'margin', 'learning-rate']
    """
    logged = {split_of(key)[1]: None for key in series}
    panels = [panel for panel in (*_usual(method), _TEXT) if any(name in logged for name in panel.metrics)]
    shown = {name for panel in panels for name in panel.metrics}
    panels += list(_alone(name for name in logged if name not in shown and name not in COUNTERS))
    order = {split_of(key)[1]: place for place, key in reversed(list(enumerate(first)))}
    return sorted(panels, key=lambda panel: min(order.get(name, math.inf) for name in panel.metrics))


def levels(panel: Panel, method: Method, config: Mapping[str, object]) -> list[Level]:
    """What is worth a line on a chart.

    >>> levels(_LOSS, Method.DPO, {})
    [Level(value=0.6931471805599453, says='where nothing is learned yet')]
    """
    if panel.name == "loss":
        start = starting_loss(method, config)
        return [] if start is None else [Level(start, "where nothing is learned yet")]
    if panel.name in {"rewards", "margin"} and method in PREFERENCE:
        return [Level(0.0, "as the reference")]
    if panel.name == "accuracy":
        return [Level(0.5, "chance")]
    return [Level(1.0, "unchanged")] if panel.name == "ratio" else []


def _usual(method: Method) -> tuple[Panel, ...]:
    for methods, panels in (
        (PREFERENCE, _OF_PREFERENCE), (ONLINE, _OF_ONLINE), (REWARD_MODEL, _OF_REWARD_MODELS),
        (CLASSIFIER, _OF_CLASSIFIERS),
    ):  # fmt: skip
        if method in methods:
            return panels
    return _OF_OTHERS


def _alone(names: Iterable[str]) -> Iterator[Panel]:
    """A chart for each metric that is on none of those above."""
    for name in names:
        yield Panel(plain_name(name), title_of(name), (name,))


def title_of(name: str) -> str:
    """A metric as it is called on a chart.

    >>> title_of("reward_margin"), title_of("reward_component/format")
    ('Reward margin', 'Reward: format')
    """
    metric = catalogue().get(name)
    return metric.title if metric else name.replace(COMPONENT, "Reward: ").replace(COMPONENT_STD, "Spread of reward: ")


def series_title(key: str) -> str:
    """A series as it is called on a chart.

    >>> series_title("eval.loss"), series_title("reward_margin")
    ('Loss (eval)', 'Reward margin')
    """
    split, name = split_of(key)
    return title_of(name) + ("" if split == TRAIN else f" ({split})")
