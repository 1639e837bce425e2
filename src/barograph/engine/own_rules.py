"""Rules that their users write in TOML: one table, one expression."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from string import Formatter

from barograph.core.errors import ConfigurationError, suggest
from barograph.core.finding import Severity
from barograph.core.methods import ALL, Method
from barograph.rules.advice import advise, cut_lr, revert, stop
from barograph.rules.base import Rule
from barograph.rules.catalogue import by_code
from barograph.signals.expression import Condition
from barograph.signals.text import parse_condition

__all__ = ["own_rules"]

FIELDS = ("code", "name", "when", "says", "severity", "methods", "advice", "follows", "act")
#: What a guard may do about a rule that says `act = true`: what it is allowed to, a rescue included.
DEEDS = (stop(), revert(), cut_lr())
#: What a sentence may quote; each is a number but for names, of the metric and of the reward function.
QUOTES = ("value", "first", "peak", "low", "rows", "step", "last_step", "onset", "peak_step", "metric", "component")
NAMES = frozenset({"metric", "component"})
#: How a number may be written in it.
FORM = re.compile(r"[+,]?(\.\d{1,2})?[dfeg%]?")
SEVERITIES = {str(severity): severity for severity in Severity}


def own_rules(tables: Iterable[Mapping[str, object]], where: str) -> tuple[type[Rule], ...]:
    """The rules of a settings file. Whatever is wrong with one is said with the file and the rule."""
    rules: dict[str, type[Rule]] = {}
    for table in tables:
        here = f"{where}: [[rule]]"
        for key in table:
            if key not in FIELDS:
                raise ConfigurationError(f"{here} has no field {key!r}{suggest(key, FIELDS)}")
        code = table.get("code")
        if not isinstance(code, str) or not code.isalnum():
            raise ConfigurationError(f"{here} needs a code such as 'MY01'")
        if code in by_code():
            raise ConfigurationError(f"{here}: the code {code} is taken by {by_code()[code].name}")
        if code in rules:
            raise ConfigurationError(f"{here}: two rules have the code {code}")
        rules[code] = _rule(code, table, f"{here} {code}")
    return tuple(rules.values())


def _rule(code: str, table: Mapping[str, object], here: str) -> type[Rule]:
    condition = _condition(table, here)
    name = _text(table, "name", code.lower(), here)
    if not re.fullmatch(r"[\w-]+", name):
        raise ConfigurationError(f"{here}: the name {name!r} may hold letters, digits and hyphens only")
    severity = _text(table, "severity", "warning", here)
    if severity not in SEVERITIES:
        raise ConfigurationError(f"{here}: severity {severity!r} is none of {', '.join(SEVERITIES)}")
    methods = _texts(table, "methods", here)
    if unknown := [method for method in methods if method not in set(Method)]:
        raise ConfigurationError(f"{here}: methods: {unknown[0]!r} is none; there are {', '.join(Method)}")
    acts = table.get("act", False)
    if not isinstance(acts, bool):
        raise ConfigurationError(f"{here}: act must be true or false, not {acts!r}")
    if acts and severity != str(Severity.CRITICAL):
        raise ConfigurationError(
            f'{here}: a guard acts on critical findings only: act = true needs severity = "critical"'
        )
    fields = {
        "__doc__": f"{name}.\n\nWhy: a rule of your own.\nFalse alarm: as you know it.\nSources: yours.",
        "code": code,
        "name": name,
        "severity": SEVERITIES[severity],
        "methods": frozenset(Method(method) for method in methods) or ALL,
        "about": condition.series() or ("loss",),
        "when": condition,
        "says": _sentence(table, str(condition), here),
        "do": (*(advise(line) for line in _texts(table, "advice", here)), *(DEEDS if acts else ())),
        "may_act": acts,
        "follows": tuple(_texts(table, "follows", here)),
    }
    return type(f"Own{code}", (Rule,), fields)


def _condition(table: Mapping[str, object], here: str) -> Condition:
    when = table.get("when")
    if not isinstance(when, str):
        raise ConfigurationError(f"{here} needs an expression under when, such as 'ema(kl_ref, 5) > 0.3'")
    try:
        return parse_condition(when)
    except ConfigurationError as error:
        raise ConfigurationError(f"{here}: {error}") from None


def _sentence(table: Mapping[str, object], condition: str, here: str) -> str:
    """The sentence of the finding, tried out before any run depends on it."""
    says = _text(table, "says", f"{condition}: {{value:.4g}} since step {{onset}}", here)
    try:
        for _, quoted, form, _ in Formatter().parse(says):
            if quoted is None:
                continue
            if quoted not in QUOTES:
                raise ConfigurationError(f"{here}: says cannot quote {{{quoted}}}; it may quote {', '.join(QUOTES)}")
            if not FORM.fullmatch(form or ""):
                raise ConfigurationError(f"{here}: says {{{quoted}:{form}}}: a form such as .3f or .2g or .0% is meant")
            format("" if quoted in NAMES else 1.0 if quoted in QUOTES[:4] else 1, form or "")
    except ValueError as error:
        raise ConfigurationError(f"{here}: says {says!r} cannot be filled in: {error}") from None
    return says


def _text(table: Mapping[str, object], key: str, otherwise: str, here: str) -> str:
    value = table.get(key, otherwise)
    if not isinstance(value, str):
        raise ConfigurationError(f"{here}: {key} must be text, not {value!r}")
    return value


def _texts(table: Mapping[str, object], key: str, here: str) -> list[str]:
    value = table.get(key, [])
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise ConfigurationError(f"{here}: {key} must be a list of texts")
    return value
