"""Values as source: how a signal is read at the place that is being written, and operators between such readings."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from barograph.signals.step.conditions import ALWAYS, NEVER, Test, written
from barograph.signals.step.operators import OPERATORS, function_of

__all__ = ["UNSEEN", "Term", "combined", "number"]


class Term(NamedTuple):
    """How a signal is read."""

    #: Whether it has been updated in this row, and whether it has a value.
    fresh: Test
    known: Test
    #: Its value as source, which is right wherever it is known.
    text: str = "None"
    #: How deep brackets go in it; 0 for a name or a number, which may be written twice at no cost.
    depth: int = 0
    #: The value itself, where it is the same in every row.
    value: float | None = None
    #: Whether it takes work to read, and is better asked for behind what does not.
    is_costly: bool = False

    @property
    def bracketed(self) -> str:
        return f"({self.text})" if self.depth else self.text


#: It never has a value.
UNSEEN = Term(NEVER, NEVER)


def number(value: float, fresh: Test = NEVER, known: Test = ALWAYS) -> Term:
    """A value that is the same in every row."""
    if isinstance(value, bool):
        return Term(fresh, known, str(value), value=value)
    finite = value - value == 0.0  # else the text is a name, whose value is checked like any other
    return Term(fresh, known, f"({value!r})" if value < 0 else repr(value), value=value if finite else None)


def combined(word: str, parts: Sequence[Term], own_line: Callable[[Term], Term]) -> Term:
    """An operator between operands; whether it is fresh or known is left to the caller.

    An operand that the operator reads twice is written on a line of its own first.
    """
    if word in {"and", "or"}:
        return _logic(word, parts)
    if all(part.value is not None for part in parts):
        return number(function_of(word)(*(part.value for part in parts)))
    pattern = "{x} / {y}" if word == "div" and parts[1].value else OPERATORS[word]
    x, y = parts[0], parts[-1]
    if x.depth and pattern.count("{x}") > 1:
        x = own_line(x)
    if y.depth and pattern.count("{y}") > 1:
        y = own_line(y)
    text = pattern.format(x=x.bracketed, y=y.bracketed)
    return Term(NEVER, NEVER, text, 1 + max(x.depth, y.depth), is_costly=x.is_costly or y.is_costly)


def _logic(word: str, parts: Sequence[Term]) -> Term:
    """What is settled of `and` and `or` is left out."""
    decides = word == "or"  # the truth that decides the matter by itself
    if word == "or":
        parts = [_false_while_unknown(part) for part in parts if part.known is not NEVER]
    if any(part.value is not None and bool(part.value) == decides for part in parts):
        return number(decides)
    parts = [part for part in parts if part.value is None]
    if not parts:
        return number(not decides)
    if len(parts) == 1:
        return parts[0]
    parts = sorted(parts, key=lambda part: part.is_costly)
    text = f" {word} ".join(part.bracketed for part in parts)
    return Term(NEVER, NEVER, text, 1 + max(part.depth for part in parts), is_costly=parts[-1].is_costly)


def _false_while_unknown(part: Term) -> Term:
    if part.known == ALWAYS or part.value == 0:
        return part
    known = written(part.known)
    text = f"{known} and {part.bracketed}" if part.value is None else known
    return part._replace(text=text, depth=part.depth + 1, value=None)
