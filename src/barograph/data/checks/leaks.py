"""Whether something shallow tells good from bad: length, or single words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from barograph.data.baseline import wilson
from barograph.data.check import CRITICAL, INFO, WARNING, Check, NotJudgeable, limit
from barograph.data.evidence import Evidence
from barograph.data.example import PAIRS, Kind
from barograph.data.finding import DataFinding
from barograph.data.ledger import Ledger

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["CHECKS"]

Lengths: TypeAlias = "NDArray[np.int64]"


class LengthTells(Check):
    """How often the longer answer is the good one: the accuracy that "longer wins" reaches, or "shorter wins".

    For labelled answers it is the chance that a good one is longer than a bad one.

    Why: length is the easiest thing to learn. A reward model takes it for quality, and a policy grows longer without
    growing better.
    Sources: Singhal and others, A Long Way to Go, 2023, reach much of a reward by length alone [P]. The bounds are
    ours [G].
    False alarm: tasks in which a good answer is longer by nature, as proofs.
    """

    code, name = "DATA15", "length-tells"
    kinds = PAIRS | {Kind.UNPAIRED}
    says = (
        '"{direction} wins" is right in {accuracy:.0%} of {of:,} {what}; in the median {good:,.0f} characters against '
        "{bad:,.0f}"
    )
    do = (
        "Balance lengths, or add pairs in which the {other} answer wins",
        "Use a length-normalised loss or a penalty, and watch the length while it trains",
    )
    told_from = limit(0.6, "accuracy from which it is told")
    warns_from = limit(0.7, "accuracy from which it is a warning")
    grave_from = limit(0.9, "accuracy from which it is critical")

    def findings(self, evidence: Evidence) -> Iterator[DataFinding]:
        ledger = evidence.train.ledger
        is_paired = self.circumstances.kind in PAIRS
        wins, good, bad = _paired(ledger) if is_paired else _unpaired(ledger)
        if not len(good) or not len(bad):
            raise NotJudgeable("there is nothing to compare")
        evidence.figures["longer_wins"] = wins
        accuracy = max(wins, 1 - wins)
        of = len(ledger)
        # What chance may do with so few examples is no leak.
        sure = wilson(accuracy, of if is_paired else min(len(good), len(bad)))[0]
        if sure < self.told_from:
            return
        severity = CRITICAL if sure >= self.grave_from else WARNING if sure >= self.warns_from else INFO
        longer, shorter = ("longer", "shorter") if wins > 0.5 else ("shorter", "longer")
        told = {"direction": longer, "other": shorter, "what": "pairs" if is_paired else "comparisons"}
        lengths = float(np.median(good)), float(np.median(bad))
        yield self.found(severity, of=of, count=0, told=told, accuracy=accuracy, good=lengths[0], bad=lengths[1])


def _paired(ledger: Ledger) -> tuple[float, Lengths, Lengths]:
    _, better, worse = ledger.lengths
    if not len(better):
        return 0.5, better, worse
    return float(np.mean(better > worse) + 0.5 * np.mean(better == worse)), better, worse


def _unpaired(ledger: Ledger) -> tuple[float, Lengths, Lengths]:
    """The chance that a good answer is longer than a bad one, by ranks."""
    lengths = ledger.lengths[1]
    good, bad = np.sort(lengths[ledger.labels == 1]), np.sort(lengths[ledger.labels == 0])
    if not len(good) or not len(bad):
        return 0.5, good, bad
    shorter = np.searchsorted(bad, good, "left").mean()
    not_longer = np.searchsorted(bad, good, "right").mean()
    return float((shorter + not_longer) / 2 / len(bad)), good, bad


class WordsTell(Check):
    """How well a line through the words of the answers tells good from bad, on prompts that it has not seen.

    Why: what single words give away is learned instead of what makes an answer good: the name of a model, a phrase of
    refusal, the style of the one who wrote all good answers.
    Sources: the bounds are ours [G]; where people judge, such a line seldom gets beyond 0.7.
    False alarm: sets in which single words are the point: politeness, toxicity, refusals.
    """

    code, name = "DATA16", "words-tell"
    kinds = PAIRS | {Kind.UNPAIRED, Kind.STEPS}
    says = "words alone tell good from bad in {accuracy:.0%} of {looked_at:,} cases (95%: {low:.0%} to {high:.0%})"
    do = (
        "Read the rows: what do all good answers have? Remove it, or let the same writer or model make both sides",
        "Compare the accuracy of your reward model with this figure, not with one half",
    )
    told_from = limit(0.7, "accuracy from which it is told")
    warns_from = limit(0.85, "accuracy from which it is a warning")
    grave_from = limit(0.97, "accuracy from which it is critical")

    def findings(self, evidence: Evidence) -> Iterator[DataFinding]:
        baseline = evidence.baseline
        if baseline is None:
            raise NotJudgeable("there are too few examples, or only good or bad ones")
        evidence.figures["words_tell"] = baseline.accuracy
        sure = baseline.lowest
        if sure >= self.told_from:
            severity = CRITICAL if sure >= self.grave_from else WARNING if sure >= self.warns_from else INFO
            looked_at = len(baseline.agreement)
            low, high = wilson(baseline.accuracy, looked_at)
            yield self.found(severity, accuracy=baseline.accuracy, looked_at=looked_at, low=low, high=high)


CHECKS: tuple[type[Check], ...] = (LengthTells, WordsTell)
