"""Causes weighed by hand: what speaks for one, what speaks against it, and what is over by now."""

from __future__ import annotations

import pytest

from barograph.core.finding import Finding, Severity
from barograph.rules.catalogue import by_code
from barograph.rules.causes import CAUSES, rank


def found(code: str, severity: Severity, last_step: int = 100, follows: str | None = None) -> Finding:
    return Finding(code, code.lower(), severity, 10, last_step, "loss", "", follows=follows)


def weights(name: str) -> tuple[dict[str, float], dict[str, float]]:
    cause = next(one for one in CAUSES if one.name == name)
    return cause.speaks, cause.against


def test_a_score_that_was_reached_under_the_same_limit_speaks_against_the_limit() -> None:
    cut, lost = found("LEN01", Severity.CRITICAL), found("RWD03", Severity.CRITICAL, follows="LEN01")
    assert rank([cut], 100)[0].name == "answers cut off by the length limit"
    # 5 x 2 for the limit, less 5 x 2 for the score that had been reached: nothing is left.
    assert (
        weights("answers cut off by the length limit")[0]["LEN01"]
        == weights("answers cut off by the length limit")[1]["RWD03"]
    )
    assert [cause.name for cause in rank([cut, lost], 100)] == ["learning rate too high"]


def test_what_is_over_says_less_than_what_holds() -> None:
    sick = [found("CLS01", Severity.WARNING), found("VAL01", Severity.WARNING)]
    both = {cause.name: cause.score for cause in rank(sick, 100)}
    # Each is 4 of its cause; a rising value loss is 1 of a rate that is too high: 4, 4 and 1 of 9, of which the last is
    # below three tenths of the first.
    assert both == {"classes are unbalanced": 0.444, "critic does not keep up": 0.444}
    over = [found("CLS01", Severity.WARNING, last_step=50), found("VAL01", Severity.WARNING)]
    # 4 x 0.6 = 2.4 of 7.4 in all.
    assert {cause.name: cause.score for cause in rank(over, 100)} == {
        "critic does not keep up": 0.541, "classes are unbalanced": 0.324,
    }  # fmt: skip


def test_of_several_episodes_the_one_that_tells_most_counts() -> None:
    mild, grave = found("RWD01", Severity.INFO), found("RWD01", Severity.CRITICAL)
    assert rank([mild, grave], 100) == rank([grave], 100)


def test_remarks_alone_name_no_cause() -> None:
    assert rank([found("LIK01", Severity.INFO)], 100) == []


@pytest.mark.parametrize("cause", CAUSES, ids=lambda cause: cause.name)
def test_every_code_that_is_weighed_is_a_rule(cause: object) -> None:
    speaks, against = weights(cause.name)  # type: ignore[attr-defined]
    assert set(speaks) | set(against) <= set(by_code())
    assert not set(speaks) & set(against)
