"""CodeBLEU (Ren et al., 2020): n-grams, n-grams with keywords that weigh more, sub-trees of syntax, and data flow.

The four parts are those of the published script, so that numbers compare where that script is steady. Where it is not,
this one is: nothing depends on the order of a set, a part that does not apply gives its weight to the others, an empty
answer is worth nothing, and a text beside itself is worth 1. docs/code-metrics.md lists every difference.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import fsum
from typing import ClassVar, NamedTuple

from barograph.core.errors import ConfigurationError
from barograph.text.code.flow import FlowCount, flow_counts
from barograph.text.code.grammar import grammar_edition
from barograph.text.code.languages import Language, language_named
from barograph.text.code.ngrams import (
    ORDERS,
    NgramCounts,
    Ngrams,
    brevity_penalty,
    match,
    ngram_counts,
    ngrams_of,
    weighted_counts,
)
from barograph.text.code.subtrees import subtree_counts, subtree_matches
from barograph.text.code.tree import parsed
from barograph.text.score import Metric, Score, best_of, tally

__all__ = ["PARTS", "CodeBleu", "Weights", "codebleu"]

#: The parts by their names, in the order of their weights.
PARTS = ("ngram", "weighted_ngram", "syntax", "dataflow")
#: From this length on a reference is taken apart anew each time: keeping it would cost more than it spares.
KEPT_LENGTH = 20_000

NO_CODE = "neither prediction nor reference has code"
NO_FLOW = "the reference has no data flow: that part is left out"
NO_WEIGHT = "no part that has a weight applies"
UNSOUND = "the prediction has syntax errors"
UNSOUND_REFERENCE = "the reference has syntax errors"
TOO_LARGE = "too large to be parsed: syntax and data flow are left out"
TOO_LONG = "the data flow takes too many steps: that part is left out"


class Weights(NamedTuple):
    """How much each part counts; they are divided by their sum."""

    ngram: float = 0.25
    weighted_ngram: float = 0.25
    syntax: float = 0.25
    dataflow: float = 0.25


#: As the paper has it.
EQUAL = Weights()


class _Counts(NamedTuple):
    """What a pair adds to the sums of a corpus: all that its value is made of."""

    length: float
    reference_length: float
    ngrams: NgramCounts
    weighted: NgramCounts
    syntax: tuple[float, float]
    flow: tuple[float, float]

    def flat(self) -> tuple[float, ...]:
        ngrams = (*self.ngrams.matches, *self.ngrams.totals, *self.weighted.matches, *self.weighted.totals)
        return (self.length, self.reference_length, *ngrams, *self.syntax, *self.flow)

    @classmethod
    def from_flat(cls, sums: Sequence[float]) -> _Counts:
        fours = [sums[begin : begin + ORDERS] for begin in range(2, 2 + 4 * ORDERS, ORDERS)]
        syntax, all_syntax, flow, all_flow = sums[-4:]
        ngrams, weighted = NgramCounts(fours[0], fours[1]), NgramCounts(fours[2], fours[3])
        return cls(sums[0], sums[1], ngrams, weighted, (syntax, all_syntax), (flow, all_flow))

    def parts(self) -> dict[str, float | None]:
        """Each part by its name; None where the reference has nothing that it could be judged by."""
        return {
            "ngram": match(self.ngrams, brevity_penalty(self.length, self.reference_length)),
            "weighted_ngram": match(self.weighted),
            "syntax": self.syntax[0] / self.syntax[1] if self.syntax[1] else None,
            "dataflow": self.flow[0] / self.flow[1] if self.flow[1] else None,
        }


class _Analysis(NamedTuple):
    """What the metric knows of one text."""

    length: int
    ngrams: Ngrams
    #: None where the text is too large to be taken apart.
    syntax: Counter[bytes] | None
    flow: FlowCount | None
    sound: bool


def codebleu(prediction: str, references: Sequence[str], language: str = "python", weights: Weights = EQUAL) -> Score:
    """The CodeBLEU of one prediction, of several references by the one that suits it best.

    >>> renamed = codebleu("def add(x, y): return x + y", ["def add(a, b): return a + b"])
    >>> {name: round(part, 3) for name, part in renamed.parts.items()}
    {'ngram': 0.043, 'weighted_ngram': 0.05, 'syntax': 1.0, 'dataflow': 1.0}
    """
    return CodeBleu(language, weights).score(prediction, references)


@dataclass(frozen=True, slots=True)
class CodeBleu(Metric):
    """CodeBLEU for one programming language."""

    language: str = "python"
    weights: Weights = EQUAL
    #: Whether n-grams are of the tokens of the language; by default, as the published script has it, of what stands
    #: between spaces.
    lexed: bool = False

    name: ClassVar[str] = "codebleu"

    def __post_init__(self) -> None:
        language_named(self.language)
        if len(self.weights) != len(PARTS) or min(self.weights) < 0 or not 0 < sum(self.weights) < float("inf"):
            raise ConfigurationError(
                f"CodeBLEU takes four weights of 0 or more, not all of them 0; there are {tuple(self.weights)}"
            )

    @property
    def signature(self) -> str:
        """Language, weights, tokens and the edition of the grammar."""
        language = language_named(self.language).name
        weights = ",".join(f"{weight / fsum(self.weights):g}" for weight in self.weights)
        tokens = "language" if self.lexed else "spaces"
        return f"lang:{language}|weights:{weights}|tok:{tokens}|grammar:{grammar_edition(language)}|version:1"

    def score(self, prediction: str, references: Sequence[str]) -> Score:
        """One prediction beside the reference that suits it best."""
        language = language_named(self.language).name
        said = _analysed(prediction, language, lexed=self.lexed)
        return best_of(self._beside(said, reference, language) for reference in references)

    def _beside(self, said: _Analysis, reference: str, language: str) -> Score:
        known = _kept if len(reference) <= KEPT_LENGTH else _analysed
        wanted = known(reference, language, lexed=self.lexed)
        if not said.length and not wanted.length:
            return Score(None, dict.fromkeys(PARTS), (NO_CODE,), _EMPTY.flat())
        counts = _compared(said, wanted, language_named(language))
        parts = counts.parts()
        value, notes = self._weighed(parts), _notes(said, wanted)
        return Score(value, parts, (*notes, NO_WEIGHT) if value is None else notes, counts.flat())

    def _weighed(self, parts: Mapping[str, float | None]) -> float | None:
        """The mean of the parts that apply, by their weights."""
        applying = [
            (weight, part) for weight, part in zip(self.weights, parts.values(), strict=True) if part is not None
        ]
        total = fsum(weight for weight, _ in applying)
        if not total:
            return None
        return fsum(weight * part for weight, part in applying) / total

    def corpus_of(self, scores: Sequence[Score]) -> Score:
        """By the summed counts, as the published script has it: long texts count for more than short ones."""
        if not scores:
            return Score(None, dict.fromkeys(PARTS))
        totals = [fsum(column) for column in zip(*(score.counts for score in scores), strict=True)]
        return Score(self.value_of(totals), _Counts.from_flat(totals).parts(), tally(scores), totals)

    def counts_of(self, score: Score) -> Sequence[float]:
        return score.counts

    def value_of(self, totals: Sequence[float]) -> float | None:
        counts = _Counts.from_flat(totals)
        if not counts.length and not counts.reference_length:
            return None
        return self._weighed(counts.parts())


def _analysed(code: str, language: str, *, lexed: bool) -> _Analysis:
    """Everything that is to be known of one text."""
    tree = parsed(code, language_named(language))
    tokens = tree.words if lexed and tree is not None else code.split()
    ngrams = ngrams_of(tokens)
    if tree is None:
        return _Analysis(len(tokens), ngrams, None, None, sound=True)
    return _Analysis(len(tokens), ngrams, subtree_counts(tree), flow_counts(tree), tree.sound)


#: One reference has many answers, one after another. Small, so that a million pairs do not stay in memory.
_kept = lru_cache(maxsize=128)(_analysed)

_NO_NGRAMS = NgramCounts((0.0,) * ORDERS, (0.0,) * ORDERS)
_EMPTY = _Counts(0, 0, _NO_NGRAMS, _NO_NGRAMS, (0, 0), (0, 0))


def _compared(said: _Analysis, wanted: _Analysis, language: Language) -> _Counts:
    syntax, flow = (0.0, 0.0), (0.0, 0.0)
    if said.syntax is not None and wanted.syntax is not None:
        syntax = subtree_matches(said.syntax, wanted.syntax)
        if not said.length:
            syntax = (0, syntax[1])  # nothing at all has the root of a tree, too
    if said.flow is not None and wanted.flow is not None:
        flow = ((said.flow & wanted.flow).total(), wanted.flow.total())
    return _Counts(
        said.length,
        wanted.length,
        ngram_counts(said.ngrams, wanted.ngrams),
        weighted_counts(said.ngrams, wanted.ngrams, language.keywords),
        syntax,
        flow,
    )


def _notes(said: _Analysis, wanted: _Analysis) -> tuple[str, ...]:
    notes = []
    if said.syntax is None or wanted.syntax is None:
        notes.append(TOO_LARGE)
    elif said.flow is None or wanted.flow is None:
        notes.append(TOO_LONG)
    elif not wanted.flow:
        notes.append(NO_FLOW)
    if not said.sound:
        notes.append(UNSOUND)
    if not wanted.sound:
        notes.append(UNSOUND_REFERENCE)
    return tuple(notes)
