"""What the learning rate itself tells."""

from __future__ import annotations

from barograph.core.methods import CLASSIFIER, ONLINE, PREFERENCE, REWARD_MODEL, Method
from barograph.rules.advice import advise, cut_lr, raise_lr
from barograph.rules.base import INFO, WARNING, Rule, param
from barograph.rules.series import loss, lr
from barograph.signals.words import (
    after,
    after_warmup,
    before,
    count,
    delta,
    ema,
    ever,
    first,
    highest,
    lowest,
    step,
    sustained,
)


class RateZero(Rule):
    """The learning rate is zero in the middle of the run.

    Why: the scheduler believes that the run is over, or `max_steps` and the warm-up do not fit together.
    False alarm: the very last rows of a schedule that decays to zero; they do not count.
    Sources: practice (G).
    """

    code, name, severity = "RATE01", "learning-rate-zero", WARNING
    about = "lr"
    until = param(0.95, "share of the run up to which zero is wrong")
    when = after_warmup() & before(share=until, steps=1e12) & sustained(lr <= 0, 2, share=0.05)
    says = "the learning rate is 0 since step {onset}: nothing is learned any more"
    do = (advise("Compare max_steps and the number of epochs with the scheduler's own total"), raise_lr)


class NoWarmup(Rule):
    """The learning rate starts at its full value.

    Why: no warm-up is configured; the first updates are then the largest ones, on the least reliable statistics.
    False alarm: many healthy runs have none, above all with adapters and small rates; it is a remark.
    Sources: KTO guide: ramp up over the first tenth (D).
    """

    code, name, severity = "RATE02", "no-warmup", INFO
    methods = PREFERENCE
    about = "lr"
    when = after(share=0.1, steps=20) & (first(lr, 1) > 0.95 * highest(lr)) & (count(lr) > 3)
    shows = {"first": first(lr, 1), "highest": highest(lr)}
    says = "the learning rate starts at {first:.2g}, its full value: there is no warm-up"
    do = (advise("Warm up over the first 3 to 10 % of the steps"),)
    rearm = 1.0


class RateTooLow(Rule):
    """The learning rate never gets near the range in which this method learns.

    Why: a typing error in the exponent, or a schedule that never leaves the warm-up.
    False alarm: very long runs on very small steps.
    Sources: KTO documentation: 5e-7 to 5e-6 (D); DPO: 5e-7 to 5e-6 (P, D); reward models: 5e-6 to 2e-5 (P, S); online
    methods: 3e-7 to 3e-6 (S); a fifth of the lower end (G).
    """

    code, name, severity = "RATE03", "learning-rate-too-low", WARNING
    methods = PREFERENCE | REWARD_MODEL | ONLINE
    about = "lr"
    floor = param(
        1e-7,
        "highest rate of the run below which hardly anything can move",
        by_method={**dict.fromkeys(REWARD_MODEL, 1e-6), **dict.fromkeys(ONLINE, 5e-8)},
    )
    when = after(share=0.3, steps=60) & (highest(lr) < floor) & (highest(lr) > 0)
    shows = {"highest": highest(lr)}
    says = "the learning rate never exceeds {highest:.1e}; below {floor:.0e} hardly anything moves"
    do = (raise_lr,)
    rearm = 1.0


class RateTooHigh(Rule):
    """The learning rate is above the range that is usual for this method.

    Why: a rate for supervised fine-tuning, or for adapters, was carried over to full preference tuning.
    False alarm: adapters bear ten times the rate of full tuning, and the log does not tell which of them it is.
    Sources: KTO documentation (D); TRL "LoRA without regret" (D); defaults of TRL, verl and OpenRLHF (S); limits (G).
    """

    code, name, severity = "RATE04", "learning-rate-high", INFO
    methods = PREFERENCE | ONLINE | REWARD_MODEL | CLASSIFIER | {Method.SFT}
    about = "lr"
    ceiling = param(
        1e-4,
        "highest usual rate, adapters included",
        by_method={
            Method.KTO: 5e-5,
            **dict.fromkeys(REWARD_MODEL | CLASSIFIER | {Method.SFT}, 2e-3),
            **dict.fromkeys(ONLINE, 3e-4),
        },
    )
    when = (highest(lr) > ceiling) & (step() > 0)
    shows = {"highest": highest(lr)}
    says = "the learning rate reaches {highest:.1e}; {ceiling:.0e} is high even for adapters"
    do = (advise("Lower it, unless earlier runs of yours were healthy at this rate"),)
    rearm = 1.0


class RateJumps(Rule):
    """The learning rate jumps upwards in the middle of the run.

    Why: a scheduler that starts anew after a resume, a changed setting, or restarts that are meant.
    False alarm: schedules with restarts; it is a remark as long as the loss stays below its beginning.
    Sources: threefold from one row to the next (G).
    """

    code, name, severity = "RATE05", "learning-rate-jumps", INFO
    about = "lr"
    times = param(3, "times the row before")
    jumps = (lr > times * (lr - delta(lr))) & (lr - delta(lr) > 0.001 * highest(lr))
    #: Whatever comes later is learned at the rate after the jump.
    when = ever(after_warmup() & jumps)
    #: Where a loss that had been learned is above its beginning since, nothing else need be looked for.
    escalates = {WARNING: (ema(loss, 5) > first(loss, 3)) & (lowest(ema(loss, 5)) < 0.9 * first(loss, 3))}
    shows = {"now": lr, "before": lr - delta(lr)}
    says = "the learning rate jumps from {before:.2g} to {now:.2g} at step {step}"
    do = (advise("Compare the scheduler's state with that of the run before the jump"), cut_lr())


RULES = (RateZero, NoWarmup, RateTooLow, RateTooHigh, RateJumps)
