"""Findings folded under what explains them."""

from __future__ import annotations

from barograph.core.cause import Cause
from barograph.core.finding import Diagnosis, Finding, Severity, Verdict
from barograph.core.story import Chapter, Story, story_of


def found(
    code: str, follows: str | None = None, severity: Severity = Severity.WARNING, metric: str = "loss"
) -> Finding:
    return Finding(code, code.lower(), severity, 1, 2, metric, "", follows=follows)


def story(*findings: Finding, explains: tuple[str, ...] = ()) -> Story:
    causes = (Cause("a", 1.0, explains, explains=explains),) if explains else ()
    return story_of(Diagnosis("run", "rows", "kto", 2, 1, 2, Verdict.WATCH, findings, causes))


def codes(chapters: tuple[Chapter, ...]) -> dict[str, list[str]]:
    return {lead.finding.code: [one.finding.code for one in others] for lead, others in chapters}


def test_consequences_of_consequences_stand_under_their_root() -> None:
    told = story(found("A"), found("B", "A"), found("C", "B"), found("D"), explains=("A", "B", "C"))
    assert codes(told.explained) == {"A": ["B", "C"]}
    assert codes(told.apart) == {"D": []}


def test_without_a_cause_everything_stands_apart() -> None:
    told = story(found("A"), found("B", "A"))
    assert (codes(told.explained), codes(told.apart)) == ({}, {"A": ["B"]})


def test_what_follows_from_a_remark_or_from_nothing_that_was_found_leads_itself() -> None:
    told = story(found("A", severity=Severity.INFO), found("B", "A"), found("C", "GONE"))
    assert codes(told.apart) == {"B": [], "C": []}
    assert [one.finding.code for one in told.remarks] == ["A"]


def test_two_that_name_each_other_are_told_once() -> None:
    assert codes(story(found("B", "A"), found("A", "B")).apart) == {"A": ["B"]}


def test_episodes_of_a_rule_are_one_by_the_gravest_and_each_series_has_its_own() -> None:
    told = story(
        found("A"), found("A", severity=Severity.CRITICAL), found("A"), found("A", metric="reward_component/format"),
        found("B", "A"),
    )  # fmt: skip
    first, second = told.apart
    assert (first.lead.times, first.lead.finding.severity) == (3, Severity.CRITICAL)
    assert (second.lead.times, second.lead.finding.metric) == (1, "reward_component/format")
    assert [len(chapter.consequences) for chapter in told.apart] == [1, 0]
