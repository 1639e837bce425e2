"""Reward models trained on pairs."""

from __future__ import annotations

from barograph.core.methods import REWARD_MODEL
from barograph.core.names import EVAL
from barograph.rules.advice import advise, check_data, check_labels, cut_lr, raise_lr, revert, stop
from barograph.rules.base import CRITICAL, INFO, WARNING, Rule, param
from barograph.rules.series import rm_accuracy, rm_margin
from barograph.signals.words import (
    absolute,
    after,
    after_warmup,
    count,
    ema,
    ever,
    first,
    highest,
    log,
    lowest,
    mean,
    metric,
    minimum,
    noise,
    settled,
    sustained,
)

set_pad = advise("Set pad_token_id in the model's configuration: otherwise the score is read at a padding position")
eval_accuracy = metric("rm_accuracy", EVAL)
mean_reward = metric("rm_mean")
spread = metric("rm_max") - metric("rm_min")


class NoSignal(Rule):
    """The reward model ranks pairs no better than chance.

    Why: the score is read at a padding token, truncation removes what differs, or the rate is too low.
    False alarm: the first third of a run, which is waited for: one of 27 healthy ones was at chance after a quarter.
    Sources: TRL issues 937 and 2758 (I); two standard errors (M).
    """

    code, name, severity = "RM01", "reward-model-at-chance", WARNING
    methods = REWARD_MODEL
    about = ("rm_accuracy", "eval.rm_accuracy")
    width = param(0.05, "distance from 0.5 that counts as chance")
    when = (
        after(share=0.35, steps=100)
        & (count(rm_accuracy) >= 8)
        & sustained(abs(ema(rm_accuracy, share=0.1) - 0.5) < width, 3, share=0.1)
    )
    escalates = {CRITICAL: after(share=0.6, steps=400) & (abs(ema(rm_accuracy, share=0.2) - 0.5) < width)}
    shows = {"accuracy": ema(rm_accuracy, share=0.1)}
    says = "the reward model ranks {accuracy:.0%} of the pairs rightly: chance"
    do = (set_pad, check_data, raise_lr)
    follows = ("GRAD09", "GRAD04", "RATE01", "RM10")
    forgiven_after = 0.2


class WeakOnHeldOut(Rule):
    """The reward model is hardly better than chance on pairs it has not seen.

    Why: noisy labels, memorisation, or a backbone that was not tuned for instructions.
    False alarm: human preferences have a ceiling near 0.75; 0.60 to 0.75 is usual there.
    Sources: InstructGPT 0.69 to 0.72, TL;DR 0.63 to 0.69 by size (P); limits (G).
    """

    code, name, severity = "RM02", "weak-on-held-out", WARNING
    methods = REWARD_MODEL
    about = "eval.rm_accuracy"
    weak = param(0.60, "accuracy")
    useless = param(0.55, "accuracy that is critical")
    when = after(share=0.4, steps=200) & sustained(eval_accuracy < weak, 2)
    escalates = {CRITICAL: after(share=0.4, steps=200) & sustained(eval_accuracy < useless, 2)}
    shows = {"accuracy": eval_accuracy}
    says = "the reward model ranks {accuracy:.0%} of unseen pairs rightly"
    do = (check_labels, check_data, advise("Start from a model that was tuned on instructions"))
    follows = ("MOVE07", "MOVE06", "GRAD09", "NUM01", "NUM04", "MOVE04", "RM01", "RM10")


class TooGood(Rule):
    """The reward model is suspiciously good on unseen pairs.

    Why: something trivial gives the answer away: length, format, the source model, or leaked pairs.
    False alarm: synthetic pairs of a strong and a weak model are that easy; it is a remark.
    Sources: practice (G).
    """

    code, name, severity = "RM03", "suspiciously-accurate", INFO
    methods = REWARD_MODEL
    about = "eval.rm_accuracy"
    level = param(0.97, "accuracy")
    when = sustained(eval_accuracy > level, 2)
    shows = {"accuracy": eval_accuracy}
    says = "{accuracy:.1%} of unseen pairs are ranked rightly: look for what gives them away"
    do = (check_data, advise("Try how far length alone gets"))


class Drift(Rule):
    """The mean reward wanders away from zero.

    Why: the loss only sees differences, so the level is free.
    False alarm: harmless if rewards are normalised before use.
    Sources: TRL `center_rewards_coefficient` (D); levels (G).
    """

    code, name, severity = "RM04", "reward-level-drifts", INFO
    methods = REWARD_MODEL
    about = "rm_mean"
    level = param(5, "mean reward")
    far = param(10, "mean reward that makes it a warning")
    when = sustained(abs(ema(mean_reward, 10)) > level, 5)
    escalates = {WARNING: abs(ema(mean_reward, 10)) > far}
    shows = {"mean": ema(mean_reward, 10)}
    says = "the mean reward has drifted to {mean:.1f}"
    do = (advise("Set center_rewards_coefficient=0.01, or normalise the rewards after training"),)
    follows = ("RM10",)


class ScoresMoveTogether(Rule):
    """The scores of all answers move together, by many times what lies between them.

    Why: steps so large that the level of the head is thrown about, where the loss asks for differences only.
    False alarm: a level that drifts over a long run. In 27 healthy runs it moved by 0.6 of what lies between the scores
    at the most.
    Sources: measured on 20 runs at 100 and more times a sane rate: by 7 times at the least (G).
    """

    code, name, severity = "RM10", "scores-move-together", WARNING
    methods = REWARD_MODEL
    about = "rm_mean"
    times = param(3, "times the distance of the highest from the lowest reward")
    nats = param(1, "nats that the mean reward must have moved")
    moved = absolute(ema(mean_reward, 3) - first(mean_reward, 3))
    width = ema(spread, 5)
    thrown = (count(spread) >= 5) & sustained((moved > times * width) & (moved > nats), 3)
    # It lasts for as long as nothing is learned after it.
    when = thrown | (ever(thrown) & (ema(rm_accuracy, 20) < 0.6))
    shows = {"moved": highest(moved)}
    says = "all rewards moved by {moved:.1f} together since step {onset}, by far more than what lies between them"
    do = (revert(), cut_lr(), advise("A longer warm-up"))
    follows = ("NUM01",)


class RangeShrinks(Rule):
    """The range of rewards shrinks, and pairs are ranked by chance.

    Why: the model moves, and finds nothing to hold on to: labels by chance let it forget what its start could tell.
    False alarm: the first part of a run; two fifths of it are waited for.
    Sources: measured on labels by a coin: below 0.7 of the beginning in 13 of 16 runs; never below 0.88 where the rate
    is so low that nothing moves (G).
    """

    code, name, severity = "RM11", "reward-range-shrinks", WARNING
    methods = REWARD_MODEL
    about = ("rm_accuracy", "rm_max")
    less = param(0.6, "share of the range at the beginning")
    width = param(0.08, "distance from 0.5 that counts as chance")
    begin = first(spread, 5)
    range_now = ema(spread, share=0.1)
    when = after(share=0.4, steps=200) & sustained(
        (lowest(settled(range_now, 5)) < less * begin) & (abs(ema(rm_accuracy, share=0.3) - 0.5) < width),
        3,
        share=0.05,
    )
    shows = {"start": begin, "now": range_now, "accuracy": ema(rm_accuracy, share=0.3)}
    says = "the range of rewards has gone from {start:.2g} to {now:.2g}, and {accuracy:.0%} of the pairs rank rightly"
    do = (check_labels, check_data)
    follows = ("RM10", "RM06", "GRAD09", "GRAD04", "NUM01", "NUM04", "MOVE04", "MOVE07", "MOVE06", "LOSS02")


class Overconfident(Rule):
    """The margin is large while the accuracy is not.

    Why: the scale of the reward runs away: sure where it is wrong.
    False alarm: none below these levels.
    Sources: practice (G).
    """

    code, name, severity = "RM05", "overconfident", WARNING
    methods = REWARD_MODEL
    about = "rm_margin"
    large = param(5, "margin")
    right = param(0.8, "accuracy")
    when = sustained((ema(rm_margin, 10) > large) & (ema(rm_accuracy, 10) < right), 3)
    shows = {"margin": ema(rm_margin, 10), "accuracy": ema(rm_accuracy, 10)}
    says = "the margin is {margin:.1f} at an accuracy of {accuracy:.2f}: overconfident"
    do = (cut_lr(), advise("Smooth the labels, or stop earlier"))


class ConstantReward(Rule):
    """All answers get the same reward.

    Why: the head is dead: not trained, or read at a position that is always the same.
    False alarm: the very first row of a fresh head.
    Sources: practice (G).
    """

    code, name, severity = "RM06", "reward-constant", CRITICAL
    methods = REWARD_MODEL
    about = ("rm_max", "rm_std")
    floor = param(1e-3, "spread that counts as none")
    when = sustained((spread < floor) | (metric("rm_std") < floor), 5)
    says = "all answers get the same reward, for {rows}"
    do = (stop("the head is dead"), set_pad, advise("Check the rate and the initialisation of the head"))


class RewardInverted(Rule):
    """Rejected answers get the higher reward.

    Why: chosen and rejected are swapped.
    False alarm: around chance the margin is noise; only a mean well below it counts.
    Sources: by definition (M); two standard errors (G).
    """

    code, name, severity = "RM07", "reward-inverted", CRITICAL
    methods = REWARD_MODEL
    about = ("rm_margin", "rm_accuracy")
    errors = param(3, "standard errors below chance")
    by_margin = ema(rm_margin, 10) < -errors * noise(rm_margin, 10) / 3.162
    by_accuracy = mean(rm_accuracy, 20) < 0.45 - errors * noise(rm_accuracy, 20) / 4.472
    enough = (count(rm_margin) >= 10) | (count(rm_accuracy) >= 10)
    when = after_warmup() & enough & sustained(by_margin | by_accuracy, 3, share=0.05)
    says = "rejected answers get the higher reward since step {onset} (mean {value:.3f})"
    do = (stop(), check_labels)
    may_act = True
    follows = ("GRAD09", "NUM01", "NUM04", "MOVE04", "RM10")


class Miscalibrated(Rule):
    """On unseen pairs the reward model is surer than it is right.

    Why: the scale of the reward has outgrown what it knows: too many epochs, or too high a rate.
    False alarm: small evaluation sets with a few pairs far off; two evaluations must agree.
    Sources: a calibrated model of some accuracy has a loss of at most that accuracy's entropy, and a margin about the
    log-odds of it (M); how much more counts (G).
    """

    code, name, severity = "RM08", "surer-than-right", WARNING
    methods = REWARD_MODEL
    about = "eval.loss"
    more = param(0.15, "loss beyond the entropy of the accuracy")
    right = minimum(eval_accuracy, 0.999)
    entropy = -(right * log(right) + (1 - right) * log(1 - right))
    sure = metric("rm_margin", EVAL) > log(right / (1 - right))
    when = sustained((metric("loss", EVAL) > entropy + more) & sure & (eval_accuracy > 0.5), 2)
    shows = {"loss": metric("loss", EVAL), "accuracy": eval_accuracy, "honest": entropy}
    says = "the evaluation loss is {loss:.2f}; at an accuracy of {accuracy:.2f} an honest one has {honest:.2f} at most"
    do = (advise("Stop earlier, or scale the rewards down (temperature)"), cut_lr(), advise("Smooth the labels"))
    follows = ("FIT01", "FIT02", "FIT03", "RM05")


class RangeWide(Rule):
    """Rewards within one batch lie very far apart.

    Why: the scale runs away: nothing in the loss holds it.
    False alarm: harmless if rewards are normalised before use, and the accuracy rises with it.
    Sources: practice (G).
    """

    code, name, severity = "RM09", "reward-range-wide", INFO
    methods = REWARD_MODEL
    about = ("rm_max", "rm_min")
    most = param(20, "distance of the highest from the lowest reward")
    when = sustained(ema(spread, 10) > most, 5)
    shows = {"range": ema(spread, 10)}
    says = "rewards of one batch lie {range:.0f} apart"
    do = (advise("Normalise the rewards after training, or stop earlier"), cut_lr())
    follows = ("RM05", "PREF06", "LOSS04")


RULES = (
    NoSignal,
    WeakOnHeldOut,
    TooGood,
    Drift,
    ScoresMoveTogether,
    RangeShrinks,
    Overconfident,
    ConstantReward,
    RewardInverted,
    Miscalibrated,
    RangeWide,
)
