"""The tables `[guard]` and `[alerts]` of the settings: what may be done while a run goes on, and whom to tell."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from enum import Enum
from typing import TypeVar, cast

from barograph.core.decision import Deed
from barograph.core.errors import ConfigurationError, suggest
from barograph.core.finding import Severity
from barograph.core.live_settings import AlertSettings, GuardSettings
from barograph.rules.base import Rule
from barograph.rules.catalogue import select

__all__ = ["alert_settings", "guard_settings"]

GUARD_KEYS = ("allowed", "most_rescues", "rate", "dry_run", "ignore")
ALERT_KEYS = ("desktop", "webhooks", "commands", "severity", "pause", "most_an_hour")
#: An address may name its shape in front, for servers of one's own.
SCHEMES = frozenset(
    shape + scheme for shape in ("", "slack+", "discord+", "ntfy+", "json+") for scheme in ("http", "https")
)

Choice = TypeVar("Choice", bound=Enum)


def guard_settings(table: object, rules: Iterable[type[Rule]], where: str) -> GuardSettings:
    """What a guard may do.

    >>> guard_settings({"allowed": "rescue", "most_rescues": 1}, (), "barograph.toml").most_rescues
    1
    """
    here = f"{where}: [guard]"
    values = _table(table, GUARD_KEYS, here)
    usual = GuardSettings()
    rate = _number(values, "rate", usual.rate, here)
    if not 0 < rate < 1:
        raise ConfigurationError(f"{here} rate must lie between 0 and 1, not {rate:g}: the learning rate is cut by it")
    try:
        ignored = select(codes, rules=rules) if (codes := _texts(values, "ignore", here)) else ()
    except ConfigurationError as error:
        raise ConfigurationError(f"{here} ignore: {error}") from None
    return GuardSettings(
        allowed=_choice(values, "allowed", {deed.value: deed for deed in Deed}, usual.allowed, here),
        most_rescues=int(_number(values, "most_rescues", usual.most_rescues, here)),
        rate=rate,
        dry_run=_flag(values, "dry_run", here),
        ignore=tuple(rule.code for rule in ignored),
    )


def alert_settings(table: object, where: str) -> AlertSettings:
    """Whom to alert. An address is never quoted in an error, for it may hold a secret."""
    here = f"{where}: [alerts]"
    values = _table(table, ALERT_KEYS, here)
    usual = AlertSettings()
    webhooks = _texts(values, "webhooks", here)
    for number, address in enumerate(webhooks, start=1):
        if address.partition("://")[0] not in SCHEMES:
            raise ConfigurationError(f"{here} webhooks: address {number} must begin with http:// or https://")
    return AlertSettings(
        desktop=_flag(values, "desktop", here),
        webhooks=webhooks,
        commands=_texts(values, "commands", here),
        severity=_choice(values, "severity", {str(grade): grade for grade in Severity}, usual.severity, here),
        pause=_number(values, "pause", usual.pause, here),
        most_an_hour=int(_number(values, "most_an_hour", usual.most_an_hour, here)),
    )


def _table(table: object, keys: Iterable[str], here: str) -> Mapping[str, object]:
    if not isinstance(table, dict):
        raise ConfigurationError(f"{here} must be a table of {', '.join(keys)}")
    for key in table:
        if key not in keys:
            raise ConfigurationError(f"{here} has no setting {key!r}{suggest(str(key), keys)}")
    return cast("Mapping[str, object]", table)


def _number(values: Mapping[str, object], key: str, usual: float, here: str) -> float:
    value = values.get(key, usual)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or value < 0:
        raise ConfigurationError(f"{here} {key} must be a number, 0 or more, not {value!r}")
    return value


def _flag(values: Mapping[str, object], key: str, here: str) -> bool:
    value = values.get(key, False)
    if not isinstance(value, bool):
        raise ConfigurationError(f"{here} {key} must be true or false, not {value!r}")
    return value


def _texts(values: Mapping[str, object], key: str, here: str) -> tuple[str, ...]:
    value = values.get(key, [])
    if not isinstance(value, list) or not all(isinstance(item, str) and item for item in value):
        raise ConfigurationError(f"{here} {key} must be a list of texts")
    return tuple(value)


def _choice(values: Mapping[str, object], key: str, choices: Mapping[str, Choice], usual: Choice, here: str) -> Choice:
    value = values.get(key)
    if value is None:
        return usual
    if not isinstance(value, str) or value not in choices:
        hint = suggest(str(value), choices)
        raise ConfigurationError(f"{here} {key}: {value!r} is none of {', '.join(choices)}{hint}")
    return choices[value]
