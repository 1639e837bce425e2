"""ROUGE-1, -2, -L and -Lsum over words of any script.

Equal to the package rouge-score (without stemming) where a text is ASCII. That package drops every other character, so
that a Chinese or Russian text scores 0; here a word is made of the letters of its script.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import ClassVar

from barograph.text.score import Metric, Score
from barograph.text.subsequence import common_length, union_hits
from barograph.text.words import words

__all__ = ["Rouge", "rouge"]

NO_WORDS = "neither prediction nor reference has a word"
TOO_LONG = "too long for a longest common subsequence"


def rouge(prediction: str, references: Sequence[str]) -> Score:
    """The F-measure of ROUGE-L as the value, that of each kind as a part. Of several references the best counts.

    >>> score = rouge("the cat sat on the mat", ["a cat was sitting on the mat"])
    >>> {name: round(part, 3) for name, part in score.parts.items()}
    {'rouge1': 0.615, 'rouge2': 0.364, 'rougeL': 0.615, 'rougeLsum': 0.615, 'precision': 0.667, 'recall': 0.571}
    """
    said = _Text(prediction)
    found = [_beside(said, _Text(reference)) for reference in references]
    # Each kind takes the reference that suits it best, as rouge-score does; precision and recall are those of ROUGE-L.
    best = max(found, key=lambda one: -1.0 if (share := one["rougeL"]) is None else share)
    parts: dict[str, float | None] = {
        **{kind: max((share for one in found if (share := one[kind]) is not None), default=None) for kind in KINDS},
        "precision": best["precision"],
        "recall": best["recall"],
    }
    notes = []
    if parts["rouge1"] is None:
        notes.append(NO_WORDS)
    elif parts["rougeL"] is None or parts["rougeLsum"] is None:
        notes.append(TOO_LONG)
    return Score(parts["rougeL"], parts, tuple(notes))


@dataclass(frozen=True, slots=True)
class Rouge(Metric):
    """ROUGE-L, with the other kinds as parts; of a corpus, the mean of its pairs."""

    name: ClassVar[str] = "rouge"

    @property
    def signature(self) -> str:
        """What tells this ROUGE from another."""
        return "value:rougeL-f1|case:lower|words:unicode-1|stem:no|references:best"

    def score(self, prediction: str, references: Sequence[str]) -> Score:
        """As `rouge`."""
        return rouge(prediction, references)


KINDS = ("rouge1", "rouge2", "rougeL", "rougeLsum")


class _Text:
    """A text with its words, as a whole and line by line."""

    def __init__(self, text: str) -> None:
        self.words = words(text)
        # Only a line feed ends a line, as in rouge-score.
        lines = [words(line) for line in text.split("\n")] if "\n" in text else [self.words]
        self.lines = [line for line in lines if line]

    def runs(self, length: int) -> Counter[tuple[str, ...]]:
        """How often each sequence of so many words occurs."""
        return Counter(zip(*(islice(self.words, first, None) for first in range(length)), strict=False))


def _beside(said: _Text, right: _Text) -> dict[str, float | None]:
    if not said.words and not right.words:
        return dict.fromkeys((*KINDS, "precision", "recall"))
    common = common_length(said.words, right.words)
    single = len(said.lines) <= 1 and len(right.lines) <= 1
    union = common if single else union_hits(right.lines, said.lines)
    sizes = len(said.words), len(right.words)
    return {
        "rouge1": _shared(said, right, 1),
        "rouge2": _shared(said, right, 2),
        "rougeL": _f_measure(common, *sizes),
        "rougeLsum": _f_measure(union, *sizes),
        "precision": None if common is None else common / max(sizes[0], 1),
        "recall": None if common is None else common / max(sizes[1], 1),
    }


def _shared(said: _Text, right: _Text, length: int) -> float | None:
    ours, theirs = said.runs(length), right.runs(length)
    return _f_measure((ours & theirs).total(), ours.total(), theirs.total())


def _f_measure(common: int | None, said: int, right: int) -> float | None:
    """The harmonic mean of precision and recall."""
    if common is None:
        return None
    return 2 * common / (said + right) if common else 0.0
