"""All checks, and how to choose among them by code, prefix or name."""

from __future__ import annotations

from collections.abc import Iterable

from barograph.core.errors import ConfigurationError, suggest
from barograph.data.check import Check
from barograph.data.checks import (
    classes,
    encoding,
    form,
    held_out,
    language,
    leaks,
    noise,
    personal,
    preferences,
    prompts,
    repeats,
    room,
    scores,
    seam,
    sides,
    steps,
    turns,
)

__all__ = ["CHECKS", "by_code", "select"]

CHECKS: tuple[type[Check], ...] = (
    *form.CHECKS,
    *sides.CHECKS,
    *preferences.CHECKS,
    *repeats.CHECKS,
    *held_out.CHECKS,
    *leaks.CHECKS,
    *prompts.CHECKS,
    *turns.CHECKS,
    *room.CHECKS,
    *language.CHECKS,
    *classes.CHECKS,
    *steps.CHECKS,
    *noise.CHECKS,
    *encoding.CHECKS,
    *personal.CHECKS,
    *scores.CHECKS,
    *seam.CHECKS,
)


def by_code() -> dict[str, type[Check]]:
    """Every check under its code."""
    return {check.code: check for check in CHECKS}


def select(selected: Iterable[str] = (), ignored: Iterable[str] = ()) -> tuple[type[Check], ...]:
    """Checks by code (`DATA03`), prefix (`DATA`) or name (`empty-side`).

    >>> [check.code for check in select(["empty-side"])]
    ['DATA03']
    """
    wanted = {check for word in selected for check in _matching(word)}
    refused = {check for word in ignored for check in _matching(word)}
    return tuple(check for check in CHECKS if (not wanted or check in wanted) and check not in refused)


def _matching(selector: str) -> list[type[Check]]:
    word = selector.strip()
    found = [check for check in CHECKS if check.name == word.lower() or check.code.startswith(word.upper() or "-")]
    if not found:
        known = [check.code for check in CHECKS] + [check.name for check in CHECKS]
        raise ConfigurationError(f"no check is called {word!r}{suggest(word, known) or suggest(word.upper(), known)}")
    return found
