"""Every check on one plan, and one answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from barograph.config.catalogue import CHECKS
from barograph.config.check import SettingCheck
from barograph.config.plan import Plan
from barograph.core.check import NotJudgeable
from barograph.core.finding import Finding, NotJudged, Severity, Verdict
from barograph.core.methods import Method

__all__ = ["ConfigReport", "judge_settings"]


@dataclass(frozen=True, slots=True)
class ConfigReport:
    """The whole answer for the settings of one training."""

    path: str
    plan: Plan
    findings: Sequence[Finding] = ()
    judged: Sequence[str] = ()
    not_judged: Sequence[NotJudged] = ()
    notes: Sequence[str] = ()

    @property
    def worst(self) -> Severity | None:
        return max((finding.severity for finding in self.findings), default=None)

    @property
    def verdict(self) -> Verdict:
        if not self.judged:
            return Verdict.UNJUDGED
        return {
            Severity.CRITICAL: Verdict.UNHEALTHY, Severity.WARNING: Verdict.WATCH,
        }.get(self.worst or Severity.INFO, Verdict.HEALTHY)  # fmt: skip

    def to_dict(self) -> dict[str, object]:
        """The object that `barograph config --json` prints for one file."""
        return {
            "path": self.path,
            "read_as": self.plan.dialect.name,
            "method": self.plan.method.value,
            "verdict": self.verdict.value,
            "updates": self.plan.updates,
            "settings": dict(self.plan.values),
            "findings": [finding.to_dict() for finding in self.findings],
            "not_judged": [one.to_dict() for one in self.not_judged],
            "notes": list(self.notes),
        }


def judge_settings(
    plan: Plan,
    path: str = "",
    *,
    checks: Sequence[type[SettingCheck]] = CHECKS,
    limits: Mapping[str, Mapping[str, float]] | None = None,
    notes: Sequence[str] = (),
) -> ConfigReport:
    """Everything that can be said of the settings of a training, the gravest first."""
    findings: list[Finding] = []
    judged: list[str] = []
    not_judged: list[NotJudged] = []
    for kind in checks:
        if plan.method not in kind.methods and plan.method is not Method.UNKNOWN:
            continue
        check = kind()
        check.set((limits or {}).get(check.code, {}))
        if plan.method not in kind.methods:
            not_judged.append(NotJudged(check.code, reason="the method is not known"))
            continue
        found: list[Finding] = []
        try:
            for finding in check.findings(plan):
                found.append(finding)  # noqa: PERF402 - those before what cannot be judged count
        except NotJudgeable as reason:
            if not found:
                not_judged.append(NotJudged(check.code, reason=str(reason)))
                continue
        judged.append(check.code)
        findings += found
    findings.sort(key=lambda finding: -finding.severity)
    return ConfigReport(path, plan, tuple(findings), tuple(judged), tuple(not_judged), tuple(notes))
