"""BLEU, by sacrebleu: its numbers, its tokenisers, its signature.

A corpus has a BLEU of its own: the counts of all pairs are summed before anything is divided, so that it is no mean of
sentences. Inside it runs from 0 to 1, where sacrebleu prints 0 to 100.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib.util import find_spec
from typing import TYPE_CHECKING, ClassVar

from barograph.core.errors import MissingExtra
from barograph.text.score import Metric, Score, tally
from barograph.text.words import spaceless_writing

if TYPE_CHECKING:
    from sacrebleu.metrics import BLEU
    from sacrebleu.metrics.bleu import BLEUScore

__all__ = ["Bleu", "bleu", "tokeniser_for"]

ORDERS = 4
#: The tokeniser of the field for scripts with spaces.
WESTERN = "13a"
#: What sacrebleu's own signature names, in its order.
SIGNED = ("nrefs", "case", "eff", "tok", "smooth", "version")
NO_WORDS = "neither prediction nor reference has a word"
TOO_SHORT = "no prediction has four words, and without them BLEU of a corpus is 0 by its definition"


def bleu(prediction: str, references: Sequence[str], tokeniser: str | None = None) -> Score:
    """The BLEU of one prediction, with the effective order: a text of three words is judged by three orders.

    >>> bleu("the cat sat on the mat", ["the cat sat on the mat"]).value
    1.0
    >>> round(bleu("the cat sat on the mat", ["a cat was sitting on the mat"]).value, 4)
    0.2748
    """
    return Bleu(tokeniser or tokeniser_for(references)).score(prediction, references)


@dataclass(frozen=True, slots=True)
class Bleu(Metric):
    """BLEU with one tokeniser for all pairs: given, or chosen by the script of all references."""

    #: As sacrebleu calls it.
    tokeniser: str | None = None
    #: How many references a pair has; "var" where that differs. For the signature alone.
    per_pair: str = "1"

    name: ClassVar[str] = "bleu"

    @property
    def signature(self) -> str:
        """As sacrebleu prints it for a corpus."""
        scorer = _scorer(self.tokeniser or WESTERN, effective_order=False)
        settings = {key: value for key, value in scorer.get_signature().info.items() if value is not None}
        settings["nrefs"] = self.per_pair
        return "|".join(f"{key}:{settings[key]}" for key in SIGNED)

    def prepared(self, references: Sequence[Sequence[str]]) -> Bleu:
        """With the tokeniser for these references."""
        numbers = {len(several) for several in references}
        per_pair = str(numbers.pop()) if len(numbers) == 1 else "var"
        tokeniser = self.tokeniser or tokeniser_for(text for several in references for text in several)
        return replace(self, tokeniser=tokeniser, per_pair=per_pair)

    def score(self, prediction: str, references: Sequence[str]) -> Score:
        """BLEU with the effective order, as sacrebleu recommends for a sentence."""
        scorer = _scorer(self.tokeniser or tokeniser_for(references), effective_order=True)
        found = scorer.sentence_score(prediction, list(references))
        counts = (found.sys_len, found.ref_len, *found.counts, *found.totals)
        if not found.sys_len and not found.ref_len:
            return Score(None, notes=(NO_WORDS,), counts=counts)
        return Score(_share(found), _parts(found), counts=counts)

    def corpus_of(self, scores: Sequence[Score]) -> Score:
        """BLEU of the summed counts."""
        if not scores:
            return Score(None)
        totals = [sum(column) for column in zip(*(score.counts for score in scores), strict=True)]
        notes = tally(scores)
        if totals[0] and not totals[-1]:
            notes = (TOO_SHORT, *notes)
        return Score(self.value_of(totals), _parts(self._of(totals)), notes, totals)

    def counts_of(self, score: Score) -> Sequence[float]:
        """Both lengths, then the matches of each order, then its n-grams."""
        return score.counts

    def value_of(self, totals: Sequence[float]) -> float | None:
        """BLEU of those sums."""
        return _share(self._of(totals)) if totals[0] or totals[1] else None

    def _of(self, totals: Sequence[float]) -> BLEUScore:
        length, reference_length, *counts = map(int, totals)
        scorer = _scorer(self.tokeniser or WESTERN, effective_order=False)
        return scorer.compute_bleu(
            counts[:ORDERS], counts[ORDERS:], length, reference_length, smooth_method=scorer.smooth_method
        )


def _share(found: BLEUScore) -> float:
    # The logarithms of four times 100 do not add up to quite 100.
    share: float = found.score / 100
    return min(share, 1.0)


def _parts(found: BLEUScore) -> dict[str, float | None]:
    shares = (share / 100 if total else None for share, total in zip(found.precisions, found.totals, strict=True))
    parts = {f"precision_{order}": share for order, share in enumerate(shares, 1)}
    return {**parts, "brevity_penalty": found.bp, "length_ratio": found.ratio}


@cache
def _scorer(tokeniser: str, *, effective_order: bool) -> BLEU:
    """One for each setting and process: what it holds is a tokeniser with its cache."""
    try:
        from sacrebleu.metrics import BLEU
    except ImportError:
        raise MissingExtra("BLEU", "sacrebleu", "eval") from None
    # Forced: a text that ends in " ." is no reason to warn here, for nobody tokenises what a model said.
    scorer = BLEU(tokenize=tokeniser, effective_order=effective_order, force=True)
    scorer.num_refs = 1
    return scorer


def tokeniser_for(texts: Iterable[str]) -> str:
    """By the script that most letters of the texts belong to: 13a, zh, ja-mecab where that is installed, else char.

    >>> tokeniser_for(["the cat"]), tokeniser_for(["垫子上的猫"]), tokeniser_for(["แมวนั่ง"])
    ('13a', 'zh', 'char')
    """
    match spaceless_writing(texts):
        case None:
            return WESTERN
        case "zh":
            return "zh"
        case "ja" if find_spec("MeCab") and find_spec("ipadic"):
            return "ja-mecab"
        case _:
            return "char"
