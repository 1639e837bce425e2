"""What a classifier said of held-out examples: `predictions.log` for people, `prediction_samples.json` for programs."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from barograph.sinks.replace import write_whole
from barograph.sinks.reward_files import add_text, strict

__all__ = ["LOG", "SAMPLES", "Prediction", "PredictionFiles", "block"]

LOG = "predictions.log"
SAMPLES = "prediction_samples.json"
RULE = "=" * 80
#: The samples of so many evaluations are kept; of more, every other one is let go.
MOST_EVALUATIONS = 500

_SHARES = (
    ("Accuracy", "accuracy"), ("Precision", "precision"), ("Recall", "recall"), ("F1 Score", "f1"),
    ("Specificity", "specificity"),
)  # fmt: skip
_CELLS = ("true_negatives", "false_positives", "false_negatives", "true_positives")


@dataclass(frozen=True, slots=True)
class Prediction:
    """What was said of one example, how surely, and what was right."""

    index: int
    truth: int
    predicted: int
    confidence: float

    @property
    def is_right(self) -> bool:
        return self.truth == self.predicted


def block(
    step: int, epoch: float | None, when: str, metrics: Mapping[str, float], samples: Sequence[Prediction]
) -> str:
    """The text of one evaluation."""
    of_epoch = f" (Epoch {epoch:.2f})" if epoch is not None else ""
    lines = [RULE, f"Evaluation at Step {step}{of_epoch}", f"Timestamp: {when}", RULE, "", "Overall Metrics:"]
    lines += [f"  {name + ':':<11} {metrics[key]:.4f}" for name, key in _SHARES if key in metrics]
    if all(key in metrics for key in _CELLS):
        tn, fp, fn, tp = (int(metrics[key]) for key in _CELLS)
        lines += ["", "Confusion Matrix:", f"  TN:{tn:6d}  FP:{fp:6d}", f"  FN:{fn:6d}  TP:{tp:6d}"]
    if samples:
        lines += ["", f"Sample Predictions ({len(samples)} random samples):"]
        lines += ["  Idx |   GT | Pred |   Conf | Correct", "-" * 45]
        lines += [_line(one) for one in samples]
    return "\n".join([*lines, "", ""])


def _line(one: Prediction) -> str:
    sign = "✓" if one.is_right else "✗"
    return f"{one.index:5d} | {one.truth:4d} | {one.predicted:4d} | {one.confidence:.4f} | {sign:>7}"


class PredictionFiles:
    """Both files in one folder."""

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.folder = Path(folder)
        self._evaluations: list[dict[str, object]] = []
        with suppress(OSError, ValueError):
            known = json.loads((self.folder / SAMPLES).read_bytes())
            self._evaluations = [entry for entry in known if isinstance(entry, dict)]

    def write(
        self, step: int, epoch: float | None, when: str, metrics: Mapping[str, float], samples: Sequence[Prediction]
    ) -> None:
        """Add an evaluation to both. Raises `OSError`."""
        add_text(self.folder / LOG, block(step, epoch, when.partition(".")[0], metrics, samples))
        self._evaluations.append(
            {
                "step": step,
                "epoch": epoch,
                "timestamp": when,
                "metrics": strict(metrics),
                "samples": [
                    strict(
                        {
                            "index": one.index,
                            "ground_truth": one.truth,
                            "predicted": one.predicted,
                            "confidence": one.confidence,
                            "correct": one.is_right,
                        }
                    )
                    for one in samples
                ],
            }
        )
        if len(self._evaluations) > MOST_EVALUATIONS:
            self._evaluations = [*self._evaluations[:-1:2], self._evaluations[-1]]
        write_whole(self.folder / SAMPLES, json.dumps(self._evaluations, indent=2).encode() + b"\n")
