"""What was found, how bad it is, and what it adds up to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum

from barograph.core.cause import Cause
from barograph.core.forecast import Forecast

__all__ = ["Action", "Diagnosis", "Finding", "NotJudged", "Severity", "StageCell", "StageRow", "Verdict"]


class Severity(IntEnum):
    """How much a finding matters. Ordered: `INFO < WARNING < CRITICAL`."""

    INFO = 0
    WARNING = 1
    CRITICAL = 2

    def __str__(self) -> str:
        return self.name.lower()


class Action(StrEnum):
    """What could be done to the run, from mild to drastic."""

    CUT_LR = "cut_lr"
    REVERT = "revert"
    STOP = "stop"


class Verdict(StrEnum):
    """The answer to "is my run healthy?"."""

    HEALTHY = "healthy"
    WATCH = "watch"
    UNHEALTHY = "unhealthy"
    UNJUDGED = "unjudged"


@dataclass(frozen=True, slots=True)
class Finding:
    """A rule that fired, with the numbers that prove it."""

    code: str
    name: str
    severity: Severity
    step: int
    last_step: int
    metric: str
    says: str
    evidence: Mapping[str, float] = field(default_factory=dict)
    advice: Sequence[str] = ()
    action: Action | None = None
    #: Rows from the first to the last at which it held, and the row numbers themselves.
    first_row: int = 0
    last_row: int = 0
    #: The code of a finding that explains this one, if there is one.
    follows: str | None = None

    def to_dict(self) -> dict[str, object]:
        return {
            "code": self.code,
            "name": self.name,
            "severity": str(self.severity),
            "step": self.step,
            "last_step": self.last_step,
            "metric": self.metric,
            "says": self.says,
            "evidence": dict(self.evidence),
            "advice": list(self.advice),
            "action": self.action.value if self.action else None,
            "follows": self.follows,
        }


@dataclass(frozen=True, slots=True)
class NotJudged:
    """A rule that could not say anything, and why: the metrics it misses, or too few rows of them."""

    code: str
    missing: Sequence[str] = ()
    reason: str = ""

    def to_dict(self) -> dict[str, object]:
        return {"code": self.code, "missing": list(self.missing), "reason": self.reason}


@dataclass(frozen=True, slots=True)
class StageCell:
    """One metric in one stage: where the run was, and where it should have been."""

    value: float | None
    low: float
    high: float

    @property
    def within(self) -> bool | None:
        return None if self.value is None else self.low <= self.value <= self.high

    def to_dict(self) -> dict[str, object]:
        return {"value": self.value, "low": self.low, "high": self.high, "within": self.within}


@dataclass(frozen=True, slots=True)
class StageRow:
    """One stage of a run against the ranges a healthy run shows there."""

    stage: str
    first_step: int
    last_step: int
    cells: Mapping[str, StageCell]

    def to_dict(self) -> dict[str, object]:
        return {
            "stage": self.stage,
            "first_step": self.first_step,
            "last_step": self.last_step,
            "metrics": {name: cell.to_dict() for name, cell in self.cells.items()},
        }


@dataclass(frozen=True, slots=True, repr=False)
class Diagnosis:
    """The whole answer for one run."""

    path: str
    source: str
    method: str
    rows: int
    first_step: int
    last_step: int
    verdict: Verdict
    findings: Sequence[Finding] = ()
    causes: Sequence[Cause] = ()
    not_judged: Sequence[NotJudged] = ()
    stages: Sequence[StageRow] = ()
    notes: Sequence[str] = ()
    judged: Sequence[str] = ()
    #: What is to be expected if it goes on like this; no verdict rests on it.
    forecasts: Sequence[Forecast] = ()

    def __repr__(self) -> str:
        """What matters, in a line."""
        loud = (one for one in self.findings if one.severity > Severity.INFO)
        found = ", ".join([self.verdict.value, *(f"{one.code} {one.name}" for one in loud)])
        cause = f"; likeliest cause: {self.causes[0].name}" if self.causes else ""
        return f"<Diagnosis of {self.path}: {found}{cause}>"

    @property
    def worst(self) -> Severity | None:
        return max((finding.severity for finding in self.findings), default=None)

    def to_dict(self) -> dict[str, object]:
        """The object that `barograph check --json` prints for one run."""
        return {
            "path": self.path,
            "source": self.source,
            "method": self.method,
            "rows": self.rows,
            "first_step": self.first_step,
            "last_step": self.last_step,
            "verdict": self.verdict.value,
            "findings": [finding.to_dict() for finding in self.findings],
            "causes": [cause.to_dict() for cause in self.causes],
            "not_judged": [entry.to_dict() for entry in self.not_judged],
            "stages": [stage.to_dict() for stage in self.stages],
            "notes": list(self.notes),
            "forecasts": [forecast.to_dict() for forecast in self.forecasts],
        }
