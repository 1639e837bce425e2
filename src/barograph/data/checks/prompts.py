"""Whether both answers answer the same prompt, and the prompt stands there once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from barograph.data.check import Check, EachExample, Graded, limit
from barograph.data.evidence import Circumstances, Evidence
from barograph.data.example import PAIRS, Example, Kind, Message
from barograph.data.finding import DataFinding, numbers
from barograph.data.implicit import MARKS

__all__ = ["CHECKS"]

#: A prompt shorter than this may stand at the beginning of an answer by chance.
TELLING = 12


class OtherPrompt(Graded):
    """Pairs whose two answers do not answer the same prompt: conversations whose earlier turns differ, texts that do
    not begin alike where the others do, or only one answer that repeats the prompt.

    Why: the loss compares what is said to different questions; where the prompt is found as what both begin with, it is
    cut too short, and part of it is trained on as an answer.
    Sources: `extract_prompt` of TRL takes the longest common beginning [S].
    False alarm: pairs of whole conversations in which the user reacts differently.
    """

    code, name = "DATA17", "other-prompt"
    kinds = PAIRS
    says = "{count:,} of {of:,} pairs answer different prompts"
    do = ("Join answers by the key of their prompt, not by their order; leave these pairs out",)
    cleans = True
    warns_from = limit(0.001, "share of pairs from which it is more than a remark")
    grave_from = limit(0.05, "share of pairs from which it is critical")
    common = limit(0.8, "share of pairs with a common beginning, from which those without one stand out")

    def __init__(self, circumstances: Circumstances) -> None:
        super().__init__(circumstances)
        self.rows, self.looked_at = numbers(), 0
        #: Texts without a prompt of their own: those that begin alike are counted, the others kept.
        self.alike, self.unlike = 0, numbers()

    def see(self, example: Example) -> None:
        self.looked_at += 1
        if "chosen" in example.talks:
            if _asked(example.talks["chosen"]) != _asked(example.talks["rejected"]):
                self.rows.append(example.number)
        elif example.is_implicit:
            if _holds_mark(example):
                self.rows.append(example.number)
            elif example.prompt:
                self.alike += 1
            elif example.chosen != example.rejected:
                self.unlike.append(example.number)
        elif len(example.prompt) >= TELLING:
            begins = [answer.lstrip().startswith(example.prompt.strip()) for answer in example.answers()]
            if begins[0] != begins[1]:
                self.rows.append(example.number)

    def findings(self, evidence: Evidence) -> Iterator[DataFinding]:
        rows = self.rows
        if self.unlike and self.alike >= self.common * self.looked_at:
            rows = numbers(sorted([*rows, *self.unlike]))
        if rows:
            yield self.found(self.grade(len(rows) / self.looked_at), rows=rows, of=self.looked_at)


def _asked(talk: Sequence[Message]) -> list[str]:
    """What was said before the answer by others than the model."""
    return [turn.content.strip() for turn in talk[:-1] if turn.role in {"user", "human", "system"}]


def _holds_mark(example: Example) -> bool:
    """Whether a question is left in what should be answers only: they part before it ends."""
    return any(mark in example.chosen and mark in example.rejected for mark in MARKS)


class PromptRepeated(EachExample):
    """Answers that begin with their prompt, which stands in a column of its own too.

    Why: trainers put the prompt before the answer. The model sees it twice, learns to repeat it, and the answer is cut
    off the sooner.
    Sources: the format of DPO data in TRL: an explicit prompt is joined with the answers [D].
    False alarm: tasks such as copying or completing code, where the answer begins with what was given.
    """

    code, name = "DATA18", "prompt-repeated"
    kinds = PAIRS | {Kind.UNPAIRED}
    shows_beginning = True
    says = "{count:,} of {of:,} examples repeat their prompt at the beginning of every answer"
    do = ("Cut the prompt off the answers, or drop its column so that it is found as what they share",)
    warns_from = limit(0.01, "share of examples from which it is more than a remark")
    grave_from = limit(0.5, "share of examples from which it is critical")

    def shows(self, example: Example) -> bool:
        prompt = example.prompt.strip()
        if example.is_implicit or len(prompt) < TELLING:
            return False
        return all(answer.lstrip().startswith(prompt) for answer in example.answers())


CHECKS: tuple[type[Check], ...] = (OtherPrompt, PromptRepeated)
