"""Metrics by epoch for a loop of one's own: two files, plots, the best of each, and a summary."""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from barograph.monitor.rows import as_number
from barograph.sinks.epoch_files import ALWAYS, EpochTable
from barograph.trainers.epoch_plots import can_draw, draw_plots

__all__ = ["MetricsTracker"]

#: Which end of a metric is the good one, and what the best is called.
BEST = {
    "reward": ("best_reward", max), "loss": ("lowest_loss", min), "kl_divergence": ("lowest_kl_divergence", min),
    "bertscore": ("best_bertscore", max), "codebleu": ("best_codebleu", max), "bleu": ("best_bleu", max),
    "rouge": ("best_rouge", max), "ruby": ("best_ruby", max),
}  # fmt: skip


class MetricsTracker:
    """Keeps `training_metrics.csv`, `training_metrics.json` and `plots/*.png` in a folder.

    A folder that holds them already is taken up, so that a tracker answers for a run that is over as well. Files are
    written every `save_every_n_epochs` epochs; `save` writes what is left. A disk that refuses is told of once, and
    asked again with the next epoch.

    >>> import tempfile
    >>> tracker = MetricsTracker(tempfile.mkdtemp(), save_every_n_epochs=5)
    >>> tracker.log_epoch(1, {"loss": 2.5, "reward": 0.1}, epoch_time=60.0)
    >>> tracker.log_epoch(2, {"loss": 2.0, "reward": 0.3}, epoch_time=58.0)
    >>> tracker.get_best_metrics()["best_reward"], tracker.export_summary()["total_training_time"]
    (0.3, 118.0)
    """

    def __init__(
        self, output_dir: str | os.PathLike[str] = "./modern_outputs/metrics", save_every_n_epochs: int = 1
    ) -> None:
        self.output_dir = Path(output_dir)
        self.save_every_n_epochs = max(1, save_every_n_epochs)
        self._table = EpochTable(self.output_dir)
        self._table.read()
        self._since_save = 0
        self._said: set[str] = set()

    @property
    def history(self) -> Sequence[Mapping[str, float | None]]:
        """The epochs so far, as the JSON file has them."""
        return self._table.rows

    def log_epoch(
        self,
        epoch: int,
        training_metrics: Mapping[str, object],
        evaluation_metrics: Mapping[str, object] | None = None,
        **more: object,
    ) -> None:
        """Take the metrics of an epoch; `epoch_time`, `samples_per_second` and the like may be named besides."""
        row: dict[str, float | None] = dict.fromkeys(ALWAYS)
        for metrics in (training_metrics, evaluation_metrics or {}, more):
            row.update({name: number for name, value in metrics.items() if (number := as_number(value)) is not None})
        row["epoch"] = epoch
        self._table.add(row)
        self._since_save += 1
        if self._since_save >= self.save_every_n_epochs:
            self.save()

    def save(self) -> None:
        """Write the files, and draw the plots where matplotlib is installed."""
        try:
            self._table.write()
            self._since_save = 0
            if can_draw():
                draw_plots(self._table.rows, self.output_dir / "plots")
            else:
                self._say("no plots are drawn, for matplotlib is not installed: pip install 'barograph[plot]'")
        except OSError as error:
            self._say(f"{self.output_dir}: metrics cannot be written ({error.strerror}); tried again with the next")

    def get_best_metrics(self) -> dict[str, float | int]:
        """The best of each metric, and the epoch it was reached in: `best_reward`, `best_reward_epoch` ..."""
        best: dict[str, float | int] = {}
        for column, (name, choose) in BEST.items():
            found = [(value, row["epoch"]) for row in self._table.rows if _is_number(value := row.get(column))]
            if found:
                value, epoch = choose(found, key=lambda pair: pair[0] or 0.0)
                best[name], best[f"{name}_epoch"] = value or 0.0, int(epoch or 0)
        return best

    def export_summary(self) -> dict[str, object]:
        """How many epochs, how long, the best and the last metrics. What is open is saved."""
        if self._since_save:
            self.save()
        rows = self._table.rows
        times = [value for row in rows if _is_number(value := row.get("epoch_time"))]
        total = sum(value or 0.0 for value in times)
        return {
            "total_epochs": len(rows),
            "total_training_time": float(total),
            "average_epoch_time": total / len(times) if times else 0.0,
            "best_metrics": self.get_best_metrics(),
            "final_metrics": {name: value for name, value in rows[-1].items() if value is not None} if rows else {},
        }

    def _say(self, sentence: str) -> None:
        if sentence not in self._said:
            self._said.add(sentence)
            print(f"barograph: {sentence}", file=sys.stderr)


def _is_number(value: float | None) -> bool:
    return value is not None and math.isfinite(value)
