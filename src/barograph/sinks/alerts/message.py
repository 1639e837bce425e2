"""What an alert says: a few plain facts, from which each channel makes its own shape."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from barograph.core.decision import Decision
from barograph.core.finding import Finding, Severity

__all__ = ["Message", "of_decision", "of_finding", "trial"]


@dataclass(frozen=True, slots=True)
class Message:
    """One alert."""

    kind: str
    title: str
    text: str
    severity: Severity
    code: str
    step: int
    run: str
    #: The finding or the decision as a whole.
    details: Mapping[str, object] = field(default_factory=dict)
    #: Alerts that were held back before this one.
    held: int = 0

    @property
    def body(self) -> str:
        """The sentences below the title."""
        held = f"\n{self.held} more held back since the last alert" if self.held else ""
        return f"{self.text}\n{self.run}{held}"

    def to_dict(self) -> dict[str, object]:
        return {
            "kind": self.kind,
            "title": self.title,
            "text": self.text,
            "severity": str(self.severity),
            "code": self.code,
            "step": self.step,
            "run": self.run,
            "held_back": self.held,
            self.kind: _plain(self.details),
        }


def of_finding(finding: Finding, run: str, held: int = 0) -> Message:
    """A finding, with the first thing to do."""
    advice = f" {finding.advice[0]}." if finding.advice else ""
    return Message(
        kind="finding",
        title=f"{finding.code} {finding.name} ({finding.severity})",
        text=f"Step {finding.last_step:,}: {finding.says}.{advice}",
        severity=finding.severity,
        code=finding.code,
        step=finding.last_step,
        run=run,
        details=finding.to_dict(),
        held=held,
    )


def of_decision(decision: Decision, run: str, held: int = 0) -> Message:
    """What the guard decided."""
    return Message(
        kind="decision",
        title=f"Guard: {decision.deed}" + (" (dry run)" if decision.is_dry else ""),
        text=f"Step {decision.step:,}: {decision.says}.",
        severity=Severity.CRITICAL,
        code=next(iter(decision.codes), ""),
        step=decision.step,
        run=run,
        details=decision.to_dict(),
        held=held,
    )


def trial() -> Message:
    """An alert that is only meant to arrive."""
    return Message("trial", "A test from barograph", "Alerts reach you here.", Severity.INFO, "TEST", 0, "no run")


def _plain(value: object) -> object:
    """The same without numbers that JSON does not know."""
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value
