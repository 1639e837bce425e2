"""What several findings have in common: a first differential diagnosis, as data.

Each cause names the findings that speak for it, with a weight. A finding counts more the graver it is, and less
if another finding already explains it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from barograph.core.finding import Cause, Finding, Severity

__all__ = ["CAUSES", "CauseRule", "rank"]


class CauseRule(NamedTuple):
    """One possible cause: what speaks for it, and the one thing to do."""

    name: str
    speaks: dict[str, float]
    advice: tuple[str, ...]


CAUSES = (
    CauseRule(
        "learning rate too high",
        {
            "LOSS02": 3, "GRAD01": 3, "GRAD02": 3, "GRAD03": 2, "LOSS03": 2, "NUM01": 2, "NUM02": 2, "PREF03": 2.5,
            "PREF06": 2, "LOSS05": 1, "LOSS07": 1.5, "KTO01": 2, "KL01": 1.5, "KL02": 1.5, "CLIP01": 2, "CLIP02": 1.5,
            "CLIP03": 2, "ENT02": 1.5, "RWD03": 1.5, "LIK01": 1, "LIK05": 4, "RATE04": 1, "PREF02": 1, "VAL01": 1,
        },
        ("Resume from the last good checkpoint with half the learning rate",),
    ),
    CauseRule(
        "learning rate too low",
        {"LOSS01": 3, "LOSS06": 2, "PREF04": 2, "LIK04": 2, "ACC01": 1.5, "RATE03": 4, "RATE01": 4, "GRAD05": 1.5,
         "PREF07": 2, "RWD02": 1, "RM01": 1},
        ("Start again at 2 to 5 times the learning rate",),
    ),
    CauseRule(
        "chosen and rejected swapped",
        {"PREF03": 1.5, "ACC02": 4, "RM07": 4},
        ("Read ten pairs as the model sees them; if the labels are swapped, swap them and start again",),
    ),
    CauseRule(
        "nothing is trainable",
        {"PREF01": 5, "GRAD04": 3, "LOSS01": 1, "LIK04": 1, "PREF04": 0.5},
        ("Attach and switch on the adapter, and check that labels are not all masked",),
    ),
    CauseRule(
        "reference is not the start policy",
        {"PREF02": 5, "LOSS08": 3, "LIK02": 1, "KL03": 1},
        ("Point the reference at the checkpoint that training starts from, without dropout",),
    ),
    CauseRule(
        "over-training on the pairs",
        {"PREF06": 3, "LOSS04": 3, "ACC03": 2, "FIT01": 3, "FIT02": 4, "FIT03": 3, "FIT04": 3, "FIT06": 3, "LIK01": 1},
        ("Go back to the checkpoint with the best evaluation; train for one epoch, at a lower rate or a larger beta",),
    ),
    CauseRule(
        "pairs too alike: likelihood displacement",
        {"LIK01": 4, "LIK03": 1, "PREF05": 1},
        ("Add a likelihood term for the chosen answers, and filter pairs that are nearly the same",),
    ),
    CauseRule(
        "pairs told apart by something trivial",
        {"ACC03": 3, "LOSS03": 3, "RM03": 3, "LOSS04": 1},
        ("Balance length and format of chosen and rejected answers",),
    ),
    CauseRule(
        "labels carry little information",
        {"ACC01": 2, "LOSS06": 1.5, "LOSS01": 1, "RM01": 2, "RM02": 3, "CLS05": 3, "FIT05": 2},
        ("Let two people label fifty pairs: their agreement is the ceiling",),
    ),
    CauseRule(
        "answers cut off by the length limit",
        {"LEN01": 5, "LEN02": 5, "LEN05": 3, "RWD01": 1, "GRP01": 1, "GRP02": 1},
        ("Raise max_completion_length until fewer than one answer in twenty is cut off",),
    ),
    CauseRule(
        "reward is exploited",
        {"RWD04": 5, "RWD06": 2, "KL01": 2, "KL02": 1.5, "LEN03": 2, "ENT01": 1, "KL04": 2},
        ("Go back to the best evaluation and reward what the evaluation measures",),
    ),
    CauseRule(
        "reward is dead",
        {"RWD01": 5, "GRP01": 2, "GRP02": 2, "RWD02": 1.5, "GRAD04": 1},
        ("Run the reward function by hand on ten answers before the next run",),
    ),
    CauseRule(
        "prompts do not match the model",
        {"GRP01": 3, "GRP02": 3, "RWD02": 2},
        ("Keep prompts that are solved sometimes: neither always nor never",),
    ),
    CauseRule(
        "sampling does not match the policy",
        {"KL03": 5, "CLIP02": 2, "CLIP04": 1},
        ("Sample purely (top_k 0, top_p 1, no min_length), and pad with a token that is not EOS",),
    ),
    CauseRule(
        "updates only ever sharpen the policy",
        {"ENT01": 4, "GRP01": 1},
        ("Clip less tightly upwards, or add an entropy bonus",),
    ),
    CauseRule(
        "number range overflows",
        {"NUM01": 2, "NUM02": 2, "NUM03": 3, "NUM04": 3},
        ("Train in bf16 or fp32",),
    ),
    CauseRule(
        "classes are unbalanced",
        {"CLS01": 4, "CLS02": 3, "CLS03": 3, "CLS04": 3, "CLS07": 2, "KTO05": 3, "KTO03": 3},
        ("Weigh or resample the classes, and shuffle",),
    ),
    CauseRule(
        "batch too small for KTO",
        {"KTO02": 2, "KTO03": 2, "KTO04": 3},
        ("Use four or more examples per device and step",),
    ),
    CauseRule(
        "critic does not keep up",
        {"VAL01": 4, "VAL02": 4, "VAL03": 2},
        ("Lower the critic's rate, whiten the rewards, and warm the critic up",),
    ),
)  # fmt: skip

_GRADE = {Severity.INFO: 0.3, Severity.WARNING: 1.0, Severity.CRITICAL: 2.0}
#: A finding that another one explains says little about the cause behind both.
_EXPLAINED = 0.25
#: Causes below this share of the likeliest are not worth naming.
_WORTH_NAMING = 0.3


def rank(findings: Sequence[Finding]) -> list[Cause]:
    """The causes that the findings speak for, likeliest first; scores sum to one over all that were weighed.

    Remarks alone name no cause: there must be a warning at least.
    """
    if all(finding.severity is Severity.INFO for finding in findings):
        return []
    weighed: list[tuple[float, CauseRule, list[str]]] = []
    for cause in CAUSES:
        score = 0.0
        codes: list[str] = []
        for finding in findings:
            weight = cause.speaks.get(finding.code, 0.0)
            if weight and finding.code not in codes:
                score += weight * _GRADE[finding.severity] * (_EXPLAINED if finding.follows else 1.0)
                codes.append(finding.code)
        if score:
            weighed.append((score, cause, codes))
    whole = sum(score for score, _, _ in weighed)
    best = max((score for score, _, _ in weighed), default=0.0)
    return [
        Cause(name=cause.name, score=round(score / whole, 3), codes=codes, advice=cause.advice)
        for score, cause, codes in sorted(weighed, key=lambda entry: -entry[0])
        if score >= _WORTH_NAMING * best
    ]
