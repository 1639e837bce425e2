"""What held-out data says against the training data."""

from __future__ import annotations

from barograph.core.methods import (
    CLASSIFIER,
    IMPLICIT_REWARD,
    PAIRED,
    PREFERENCE,
    REWARD_MODEL,
    SUPERVISED_LOSS,
    Method,
)
from barograph.core.names import EVAL
from barograph.rules.advice import advise, check_data, cut_lr, earlier_checkpoint
from barograph.rules.base import CRITICAL, INFO, WARNING, Rule, param
from barograph.rules.series import accuracy, eval_loss, loss, rm_accuracy
from barograph.signals.expression import Signal
from barograph.signals.words import (
    absolute,
    after,
    count,
    ema,
    first,
    highest,
    lowest,
    maximum,
    metric,
    minimum,
    noise,
    sustained,
)

regularise = advise("Fewer epochs, a lower rate, or more weight decay (0.02)")
JUDGED_BY_LOSS = CLASSIFIER | REWARD_MODEL


def lagging(x: Signal) -> Signal:
    """The smoothed series, but never ahead of where it stood a while ago."""
    return minimum(ema(x, 10), ema(x, share=0.1))


class EvalLossRising(Rule):
    """The evaluation loss rises from its best while the training loss goes on falling.

    Why: the run fits its training data rather than the task. In preference tuning this begins within one epoch.
    False alarm: in DPO a mild rise after the first epoch can go with better answers; judge by an outside measure.
    Sources: reward-model guide (D); 2 evaluations, 5 and 15 % (G); Zephyr against arXiv 2406.02900 on DPO (P).
    """

    code, name, severity = "FIT01", "evaluation-loss-rising", WARNING
    methods = SUPERVISED_LOSS
    about = "eval.loss"
    rise = param(0.05, "share of its best by which it must have risen")
    lost = param(0.25, "share of what it had gained that must be lost again")
    best = lowest(eval_loss)
    falling = ema(loss, 5) < first(loss, 3)
    # A loss near zero rises by a large share of itself when nothing much has been lost. The first evaluation may come
    # late, when much has been gained already: what the training loss began at tells.
    # In a log of few rows the third row is no beginning any more: the first counts as well.
    began = maximum(first(eval_loss, 1), maximum(first(loss, 1), first(loss, 3)))
    matters = eval_loss - best > lost * (began - best)
    when = (count(eval_loss) >= 3) & sustained(eval_loss - best > rise * absolute(best), 2) & matters & falling
    shows = {"loss": eval_loss, "best": best}
    says = "the evaluation loss has risen from {best:.4f} to {loss:.4f} while the training loss fell: overfitting"
    do = (earlier_checkpoint, regularise)
    follows = ("MOVE07", "KTO03", "MOVE06", "MOVE04", "NUM01", "LOSS02")
    forgiven_after = 0.2


class EvalLossRisingFar(Rule):
    """The evaluation loss of a reward model or classifier has risen far above its best.

    Why: as with `evaluation-loss-rising`; such models are used where they have not been trained, so it hurts at once.
    False alarm: evaluations of fewer than a few hundred examples.
    Sources: practice (G).
    """

    code, name, severity = "FIT02", "evaluation-loss-far-above-best", CRITICAL
    methods = JUDGED_BY_LOSS
    about = "eval.loss"
    far = param(0.15, "share of its best by which it must have risen")
    lost = EvalLossRising.lost
    risen = eval_loss - EvalLossRising.best > far * absolute(EvalLossRising.best)
    when = (count(eval_loss) >= 3) & sustained(risen, 2) & EvalLossRising.matters & EvalLossRising.falling
    shows = EvalLossRising.shows
    says = EvalLossRising.says
    do = EvalLossRising.do
    follows = EvalLossRising.follows
    forgiven_after = 0.2


class EvalLossGap(Rule):
    """The evaluation loss is far above the training loss.

    Why: memorised training data; or the evaluation data is of another kind.
    False alarm: dropout and label smoothing raise the training loss and hide a part of the gap.
    Sources: reward-model guide: 0.21 against 0.46 (D); factor (G).
    """

    code, name, severity = "FIT03", "train-eval-loss-gap", WARNING
    methods = JUDGED_BY_LOSS | IMPLICIT_REWARD
    about = "eval.loss"
    times = param(1.6, "times the training loss", by_method=dict.fromkeys(IMPLICIT_REWARD, 3.0))
    least = param(0.1, "difference that matters")
    train = ema(loss, 5)
    # One evaluation scatters: two must agree, unless the run ends with one.
    enough = (count(eval_loss) >= 2) | after(share=0.9, steps=1e12)
    gap = (lowest(eval_loss, 2) > times * train) & (lowest(eval_loss, 2) - train > least)
    # While the evaluation still improves, a gap is what learning looks like; at the end it is a gap.
    worsening = (eval_loss > 1.02 * lowest(eval_loss)) | after(share=0.9, steps=1e12)
    # Of a loss that goes below zero no multiple means anything.
    when = sustained(enough & gap & worsening & (train > 0) & (train < 0.8 * first(loss, 3)), 2, share=0.02)
    shows = {"eval": eval_loss, "train": train}
    says = "the evaluation loss is {eval:.3f} where the training loss is {train:.3f}: overfitting"
    do = (earlier_checkpoint, regularise, check_data)
    follows = ("MOVE07", "KTO03", "MOVE06", "FIT01", "FIT02", "LOSS04")


class EvalAccuracyGap(Rule):
    """Training accuracy is far above evaluation accuracy.

    Why: memorised pairs.
    False alarm: a small evaluation set: with 100 pairs, 0.1 is two standard errors.
    Sources: reward-model guide: gap below 0.05 (D, the `guide` profile). The survey's 0.10 and 0.20 are within the
    error of a few hundred pairs, so 0.15 and 0.25 (G).
    """

    code, name, severity = "FIT04", "train-eval-accuracy-gap", WARNING
    methods = PAIRED & IMPLICIT_REWARD | REWARD_MODEL | CLASSIFIER
    about = ("eval.reward_accuracy", "eval.rm_accuracy", "eval.cls_accuracy")
    gap = param(0.15, "difference", guide=0.05)
    far = param(0.25, "difference that makes it critical")
    # An evaluation is as old as the last of them, and training goes on: its slow average is as far behind.
    of_policy = lagging(accuracy) - highest(metric("reward_accuracy", EVAL), 2)
    of_model = lagging(rm_accuracy) - highest(metric("rm_accuracy", EVAL), 2)
    of_classifier = lagging(metric("cls_accuracy")) - highest(metric("cls_accuracy", EVAL), 2)
    when = sustained((of_policy > gap) | (of_model > gap) | (of_classifier > gap), 2, share=0.05)
    escalates = {CRITICAL: (of_model > far) | (of_classifier > far) | (of_policy > far + 0.05)}
    says = "the evaluation accuracy is {value:.2f}, more than {gap:.2f} below that of training"
    do = (earlier_checkpoint, regularise, check_data)
    follows = ("LOSS11", "MOVE07", "MOVE06", "MOVE04", "FIT01", "FIT02")


class Underfit(Rule):
    """Training and evaluation loss are both still high late in the run.

    Why: the model is too small, the rate too low, or the labels cannot be predicted from the text.
    False alarm: noisy human labels keep the loss near 0.55 at best.
    Sources: reward-model guide: 0.52 against 0.52 (D).
    """

    code, name, severity = "FIT05", "underfitting", WARNING
    methods = JUDGED_BY_LOSS
    about = "eval.loss"
    level = param(0.5, "loss that counts as high", by_method={Method.REWARD: 0.64})
    when = after(share=0.6, steps=1000) & sustained((ema(loss, 5) > level) & (eval_loss > level) & (eval_loss < 1), 2)
    shows = {"train": ema(loss, 5), "eval": eval_loss}
    says = "training loss {train:.3f} and evaluation loss {eval:.3f} are both still high"
    do = (advise("A larger model, a higher rate or more epochs"), check_data)
    follows = ("GRAD09", "LOSS01", "LOSS06", "RM01", "CLS01", "MOVE02")


class EvalAccuracyFalling(Rule):
    """The evaluation accuracy of preferences falls while the training margin grows.

    Why: over-optimisation of the preference loss.
    False alarm: small evaluation sets scatter.
    Sources: arXiv 2406.02900 (P); practice (G).
    """

    code, name, severity = "FIT06", "evaluation-accuracy-falling", WARNING
    methods = PAIRED & IMPLICIT_REWARD
    about = "eval.reward_accuracy"
    lost = param(0.05, "accuracy that may be lost from its best")
    held_out = metric("reward_accuracy", EVAL)
    growing = ema(metric("reward_margin"), 5) >= 0.9 * highest(ema(metric("reward_margin"), 5))
    fallen = highest(ema(held_out, 2)) - ema(held_out, 2)
    when = (count(held_out) >= 3) & sustained((fallen > lost) & (fallen > noise(held_out, 10)), 2) & growing
    shows = {"accuracy": held_out, "best": highest(held_out)}
    says = "the evaluation accuracy fell from {best:.2f} to {accuracy:.2f} while the training margin grew"
    do = (earlier_checkpoint, cut_lr(), regularise)
    follows = ("LOSS11", "MOVE07", "NUM01", "MOVE04", "FIT01")


class ManyEpochs(Rule):
    """The data has been gone through more than three times.

    Why: preferences and reward models are mostly learned in one pass; later ones memorise.
    False alarm: small data, small rates, or an evaluation that still improves; it is a remark.
    Sources: one epoch for reward models, arXiv 2203.02155 (P); 1 to 3 for DPO and KTO (D); TRL issue 1236 (I).
    """

    code, name, severity = "FIT07", "many-epochs", INFO
    methods = PREFERENCE | REWARD_MODEL
    about = "epoch"
    most = param(3, "passes over the data", by_method={Method.REWARD: 2})
    # The last row of the third pass may stand a little above it.
    when = metric("epoch") > most + 0.05
    shows = {"epoch": metric("epoch")}
    says = "the data has been gone through {epoch:.1f} times; 1 to {most:g} is usual"
    do = (earlier_checkpoint, regularise)
    follows = ("FIT01", "FIT02", "FIT03", "FIT04", "LOSS04")
    rearm = 1.0


RULES = (EvalLossRising, EvalLossRisingFar, EvalLossGap, EvalAccuracyGap, Underfit, EvalAccuracyFalling, ManyEpochs)
