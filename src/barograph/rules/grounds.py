"""Why a cause is thought to be one, what speaks against it, and what to do about it in this very run."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace

from barograph.core.cause import Cause, Ground, GroundKind
from barograph.core.finding import Finding, NotJudged
from barograph.core.run import Run
from barograph.rules.case import Case
from barograph.rules.catalogue import by_code
from barograph.rules.causes import CAUSES, CauseRule, weigh
from barograph.rules.measures import prescribe
from barograph.rules.undecided import left_open

__all__ = ["argue"]

#: A cause that reaches this share of the likeliest one's score may be it as well.
CLOSE = 0.7
#: So many rules that stay silent are told.
SILENT = 2
#: Checks that begin so take a run; any other takes a look.
LONG_CHECKS = ("run ", "train ")


def argue(
    causes: Sequence[Cause],
    findings: Sequence[Finding],
    run: Run,
    judged: Collection[str],
    not_judged: Sequence[NotJudged] = (),
) -> list[Cause]:
    """The causes with their grounds and prescriptions; the second says what tells it from the first, if it is close."""
    rules = {rule.name: rule for rule in CAUSES}
    argued = [_argue(cause, rules[cause.name], findings, run, judged) for cause in causes]
    if len(argued) > 1 and argued[1].score >= CLOSE * argued[0].score:
        told = _tell_apart(rules[argued[0].name], rules[argued[1].name], not_judged)
        argued[1] = replace(argued[1], is_close=True, tells_apart=told)
    if argued:
        found, unjudged = ({one.code for one in some} for some in (findings, not_judged))
        argued[0] = replace(
            argued[0], left_open=left_open(causes[0].name, weigh(findings, run.last_step), found, unjudged)
        )
    return argued


def _argue(cause: Cause, rule: CauseRule, findings: Sequence[Finding], run: Run, judged: Collection[str]) -> Cause:
    case = Case(run, [finding for finding in findings if finding.code in rule.speaks])
    settings = [told for circumstance in rule.circumstances if (told := circumstance(case)) is not None]
    found = {finding.code for finding in findings}
    prescription = prescribe(case, rule.prescribes, rule.advice)
    return replace(
        cause,
        advice=(prescription.says,) if prescription else cause.advice,
        prescription=prescription,
        speaks=(
            *_findings(case.findings, rule.speaks),
            *(Ground(GroundKind.SETTING, told.says) for told in settings if told.speaks),
        ),
        against=(
            *_findings(findings, rule.against),
            *_silent(rule, found, judged),
            *(Ground(GroundKind.SETTING, told.says) for told in settings if not told.speaks),
        ),
        explains=_explained(case.findings, findings),
    )


def _findings(findings: Iterable[Finding], weights: dict[str, float]) -> Iterator[Ground]:
    """The rules that fired and have a weight, heaviest first."""
    names = {finding.code: finding.name for finding in findings if finding.code in weights}
    for code in sorted(names, key=lambda code: -weights[code]):
        yield Ground(GroundKind.FINDING, names[code], code, weights[code])


def _silent(rule: CauseRule, found: Collection[str], judged: Collection[str]) -> Iterator[Ground]:
    silent = [code for code in rule.expects if code in judged and code not in found]
    for code in silent[:SILENT]:
        yield Ground(GroundKind.SILENCE, by_code()[code].name, code)


def _explained(mine: Sequence[Finding], findings: Sequence[Finding]) -> tuple[str, ...]:
    """What speaks for the cause, and all that follows from that."""
    codes = dict.fromkeys(finding.code for finding in mine)
    count = -1
    while len(codes) > count:
        count = len(codes)
        codes |= dict.fromkeys(finding.code for finding in findings if finding.follows in codes)
    return tuple(codes)


def _tell_apart(first: CauseRule, second: CauseRule, not_judged: Sequence[NotJudged]) -> str:
    """The check that settles it, the shorter one; and what a log with more in it would say."""
    checks = [rule.settles for rule in (first, second) if rule.settles]
    told = sorted(checks, key=lambda check: check.startswith(LONG_CHECKS))[:1]
    missing = {entry.code: entry.missing for entry in not_judged if entry.missing}
    for rule, other in ((first, second), (second, first)):
        for code in rule.expects:
            if code in missing and code not in other.speaks:
                told.append(f"with {missing[code][0]} in the log, {code} could speak for {rule.name}")
                return "; ".join(told)
    return "; ".join(told)
