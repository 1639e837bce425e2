"""How many labels may be wrong."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from barograph.data.baseline import wilson
from barograph.data.check import INFO, WARNING, Check, NotJudgeable, limit
from barograph.data.evidence import Evidence
from barograph.data.example import PAIRS, Kind
from barograph.data.finding import DataFinding, numbers
from barograph.data.grouping import comparison_keys, groups, verdicts

__all__ = ["CHECKS"]


class RepeatedVerdicts(Check):
    """How noisy labels are, by what was judged more than once: the same answers to the same prompt.

    If each verdict is wrong by itself with a chance of e, two of them disagree with a chance of 2 e (1 - e).

    Why: noise bounds what can be reached: accuracy cannot be expected to go beyond 1 - e, and a loss that does has
    learned the noise by heart.
    Sources: the identity above [M], with the interval of Wilson 1927 [P]. The bound is ours [G].
    False alarm: rows that were repeated by copying are no second verdict, and make noise look smaller than it is.
    """

    code, name = "DATA32", "repeated-verdicts"
    kinds = PAIRS | {Kind.UNPAIRED, Kind.STEPS}
    says = "about {noise:.0%} of labels are wrong (95%: {low:.0%} to {high:.0%}), by {judged:,} that were judged again"
    do = ("Have what was judged otherwise judged once more; smooth labels, or take a loss that bears noise",)
    warns_from = limit(0.1, "share of wrong labels, at the lower end of its interval, from which it is a warning")
    least = limit(30, "repeated verdicts that are needed")

    def findings(self, evidence: Evidence) -> Iterator[DataFinding]:
        ledger, kind = evidence.train.ledger, self.circumstances.kind
        said = verdicts(ledger, kind)
        judged = apart = 0
        is_same = ledger.hashes[1] == ledger.hashes[2] if kind in PAIRS else np.zeros(len(ledger), np.bool_)
        for group in groups(comparison_keys(ledger, kind)):
            if not is_same[group[0]]:
                # Two by two, so that each comparison is independent of the others.
                votes = said[group][: len(group) // 2 * 2].reshape(-1, 2)
                judged += len(votes)
                apart += int(np.sum(votes[:, 0] != votes[:, 1]))
        if judged < self.least:
            raise NotJudgeable(f"{judged:,} verdicts were given twice, and it needs {self.least:,.0f}")
        if wilson(apart / judged, judged)[0] > 0.5:
            raise NotJudgeable(
                f"{apart:,} of {judged:,} second verdicts are the opposite, more than by chance: those that agree were "
                "taken out"
            )
        noise, low, high = (_noise(share) for share in (apart / judged, *wilson(apart / judged, judged)))
        evidence.figures["label_noise"] = noise
        if noise > 0:
            severity = WARNING if low >= self.warns_from else INFO
            yield self.found(severity, noise=noise, low=low, high=high, judged=judged)


def _noise(apart: float) -> float:
    """The chance of a wrong verdict, if so large a share of two verdicts disagrees."""
    return (1 - math.sqrt(max(0.0, 1 - 2 * apart))) / 2


class UnlikelyLabels(Check):
    """Labels that a line through words, on prompts it has not seen, is sure are the wrong way round.

    Why: where words tell much, a label against all of them is a slip as often as not; those are the rows to read first.
    Sources: the idea is that of confident learning, Northcutt and others 2021 [P]; the line and its bounds are ours
    [G].
    False alarm: where words tell little it says nothing. What it names is a suspicion: subtle answers look like this
    too.
    """

    code, name = "DATA33", "unlikely-labels"
    kinds = PAIRS | {Kind.UNPAIRED}
    severity = INFO
    says = (
        "{count:,} of {of:,} labels are suspicious: words alone, right in {accuracy:.0%}, are sure of the opposite; "
        "so at most about {most:.0%} of all labels are wrong"
    )
    do = ("Read these rows first: the most suspicious come first",)
    needed = limit(0.75, "accuracy of words alone, at the lower end of its interval, below which it is not judged")
    sure = limit(2.2, "log-odds from which the line is sure; 2.2 is nine to one")

    def findings(self, evidence: Evidence) -> Iterator[DataFinding]:
        baseline = evidence.baseline
        if baseline is None:
            raise NotJudgeable("there are too few examples, or only good or bad ones")
        if baseline.lowest < self.needed:
            raise NotJudgeable(f"words alone are right in {baseline.accuracy:.0%}, too little to suspect a label by")
        against = int(np.sum(baseline.agreement <= -self.sure))
        if against:
            rows = numbers(baseline.numbers[np.argsort(baseline.agreement)[:against]].tolist())
            most = 1 - baseline.lowest
            yield self.found(rows=rows, of=len(baseline.agreement), accuracy=baseline.accuracy, most=most)


CHECKS: tuple[type[Check], ...] = (RepeatedVerdicts, UnlikelyLabels)
