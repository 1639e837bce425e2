"""What several findings have in common: a first differential diagnosis, as data.

Each cause names the findings that speak for it and those that speak against it, with a weight. A finding counts more
the graver it is, and less if another finding already explains it, or if it is over and the run has gone on.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from barograph.core.cause import Cause
from barograph.core.finding import Finding, Severity
from barograph.rules.circumstances import (
    Circumstance,
    batch_is_tiny,
    beta_is_large,
    beta_is_small,
    classes_are_unbalanced,
    dropout_is_on,
    examples_come_again,
    half_precision,
    limit_is_short,
    rate_is_high,
    rate_is_low,
    sampling_is_narrowed,
    something_is_trainable,
)
from barograph.rules.measures import (
    Measure,
    balance_classes,
    do,
    fill_batch,
    first,
    go_back,
    go_back_to_best,
    halve_entropy_bonus,
    lengthen_answers,
    less_decay,
    look_at_the_break,
    lower_critic_rate,
    lower_rate,
    mend_beta,
    one_epoch,
    raise_beta,
    raise_rate,
    sample_purely,
    use_bf16,
    widen_clip,
)

__all__ = ["CAUSES", "GRADE", "CauseRule", "Weighed", "rank", "weigh"]


class CauseRule(NamedTuple):
    """One possible cause: what speaks for it, and the one thing to do."""

    name: str
    speaks: dict[str, float]
    advice: tuple[str, ...]
    #: What would not be there, or would be otherwise, if this were the cause.
    against: dict[str, float] = {}
    #: Rules that this cause would make fire: where they were judged and stay silent, that is told.
    expects: tuple[str, ...] = ()
    #: The check that settles whether it is this.
    settles: str = ""
    #: What configuration and log say for or against it.
    circumstances: tuple[Circumstance, ...] = ()
    #: What to do, with the run's own numbers; where none of them is known, `advice` stands alone.
    prescribes: tuple[Measure, ...] = ()


CAUSES = (
    CauseRule(
        "learning rate too high",
        {
            "LOSS02": 3, "GRAD01": 3, "GRAD02": 3, "GRAD03": 2, "LOSS03": 2, "NUM01": 2, "NUM02": 2, "PREF03": 2.5,
            "PREF06": 2, "LOSS05": 1, "LOSS07": 1.5, "KTO01": 2, "KL01": 1.5, "KL02": 1.5, "CLIP01": 2, "CLIP02": 1.5,
            "CLIP03": 2, "ENT02": 3, "RWD03": 1.5, "LIK01": 1, "LIK05": 3.5, "KTO02": 4, "RATE04": 1, "PREF02": 1,
            "VAL01": 1, "PREF12": 1, "KTO07": 3, "KL05": 1, "KL06": 2, "GRAD07": 1, "GRAD09": 6, "LIK08": 1.5,
            "RM06": 3, "LEN06": 3, "RATE05": 10, "LOSS11": 6, "RM10": 8,
            # Answers that no longer end, after the score was lost: the policy has broken down.
            "LEN01": 0.5, "GRP01": 0.5, "RWD01": 0.5, "GRP02": 0.5,
        },
        ("Resume from the last good checkpoint with half the learning rate",),
        # A policy that mirrors its margin, or that earns more and more, has not broken down.
        {"MOVE04": 4, "MOVE07": 3, "RWD04": 3, "RWD09": 4, "RWD06": 3},
        expects=("LOSS02", "GRAD01", "RWD03", "CLIP03"),
        settles="run fifty steps at half the rate: if the trouble comes later or not at all, it was the rate",
        circumstances=(rate_is_high,),
        prescribes=(go_back, lower_rate),
    ),
    CauseRule(
        "learning rate too low",
        {"LOSS01": 3, "LOSS06": 2, "PREF04": 2, "LIK04": 2, "ACC01": 1.5, "RATE03": 4, "RATE01": 4, "GRAD05": 1.5,
         "PREF07": 2, "RWD02": 2.5, "RM01": 1, "PREF11": 2, "MOVE02": 4, "MOVE05": 4, "MOVE08": 6},
        ("Start again at 2 to 5 times the learning rate",),
        # Something has moved, and far.
        {"RWD01": 3, "GRP01": 3, "GRP02": 3, "RWD03": 4, "KL01": 3, "CLIP03": 3, "LOSS05": 2, "LOSS07": 2, "LIK01": 2,
         "MOVE01": 5, "MOVE03": 5, "MOVE04": 5, "GRAD09": 6, "CLS12": 4, "RATE04": 4, "RM10": 5, "RM11": 8},
        expects=("LOSS06", "PREF04", "RWD02"),
        settles="run fifty steps at five times the rate: if the loss moves now, it was the rate",
        circumstances=(rate_is_low,),
        prescribes=(raise_rate,),
    ),
    CauseRule(
        "chosen and rejected swapped",
        {"PREF03": 1.5, "ACC02": 4, "RM07": 4, "MOVE04": 6, "MOVE06": 10, "MOVE07": 6},
        ("Read ten pairs as the model sees them; if the labels are swapped, swap them and start again",),
        # What has no gradient any more has no opinion either.
        {"RM06": 3, "GRAD09": 3, "NUM01": 4, "RATE05": 12, "PREF10": 6, "LOSS11": 4, "RM10": 4},
        expects=("PREF03", "ACC02", "RM07"),
        settles="read ten pairs as the model sees them: is the chosen answer the better one?",
    ),
    CauseRule(
        "nothing is trainable",
        {"PREF01": 5, "LIK12": 5, "GRAD04": 3, "LOSS01": 1, "LIK04": 1, "PREF04": 0.5, "MOVE02": 1},
        ("Attach and switch on the adapter, and check that labels are not all masked",),
        # One text for both; a gradient that was there and is gone, or is no number; or something moves.
        {"LIK06": 4, "GRAD09": 3, "NUM01": 6, "MOVE08": 3, "RM10": 5, "RM11": 3},
        expects=("PREF01", "GRAD04"),
        settles="count the parameters that have a gradient after one step",
        circumstances=(something_is_trainable,),
    ),
    CauseRule(
        "pairs are one text to the model",
        {"LIK06": 8, "LOSS01": 1, "PREF04": 0.5},
        ("Read ten pairs as the model sees them; raise max_length, or cut from the beginning of the prompt",),
        expects=("LIK06",),
        settles="print ten pairs after the template and the truncation: do they differ?",
    ),
    CauseRule(
        "beta too small", {"PREF09": 16, "LIK01": 1, "LOSS01": 1},
        ("Set beta between 0.01 and 0.5",),
        expects=("PREF09",),
        settles="run fifty steps with beta 0.1",
        circumstances=(beta_is_small,),
        prescribes=(mend_beta,),
    ),
    CauseRule(
        "beta too large", {"PREF10": 16, "KL08": 16, "LOSS07": 1, "PREF04": 0.5},
        ("Set beta between 0.01 and 0.5; online to 0.1 at most",),
        expects=("PREF10", "KL08"),
        settles="run fifty steps with beta 0.1",
        circumstances=(beta_is_large,),
        prescribes=(mend_beta,),
    ),
    CauseRule(
        "reference is not the start policy",
        {"PREF02": 5, "LOSS08": 3, "LIK02": 1, "KL03": 1, "KL07": 5},
        ("Point the reference at the checkpoint that training starts from, without dropout",),
        expects=("PREF02", "LOSS08"),
        settles="log the rewards of the very first step: with the right reference they are zero",
        circumstances=(dropout_is_on,),
    ),
    CauseRule(
        "over-training on the pairs",
        {"PREF06": 3, "LOSS04": 3, "ACC03": 2, "FIT01": 3, "FIT02": 4, "FIT03": 3, "FIT04": 3, "FIT06": 3, "FIT08": 4,
         "LIK01": 1, "RM08": 1, "CLS09": 2, "FIT07": 1},
        ("Go back to the checkpoint with the best evaluation; train for one epoch, at a lower rate or a larger beta",),
        # As good on what it has not seen; or never good on it; or turned round at once.
        {"RM06": 3, "RM03": 10, "MOVE06": 5, "MOVE04": 4, "MOVE07": 5},
        expects=("FIT01", "FIT04", "FIT06"),
        settles="score the best and the last checkpoint on examples that were held out",
        circumstances=(examples_come_again,),
        prescribes=(go_back_to_best, first(one_epoch, lower_rate)),
    ),
    CauseRule(
        "scores have collapsed to one value",
        {"RM06": 5, "LOSS02": 1},
        ("Go back to before it, at a lower learning rate and with less weight decay",),
        # It had learned something before: what never did is another matter.
        {"LOSS01": 2, "MOVE02": 2, "RM10": 4},
        expects=("RM06",),
        settles="score ten answers by the last checkpoint: do they differ?",
        prescribes=(go_back, lower_rate, less_decay),
    ),
    CauseRule(
        "pairs too alike: likelihood displacement",
        {"LIK01": 4, "LIK05": 1.5, "LIK03": 1, "LIK07": 4, "LIK08": 1, "LIK09": 3, "PREF05": 1},
        ("Add a likelihood term for the chosen answers, and filter pairs that are nearly the same",),
        # Where nothing is learned any more, the policy is not drifting but gone.
        {"GRAD04": 3, "GRAD05": 2, "KTO02": 5, "MOVE01": 4},
        expects=("LIK01",),
        settles="compare chosen and rejected answers word by word: how many pairs differ in a few words only?",
        prescribes=(do("add a likelihood term of weight 1 for the chosen answers"), raise_beta),
    ),
    CauseRule(
        "pairs told apart by something trivial",
        {"ACC03": 3, "LOSS03": 3, "RM03": 3, "LOSS04": 1},
        ("Balance length and format of chosen and rejected answers",),
        expects=("ACC03", "LOSS03"),
        settles="tell chosen from rejected by length or first word alone: how often is that right?",
    ),
    CauseRule(
        "labels carry little information",
        {"ACC01": 2, "LOSS06": 1.5, "LOSS01": 1, "RM01": 2, "RM02": 2, "CLS05": 3, "CLS10": 2, "FIT05": 2,
         "ACC04": 1, "LOSS10": 2, "MOVE01": 5, "MOVE03": 5, "CLS12": 5, "LIK05": 1, "RM11": 5},
        ("Let two people label fifty pairs: their agreement is the ceiling",),
        # It does not move at all, or cannot any more, or the labels say something else from a step on.
        {"RM06": 3, "GRAD09": 8, "MOVE02": 5, "MOVE04": 5, "NUM01": 4, "LOSS02": 4, "GRAD01": 2, "MOVE06": 4,
         "LOSS11": 3, "MOVE08": 5, "RM10": 6},
        expects=("ACC01", "FIT05", "RM02"),
        settles="let two people label fifty pairs: how often do they agree?",
    ),
    CauseRule(
        "answers cut off by the length limit",
        {"LEN01": 5, "LEN02": 5, "LEN05": 5, "RWD01": 1, "GRP01": 1, "GRP02": 1},
        ("Raise max_completion_length until fewer than one answer in twenty is cut off",),
        # It was better under the same limit, or is paid for going beyond it.
        {"RWD03": 5, "ENT02": 4, "RWD04": 4, "KL01": 2, "KL02": 2, "CLIP03": 2, "LEN06": 8},
        expects=("LEN01",),
        settles="sample twenty answers with twice the limit: do they end?",
        circumstances=(limit_is_short,),
        prescribes=(lengthen_answers,),
    ),
    CauseRule(
        "reward is exploited",
        {"RWD04": 6, "RWD09": 6, "RWD06": 4, "LEN06": 1, "KL01": 2, "KL02": 1.5, "LEN03": 2, "ENT01": 1, "KL04": 2},
        ("Go back to the best evaluation and reward what the evaluation measures",),
        # Whoever exploits a score keeps it.
        {"RWD03": 2},
        expects=("RWD04", "RWD06"),
        settles="read the ten answers with the highest reward: are they good?",
        prescribes=(first(go_back_to_best, go_back), do("reward what the evaluation measures"), raise_beta),
    ),
    CauseRule(
        "reward is dead",
        {"RWD01": 5, "RWD08": 3, "GRP01": 2, "GRP02": 2, "RWD02": 1.5, "GRAD04": 1, "RWD03": 2},
        ("Run the reward function by hand on ten answers before the next run",),
        # The policy has changed beyond its use, whatever the reward function does.
        {"ENT02": 3, "KL01": 3, "KL02": 3, "CLIP03": 3, "LEN01": 3, "LEN06": 3, "RWD04": 2, "RWD09": 2, "RWD10": 4,
         "GRP08": 8},
        expects=("RWD01", "GRP02"),
        settles="run the reward function by hand on ten answers: do its scores differ?",
        prescribes=(look_at_the_break,),
    ),
    CauseRule(
        "prompts do not match the model",
        {"GRP01": 4, "RWD10": 6, "GRP02": 3, "GRP03": 4, "RWD02": 2},
        ("Keep prompts that are solved sometimes: neither always nor never",),
        {"RWD03": 4, "LEN01": 4, "LEN06": 4, "ENT02": 3, "MOVE05": 1, "ENT01": 3, "GRP08": 14},
        expects=("GRP01",),
        settles="sample eight answers to each of fifty prompts: how many prompts are solved sometimes?",
    ),
    CauseRule(
        "sampling does not match the policy",
        {"KL03": 5, "CLIP02": 2, "CLIP04": 1},
        ("Sample purely (top_k 0, top_p 1, no min_length), and pad with a token that is not EOS",),
        expects=("KL03",),
        settles="run ten steps with top_k 0, top_p 1 and temperature 1",
        circumstances=(sampling_is_narrowed,),
        prescribes=(sample_purely,),
    ),
    CauseRule(
        "updates only ever sharpen the policy",
        {"ENT01": 4, "GRP01": 2, "GRP07": 2, "GRP08": 8},
        ("Clip less tightly upwards, or add an entropy bonus",),
        expects=("ENT01",),
        settles="run fifty steps with epsilon_high 0.28: does the entropy last?",
        prescribes=(go_back, first(widen_clip, do("clip less tightly upwards, or add an entropy bonus"))),
    ),
    CauseRule(
        "entropy bonus too strong",
        {"ENT03": 14, "ENT02": 3.5},
        ("Lower the entropy bonus, or steer it to a target",),
        # Steps that are too large leave more than noise behind.
        {"GRAD01": 2, "CLIP03": 2, "KL01": 1, "NUM01": 4},
        expects=("ENT02",),
        settles="run fifty steps without the bonus: does the entropy still rise?",
        prescribes=(go_back, first(halve_entropy_bonus, do("lower the entropy bonus, or steer it to a target"))),
    ),
    CauseRule(
        "number range overflows",
        {"NUM01": 3, "NUM02": 2, "NUM03": 3, "NUM04": 3},
        ("Train in bf16 or fp32",),
        expects=("NUM01", "NUM02"),
        settles="run the same steps in fp32",
        circumstances=(half_precision,),
        prescribes=(go_back, first(use_bf16, do("train in bf16 or fp32"))),
    ),
    CauseRule(
        "classes are unbalanced",
        {"CLS01": 4, "CLS02": 3, "CLS03": 3, "CLS04": 3, "CLS07": 2, "CLS11": 2, "KTO05": 3, "KTO03": 5},
        ("Weigh or resample the classes, and shuffle",),
        # A classifier that goes from one extreme to the other follows no class.
        {"CLS12": 6},
        expects=("CLS02", "CLS04", "KTO05"),
        settles="count the labels of each class",
        circumstances=(classes_are_unbalanced,),
        prescribes=(balance_classes,),
    ),
    CauseRule(
        "batch too small for KTO",
        {"KTO02": 2, "KTO03": 2, "KTO04": 7, "KTO08": 6},
        ("Use four or more examples per device and step",),
        expects=("KTO04", "KTO02"),
        settles="run fifty steps with eight examples per device",
        circumstances=(batch_is_tiny,),
        prescribes=(fill_batch,),
    ),
    CauseRule(
        "critic does not keep up",
        {"VAL01": 4, "VAL02": 4, "VAL03": 2, "VAL05": 8},
        ("Lower the critic's rate, whiten the rewards, and warm the critic up",),
        expects=("VAL01", "VAL02", "VAL05"),
        settles="train the critic alone for fifty steps: does it explain the returns then?",
        prescribes=(lower_critic_rate, do("whiten the rewards, and warm the critic up")),
    ),
    CauseRule(
        "engines disagree",
        {"ENG01": 5, "ENG02": 3, "ENG03": 5, "ENG04": 2, "ENG05": 3, "ENG06": 3, "ENG07": 4, "CLIP02": 1, "CLIP05": 3},
        ("Use one precision in both engines, check that weights are synchronised, and correct for what is left",),
        expects=("ENG01", "ENG02", "ENG03"),
        settles="compute the log-probabilities of one batch by both engines, with the same weights",
    ),
    CauseRule(
        "samples too old",
        {"ENG08": 5, "ENG04": 1},
        ("Generate fewer batches ahead, or synchronise the weights more often",),
        expects=("ENG08",),
        settles="run fifty steps without generating ahead",
    ),
    CauseRule(
        "rollouts fail",
        {"ROLL01": 5, "ROLL02": 4, "ROLL03": 4},
        ("Mend the environment and its tools before the policy",),
        expects=("ROLL01", "ROLL02", "ROLL03"),
        settles="read the errors of ten failed rollouts",
    ),
    CauseRule(
        "nothing to compare an answer with",
        {"ROLL04": 8},
        ("Sample 8 to 16 answers for each prompt",),
        expects=("ROLL04",),
        settles="look up how many answers are sampled for each prompt",
    ),
)  # fmt: skip

#: How much a finding counts by its severity.
GRADE = {Severity.INFO: 0.3, Severity.WARNING: 1.0, Severity.CRITICAL: 2.0}
#: A finding that another one explains says little about the cause behind both.
_EXPLAINED = 0.25
#: One that is over, while the run has gone on for more than this share of itself, says less than one that holds.
_OVER, _SINCE = 0.6, 0.05
#: Causes below this share of the likeliest are not worth naming.
_WORTH_NAMING = 0.3


class Weighed(NamedTuple):
    """A cause with all that speaks for and against it; what speaks against it may outweigh the rest."""

    score: float
    cause: CauseRule
    #: Findings that speak for it.
    codes: list[str]


def rank(findings: Sequence[Finding], last_step: int = 0) -> list[Cause]:
    """The causes that the findings speak for, likeliest first; scores sum to one over all that were weighed.

    Remarks alone name no cause: there must be a warning at least.
    """
    if all(finding.severity is Severity.INFO for finding in findings):
        return []
    weighed = [one for one in weigh(findings, last_step) if one.codes and one.score > 0]
    whole = sum(one.score for one in weighed)
    best = max((one.score for one in weighed), default=0.0)
    return [
        Cause(name=cause.name, score=round(score / whole, 3), codes=codes, advice=cause.advice)
        for score, cause, codes in sorted(weighed, key=lambda one: -one.score)
        if score >= _WORTH_NAMING * best
    ]


def weigh(findings: Sequence[Finding], last_step: int = 0) -> list[Weighed]:
    """Every cause, in the order of the table."""
    telling: dict[str, tuple[float, bool]] = {}
    for finding in findings:
        how_much = GRADE[finding.severity] * (_OVER if last_step - finding.last_step > _SINCE * last_step else 1.0)
        known = telling.get(finding.code)
        if known is None or how_much > known[0]:
            telling[finding.code] = how_much, finding.follows is not None
    weighed = []
    for cause in CAUSES:
        codes = [code for code in telling if code in cause.speaks]
        score = sum(cause.speaks[code] * _said(telling[code]) for code in codes)
        # What speaks against it does so whether or not it is explained.
        score -= sum(weight * telling[code][0] for code, weight in cause.against.items() if code in telling)
        weighed.append(Weighed(score, cause, codes))
    return weighed


def _said(told: tuple[float, bool]) -> float:
    how_much, is_explained = told
    return how_much * (_EXPLAINED if is_explained else 1.0)
