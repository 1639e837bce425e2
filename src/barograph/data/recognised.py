"""What an example of a training says, and the row of a data file that says the same.

A trainer may have mixed, split and filtered what it was given, moved prompts, marked the ends of answers, made labelled
answers of pairs: so an example is known by what it says, blanks aside, and not by its place.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, NamedTuple

from barograph.core.errors import BarographError
from barograph.data.check import AROUND, clipped
from barograph.data.example import PAIRS, Example, Kind
from barograph.data.form import Form, Misfit, form_of
from barograph.data.implicit import shared_length
from barograph.data.reading import DataSet

__all__ = ["Said", "rows_saying", "said_in"]

#: Columns that hold what answers the prompt, and what is said of it.
ANSWERS = ("chosen", "rejected", "completion", "completions")
LABELS = ("label", "labels")
#: Rows by which the columns of a file are told.
FIRST = 100


class Said(NamedTuple):
    """What one example says: texts without marks and blanks around them."""

    prompt: str
    #: By the names of their columns, without the prompt.
    answers: Mapping[str, str]
    #: Of a labelled answer one, of labelled steps one for each.
    labels: Sequence[bool] = ()

    def fingerprint(self) -> str:
        """A short sign of all of it. Where prompt and answers part, and how steps do, makes no difference.

        >>> a = said_in({"prompt": "1 + 1", "chosen": "1 + 1 = 2<eos>", "rejected": " = 3"}, ending="<eos>")
        >>> a.fingerprint() == said_in({"prompt": "1 + 1 =", "chosen": "2", "rejected": "3"}).fingerprint()
        True
        """
        texts = ["".join(f"{self.prompt} {answer}".split()) for answer in self.answers.values()]
        whole = "\0".join([*texts, *("good" if label else "bad" for label in self.labels)])
        return hashlib.blake2b(whole.encode(errors="surrogatepass"), digest_size=12).hexdigest()

    def quoted(self) -> dict[str, str]:
        """By name, each so short that it fits on a line. Sides that begin alike are shown from where they part.

        >>> said_in({"prompt": "1 + 1", "completion": " 2", "label": True}).quoted()
        {'prompt': '1 + 1', 'completion': '2', 'label': 'good'}
        """
        chosen, rejected = (self.answers.get(side, "") for side in ("chosen", "rejected"))
        begin = max(0, shared_length(chosen, rejected) - AROUND) if chosen != rejected else 0
        told = {"prompt": clipped(self.prompt)} if self.prompt else {}
        for name, text in self.answers.items():
            told[name] = f"{'… ' if begin else ''}{clipped(text[begin:])}"
        if self.labels:
            name = "label" if len(self.labels) == 1 and "completions" not in self.answers else "labels"
            told[name] = " | ".join("good" if label else "bad" for label in self.labels)
        return told


def said_in(fields: Mapping[str, Any], ending: str = "") -> Said:
    """What an example says that a trainer holds: texts, conversations or steps. `ending` marks the end of answers."""
    prompt = _flat(fields.get("prompt"))
    answers = {}
    for name in ANSWERS:
        if fields.get(name) is not None:
            text = _flat(fields[name]).strip()
            whole = text.removesuffix(ending).strip() if ending else text
            answers[name] = whole.removeprefix(prompt.strip()).strip()
    labels: Any = next((fields[name] for name in LABELS if fields.get(name) is not None), [])
    return Said(prompt.strip(), answers, [bool(one) for one in (labels if isinstance(labels, list) else [labels])])


def _flat(value: Any) -> str:
    """A text; a conversation, or a list of steps, as the texts in it."""
    if isinstance(value, list):
        return "\n".join(str(one.get("content", "")) if isinstance(one, Mapping) else str(one) for one in value)
    return "" if value is None else str(value)


def rows_saying(data: DataSet, wanted: Iterable[tuple[int, str]]) -> dict[int, tuple[int, Said]]:
    """For each example, by its place and what it says: the row of the file that says the same, and that in full.

    Where the same stands in several rows, each is taken by one example, in their order.
    """
    places: dict[str, list[int]] = {}
    for place, fingerprint in wanted:
        places.setdefault(fingerprint, []).append(place)
    form = _form(data)
    found: dict[int, tuple[int, Said]] = {}
    for number, row in data.rows():
        if not any(places.values()):
            break
        if row.fields is None:
            continue
        for said in _readings(number, row.fields, form):
            waiting = places.get(said.fingerprint())
            if waiting:
                found[waiting.pop(0)] = number, said
    return found


def _form(data: DataSet) -> Form | None:
    """The form of a file by its first rows; None if it is of none that is known."""
    fields = [row.fields for _, row in islice(data.rows(), FIRST) if row.fields is not None]
    try:
        return form_of(fields, data.name, None)
    except BarographError:
        return None


def _readings(number: int, fields: Mapping[str, Any], form: Form | None) -> Iterator[Said]:
    """What a row says, and what the labelled answers do that a trainer may have made of a pair."""
    if form is None:
        yield said_in(fields)
        return
    try:
        example = form.example(number, fields, is_damaged=False)
    except Misfit:
        return
    yield _said_by(example)
    if example.kind in PAIRS:
        for side, label in ((example.chosen, True), (example.rejected, False)):
            yield Said(example.prompt.strip(), {"completion": side.strip()}, [label])


def _said_by(example: Example) -> Said:
    prompt = example.prompt.strip()
    if example.kind in PAIRS:
        return Said(prompt, {"chosen": example.chosen.strip(), "rejected": example.rejected.strip()})
    if example.kind is Kind.UNPAIRED:
        return Said(prompt, {"completion": example.completion.strip()}, [bool(example.label)])
    return Said(prompt, {"completions": "\n".join(example.steps)}, example.labels)
