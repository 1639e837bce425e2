"""Classifiers and process reward models: right or wrong, per answer or per step."""

from __future__ import annotations

from barograph.core.methods import CLASSIFIER
from barograph.core.metric import Alias, Better, Metric, Unit

__all__ = ["CLASSIFIER_METRICS"]

CLASSIFIER_METRICS: tuple[Metric, ...] = (
    Metric(
        name="cls_accuracy",
        title="Accuracy",
        group="classifier",
        meaning="Share of answers or steps that are labelled correctly.",
        unit=Unit.SHARE,
        better=Better.UP,
        aliases=(
            Alias("accuracy", "transformers, TRL PRM", CLASSIFIER),
            Alias("acc", "hand-written loops", CLASSIFIER),
        ),
        reading=(
            "0.80 is a good step classifier and 0.85 the target; below 0.70 look at the data. With unbalanced "
            "classes it flatters: always answering `right` scores the share of right steps, so read it with F1 and "
            "specificity."
        ),
    ),
    Metric(
        name="cls_precision",
        title="Precision",
        group="classifier",
        meaning="Share of the steps called right that are right.",
        unit=Unit.SHARE,
        better=Better.UP,
        aliases=(Alias("precision", "compute_metrics"),),
        reading=(
            "High with a low recall, the model calls too little right: the threshold or the class weights are off."
        ),
    ),
    Metric(
        name="cls_recall",
        title="Recall",
        group="classifier",
        meaning="Share of the right steps that are called right.",
        unit=Unit.SHARE,
        better=Better.UP,
        aliases=(Alias("recall", "compute_metrics"),),
        reading="Near one with a low specificity, the model calls everything right.",
    ),
    Metric(
        name="cls_specificity",
        title="Specificity",
        group="classifier",
        meaning="Share of the wrong steps that are called wrong.",
        unit=Unit.SHARE,
        better=Better.UP,
        aliases=(
            Alias("specificity", "compute_metrics"),
            Alias("true_negative_rate", "compute_metrics"),
        ),
        reading=(
            "The number that shows whether mistakes are found at all. Below 0.5 a process reward model is of little "
            "use."
        ),
    ),
    Metric(
        name="cls_f1",
        title="F1",
        group="classifier",
        meaning="Harmonic mean of precision and recall.",
        unit=Unit.SHARE,
        better=Better.UP,
        aliases=(
            Alias("f1", "compute_metrics"),
            Alias("f1_score", "compute_metrics"),
            Alias("f1_macro", "compute_metrics"),
        ),
        reading=(
            "Better than accuracy when the classes are unbalanced, and the usual choice for the best checkpoint; "
            "0.83 is the target for a step classifier."
        ),
    ),
    Metric(
        name="cls_auc",
        title="Area under the curve",
        group="classifier",
        meaning="Chance that a right step is scored above a wrong one.",
        unit=Unit.SHARE,
        better=Better.UP,
        aliases=(
            Alias("auc", "compute_metrics"),
            Alias("roc_auc", "compute_metrics"),
        ),
        reading="Does not depend on the threshold: high with a low F1, only the threshold is wrong.",
    ),
    Metric(
        name="cls_pos_rate",
        title="Called right",
        group="classifier",
        meaning="Share of steps that the model calls right.",
        unit=Unit.SHARE,
        aliases=(
            Alias("positive_rate", "compute_metrics"),
            Alias("pos_rate", "compute_metrics"),
        ),
        reading=(
            "Should be near the share of right steps in the data. At one or zero the model has stopped discriminating."
        ),
    ),
    Metric(
        name="cls_confidence",
        title="Mean confidence",
        group="classifier",
        meaning="Mean probability that the model gives to its own answer.",
        unit=Unit.SHARE,
        aliases=(
            Alias("mean_confidence", "compute_metrics"),
            Alias("confidence", "compute_metrics"),
        ),
        reading="Should match the accuracy. Well above it, the model is overconfident.",
    ),
    Metric(
        name="cls_true_positives",
        title="Rightly called right",
        group="classifier",
        meaning="Right steps that are called right.",
        unit=Unit.COUNT,
        better=Better.UP,
        aliases=(
            Alias("true_positives", "compute_metrics"),
            Alias("tp", "compute_metrics"),
        ),
        reading="One of the four cells of the confusion matrix.",
    ),
    Metric(
        name="cls_true_negatives",
        title="Rightly called wrong",
        group="classifier",
        meaning="Wrong steps that are called wrong.",
        unit=Unit.COUNT,
        better=Better.UP,
        aliases=(
            Alias("true_negatives", "compute_metrics"),
            Alias("tn", "compute_metrics"),
        ),
        reading="One of the four cells of the confusion matrix. Zero: no mistake is ever found.",
    ),
    Metric(
        name="cls_false_positives",
        title="Wrongly called right",
        group="classifier",
        meaning="Wrong steps that are called right.",
        unit=Unit.COUNT,
        better=Better.DOWN,
        aliases=(
            Alias("false_positives", "compute_metrics"),
            Alias("fp", "compute_metrics"),
        ),
        reading="Many of these: the model is too optimistic.",
    ),
    Metric(
        name="cls_false_negatives",
        title="Wrongly called wrong",
        group="classifier",
        meaning="Right steps that are called wrong.",
        unit=Unit.COUNT,
        better=Better.DOWN,
        aliases=(
            Alias("false_negatives", "compute_metrics"),
            Alias("fn", "compute_metrics"),
        ),
        reading="Many of these: the model is too strict.",
    ),
)
