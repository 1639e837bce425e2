"""How often the chosen answer wins."""

from __future__ import annotations

from barograph.core.methods import PAIRED
from barograph.rules.advice import advise, check_data, check_labels, cut_lr, raise_lr, revert, stop
from barograph.rules.base import CRITICAL, INFO, WARNING, Rule, param
from barograph.rules.series import accuracy, margin_nats
from barograph.signals.words import (
    after,
    after_warmup,
    before,
    count,
    ema,
    highest,
    lowest,
    mean,
    noise,
    streak,
    sustained,
)

slow = ema(accuracy, share=0.2)


class AccuracyAtChance(Rule):
    """The chosen answer wins as often as a coin.

    Why: the learning rate is too low, the labels are noise, or the answers of a pair do not differ where it counts.
    False alarm: accuracies of small batches scatter widely; a long average is compared.
    Sources: DPO guide: stays near 0.5 (D); width (G).
    """

    code, name, severity = "ACC01", "accuracy-at-chance", WARNING
    methods = PAIRED
    about = "reward_accuracy"
    width = param(0.05, "distance from 0.5 that still counts as chance")
    when = after(share=0.3, steps=60) & sustained(abs(slow - 0.5) < width, 3, share=0.1)
    shows = {"accuracy": slow}
    says = "the accuracy is {accuracy:.2f} at step {last_step}: no better than chance"
    do = (raise_lr, check_labels, check_data)
    follows = ("PREF01", "LOSS01", "RATE03")
    forgiven_after = 0.2


class AccuracyBelowChance(Rule):
    """The rejected answer wins more often than the chosen one.

    Why: chosen and rejected are swapped, or truncation removes what differs.
    False alarm: at step 1 ties count as lost, so the very first accuracy is 0; the warm-up is left out.
    Sources: by definition (M); levels (G); strict comparison in TRL (S).
    """

    code, name, severity = "ACC02", "accuracy-below-chance", CRITICAL
    methods = PAIRED
    about = "reward_accuracy"
    errors = param(3, "standard errors below 0.5")
    least = param(0.05, "distance below 0.5 that matters")
    # Twenty rows: a standard error is the scatter divided by the root of twenty. Of fewer than ten nothing is said.
    # Ties count as lost: where nothing is trained, all are ties.
    apart = abs(ema(margin_nats, 5)) > 0.01
    low = (mean(accuracy, 20) < 0.5 - errors * noise(accuracy, 20) / 4.472) & (mean(accuracy, 20) < 0.5 - least)
    enough = count(accuracy) >= 10
    when = after_warmup() & enough & sustained(low & (ema(accuracy, 5) < 0.5 - least) & apart, 2, share=0.05)
    shows = {"accuracy": mean(accuracy, 20)}
    says = "the accuracy is {accuracy:.2f}, below chance since step {onset}"
    do = (stop(), revert(), check_labels, advise("Check that max_length does not cut off where answers differ"))
    may_act = True
    follows = ("NUM01", "NUM04", "MOVE04", "PREF03", "RATE05", "LOSS11")


class AccuracyPerfectEarly(Rule):
    """Nearly every pair is ranked rightly before a quarter of the run is over.

    Why: the pairs are trivial: length, format or author give the answer away; or duplicates; or the rate is too high.
    False alarm: batches of two pairs reach 1.0 by luck; ten rows must agree.
    Sources: DPO guide (D); TRL issue 1236 (I); 0.98 (G).
    """

    code, name, severity = "ACC03", "accuracy-perfect-too-early", WARNING
    methods = PAIRED
    about = "reward_accuracy"
    level = param(0.98, "accuracy that counts as perfect")
    until = param(0.25, "share of the run that counts as early")
    when = before(share=until, steps=50) & sustained(mean(accuracy, 10) > level, 3)
    shows = {"accuracy": mean(accuracy, 10)}
    says = "the accuracy is {accuracy:.3f} as early as step {step}: the pairs can be told apart by something trivial"
    do = (check_data, advise("Compare lengths and formats of chosen and rejected answers"), cut_lr())


class AccuracyPlateau(Rule):
    """The accuracy has settled a little above chance.

    Why: the labels are noisy, the pairs hard, or the model too small for what they ask.
    False alarm: human preferences on hard prompts have no higher ceiling; two people agree on such pairs no more often.
    Sources: 0.55 to 0.60 is weak (G); people agree in 0.65 to 0.77 of pairs, arXiv 2203.02155 (P).
    """

    code, name, severity = "ACC04", "accuracy-plateau", INFO
    methods = PAIRED
    about = "reward_accuracy"
    low = param(0.55, "accuracy that is above chance")
    high = param(0.60, "accuracy that is worth it")
    step = param(0.01, "difference of averages over a tenth and three tenths that is no progress")
    settled_there = (slow > low) & (slow < high) & (ema(accuracy, share=0.1) - ema(accuracy, share=0.3) < step)
    when = after(share=0.5, steps=200) & (count(accuracy) >= 20) & sustained(settled_there, 3, share=0.1)
    shows = {"accuracy": slow}
    says = "the accuracy has settled at {accuracy:.2f}, a little above chance"
    do = (check_labels, check_data, raise_lr)
    follows = ("ACC01", "LOSS01", "PREF04", "PREF11")


class AccuracyOfSinglePairs(Rule):
    """Every row's accuracy is either 0 or 1.

    Why: each row speaks of one pair only: one pair per device and step, and every step logged.
    False alarm: it is one always: a remark, for the row says nothing; only its average does.
    Sources: an average of one answer (M); TRL issue 2371 (I).
    """

    code, name, severity = "ACC05", "accuracy-of-single-pairs", INFO
    methods = PAIRED
    about = "reward_accuracy"
    rows = param(10, "rows that are needed to say so")
    single = (accuracy <= 0) | (accuracy >= 1)
    both = (lowest(accuracy) <= 0) & (highest(accuracy) >= 1) & (abs(mean(accuracy, 20) - 0.5) < 0.45)
    when = (count(accuracy) >= rows) & (streak(single) >= count(accuracy)) & both
    shows = {"accuracy": mean(accuracy, 20)}
    says = "each row's accuracy is 0 or 1: a row speaks of a single pair; on average it is {accuracy:.2f}"
    do = (advise("Read the average; use larger batches, or log every tenth step"),)
    rearm = 1.0


RULES = (AccuracyAtChance, AccuracyBelowChance, AccuracyPerfectEarly, AccuracyPlateau, AccuracyOfSinglePairs)
