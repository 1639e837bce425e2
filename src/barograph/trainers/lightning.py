"""A logger for Lightning: `Trainer(logger=LightningLogger("runs/kto", method="kto"))`."""

from __future__ import annotations

import os
from argparse import Namespace
from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

from barograph.core.errors import MissingExtra
from barograph.trainers.tracker import Tracker, start

__all__ = ["LightningLogger"]


def _logger_of_lightning() -> Any:
    """The base class of the one of its two packages that is installed."""
    for package in ("lightning.pytorch", "pytorch_lightning"):
        try:
            return import_module(f"{package}.loggers.logger").Logger
        except ImportError:
            continue
    raise MissingExtra("the logger for Lightning", "lightning", "lightning")


if TYPE_CHECKING:
    _Logger = object
else:
    _Logger = _logger_of_lightning()


class LightningLogger(_Logger):
    """Hands to a `Tracker` what Lightning logs. The run begins with the first row or setting, on the first process."""

    def __init__(self, folder: str | os.PathLike[str], **how: Any) -> None:
        super().__init__()
        self._folder = os.fspath(folder)
        self._how = how
        self._tracker: Tracker | None = None

    @property
    def name(self) -> str:
        return "barograph"

    @property
    def version(self) -> str:
        return os.path.basename(self._folder)  # noqa: PTH119 - a name is all that is wanted

    @property
    def save_dir(self) -> str:
        return self._folder

    @property
    def experiment(self) -> Tracker:
        """The run itself."""
        if self._tracker is None:
            self._tracker = start(self._folder, **self._how)
        return self._tracker

    def log_hyperparams(self, params: Mapping[str, Any] | Namespace, *ignored: Any, **more: Any) -> None:
        if self.experiment.monitor is not None:
            self.experiment.monitor.configure(params)

    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        # Lightning puts the epoch into every row; as a metric of its own kind it stays.
        self.experiment.log(step, metrics)

    def after_save_checkpoint(self, checkpoint_callback: Any) -> None:
        path = getattr(checkpoint_callback, "last_model_path", "") or getattr(
            checkpoint_callback, "best_model_path", ""
        )
        monitor = self.experiment.monitor
        if path and monitor is not None:
            monitor.saved(max(0, monitor.last_step), path)

    def finalize(self, status: str) -> None:
        # The trainer calls it after each of fit, validate and test; only what failed is over for certain.
        if status == "failed":
            self.experiment.finish("crashed")
