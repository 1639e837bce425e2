"""What scores answers in an online method: a function of one answer, the tiny task's own or a user's; or a model."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from barograph.core.errors import ConfigurationError
from barograph.recipes import tasks
from barograph.recipes.options import GRPOOptions, PPOOptions

__all__ = ["Score", "heard", "of_each", "said", "scored_by", "scores_of"]

#: Called with answers and the row of each one's prompt, which holds the "prompt" and all other columns; gives a number
#: for each answer. They come together because a model takes many at once.
Score: TypeAlias = Callable[[Sequence[str], Sequence[Mapping[str, Any]]], Sequence[Any]]

#: Answers of a step that are kept with it.
KEPT = 8


def scored_by(options: PPOOptions | GRPOOptions, device: Any) -> Score:
    """What the options name: a function as FILE.py:NAME or MODULE:NAME, or a reward model, which moves to the device.

    The tiny task brings its own.
    """
    named = options.reward
    if named and options.reward_model:
        raise ConfigurationError(
            f"reward = {named!r} and reward_model = {options.reward_model!r}: one of them scores; leave out the other"
        )
    if options.reward_model:
        from barograph.recipes.reward_scores import of_model

        return of_model(options, device)
    if named is None:
        if options.data:
            raise ConfigurationError(
                "answers to your own prompts need a score: name --reward FILE.py:FUNCTION or --reward-model FOLDER"
            )
        return of_each(tasks.reward)
    where, _, name = named.rpartition(":")
    if not where:
        raise ConfigurationError(f"reward = {named!r}: FILE.py:NAME or MODULE:NAME belongs there")
    found = getattr(_module(where), name, None)
    if not callable(found):
        raise ConfigurationError(f"reward = {named!r}: {where} has no function {name!r}")
    return of_each(found)


def _module(where: str) -> Any:
    if not where.endswith(".py"):
        try:
            return importlib.import_module(where)
        except ImportError as error:
            raise ConfigurationError(f"reward: {where} cannot be imported ({error})") from None
    if not Path(where).is_file():
        raise ConfigurationError(f"reward: there is no file {where}")
    spec = importlib.util.spec_from_file_location(Path(where).stem, where)
    assert spec is not None  # noqa: S101 - a file that ends in .py has a loader
    assert spec.loader is not None  # noqa: S101 - as above
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


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


def said(rows: Sequence[Mapping[str, Any]], answers: Sequence[str], scores: Sequence[float]) -> list[dict[str, object]]:
    """A few answers as the record keeps them: enough to see what the policy does, a step at a time.

    >>> said([{"prompt": "3 + 4 ?", "n": 1}], ["it is 7 ."], [1.0])
    [{'prompt': '3 + 4 ?', 'completion': 'it is 7 .', 'score': 1.0}]
    """
    few = list(zip(rows, answers, scores, strict=True))[:KEPT]
    return [{"prompt": row["prompt"], "completion": answer, "score": score} for row, answer, score in few]


def _is_finite(value: Any) -> bool:
    try:
        return math.isfinite(float(value))
    except (TypeError, ValueError):
        return False


def heard(tokenizer: Any, asked: Sequence[int], answer: Sequence[int]) -> str:
    """The text of an answer as it goes on after the tokens of its prompt.

    Some tokenizers drop a space where a text begins; behind the last token of the prompt it is not dropped.
    """
    before = list(asked[-1:])
    start = len(tokenizer.decode(before, skip_special_tokens=True))
    return str(tokenizer.decode([*before, *answer], skip_special_tokens=True))[start:]
