"""Groups of answers to one prompt: without a spread of scores they teach nothing."""

from __future__ import annotations

from barograph.core.methods import ONLINE
from barograph.rules.advice import advise
from barograph.rules.base import CRITICAL, INFO, WARNING, Rule, param
from barograph.rules.score import at_its_best
from barograph.rules.series import score, score_std, silent_groups
from barograph.signals.words import count, ema, fraction, sustained


class GroupsWithoutSpread(Rule):
    """In most groups all answers score the same, so that they teach nothing.

    Why: the prompts are all too hard (score at its minimum) or all solved, the group is too small, or every answer is
    cut off.
    False alarm: up to half of the groups is ordinary. Where the score stands at its best the task is solved: a remark.
    Sources: TRL key `frac_reward_zero_std` (D); DAPO, arXiv 2503.14476 (P); levels (G).
    """

    code, name, severity = "GRP01", "groups-without-spread", INFO
    methods = ONLINE
    about = "zero_std_frac"
    most = param(0.7, "share of groups")
    nearly_all = param(0.9, "share of groups that makes it critical")
    when = (count(silent_groups) >= 10) & sustained(ema(silent_groups, 20) > most, 5, share=0.05)
    escalates = {WARNING: ~at_its_best, CRITICAL: (ema(silent_groups, 20) > nearly_all) & ~at_its_best}
    shows = {"share": ema(silent_groups, 20), "score": ema(score, 20)}
    says = "in {share:.0%} of the groups all answers score the same (mean score {score:.3g}): they teach nothing"
    do = (
        advise("Choose prompts that are solved sometimes, or filter groups while sampling"),
        advise("Enlarge the group, or raise the temperature"),
        advise("Give partial credit"),
    )
    follows = ("LEN01", "LEN02", "RWD01")


class SpreadGone(Rule):
    """The spread of scores within a group is zero in most rows.

    Why: as with `groups-without-spread`; older logs tell it by the standard deviation only.
    False alarm: rows of a single group are often without spread while others teach.
    Sources: TRL issues 3857 and 5697 (I); share (G).
    """

    code, name, severity = "GRP02", "score-spread-zero", INFO
    methods = ONLINE
    about = "score_std"
    most = param(0.8, "share of the last 30 rows")
    nearly_all = param(0.97, "share of the last 30 rows that makes it critical")
    when = sustained(fraction(score_std < 1e-6, 30) > most, 5)
    escalates = {WARNING: ~at_its_best, CRITICAL: (fraction(score_std < 1e-6, 30) > nearly_all) & ~at_its_best}
    shows = {"share": fraction(score_std < 1e-6, 30), "score": ema(score, 20)}
    says = "in {share:.0%} of the last rows all answers score the same (mean score {score:.3g})"
    do = GroupsWithoutSpread.do
    follows = ("LEN01", "LEN02", "RWD01", "GRP01")


RULES = (GroupsWithoutSpread, SpreadGone)
