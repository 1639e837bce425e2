"""All checks, and how to choose among them by code, prefix or name."""

from __future__ import annotations

from collections.abc import Iterable

from barograph.core.check import chosen
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
    return chosen(CHECKS, selected, ignored)
