"""What one example is, whatever its file calls it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple

__all__ = ["EVERY", "PAIRS", "Example", "Kind", "Message", "flattened"]


class Kind(StrEnum):
    """What a data set is for."""

    PAIRED = "paired"
    UNPAIRED = "unpaired"
    REWARD = "reward"
    STEPS = "steps"
    PROMPTS = "prompts"


EVERY = frozenset(Kind)
#: Two answers to one prompt, of which one is preferred.
PAIRS = frozenset({Kind.PAIRED, Kind.REWARD})


class Message(NamedTuple):
    """One turn of a conversation."""

    role: str
    content: str


@dataclass(slots=True)
class Example:
    """One row, understood. Conversations stand as text too, one turn after another."""

    #: Which row of the data set it is, from 1 on.
    number: int
    kind: Kind
    prompt: str = ""
    chosen: str = ""
    rejected: str = ""
    completion: str = ""
    label: bool | None = None
    steps: Sequence[str] = ()
    labels: Sequence[bool] = ()
    #: What chosen and rejected were scored, where that stands beside them.
    scores: tuple[float, float] | None = None
    #: The conversations, by the field that they stand in: `prompt`, `chosen`, `rejected`, `completion`.
    talks: Mapping[str, Sequence[Message]] = field(default_factory=dict)
    #: Whether the prompt was found as that with which both answers begin.
    is_implicit: bool = False
    #: Whether its bytes were no UTF-8, so that characters are lost.
    is_damaged: bool = False
    _whole: str | None = None

    def answers(self) -> tuple[str, ...]:
        """What answers the prompt: the better one first, or the steps one by one.

        >>> Example(1, Kind.PAIRED, "1 + 1 = ?", chosen="2", rejected="3").answers()
        ('2', '3')
        """
        if self.kind in PAIRS:
            return (self.chosen, self.rejected)
        if self.kind is Kind.UNPAIRED:
            return (self.completion,)
        return tuple(self.steps)

    def texts(self) -> tuple[str, ...]:
        """Everything that is said in it."""
        return (self.prompt, *self.answers())

    @property
    def whole(self) -> str:
        """All texts as one, for what is looked for wherever it stands: one search is faster than several."""
        if self._whole is None:
            self._whole = "\n".join(self.texts())
        return self._whole

    def sides(self) -> tuple[tuple[str, str], ...]:
        """Its texts by name, as they are shown."""
        named: tuple[tuple[str, str], ...]
        if self.kind in PAIRS:
            named = (("chosen", self.chosen), ("rejected", self.rejected))
        elif self.kind is Kind.UNPAIRED:
            named = (("good" if self.label else "bad", self.completion),)
        else:
            named = tuple((f"step {place}", step) for place, step in enumerate(self.steps, 1))
        return (("prompt", self.prompt), *named)


def flattened(talk: Sequence[Message]) -> str:
    r"""A conversation as text: what is said, without who says it.

    >>> flattened([Message("user", "Hello."), Message("assistant", "Good day!")])
    'Hello.\n\nGood day!'
    """
    if len(talk) == 1:
        return talk[0].content
    return "\n\n".join(message.content for message in talk)


#: A row as it stands in its file.
Fields = Mapping[str, Any]
