"""Step classifiers and other binary judges: what accuracy alone hides."""

from __future__ import annotations

from barograph.core.methods import CLASSIFIER
from barograph.core.names import EVAL
from barograph.rules.advice import advise, check_data, raise_lr
from barograph.rules.base import CRITICAL, INFO, WARNING, Rule, param
from barograph.rules.series import eval_accuracy, f1, precision, recall, specificity
from barograph.signals.words import after, count, delta, ema, highest, log, maximum, metric, sustained

balance = advise("Weigh or resample the classes, or choose the threshold by F1")
positives = metric("cls_true_positives", EVAL) + metric("cls_false_negatives", EVAL)
negatives = metric("cls_true_negatives", EVAL) + metric("cls_false_positives", EVAL)
more_data = advise("More examples help here: from 200k to 400k if the accuracy stays below 0.8")


class MajorityPredictor(Rule):
    """The classifier answers (nearly) always the same.

    Why: one class is so frequent that predicting it is the easiest way to a low loss.
    False alarm: the first evaluation of a run; two are needed.
    Sources: by definition (M).
    """

    code, name, severity = "CLS01", "majority-predictor", CRITICAL
    methods = CLASSIFIER
    about = ("eval.cls_specificity", "eval.cls_recall")
    floor = param(0.05, "recall of a class that counts as never predicted")
    when = sustained((specificity < floor) | (recall < floor), 2)
    shows = {"recall": recall}
    says = "one class is never predicted (recall {recall:.2f}): the accuracy only mirrors the class sizes"
    do = (balance, raise_lr, check_data)
    follows = ("CLS12",)


class LowSpecificity(Rule):
    """Wrong examples are not recognised as wrong.

    Why: few negative examples; the model is too optimistic.
    False alarm: tasks in which false positives are harmless.
    Sources: practice (G).
    """

    code, name, severity = "CLS02", "low-specificity", WARNING
    methods = CLASSIFIER
    about = "eval.cls_specificity"
    level = param(0.4, "specificity")
    far = param(0.3, "specificity that is critical")
    when = after(share=0.6, steps=500) & sustained(specificity < level, 2) & (count(specificity) >= 2)
    escalates = {CRITICAL: sustained(specificity < far, 3)}
    shows = {"specificity": specificity}
    says = "only {specificity:.0%} of the wrong examples are recognised as wrong"
    do = (advise("Oversample wrong examples, or raise their weight"), balance)
    follows = ("CLS12", "CLS01")
    forgiven_after = 0.2


class BiasedToNegative(Rule):
    """Precision is high and recall low: the classifier says "wrong" too often.

    Why: the positive class is rare in training or the threshold is too high.
    False alarm: a threshold that was moved on purpose.
    Sources: reward-model guide: 0.95 against 0.45 (D); difference (G).
    """

    code, name, severity = "CLS03", "biased-to-negative", WARNING
    methods = CLASSIFIER
    about = "eval.cls_recall"
    gap = param(0.3, "difference of precision and recall")
    when = sustained(precision - recall > gap, 2) | (after(share=0.9, steps=1e12) & (precision - recall > gap))
    shows = {"precision": precision, "recall": recall}
    says = "precision {precision:.2f} but recall {recall:.2f}: too conservative, biased to the negative class"
    do = (balance, advise("Lower the threshold"))
    follows = ("CLS12", "CLS01", "MOVE02", "MOVE08")


class BiasedToPositive(Rule):
    """Recall is high and precision low: the classifier says "right" too often.

    Why: the negative class is rare in training or the threshold is too low.
    False alarm: a threshold that was moved on purpose.
    Sources: reward-model guide: many false positives, too optimistic (D); difference (G).
    """

    code, name, severity = "CLS04", "biased-to-positive", WARNING
    methods = CLASSIFIER
    about = "eval.cls_precision"
    gap = param(0.3, "difference of recall and precision")
    when = sustained(recall - precision > gap, 2) | (after(share=0.9, steps=1e12) & (recall - precision > gap))
    shows = {"precision": precision, "recall": recall}
    says = "recall {recall:.2f} but precision {precision:.2f}: too optimistic, biased to the positive class"
    do = (balance, advise("Raise the threshold"))
    follows = ("CLS12", "CLS01", "CLS02")


class AccuracyStuckLow(Rule):
    """The evaluation accuracy stays low.

    Why: labels that contradict each other, a separator that does not match the data, too little capacity.
    False alarm: hard tasks with an honest ceiling below this.
    Sources: reward-model guide: stuck below 0.70 (D).
    """

    code, name, severity = "CLS05", "accuracy-stuck-low", WARNING
    methods = CLASSIFIER
    about = "eval.cls_accuracy"
    level = param(0.70, "accuracy")
    when = after(share=0.5, steps=1000) & (count(eval_accuracy) >= 2) & sustained(eval_accuracy < level, 2)
    shows = {"accuracy": eval_accuracy}
    says = "the evaluation accuracy is stuck at {accuracy:.2f}, below {level:.2f}"
    do = (check_data, advise("Check that the step separator is the one the data uses"), raise_lr)
    follows = ("LOSS01", "CLS01", "MOVE02", "MOVE08")


class BelowTarget(Rule):
    """The run ends below what a useful step classifier reaches.

    Why: too few examples, too small a model, or too short a run.
    False alarm: the targets are those of arithmetic step labels; yours may differ, so it is a remark.
    Sources: reward-model guide: accuracy 0.85, F1 0.83 (D).
    """

    code, name, severity = "CLS06", "below-target", INFO
    methods = CLASSIFIER
    about = ("eval.cls_f1", "eval.cls_accuracy")
    accuracy_target = param(0.80, "accuracy", guide=0.85)
    f1_target = param(0.78, "F1", guide=0.83)
    when = after(share=0.85, steps=1e12) & (
        (highest(ema(eval_accuracy, 2)) < accuracy_target) | (highest(ema(f1, 2)) < f1_target)
    )
    shows = {"accuracy": highest(eval_accuracy)}
    says = "the best evaluation accuracy is {accuracy:.3f}; a useful step classifier reaches {accuracy_target:.2f}"
    do = (more_data, advise("A larger model, if both losses are high"))
    follows = ("CLS01", "CLS05", "FIT05", "LOSS01")


class LowF1(Rule):
    """F1 stays low although the accuracy looks acceptable.

    Why: the rare class is not learned.
    False alarm: very rare positives; compare with the F1 of a random guess.
    Sources: practice (G).
    """

    code, name, severity = "CLS07", "low-f1", WARNING
    methods = CLASSIFIER
    about = "eval.cls_f1"
    level = param(0.4, "F1")
    when = after(share=0.4, steps=500) & sustained(f1 < level, 2)
    shows = {"f1": f1}
    says = "F1 is {f1:.2f}"
    do = (balance, check_data)
    follows = ("CLS12", "CLS01", "MOVE02", "MOVE08")


class AccuracyNeverChanges(Rule):
    """The evaluation accuracy is the same to the last digit, evaluation after evaluation.

    Why: the classifier always gives the same answer, so that its accuracy is the share of the larger class.
    False alarm: a tiny evaluation set that is answered in full.
    Sources: by definition (M).
    """

    code, name, severity = "CLS08", "accuracy-never-changes", WARNING
    methods = CLASSIFIER
    about = "eval.cls_accuracy"
    patience = param(3, "evaluations in a row without any change")
    when = sustained(abs(delta(eval_accuracy)) < 1e-12, patience) & (eval_accuracy < 1)
    shows = {"accuracy": eval_accuracy}
    says = "the evaluation accuracy is exactly {accuracy:.4f} every time: the classifier always gives the same answer"
    do = (balance, check_data, raise_lr)
    follows = ("CLS01",)


class SurerThanRight(Rule):
    """The classifier is surer of its answers than it is right.

    Why: too many epochs, or labels that contradict each other.
    False alarm: an evaluation set of another kind; mean confidence and accuracy are then both right about their own.
    Sources: the calibration error is at least the difference of mean confidence and accuracy (M); a tenth (G).
    """

    code, name, severity = "CLS09", "confidence-above-accuracy", WARNING
    methods = CLASSIFIER
    about = "eval.cls_confidence"
    gap = param(0.1, "difference of confidence and accuracy")
    confidence = metric("cls_confidence", EVAL)
    when = (count(confidence) >= 2) & sustained(confidence - eval_accuracy > gap, 2)
    shows = {"confidence": confidence, "accuracy": eval_accuracy}
    says = "the classifier is {confidence:.0%} sure on average, and right in {accuracy:.0%}"
    do = (advise("Stop earlier, or calibrate by a temperature before scores are used"), check_data)
    follows = ("CLS01", "FIT01", "FIT02", "MOVE02", "MOVE08")


class NoBetterThanBaseRate(Rule):
    """The evaluation loss is no lower than that of somebody who only knows how frequent the classes are.

    Why: positions are read that carry no label, the separator is another one than in the data, or the rate is too low.
    False alarm: a model that ranks well and is badly calibrated: look at F1 and AUC.
    Sources: the entropy of the class sizes (M); TRL documentation of the step separator (D).
    """

    code, name, severity = "CLS10", "no-better-than-base-rate", WARNING
    methods = CLASSIFIER
    about = "eval.loss"
    share = positives / (positives + negatives)
    ignorant = -(share * log(share) + (1 - share) * log(1 - share))
    when = after(share=0.25, steps=500) & sustained(metric("loss", EVAL) >= ignorant, 2)
    shows = {"loss": metric("loss", EVAL), "ignorant": ignorant, "share": share}
    says = "the evaluation loss is {loss:.3f}; knowing only that {share:.0%} are right gives {ignorant:.3f}"
    do = (advise("Check that the step separator is the one the data uses"), check_data, raise_lr)
    follows = ("CLS01", "CLS08", "FIT01", "FIT02", "LOSS01", "MOVE02", "MOVE08")


class AccuracyOfTheLargerClass(Rule):
    """The accuracy is high, and no higher than the share of the larger class.

    Why: most examples are of one class; an accuracy of 0.9 says nothing where nine in ten are right.
    False alarm: a rare class that is found as often as it is called by mistake: F1 tells.
    Sources: accuracy of answering always the same (M); ProcessBench reports both classes, arXiv 2412.06559 (P).
    """

    code, name, severity = "CLS11", "accuracy-of-the-larger-class", INFO
    methods = CLASSIFIER
    about = "eval.cls_accuracy"
    high = param(0.8, "share of the larger class from which on accuracy misleads")
    larger = maximum(NoBetterThanBaseRate.share, 1 - NoBetterThanBaseRate.share)
    when = after(share=0.25, steps=500) & sustained((larger > high) & (eval_accuracy <= larger), 2)
    shows = {"accuracy": eval_accuracy, "larger": larger}
    says = "the accuracy is {accuracy:.2f}, and {larger:.2f} are of one class: always saying the same does as well"
    do = (advise("Judge by F1 of both classes"), balance)
    follows = ("CLS01", "CLS02", "CLS10")


RULES = (
    MajorityPredictor,
    LowSpecificity,
    BiasedToNegative,
    BiasedToPositive,
    AccuracyStuckLow,
    BelowTarget,
    LowF1,
    AccuracyNeverChanges,
    SurerThanRight,
    NoBetterThanBaseRate,
    AccuracyOfTheLargerClass,
)
