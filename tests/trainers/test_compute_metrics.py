"""Metrics of a classifier, by hand and, where it is installed, by scikit-learn."""

from __future__ import annotations

import math
from types import SimpleNamespace

import numpy as np
import pytest

from barograph.core.errors import BarographError
from barograph.trainers.compute_metrics import ComputeMetrics, create_compute_metrics_fn

#: Two scores an example. Called right: 0, 1, 2, 5. Right are 0, 1, 3, 5: so 3 hits, 1 false alarm, 1 miss, 1 quiet.
SCORES = [[0.0, 2.0], [-1.0, 1.0], [0.0, 0.5], [3.0, 0.0], [1.0, 0.0], [0.0, 4.0]]
LABELS = [1, 1, 0, 1, 0, 1]
CELLS = {"true_positives": 3, "false_positives": 1, "false_negatives": 1, "true_negatives": 1}


def cells(found: dict[str, float]) -> dict[str, float]:
    return {name: found[name] for name in CELLS}


def test_shares_by_hand() -> None:
    found = create_compute_metrics_fn()((SCORES, LABELS))
    assert cells(found) == CELLS
    assert found["accuracy"] == pytest.approx(4 / 6)
    assert (found["precision"], found["recall"], found["f1"], found["specificity"]) == (0.75, 0.75, 0.75, 0.5)


def test_confidence_is_the_chance_of_what_was_called() -> None:
    found = create_compute_metrics_fn()(([[0.0, math.log(4)], [math.log(9), 0.0]], [1, 1]))
    assert found["mean_confidence"] == pytest.approx((0.8 + 0.9) / 2)


def test_one_score_is_as_good_as_two() -> None:
    pairs = create_compute_metrics_fn()((SCORES, LABELS))
    differences = [[second - first] for first, second in SCORES]
    single = create_compute_metrics_fn()(SimpleNamespace(predictions=(np.array(differences), None), label_ids=LABELS))
    assert single == pytest.approx(pairs)


def test_masked_positions_of_steps_do_not_count() -> None:
    scores = [[SCORES[0], SCORES[1], [9.0, -9.0]], [SCORES[2], [-9.0, 9.0], SCORES[3]], [SCORES[4], SCORES[5], [0, 0]]]
    labels = [[1, 1, -100], [0, -100, 1], [0, 1, -100]]
    found = create_compute_metrics_fn()((np.array(scores), np.array(labels)))
    assert found == pytest.approx(create_compute_metrics_fn()((SCORES, LABELS)))


def test_a_share_of_nothing_is_none() -> None:
    found = create_compute_metrics_fn()(([[1.0, 0.0]], [0]))
    assert (found["precision"], found["recall"], found["f1"], found["specificity"]) == (0.0, 0.0, 0.0, 1.0)
    nothing = create_compute_metrics_fn()((np.zeros((1, 2, 2)), np.full((1, 2), -100)))
    assert math.isnan(nothing["accuracy"])


def test_samples_are_what_was_asked_for() -> None:
    compute = ComputeMetrics(num_samples_to_log=4)
    compute((SCORES, LABELS))
    assert len(compute.samples) == 4
    right = {0: True, 1: True, 2: False, 3: False, 4: True, 5: True}
    assert all(sample.is_right is right[sample.index] for sample in compute.samples)
    assert all(sample.truth == LABELS[sample.index] for sample in compute.samples)


@pytest.mark.parametrize(
    ("scores", "labels", "problem"),
    [
        ([[0.0, 1.0, 2.0]], [1], r"predictions of shape \(1, 3\) do not fit labels of shape \(1,\)"),
        ([[0.0, 1.0]], [7], "labels are 0, 1 or -100, but there are 7"),
    ],
)
def test_what_does_not_fit_is_said(scores: list[list[float]], labels: list[int], problem: str) -> None:
    with pytest.raises(BarographError, match=problem):
        create_compute_metrics_fn()((scores, labels))


def test_scikit_learn_agrees() -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    random = np.random.default_rng(0)
    scores, labels = random.normal(size=(500, 2)), random.integers(0, 2, 500)
    found = create_compute_metrics_fn()((scores, labels))
    called = scores.argmax(axis=1)
    assert found["f1"] == pytest.approx(metrics.f1_score(labels, called))
    assert found["precision"] == pytest.approx(metrics.precision_score(labels, called))
    assert found["specificity"] == pytest.approx(metrics.recall_score(labels, called, pos_label=0))
