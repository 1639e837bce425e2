"""What only unpaired preference tuning knows: its KL estimate and its two classes."""

from __future__ import annotations

from barograph.core.methods import Method
from barograph.rules.advice import advise, cut_lr, raise_beta, raise_lr
from barograph.rules.base import CRITICAL, INFO, WARNING, Rule, param
from barograph.rules.series import chosen_nats, kto_kl, loss, rejected_nats, unless
from barograph.signals.words import (
    after,
    before,
    ema,
    fact,
    fraction,
    maximum,
    metric,
    nonfinite,
    present,
    step,
    sustained,
)

KTO = frozenset({Method.KTO})
UNPAIRED = frozenset({Method.KTO, Method.BCO})
larger_batch = advise("Use at least 4 examples per device and step: accumulation does not help this estimate")


class KtoKlHigh(Rule):
    """KTO's own estimate of the distance from the reference is high.

    Why: the learning rate is too high or beta too small.
    False alarm: it sums over a whole answer, so long answers have more of it; and it is estimated on mismatched
    answers, so it is not the KL that other methods log.
    Sources: KTO guide: above 1 is very high (D, the `guide` profile); 10 and 30 nats (G).
    """

    code, name, severity = "KTO01", "kto-kl-high", WARNING
    methods = KTO
    about = "kto_z0"
    nats = param(10, "nats per sequence", guide=1.0)
    far = param(30, "nats per sequence that make it critical")
    when = sustained(ema(kto_kl, 5) > nats, 3)
    escalates = {CRITICAL: ema(kto_kl, 5) > far}
    shows = {"kl": ema(kto_kl, 5)}
    says = "KTO's KL estimate is {kl:.2f} nats per answer, above {nats:g}"
    do = (cut_lr(), raise_beta)


class KtoKlStuckAtZero(Rule):
    """KTO's KL estimate is exactly zero nearly always, although the rewards have moved.

    Why: the estimate is clamped at zero, and with tiny batches or lost likelihood it is negative underneath. The
    reference point then no longer follows the policy.
    False alarm: healthy runs of small rates show it as well; it is a remark unless the batch is too small.
    Sources: HALOs issue 24, TRL issues 2153 and 1911 (I); clamp in TRL (S); share (G).
    """

    code, name, severity = "KTO02", "kto-kl-stuck-at-zero", INFO
    methods = KTO
    about = "kto_z0"
    share = param(0.9, "share of the last 20 rows at exactly zero")
    moved = param(1, "nats per sequence that the rewards must have moved")
    when = (
        after(share=0.25, steps=50)
        & (fraction(kto_kl <= 0, 20) > share)
        & (maximum(abs(ema(chosen_nats, 10)), abs(ema(rejected_nats, 10))) > moved)
    )
    escalates = {WARNING: (fact("per_device_batch") < 4) & (kto_kl <= 0)}
    shows = {"chosen_nats": ema(chosen_nats, 10), "rejected_nats": ema(rejected_nats, 10)}
    says = (
        "KTO's KL estimate is exactly 0 in nearly every row while the rewards have moved "
        "{chosen_nats:+.1f} and {rejected_nats:+.1f} nats"
    )
    do = (larger_batch, advise("Keep the order of examples as the trainer lays them out"))
    follows = ("KTO04",)


class KtoClassMissing(Rule):
    """Many rows lack one of the two classes.

    Why: batches hold one class only. TRL lays paired data out as a block of chosen and a block of rejected answers
    and reads it in order.
    False alarm: none that matters: such rows have no margin at all.
    Sources: TRL KTO trainer (S); rows without a class in its trainers (S).
    """

    code, name, severity = "KTO03", "kto-class-missing", WARNING
    methods = UNPAIRED
    about = ("reward_chosen", "reward_rejected")
    share = param(0.2, "share of the last 20 rows that lack one class of the two")
    has_chosen, has_rejected = present("reward_chosen"), present("reward_rejected")
    # Rows without either say nothing: some logs carry rewards in every fifth row only. A class may never have been
    # there so far.
    one_of_two = (has_chosen & unless(has_rejected, beside=chosen_nats)) | (
        has_rejected & unless(has_chosen, beside=rejected_nats)
    )
    when = (fraction(one_of_two, 20) > share) | sustained(one_of_two, 3, steps=20)
    says = "rows hold one class only, by turns or all along, since step {onset}"
    do = (advise("Shuffle the data after unpairing it"), larger_batch)
    follows = ("KTO04",)
    rearm = 0.25


class KtoBatchTiny(Rule):
    """There are fewer than four examples per device and step.

    Why: KTO estimates its KL within each such batch.
    False alarm: other objectives for unpaired data (apo_zero_unpaired) need no such estimate.
    Sources: TRL documentation of KTO; KTO paper (D, P).
    """

    code, name, severity = "KTO04", "kto-batch-tiny", WARNING
    methods = KTO
    about = ("kto_z0", "loss")
    least = param(4, "examples per device and step")
    when = (fact("per_device_batch") < least) & (step() >= 0)
    shows = {"batch": fact("per_device_batch")}
    says = "there are {batch:g} examples per device and step; KTO's KL estimate needs {least:g} or more"
    do = (larger_batch,)
    rearm = 1.0


class KtoKlTiny(Rule):
    """KTO's KL estimate stays so small that the model hardly changes.

    Why: the learning rate is too low.
    False alarm: the estimate is clamped at zero and often exactly that in healthy runs, so the rule speaks under the
    `guide` profile only.
    Sources: KTO guide: below 0.001 (D, the `guide` profile).
    """

    code, name, severity = "KTO06", "kto-kl-tiny", INFO
    methods = KTO
    about = "kto_z0"
    nats = param(0, "nats per sequence; 0 switches it off", guide=0.001)
    when = after(share=0.3, steps=50) & sustained(ema(kto_kl, 10) < nats, 5)
    shows = {"kl": ema(kto_kl, 10)}
    says = "KTO's KL estimate is {kl:.2g} nats per answer: the model hardly changes"
    do = (raise_lr,)


class KtoImbalance(Rule):
    """Desirable and undesirable examples do not balance, weights included.

    Why: the weights were not set to the class sizes.
    False alarm: windows with few examples scatter; a long average is compared.
    Sources: TRL documentation, KTO paper: 1 to 4/3 (D, P); three times outside (G).
    """

    code, name, severity = "KTO05", "kto-classes-unbalanced", INFO
    methods = UNPAIRED
    about = ("count_chosen", "count_rejected")
    low = param(1.0, "least ratio of desirable to undesirable weight")
    high = param(4 / 3, "greatest ratio")
    wide = param(3, "times outside that make it a warning")
    balance = ema(metric("count_chosen"), share=0.2) / ema(metric("count_rejected"), share=0.2) * fact("class_weight")
    when = after(share=0.1, steps=20) & ((balance < 0.9 * low) | (balance > 1.1 * high))
    escalates = {WARNING: (balance * wide < low) | (balance > wide * high)}
    shows = {"ratio": balance}
    says = (
        "desirable to undesirable examples stand {ratio:.2f} to 1, weights included; {low:g} to {high:.2f} is advised"
    )
    do = (advise("Set desirable_weight and undesirable_weight so that the ratio is between 1 and 4/3"),)


class KtoClassEmpty(Rule):
    """The reward of one class is NaN while that of the other is a number.

    Why: the batch holds no example of that class, and the mean of its rewards divides by nothing; the loss may go with
    it.
    False alarm: none is known; an overflow spoils both.
    Sources: a mean over nothing (M); TRL issues 1447 and 1380 (I).
    """

    code, name, severity = "KTO08", "kto-class-empty", WARNING
    methods = UNPAIRED
    about = ("reward_rejected", "reward_chosen")
    of_rejected = nonfinite("reward_rejected") & ~nonfinite("reward_chosen")
    of_chosen = nonfinite("reward_chosen") & ~nonfinite("reward_rejected")
    when = of_rejected | of_chosen
    says = "{metric} is not a number and that of the other class is: the batch of step {step} holds one class only"
    do = (larger_batch, advise("Balance the classes within each batch: shuffle after unpairing"))


class KtoSaturates(Rule):
    """Early in the run half of the loss is gone and the rewards are far from the reference.

    Why: the learning rate is too high: the sigmoid is saturated, and what still moves is the distance.
    False alarm: very long answers, which collect nats by their length.
    Sources: KTO documentation: at most 1e-6 at beta 0.1 (D); half of the loss, 50 nats, a quarter of the run (G).
    """

    code, name, severity = "KTO07", "kto-saturates-early", WARNING
    methods = KTO
    about = "loss"
    part = param(0.5, "share of the loss that it starts from")
    nats = param(50, "nats per sequence of either reward")
    until = param(0.25, "share of the run that counts as early")
    away = maximum(abs(ema(chosen_nats, 5)), abs(ema(rejected_nats, 5)))
    when = before(share=until, steps=50) & sustained((ema(loss, 5) < part * fact("start_loss")) & (away > nats), 3)
    shows = {"loss": ema(loss, 5), "away": away}
    says = "the loss is {loss:.2f} as early as step {step}, {away:.0f} nats from the reference: saturated"
    do = (cut_lr(), raise_beta)
    follows = ("KTO03", "NUM01", "LIK05", "PREF06")


RULES = (
    KtoKlHigh,
    KtoKlStuckAtZero,
    KtoClassMissing,
    KtoBatchTiny,
    KtoImbalance,
    KtoKlTiny,
    KtoSaturates,
    KtoClassEmpty,
)
