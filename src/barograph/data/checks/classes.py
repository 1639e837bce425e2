"""Whether good and bad answers are in balance."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from barograph.data.check import CRITICAL, INFO, WARNING, Check, NotJudgeable, limit
from barograph.data.evidence import Evidence
from barograph.data.example import Kind
from barograph.data.finding import DataFinding

__all__ = ["CHECKS"]


class OneClass(Check):
    """Labelled answers that are all good, or all bad.

    Why: there is nothing to tell apart. KTO then only pushes everything up or down, and a classifier says always the
    same.
    False alarm: none known.
    """

    code, name = "DATA27", "one-class"
    kinds = frozenset({Kind.UNPAIRED})
    severity = CRITICAL
    says = "all {examples:,} answers are {what}"
    do = ("Look at how the label was made: is its column the right one, and did a filter take the other class away?",)

    def findings(self, evidence: Evidence) -> Iterator[DataFinding]:
        labels = evidence.train.ledger.labels
        if len(labels) and labels.min() == labels.max():
            yield self.found(told={"what": "good" if labels[0] else "bad"}, examples=len(labels))


class ClassRatio(Check):
    """Good and bad answers out of balance for KTO: with weights of 1 their ratio should lie between 1 and 4/3.

    Why: KTO's two losses pull against each other; the rarer class is drowned, and chosen and rejected drift the same
    way.
    Sources: Ethayarajh and others, KTO, 2024: (weight of good · good) / (weight of bad · bad) in [1, 4/3] [P]; the same
    in the documentation of TRL's KTO trainer [D]. How far off is worth a warning is ours [G].
    False alarm: weights that are set already. A reward model or classifier has other means to balance.
    """

    code, name = "DATA28", "class-ratio"
    kinds = frozenset({Kind.UNPAIRED})
    says = (
        "{good:,} good and {bad:,} bad answers, a ratio of {ratio:.2f} where KTO wants 1 to 1.33; {weight} between "
        "{low:.2f} and {high:.2f} makes it so"
    )
    do = ("Set {weight} between {low:.2f} and {high:.2f}, and leave the other weight at 1",)
    lowest = limit(1.0, "ratio of good to bad that is right with weights of 1, at least")
    highest = limit(4 / 3, "ratio of good to bad that is right with weights of 1, at most")
    far = limit(2.0, "so many times outside of it from which it is more than a remark")

    def findings(self, evidence: Evidence) -> Iterator[DataFinding]:
        labels = evidence.train.ledger.labels
        good, bad = int(np.sum(labels == 1)), int(np.sum(labels == 0))
        if not good or not bad:
            raise NotJudgeable("there is one class only")
        ratio = good / bad
        evidence.figures["good_to_bad"] = ratio
        if self.lowest <= ratio <= self.highest:
            return
        if ratio < self.lowest:
            weight, low, high, off = "desirable_weight", self.lowest / ratio, self.highest / ratio, self.lowest / ratio
        else:
            weight, low, high = "undesirable_weight", ratio / self.highest, ratio / self.lowest
            off = ratio / self.highest
        severity = WARNING if off >= self.far else INFO
        yield self.found(severity, told={"weight": weight}, good=good, bad=bad, ratio=ratio, low=low, high=high)


CHECKS: tuple[type[Check], ...] = (OneClass, ClassRatio)
