"""Metrics of a classifier's predictions, for the `compute_metrics` of a trainer: by answer or by step."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from barograph.core.errors import BarographError
from barograph.sinks.prediction_files import Prediction

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["ComputeMetrics", "create_compute_metrics_fn", "latest_samples"]

#: The label of a position that does not count.
MASKED = -100

#: The predictions that were sampled last in this process, for whoever logs them.
_latest: list[Prediction] = []


class ComputeMetrics:
    """Called with predictions and labels, gives the metrics; the examples that it sampled are in `samples`.

    Predictions are scores before the softmax, as models give them: two for each example or position, or one. A label
    of -100 masks a position.
    """

    def __init__(self, num_samples_to_log: int = 20, *, threshold: float = 0.5, seed: int = 0) -> None:
        self.num_samples_to_log = num_samples_to_log
        self.threshold = threshold
        self.samples: list[Prediction] = []
        self._random = random.Random(seed)  # noqa: S311 - which examples are shown is no secret

    def __call__(self, eval_prediction: Any) -> dict[str, float]:
        """The metrics; `eval_prediction` is the object of transformers, or a pair of predictions and labels."""
        import numpy as np

        scores, labels = _parts(eval_prediction)
        truth, chance = _flat(np.asarray(scores), np.asarray(labels))
        predicted = (chance > self.threshold).astype(int)
        confidence = np.where(predicted == 1, chance, 1.0 - chance)
        self._sample(truth, predicted, confidence)
        return _metrics(truth, predicted, confidence)

    def _sample(self, truth: NDArray[Any], predicted: NDArray[Any], confidence: NDArray[Any]) -> None:
        count = min(self.num_samples_to_log, len(truth))
        chosen = sorted(self._random.sample(range(len(truth)), count))
        self.samples = [Prediction(i, int(truth[i]), int(predicted[i]), float(confidence[i])) for i in chosen]
        _latest[:] = self.samples


def create_compute_metrics_fn(
    num_samples_to_log: int = 20, *, threshold: float = 0.5, seed: int = 0
) -> Callable[[Any], dict[str, float]]:
    """A function for `Trainer(compute_metrics=...)`.

    It gives accuracy, precision, recall, F1, specificity, the four cells of the confusion matrix and the mean
    confidence, and samples predictions for a `PredictionLoggingCallback`.

    >>> compute = create_compute_metrics_fn()
    >>> found = compute(([[0.0, 2.0], [1.0, 0.0], [0.0, 1.0], [3.0, 0.0]], [1, 0, 0, 1]))
    >>> found["accuracy"], found["precision"], found["false_negatives"]
    (0.5, 0.5, 1)
    """
    return ComputeMetrics(num_samples_to_log, threshold=threshold, seed=seed)


def latest_samples() -> list[Prediction]:
    """The predictions that were sampled last in this process."""
    return list(_latest)


def _parts(eval_prediction: Any) -> tuple[Any, Any]:
    """The scores and the labels. Some models give more than scores: those come first."""
    if hasattr(eval_prediction, "predictions"):
        scores, labels = eval_prediction.predictions, eval_prediction.label_ids
    else:
        scores, labels = eval_prediction
    return (scores[0] if isinstance(scores, tuple) else scores), (labels[0] if isinstance(labels, tuple) else labels)


def _flat(scores: NDArray[Any], labels: NDArray[Any]) -> tuple[NDArray[Any], NDArray[np.float64]]:
    """The labels that count, one after the other, and for each the chance of a 1 that the model gives."""
    import numpy as np

    if scores.shape == (*labels.shape, 2):
        with np.errstate(over="ignore", invalid="ignore"):
            chance = _sigmoid(scores[..., 1].astype(np.float64) - scores[..., 0])
    elif scores.shape == labels.shape or scores.shape == (*labels.shape, 1):
        chance = _sigmoid(scores.reshape(labels.shape).astype(np.float64))
    else:
        raise BarographError(
            f"create_compute_metrics_fn: predictions of shape {scores.shape} do not fit labels of shape "
            f"{labels.shape}; give one score or two for each label"
        )
    counts = labels != MASKED
    truth = labels[counts]
    strange = set(np.unique(truth).tolist()) - {0, 1}
    if strange:
        listed = ", ".join(str(label) for label in sorted(strange)[:5])
        raise BarographError(f"create_compute_metrics_fn: labels are 0, 1 or {MASKED}, but there are {listed}")
    return truth.astype(int), chance[counts]


def _sigmoid(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    import numpy as np

    with np.errstate(over="ignore"):
        chance: NDArray[np.float64] = 1.0 / (1.0 + np.exp(-scores))
    return chance


def _metrics(truth: NDArray[Any], predicted: NDArray[Any], confidence: NDArray[Any]) -> dict[str, float]:
    """A share of nothing is 0, as scikit-learn has it; the accuracy of no example at all is not a number."""
    total = len(truth)
    tp = int(((truth == 1) & (predicted == 1)).sum())
    tn = int(((truth == 0) & (predicted == 0)).sum())
    fp = int(((truth == 0) & (predicted == 1)).sum())
    fn = int(((truth == 1) & (predicted == 0)).sum())
    return {
        "accuracy": (tp + tn) / total if total else float("nan"),
        "precision": _share(tp, tp + fp),
        "recall": _share(tp, tp + fn),
        "f1": _share(2 * tp, 2 * tp + fp + fn),
        "specificity": _share(tn, tn + fp),
        "true_positives": tp,
        "true_negatives": tn,
        "false_positives": fp,
        "false_negatives": fn,
        "mean_confidence": float(confidence.mean()) if total else float("nan"),
    }


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0
