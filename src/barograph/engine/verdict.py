"""What the findings add up to: the order of the story, its causes, the verdict, and what nobody could judge."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from barograph.core.finding import Diagnosis, Finding, NotJudged, Severity, Verdict
from barograph.core.run import Run
from barograph.engine.bound import BoundRule
from barograph.engine.coverage import lacking
from barograph.engine.forecast import forecasts
from barograph.engine.stages import stage_table
from barograph.rules.causes import rank
from barograph.rules.grounds import argue
from barograph.signals.expression import Condition, Signal
from barograph.signals.timeline import Timeline

__all__ = ["conclude"]

#: A consequence may be noticed this share of the run before its cause, whose rule may look over a longer window.
EARLIER = 0.2
#: What has been over for this share of the run does not explain what goes on.
LASTS = 0.1
#: Fewer rows than this say too little, unless something is plainly wrong.
FEW_ROWS = 4
#: Families that say nothing of what is being learned: on them alone no run is called healthy.
INCIDENTAL = ("NUM", "RATE", "GRAD", "RUN")


def conclude(
    run: Run, rules: Sequence[BoundRule], timeline: Timeline, findings: Iterable[Finding], judged: set[str]
) -> Diagnosis:
    """The diagnosis of a run from the findings of its rules."""
    horizon = timeline.horizon or float(run.last_step)
    by_code = {rule.rule.code: rule for rule in rules}
    mild = [_forgive(finding, by_code[finding.code], horizon, run.last_step) for finding in findings]
    story = _tell(mild, by_code, horizon)
    short = _too_short_for(run, rules, timeline, {finding.code for finding in story})
    # What was judged in part is enough to call a run healthy, and not to say that nothing else is wrong.
    wholly = judged.difference(short)
    not_judged = _not_judged(run, rules, wholly, short)
    return Diagnosis(
        path=run.path,
        source=run.source,
        method=run.method.value,
        rows=len(run),
        first_step=run.first_step,
        last_step=run.last_step,
        verdict=_verdict(run, story, judged),
        findings=story,
        causes=argue(rank(story, run.last_step), story, run, wholly, not_judged),
        not_judged=not_judged,
        stages=stage_table(run, timeline),
        notes=run.notes,
        judged=tuple(rule.rule.code for rule in rules if rule.rule.code in wholly),
        forecasts=forecasts(run, rules, timeline.facts, story),
    )


def _forgive(finding: Finding, rule: BoundRule, horizon: float, last_step: int) -> Finding:
    """One grade less for what is over since long, where the rule allows it."""
    if finding.severity > Severity.INFO and last_step - finding.last_step > rule.rule.forgiven_after * horizon:
        return replace(finding, severity=Severity(finding.severity - 1))
    return finding


def _tell(findings: Sequence[Finding], rules: dict[str, BoundRule], horizon: float) -> list[Finding]:
    """Causes first, the gravest and earliest leading, each followed by its consequences."""
    linked = [replace(finding, follows=_cause_of(finding, findings, rules, horizon)) for finding in findings]
    told: list[Finding] = []

    def tell(finding: Finding) -> None:
        if finding in told:
            return
        told.append(finding)
        for other in sorted((f for f in linked if f.follows == finding.code), key=_gravest_first):
            tell(other)

    for root in sorted((f for f in linked if f.follows is None), key=_gravest_first):
        tell(root)
    # Two rules that name each other would leave both out; nothing found may get lost.
    for finding in sorted(linked, key=_gravest_first):
        tell(finding)
    return told


def _gravest_first(finding: Finding) -> tuple[int, int, str]:
    return (-finding.severity, finding.step, finding.code)


def _cause_of(finding: Finding, findings: Sequence[Finding], rules: dict[str, BoundRule], horizon: float) -> str | None:
    """The code of the earliest finding that explains this one."""
    explaining = rules[finding.code].rule.follows
    candidates = [
        other
        for other in findings
        if other.code in explaining
        and other.step <= finding.step + EARLIER * horizon
        and other.last_step >= finding.last_step - LASTS * horizon
        and not (other.severity is Severity.INFO and finding.severity > Severity.INFO)
    ]
    return min(candidates, key=lambda other: (explaining.index(other.code), other.step)).code if candidates else None


def _verdict(run: Run, findings: Sequence[Finding], judged: set[str]) -> Verdict:
    worst = max((finding.severity for finding in findings), default=Severity.INFO)
    if worst is Severity.CRITICAL:
        return Verdict.UNHEALTHY
    if worst is Severity.WARNING:
        return Verdict.WATCH
    if len(run) < FEW_ROWS or all(code.startswith(INCIDENTAL) for code in judged):
        return Verdict.UNJUDGED
    return Verdict.HEALTHY


def _too_short_for(run: Run, rules: Iterable[BoundRule], timeline: Timeline, found: set[str]) -> dict[str, str]:
    """The rules whose silence says nothing, since they could not have spoken in such a log, and why."""
    reasons = {rule.rule.code: lacking(rule, run, timeline) for rule in rules if rule.rule.code not in found}
    return {code: reason for code, reason in reasons.items() if reason}


def _not_judged(run: Run, rules: Iterable[BoundRule], judged: set[str], short: Mapping[str, str]) -> list[NotJudged]:
    entries = []
    for rule in rules:
        if rule.rule.code in judged:
            continue
        missing = _missing(rule.when, run)
        facts = sorted({str(part.arguments[0]) for part in rule.when.walk() if part.word == "fact"})
        if missing:
            entries.append(NotJudged(rule.rule.code, missing))
        elif rule.rule.code in short:
            entries.append(NotJudged(rule.rule.code, (), short[rule.rule.code]))
        elif facts:
            entries.append(NotJudged(rule.rule.code, (), f"needs {' and '.join(facts)} from the configuration"))
        else:
            entries.append(NotJudged(rule.rule.code, (), "too few rows, or the run is too short"))
    return entries


def _missing(condition: Condition, run: Run) -> list[str]:
    """The series that a log would need for the condition to be answered: of several ways, those that lack least."""
    ways = _ways(condition, run)
    least = min(map(len, ways))
    needed = {key for way in ways if len(way) == least for key in way}
    return [key for key in condition.series() if key in needed]


def _ways(signal: Signal, run: Run) -> set[frozenset[str]]:
    """Sets of series that are not there, any one of which would do: a condition of either kind has several."""
    if signal.word in {"metric", "nonfinite", "present"}:
        return {frozenset(key for key in signal.series() if key not in run.columns)}
    parts = [_ways(part, run) for part in signal.arguments if isinstance(part, Signal)]
    if signal.word == "or":
        return set().union(*parts)
    ways = {frozenset[str]()}
    for part in parts:
        ways = {one | other for one in ways for other in part}
        ways = {way for way in ways if not any(other < way for other in ways)}
    return ways
