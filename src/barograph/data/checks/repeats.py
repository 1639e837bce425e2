"""Whether examples stand there more than once."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from barograph.data.check import Check, Graded, limit
from barograph.data.evidence import Evidence
from barograph.data.finding import DataFinding, numbers
from barograph.data.grouping import example_keys, groups

__all__ = ["CHECKS"]


class _Repeated(Graded):
    """What both kinds of repeats have in common."""

    cleans = True
    warns_from = limit(0.01, "share of examples from which it is more than a remark")
    grave_from = limit(0.3, "share of examples from which it is critical")

    def told(self, twins: dict[int, int], of: int) -> DataFinding:
        return self.found(self.grade(len(twins) / of), rows=numbers(sorted(twins)), of=of, twins=twins)


class Repeated(_Repeated):
    """Examples that are the same as an earlier one in prompt, answers and label. Blanks at either end do not count.

    Why: a repeated example counts as often as it stands there, is learned by heart first, and makes an epoch longer
    than it looks. After a random split its twin may be in the held-out part.
    Sources: Lee and others, Deduplicating Training Data Makes Language Models Better, 2022 [P].
    False alarm: rows repeated on purpose, to give them weight.
    """

    code, name = "DATA09", "repeated"
    says = "{count:,} of {of:,} examples are the same as an earlier one"
    do = ("Keep the first of each",)

    def findings(self, evidence: Evidence) -> Iterator[DataFinding]:
        ledger = evidence.train.ledger
        twins = {}
        for group in groups(example_keys(ledger)):
            first, *others = ledger.numbers[group].tolist()
            twins.update(dict.fromkeys(others, first))
        if twins:
            yield self.told(twins, len(ledger))


class NearlyRepeated(_Repeated):
    """Examples that read nearly the same as another one: both prompt and answers have most of their pieces in common,
    and all of their numbers.

    Why: as for exact repeats; they come from templates, from crawling a page twice, or from small edits, and no exact
    comparison finds them.
    Sources: MinHash, Broder 1997; one permutation hashing, Li and others 2012 [P]. The bound is ours [G].
    False alarm: exercises from one mould, in which a word makes all the difference. Where it is a number they are not
    named.
    """

    code, name = "DATA10", "nearly-repeated"
    says = "{count:,} of {of:,} examples read nearly the same as an earlier one"
    do = ("Read some beside their twins, and keep the first of each unless the difference is the point",)
    warns_from = limit(0.05, "share of examples from which it is more than a remark")
    alike = limit(
        0.7, "share of pieces in common, of prompt and answers each; in short ones less, as one word counts more"
    )

    def findings(self, evidence: Evidence) -> Iterator[DataFinding]:
        ledger = evidence.train.ledger
        _, firsts = np.unique(example_keys(ledger), return_index=True)
        places = np.sort(firsts)
        twins: dict[int, int] = {}
        for pair in evidence.train.sketches.within(places, self.alike):
            twins.setdefault(int(ledger.numbers[pair.other]), int(ledger.numbers[pair.one]))
        if twins:
            yield self.told(twins, len(ledger))


CHECKS: tuple[type[Check], ...] = (Repeated, NearlyRepeated)
