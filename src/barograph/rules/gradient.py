"""What the gradient norm tells."""

from __future__ import annotations

from barograph.core.methods import ALL, ONLINE, SUPERVISED_LOSS, Method
from barograph.rules.advice import advise, check_data, check_trainable, cut_lr, raise_lr, revert, stop
from barograph.rules.base import CRITICAL, INFO, WARNING, Rule, param
from barograph.rules.score import at_its_best
from barograph.rules.series import grad, loss, unless
from barograph.signals.words import after_warmup, ema, fact, first, fraction, maximum, median, settled, spike, sustained

clip = advise("Clip gradients at 1.0, in online methods at 0.1 to 0.5")
#: Methods whose loss is a mean over pairs, so that absolute gradient norms mean the same from run to run ...
COMPARABLE = frozenset({Method.KTO, Method.DPO})
#: ... unless the loss type has a scale of its own: IPO starts at 25, SPPO at 50.
usual_scale = first(loss, 1) < 2


class GradientExplosion(Rule):
    """The gradient norm leaves its usual size by orders of magnitude.

    Why: the learning rate is too high, a batch is broken, or the inference engine and the trainer disagree.
    False alarm: objectives with a large natural scale (IPO, SPPO) reach thousands in good health; only the comparison
    with the run's own past applies to them.
    Sources: KTO guide: above 1000 (D); a hundred times its median (G).
    """

    code, name, severity = "GRAD01", "gradient-explosion", CRITICAL
    about = "grad_norm"
    limit = param(1000, "norm that counts as exploding", by_method=dict.fromkeys(ALL - COMPARABLE, 1e12))
    times = param(100, "times the median of its last 20 rows")
    when = ((grad > limit) & usual_scale) | (
        (grad > times * median(grad, 20)) & (spike(grad, 20) > times) & (grad > 10)
    )
    shows = {"norm": grad}
    says = "the gradient norm reached {peak:.4g} at step {peak_step}"
    do = (stop("it is about to explode"), revert(), cut_lr(), clip, check_data)
    may_act = True
    follows = ("NUM01",)
    forgiven_after = 0.3


class GradientPersistentlyHigh(Rule):
    """The gradient norm stays high.

    Why: the learning rate is too high for this objective; clipping then turns every step into a step of full length.
    False alarm: losses summed over tokens, and the objectives named under `gradient-explosion`.
    Sources: KTO guide: above 100 persistently, stop and revert (D).
    """

    code, name, severity = "GRAD02", "gradient-persistently-high", WARNING
    severity_for = {Method.KTO: CRITICAL}
    methods = COMPARABLE
    about = "grad_norm"
    limit = param(100, "norm")
    patience = param(10, "steps that it must last")
    when = after_warmup() & usual_scale & sustained((ema(grad, 5) > limit) & (grad > limit / 2), 3, steps=patience)
    shows = {"norm": ema(grad, 5)}
    says = "the gradient norm has been above {limit:g} for {rows}, now {norm:.4g}"
    do = (stop(), revert(), cut_lr(), clip)
    follows = ("NUM01", "GRAD01")


class GradientOftenHigh(Rule):
    """The gradient norm is frequently at the upper end of what is usual.

    Why: the learning rate is near the edge.
    False alarm: larger models and longer answers have larger norms; compare with earlier runs of yours.
    Sources: KTO guide: 50 to 100 frequently, halve the rate (D).
    """

    code, name, severity = "GRAD03", "gradient-often-high", INFO
    severity_for = {Method.KTO: WARNING}
    methods = COMPARABLE
    about = "grad_norm"
    limit = param(50, "norm")
    often = param(0.5, "share of the last 10 rows")
    when = after_warmup() & usual_scale & (fraction(grad > limit, 10) >= often)
    shows = {"norm": ema(grad, 10)}
    says = "the gradient norm is often above {limit:g}, on average {norm:.4g}"
    do = (cut_lr(), clip)
    follows = ("NUM01", "GRAD01", "GRAD02")


class GradientVanished(Rule):
    """The gradient is practically zero for several rows.

    Why: nothing is trainable, the adapter is switched off, every advantage is zero, or the sigmoid is saturated.
    False alarm: online methods have single rows of exactly zero when all answers to a prompt score the same.
    Sources: TRL issue 1311 (I); level (G).
    """

    code, name, severity = "GRAD04", "gradient-vanished", CRITICAL
    about = "grad_norm"
    floor = param(1e-6, "norm that counts as zero")
    patience = param(3, "rows in a row", by_method=dict.fromkeys(ONLINE, 10))
    #: Where a task is solved, groups without a spread leave nothing to learn: that is no fault.
    when = sustained((grad < floor) & unless(at_its_best, beside=grad), patience)
    shows = {"norm": grad}
    says = "the gradient norm is {norm:.2g} for {rows}: nothing is being trained"
    do = (stop("the compute is wasted"), check_trainable, advise("Look at margins, advantages and label masks"))
    may_act = True
    follows = ("NUM01", "GRP01", "GRP02", "LOSS04", "PREF06", "LIK06")


class GradientTiny(Rule):
    """The gradient norm is very small from the start.

    Why: the learning signal is weak: a learning rate so low that nothing moves, or pairs that hardly differ.
    False alarm: losses averaged over many tokens have naturally small norms.
    Sources: KTO guide: below 0.01 (D).
    """

    code, name, severity = "GRAD05", "gradient-tiny", INFO
    severity_for = {Method.KTO: WARNING}
    methods = COMPARABLE
    about = "grad_norm"
    floor = param(0.01, "norm")
    when = after_warmup() & sustained(ema(grad, 5) < floor, 5) & (ema(loss, 5) > 0.05) & (first(grad, 5) < 5 * floor)
    shows = {"norm": ema(grad, 5)}
    says = "the gradient norm is {norm:.2g}, below {floor:g}"
    do = (raise_lr, check_trainable)
    follows = ("GRAD04", "PREF01", "PREF06", "LOSS04", "LOSS01")


class GradientSpikes(Rule):
    """Single rows have a gradient norm far above their neighbours.

    Why: a bad batch, rare tokens, or, in online methods, a first sign that the engines disagree.
    False alarm: a clipped spike now and then is ordinary.
    Sources: practice (G); prime-rl: spikes precede divergence (D).
    """

    code, name, severity = "GRAD06", "gradient-spikes", INFO
    about = "grad_norm"
    times = param(10, "times the median of the last 20 rows")
    many = param(0.1, "share of the last 50 rows with a spike that makes it a warning")
    far = (grad > times * median(grad, 20)) & (grad > 5)
    # `spike` counts records only; of several spikes of one height within twenty rows it would see the first.
    when = far & ((spike(grad, 20) > times) | (fraction(far, 20) >= many))
    escalates = {WARNING: fraction(far, 50) >= many}
    shows = {"norm": grad, "usual": median(grad, 20)}
    says = "the gradient norm spiked to {peak:.4g} at step {peak_step}; {usual:.3g} is usual"
    do = (clip, check_data)
    follows = ("NUM01", "GRAD01")


class GradientRisen(Rule):
    """The gradient norm is many times what it was at the beginning, for a good part of the run.

    Why: the learning rate is too high for where the run has come, or the engines of an online method disagree.
    False alarm: a norm that begins near zero, as with an adapter whose second factor starts at zero; the median of
    later rows is compared as well. A rise that comes with better scores is ordinary.
    Sources: prime-rl: rising norms precede divergence (D); tenfold (G).
    """

    code, name, severity = "GRAD07", "gradient-risen", INFO
    about = "grad_norm"
    times = param(10, "times its beginning")
    far = param(50, "times its beginning that make it a warning")
    now = ema(grad, 10)
    # The first rows of a warm-up may be small: where it stood ten rows later is its beginning as well.
    begin = maximum(first(grad, 5), first(settled(ema(grad, 10), 10), 10))
    when = after_warmup() & sustained(now > times * begin, 10, share=0.1)
    escalates = {WARNING: now > far * begin}
    shows = {"norm": now, "start": begin}
    says = "the gradient norm is {norm:.3g} on average since step {onset} and was {start:.3g} at the beginning"
    do = (cut_lr(), clip)
    follows = ("NUM01", "GRAD01", "GRAD02", "GRAD06", "LOSS02")


class GradientAlwaysClipped(Rule):
    """Nearly every gradient is cut to a small part of itself.

    Why: the loss has a large scale, as sums over tokens, IPO and SPPO have; every step then is as long as the clipping
    limit allows, and the learning rate alone says how far it goes.
    False alarm: it is a remark: many such runs learn well.
    Sources: definition of clipping (M); fivefold, 95 % (G).
    """

    code, name, severity = "GRAD08", "gradient-always-clipped", INFO
    about = "grad_norm"
    times = param(5, "times the clipping limit")
    share = param(0.95, "share of the last 50 rows")
    when = (fact("max_grad_norm") > 0) & (fraction(grad > times * fact("max_grad_norm"), 50) > share)
    shows = {"norm": median(grad, 50), "limit": fact("max_grad_norm")}
    says = "the gradient norm is about {norm:.3g}, and every one is clipped to {limit:g}"
    do = (advise("Lower the scale of the loss (a mean instead of a sum), or raise max_grad_norm"),)
    follows = ("GRAD01", "GRAD02", "GRAD03")
    rearm = 1.0


class GradientFaded(Rule):
    """The gradient norm has fallen to a small part of its beginning, and the loss has not.

    Why: units, heads or the sigmoid are saturated, or what is trained no longer reaches the loss.
    False alarm: single rows; an average is compared, while there is a loss left to learn from.
    Sources: practice (G).
    """

    code, name, severity = "GRAD09", "gradient-faded", WARNING
    methods = SUPERVISED_LOSS
    about = "grad_norm"
    share = param(0.03, "share of its beginning that is left")
    kept = param(0.6, "share of its beginning that the loss must have kept")
    left = ema(grad, 10)
    when = after_warmup() & sustained(
        (left < share * first(grad, 5)) & (ema(loss, 10) > kept * first(loss, 3)) & (loss > 0), 5, share=0.05
    )
    shows = {"norm": left, "start": first(grad, 5)}
    says = "the gradient norm has fallen from {start:.3g} to {norm:.2g}, while the loss is still there"
    do = (revert(), cut_lr(), check_trainable)
    follows = ("NUM01", "GRAD04", "RATE01", "RM06", "LIK06", "PREF01", "LOSS02")


RULES = (
    GradientExplosion,
    GradientPersistentlyHigh,
    GradientOftenHigh,
    GradientVanished,
    GradientTiny,
    GradientSpikes,
    GradientRisen,
    GradientAlwaysClipped,
    GradientFaded,
)
