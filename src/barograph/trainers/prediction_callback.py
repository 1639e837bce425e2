"""A callback that logs what a classifier says of held-out examples, at every evaluation."""

from __future__ import annotations

import os
import warnings
from typing import Any

from barograph.core.errors import MissingExtra
from barograph.sinks.prediction_files import Prediction, PredictionFiles
from barograph.sinks.reward_files import now
from barograph.trainers.compute_metrics import ComputeMetrics, latest_samples

try:
    from transformers import TrainerCallback
except ImportError as error:
    raise MissingExtra("PredictionLoggingCallback", "transformers", "train") from error

__all__ = ["PredictionLoggingCallback"]


class PredictionLoggingCallback(TrainerCallback):  # type: ignore[misc, unused-ignore]
    """Writes `predictions.log` and `prediction_samples.json`.

    The predictions are those that `create_compute_metrics_fn` sampled: of the function given as `compute_metrics`, or
    of whichever was called last.
    """

    def __init__(
        self, output_dir: str | os.PathLike[str], num_samples_to_log: int = 20, *, compute_metrics: Any = None
    ) -> None:
        self.files = PredictionFiles(output_dir)
        self.num_samples_to_log = num_samples_to_log
        self._compute = compute_metrics
        self._has_warned = False

    def on_evaluate(
        self, args: Any, state: Any, control: Any, metrics: dict[str, Any] | None = None, **kwargs: Any
    ) -> None:
        """An evaluation is over."""
        if not state.is_world_process_zero:
            return
        numbers = {
            key.removeprefix("eval_"): float(value)
            for key, value in (metrics or {}).items()
            if isinstance(value, float | int)
        }
        try:
            self.files.write(state.global_step, state.epoch, now(), numbers, self._samples())
        except OSError as error:
            self._warn_once(error)

    def _samples(self) -> list[Prediction]:
        samples = self._compute.samples if isinstance(self._compute, ComputeMetrics) else latest_samples()
        return samples[: self.num_samples_to_log]

    def _warn_once(self, error: OSError) -> None:
        """A full disk is no reason to stop a training."""
        if not self._has_warned:
            self._has_warned = True
            warnings.warn(f"{self.files.folder}: predictions cannot be written ({error.strerror})", stacklevel=3)
