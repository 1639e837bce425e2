"""Whether the critic of an actor-critic method keeps up."""

from __future__ import annotations

from barograph.core.methods import ONLINE
from barograph.rules.advice import advise, cut_lr, revert, stop
from barograph.rules.base import CRITICAL, INFO, WARNING, Rule, param
from barograph.rules.series import score, unless, value_loss
from barograph.signals.words import absolute, after, count, ema, first, highest, mean, metric, sustained

#: How large the score has been: a critic that is wrong by a small part of it does no harm.
scale = highest(absolute(ema(score, 5)))


class ValueLossDiverges(Rule):
    """The value loss grows to many times its beginning.

    Why: the critic's rate is too high, or the rewards have no steady scale.
    False alarm: a sudden gain of the policy makes it rise for a while; it must last.
    Sources: RLHF guide: it may rise while the score does (D); TRL documentation (D); tenfold (G).
    """

    code, name, severity = "VAL01", "value-loss-diverges", WARNING
    methods = ONLINE
    about = "value_loss"
    times = param(10, "times its beginning")
    when = (count(value_loss) >= 10) & sustained(ema(value_loss, 5) > times * first(value_loss, 5), 5, share=0.05)
    shows = {"loss": ema(value_loss, 5), "start": first(value_loss, 5)}
    says = "the value loss has grown from {start:.3g} to {loss:.3g}"
    do = (advise("Lower the critic's rate, clip its updates, whiten the rewards"), cut_lr())
    follows = ("NUM01",)


class CriticUseless(Rule):
    """The critic explains no more of the returns than their mean would, or far less.

    Why: it is trained too little, too fast, or not at all: then it explains exactly nothing, row after row.
    False alarm: during its warm-up; the first fifth is left out, and a little below zero is noise.
    Sources: practice; measured on a critic that was left out of the optimizer, and on one at 1000 times its rate (G).
    """

    code, name, severity = "VAL02", "critic-explains-nothing", WARNING
    methods = ONLINE
    about = "explained_var"
    floor = param(-0.1, "explained variance")
    far = param(-1.0, "explained variance that makes it critical")
    patience = param(10, "rows in a row of exactly nothing")
    explained = metric("explained_var")
    #: Where the returns hardly vary any more, nobody can explain their variance, and nobody need.
    settled_down = (ema(value_loss, 10) < 0.3 * first(value_loss, 5)) | (ema(value_loss, 10) < 0.15 * scale * scale)
    when = after(share=0.2, steps=100) & (
        sustained((ema(explained, 10) < floor) & unless(settled_down, beside=explained), 5, share=0.05)
        | sustained(absolute(explained) < 1e-9, patience)
    )
    escalates = {CRITICAL: ema(explained, 10) < far}
    shows = {"explains": ema(explained, 10)}
    says = "the critic explains {explains:.2f} of the variance: no better than a constant"
    do = (advise("Warm the critic up before the policy moves"), advise("Raise its learning rate, or use lambda 1"))
    follows = ("RWD01", "RWD03", "RWD08", "LEN05")


class CriticOffScale(Rule):
    """The critic's values are far larger than anything they could be about.

    Why: its rate is too high, or its output is not of the scale of the rewards. Advantages are noise then, and the
    policy is pushed about by them.
    False alarm: scores about zero have no scale of their own; so the error must be many times the variance of the
    returns as well.
    Sources: measured on a critic at 1000 times its rate: 30 to 300 times the variance, from the second row on (G).
    """

    code, name, severity = "VAL05", "critic-off-scale", CRITICAL
    methods = ONLINE
    about = "value_loss"
    times = param(4, "times the square of the score")
    spread = param(3, "times the variance of the returns")
    explained = ema(metric("explained_var"), 5)
    when = (count(value_loss) >= 5) & sustained((ema(value_loss, 5) > times * scale * scale) & (explained < -spread), 5)
    shows = {"loss": ema(value_loss, 5), "score": scale, "explains": explained}
    says = (
        "the value loss is {loss:.3g} where scores are up to {score:.2g}, and the critic explains {explains:.1f} of "
        "the variance: its values are of another scale"
    )
    do = (stop(), advise("Lower the critic's rate, or bring its output to the scale of the rewards"), revert())
    follows = ("NUM01", "RWD08")


class ValueClipHigh(Rule):
    """A large part of the value updates is clipped.

    Why: the returns move faster than the critic may follow.
    False alarm: harmless while the value loss falls.
    Sources: practice (G).
    """

    code, name, severity = "VAL03", "value-clip-high", INFO
    methods = ONLINE
    about = "value_clip_frac"
    share = param(0.3, "share of clipped value updates")
    when = sustained(mean(metric("value_clip_frac"), 10) > share, 5)
    shows = {"clipped": mean(metric("value_clip_frac"), 10)}
    says = "{clipped:.0%} of the value updates are clipped"
    do = (advise("Widen cliprange_value, or normalise the rewards"),)


class CriticWeak(Rule):
    """The critic explains little of the returns, late in the run.

    Why: it is trained too little beside the policy, or the returns of answers can hardly be told beforehand.
    False alarm: short answers with a reward at their end leave little to explain; a remark.
    Sources: practice: above a half is good (G).
    """

    code, name, severity = "VAL04", "critic-weak", INFO
    methods = ONLINE
    about = "explained_var"
    little = param(0.3, "explained variance")
    when = after(share=0.6, steps=300) & sustained(
        (ema(CriticUseless.explained, 20) < little)
        & unless(CriticUseless.settled_down, beside=CriticUseless.explained),
        5,
        share=0.1,
    )
    shows = {"explains": ema(CriticUseless.explained, 20)}
    says = "the critic explains only {explains:.2f} of the variance at step {last_step}"
    do = CriticUseless.do
    follows = ("VAL01", "VAL02", "RWD01")


RULES = (ValueLossDiverges, CriticUseless, CriticOffScale, ValueClipHigh, CriticWeak)
