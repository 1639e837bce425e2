"""The training methods we know, and the families that share their failure modes."""

from __future__ import annotations

from enum import StrEnum

__all__ = [
    "ALL",
    "CLASSIFIER",
    "GENERATING",
    "IMPLICIT_REWARD",
    "ONLINE",
    "PAIRED",
    "PREFERENCE",
    "REWARD_MODEL",
    "SUPERVISED_LOSS",
    "Method",
]


class Method(StrEnum):
    """How a run is trained. ``UNKNOWN`` is judged by the rules that hold for every method."""

    KTO = "kto"
    BCO = "bco"
    DPO = "dpo"
    ORPO = "orpo"
    CPO = "cpo"
    ONLINE_DPO = "online-dpo"
    REWARD = "reward"
    CLASSIFIER = "classifier"
    PRM = "prm"
    PPO = "ppo"
    RLOO = "rloo"
    GRPO = "grpo"
    SFT = "sft"
    UNKNOWN = "unknown"


ALL = frozenset(Method)
#: Pairs of a chosen and a rejected answer.
PAIRED = frozenset({Method.DPO, Method.ORPO, Method.CPO, Method.ONLINE_DPO})
#: Trained on preferences without a reward model.
PREFERENCE = PAIRED | {Method.KTO, Method.BCO}
#: The implicit reward compares with a reference model, so zero means "as the reference".
IMPLICIT_REWARD = frozenset({Method.DPO, Method.KTO, Method.BCO, Method.ONLINE_DPO})
#: The policy generates, something scores it.
ONLINE = frozenset({Method.PPO, Method.RLOO, Method.GRPO})
#: Whatever generates answers while it trains.
GENERATING = ONLINE | {Method.ONLINE_DPO}
#: A scalar head trained on pairs.
REWARD_MODEL = frozenset({Method.REWARD})
#: Right or wrong, per answer or per step.
CLASSIFIER = frozenset({Method.CLASSIFIER, Method.PRM})
#: The loss is a measure of progress (in online methods it is not).
SUPERVISED_LOSS = ALL - GENERATING
