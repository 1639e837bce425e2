"""What was found in a data set, with the rows that show it."""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from barograph.core.finding import Severity, Verdict

__all__ = ["DataFinding", "DataReport", "Numbers", "Shown", "Unjudged", "numbers"]

#: So many numbers of rows are told of a finding.
MOST_ROWS = 10_000
#: Numbers of rows, in four bytes each.
Numbers = array


def numbers(values: Any = ()) -> array[int]:
    """Numbers of rows."""
    return array("I", values)


@dataclass(frozen=True, slots=True)
class Shown:
    """One row that shows what a finding means."""

    row: int
    file: str
    #: What stands there, clipped; nothing where the row could not be read again.
    quote: str = ""
    #: Another row that it belongs to, as the twin of a repeated one.
    twin: int | None = None

    def to_dict(self) -> dict[str, object]:
        return {"row": self.row, "file": self.file, "quote": self.quote, "twin": self.twin}


@dataclass(frozen=True, slots=True)
class DataFinding:
    """A check that found something."""

    code: str
    name: str
    severity: Severity
    says: str
    #: So many examples show it, of so many that were looked at; 0 where it is about the set as a whole.
    count: int = 0
    of: int = 0
    #: "train" or "eval": the split whose rows these are.
    split: str = "train"
    #: All rows that show it, and the rows of what is trained on that a cleaned copy leaves out.
    rows: array[int] = field(default_factory=numbers)
    drops: array[int] = field(default_factory=numbers)
    #: The twin of a row, for rows that belong to another one in what is trained on.
    twins: Mapping[int, int] = field(default_factory=dict)
    evidence: Mapping[str, float] = field(default_factory=dict)
    advice: Sequence[str] = ()
    shown: Sequence[Shown] = ()

    @property
    def share(self) -> float:
        return self.count / self.of if self.of else 0.0

    def to_dict(self) -> dict[str, object]:
        return {
            "code": self.code,
            "name": self.name,
            "severity": str(self.severity),
            "says": self.says,
            "split": self.split,
            "count": self.count,
            "of": self.of,
            "drops": len(self.drops),
            "rows": self.rows[:MOST_ROWS].tolist(),
            "evidence": dict(self.evidence),
            "advice": list(self.advice),
            "examples": [one.to_dict() for one in self.shown],
        }


@dataclass(frozen=True, slots=True)
class Unjudged:
    """A check that could not say anything, and why."""

    code: str
    reason: str

    def to_dict(self) -> dict[str, object]:
        return {"code": self.code, "reason": self.reason}


@dataclass(frozen=True, slots=True)
class DataReport:
    """The whole answer for one data set."""

    path: str
    read_as: str
    kind: str
    columns: Mapping[str, str]
    rows: int
    eval_path: str | None
    eval_rows: int
    findings: Sequence[DataFinding] = ()
    judged: Sequence[str] = ()
    not_judged: Sequence[Unjudged] = ()
    #: Figures that are worth knowing even of a faultless set.
    figures: Mapping[str, float] = field(default_factory=dict)
    notes: Sequence[str] = ()

    @property
    def worst(self) -> Severity | None:
        return max((finding.severity for finding in self.findings), default=None)

    @property
    def verdict(self) -> Verdict:
        worst = self.worst
        if not self.judged:
            return Verdict.UNJUDGED
        if worst is Severity.CRITICAL:
            return Verdict.UNHEALTHY
        return Verdict.WATCH if worst is Severity.WARNING else Verdict.HEALTHY

    def to_dict(self) -> dict[str, object]:
        """The object that `barograph data --json` prints for one data set."""
        return {
            "path": self.path,
            "read_as": self.read_as,
            "kind": self.kind,
            "columns": dict(self.columns),
            "rows": self.rows,
            "eval_path": self.eval_path,
            "eval_rows": self.eval_rows,
            "verdict": self.verdict.value,
            "findings": [finding.to_dict() for finding in self.findings],
            "not_judged": [one.to_dict() for one in self.not_judged],
            "figures": dict(self.figures),
            "notes": list(self.notes),
        }
