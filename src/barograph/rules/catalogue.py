"""All rules, and how to choose among them by code, prefix or name."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

from barograph.core.errors import ConfigurationError, suggest
from barograph.core.methods import Method
from barograph.rules import (
    accuracy,
    classifier,
    critic,
    divergence,
    evaluation,
    gradient,
    groups,
    kto,
    length,
    likelihood,
    loss,
    margin,
    numeric,
    policy,
    progress,
    reward_model,
    schedule,
    score,
)
from barograph.rules.base import Rule

__all__ = ["RULES", "by_code", "rules_for", "select"]

#: In the order in which causes come before consequences.
RULES: tuple[type[Rule], ...] = (
    *numeric.RULES,
    *schedule.RULES,
    *margin.RULES,
    *accuracy.RULES,
    *likelihood.RULES,
    *kto.RULES,
    *loss.RULES,
    *gradient.RULES,
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
def by_code() -> dict[str, type[Rule]]:
    """Every rule under its code."""
    return {rule.code: rule for rule in RULES}


def rules_for(method: Method, rules: Iterable[type[Rule]] = RULES) -> tuple[type[Rule], ...]:
    """The rules that judge runs of a method."""
    return tuple(rule for rule in rules if method in rule.methods)


def select(
    selected: Iterable[str] = (), ignored: Iterable[str] = (), rules: Iterable[type[Rule]] = RULES
) -> tuple[type[Rule], ...]:
    """Rules by code (`PREF03`), prefix (`PREF`) or name (`margin-inverted`).

    >>> [rule.code for rule in select(["PREF03", "loss-rising"])]
    ['PREF03', 'LOSS02']
    """
    every = tuple(rules)
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
