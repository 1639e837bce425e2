"""Whether scores that stand beside the answers agree with what was preferred."""

from __future__ import annotations

from collections.abc import Iterator

from barograph.data.check import EachExample, NotJudgeable, limit
from barograph.data.evidence import Circumstances, Evidence
from barograph.data.example import PAIRS, Example
from barograph.data.finding import DataFinding

__all__ = ["CHECKS"]


class ScoredOtherwise(EachExample):
    """Pairs whose own scores say that the rejected answer is the better one, or that both are alike.

    Why: the label was not made from the scores then, or two answers of the same score were put into an order by
    chance. Both are wrong labels about half of the time.
    Sources: ties and swaps of this kind were cleaned out of UltraFeedback's pairs by those who used them next [I]. The
    bounds are ours [G].
    False alarm: scores of something else than what was preferred, as length or cost, or for which less is better.
    """

    code, name = "DATA37", "scored-otherwise"
    kinds = PAIRS
    says = (
        "{count:,} of {of:,} pairs that have scores are not preferred by them: in {ties:,} both are alike, in "
        "{against:,} the rejected answer has the higher one"
    )
    do = ("Leave these pairs out, or make the labels from the scores", "See that the columns {columns} are such scores")
    cleans = True
    warns_from = limit(0.005, "share of pairs with scores from which it is more than a remark")
    grave_from = limit(0.3, "share of pairs with scores from which it is critical")

    def __init__(self, circumstances: Circumstances) -> None:
        super().__init__(circumstances)
        self.ties = 0

    def see(self, example: Example) -> None:
        if example.scores is not None:
            super().see(example)

    def shows(self, example: Example) -> bool:
        chosen, rejected = example.scores or (0.0, 0.0)
        self.ties += chosen == rejected
        return chosen <= rejected

    def findings(self, evidence: Evidence) -> Iterator[DataFinding]:
        if not self.looked_at:
            raise NotJudgeable("the answers have no scores")
        if self.rows:
            yield self.found(
                self.grade(len(self.rows) / self.looked_at),
                rows=self.rows,
                of=self.looked_at,
                told={"columns": " and ".join(self.circumstances.score_columns)},
                ties=self.ties,
                against=len(self.rows) - self.ties,
            )

    def quote(self, example: Example) -> str:
        chosen, rejected = example.scores or (0.0, 0.0)
        return f"{super().quote(example)}\nscores: chosen {chosen:g}, rejected {rejected:g}"


CHECKS: tuple[type[EachExample], ...] = (ScoredOtherwise,)
