"""How sure a score is, and whether two systems differ: by drawing the pairs again.

A corpus value is a function of sums over pairs (see `Metric.counts_of`), so that a thousand other corpora of the same
kind cost a thousand sums. All draws come from a seed: the same input has the same interval, always.

- `bootstrap`: the middle 95 % of the values of corpora drawn from the pairs with replacement (percentile bootstrap).
- `paired_test`: the difference of two systems on the same references. Its interval is that of the paired bootstrap,
  which draws the same pairs for both; its p comes from approximate randomisation, which swaps the two answers of random
  pairs (Riezler and Maxwell 2005: it calls fewer differences real that are none).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from barograph.text.score import Metric, Score

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Difference", "Interval", "bootstrap", "paired_test"]

RESAMPLES = 1000
SWAPS = 2000
SEED = 12_345
LEVEL = 0.95


@dataclass(frozen=True, slots=True)
class Interval:
    """Where the value would lie for most other samples of the same kind."""

    low: float
    high: float
    level: float = LEVEL


@dataclass(frozen=True, slots=True)
class Difference:
    """By how much one system is better than another, over the pairs that both have a score for."""

    value: float
    interval: Interval | None
    #: How often a difference at least as large would be seen if it made no difference which system answered.
    p: float
    pairs: int


def bootstrap(
    metric: Metric, scores: Sequence[Score], *, resamples: int = RESAMPLES, seed: int = SEED
) -> Interval | None:
    """The interval of a corpus value; None for fewer than two scores."""
    counts = _counts(metric, [score for score in scores if score.value is not None])
    if len(counts) < 2:
        return None
    return _middle([metric.value_of((weights @ counts).tolist()) for weights in _draws(len(counts), resamples, seed)])


def paired_test(
    metric: Metric,
    ours: Sequence[Score],
    theirs: Sequence[Score],
    *,
    resamples: int = RESAMPLES,
    swaps: int = SWAPS,
    seed: int = SEED,
) -> Difference | None:
    """What `ours` has over `theirs`; None where no pair has a score of both."""
    both = [(a, b) for a, b in zip(ours, theirs, strict=True) if a.value is not None and b.value is not None]
    if not both:
        return None
    first, second = (_counts(metric, side) for side in zip(*both, strict=True))

    def difference(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
        return (metric.value_of(one.tolist()) or 0.0) - (metric.value_of(other.tolist()) or 0.0)

    found = difference(first.sum(0), second.sum(0))
    drawn = [difference(weights @ first, weights @ second) for weights in _draws(len(first), resamples, seed)]
    gap, total = second - first, (first.sum(0), second.sum(0))
    random = np.random.default_rng(seed)
    as_large = 0
    for _ in range(swaps):
        moved = (random.random(len(gap)) < 0.5) @ gap
        # A hair's breadth for sums that were added up in another order.
        as_large += abs(difference(total[0] + moved, total[1] - moved)) >= abs(found) - 1e-12
    return Difference(found, _middle(drawn) if len(both) > 1 else None, (as_large + 1) / (swaps + 1), len(both))


def _counts(metric: Metric, scores: Sequence[Score]) -> NDArray[np.float64]:
    return np.array([metric.counts_of(score) for score in scores], dtype=np.float64)


def _draws(size: int, resamples: int, seed: int) -> Iterator[NDArray[np.float64]]:
    """How often each pair is in each of the corpora that are drawn."""
    random = np.random.default_rng(seed)
    for _ in range(resamples):
        yield np.bincount(random.integers(0, size, size), minlength=size).astype(np.float64)


def _middle(values: Sequence[float | None]) -> Interval | None:
    known = [value for value in values if value is not None]
    if not known:
        return None
    low, high = np.quantile(known, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Interval(float(low), float(high))
