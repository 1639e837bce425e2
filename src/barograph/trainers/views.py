"""The files besides the record that a run keeps while it goes on."""

from __future__ import annotations

from barograph.core.listener import Listener
from barograph.sinks.epoch_files import EpochFiles
from barograph.sinks.reward_files import RewardFiles
from barograph.trainers.epoch_plots import can_draw, draw_plots

__all__ = ["views"]


def views() -> list[Listener]:
    """Who writes them: `metrics/` by epoch, with plots where matplotlib is there, and the logs of reward runs.

    >>> [type(view).__name__ for view in views()]
    ['EpochFiles', 'RewardFiles']
    """
    return [EpochFiles(draw_plots if can_draw() else None), RewardFiles()]
