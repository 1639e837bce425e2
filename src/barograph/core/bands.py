"""Healthy ranges as data: where a metric should lie, for which methods, at which stage of the run.

A band is an expectation for charts, tables and explanations, not an alarm: alarms are rules, with thresholds of their
own. Where several bands fit, the earlier one counts; the ranges that the field's guides publish come first.

The tag says how well founded a range is: P published paper, D documentation, S source code or shipped default,
I practice of maintainers, M mathematical identity, G estimate.
"""

from __future__ import annotations

import math
from enum import StrEnum
from functools import cache
from typing import NamedTuple

from barograph.core.methods import (
    ALL,
    CLASSIFIER,
    IMPLICIT_REWARD,
    ONLINE,
    PAIRED,
    PREFERENCE,
    REWARD_MODEL,
    Method,
)

__all__ = ["BANDS", "STAGES", "Band", "Stage", "band_at", "bands_for", "stage_at"]


class Stage(StrEnum):
    """A part of the run."""

    START = "start"
    EARLY = "early"
    MID = "mid"
    LATE = "late"
    ANY = "any"


#: The stages in order, each with the share of the run at which it ends (10, 50, 100 and 145 of 145 steps).
STAGES: tuple[tuple[Stage, float], ...] = (
    (Stage.START, 0.07),
    (Stage.EARLY, 0.35),
    (Stage.MID, 0.69),
    (Stage.LATE, 1.0),
)


class Band(NamedTuple):
    """A range that healthy runs keep to, both ends included."""

    #: The series: a metric's name, or `eval.<name>` where the range holds for held-out data only.
    metric: str
    methods: frozenset[Method]
    stage: Stage
    low: float
    high: float
    tag: str
    source: str

    def holds(self, value: float) -> bool:
        """Whether a value lies within. NaN never does."""
        return self.low <= value <= self.high


_KTO = frozenset({Method.KTO})
_DPO = frozenset({Method.DPO})
_PPO = frozenset({Method.PPO})
_SIGMOID = frozenset({Method.DPO, Method.ONLINE_DPO})
#: The methods whose KL to the reference is logged per answer.
_SEQUENCE_KL = frozenset({Method.PPO, Method.RLOO, Method.ONLINE_DPO})
_WITH_EOS = frozenset({Method.PPO, Method.RLOO, Method.ONLINE_DPO})

_START, _EARLY, _MID, _LATE, _ANY = Stage.START, Stage.EARLY, Stage.MID, Stage.LATE, Stage.ANY
_OPEN = math.inf

_STAGE_TABLE = "KTO guide, targets by stage"
_KTO_VALUES = "KTO guide, good values"

_KTO_BANDS: tuple[Band, ...] = (
    Band("loss", _KTO, _START, 0.6, 0.7, "D", _STAGE_TABLE),
    Band("loss", _KTO, _EARLY, 0.5, 0.6, "D", _STAGE_TABLE),
    Band("loss", _KTO, _MID, 0.4, 0.5, "D", _STAGE_TABLE),
    Band("loss", _KTO, _LATE, 0.3, 0.5, "D", _STAGE_TABLE),
    Band("reward_margin", _KTO, _START, -0.1, 0.1, "D", _STAGE_TABLE),
    Band("reward_margin", _KTO, _EARLY, 0.1, 0.5, "D", _STAGE_TABLE),
    Band("reward_margin", _KTO, _MID, 0.5, 1.0, "D", _STAGE_TABLE),
    Band("reward_margin", _KTO, _LATE, 1.0, 2.0, "D", _STAGE_TABLE),
    Band("reward_chosen", _KTO, _START, -0.5, 0.5, "D", _STAGE_TABLE),
    Band("reward_chosen", _KTO, _EARLY, 0.0, 0.5, "D", _STAGE_TABLE),
    Band("reward_chosen", _KTO, _MID, 0.3, 0.8, "D", _STAGE_TABLE),
    Band("reward_chosen", _KTO, _LATE, 0.5, 1.0, "D", _STAGE_TABLE),
    Band("reward_rejected", _KTO, _START, -0.5, 0.5, "D", _STAGE_TABLE),
    Band("reward_rejected", _KTO, _EARLY, -0.5, 0.0, "D", _STAGE_TABLE),
    Band("reward_rejected", _KTO, _MID, -0.5, -0.2, "D", _STAGE_TABLE),
    Band("reward_rejected", _KTO, _LATE, -0.8, -0.3, "D", _STAGE_TABLE),
    Band("loss", _KTO, _MID, 0.4, 0.6, "D", _KTO_VALUES),
    Band("reward_margin", _KTO, _LATE, 0.3, 2.0, "D", _KTO_VALUES),
    Band("reward_margin", _KTO, _ANY, -_OPEN, 5.0, "D", _KTO_VALUES),
    Band("reward_chosen", _KTO, _MID, 0.0, 2.0, "D", _KTO_VALUES),
    Band("reward_chosen", _KTO, _LATE, 0.5, 2.0, "D", _KTO_VALUES),
    Band("reward_chosen", _KTO, _ANY, -1.0, _OPEN, "D", _KTO_VALUES),
    Band("reward_rejected", _KTO, _LATE, -1.0, 0.5, "D", _KTO_VALUES),
    Band("grad_norm", _KTO, _ANY, 1.0, 50.0, "D", _KTO_VALUES),
    Band("kto_z0", _KTO, _ANY, 0.01, 0.5, "D", _KTO_VALUES),
    Band("kto_z0", _KTO, _ANY, 0.0, 10.0, "G", "scale of the implicit rewards"),
    Band("lr", _KTO, _ANY, 0.0, 5e-7, "D", _KTO_VALUES),
    Band("lr", _KTO, _ANY, 0.0, 5e-6, "D", "TRL KTO documentation"),
    # The guide's own run starts above this: its weights or its reference differ.
    Band("loss", _KTO, _START, 0.45, 0.55, "M", "half the mean weight, for weights of 1 and policy = reference"),
)

_DPO_BANDS: tuple[Band, ...] = (
    Band("loss", _SIGMOID, _START, 0.60, 0.72, "D", "DPO guide: near ln 2; its sample run is at 0.65 by step 10"),
    Band("loss", _DPO, _EARLY, 0.45, 0.69, "G", "DPO guide, sample run, widened"),
    Band("loss", _DPO, _MID, 0.25, 0.65, "G", "DPO guide, sample run, widened"),
    Band("loss", _DPO, _LATE, 0.20, 0.60, "G", "from the DPO guide's sample run (0.21) to typical ends (0.60)"),
    Band("reward_margin", PAIRED, _START, -0.1, 0.15, "D", "DPO guide: near zero; sample run"),
    Band("reward_margin", _SIGMOID, _EARLY, 0.0, 0.6, "G", "DPO guide, sample run, widened"),
    Band("reward_margin", _SIGMOID, _MID, 0.2, 2.0, "G", "DPO guide, sample run, widened"),
    Band("reward_margin", _SIGMOID, _LATE, 0.5, 3.0, "G", "typical end of one epoch at beta 0.1"),
    Band("reward_margin", PREFERENCE, _ANY, 0.0, 5.0, "G", "over-optimisation watch at beta 0.1"),
    # Ties count as wrong, so that the first row reads zero.
    Band("reward_accuracy", PAIRED, _START, 0.0, 0.65, "D", "DPO guide: near one half; zero in the first row"),
    Band("reward_accuracy", PAIRED, _EARLY, 0.5, 0.8, "G", "DPO guide, sample run, widened"),
    Band("reward_accuracy", PAIRED, _MID, 0.6, 0.9, "G", "DPO guide, sample run, widened"),
    Band("reward_accuracy", PAIRED, _LATE, 0.8, 0.95, "D", "DPO guide"),
    Band("reward_accuracy", PAIRED, _LATE, 0.70, 0.85, "G", "typical end of one epoch, 7B models"),
    Band("eval.reward_accuracy", PAIRED, _LATE, 0.68, 0.80, "G", "typical end of one epoch, 7B models"),
    Band("reward_chosen", IMPLICIT_REWARD, _START, -0.1, 0.1, "M", "the policy is the reference"),
    Band("reward_rejected", IMPLICIT_REWARD, _START, -0.1, 0.1, "M", "the policy is the reference"),
    Band("reward_chosen", IMPLICIT_REWARD, _ANY, -2.0, _OPEN, "G", "twenty nats below the reference at beta 0.1"),
    Band("lr", _DPO, _ANY, 0.0, 5e-5, "D", "usual for LoRA; a full fine-tune stays below 5e-6"),
)

_ONLINE_BANDS: tuple[Band, ...] = (
    Band("kl_ref_sequence", _SEQUENCE_KL, _ANY, 0.0, 10.0, "D", "RLHF guide"),
    Band("kl_ref", ONLINE, _ANY, -0.01, 0.1, "G", "per token; below zero by noise only"),
    Band("approx_kl", ONLINE, _ANY, 0.0, 0.02, "P", "PPO practice: target 0.01, stop at 1.5 times that"),
    Band("ratio_mean", ONLINE, _ANY, 0.9, 1.1, "D", "TRL PPO documentation"),
    Band("clip_frac", ONLINE, _ANY, 0.0, 0.2, "G", "zero with one update per batch"),
    Band("entropy", ONLINE, _ANY, 0.1, 1.0, "G", "instruct and reasoning models"),
    Band("entropy", frozenset({Method.ONLINE_DPO}), _ANY, 0.1, 1.0, "G", "instruct and reasoning models"),
    Band("truncated_frac", ONLINE, _ANY, 0.0, 0.05, "P", "ScaleRL: stable below 5 %"),
    Band("zero_std_frac", ONLINE, _ANY, 0.0, 0.5, "G", "usual share of groups without contrast"),
    Band("eos_frac", _WITH_EOS, _ANY, 0.5, 1.0, "G", "most answers end by themselves"),
    Band("error_frac", ONLINE, _ANY, 0.0, 0.05, "D", "prime-rl documentation"),
    Band("adv_mean", ONLINE, _ANY, -0.1, 0.1, "G", "after normalisation"),
    Band("staleness_mean", ONLINE, _ANY, 0.0, 4.0, "S", "TRL AsyncGRPO default"),
    Band("explained_var", _PPO, _LATE, 0.5, 1.0, "G", "PPO practice"),
    Band("explained_var", _PPO, _ANY, 0.0, 1.0, "G", "PPO practice"),
    Band("value_clip_frac", _PPO, _ANY, 0.0, 0.3, "G", "PPO practice"),
    Band("kl_infer", ONLINE, _ANY, -0.001, 0.001, "D", "NeMo-RL documentation: about 1e-3"),
    Band("logp_diff_mean", ONLINE, _ANY, 0.0, 0.05, "G", "half of what slime's own checks allow"),
    Band("is_ratio_mean", ONLINE, _ANY, 0.95, 1.05, "D", "verl rollout correction documentation"),
    Band("is_ratio_std", ONLINE, _ANY, 0.0, 1.0, "D", "verl rollout correction documentation"),
    Band("ess", ONLINE, _ANY, 0.3, 1.0, "D", "verl rollout correction documentation"),
    Band("mult_prob_error", ONLINE, _ANY, 1.0, 1.02, "D", "NeMo-RL documentation"),
    Band("lr", _PPO, _ANY, 0.0, 1e-5, "S", "defaults of OpenRLHF and TRL, with room for LoRA"),
    Band("lr", frozenset({Method.GRPO, Method.RLOO}), _ANY, 0.0, 1e-5, "S", "defaults of TRL and verl, with LoRA"),
)

_MODEL_BANDS: tuple[Band, ...] = (
    Band("loss", REWARD_MODEL, _START, 0.64, 0.80, "M", "ln 2 for equal rewards, above it for a random head"),
    Band("eval.rm_accuracy", REWARD_MODEL, _LATE, 0.60, 0.80, "P", "held-out human preferences (InstructGPT: 0.72)"),
    Band("rm_accuracy", REWARD_MODEL, _LATE, 0.60, 0.90, "G", "above 0.90 the pairs are being memorised"),
    Band("rm_mean", REWARD_MODEL, _ANY, -5.0, 5.0, "G", "drift that the loss does not see"),
    Band("rm_margin", REWARD_MODEL, _ANY, 0.0, 5.0, "G", "beyond it, confidence without accuracy"),
    Band("eval.cls_accuracy", CLASSIFIER, _LATE, 0.85, 1.0, "D", "reward-model guide, target"),
    Band("eval.cls_accuracy", CLASSIFIER, _LATE, 0.80, 1.0, "D", "reward-model guide, good"),
    Band("cls_accuracy", CLASSIFIER, _LATE, 0.80, 1.0, "D", "reward-model guide, good"),
    Band("cls_accuracy", CLASSIFIER, _MID, 0.70, 1.0, "D", "reward-model guide: below 0.70 look at the data"),
    Band("eval.cls_f1", CLASSIFIER, _LATE, 0.83, 1.0, "D", "reward-model guide, target"),
    Band("cls_f1", CLASSIFIER, _LATE, 0.83, 1.0, "D", "reward-model guide, target"),
    Band("cls_specificity", CLASSIFIER, _LATE, 0.5, 1.0, "G", "half of the mistakes are found"),
)

BANDS: tuple[Band, ...] = (
    *_KTO_BANDS,
    *_DPO_BANDS,
    *_ONLINE_BANDS,
    *_MODEL_BANDS,
    Band("grad_norm", ALL - _KTO, _ANY, 0.0, 100.0, "G", "a wide guess: the level depends on the model and the loss"),
)


def stage_at(share: float) -> Stage:
    """The stage of a run of which this share is done.

    >>> [str(stage_at(step / 145)) for step in (1, 10, 11, 50, 51, 100, 101, 145)]
    ['start', 'start', 'early', 'early', 'mid', 'mid', 'late', 'late']
    """
    return next((stage for stage, end in STAGES if share <= end), Stage.LATE)


@cache
def _by_metric() -> dict[str, tuple[Band, ...]]:
    table: dict[str, list[Band]] = {}
    for band in BANDS:
        table.setdefault(band.metric, []).append(band)
    return {metric: tuple(bands) for metric, bands in table.items()}


def bands_for(metric: str, method: Method) -> list[Band]:
    """Every band of a metric for a method, the one that counts first in front.

    A series of held-out data (`eval.loss`) has its own bands, or else those of its metric.

    >>> [(str(band.stage), band.low, band.high) for band in bands_for("reward_margin", Method.KTO)][:2]
    [('start', -0.1, 0.1), ('early', 0.1, 0.5)]
    """
    for name in dict.fromkeys((metric, metric.rpartition(".")[2])):
        if fitting := [band for band in _by_metric().get(name, ()) if method in band.methods]:
            return fitting
    return []


def band_at(metric: str, method: Method, share: float) -> Band | None:
    """The band that counts when this share of the run is done: that of the stage, or else one for any stage.

    >>> band_at("kl_ref_sequence", Method.PPO, 0.5)[3:5]
    (0.0, 10.0)
    """
    stage = stage_at(share)
    fitting = bands_for(metric, method)
    for wanted in (stage, Stage.ANY):
        for band in fitting:
            if band.stage is wanted:
                return band
    return None
