"""The rivals that have no command for a log: they watch a run live, and here they are fed its rows.

Run by the Python that has them: the rows go in as JSON, the findings come out as JSON.

    /tmp/rivals/bin/python benchmarks/diagnosis/rivals_live.py rlwatch < rows.json

Each is given what the log has of what it asks for, by the names of its own interface, which say what is meant; at
default thresholds, and a fresh one for each log. Rows of an evaluation are left out: their own callbacks find nothing
in those.
"""

from __future__ import annotations

import json
import math
import os
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

__all__ = ["KNOWN", "LIVE", "known"]

Row = Mapping[str, Any]

#: What logs of TRL and of the PPO of the recipes call a quantity.
ENTROPY = ("entropy", "policy/entropy_avg")
KL = ("kl", "objective/kl")
REWARD = ("reward", "objective/scores")
RATE = ("learning_rate", "lr")
CLIPPED = ("clip_ratio/region_mean", "policy/clipfrac_avg")
LENGTH = ("completions/mean_length", "mean_length")

#: What each asks for, by its own name, and what that is called in a log: the first that there is.
KNOWN: dict[str, dict[str, tuple[str, ...]]] = {
    "rlwatch": {
        "entropy": ENTROPY,
        "kl_divergence": KL,
        "reward_mean": REWARD,
        "reward_std": ("reward_std",),
        "loss": ("loss",),
        "learning_rate": RATE,
        "clip_fraction": CLIPPED,
        "grad_norm": ("grad_norm",),
    },
    "rlprobe": {
        "entropy_mean": ENTROPY,
        "kl_mean": KL,
        "reward_mean": REWARD,
        "reward_std": ("reward_std",),
        "zero_variance_group_frac": ("frac_reward_zero_std",),
        "loss": ("loss",),
        "lr": RATE,
        "grad_norm": ("grad_norm",),
        "clip_fraction": CLIPPED,
        "ratio_mean": ("val/ratio",),
        "value_loss": ("loss/value_avg",),
        "value_explained_variance": ("explained_variance",),
        "value_clip_fraction": ("val/clipfrac_avg",),
        "completion_len_mean": LENGTH,
        "completion_len_max": ("completions/max_length",),
        "truncation_rate": ("completions/clipped_ratio",),
    },
    "provenir": {
        "entropy": ENTROPY,
        "kl": KL,
        "reward_mean": REWARD,
        "reward_std": ("reward_std",),
        "response_length_mean": LENGTH,
        "grad_norm": ("grad_norm",),
        "learning_rate": RATE,
    },
}


def known(rival: str, row: Row) -> dict[str, float]:
    """What this row has of what the rival asks for."""
    return {
        own: row[logged[0]]
        for own, names in KNOWN[rival].items()
        if (logged := [name for name in names if isinstance(row.get(name), int | float)])
    }


def _rlwatch(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """What it sends while it is fed: its report on a run is the list of that."""
    import rlwatch

    monitor = rlwatch.attach(framework="manual", run_id="log")
    return [vars(alert) for row in rows for alert in monitor.log_step(row["step"], **known("rlwatch", row))]


def _rlprobe(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """What its doctor says of its recording. A number that is none is counted, as its recorder would have it."""
    from rlprobe.doctor import diagnose
    from rlprobe.recorder import Recorder

    with Recorder("run", capture_env=False) as recorder:
        for row in rows:
            numbers = known("rlprobe", row)
            finite = {name: value for name, value in numbers.items() if math.isfinite(value)}
            nans = sum(math.isnan(value) for value in numbers.values())
            infinite = len(numbers) - len(finite) - nans
            recorder.log_step(row["step"], **finite, nan_count=nans, inf_count=infinite)
    return [finding.model_dump() for finding in diagnose("run")]


def _provenir(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """What its flight recorder notes. It takes a spread that is not logged for nought, and nought for a collapse: 1."""
    import provenir

    config = provenir.TrackingConfig(name="log", capture_env=False)
    with provenir.ProvenirRun(config) as run:
        for row in rows:
            spreads = {"reward_std": 1.0, "advantage_std": 1.0}
            run.log_step({"step": row["step"], **spreads, **known("provenir", row)})
    return list(json.loads(Path("artifacts/provenir/flight_recorder.json").read_bytes())["anomalies"])


LIVE: dict[str, Callable[[Sequence[Row]], list[dict[str, Any]]]] = {
    "rlwatch": _rlwatch,
    "rlprobe": _rlprobe,
    "provenir": _provenir,
}


def main() -> None:
    rows = [row for row in json.load(sys.stdin) if not any(name.startswith("eval_") for name in row)]
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)  # they write beside them what they keep
        print(json.dumps({"findings": LIVE[sys.argv[1]](rows)}, default=float))
        os.chdir("/")


if __name__ == "__main__":
    main()
