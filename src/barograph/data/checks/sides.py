"""Whether the two sides of an example say something, and say something different."""

from __future__ import annotations

import re

from barograph.data.check import AROUND, INFO, Check, EachExample, limit
from barograph.data.example import PAIRS, Example, Kind
from barograph.data.implicit import shared_length

__all__ = ["CHECKS"]

#: Signs that carry no sense of their own at the beginning of a word, and at its end. Within a word they do, as in code
#: and sums, and so do brackets and all that may be an operator.
_OPENING, _CLOSING = "\"'`\u2018\u201c\u201e\u00ab", ".,!?;:\"'`\u2019\u201d\u2026\u00bb"
#: What emphasis is written with, around a word or several.
_EMPHASIS = re.compile(r"(?<![\w*])(\*\*?|__?)(?=\w)([^*\n]{1,200}?)(?<=[\w.,!?])\1(?![\w*])")
_NUMBER = re.compile(r"[-+]?\d[\d.,]*")
#: Characters by which most pairs can be told apart.
BEGIN = 64


class EmptySide(EachExample):
    """A prompt, an answer or a step that is empty or holds nothing but blanks.

    Why: an empty answer teaches the model to end at once, or to write anything but nothing; its log-probability is that
    of one end mark.
    False alarm: a set in which silence is a right answer; a set of answers without prompts.
    """

    code, name = "DATA03", "empty-side"
    says = "{count:,} of {of:,} examples have an empty prompt or answer"
    do = ("Leave these rows out, or find out where their text was lost",)
    cleans = True
    warns_from = limit(0.001, "share of examples from which it is more than a remark")
    grave_from = limit(0.01, "share of examples from which it is critical")

    def shows(self, example: Example) -> bool:
        if example.kind in PAIRS:
            texts: tuple[str, ...] = (example.chosen, example.rejected)
        else:
            texts = example.answers()
        if not example.is_implicit:
            texts = (example.prompt, *texts)
        if example.kind is Kind.STEPS and not example.steps:
            return True
        return not all(map(str.strip, texts))

    def quote(self, example: Example) -> str:
        return super().quote(example) or "nothing at all"


class IdenticalPair(EachExample):
    """Pairs whose chosen and rejected answer are the same text.

    Why: their margin is zero whatever the model does, so that they teach nothing and pull accuracy and loss to chance.
    False alarm: none known.
    """

    code, name = "DATA04", "identical-pair"
    kinds = PAIRS
    says = "{count:,} of {of:,} pairs have the same text on both sides"
    do = ("Leave these pairs out",)
    cleans = True
    warns_from = limit(0.001, "share of pairs from which it is more than a remark")
    grave_from = limit(0.1, "share of pairs from which it is critical")

    def shows(self, example: Example) -> bool:
        return example.chosen == example.rejected or example.chosen.strip() == example.rejected.strip()


class DiffersInForm(EachExample):
    """Pairs that differ in blanks, capitals or punctuation alone.

    Why: the model learns a habit of typing instead of what makes an answer good, and such a pair is often a slip.
    False alarm: sets that teach form itself, such as code style.
    """

    code, name = "DATA05", "differs-in-form-only"
    kinds = PAIRS
    says = "{count:,} of {of:,} pairs differ in blanks, capitals or punctuation alone"
    do = ("Read some of them: leave them out unless form is what you want to teach",)
    cleans = True
    warns_from = limit(0.005, "share of pairs from which it is more than a remark")

    def shows(self, example: Example) -> bool:
        chosen, rejected = example.chosen, example.rejected
        if (
            abs(len(chosen) - len(rejected)) > 20 + min(len(chosen), len(rejected)) // 2
            or chosen.strip() == rejected.strip()
        ):
            return False
        # Most pairs differ in their first letter already, or else in their first words.
        first, second = chosen[:1], rejected[:1]
        if first.isalnum() and second.isalnum() and first.casefold() != second.casefold():
            return False
        begin, other = _bare(chosen[:BEGIN]), _bare(rejected[:BEGIN])
        least = min(len(begin), len(other)) - 1  # the last word may be cut
        if begin[:least] != other[:least]:
            return False
        # Where there is no letter, signs are what is said.
        return any(map(str.isalnum, chosen)) and "".join(_bare(chosen)) == "".join(_bare(rejected))

    def quote(self, example: Example) -> str:
        place = shared_length(example.chosen, example.rejected)
        return f"chosen: … {_seen(example.chosen, place)} …\nrejected: … {_seen(example.rejected, place)} …"


def _seen(text: str, place: int) -> str:
    """A text around a place, with its blanks to be seen."""
    return repr(text[max(0, place - AROUND) : place + 2 * AROUND])


def _bare(text: str) -> list[str]:
    """The words of a text without capitals, and without the signs around them."""
    if "*" in text or "_" in text:
        text = _EMPHASIS.sub(r"\2", text)
    words = (word.lstrip(_OPENING).rstrip(_CLOSING) for word in text.casefold().split())
    return [word for word in words if word]


class DiffersInNumber(EachExample):
    """Pairs that differ in numbers alone.

    Why: nothing but the number tells right from wrong there. That is what a set about sums is made of; elsewhere such
    pairs are often made by a script.
    False alarm: mathematics.
    """

    code, name = "DATA06", "differs-in-number-only"
    kinds = PAIRS
    severity = INFO
    says = "{count:,} of {of:,} pairs differ in numbers alone"
    do = ("Nothing, if the numbers are what you want to teach",)

    def shows(self, example: Example) -> bool:
        chosen, rejected = example.chosen, example.rejected
        if chosen.strip() == rejected.strip() or abs(len(chosen) - len(rejected)) > 40:
            return False
        place = shared_length(chosen, rejected)
        around = chosen[max(0, place - 1) : place + 1] + rejected[place : place + 1]
        if not any(sign.isdigit() for sign in around) and not set(around) & {"-", "+"}:
            return False
        bare = _NUMBER.sub("0", chosen)
        return bare != chosen and bare.split() == _NUMBER.sub("0", rejected).split()


CHECKS: tuple[type[Check], ...] = (EmptySide, IdenticalPair, DiffersInForm, DiffersInNumber)
