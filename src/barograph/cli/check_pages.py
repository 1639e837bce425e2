"""What there is to say of a check, of data or of settings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from barograph.cli.rules import quoted_template
from barograph.console.explanation import Entries, Entry, Facts, Items, Page, Section, Table, Text, method_words

if TYPE_CHECKING:
    from barograph.core.check import Declared
    from barograph.data.check import Check

__all__ = ["check_data", "check_page", "checks_named", "checks_page", "every_check", "kind_words"]

TITLES = {"DATA": "What is looked for in a data set", "CFG": "What is looked for in the settings of a training"}
#: A check that has several things to say says each in its own words.
OWN_WORDS = "{what}"


def every_check() -> tuple[type[Declared], ...]:
    """Those of data, and those of settings."""
    from barograph.config.catalogue import CHECKS as OF_SETTINGS
    from barograph.data.catalogue import CHECKS as OF_DATA

    return (*OF_DATA, *OF_SETTINGS)


def checks_named(name: str) -> list[type[Declared]]:
    """The check of a code or name, or all of them for the letters that their codes begin with."""
    word = name.strip()
    exact = [check for check in every_check() if word.upper() == check.code or word.lower() == check.name]
    return exact or [check for check in every_check() if word == _family(check)]


def check_page(check: type[Declared]) -> Page:
    """Everything about a check as a page."""
    parts = check.sections()
    sections = [Section("Why it matters", (Text(_sentence(parts.get("Why", ""))),))]
    if check.says != OWN_WORDS:
        sections.append(Section("What to do", (Items(tuple((quoted_template(one), "") for one in check.do)),)))
    sections.append(Section("When it is a false alarm", (Text(_sentence(parts.get("False alarm", "none known."))),)))
    if check.limits():
        rows = tuple((name, f"{value:.4g}", value.about) for name, value in check.limits().items())
        lead = Text(f"To be set by --set {check.code}.NAME=N:")
        sections.append(Section("Its numbers", (lead, Table(rows, of_names=True))))
    sections.append(Section("Facts", (Facts(tuple(_facts(check))),)))
    return Page(check.code, check.name, str(check.severity), (Text(parts["Sees"]),), tuple(sections))


def _facts(check: type[Declared]) -> Iterator[tuple[str, str]]:
    from barograph.config.check import SettingCheck
    from barograph.data.check import Check

    if issubclass(check, Check):
        yield "Kinds", kind_words(check)
    elif issubclass(check, SettingCheck):
        yield "Methods", method_words(check.methods)
    yield "Severity", str(check.severity)
    if issubclass(check, Check):
        yield "A cleaned copy", "leaves out what it finds" if check.cleans else "keeps what it finds"
    if check.says != OWN_WORDS:
        yield "Says", quoted_template(check.says)
    if sources := check.sections().get("Sources"):
        yield "Sources", sources


def checks_page(checks: Sequence[type[Declared]]) -> Page:
    """Several checks at a glance."""
    entries = tuple(
        Entry(
            (check.code, str(check.severity), check.name),
            (check.summary(), *(f"→ {quoted_template(one)}" for one in check.do[:2] if check.says != OWN_WORDS)),
        )
        for check in checks
    )
    more = Text(f"More of one: barograph explain {checks[0].code}")
    return Page(_family(checks[0]), TITLES[_family(checks[0])], "", (Entries(entries), more))


def check_data(check: type[Declared]) -> dict[str, object]:
    """Everything about a check as plain data."""
    from barograph.config.check import SettingCheck
    from barograph.data.check import Check

    parts = check.sections()
    data: dict[str, object] = {
        "code": check.code,
        "name": check.name,
        "severity": str(check.severity),
        "sees": parts["Sees"],
        "why": parts.get("Why", ""),
        "false_alarm": parts.get("False alarm", ""),
        "sources": parts.get("Sources", ""),
        "says": check.says,
        "advice": list(check.do),
        "limits": {name: {"value": float(value), "about": value.about} for name, value in check.limits().items()},
    }
    if issubclass(check, Check):
        data |= {"kinds": sorted(kind.value for kind in check.kinds), "cleans": check.cleans}
    elif issubclass(check, SettingCheck):
        data |= {"methods": sorted(method.value for method in check.methods), "setting": check.about}
    return data


def kind_words(check: type[Check]) -> str:
    """The kinds of data that a check is made of."""
    from barograph.data.example import EVERY, PAIRS, Kind

    if check.kinds == EVERY:
        return "all"
    words = ["pairs"] if check.kinds >= PAIRS else []
    words += [kind.value for kind in Kind if kind in check.kinds and not (words and kind in PAIRS)]
    return ", ".join(words)


def _family(check: type[Declared]) -> str:
    """The letters that its code begins with."""
    return check.code.rstrip("0123456789")


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]
