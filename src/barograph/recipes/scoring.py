"""What scores an answer in an online method: the tiny task's own function, or one that a user names."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeAlias

from barograph.core.errors import ConfigurationError
from barograph.recipes import tasks

__all__ = ["Score", "scored_by"]

#: Called with an answer and the columns of its prompt.
Score: TypeAlias = Callable[[str, Mapping[str, Any]], float]


def scored_by(named: str | None, *, is_drawn: bool) -> Score:
    """The function that is named as FILE.py:NAME or MODULE:NAME; the tiny task brings its own."""
    if named is None:
        if not is_drawn:
            raise ConfigurationError("answers to your own prompts need a score: name --reward FILE.py:FUNCTION")
        return _checked(tasks.reward, "the reward of the tiny task")
    where, _, name = named.rpartition(":")
    if not where:
        raise ConfigurationError(f"reward = {named!r}: FILE.py:NAME or MODULE:NAME belongs there")
    found = getattr(_module(where), name, None)
    if not callable(found):
        raise ConfigurationError(f"reward = {named!r}: {where} has no function {name!r}")
    return _checked(found, named)


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


def _checked(function: Callable[..., Any], named: str) -> Score:
    """Given just the columns that it asks for; what it gives must be a finite number."""
    asked = inspect.signature(function).parameters
    takes_all = any(one.kind is one.VAR_KEYWORD for one in asked.values())

    def score(answer: str, columns: Mapping[str, Any]) -> float:
        given = {name: value for name, value in columns.items() if takes_all or name in asked}
        value = float(function(answer, **given))
        if not math.isfinite(value):
            raise ConfigurationError(f"{named} gave {value} for {answer[:40]!r}, where a finite number belongs")
        return value

    return score
