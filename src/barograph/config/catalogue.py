"""All checks of settings, and how to choose among them by code, prefix or name."""

from __future__ import annotations

from collections.abc import Iterable

from barograph.config.check import SettingCheck
from barograph.config.checks import batch, keeping, lengths, model, names, objective, rate, sampling, schedule
from barograph.core.check import chosen

__all__ = ["CHECKS", "by_code", "select"]

CHECKS: tuple[type[SettingCheck], ...] = (
    *names.CHECKS,
    *rate.CHECKS,
    *schedule.CHECKS,
    *objective.CHECKS,
    *batch.CHECKS,
    *sampling.CHECKS,
    *model.CHECKS,
    *lengths.CHECKS,
    *keeping.CHECKS,
)


def by_code() -> dict[str, type[SettingCheck]]:
    """Every check under its code."""
    return {check.code: check for check in CHECKS}


def select(selected: Iterable[str] = (), ignored: Iterable[str] = ()) -> tuple[type[SettingCheck], ...]:
    """Checks by code (`CFG03`), prefix (`CFG`) or name (`rate-high`).

    >>> [check.code for check in select(["rate-high"])]
    ['CFG03']
    """
    return chosen(CHECKS, selected, ignored)
