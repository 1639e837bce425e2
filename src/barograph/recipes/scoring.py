"""Which score an online method is told to use: the tiny task's own, a user's function, or a model."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from barograph.core.errors import ConfigurationError
from barograph.recipes import tasks
from barograph.recipes.options import GRPOOptions, PPOOptions
from barograph.recipes.score import Score, of_each

__all__ = ["heard", "said", "scored_by"]

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


def said(rows: Sequence[Mapping[str, Any]], answers: Sequence[str], scores: Sequence[float]) -> list[dict[str, object]]:
    """A few answers as the record keeps them: enough to see what the policy does, a step at a time.

    >>> said([{"prompt": "3 + 4 ?", "n": 1}], ["it is 7 ."], [1.0])
    [{'prompt': '3 + 4 ?', 'completion': 'it is 7 .', 'score': 1.0}]
    """
    few = list(zip(rows, answers, scores, strict=True))[:KEPT]
    return [{"prompt": row["prompt"], "completion": answer, "score": score} for row, answer, score in few]


def heard(tokenizer: Any, asked: Sequence[int], answer: Sequence[int]) -> str:
    """The text of an answer as it goes on after the tokens of its prompt.

    Some tokenizers drop a space where a text begins; behind the last token of the prompt it is not dropped.
    """
    before = list(asked[-1:])
    start = len(tokenizer.decode(before, skip_special_tokens=True))
    return str(tokenizer.decode([*before, *answer], skip_special_tokens=True))[start:]
