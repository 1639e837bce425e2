"""What beta a run was trained with, where its log shows it and nobody says it.

The implicit reward is beta times how much more likely an answer is to the policy than to its reference. Where rewards
and log-probabilities are logged side by side, beta is how far the ones have gone for each step of the others.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from statistics import fmean, stdev

from barograph.core.methods import Method
from barograph.core.run import Run

__all__ = ["beta_in"]

#: Objectives whose rewards are measured against a reference, as sums over an answer.
MEASURED = frozenset({Method.DPO, Method.KTO})
#: Answers differ from row to row: the way must be so many standard errors long.
CLEAR = 5.0
FEWEST = 6


def beta_in(run: Run) -> float | None:
    """The ratio of what rewards and log-probabilities have done, on the side on which they have gone the longer way."""
    if run.method not in MEASURED:
        return None
    found = [way for side in ("chosen", "rejected") if (way := _way(run, side)) is not None]
    clearness, beta = max(found, default=(0.0, 0.0))
    return float(f"{beta:.2g}") if clearness > CLEAR and beta > 0 else None


def _way(run: Run, side: str) -> tuple[float, float] | None:
    """By how many standard errors the log-probability has moved, and what the reward has done for each nat of it."""
    likely, reward = (run.columns.get(f"{name}_{side}") for name in ("logp", "reward"))
    if likely is None or reward is None:
        return None
    rewards = dict(zip(reward.at, reward.values, strict=True))
    pairs = [
        (value, rewards[row])
        for row, value in zip(likely.at, likely.values, strict=True)
        if math.isfinite(value) and math.isfinite(rewards.get(row, math.nan))
    ]
    part = len(pairs) // 3
    if part < FEWEST // 2:
        return None
    (before, was), (after, is_now) = (_means(some) for some in (pairs[:part], pairs[-part:]))
    nats = after - before
    # From row to row, so that the way itself is not taken for scatter.
    steps = [later[0] - earlier[0] for earlier, later in pairwise(pairs)]
    error = stdev(steps) / math.sqrt(part)
    return (abs(nats) / error if error else math.inf, (is_now - was) / nats) if nats else None


def _means(pairs: Sequence[tuple[float, float]]) -> tuple[float, float]:
    return fmean(pair[0] for pair in pairs), fmean(pair[1] for pair in pairs)
