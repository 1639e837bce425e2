"""A tracker for `Accelerator(log_with=AccelerateTracker("runs/kto"))`."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from barograph.core.errors import MissingExtra
from barograph.trainers.tracker import Tracker, start

try:
    from accelerate.tracking import GeneralTracker, on_main_process
except ImportError as error:
    raise MissingExtra("the tracker for accelerate", "accelerate", "train") from error

__all__ = ["AccelerateTracker"]


class AccelerateTracker(GeneralTracker):  # type: ignore[misc]
    """Hands to a `Tracker` what accelerate is given. It acts on the main process only.

    >>> accelerator = Accelerator(log_with=AccelerateTracker("runs/kto", guard="stop"))  # doctest: +SKIP
    >>> accelerator.init_trackers("kto", config={"beta": 0.1})  # doctest: +SKIP
    >>> accelerator.log({"loss": 0.5}, step=1)  # doctest: +SKIP
    """

    name = "barograph"
    requires_logging_directory = False

    def __init__(self, folder: str | os.PathLike[str], **how: Any) -> None:
        super().__init__()
        self._folder = folder
        self._how = how
        self._tracker = Tracker(None)

    @property
    def tracker(self) -> Tracker:
        """What `Accelerator.get_tracker("barograph", unwrap=True)` gives."""
        return self._tracker

    @on_main_process  # type: ignore[untyped-decorator]
    def start(self) -> None:
        self._tracker = start(self._folder, **self._how)

    @on_main_process  # type: ignore[untyped-decorator]
    def store_init_configuration(self, values: Mapping[str, Any]) -> None:
        if self._tracker.monitor is not None:
            self._tracker.monitor.configure(values)

    @on_main_process  # type: ignore[untyped-decorator]
    def log(self, values: Mapping[str, Any], step: int | None = None, **ignored: Any) -> None:
        self._tracker.log(step, values)

    @on_main_process  # type: ignore[untyped-decorator]
    def finish(self) -> None:
        self._tracker.finish()
