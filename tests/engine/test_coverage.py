"""What a log is too short, too sparse or begun too late to tell is said, and neither guessed nor passed over."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import pytest

from barograph.core.finding import Diagnosis, Verdict
from barograph.core.methods import Method
from barograph.core.run import Run, run_from_rows
from barograph.engine.judge import judge
from barograph.engine.settings import Settings
from barograph.rules.advice import advise
from barograph.rules.base import WARNING, Rule, param
from barograph.signals.words import before, count, ema, first, metric, sustained

both_evaluators = pytest.mark.parametrize("evaluator", ["step", "scan"])
loss = metric("loss")


class TenInARow(Rule):
    """The loss is high in ten rows in a row."""

    code, name, severity, about = "TST01", "ten-in-a-row", WARNING, "loss"
    when = sustained(loss > 1, 10)
    says, do = "high", (advise("lower it"),)


class AboveItsBeginning(Rule):
    """The loss is above its beginning."""

    code, name, severity, about = "TST02", "above-its-beginning", WARNING, "loss"
    when = loss > first(loss, 1)
    says, do = "above", (advise("lower it"),)


class AboveItsFirstFive(AboveItsBeginning):
    """The loss is above its first five rows."""

    code, name = "TST06", "above-its-first-five"
    when = loss > first(loss, 5)


class NotBelowItsBeginning(Rule):
    """The loss is neither tiny nor below its beginning."""

    code, name, severity, about = "TST03", "not-below-its-beginning", WARNING, "loss"
    when = ~((loss < 0.01) | (loss < first(loss, 1)))
    says, do = "not below", (advise("lower it"),)


class HighAtOnce(Rule):
    """The loss is high in the first ten steps."""

    code, name, severity, about = "TST04", "high-at-once", WARNING, "loss"
    when = before(steps=10) & (loss > 1)
    says, do = "high", (advise("lower it"),)


class EnoughOrHigh(Rule):
    """The loss is very high, or on average high over enough rows."""

    code, name, severity, about = "TST05", "enough-or-high", WARNING, "loss"
    rows = param(8, "rows that are enough")
    when = (loss > 100) | ((count(loss) >= rows) & (ema(loss, 5) > 1))
    says, do = "high", (advise("lower it"),)


def run(steps: Iterable[int], level: float = 0.5, **config: object) -> Run:
    # Above zero and falling a little, so that nothing but the rules above has a say.
    rows = [(step, {"loss": level - 0.0001 * step}) for step in steps]
    return run_from_rows(rows, method=Method.DPO, config={"max_steps": 100, **config})


def judged(rule: type[Rule], run: Run, evaluator: str) -> Diagnosis:
    return judge(run, replace(Settings(), rules=(rule,)), evaluator=evaluator)


def reason(diagnosis: Diagnosis) -> str:
    (entry,) = diagnosis.not_judged
    return entry.reason


@both_evaluators
def test_what_waits_for_ten_rows_is_not_judged_on_nine(evaluator: str) -> None:
    said = reason(judged(TenInARow, run(range(10, 100, 10)), evaluator))
    assert said == "too few rows: 10 of loss are needed, and there are 9"
    assert judged(TenInARow, run(range(10, 101, 10)), evaluator).not_judged == []


@both_evaluators
def test_a_rule_of_which_one_part_only_could_speak_was_judged_in_part(evaluator: str) -> None:
    assert reason(judged(EnoughOrHigh, run(range(20, 101, 20)), evaluator)).startswith("too few rows: 8 of loss")
    assert judged(EnoughOrHigh, run(range(10, 101, 10)), evaluator).not_judged == []
    # What spoke was judged, however few rows there are.
    loud = judged(EnoughOrHigh, run(range(20, 101, 20), level=200.0), evaluator)
    assert ([finding.code for finding in loud.findings], loud.not_judged) == (["TST05"], [])


@both_evaluators
def test_a_beginning_that_is_most_of_the_log_is_nothing_to_compare_with(evaluator: str) -> None:
    said = reason(judged(AboveItsFirstFive, run(range(1, 10)), evaluator))
    assert said == "too few rows: 10 of loss are needed, and there are 9"
    assert judged(AboveItsFirstFive, run(range(1, 11)), evaluator).not_judged == []


@both_evaluators
@pytest.mark.parametrize("rule", [AboveItsBeginning, NotBelowItsBeginning])
def test_a_log_that_begins_late_has_no_beginning_to_compare_with(rule: type[Rule], evaluator: str) -> None:
    rows = [(step, {"loss": 0.5 if step < 50 else 0.6}) for step in range(1, 101)]
    whole = run_from_rows(rows, method=Method.DPO, config={"max_steps": 100})
    late = run_from_rows([row for row in rows if row[0] > 40], method=Method.DPO, config={"max_steps": 100})
    assert judged(rule, whole, evaluator).verdict is Verdict.WATCH
    assert judged(rule, late, evaluator).findings == []
    assert reason(judged(rule, late, evaluator)) == "the log begins at step 41 only"


@both_evaluators
def test_a_log_of_few_rows_begins_where_the_run_does(evaluator: str) -> None:
    """Its first row, at step 25, stands for the 25 steps before."""
    rows = [(step, {"loss": 0.5 if step < 50 else 0.6}) for step in range(25, 101, 25)]
    sparse = run_from_rows(rows, method=Method.DPO, config={"max_steps": 100})
    assert [finding.code for finding in judged(AboveItsBeginning, sparse, evaluator).findings] == ["TST02"]


@both_evaluators
def test_rows_that_are_counted_say_nothing_of_where_a_log_begins(evaluator: str) -> None:
    rows = run(range(41, 101), steps_are_counted=True)
    assert judged(AboveItsBeginning, rows, evaluator).not_judged == []


@both_evaluators
def test_what_looks_at_the_first_steps_is_not_judged_without_them(evaluator: str) -> None:
    said = reason(judged(HighAtOnce, run(range(12, 101)), evaluator))
    assert said == "looks at the steps up to 10, and the log begins at step 12"
    assert judged(HighAtOnce, run(range(10, 101)), evaluator).not_judged == []
