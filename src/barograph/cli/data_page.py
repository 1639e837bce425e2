"""What there is to say of a check of data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from barograph.cli.rules import quoted_template
from barograph.console.explanation import Entries, Entry, Facts, Items, Page, Section, Table, Text

if TYPE_CHECKING:
    from barograph.data.check import Check

__all__ = ["check_data", "check_page", "checks_named", "checks_page", "kind_words"]

TITLE = "What is looked for in a data set"


def checks_named(name: str) -> list[type[Check]]:
    """The check of a code or name, or all of them for the letters that their codes begin with."""
    from barograph.data.catalogue import CHECKS

    word = name.strip()
    exact = [check for check in CHECKS if word.upper() == check.code or word.lower() == check.name]
    return exact or [check for check in CHECKS if word == check.code.rstrip("0123456789")]


def check_page(check: type[Check]) -> Page:
    """Everything about a check as a page."""
    parts = check.sections()
    sections = [
        Section("Why it matters", (Text(_sentence(parts.get("Why", ""))),)),
        Section("What to do", (Items(tuple((quoted_template(advice), "") for advice in check.do)),)),
        Section("When it is a false alarm", (Text(_sentence(parts.get("False alarm", "none known."))),)),
    ]
    if check.limits():
        rows = tuple((name, f"{value:.4g}", value.about) for name, value in check.limits().items())
        lead = Text(f"To be set by --set {check.code}.NAME=N:")
        sections.append(Section("Its numbers", (lead, Table(rows, of_names=True))))
    facts = [
        ("Kinds", kind_words(check)),
        ("Severity", str(check.severity)),
        ("A cleaned copy", "leaves out what it finds" if check.cleans else "keeps what it finds"),
        ("Says", quoted_template(check.says)),
    ]
    if parts.get("Sources"):
        facts.append(("Sources", parts["Sources"]))
    sections.append(Section("Facts", (Facts(tuple(facts)),)))
    return Page(check.code, check.name, str(check.severity), (Text(parts["Sees"]),), tuple(sections))


def checks_page(checks: Sequence[type[Check]]) -> Page:
    """Several checks at a glance."""
    entries = tuple(
        Entry(
            (check.code, str(check.severity), check.name),
            (check.summary(), *(f"→ {quoted_template(one)}" for one in check.do[:2])),
        )
        for check in checks
    )
    more = Text(f"More of one: barograph explain {checks[0].code}")
    return Page(checks[0].code.rstrip("0123456789"), TITLE, "", (Entries(entries), more))


def check_data(check: type[Check]) -> dict[str, object]:
    """Everything about a check as plain data."""
    parts = check.sections()
    return {
        "code": check.code,
        "name": check.name,
        "severity": str(check.severity),
        "kinds": sorted(kind.value for kind in check.kinds),
        "sees": parts["Sees"],
        "why": parts.get("Why", ""),
        "false_alarm": parts.get("False alarm", ""),
        "sources": parts.get("Sources", ""),
        "says": check.says,
        "advice": list(check.do),
        "cleans": check.cleans,
        "limits": {name: {"value": float(value), "about": value.about} for name, value in check.limits().items()},
    }


def kind_words(check: type[Check]) -> str:
    """The kinds of data that a check is made of."""
    from barograph.data.example import EVERY, PAIRS, Kind

    if check.kinds == EVERY:
        return "all"
    words = ["pairs"] if check.kinds >= PAIRS else []
    words += [kind.value for kind in Kind if kind in check.kinds and not (words and kind in PAIRS)]
    return ", ".join(words)


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]
