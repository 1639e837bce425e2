"""What a user may set: which rules, which numbers, and rules of their own.

A TOML file, or the table `[tool.barograph]` of a pyproject.toml:

    profile = "guide"
    ignore = ["RATE02"]

    [rules.PREF03]
    patience = 20

    [[rule]]
    code = "MY01"
    name = "kl-too-high"
    when = "sustained(kl_ref > 10, 5)"
    says = "KL is {value:.1f}"

    [metrics]
    "my/margin" = "reward_margin"

    [guard]
    allowed = "rescue"

    [alerts]
    desktop = true
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import cast

from barograph.core.errors import ConfigurationError, suggest
from barograph.core.live_settings import AlertSettings, GuardSettings
from barograph.core.names import catalogue, split_of
from barograph.engine.live_settings import alert_settings, guard_settings
from barograph.engine.own_rules import own_rules
from barograph.rules.base import Rule
from barograph.rules.catalogue import every_rule, select

__all__ = ["PROFILES", "Settings", "read_settings", "settings_from"]

PROFILES = ("default", "guide")
KEYS = ("profile", "select", "ignore", "rules", "rule", "metrics", "guard", "alerts")


@dataclass(frozen=True, slots=True)
class Settings:
    """The rules to judge by, their numbers, and names to be mapped."""

    rules: tuple[type[Rule], ...] = field(default_factory=every_rule)
    #: Those and the ones that were left out: what a selector may name.
    every: tuple[type[Rule], ...] = field(default_factory=every_rule)
    profile: str = "default"
    #: Numbers by rule code and parameter name.
    numbers: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    #: Raw keys of a log, and the canonical metric that each stands for.
    metrics: Mapping[str, str] = field(default_factory=dict)
    #: For runs that are watched while they go on.
    guard: GuardSettings = field(default_factory=GuardSettings)
    alerts: AlertSettings = field(default_factory=AlertSettings)

    def narrowed(self, selected: Iterable[str] = (), ignored: Iterable[str] = ()) -> Settings:
        """The same settings with fewer rules."""
        wanted = set(select(selected, ignored, self.every))
        return replace(self, rules=tuple(rule for rule in self.rules if rule in wanted))

    def with_profile(self, profile: str) -> Settings:
        """The same settings under another profile."""
        return replace(self, profile=_profile(profile, "--profile"))

    def with_numbers(self, assignments: Iterable[str]) -> Settings:
        """The same settings with numbers as the command line gives them: `PREF03.patience=20`."""
        table: dict[str, dict[str, object]] = {}
        for assignment in assignments:
            target, equals, value = assignment.partition("=")
            rule, dot, name = target.strip().partition(".")
            try:
                number = float(value)
            except ValueError:
                number = math.nan
            if not (equals and dot) or math.isnan(number):
                raise ConfigurationError(f"--set {assignment!r} is not of the form CODE.parameter=number")
            table.setdefault(rule, {})[name] = number
        merged = {code: dict(numbers) for code, numbers in self.numbers.items()}
        for code, numbers in _numbers(table, self.every, "--set").items():
            merged.setdefault(code, {}).update(numbers)
        return replace(self, numbers=merged)


def read_settings(path: str | None = None, start: Path | None = None) -> Settings:
    """Settings of a file; without one, of `barograph.toml` or pyproject.toml here or in a folder above."""
    if path is not None:
        file = Path(path)
        table = _load(file)
        return settings_from(_tool_table(table) if file.name == "pyproject.toml" else table, str(file))
    try:
        here = (start or Path.cwd()).resolve()
    except OSError:  # a working folder that is gone has no settings
        return Settings()
    for folder in (here, *here.parents):
        if not os.access(folder, os.R_OK | os.X_OK):
            continue
        own = folder / "barograph.toml"
        if own.is_file():
            return settings_from(_load(own), str(own))
        project = folder / "pyproject.toml"
        if project.is_file():
            # Somebody else's project file may be broken or unreadable; only our own table in it concerns us.
            try:
                ours = _tool_table(_load(project))
            except ConfigurationError:
                ours = {}
            return settings_from(ours, str(project))
    return Settings()


def _load(file: Path) -> dict[str, object]:
    import tomllib

    if file.exists() and not file.is_file():
        raise ConfigurationError(f"{file}: is not a file")
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigurationError(f"{file}: cannot be read ({error.strerror})") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{file}: is not valid TOML: {error}") from None
    except RecursionError:
        raise ConfigurationError(f"{file}: is nested too deeply") from None


def _tool_table(table: Mapping[str, object]) -> Mapping[str, object]:
    tool = table.get("tool", {})
    ours = tool.get("barograph", {}) if isinstance(tool, dict) else {}
    return ours if isinstance(ours, dict) else {}


def settings_from(table: Mapping[str, object], where: str) -> Settings:
    """Settings from a table; anything that is not understood is an error with a suggestion."""
    for key in table:
        if key not in KEYS:
            raise ConfigurationError(f"{where}: there is no setting {key!r}{suggest(key, KEYS)}")
    rules = every_rule() + own_rules(_tables(table, "rule", where), where)
    return Settings(
        rules=_selected(table, rules, where),
        every=rules,
        profile=_profile(table.get("profile", "default"), where),
        numbers=_numbers(table.get("rules", {}), rules, where),
        metrics=_metrics(table.get("metrics", {}), where),
        guard=guard_settings(table.get("guard", {}), rules, where),
        alerts=alert_settings(table.get("alerts", {}), where),
    )


def _selected(table: Mapping[str, object], rules: Iterable[type[Rule]], where: str) -> tuple[type[Rule], ...]:
    selected, ignored = _strings(table, "select", where), _strings(table, "ignore", where)
    try:
        return select(selected, ignored, rules)
    except ConfigurationError as error:
        raise ConfigurationError(f"{where}: {error}") from None


def _profile(value: object, where: str) -> str:
    if value not in PROFILES:
        raise ConfigurationError(f"{where}: profile {value!r} does not exist; there are {', '.join(PROFILES)}")
    return str(value)


def _strings(table: Mapping[str, object], key: str, where: str) -> list[str]:
    value = table.get(key, [])
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise ConfigurationError(f"{where}: {key} must be a list of codes, prefixes or names")
    return value


def _tables(table: Mapping[str, object], key: str, where: str) -> list[dict[str, object]]:
    value = table.get(key, [])
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise ConfigurationError(f"{where}: write each rule of your own as [[{key}]]")
    return value


def _numbers(table: object, rules: Iterable[type[Rule]], where: str) -> dict[str, dict[str, float]]:
    if not isinstance(table, dict):
        raise ConfigurationError(f"{where}: [rules] must hold a table for each rule, such as [rules.PREF03]")
    known = {rule.code: rule for rule in rules} | {rule.name: rule for rule in rules}
    numbers: dict[str, dict[str, float]] = {}
    for name, values in table.items():
        if name not in known:
            raise ConfigurationError(f"{where}: [rules.{name}]: no rule is called {name!r}{suggest(name, known)}")
        if not isinstance(values, dict):
            raise ConfigurationError(f"{where}: [rules.{name}] must be a table of numbers")
        params = known[name].params()
        for key, value in values.items():
            if key not in params:
                there = suggest(key, params) or f"; it has {', '.join(params) or 'none'}"
                raise ConfigurationError(f"{where}: [rules.{name}] has no parameter {key!r}{there}")
            if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
                raise ConfigurationError(f"{where}: [rules.{name}] {key} must be a number, not {value!r}")
            numbers.setdefault(known[name].code, {})[key] = float(value)
    return numbers


def _metrics(table: object, where: str) -> dict[str, str]:
    if not isinstance(table, dict):
        raise ConfigurationError(f"{where}: [metrics] must map raw names to metrics")
    for raw, name in table.items():
        if not isinstance(name, str) or split_of(name)[1] not in catalogue():
            raise ConfigurationError(
                f"{where}: [metrics] {raw!r}: there is no metric {name!r}{suggest(str(name), catalogue())}"
            )
    return cast("dict[str, str]", dict(table))
