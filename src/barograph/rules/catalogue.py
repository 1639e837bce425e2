"""All rules, ours and those that other packages add, and how to choose among them by code, prefix or name."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from typing import cast

from barograph.core.errors import ConfigurationError, suggest
from barograph.core.methods import Method
from barograph.core.plugins import RULES as PLUGIN_GROUP
from barograph.core.plugins import leave_out, offered
from barograph.rules import (
    accuracy,
    classifier,
    critic,
    divergence,
    engines,
    evaluation,
    gradient,
    groups,
    kto,
    length,
    likelihood,
    loss,
    margin,
    movement,
    numeric,
    policy,
    progress,
    reward_model,
    rollout,
    schedule,
    score,
)
from barograph.rules.base import Rule
from barograph.signals.expression import Condition

__all__ = ["RULES", "by_code", "every_rule", "rules_for", "select"]

#: Our own, in the order in which causes come before consequences.
RULES: tuple[type[Rule], ...] = (
    *numeric.RULES,
    *schedule.RULES,
    *movement.RULES,
    *margin.RULES,
    *accuracy.RULES,
    *likelihood.RULES,
    *kto.RULES,
    *loss.RULES,
    *gradient.RULES,
    *engines.RULES,
    *rollout.RULES,
    *length.RULES,
    *score.RULES,
    *groups.RULES,
    *divergence.RULES,
    *policy.RULES,
    *critic.RULES,
    *reward_model.RULES,
    *classifier.RULES,
    *evaluation.RULES,
    *progress.RULES,
)


@cache
def every_rule() -> tuple[type[Rule], ...]:
    """Our rules, and behind them those of other packages. What is not fit to be used is left out with a warning."""
    rules = list(RULES)
    for name, member in offered(PLUGIN_GROUP):
        problem = _problem_with(member, rules)
        if problem:
            leave_out(PLUGIN_GROUP, name, problem)
        elif isinstance(member, type) and issubclass(member, Rule):
            rules.append(member)
    return tuple(rules)


def _problem_with(member: object, known: Iterable[type[Rule]]) -> str:
    """Why something of another package cannot be a rule beside those that are known, or nothing."""
    if not (isinstance(member, type) and issubclass(member, Rule) and member is not Rule):
        what = member.__name__ if isinstance(member, type) else f"an object of {type(member).__name__}"
        return f"{what} is no subclass of Rule"
    code, name, when = (cast("object", getattr(member, field)) for field in ("code", "name", "when"))
    if not (isinstance(code, str) and code.isalnum() and code == code.upper()):
        return f"the code {code!r} may hold capital letters and digits only"
    if not (isinstance(name, str) and re.fullmatch(r"[a-z0-9-]+", name)):
        return f"the name {name!r} may hold small letters, digits and hyphens only"
    for rule in known:
        if rule.code == code:
            return f"the code {code} is taken by {rule.name}"
        if rule.name == name:
            return f"the name {name} is taken by {rule.code}"
    if not isinstance(when, Condition):
        return f"the condition of {code} is {type(when).__name__}, not a Condition"
    return ""


@cache
def by_code() -> dict[str, type[Rule]]:
    """Every rule under its code."""
    return {rule.code: rule for rule in every_rule()}


def rules_for(method: Method, rules: Iterable[type[Rule]] | None = None) -> tuple[type[Rule], ...]:
    """The rules that judge runs of a method."""
    return tuple(rule for rule in (every_rule() if rules is None else rules) if method in rule.methods)


def select(
    selected: Iterable[str] = (), ignored: Iterable[str] = (), rules: Iterable[type[Rule]] | None = None
) -> tuple[type[Rule], ...]:
    """Rules by code (`PREF03`), prefix (`PREF`) or name (`margin-inverted`).

    >>> [rule.code for rule in select(["PREF03", "loss-rising"])]
    ['PREF03', 'LOSS02']
    """
    every = every_rule() if rules is None else tuple(rules)
    wanted = {rule for selector in selected for rule in _matching(selector, every)}
    refused = {rule for selector in ignored for rule in _matching(selector, every)}
    return tuple(rule for rule in every if (not wanted or rule in wanted) and rule not in refused)


def _matching(selector: str, rules: tuple[type[Rule], ...]) -> list[type[Rule]]:
    word = selector.strip()
    found = [rule for rule in rules if rule.name == word.lower() or rule.code.startswith(word.upper() or "-")]
    if not found:
        known = [rule.code for rule in rules] + [rule.name for rule in rules]
        raise ConfigurationError(f"no rule is called {word!r}{suggest(word, known) or suggest(word.upper(), known)}")
    return found
