"""Whether the judgements agree with one another."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from barograph.data.check import Check, Graded, limit
from barograph.data.evidence import Evidence
from barograph.data.example import PAIRS, Kind
from barograph.data.finding import DataFinding, numbers
from barograph.data.grouping import comparison_keys, groups, verdicts

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["CHECKS"]


class Contradiction(Graded):
    """The same answers to the same prompt, judged both ways: A over B in one row and B over A in another.

    Why: such rows cancel out at best. Their share is also what is known best of how noisy the labels are.
    False alarm: several people were asked on purpose, and their votes kept; then take the majority.
    """

    code, name = "DATA07", "contradiction"
    kinds = PAIRS | {Kind.UNPAIRED, Kind.STEPS}
    says = "{count:,} of {of:,} rows contradict another row: the same answers to the same prompt, judged otherwise"
    do = ("Keep the verdict of the majority, and leave out what is undecided",)
    cleans = True
    warns_from = limit(0.002, "share of examples from which it is more than a remark")
    grave_from = limit(0.05, "share of examples from which it is critical")

    def findings(self, evidence: Evidence) -> Iterator[DataFinding]:
        ledger, kind = evidence.train.ledger, self.circumstances.kind
        said = verdicts(ledger, kind)
        rows, drops, twins = numbers(), numbers(), {}
        for group in groups(_decided(comparison_keys(ledger, kind), ledger.hashes, kind)):
            votes = Counter(said[group].tolist())
            if len(votes) == 1:
                continue
            (first, most), (_, next_most) = votes.most_common(2)
            majority = first if most > next_most else None
            for place in group:
                number = int(ledger.numbers[place])
                rows.append(number)
                twins[number] = int(ledger.numbers[group[said[group] != said[place]][0]])
                if said[place] != majority:
                    drops.append(number)
        if rows:
            grade = self.grade(len(rows) / len(ledger))
            yield self.found(grade, rows=numbers(sorted(rows)), of=len(ledger), drops=drops, twins=twins)


def _decided(keys: NDArray[np.uint64], hashes: Sequence[NDArray[np.uint64]], kind: Kind) -> NDArray[np.uint64]:
    """The keys; pairs of the same text, which say nothing, have one each."""
    if kind not in PAIRS:
        return keys
    same = hashes[1] == hashes[2]
    return np.where(same, np.arange(len(keys), dtype=np.uint64), keys)


class Cycle(Graded):
    """Preferences that run in a circle: A over B, B over C, and C over A, for one prompt.

    Why: no score can satisfy all of them, so that the margin of at least one stays negative.
    False alarm: few of them are usual where people judge; they do not agree with themselves either.
    """

    code, name = "DATA08", "preference-cycle"
    kinds = PAIRS
    says = "{count:,} of {of:,} pairs are part of a circle of preferences"
    do = ("Read the prompts they belong to: are the answers too close to be told apart?",)
    warns_from = limit(0.02, "share of pairs from which it is a warning")

    def findings(self, evidence: Evidence) -> Iterator[DataFinding]:
        ledger = evidence.train.ledger
        prompts, better, worse = ledger.hashes
        rows = numbers()
        for group in groups(prompts, least=3):
            edges = list(
                zip(better[group].tolist(), worse[group].tolist(), ledger.numbers[group].tolist(), strict=True)
            )
            rows.extend(_circular(edges))
        if rows:
            yield self.found(self.grade(len(rows) / len(ledger)), rows=numbers(sorted(rows)), of=len(ledger))


def _circular(edges: Sequence[tuple[int, int, int]]) -> list[int]:
    """The numbers of edges that are left when all that cannot lie on a circle of three or more is taken away."""
    directions = {(a, b) for a, b, _ in edges}
    left = [edge for edge in edges if edge[0] != edge[1] and (edge[1], edge[0]) not in directions]
    while left:
        begins, ends = {a for a, _, _ in left}, {b for _, b, _ in left}
        kept = [edge for edge in left if edge[0] in ends and edge[1] in begins]
        if len(kept) == len(left):
            break
        left = kept
    return [number for _, _, number in left]


CHECKS: tuple[type[Check], ...] = (Contradiction, Cycle)
