"""What the settings must be laid against in the data: how many examples there are, how long, and of which class."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from barograph.config.plan import Plan
from barograph.core.methods import CLASSIFIER, GENERATING, PAIRED, REWARD_MODEL, Method
from barograph.data.example import PAIRS, Example, Kind
from barograph.data.form import Misfit, form_of
from barograph.data.formats.base import UnreadableData
from barograph.data.reading import DataSet

__all__ = ["Look", "fits", "knowing", "look_at"]

#: Rows by which the form of a data set is recognised, and texts by which the bytes of a token are measured.
FIRST, COUNTED = 1_000, 500
#: Bytes that a token takes by estimate: four of English, and about as much of other scripts, whose letters take more.
BYTES = 4.0
#: All but two in a hundred.
MOST = 0.98


@dataclass(frozen=True, slots=True)
class Look:
    """A data set in figures. Lengths are of the longer side with its prompt."""

    path: str
    kind: Kind
    rows: int
    good: int
    bad: int
    #: Bytes of each example, and of everything.
    lengths: array[int]
    whole: int
    #: Bytes of a token, and whether that was measured.
    bytes_of_token: float = BYTES
    is_counted: bool = False

    @property
    def longest(self) -> int:
        """Tokens of the longest example."""
        return round(max(self.lengths, default=0) / self.bytes_of_token)

    @property
    def most_fit(self) -> int:
        """Tokens that nearly all examples fit into."""
        ordered = sorted(self.lengths)
        return round(ordered[min(len(ordered) - 1, int(MOST * len(ordered)))] / self.bytes_of_token) if ordered else 0

    def tokens_within(self, most: float | None) -> float:
        """Tokens of all examples, both sides of a pair together, where none may be longer."""
        longest = (most or float("inf")) * self.bytes_of_token
        kept = sum(min(length, longest) for length in self.lengths) / max(1, sum(self.lengths))
        return kept * self.whole / self.bytes_of_token

    def examples_for(self, method: Method) -> int:
        """How many a method makes of them: KTO takes each side of a pair by itself."""
        return 2 * self.rows if method in {Method.KTO, Method.BCO} and self.kind in PAIRS else self.rows

    def cut_at(self, tokens: float) -> float:
        """The share of examples that are longer."""
        most = tokens * self.bytes_of_token
        return sum(length > most for length in self.lengths) / len(self.lengths) if self.lengths else 0.0


def look_at(
    data: DataSet,
    tokenizer: Any = None,
    progress: Callable[[DataSet, int], None] | None = None,
    most: int | None = None,
) -> Look:
    """One pass over a data set, or over its first rows; rows that are no examples are left out."""
    first = [row.fields for _, row in islice(data.rows(), FIRST) if row.fields is not None]
    if not first:
        raise UnreadableData(f"{data.name}: holds no examples")
    form = form_of(first, data.name)
    lengths, whole, good, bad = array("I"), 0, 0, 0
    counted = [0, 0]
    for number, row in islice(data.rows(), most):
        if row.fields is None:
            continue
        try:
            example = form.example(number, row.fields)
        except Misfit:
            continue
        sides = [len(text.encode("utf-8", "replace")) for text in _sides(example)]
        lengths.append(max(sides))
        whole += sum(sides)
        good += example.label is True
        bad += example.label is False
        if tokenizer is not None and len(lengths) <= COUNTED:
            counted[0] += sides[0]
            counted[1] += len(tokenizer(next(_sides(example)), add_special_tokens=False)["input_ids"])
        if progress is not None and len(lengths) % 1024 == 0:
            progress(data, number)
    if form.kind in PAIRS:
        good = bad = len(lengths)
    each = counted[0] / counted[1] if counted[1] else BYTES
    return Look(data.name, form.kind, len(lengths), good, bad, lengths, whole, each, counted[1] > 0)


def _sides(example: Example) -> Iterator[str]:
    """Each text that is trained on: the prompt with an answer, or with all steps."""
    answers = ("\n".join(example.steps),) if example.kind is Kind.STEPS else example.answers()
    for answer in answers or ("",):
        yield example.prompt + answer


def knowing(plan: Plan, look: Look, held_out: float = 0.0) -> Plan:
    """The plan with what is known of its data, of which a share is held out."""
    examples = look.examples_for(plan.method) * (1 - held_out)
    length = plan.number("max_length")
    cut = look.cut_at(length) if length and plan.method not in GENERATING else None
    return plan.knowing(
        train_examples=round(examples),
        good=look.good or None,
        bad=look.bad or None,
        longest=look.longest,
        most_fit=look.most_fit,
        cut=cut,
        tokens_are_counted=look.is_counted,
    )


def fits(kind: Kind, method: Method) -> bool:
    """Whether data of a kind can be trained on by a method.

    >>> fits(Kind.PROMPTS, Method.DPO), fits(Kind.PAIRED, Method.KTO)
    (False, True)
    """
    if method in PAIRED - {Method.ONLINE_DPO}:
        return kind in PAIRS
    if method in {Method.KTO, Method.BCO}:
        return kind in PAIRS | {Kind.UNPAIRED}
    if method in REWARD_MODEL:
        return kind in PAIRS
    return kind is not Kind.PROMPTS if method in CLASSIFIER else True
