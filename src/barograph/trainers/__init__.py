"""What whoever trains uses: the tracker for a loop of one's own, the callback, and the loggers of other libraries.

Each name is imported when it is first asked for, with the library that it needs.
"""

from __future__ import annotations

from importlib import import_module

__all__ = [
    "AccelerateTracker", "BarographCallback", "LightningLogger", "MetricsTracker", "PredictionLoggingCallback",
    "RewardMetricsCallback", "TextEvaluation", "Tracker", "create_compute_metrics_fn", "resume", "start",
]  # fmt: skip

_HOMES = {
    "AccelerateTracker": "accelerate",
    "BarographCallback": "callback",
    "LightningLogger": "lightning",
    "MetricsTracker": "metrics_tracker",
    "PredictionLoggingCallback": "prediction_callback",
    "RewardMetricsCallback": "reward_callback",
    "TextEvaluation": "text_evaluation",
    "Tracker": "tracker",
    "create_compute_metrics_fn": "compute_metrics",
    "resume": "rescue",
    "start": "tracker",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'barograph.trainers' has no attribute {name!r}")
    return getattr(import_module(f"barograph.trainers.{_HOMES[name]}"), name)
