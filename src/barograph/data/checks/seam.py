"""Whether the prompt is the same in tokens with its answer as without."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from barograph.data.check import Graded, NotJudgeable, clipped, limit
from barograph.data.evidence import Evidence
from barograph.data.example import Example, Kind, Message
from barograph.data.finding import DataFinding, numbers

__all__ = ["CHECKS"]


class MovingSeam(Graded):
    """Prompts whose tokens, or whose text as the chat template writes it, are not what the whole example begins with.
    Looked for in a sample, with `--tokenizer`.

    Why: the trainer finds the answer by where the prompt ends. Where the last token of the prompt merges with the first
    of the answer, or the template writes the prompt otherwise when an answer follows, a piece is cut off the prompt or
    counted as answer, and the model is trained on a context that it never meets when it is used.
    Sources: TRL cuts the prompt where both part, and warns of it once [S].
    False alarm: trainers that tokenize prompt and answer apart and join the tokens.
    """

    code, name = "DATA38", "moving-seam"
    kinds = frozenset(set(Kind) - {Kind.PROMPTS, Kind.STEPS})
    says = "in {count:,} of {of:,} examples that were looked at the prompt alone is not what the whole begins with"
    do = (
        "End prompts on a token boundary: without a blank at the end, which belongs to the answer",
        "For conversations, take a template that writes a prompt the same way whether an answer follows or not",
    )
    warns_from = limit(0.01, "share of examples from which it is more than a remark")
    most = limit(1000, "examples that are looked at")

    def findings(self, evidence: Evidence) -> Iterator[DataFinding]:
        words = self.circumstances.tokenizer
        if words is None:
            raise NotJudgeable("it needs --tokenizer")
        examples = [one for one in evidence.train.sample.examples() if one.prompt][: int(self.most)]
        rows = numbers(one.number for one in examples if any(_moves(words, one, side) for side in _sides(one)))
        if rows:
            yield self.found(self.grade(len(rows) / len(examples)), rows=rows, of=len(examples))

    def quote(self, example: Example) -> str:
        answer = next(iter(example.answers()), "")
        return f"prompt ends: {clipped(example.prompt[-40:])!r}\nanswer begins: {clipped(answer[:40])!r}"


def _sides(example: Example) -> Sequence[str]:
    return ("completion",) if example.kind is Kind.UNPAIRED else ("chosen", "rejected")


def _moves(words: Any, example: Example, side: str) -> bool:
    """Whether a prompt reads otherwise when this answer follows."""
    if "prompt" in example.talks and side in example.talks:
        return _moves_in_template(words, example.talks["prompt"], example.talks[side])
    if side in example.talks:
        *before, last = example.talks[side]
        return bool(before) and _moves_in_template(words, before, [last])
    if example.talks:
        return False
    prompt = words(example.prompt, add_special_tokens=False)["input_ids"]
    whole = words(example.prompt + str(getattr(example, side)), add_special_tokens=False)["input_ids"]
    return bool(whole[: len(prompt)] != prompt)


def _moves_in_template(words: Any, prompt: Sequence[Message], answer: Sequence[Message]) -> bool:
    if words.chat_template is None:
        return False  # DATA22 says so.
    asked = [turn._asdict() for turn in prompt]
    try:
        alone = words.apply_chat_template(asked, tokenize=False, add_generation_prompt=True)
        whole = words.apply_chat_template([*asked, *(turn._asdict() for turn in answer)], tokenize=False)
    except Exception:  # noqa: BLE001 - a template may raise whatever its writer liked; DATA22 says so
        return False
    return not whole.startswith(alone)


CHECKS: tuple[type[Graded], ...] = (MovingSeam,)
