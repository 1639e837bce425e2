"""From rules and settings to a guard and to alerts: what may be acted on, and who is told."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path

from barograph.core.decision import Deed
from barograph.core.finding import Action
from barograph.core.listener import Listener
from barograph.core.live_settings import ALERT_VARIABLE, AlertSettings, GuardSettings
from barograph.engine.bound import BoundRule
from barograph.guard.policy import Guard

__all__ = ["alerts_of", "guard_of", "license_rules"]


def guard_of(settings: GuardSettings, rules: Iterable[BoundRule], allowed: Deed, *, dry_run: bool = False) -> Guard:
    """A guard for a run. What the code that trains asks for goes first; the settings count where it only takes advice.

    A dry run is one if either says so.
    """
    guard = Guard(
        settings.allowed if allowed is Deed.ADVISE else allowed,
        {},
        most_rescues=settings.most_rescues,
        rate=settings.rate,
        ignored=settings.ignore,
        is_dry=dry_run or settings.dry_run,
    )
    guard.is_there = lambda path: Path(path).exists()
    license_rules(guard, rules)
    return guard


def license_rules(guard: Guard, rules: Iterable[BoundRule]) -> None:
    """Let a guard know the rules of a method, once that is known."""
    for bound in rules:
        rule = bound.rule
        guard.follows[rule.code] = rule.follows
        if rule.may_act:
            deeds: set[Action] = {advice.action for advice in rule.do if advice.action is not None}
            guard.acting[rule.code] = deeds


def alerts_of(settings: AlertSettings, tell: Callable[[str], None]) -> list[Listener]:
    """Whoever is to be alerted, as a listener; nobody, most of the time."""
    if not settings.is_any and not os.environ.get(ALERT_VARIABLE, "").strip():
        return []
    from barograph.sinks.alerts.listener import Alerts

    return [Alerts(settings, tell)]
