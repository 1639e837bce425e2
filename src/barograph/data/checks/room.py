"""Whether examples fit into the length that they are trained at."""

from __future__ import annotations

from collections.abc import Iterator

from barograph.data.check import INFO, Check, EachExample, limit
from barograph.data.evidence import Circumstances, Evidence
from barograph.data.example import PAIRS, Example, Kind
from barograph.data.finding import DataFinding
from barograph.data.implicit import shared_length

__all__ = ["CHECKS"]

#: What the trainers of TRL cut to unless they are told otherwise.
USUAL = 1024
#: Bytes that a token takes by estimate: four of English, and about as much of other scripts, whose letters take more.
BYTES = 4.0
#: No token takes more bytes on average, in any text.
MOST_BYTES = 16


class _Cut(EachExample):
    """What both checks have in common: how many tokens a text takes."""

    def __init__(self, circumstances: Circumstances) -> None:
        super().__init__(circumstances)
        self.room = circumstances.max_length or USUAL
        self.gone = 0

    def exceeds(self, *texts: str) -> bool:
        """Whether texts take more tokens than there is room for. Few of them have to be counted."""
        size = sum(len(text) if text.isascii() else len(text.encode("utf-8", "replace")) for text in texts)
        words = self.circumstances.tokenizer
        if words is None:
            return size > BYTES * self.room
        if size <= self.room or size > MOST_BYTES * self.room:
            return size > self.room
        return sum(len(words(text, add_special_tokens=False)["input_ids"]) for text in texts) > self.room

    def findings(self, evidence: Evidence) -> Iterator[DataFinding]:
        if not self.rows:
            return
        severity = self.grade(len(self.rows) / self.looked_at)
        told = {
            "gone": f"; in {self.gone:,} of them the prompt alone does" if self.gone else "",
            "how": "" if self.circumstances.tokenizer is not None else ", by an estimate from their bytes",
            "usual": "" if self.circumstances.max_length else ", which is what trainers usually cut to",
        }
        if not self.circumstances.max_length:
            severity = INFO  # It is not known what they will be cut to.
        yield self.found(severity, rows=self.rows, of=self.looked_at, told=told, room=self.room)


class Truncated(_Cut):
    """Examples that take more tokens than they are cut to: `--max-length`, or 1,024 if it is not given.

    Why: what is cut off is not learned; an answer without its end teaches not to end. Where the prompt alone fills the
    room nothing is left of the answer.
    Sources: the default of DPO, KTO and reward training in TRL is 1,024 [S]; four bytes a token is usual for English
    [G].
    False alarm: without `--tokenizer` it is an estimate, which may be off by a third.
    """

    code, name = "DATA23", "truncated"
    says = "{count:,} of {of:,} examples take more than {room:,} tokens{usual}{how}{gone}"
    do = ("Raise the length that they are cut to, or leave them out",)
    warns_from = limit(0.02, "share of examples from which it is more than a remark")
    grave_from = limit(0.3, "share of examples from which it is critical")

    def shows(self, example: Example) -> bool:
        answers = ("\n".join(example.steps),) if example.kind is Kind.STEPS else example.answers()
        if not any(self.exceeds(example.prompt, answer) for answer in answers or ("",)):
            return False
        self.gone += bool(answers) and self.exceeds(example.prompt)
        return True


class DifferenceCut(_Cut):
    """Pairs whose answers begin to differ only behind what is kept.

    Why: both sides are the same then, and the pair teaches nothing but costs as much as any other.
    Sources: `truncation_mode` keep_start of TRL [S].
    False alarm: truncation that keeps the end.
    """

    code, name = "DATA24", "difference-cut"
    kinds = PAIRS
    says = "{count:,} of {of:,} pairs begin to differ only behind {room:,} tokens{usual}{how}"
    do = ("Leave these pairs out, or raise the length that they are cut to",)
    cleans = True
    warns_from = limit(0.001, "share of pairs from which it is more than a remark")
    grave_from = limit(0.1, "share of pairs from which it is critical")

    def shows(self, example: Example) -> bool:
        if len(example.prompt) + min(len(example.chosen), len(example.rejected)) < self.room:
            return False
        if example.chosen == example.rejected:
            return False
        same = shared_length(example.chosen, example.rejected)
        return self.exceeds(example.prompt, example.chosen[:same])


CHECKS: tuple[type[Check], ...] = (Truncated, DifferenceCut)
