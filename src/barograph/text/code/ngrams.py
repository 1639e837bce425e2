"""The two n-gram matches of CodeBLEU: BLEU, and the recall of n-grams in which keywords weigh more.

Both put a tenth in the place of a count of 0 (method 1 of Chen and Cherry, 2014). Only the first has BLEU's penalty for
brevity: a recall has paid already for what a short prediction leaves out.

An order of n-grams is one to be judged by only where the reference is long enough to have n-grams of it: so that a text
of three tokens that is the same as its reference is right, and no quarter of it wrong.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from math import exp, fsum, log
from typing import NamedTuple

__all__ = [
    "ORDERS",
    "NgramCounts",
    "Ngrams",
    "brevity_penalty",
    "match",
    "ngram_counts",
    "ngrams_of",
    "weighted_counts",
]

ORDERS = 4
#: What stands for a count of 0, so that one order without a match does not make the others worth nothing.
SMOOTHING = 0.1
#: A keyword weighs 1, any other token a fifth. Whole numbers, so that sums are exact in any order.
KEYWORD, OTHER = 5, 1

#: How often each n-gram occurs, for each order.
Ngrams = tuple[Counter[tuple[str, ...]], ...]


class NgramCounts(NamedTuple):
    """For each order the n-grams that match, and those that could have. Counts of pairs may be summed."""

    matches: Sequence[float]
    totals: Sequence[float]


def ngrams_of(tokens: Sequence[str]) -> Ngrams:
    """How often each n-gram occurs among these tokens.

    >>> ngrams_of(["a", "=", "a"])[0]
    Counter({('a',): 2, ('=',): 1})
    """
    return tuple(
        Counter(zip(*(tokens[begin:] for begin in range(order)), strict=False)) for order in range(1, ORDERS + 1)
    )


def ngram_counts(prediction: Ngrams, reference: Ngrams) -> NgramCounts:
    """Of the n-grams that were said, those that the reference has, each at most as often as it has it."""
    matches, totals = [], []
    for said, wanted in zip(prediction, reference, strict=True):
        matches.append(sum((said & wanted).values()))
        # A prediction that is too short for an order counts as one that has got it wrong.
        totals.append(max(1, said.total()) if wanted else 0)
    return NgramCounts(matches, totals)


def weighted_counts(prediction: Ngrams, reference: Ngrams, keywords: Iterable[str]) -> NgramCounts:
    """Of the n-grams that the reference has, those that were said; single tokens by their weight."""
    known = frozenset(keywords)

    def weight(counts: Counter[tuple[str, ...]], order: int) -> int:
        if order > 1:
            return counts.total()
        return sum(count * (KEYWORD if token in known else OTHER) for (token,), count in counts.items())

    matches, totals = [], []
    for order, (said, wanted) in enumerate(zip(prediction, reference, strict=True), 1):
        matches.append(weight(said & wanted, order))
        totals.append(weight(wanted, order))
    return NgramCounts(matches, totals)


def match(counts: NgramCounts, brevity: float = 1.0) -> float | None:
    """The geometric mean over the orders, times a penalty for brevity; None without any order to be judged by."""
    orders = [(found, total) for found, total in zip(*counts, strict=True) if total]
    if not orders:
        return None
    if not counts.matches[0]:
        return 0.0
    return brevity * exp(fsum(log((found or SMOOTHING) / total) for found, total in orders) / len(orders))


def brevity_penalty(length: float, reference_length: float) -> float:
    """What a prediction that is shorter than its reference is multiplied by.

    >>> brevity_penalty(10, 10), round(brevity_penalty(5, 10), 3), brevity_penalty(0, 10)
    (1.0, 0.368, 0.0)
    """
    return exp(min(0.0, 1 - reference_length / length)) if length else 0.0
