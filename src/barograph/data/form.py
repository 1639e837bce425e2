"""What a data set is for, and which of its columns holds what."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from barograph.core.errors import ConfigurationError, suggest
from barograph.data.example import PAIRS, Example, Kind, Message, flattened
from barograph.data.formats.base import UnreadableData
from barograph.data.implicit import parted, parted_talk

__all__ = ["ALIASES", "NEEDS", "Form", "Misfit", "form_of"]

#: What a column is called for each thing that it may hold, the usual name first.
ALIASES: Mapping[str, Sequence[str]] = {
    "prompt": ("prompt", "question", "instruction", "query", "input", "problem", "context", "user", "prompts"),
    "chosen": ("chosen", "preferred", "chosen_response", "response_chosen", "response_j", "preferred_response",
               "accepted", "winner", "win", "better", "positive", "pos", "y_w"),
    "rejected": ("rejected", "dispreferred", "rejected_response", "response_rejected", "response_k",
                 "dispreferred_response", "loser", "lose", "worse", "negative", "neg", "y_l"),
    "completion": ("completion", "response", "answer", "output", "generation", "messages", "conversation"),
    "label": ("label", "desirable", "is_desirable", "kto_tag", "is_correct", "correct", "thumbs_up", "feedback"),
    "steps": ("completions", "steps"),
    "labels": ("labels", "step_labels", "ratings"),
}  # fmt: skip
#: What the scores of both answers are called, if they stand beside them.
SCORES: Sequence[tuple[str, str]] = tuple(
    (shape.format(chosen), shape.format(rejected))
    for chosen, rejected in (("chosen", "rejected"), ("j", "k"))
    for shape in ("score_{}", "{}_score", "{}_rating", "rating_{}", "{}_reward", "reward_{}", "{}-rating", "{}-score")
)
#: What an example of a kind cannot do without.
NEEDS: Mapping[Kind, Sequence[str]] = {
    Kind.PAIRED: ("chosen", "rejected"),
    Kind.REWARD: ("chosen", "rejected"),
    Kind.UNPAIRED: ("completion", "label"),
    Kind.STEPS: ("prompt", "steps", "labels"),
    Kind.PROMPTS: ("prompt",),
}
#: What the log of a training has in its rows, and no example has.
LOGGED = frozenset({"loss", "learning_rate"})
#: In which order a kind is recognised: the first whose needs are met.
ORDER = (Kind.PAIRED, Kind.STEPS, Kind.UNPAIRED, Kind.PROMPTS)
#: The words that labels are written in.
GOOD = frozenset({"true", "1", "1.0", "yes", "good", "desirable", "chosen", "correct", "+", "positive", "thumbs_up"})
BAD = frozenset({"false", "0", "0.0", "-1", "-1.0", "no", "bad", "undesirable", "rejected", "incorrect", "-",
                 "negative", "thumbs_down", "wrong"})  # fmt: skip


class Misfit(Exception):
    """A row that is no example of this form, in a few words."""


@dataclass(frozen=True, slots=True)
class Form:
    """The kind of a data set, and the column for each thing."""

    kind: Kind
    columns: Mapping[str, str]
    #: A second column of the prompt, as `input` beside `instruction`.
    more_prompt: str = ""
    #: The columns of what chosen and rejected were scored.
    scores: tuple[str, str] | tuple[()] = ()
    #: Columns without a meaning here.
    others: Sequence[str] = field(default=())

    def example(self, number: int, fields: Mapping[str, Any], *, is_damaged: bool = False) -> Example:
        """A row as an example, or a `Misfit`."""
        made = Example(number, self.kind, is_damaged=is_damaged)
        talks: dict[str, Sequence[Message]] = {}
        if "prompt" in self.columns:
            made.prompt = self._text("prompt", fields, talks)
            if self.more_prompt and (more := fields.get(self.more_prompt)):
                made.prompt = f"{made.prompt}\n{more}"
        if self.kind in PAIRS:
            self._pair(made, fields, talks)
        elif self.kind is Kind.UNPAIRED:
            made.completion = self._text("completion", fields, talks)
            made.label = self._label("label", self._value("label", fields))
            made.is_implicit = "prompt" not in self.columns
            if made.is_implicit and "completion" in talks:
                *before, last = talks["completion"]
                made.prompt, made.completion = flattened(before) if before else "", last.content
        elif self.kind is Kind.STEPS:
            self._steps(made, fields)
        if talks:
            made.talks = talks
        return made

    def _pair(self, made: Example, fields: Mapping[str, Any], talks: dict[str, Sequence[Message]]) -> None:
        made.chosen = self._text("chosen", fields, talks)
        made.rejected = self._text("rejected", fields, talks)
        if ("chosen" in talks) != ("rejected" in talks):
            raise Misfit("one answer is a conversation, the other a text")
        if "chosen" in talks:
            shared, chosen, rejected = parted_talk(talks["chosen"], talks["rejected"])
            if shared:
                made.chosen, made.rejected = flattened(chosen), flattened(rejected)
                if "prompt" not in self.columns:
                    made.prompt, made.is_implicit = flattened(shared), True
        if self.scores:
            made.scores = _scores(*(fields.get(column) for column in self.scores))
        if "chosen" not in talks and "prompt" not in self.columns:
            made.prompt, made.chosen, made.rejected = parted(made.chosen, made.rejected)
            made.is_implicit = True

    def _steps(self, made: Example, fields: Mapping[str, Any]) -> None:
        steps, labels = self._value("steps", fields), self._value("labels", fields)
        for name, value in (("steps", steps), ("labels", labels)):
            if not isinstance(value, list):
                raise Misfit(f"{self.columns[name]!r} is {kind_of(value)}, where a list belongs")
        if len(steps) != len(labels):
            raise Misfit(f"it has {len(steps)} steps and {len(labels)} labels")
        for step in steps:
            if not isinstance(step, str):
                raise Misfit(f"a step is {kind_of(step)}, where a text belongs")
        made.steps = tuple(steps)
        made.labels = tuple(self._label("labels", label) for label in labels)

    def _value(self, name: str, fields: Mapping[str, Any]) -> Any:
        column = self.columns[name]
        value = fields.get(column)
        if value is None:
            raise Misfit(f"{column!r} is missing")
        return value

    def _text(self, name: str, fields: Mapping[str, Any], talks: dict[str, Sequence[Message]]) -> str:
        value = self._value(name, fields)
        if isinstance(value, str):
            return value
        if isinstance(value, list):
            if len(value) == 1 and isinstance(value[0], str):
                return value[0]
            talks[name] = talk = _talk(value, self.columns[name])
            return flattened(talk)
        if isinstance(value, Mapping) and isinstance(value.get("content"), str):
            talks[name] = talk = _talk([value], self.columns[name])
            return flattened(talk)
        raise Misfit(f"{self.columns[name]!r} is {kind_of(value)}, where a text belongs")

    def _label(self, name: str, value: object) -> bool:
        word = str(value).strip().lower()
        if word in GOOD:
            return True
        if word in BAD:
            return False
        raise Misfit(f"{self.columns[name]!r} is {str(value)[:30]!r}, where true or false belongs")


def _scores(chosen: object, rejected: object) -> tuple[float, float] | None:
    """Both scores, if they are numbers."""
    if isinstance(chosen, int | float) and isinstance(rejected, int | float) and chosen - rejected == chosen - rejected:
        return float(chosen), float(rejected)
    return None


def _talk(value: Sequence[object], column: str) -> list[Message]:
    talk = []
    for turn in value:
        if not isinstance(turn, Mapping):
            raise Misfit(f"{column!r} is a list of {kind_of(turn)}, where messages belong")
        role = turn.get("role", turn.get("from"))
        content = turn.get("content", turn.get("value"))
        if isinstance(content, list):  # as with images: the pieces that are text
            content = "".join(str(piece.get("text") or "") for piece in content if isinstance(piece, Mapping))
        if role is None or not (content is None or isinstance(content, str)):
            raise Misfit(f"{column!r} has a message without role or content")
        talk.append(Message(str(role), content or ""))
    return talk


def kind_of(value: object) -> str:
    """What a value is, in words."""
    match value:
        case None:
            return "nothing"
        case bool():
            return "true or false"
        case str():
            return "a text"
        case int() | float():
            return "a number"
        case list():
            return "a list"
        case Mapping():
            return "an object"
    return type(value).__name__


def form_of(rows: Iterable[Mapping[str, Any]], name: str, kind: Kind | None = None) -> Form:
    """The form of a data set by its first rows; one sentence if it has none, or not that of the kind asked for."""
    firsts: dict[str, object] = {}
    for row in rows:
        for column, value in row.items():
            if firsts.setdefault(column, value) is None:
                firsts[column] = value
    if not firsts:
        raise UnreadableData(f"{name}: holds no examples")
    found = _columns(firsts)
    fitting = [one for one in ORDER if all(need in found for need in NEEDS[one])]
    if kind is None:
        if not fitting or (fitting == [Kind.PROMPTS] and (half := _half(found))):
            raise UnreadableData(_absent(name, firsts, found, half if fitting else _half(found)))
        kind = fitting[0]
    for need in NEEDS[kind]:
        if need not in found:
            raise ConfigurationError(_absent(name, firsts, found, kind))
    used = {thing: found[thing] for thing in ("prompt", *NEEDS[kind]) if thing in found}
    more = "input" if used.get("prompt") == "instruction" and "input" in firsts else ""
    scores = next((pair for pair in SCORES if kind in PAIRS and set(pair) <= set(firsts)), ())
    others = tuple(column for column in firsts if column not in {*used.values(), *scores, more})
    return Form(kind, used, more, scores, others)


def _columns(firsts: Mapping[str, object]) -> dict[str, str]:
    """The column for each thing. Where a name may stand for two, what is in it decides."""
    plain = {column.strip().lower().replace(" ", "_").replace("-", "_"): column for column in reversed(list(firsts))}
    found = {}
    for thing, aliases in ALIASES.items():
        for alias in aliases:
            column = plain.get(alias)
            if column is not None and _may_hold(thing, firsts[column]):
                found[thing] = column
                break
    return found


def _may_hold(thing: str, value: object) -> bool:
    if thing in {"steps", "labels"}:
        return isinstance(value, list)
    if thing == "label":
        return not isinstance(value, list | Mapping)
    return True


def _half(found: Mapping[str, str]) -> Kind | None:
    """The kind of which one column is there and another is not."""
    if "chosen" in found or "rejected" in found:
        return Kind.PAIRED
    if "steps" in found or "labels" in found:
        return Kind.STEPS
    return Kind.UNPAIRED if "label" in found else None


def _two_answers(firsts: Mapping[str, object]) -> tuple[str, str] | None:
    """Two columns of text that differ in their last sign only, as `response_a` and `response_b`."""
    for column, value in firsts.items():
        for one, other in (("a", "b"), ("A", "B"), ("0", "1"), ("1", "2")):
            twin = column[: -len(one)] + other if column.endswith(one) else ""
            if isinstance(value, str | list) and isinstance(firsts.get(twin), str | list):
                return column, twin
    return None


def _absent(name: str, firsts: Mapping[str, object], found: Mapping[str, str], kind: Kind | None) -> str:
    there = ", ".join(list(firsts)[:8]) + (" ..." if len(firsts) > 8 else "")
    if answers := _two_answers(firsts):
        return (
            f"{name}: has two answers, {answers[0]} and {answers[1]}, but not 'chosen' and 'rejected'; write the "
            "better one of each row as 'chosen' and the other as 'rejected'"
        )
    if kind is None:
        if LOGGED.issubset(firsts):
            return f"{name}: is the log of a training and no data set; judge it by: barograph check {name}"
        known = [aliases[0] for aliases in ALIASES.values()]
        near = next((said for column in firsts if (said := suggest(column.lower(), known))), "").removeprefix("; ")
        return (
            f"{name}: no kind of example has the columns {there}{f' ({near})' if near else ''}; pairs need 'chosen' "
            "and 'rejected', labelled answers 'completion' and 'label', steps 'completions' and 'labels', prompts "
            "'prompt'"
        )
    need = next(need for need in NEEDS[kind] if need not in found)
    usual = ALIASES[need]
    near = next((said for alias in usual if (said := suggest(alias, firsts))), "")
    return (
        f"{name}: has no column {usual[0]!r}, which a data set of kind {kind.value!r} needs; it has {there}"
        f"{near or f'; rename the right one to {usual[0]!r}'}"
    )
