"""A score: what gives each answer of an online method a number."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from barograph.core.errors import ConfigurationError

__all__ = ["Score", "of_each", "scores_of"]

#: Called with answers and the row of each one's prompt, which holds the "prompt" and all other columns; gives a number
#: for each answer. They come together because a model takes many at once.
Score: TypeAlias = Callable[[Sequence[str], Sequence[Mapping[str, Any]]], Sequence[Any]]


def of_each(function: Callable[..., Any]) -> Score:
    """A score from a function of one answer. It is given just the columns that it asks for, by their names.

    >>> score = of_each(lambda answer, said: float(str(said) in answer))
    >>> score(["it is 7 .", "it is 8 ."], [{"prompt": "3 + 4 ?", "said": 7}, {"prompt": "3 + 4 ?", "said": 7}])
    [1.0, 0.0]
    """
    parameters = inspect.signature(function).parameters
    takes_all = any(one.kind is one.VAR_KEYWORD for one in parameters.values())
    first, *asked = [*parameters, ""]  # The first is the answer, whatever it is called.

    def score(answers: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> list[Any]:
        return [
            function(answer, **{name: row[name] for name in row if name in asked or (takes_all and name != first)})
            for answer, row in zip(answers, rows, strict=True)
        ]

    return score


def scores_of(score: Score, answers: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> list[float]:
    """What a score gives, if it is one finite number for each answer.

    >>> scores_of(of_each(len), ["", "yes"], [{"prompt": "a"}, {"prompt": "b"}])
    [0.0, 3.0]
    """
    given = list(score(answers, rows))
    if len(given) != len(answers):
        raise ConfigurationError(f"the score gave {len(given)} numbers for {len(answers)} answers: one each belongs")
    for answer, row, value in zip(answers, rows, given, strict=True):
        if not _is_finite(value):
            raise ConfigurationError(
                f"the reward of the answer {answer!r} to {row['prompt']!r} is {value!r}; a finite number belongs there"
            )
    return [float(value) for value in given]


def _is_finite(value: Any) -> bool:
    try:
        return math.isfinite(float(value))
    except (TypeError, ValueError):
        return False
