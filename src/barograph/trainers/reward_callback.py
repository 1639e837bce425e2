"""A callback for reward and classifier training: `metrics.log` and `metrics_history.json` in a folder."""

from __future__ import annotations

import os
from typing import Any

from barograph.core.errors import MissingExtra
from barograph.sinks.reward_files import MetricsHistory

try:
    from transformers import TrainerCallback
except ImportError as error:
    raise MissingExtra("RewardMetricsCallback", "transformers", "train") from error

__all__ = ["RewardMetricsCallback"]


class RewardMetricsCallback(TrainerCallback):  # type: ignore[misc, unused-ignore]
    """Logs the loss at every logging step, and the metrics of every evaluation."""

    def __init__(self, output_dir: str | os.PathLike[str]) -> None:
        self.history = MetricsHistory(output_dir)

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """After a resume the history goes on."""
        if state.is_world_process_zero and state.global_step > 0 and not self.history.entries:
            self.history.read()

    def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, Any] | None = None, **kwargs: Any) -> None:
        """A row of training or of an evaluation; the totals at the end of a training are none."""
        if state.is_world_process_zero and logs and "train_runtime" not in logs:
            epoch = {} if state.epoch is None else {"epoch": round(float(state.epoch), 6)}
            self.history.add(state.global_step, {**logs, **epoch})

    def on_step_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """The step before is over, and no evaluation of it will come."""
        self.history.flush()

    def on_train_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self.history.close()
