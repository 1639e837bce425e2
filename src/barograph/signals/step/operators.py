"""How arithmetic, comparison and logic are written out, and how large their results can become."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import cache

__all__ = ["COMMON", "OPERATORS", "function_of", "largest"]

#: The source of each operator.
OPERATORS = {
    "add": "{x} + {y}",
    "sub": "{x} - {y}",
    "mul": "{x} * {y}",
    "div": "{x} / {y} if {y} else nan",
    "minimum": "{y} if {y} < {x} else {x}",
    "maximum": "{y} if {y} > {x} else {x}",
    "lt": "{x} < {y}",
    "le": "{x} <= {y}",
    "gt": "{x} > {y}",
    "ge": "{x} >= {y}",
    "neg": "-{x}",
    "abs": "abs({x})",
    "log": "log({x}) if {x} > 0 else nan",
    "exp": "inf if {x} > 700.0 else exp({x})",
    "not": "not {x}",
    "and": "{x} and {y}",
    "or": "{x} or {y}",
}
#: What the source may call.
COMMON = {"nan": math.nan, "inf": math.inf, "log": math.log, "exp": math.exp, "abs": abs}


@cache
def function_of(word: str) -> Callable[..., float]:
    """An operator as a function, for values that are asked for now and then."""
    text = OPERATORS[word]
    source = f"lambda {'x, y' if '{y}' in text else 'x'}: {text.format(x='x', y='y')}"
    return eval(source, dict(COMMON))  # type: ignore[no-any-return]  # noqa: S307 - a line of the table above


def largest(word: str, sizes: Sequence[float]) -> float:
    """How large a result can become, given how large the operands are; infinite where it may not be finite."""
    match word:
        case "add" | "sub":
            return sum(sizes)
        case "mul":
            return sizes[0] * sizes[1] if all(sizes) else 0.0
        case "minimum" | "maximum" | "neg" | "abs":
            return max(sizes)
        case "div" | "log" | "exp":  # by a number that is not zero is another matter: see `Outline`
            return math.inf
    return 1.0
