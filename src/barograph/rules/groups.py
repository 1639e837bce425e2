"""Groups of answers to one prompt: without a spread of scores they teach nothing."""

from __future__ import annotations

from barograph.core.methods import ONLINE, Method
from barograph.rules.advice import advise
from barograph.rules.base import CRITICAL, INFO, WARNING, Rule, param
from barograph.rules.score import at_its_best, score_error, score_gain
from barograph.rules.series import score, score_std, silent_groups
from barograph.signals.words import (
    absolute,
    count,
    ema,
    first,
    fraction,
    highest,
    maximum,
    metric,
    noise,
    settled,
    sustained,
)

#: The score has risen, and holds what it has gained: groups fall silent because their prompts are solved.
earned = (score_gain > 3 * score_error) & (ema(score, 20) > 0.9 * highest(settled(ema(score, 20), 10)))


class GroupsWithoutSpread(Rule):
    """In most groups all answers score the same, so that they teach nothing.

    Why: the prompts are all too hard (score at its minimum) or all solved, the group is too small, or every answer is
    cut off.
    False alarm: up to half of the groups is ordinary. Where the score stands at its best, or has risen and kept it,
    more and more prompts are solved: a remark.
    Sources: TRL key `frac_reward_zero_std` (D); DAPO, arXiv 2503.14476 (P); levels (G).
    """

    code, name, severity = "GRP01", "groups-without-spread", INFO
    methods = ONLINE
    about = "zero_std_frac"
    most = param(0.7, "share of groups")
    nearly_all = param(0.9, "share of groups that makes it critical")
    when = (count(silent_groups) >= 10) & sustained(ema(silent_groups, 20) > most, 5, share=0.05)
    escalates = {WARNING: ~at_its_best & ~earned, CRITICAL: (ema(silent_groups, 20) > nearly_all) & ~at_its_best}
    shows = {"share": ema(silent_groups, 20), "score": ema(score, 20)}
    says = "in {share:.0%} of the groups all answers score the same (mean score {score:.3g}): they teach nothing"
    do = (
        advise("Choose prompts that are solved sometimes, or filter groups while sampling"),
        advise("Enlarge the group, or raise the temperature"),
        advise("Give partial credit"),
    )
    follows = ("LEN01", "LEN02", "RWD01", "ENT01")


class GroupsFellSilent(Rule):
    """Answers to one prompt have come to score the same, while prompts differ from each other.

    Why: each prompt is answered in one way, right or wrong: the policy has sharpened until sampling finds nothing else.
    False alarm: a task that is solved ends so, with the score at its best.
    Sources: measured on runs whose entropy bonus has the wrong sign (G).
    """

    code, name, severity = "GRP08", "groups-fell-silent", INFO
    methods = ONLINE
    about = "zero_std_frac"
    at_first = param(0.4, "share of groups at the beginning")
    silent = param(0.9, "share of groups now")
    apart = param(0.05, "spread of all scores that tells prompts apart")
    when = (count(silent_groups) >= 20) & sustained(
        (first(silent_groups, 10) < at_first) & (ema(silent_groups, 20) > silent) & (ema(score_std, 20) > apart),
        5,
        share=0.05,
    )
    shows = {"start": first(silent_groups, 10), "share": ema(silent_groups, 20)}
    says = "all answers score the same in {share:.0%} of the groups, {start:.0%} at first, though prompts differ"
    do = (advise("Clip less tightly upwards, or add an entropy bonus"), advise("Sample at temperature 1"))
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
    escalates = {
        WARNING: ~at_its_best & ~earned,
        CRITICAL: (fraction(score_std < 1e-6, 30) > nearly_all) & ~at_its_best,
    }
    shows = {"share": fraction(score_std < 1e-6, 30), "score": ema(score, 20)}
    says = "in {share:.0%} of the last rows all answers score the same (mean score {score:.3g})"
    do = GroupsWithoutSpread.do
    follows = ("LEN01", "LEN02", "RWD01", "GRP01")


class PromptsUnsolved(Rule):
    """Most prompts are solved by none of their answers.

    Why: they are too hard for the model as it is, or the reward never matches.
    False alarm: data that is hard on purpose, with filtering of such groups while sampling.
    Sources: DAPO, arXiv 2503.14476 (P); level (G).
    """

    code, name, severity = "GRP03", "prompts-unsolved", WARNING
    methods = ONLINE
    about = "solved_none_frac"
    most = param(0.7, "share of prompts")
    nearly_all = param(0.95, "share of prompts that makes it critical")
    unsolved = ema(metric("solved_none_frac"), 20)
    when = (count(metric("solved_none_frac")) >= 10) & sustained(unsolved > most, 5, share=0.05)
    escalates = {CRITICAL: unsolved > nearly_all}
    shows = {"share": unsolved}
    says = "{share:.0%} of the prompts are solved by none of their answers: they teach nothing"
    do = (
        advise("Choose easier prompts, or give partial credit"),
        advise("Run the reward function by hand on an answer that you know to be right"),
    )
    follows = ("LEN01", "LEN02", "RWD01")


class PromptsAllSolved(Rule):
    """Most prompts are solved by all of their answers.

    Why: they are too easy for the model as it is by now.
    False alarm: it is how a task ends that has been learned; a remark.
    Sources: DAPO, arXiv 2503.14476 (P); level (G).
    """

    code, name, severity = "GRP04", "prompts-all-solved", INFO
    methods = ONLINE
    about = "solved_all_frac"
    most = param(0.7, "share of prompts")
    solved = ema(metric("solved_all_frac"), 20)
    when = (count(metric("solved_all_frac")) >= 10) & sustained(solved > most, 5, share=0.05)
    shows = {"share": solved}
    says = "{share:.0%} of the prompts are solved by all of their answers: there is little left to learn from them"
    do = (advise("Choose harder prompts, or stop here"),)


class AdvantagesExtreme(Rule):
    """Single advantages are very far from the others.

    Why: they are divided by a spread within the group that is nearly zero.
    False alarm: advantages that are not normalised have the scale of the reward: compare with their own spread.
    Sources: Dr. GRPO, arXiv 2503.20783: no division (P); twenty standard deviations (G).
    """

    code, name, severity = "GRP05", "advantages-extreme", INFO
    methods = ONLINE
    about = ("adv_max", "adv_min")
    most = param(20, "spreads, or units where the spread is not logged, between the highest and the lowest")
    between = metric("adv_max") - metric("adv_min")
    own_spread = maximum(metric("adv_std"), 1)
    # Where rewards are only centred, advantages lie no farther apart than they do.
    rewards = maximum(metric("score_max") - metric("score_min"), 1)
    when = (count(metric("adv_max")) >= 5) & sustained((between > most * own_spread) | (between > most * rewards), 5)
    shows = {"range": between}
    says = "the advantages of a batch lie {range:.0f} apart"
    do = (advise("Do not divide by the spread within the group (scale_rewards none, dr_grpo), or enlarge the group"),)


class AdvantagesOffCentre(Rule):
    """The mean advantage is not zero although advantages are normalised.

    Why: groups are cut apart by padding, filtering or sharding, so that their mean is not theirs any more.
    False alarm: estimators with a critic need not be centred; only advantages with a spread about one are looked at.
    Sources: definition of a normalised advantage (M); a tenth (G).
    """

    code, name, severity = "GRP06", "advantages-off-centre", INFO
    methods = ONLINE
    about = "adv_mean"
    away = param(0.1, "distance from zero, in spreads")
    centre = ema(metric("adv_mean"), 20)
    spread_of_them = ema(metric("adv_std"), 20)
    normalised = (spread_of_them > 0.5) & (spread_of_them < 1.5)
    when = (count(metric("adv_mean")) >= 20) & sustained(
        normalised & (absolute(centre) > away) & (absolute(centre) > noise(metric("adv_mean"), 20)), 10
    )
    shows = {"mean": centre}
    says = "the mean advantage is {mean:.2f} since step {onset}, where zero is meant"
    do = (advise("Check that each group stays whole on its way through filtering and sharding"),)


class ScoreMarginGone(Rule):
    """The two answers to a prompt score alike: there is nothing to prefer any more.

    Why: the policy has converged, or collapsed to one answer.
    False alarm: it is how a run ends that has learned what the judge can tell apart.
    Sources: a twentieth of its beginning (G).
    """

    code, name, severity = "GRP07", "score-margin-gone", WARNING
    methods = frozenset({Method.ONLINE_DPO})
    about = "score_margin"
    share = param(0.05, "share of its beginning that is left")
    left = ema(metric("score_margin"), 10)
    begin = first(metric("score_margin"), 10)
    when = (count(metric("score_margin")) >= 20) & sustained((begin > 0) & (left < share * begin), 5, share=0.05)
    shows = {"left": left, "start": begin}
    says = "the answers to a prompt score {left:.3g} apart, and {start:.3g} at the beginning: nothing left to prefer"
    do = (advise("Raise the temperature"), advise("Stop here if the score is what was wanted"))


RULES = (
    GroupsWithoutSpread,
    GroupsFellSilent,
    SpreadGone,
    PromptsUnsolved,
    PromptsAllSolved,
    AdvantagesExtreme,
    AdvantagesOffCentre,
    ScoreMarginGone,
)
