"""What the loss tells, where it is a measure of progress at all: not in online methods."""

from __future__ import annotations

from barograph.core.methods import CLASSIFIER, IMPLICIT_REWARD, PAIRED, REWARD_MODEL, SUPERVISED_LOSS, Method
from barograph.rules.advice import (
    advise,
    check_data,
    check_labels,
    check_reference,
    check_trainable,
    cut_lr,
    earlier_checkpoint,
    raise_beta,
    raise_lr,
    revert,
    stop,
)
from barograph.rules.base import CRITICAL, INFO, WARNING, Rule, param
from barograph.rules.series import loss, margin, margin_nats, steps_are_logged
from barograph.signals.words import (
    after,
    after_warmup,
    before,
    count,
    delta,
    ema,
    exp,
    fact,
    first,
    fraction,
    highest,
    log,
    lowest,
    maximum,
    noise,
    settled,
    spike,
    step,
    streak,
    sustained,
)

#: Methods whose loss begins at a constant that the objective itself dictates.
ANCHORED = IMPLICIT_REWARD | REWARD_MODEL | CLASSIFIER | {Method.UNKNOWN}

start = fact("start_loss")
smooth = ema(loss, 5)
slow = ema(loss, share=0.05)


class StuckAtStart(Rule):
    """The loss stays at the value that the objective has when nothing is learned: ln 2 for DPO, 0.5 for KTO.

    Why: the learning rate is too low for the number of steps, the chosen and the rejected answers say nearly the same,
    or nothing is trainable.
    False alarm: runs that are meant to move little, such as a large beta with a tiny rate; the loss alone cannot tell.
    Sources: KTO guide, DPO guide (D); starting losses of each objective (M); width of the corridor (G).
    """

    code, name, severity = "LOSS01", "loss-stuck-at-start", WARNING
    methods = ANCHORED
    about = "loss"
    width = param(0.03, "corridor around the start value, as a share of it", by_method={Method.KTO: 0.02})
    tight = param(0.012, "corridor that makes it critical when the loss never left it by mid-run")
    when = sustained(
        after(share=0.25, steps=30)
        & (abs(slow - start) < width * start)
        & (lowest(settled(slow, 5)) > start - 2 * width * start)
        & (abs(first(loss, 3) - start) < 5 * width * start),  # what came down to here has learned something
        3,
        share=0.1,
    )
    escalates = {
        CRITICAL: after(share=0.5, steps=200)
        & (abs(slow - start) < tight * start)
        & (abs(lowest(settled(slow, 5)) - start) < 1.5 * tight * start)
        & ~((loss < 0) | (ema(margin_nats, share=0.05) > 0.1))  # a margin, where there is one, tells of progress
    }
    shows = {"loss": slow, "start": start}
    says = "the loss is {loss:.4f} at step {last_step}, still the {start:.4f} it starts from when nothing is learned"
    do = (raise_lr, check_trainable, check_data)
    follows = ("GRAD09", "PREF01", "GRAD04", "RATE01", "KTO03")
    forgiven_after = 0.2


class LossRising(Rule):
    """The loss rises above where it began, or well above the best it had reached.

    Why: the steps are too large and the run diverges; or the data changes in kind.
    False alarm: other objectives than the loss type suggests (IPO, SPPO) are noisy on a large scale.
    Sources: KTO guide: 10 steps in a row (D); +10 % and twofold (G).
    """

    code, name, severity = "LOSS02", "loss-rising", WARNING
    methods = SUPERVISED_LOSS
    about = "loss"
    above_start = param(1.10, "times its beginning")
    doubled = param(2.0, "times its beginning that make it critical")
    patience = param(10, "steps that it must last, or rows in a row of rising without a break")
    share = param(0.05, "share of the run that it must last, too")
    # Few rows cannot be smoothed; but three that only ever rise tell the same.
    never_fell = (streak(delta(loss) > 0) >= count(loss) - 1) & (count(loss) >= 3)
    # A loss about zero, or below it, is no measure of progress, whatever the method is called.
    measures = (first(loss, 3) > 0.05) & (lowest(loss) >= 0)
    when = (
        after_warmup()
        & measures
        & (
            sustained(
                smooth > maximum(above_start * first(loss, 3), first(loss, 3) + 2 * noise(loss, 10)),
                2,
                steps=patience,
                share=share,
            )
            | sustained(delta(loss) > 0, patience)
            | (never_fell & sustained(delta(loss) > 0, 2, steps=patience) & (loss > above_start * first(loss, 1)))
            | sustained(
                slow - lowest(settled(slow, 5)) > maximum(0.25 * lowest(settled(slow, 5)), 2 * noise(loss, 20)) + 0.02,
                3,
                steps=patience,
                share=0.1,
            )
        )
    )
    escalates = {CRITICAL: sustained(smooth > doubled * first(loss, 3), 2, steps=patience)}
    shows = {"loss": smooth, "start": first(loss, 1), "best": lowest(smooth)}
    says = "the loss has been rising since step {onset}: {loss:.3f} now, {start:.3f} at the start, {best:.3f} at best"
    do = (stop(), revert(), cut_lr(), check_data)
    may_act = True
    follows = ("MOVE04", "NUM01", "NUM03")


class NeverRecovers(Rule):
    """The loss was thrown up early, and has been above its beginning ever since.

    Why: the first full steps were too large: what they broke is mended slowly, and nothing is learned. Objectives
    with a bound never rise far, so that it does not look like a run that diverges.
    False alarm: labels that contradict each other keep the loss a little above its beginning too, but do not throw
    it up.
    Sources: measured on APO, hinge and sigmoid losses at 70 times a sane rate: above in 79 to 100 % of the rows;
    with labels by a coin 50 to 74 % (G).
    """

    code, name, severity = "LOSS11", "loss-never-recovers", WARNING
    methods = IMPLICIT_REWARD
    about = "loss"
    thrown = param(1.10, "times its beginning to which it was thrown up")
    above = param(1.01, "times its beginning that it does not get below")
    share = param(0.3, "share of the run for which it has lasted")
    when = (
        after(share=0.35, steps=200)
        & LossRising.measures
        & (highest(ema(loss, 10)) > thrown * first(loss, 3))
        & sustained(ema(loss, 10) > above * first(loss, 3), 10, share=share)
    )
    shows = {"loss": ema(loss, 10), "start": first(loss, 3), "high": highest(ema(loss, 10))}
    says = "the loss was thrown up to {high:.3f} and is at {loss:.3f}, never below the {start:.3f} it began at"
    do = (cut_lr(), revert(), advise("A longer warm-up"))
    follows = ("NUM01", "LOSS02", "RATE05", "MOVE04", "PREF10")
    forgiven_after = 0.2


class LossDroppedTooFast(Rule):
    """The loss is nearly gone within the first steps.

    Why: the learning rate is too high, or the pairs can be told apart by something trivial such as length.
    False alarm: resumed runs, whose first logged steps are not their first steps.
    Sources: KTO guide: below 0.1 in the first 10 steps (D).
    """

    code, name, severity = "LOSS03", "loss-drops-too-fast", WARNING
    methods = IMPLICIT_REWARD | REWARD_MODEL | CLASSIFIER
    about = "loss"
    floor = param(0.1, "loss below which it counts as gone")
    early = param(10, "steps that count as the first")
    when = ((steps_are_logged & (step() <= early)) | before(share=0.05)) & (loss < floor) & (first(loss, 1) > 3 * floor)
    shows = {"loss": loss, "start": first(loss, 1)}
    says = "the loss fell from {start:.3f} to {loss:.3f} by step {last_step}: too fast to be learning"
    do = (cut_lr(), check_data, advise("Look for what gives the answer away: length, format, the model that wrote it"))


class LossCollapsed(Rule):
    """The loss is practically zero.

    Why: the training pairs are memorised. Label noise keeps the loss of an honest fit above zero.
    False alarm: tiny or synthetic data without noise, where zero is the honest answer.
    Sources: DPO guide (D); TRL issue 1236 (I); level (G).
    """

    code, name, severity = "LOSS04", "loss-collapsed", WARNING
    methods = (PAIRED | {Method.KTO, Method.BCO}) & IMPLICIT_REWARD | REWARD_MODEL
    about = "loss"
    floor = param(0.01, "smoothed loss that counts as zero")
    nothing = param(0.0005, "loss of a single row that counts as zero")
    # A loss that goes below zero, as with robust labels, has no floor there.
    when = (sustained(ema(loss, 3) < floor, 3) | (loss < nothing)) & (first(loss, 1) < 0.9) & (lowest(loss) >= 0)
    shows = {"loss": loss}
    says = "the loss is {loss:.2g} since step {onset}: the pairs are memorised rather than learned from"
    do = (earlier_checkpoint, cut_lr(), raise_beta, advise("Train for one epoch, or smooth the labels"))
    follows = ("KTO03", "NUM01", "NUM03", "NUM04", "PREF06")


class LossSpikes(Rule):
    """The loss jumps far above its neighbours again and again.

    Why: single bad batches, or a learning rate near the edge of stability.
    False alarm: a few logged rows with very small batches.
    Sources: DPO guide: drops, then spikes (D); height (G).
    """

    code, name, severity = "LOSS05", "loss-spikes", INFO
    methods = SUPERVISED_LOSS
    about = "loss"
    height = param(8, "robust standard deviations above the median of the 20 rows before")
    many = param(0.06, "share of the last 50 rows with a spike that makes it a warning")
    spiked = (spike(loss, 20) > height) & (loss > 1.5 * ema(loss, 20)) & (loss > 0.1)
    when = spiked
    escalates = {WARNING: fraction(spiked, 50) >= many}
    shows = {"loss": highest(loss, 5), "usual": ema(loss, 20)}
    says = "the loss jumped to {loss:.3f} at step {step}, where {usual:.3f} was usual"
    do = (advise("Look at the batches of those steps"), cut_lr())
    follows = ("NUM01", "LOSS02")


class LossNotDecreasing(Rule):
    """A good part of the run is over and the loss is where it began.

    Why: the learning rate is too low or zero, or so high that nothing settles; or the labels carry no information.
    False alarm: a run that was resumed late, so that its beginning is not in the log.
    Sources: KTO guide: after 30 to 50 steps (D); RLHF guide (D); width (G).
    """

    code, name, severity = "LOSS06", "loss-not-decreasing", WARNING
    methods = SUPERVISED_LOSS
    about = "loss"
    gain = param(0.02, "share of its beginning that it should have lost")
    begins = param(0.2, "share of the run from which on it must have decreased")
    steps = param(30, "steps from which on it must have decreased when the run's length is unknown")
    begin = first(loss, 3)
    # In a log of few rows the first ones are no beginning: they reach far into the run.
    when = (count(loss) >= 8) & sustained(
        after(share=begins, steps=steps)
        & (begin - slow < gain * begin)
        & (begin - lowest(settled(slow, 5)) < 2 * gain * begin)
        # Below what its objective starts from it has decreased, whatever the first rows scattered to.
        & (slow > (1 - gain) * fact("start_loss_or_zero"))
        & (loss > 0),
        3,
        share=0.15,
    )
    shows = {"loss": slow, "start": begin}
    says = "the loss is {loss:.3f} at step {last_step} and was {start:.3f} at the start: it has not decreased"
    do = (
        cut_lr(),
        advise("If the loss hardly moves rather than jumps, raise the rate 2 to 5 times instead"),
        check_data,
        check_trainable,
    )
    follows = ("GRAD09", "LOSS01", "LOSS02", "PREF01", "GRAD04", "RATE01", "RATE03")
    forgiven_after = 0.2


class LossUnsteady(Rule):
    """The loss jumps up and down by a large part of itself, long after the warm-up.

    Why: the learning rate is too high or the batch too small.
    False alarm: logging every step of tiny batches; the average may still fall steadily.
    Sources: KTO guide, reward-model guide (D); half of its level (G).
    """

    code, name, severity = "LOSS07", "loss-unsteady", INFO
    methods = SUPERVISED_LOSS
    about = "loss"
    scatter = param(0.5, "scatter from row to row, as a share of the level, that counts as wild")
    when = after_warmup() & (ema(loss, 20) > 0.1) & sustained(noise(loss, 20) > scatter * ema(loss, 20), 10)
    escalates = {WARNING: (noise(loss, 20) > 2 * scatter * ema(loss, 20)) & (ema(loss, 20) > 0.9 * first(loss, 5))}
    shows = {"loss": ema(loss, 20), "jump": noise(loss, 20)}
    says = "the loss jumps by {jump:.3f} from row to row around {loss:.3f}"
    do = (cut_lr(), advise("Enlarge the batch, or accumulate gradients"))


class StartsOffItsConstant(Rule):
    """The very first loss is not the one that the objective has when policy and reference agree.

    Why: another loss type than the usual one, or a reference that is not the start policy: another checkpoint, dropout
    on, an adapter that is not switched off, another template or precision.
    False alarm: the log does not say which loss type it is, so other objectives (IPO starts at 25, hinge at 1) are
    remarked on as well; and a first row that averages many steps is left out.
    Sources: starting losses of each objective (M); a tenth of it (G).
    """

    code, name, severity = "LOSS08", "loss-starts-off-its-constant", INFO
    methods = IMPLICIT_REWARD
    about = "loss"
    share = param(0.1, "distance from the constant, as a share of it")
    steps = param(1, "last step that counts as the first")
    when = steps_are_logged & (step() <= steps) & (count(loss) <= 1) & (abs(loss - start) > share * start)
    shows = {"loss": loss, "start": start}
    says = "the first loss is {loss:.4g} where this objective starts from {start:.4g} when policy and reference agree"
    do = (check_reference, advise("If another loss type is meant, name it under loss_type in the run's configuration"))
    follows = ("PREF02",)


class BelowItsBound(Rule):
    """The loss is lower than any loss with this margin can be.

    Why: another objective than the one that is named, or the margin is logged of other rows or with another beta. The
    logistic loss of a mean margin is the least that pairs of that mean can have.
    False alarm: rows that average loss and margin over different steps; five in a row must agree.
    Sources: Jensen's inequality (M); a tenth (G).
    """

    code, name, severity = "LOSS09", "loss-below-its-bound", INFO
    methods = frozenset({Method.DPO})
    about = "loss"
    part = param(0.9, "share of the bound that allows for rounding")
    least = param(0.01, "difference that matters")
    bound = log(1 + exp(-margin))
    is_logistic = abs(start - 0.693147) < 1e-3
    when = is_logistic & sustained((loss < part * bound) & (loss < bound - least) & (loss > 0), 5, share=0.02)
    shows = {"loss": loss, "bound": bound, "margin": margin}
    says = "the loss is {loss:.3f}, but with a margin of {margin:.2f} it cannot be below {bound:.3f}"
    do = (advise("Name the loss under loss_type, and check which beta the margin is logged with"),)


class FewPairsFarOff(Rule):
    """The margin is large and the loss is as high as when nothing is learned.

    Why: most pairs are won by far and a few are lost by as much: their labels are wrong, or they contradict the others.
    False alarm: small batches in which one pair rules the row; an average is compared.
    Sources: the loss of pairs that all had this margin (M); the loss that nothing learned has (M).
    """

    code, name, severity = "LOSS10", "few-pairs-far-off", INFO
    methods = frozenset({Method.DPO})
    about = "loss"
    least = param(1.0, "margin that counts as large")
    when = (
        after_warmup()
        & BelowItsBound.is_logistic
        & sustained((smooth > start) & (ema(margin, 5) > least), 5, share=0.05)
    )
    shows = {"loss": smooth, "margin": ema(margin, 5), "bound": log(1 + exp(-ema(margin, 5)))}
    says = "with a margin of {margin:.2f} the loss could be {bound:.2f}, and is {loss:.2f}: some pairs are far off"
    do = (check_labels, advise("Smooth the labels, or take a loss that a few wrong ones do not rule (robust, IPO)"))
    follows = ("NUM01", "LOSS02", "PREF08", "PREF10")


RULES = (
    StuckAtStart,
    LossRising,
    NeverRecovers,
    LossDroppedTooFast,
    LossCollapsed,
    LossSpikes,
    LossNotDecreasing,
    LossUnsteady,
    StartsOffItsConstant,
    BelowItsBound,
    FewPairsFarOff,
)
