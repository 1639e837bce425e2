"""What a model without any understanding makes of the data: hashed words, and a line between good and bad.

A logistic regression on the words of the answers, trained by gradient descent on folds that share no prompt, says for
each example of a sample what it makes of it without having seen it. What it can tell, a reward model learns first.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from zlib import crc32

import numpy as np

from barograph.data.example import PAIRS, Example, Kind
from barograph.data.ledger import fingerprint

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Baseline", "baseline_of", "wilson"]

_WORDS = re.compile(r"\w+|[^\w\s]")
#: Places that words are hashed to, characters of an answer that are looked at, and how the line is learned.
PLACES = 1 << 14
LONGEST = 4_000
FOLDS, EPOCHS, BATCH, RATE, DECAY = 5, 10, 64, 4.0, 1e-3
#: Where all labels agree with the line there is no likeliest factor.
MOST_SCALE = 50.0


@dataclass(frozen=True, slots=True)
class Baseline:
    """What the line says of each example of the sample, on a fold that it was not trained on."""

    numbers: NDArray[np.int64]
    #: The log-odds of what the label says: positive where the line agrees with it.
    agreement: NDArray[np.float64]
    #: Whether the label says good; all true for pairs.
    labels: NDArray[np.bool_]

    @property
    def accuracy(self) -> float:
        """How often it is right; good and bad count the same, however many there are of either."""
        right = (self.agreement > 0) + 0.5 * (self.agreement == 0)
        return float(np.mean([right[self.labels == side].mean() for side in np.unique(self.labels)]))

    @property
    def lowest(self) -> float:
        """The lower end of the 95 % interval of its accuracy."""
        return wilson(self.accuracy, len(self.agreement))[0]


def baseline_of(examples: Sequence[Example]) -> Baseline | None:
    """The baseline of a sample; None if there is nothing to tell apart."""
    rows = list(_rows(examples))
    if len(rows) < 10 * FOLDS or len({label for *_, label in rows}) < (1 if examples[0].kind in PAIRS else 2):
        return None
    numbers, groups, features, labels = zip(*rows, strict=True)
    folds = np.array(groups, np.uint64) % np.uint64(FOLDS)
    signs = np.where(np.array(labels), 1.0, -1.0)
    agreement = np.zeros(len(rows))
    for fold in range(FOLDS):
        inside = np.flatnonzero(folds != fold)
        outside = np.flatnonzero(folds == fold)
        if len(inside) and len(outside):
            line = _learned([features[place] for place in inside], signs[inside], has_bias=not _is_paired(examples))
            agreement[outside] = line.scores([features[place] for place in outside]) * signs[outside]
    return Baseline(np.array(numbers), agreement * _scale(agreement), np.array(labels, np.bool_))


def _scale(agreement: NDArray[np.float64]) -> float:
    """What makes log-odds of scores: the factor under which the labels are likeliest (Platt 1999), by bisection."""
    low, high = 0.0, MOST_SCALE
    for _ in range(40):
        middle = (low + high) / 2
        slope = float(np.sum(agreement / (1 + np.exp(np.clip(middle * agreement, -50, 50)))))
        low, high = (middle, high) if slope > 0 else (low, middle)
    return low


def wilson(share: float, count: int, z: float = 1.96) -> tuple[float, float]:
    """The interval of a share that was counted (Wilson 1927).

    >>> wilson(0.5, 100)
    (0.403..., 0.596...)
    """
    if count == 0:
        return 0.0, 1.0
    middle = (share + z * z / (2 * count)) / (1 + z * z / count)
    half = z * math.sqrt(share * (1 - share) / count + z * z / (4 * count * count)) / (1 + z * z / count)
    return middle - half, middle + half


def _is_paired(examples: Sequence[Example]) -> bool:
    return examples[0].kind in PAIRS


def _rows(examples: Sequence[Example]):  # type: ignore[no-untyped-def]
    """For each thing that was judged: its row, what it shares with others (the prompt), its features, its label."""
    known: dict[str, int] = {}
    for example in examples:
        group = fingerprint(example.prompt or "".join(example.answers())) >> 8
        if example.kind in PAIRS:
            difference = _counted(example.chosen, known)
            for place, weight in _counted(example.rejected, known).items():
                difference[place] = difference.get(place, 0.0) - weight
            yield example.number, group, _vector(difference), True
        elif example.kind is Kind.UNPAIRED:
            yield example.number, group, _vector(_counted(example.completion, known)), bool(example.label)
        else:
            for step, label in zip(example.steps, example.labels, strict=True):
                yield example.number, group, _vector(_counted(step, known)), label


def _counted(text: str, known: dict[str, int]) -> dict[int, float]:
    """The words of a text by their places, each with a weight that grows slowly with how often it is there."""
    counts: dict[int, float] = {}
    for word in _WORDS.findall(text[:LONGEST].lower()):
        place = known.get(word)
        if place is None:
            place = known[word] = crc32(word.encode("utf-8", "replace")) % PLACES
        counts[place] = counts.get(place, 0.0) + 1.0
    return {place: 1.0 + math.log(count) for place, count in counts.items()}


def _vector(weights: dict[int, float]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The features of length one, without those that cancelled out."""
    kept = {place: weight for place, weight in weights.items() if weight}
    values = np.fromiter(kept.values(), np.float64, len(kept))
    norm = math.sqrt(float(values @ values))
    return np.fromiter(kept, np.int64, len(kept)), values / norm if norm else values


class _Line:
    """Weights for words, and one for none."""

    def __init__(self) -> None:
        self.weights = np.zeros(PLACES)
        self.bias = 0.0

    def scores(self, features: Sequence[tuple[NDArray[np.int64], NDArray[np.float64]]]) -> NDArray[np.float64]:
        return np.array([self.weights[places] @ values for places, values in features]) + self.bias


def _learned(
    features: Sequence[tuple[NDArray[np.int64], NDArray[np.float64]]], signs: NDArray[np.float64], *, has_bias: bool
) -> _Line:
    """A line through the examples; good and bad weigh the same, however many there are of either."""
    line = _Line()
    shares = {side: float((signs == side).mean()) for side in (-1.0, 1.0)}
    weights = np.array([0.5 / shares[sign] if has_bias else 1.0 for sign in signs.tolist()])
    dice = np.random.default_rng(0)
    steps = 0
    for _ in range(EPOCHS):
        order = dice.permutation(len(features))
        for start in range(0, len(order), BATCH):
            chosen = order[start : start + BATCH]
            lengths = [len(features[place][0]) for place in chosen]
            places = np.concatenate([features[place][0] for place in chosen])
            values = np.concatenate([features[place][1] for place in chosen])
            owners = np.repeat(np.arange(len(chosen)), lengths)
            scores = np.bincount(owners, line.weights[places] * values, len(chosen)) + line.bias
            slopes = -signs[chosen] * weights[chosen] / (1.0 + np.exp(np.clip(signs[chosen] * scores, -30, 30)))
            rate = RATE / (1 + steps * DECAY * RATE)
            steps += 1
            line.weights *= 1 - rate * DECAY
            line.weights -= np.bincount(places, rate / len(chosen) * slopes[owners] * values, PLACES)
            if has_bias:
                line.bias -= rate * float(slopes.mean())
    return line
