"""What a score is, and what a metric is: the contract that everything in this package keeps.

A metric is a pure function first (`bleu(prediction, references) -> Score`), then a small object of the same name that
knows its settings, can be sent to another process, and says by its signature whether two numbers may be compared.

    Pair      what the model said, and the texts that would have been right
    Score     how good it is, from 0 to 1, or None where the metric does not apply
    Metric    gives a Score to a Pair, and one Score to a whole corpus
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import fsum, inf
from typing import ClassVar, NamedTuple, Self

__all__ = ["Metric", "Pair", "Score", "best_of", "mean_of", "tally"]


class Pair(NamedTuple):
    """What the model said, and one or more texts that would have been right."""

    prediction: str
    references: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Score:
    """How good one prediction, or a whole corpus of them, is.

    Every metric runs from 0 to 1, BLEU too, though the field prints that from 0 to 100. Only a cosine (BERTScore) may
    fall a little below 0.
    """

    #: None where the metric does not apply: neither good nor bad, and left out of means.
    value: float | None
    #: What the value is made of, by name: precisions, the other kinds of ROUGE, the parts of CodeBLEU.
    parts: Mapping[str, float | None] = field(default_factory=dict)
    #: What a reader must know beside the number, each a sentence without a full stop: "cut off after 512 tokens".
    notes: Sequence[str] = ()
    #: What this pair adds to the sums that a corpus value is made of; empty where that is the mean of the values.
    counts: Sequence[float] = ()


class Metric(ABC):
    """One way to score. Small and frozen: settings only, so that it can be sent to another process."""

    #: As a tracker logs it (see core/vocabulary/evaluation.py).
    name: ClassVar[str]
    #: Whether it loads a model: such a metric takes many pairs at once, in one process that has the device to itself.
    holds_a_model: ClassVar[bool] = False

    @property
    @abstractmethod
    def signature(self) -> str:
        """Settings and versions, as `key:value|key:value`: numbers compare only where signatures are equal."""

    @abstractmethod
    def score(self, prediction: str, references: Sequence[str]) -> Score:
        """One prediction beside its references. Of several, the best counts, unless the metric says otherwise."""

    def scores(self, pairs: Sequence[Pair]) -> list[Score]:
        """Many pairs, in their order. Overridden where many at once are quicker."""
        return [self.score(prediction, references) for prediction, references in pairs]

    def prepared(self, references: Sequence[Sequence[str]]) -> Self:
        """This metric with what it must learn from all references before it scores any: a tokeniser, frequencies.

        Predictions have no say, so that two systems are scored alike.
        """
        return self

    def corpus(self, pairs: Sequence[Pair]) -> Score:
        """One score for all pairs."""
        ready = self.prepared([references for _, references in pairs])
        return ready.corpus_of(ready.scores(pairs))

    def corpus_of(self, scores: Sequence[Score]) -> Score:
        """One score for all, from those of the pairs: their mean, unless the metric has a corpus form of its own."""
        return mean_of(scores)

    def counts_of(self, score: Score) -> Sequence[float]:
        """What a pair adds to the sums that the corpus value is made of. Always as many numbers."""
        return (0.0, 0.0) if score.value is None else (score.value, 1.0)

    def value_of(self, totals: Sequence[float]) -> float | None:
        """The corpus value by those sums: what a bootstrap asks for a thousand times."""
        total, count = totals
        return total / count if count else None


def mean_of(scores: Sequence[Score]) -> Score:
    """The mean of the values and of each part, over the pairs that have one; notes with how many pairs they concern.

    >>> mean_of([Score(1.0), Score(0.5), Score(None, notes=["no words"])])
    Score(value=0.75, parts={}, notes=('no words (1 of 3 pairs)',), counts=())
    """
    parts: dict[str, list[float]] = {}
    for score in scores:
        for name, part in score.parts.items():
            known = parts.setdefault(name, [])
            if part is not None:
                known.append(part)
    return Score(
        _mean([score.value for score in scores if score.value is not None]),
        {name: _mean(known) for name, known in parts.items()},
        tally(scores),
    )


def _mean(values: Sequence[float]) -> float | None:
    # An exact sum, so that the mean is the same in whatever order the pairs were scored.
    return fsum(values) / len(values) if values else None


def tally(scores: Sequence[Score]) -> tuple[str, ...]:
    """Every note once, the most frequent first, with the number of pairs it concerns."""
    counted = Counter(note for score in scores for note in dict.fromkeys(score.notes))
    ranked = sorted(counted.items(), key=lambda item: (-item[1], item[0]))
    return tuple(f"{note} ({count:,} of {len(scores):,} pairs)" for note, count in ranked)


def best_of(scores: Iterable[Score]) -> Score:
    """The highest score, the first of equals: how a prediction with several references is scored.

    >>> best_of([Score(None), Score(0.2), Score(0.7)]).value
    0.7
    """
    return max(scores, key=lambda score: -inf if score.value is None else score.value)
