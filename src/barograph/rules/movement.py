"""Whether the model moves at all, whether what it learns holds for other examples, and whether it turns round."""

from __future__ import annotations

from barograph.core.methods import CLASSIFIER, GENERATING, IMPLICIT_REWARD, REWARD_MODEL, Method
from barograph.core.names import EVAL
from barograph.rules.advice import (
    advise,
    check_data,
    check_labels,
    check_trainable,
    earlier_checkpoint,
    raise_lr,
    revert,
    stop,
)
from barograph.rules.base import CRITICAL, WARNING, Rule, param
from barograph.rules.evaluation import lagging
from barograph.rules.series import (
    accuracy,
    approx_kl,
    beta,
    entropy,
    eval_loss,
    grad,
    kl_sequence,
    kl_token,
    loss,
    margin,
    margin_nats,
    recall,
    rm_accuracy,
    rm_margin,
    unless,
)
from barograph.signals.expression import Condition, Signal
from barograph.signals.words import (
    absolute,
    after,
    after_warmup,
    count,
    delta,
    ema,
    ever,
    fact,
    first,
    highest,
    lowest,
    metric,
    noise,
    settled,
    streak,
    sustained,
)

#: Methods whose loss begins at a constant that the objective itself dictates.
ANCHORED = IMPLICIT_REWARD | REWARD_MODEL | CLASSIFIER
start = fact("start_loss")

told = metric("cls_accuracy", EVAL)
#: The evaluation loss goes slowly one way, and hardly an example is told otherwise than before.
drifts = (
    (count(told) >= 4)
    & (highest(told) - lowest(told) < 0.01)
    # What calls all steps right, or none, has an accuracy that stands still, too.
    & (highest(recall) - lowest(recall) < 0.01)
    & (absolute(recall - 0.5) < 0.48)
    & (highest(eval_loss) - lowest(eval_loss) < 0.015 * lowest(eval_loss))
)


class MovesInCircles(Rule):
    """The policy moves from row to row, and the mean margin stays at zero.

    Why: what is learned of one pair does not hold for the next: the labels contradict each other, or nothing in the
    text tells the better answer.
    False alarm: hard pairs early in a run; half of it is waited for.
    Sources: a margin whose mean is within two fifths of its scatter from row to row, measured on labels by a coin; at
    a thousandth of a sane rate the mean ends at 1.5 to 5 times the scatter, which is below 0.005 nats (G).
    """

    code, name, severity = "MOVE01", "moves-in-circles", WARNING
    methods = IMPLICIT_REWARD
    about = "reward_margin"
    nats = param(0.05, "nats per sequence by which margins must scatter from row to row")
    part = param(0.4, "share of that scatter within which the mean margin counts as zero")
    scatter = noise(margin_nats, 20)
    #: Held-out margins that grow tell that something holds after all.
    held_out = highest(metric("reward_margin", EVAL) / beta) > 2
    when = after(share=0.5, steps=100) & sustained(
        unless(held_out, beside=margin)
        & (highest(scatter) > nats)
        & (absolute(ema(margin_nats, share=0.2)) < part * highest(scatter)),
        3,
        share=0.1,
    )
    shows = {"scatter": highest(scatter), "mean": ema(margin_nats, share=0.2)}
    says = (
        "margins scattered by {scatter:.1f} nats from row to row, and their mean is {mean:.2f}: "
        "what is learned of one pair does not hold for the next"
    )
    do = (check_labels, check_data)
    follows = ("KTO03", "NUM01", "MOVE04", "KTO04")
    forgiven_after = 0.2


class EvaluationStandsStill(Rule):
    """Evaluation after evaluation the loss is the same to three digits, and not low.

    Why: the steps are too small to change the model, or nothing is trainable.
    False alarm: the last evaluations of a schedule that decays to zero; three quarters of the run are looked at.
    Sources: measured at a thousandth of a sane rate (G).
    """

    code, name, severity = "MOVE02", "evaluation-stands-still", WARNING
    methods = ANCHORED
    about = "eval.loss"
    share = param(0.003, "share of the loss within which all evaluations lie")
    still = highest(eval_loss) - lowest(eval_loss) < share * lowest(eval_loss)
    when = after(share=0.4, steps=200) & (count(eval_loss) >= 3) & (eval_loss > 0.9 * start) & (still | drifts)
    shows = {"loss": eval_loss, "low": lowest(eval_loss), "high": highest(eval_loss)}
    says = "the evaluation loss lies between {low:.4f} and {high:.4f} in every evaluation: the model does not change"
    do = (raise_lr, check_trainable)
    follows = ("NUM01", "PREF01", "GRAD04", "RATE01", "RATE03")
    forgiven_after = 0.2


class EvaluationCreeps(Rule):
    """The evaluation loss falls every time, and hardly at all.

    Why: the steps go the right way and are too small: what a run should gain takes hundreds of times as long.
    False alarm: labels that tell nothing let the loss go up and down, so it must never rise; the tail of a schedule
    that decays to zero is not looked at alone.
    Sources: measured at a thousandth of a sane rate: in 40 of 70 runs it never rose, and fell by 0.04 to 0.6 % (G).
    """

    code, name, severity = "MOVE08", "evaluation-creeps", WARNING
    methods = ANCHORED
    about = "eval.loss"
    most = param(0.015, "share of the loss by which it has fallen in all")
    least = param(0.0003, "share of the loss that tells it from standing still")
    fallen = (highest(eval_loss) - lowest(eval_loss)) / lowest(eval_loss)
    never_rose = streak(delta(eval_loss) < 0) >= count(eval_loss) - 1
    when = (
        after(share=0.5, steps=200)
        & (count(eval_loss) >= 5)
        & (eval_loss > 0.9 * start)
        & never_rose
        & (fallen < most)
        & (fallen > least)
    )
    shows = {"fallen": fallen, "loss": eval_loss}
    says = "the evaluation loss falls each time, and by {fallen:.2%} in all, to {loss:.4f}: the steps are too small"
    do = (raise_lr,)
    follows = ("NUM01", "RATE01", "RATE03")
    forgiven_after = 0.2


class MovesWithoutImproving(Rule):
    """The evaluation loss changes from one evaluation to the next, and is never better than at the start.

    Why: what is learned holds for no other example: labels that contradict each other, or an evaluation of another
    kind.
    False alarm: a task that is learned late; half of the run is waited for.
    Sources: measured on labels by a coin (G).
    """

    code, name, severity = "MOVE03", "moves-without-improving", WARNING
    methods = ANCHORED
    about = "eval.loss"
    moved = param(0.006, "share of the loss by which evaluations must differ")
    gain = param(0.02, "share of the starting loss that would count as better")
    when = (
        after(share=0.5, steps=200)
        & (count(eval_loss) >= 3)
        & (highest(eval_loss) - lowest(eval_loss) > moved * lowest(eval_loss))
        & unless(drifts, beside=eval_loss)
        & (lowest(eval_loss) > (1 - gain) * start)
        # Another objective than the log names starts elsewhere.
        & (first(loss, 3) < 3 * start)
        # What has no gradient any more does not move: it has moved.
        & (ema(grad, 10) > 0.05 * highest(settled(ema(grad, 10), 10)))
    )
    shows = {"low": lowest(eval_loss), "high": highest(eval_loss), "start": start}
    says = "evaluations move between {low:.3f} and {high:.3f} and are never better than the {start:.3f} of a guess"
    do = (check_labels, check_data)
    follows = ("NUM01", "MOVE04", "MOVE06", "KTO04")
    forgiven_after = 0.2


def turned(x: Signal) -> Condition:
    """It stood clearly above zero and lies as clearly below, in about the same distance: turned round, not lost."""
    best = highest(settled(ema(x, 10), 10))
    now = ema(x, 3)
    was_clear = (best > 2 * noise(x, 30)) & (highest(now, 10) > 0.5 * best)
    return ever(was_clear & (highest(x, 3) < 0) & (now < -0.4 * best) & (now > -3 * best))


class TurnsRound(Rule):
    """Within a few rows the margin goes from clearly positive to as clearly negative.

    Why: the labels are the other way round from here on: two files of opposite columns, or a change of template. A
    policy that breaks down loses its margin, or goes far beyond; it does not mirror it.
    False alarm: a learning rate that jumps at the same step.
    Sources: measured on labels that are swapped from a step on (G).
    """

    code, name, severity = "MOVE04", "margin-turns-round", CRITICAL
    methods = IMPLICIT_REWARD | REWARD_MODEL
    about = ("reward_margin", "rm_margin")
    when = after_warmup() & (turned(margin) & ever(margin_nats > 1) | turned(rm_margin))
    says = "the margin turns round, to {first:.3g} at step {step}: from here on the labels say the opposite"
    do = (check_labels, check_data, stop(), revert())
    follows = ("NUM01", "RATE05", "LOSS11")
    rearm = 1.0


class PolicyStandsStill(Rule):
    """The policy has not moved from where it began, by its KL, by its updates or by its entropy.

    Why: the learning rate is too low for the number of steps, or nothing is trainable, or no answer is better than
    another.
    False alarm: very short runs at the small rates that are usual for large models; half of the run is waited for.
    Sources: TRL and slime ask for a KL of zero before the first update and not after (S); levels (G).
    """

    code, name, severity = "MOVE05", "policy-stands-still", WARNING
    methods = GENERATING
    about = ("kl_ref_sequence", "kl_ref", "approx_kl", "entropy")
    nats = param(0.005, "nats per answer that it may have moved")
    per_token = param(0.0002, "nats per token that it may have moved")
    update = param(1e-7, "nats per token that an update may have moved it")
    share = param(0.01, "share of its beginning by which the entropy may have changed")
    #: The mean is what counts: single answers scatter around it.
    by_answer = absolute(ema(kl_sequence, 20)) < nats
    by_token = absolute(ema(kl_token, 20)) < per_token
    by_update = highest(settled(ema(approx_kl, 10), 10)) < update
    by_entropy = highest(absolute(ema(entropy, 10) - first(entropy, 10))) < share * first(entropy, 10)
    still = by_answer | by_token | by_update | by_entropy
    # Where one measure says that it stands and another that it moves, it moves: estimates of the KL may be clipped.
    moved = (absolute(ema(entropy, 10) - first(entropy, 10)) > 0.05 * first(entropy, 10)) | (
        highest(ema(approx_kl, 20)) > 1e-4
    )
    enough = (count(entropy) >= 20) | (count(kl_sequence) >= 20) | (count(kl_token) >= 20) | (count(approx_kl) >= 20)
    when = after(share=0.5, steps=200) & enough & sustained(still & unless(moved, beside=still), 5, share=0.1)
    says = "the policy is where it began ({metric} {value:.2g}): nothing has moved in {last_step} steps"
    do = (raise_lr, check_trainable, advise("Look whether answers to one prompt ever score differently"))
    follows = ("NUM01", "GRAD04", "RWD01", "GRP01", "GRP02", "LEN01", "LEN05", "RATE01", "RATE03")
    forgiven_after = 0.2


class SetsDisagree(Rule):
    """The evaluation never gets beyond a coin, while the training set is learned well and not by heart.

    Why: training and evaluation do not agree on what is better: one of them has its labels the wrong way round, wholly
    or in a part.
    False alarm: memorised pairs look alike at first; those are ranked without a fault, and their loss is gone.
    Sources: measured on training sets of which a part is swapped (G).
    """

    code, name, severity = "MOVE06", "evaluation-at-chance-throughout", WARNING
    methods = frozenset({Method.DPO}) | REWARD_MODEL
    about = ("eval.reward_accuracy", "eval.rm_accuracy")
    most = param(0.6, "evaluation accuracy that is still that of a coin")
    least = param(0.75, "training accuracy that counts as learned")
    by_heart = param(0.97, "training accuracy that counts as known by heart")
    held_out = metric("reward_accuracy", EVAL)
    held_out_model = metric("rm_accuracy", EVAL)
    of_policy = (
        (count(held_out) >= 3)
        & (highest(held_out) < most)
        & (ema(accuracy, 20) > least)
        & (ema(accuracy, 20) < by_heart)
    )
    of_model = (
        (count(held_out_model) >= 3)
        & (highest(held_out_model) < most)
        & (ema(rm_accuracy, 20) > least)
        & (ema(rm_accuracy, 20) < by_heart)
    )
    when = after(share=0.3, steps=100) & sustained((of_policy | of_model) & (ema(loss, 20) > 0.1), 5, share=0.05)
    says = "no evaluation is better than a coin ({value:.2f}), while the training pairs are learned: the sets disagree"
    do = (check_labels, advise("Compare labels and format of the evaluation set with those of the training set"))
    follows = ("NUM01", "MOVE04")


class EvaluationTurnsRound(Rule):
    """What had been learned of the held-out examples is turned into its opposite.

    Why: the labels of the training set are the other way round from some step on. Learning by heart, or breaking down,
    brings an evaluation back to chance, never far below.
    False alarm: none is known where evaluations have more than fifty examples.
    Sources: measured on labels that are swapped from a step on (G).
    """

    code, name, severity = "MOVE07", "evaluation-turns-round", CRITICAL
    methods = IMPLICIT_REWARD | REWARD_MODEL
    about = ("eval.reward_accuracy", "eval.rm_accuracy", "eval.reward_margin")
    good = param(0.65, "accuracy that had been reached")
    bad = param(0.38, "accuracy that tells the opposite")
    margin_held_out = metric("reward_margin", EVAL)
    of_policy = (highest(metric("reward_accuracy", EVAL)) > good) & (metric("reward_accuracy", EVAL) < bad)
    of_model = (highest(metric("rm_accuracy", EVAL)) > good) & (metric("rm_accuracy", EVAL) < bad)
    of_margin = (highest(margin_held_out / beta) > 3) & (margin_held_out < -0.2 * highest(margin_held_out))
    when = sustained(of_policy | of_model | of_margin, 2)
    says = "the held-out examples are told the wrong way round now ({metric} {value:.3g}), and were told rightly before"
    do = (check_labels, check_data, stop(), revert())
    follows = ("NUM01", "NUM04", "RATE05")


class MarginGap(Rule):
    """The margin is many times larger on the training set than on held-out examples.

    Why: the answers are learned by heart.
    False alarm: held-out data of another kind.
    Sources: over-optimisation within an epoch, arXiv 2406.02900 (P); factor and nats (G).
    """

    code, name, severity = "FIT08", "train-eval-margin-gap", WARNING
    methods = IMPLICIT_REWARD
    about = ("eval.reward_margin", "reward_margin")
    times = param(2.5, "times the held-out margin")
    nats = param(10, "nats per sequence by which it must be larger")
    held_out = highest(metric("reward_margin", EVAL), 2)
    train = lagging(margin)
    when = (count(metric("reward_margin", EVAL)) >= 3) & sustained(
        (train > times * held_out) & ((train - held_out) / beta > nats), 5, share=0.05
    )
    shows = {"train": train, "held_out": held_out}
    says = "the margin is {train:.2f} on the training set and {held_out:.2f} on held-out examples: learned by heart"
    do = (earlier_checkpoint, advise("Train for one epoch, at a lower rate or a larger beta"), check_data)
    follows = ("MOVE04", "MOVE07", "MOVE06", "KTO03")


class AnswersSwing(Rule):
    """The classifier calls nearly everything right at one evaluation and nearly everything wrong at another.

    Why: there is nothing in the text to go by: the labels contradict each other.
    False alarm: an unlucky threshold early in a run; the accuracy must never have got anywhere.
    Sources: measured on labels by a coin (G).
    """

    code, name, severity = "CLS12", "answers-swing", WARNING
    methods = CLASSIFIER
    about = "eval.cls_recall"
    swing = param(0.5, "range of the recall over the evaluations")
    most = param(0.6, "accuracy that was never reached")
    held_out = metric("cls_accuracy", EVAL)
    when = (count(recall) >= 4) & (highest(recall) - lowest(recall) > swing) & (highest(held_out) < most)
    shows = {"low": lowest(recall), "high": highest(recall), "accuracy": highest(held_out)}
    says = (
        "the recall swings between {low:.2f} and {high:.2f} from one evaluation to another, and the accuracy was "
        "never above {accuracy:.2f}"
    )
    do = (check_labels, check_data, advise("Check that the step separator is the one the data uses"))
    follows = ("NUM01",)


RULES = (
    TurnsRound,
    EvaluationTurnsRound,
    MovesInCircles,
    EvaluationStandsStill,
    EvaluationCreeps,
    MovesWithoutImproving,
    PolicyStandsStill,
    SetsDisagree,
    MarginGap,
    AnswersSwing,
)
