"""What findings add up to: one story, one verdict, and what nobody could judge."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from barograph.core.finding import Diagnosis, Finding, Severity, Verdict
from barograph.core.methods import Method
from barograph.core.run import Run, run_from_rows
from barograph.engine.bound import bind
from barograph.engine.judge import judge
from barograph.engine.settings import Settings
from barograph.engine.verdict import _cause_of

both_evaluators = pytest.mark.parametrize("evaluator", ["step", "scan"])


def cut_off_run(since: int = 60) -> Run:
    """GRPO whose answers all hit the limit from one step on: no score, so no spread, so no gradient."""
    chance = random.Random(5)
    rows = []
    for step in range(1, 201):
        cut = step >= since
        rows.append(
            (
                step,
                {
                    "loss": 0.0 if cut else chance.gauss(0, 0.01),
                    "truncated_frac": 1.0 if cut else max(0.0, chance.gauss(0.05, 0.02)),
                    "len_mean": 512.0 if cut else chance.gauss(300, 12),
                    "score_mean": 0.0 if cut else chance.gauss(0.4, 0.05),
                    "score_std": 0.0 if cut else chance.gauss(0.4, 0.03),
                    "zero_std_frac": 1.0 if cut else max(0.0, chance.gauss(0.2, 0.05)),
                    "grad_norm": 0.0 if cut else chance.gauss(0.3, 0.05),
                },
            )
        )
    return run_from_rows(rows, method=Method.GRPO)


@both_evaluators
def test_cause_before_consequence(evaluator: str) -> None:
    diagnosis = judge(cut_off_run(since=1), evaluator=evaluator)
    told = [finding.code for finding in diagnosis.findings]
    assert told[0] == "LEN01"
    assert {"RWD01", "GRP01", "GRP02", "GRAD04"} <= set(told)
    assert [finding.code for finding in diagnosis.findings if finding.follows is None] == ["LEN01"]
    for finding in diagnosis.findings[1:]:
        assert told.index(finding.follows or "") < told.index(finding.code), f"{finding.code} before its cause"
    assert diagnosis.causes[0].name == "answers cut off by the length limit"
    assert diagnosis.verdict is Verdict.UNHEALTHY


@pytest.mark.parametrize("evaluator", ["step", "scan"])
def test_answers_that_once_ended_are_not_cut_off_by_a_short_limit(evaluator: str) -> None:
    diagnosis = judge(cut_off_run(), evaluator=evaluator)
    told = [finding.code for finding in diagnosis.findings]
    assert told[0] == "LEN06"
    assert [finding.code for finding in diagnosis.findings if finding.follows is None] == ["LEN06"]
    assert next(f for f in diagnosis.findings if f.code == "LEN01").follows == "LEN06"
    assert diagnosis.causes[0].name == "learning rate too high"


def test_each_finding_is_told_once() -> None:
    told = [(finding.code, finding.step) for finding in judge(cut_off_run()).findings]
    assert len(told) == len(set(told))


def dpo_run(margin: Callable[[int], float], steps: int = 300, scatter: float = 0.05) -> Run:
    chance = random.Random(11)
    rows = [
        (step, {"loss": 0.69 - 0.2 * step / steps, "reward_margin": margin(step) + chance.gauss(0, scatter)})
        for step in range(1, steps + 1)
    ]
    return run_from_rows(rows, method=Method.DPO)


def told(diagnosis: Diagnosis, code: str) -> list[Finding]:
    return [finding for finding in diagnosis.findings if finding.code == code]


@both_evaluators
def test_two_episodes_are_two_findings(evaluator: str) -> None:
    run = dpo_run(lambda step: -0.6 if 60 <= step <= 100 or 200 <= step <= 240 else 0.5)
    episodes = sorted(told(judge(run, evaluator=evaluator), "PREF03"), key=lambda finding: finding.step)
    # Each begins once ten steps have passed below zero, and ends when the average over five rows is back.
    assert len(episodes) == 2
    assert 69 <= episodes[0].step <= 85
    assert 100 <= episodes[0].last_step <= 105
    assert 209 <= episodes[1].step <= 225
    assert 240 <= episodes[1].last_step <= 245


@both_evaluators
def test_a_flicker_is_one_finding(evaluator: str) -> None:
    # Back above zero for eight steps: far less than the tenth of the run that parts two episodes.
    run = dpo_run(lambda step: 0.5 if step < 60 or 120 <= step < 128 or step > 190 else -0.6)
    episodes = told(judge(run, evaluator=evaluator), "PREF03")
    assert len(episodes) == 1
    assert episodes[0].step < 90
    assert episodes[0].last_step >= 185


@both_evaluators
@pytest.mark.parametrize("rows", [1, 2])
def test_one_or_two_rows_say_too_little(rows: int, evaluator: str) -> None:
    run = run_from_rows(
        [(step, {"loss": 0.69, "reward_margin": 0.0}) for step in range(1, rows + 1)], method=Method.DPO
    )
    diagnosis = judge(run, evaluator=evaluator)
    assert diagnosis.verdict is Verdict.UNJUDGED
    assert not diagnosis.findings


@both_evaluators
def test_an_empty_run_is_unjudged(evaluator: str) -> None:
    assert judge(run_from_rows([]), evaluator=evaluator).verdict is Verdict.UNJUDGED


@both_evaluators
def test_what_is_plainly_wrong_needs_no_second_row(evaluator: str) -> None:
    diagnosis = judge(run_from_rows([(1, {"loss": float("nan")})], method=Method.DPO), evaluator=evaluator)
    assert diagnosis.verdict is Verdict.UNHEALTHY
    assert [finding.code for finding in diagnosis.findings] == ["NUM01"]


def test_metrics_that_no_rule_reads_leave_a_run_unjudged() -> None:
    run = run_from_rows([(step, {"num_tokens": 1000.0 * step}) for step in range(1, 50)])
    assert judge(run).verdict is Verdict.UNJUDGED


def test_remarks_alone_leave_a_run_healthy() -> None:
    run = run_from_rows(
        [(step, {"lr": 5e-6, "loss": 0.69 - 0.001 * step}) for step in range(1, 201)], method=Method.DPO
    )  # no warm-up
    diagnosis = judge(run)
    assert [(finding.code, finding.severity) for finding in diagnosis.findings] == [("RATE02", Severity.INFO)]
    assert diagnosis.verdict is Verdict.HEALTHY
    assert not diagnosis.causes


def test_a_warning_is_something_to_watch() -> None:
    run = run_from_rows(
        [(step, {"lr": 2e-8, "loss": 0.69 - 0.001 * step}) for step in range(1, 201)], method=Method.DPO
    )
    diagnosis = judge(run)
    assert diagnosis.worst is Severity.WARNING
    assert diagnosis.verdict is Verdict.WATCH


@both_evaluators
def test_what_was_not_judged_names_what_is_missing(evaluator: str) -> None:
    diagnosis = judge(dpo_run(lambda step: 0.004 * step), evaluator=evaluator)
    missing = {entry.code: tuple(entry.missing) for entry in diagnosis.not_judged}
    assert missing["PREF01"] == ("reward_chosen", "reward_rejected")
    assert missing["ACC01"] == ("reward_accuracy",)
    assert missing["GRAD04"] == ("grad_norm",)
    assert missing["FIT01"] == ("eval.loss",)  # the training loss is there
    assert not {"PREF03", "LOSS02", "PREF05"} & missing.keys()
    assert {entry.code for entry in diagnosis.not_judged}.isdisjoint(diagnosis.judged)
    assert "KTO01" not in missing  # a rule of another method is not missed


def test_a_short_run_says_that_it_is_too_short() -> None:
    run = run_from_rows([(step, {"grad_norm": 5.0, "loss": 0.6}) for step in range(1, 8)], method=Method.DPO)
    reasons = {entry.code: entry for entry in judge(run).not_judged}
    assert reasons["GRAD03"].missing == ()  # it looks at ten rows
    assert "too few rows" in reasons["GRAD03"].reason


def test_a_missing_setting_is_named() -> None:
    run = run_from_rows(
        [(step, {"clip_frac": 0.0, "score_mean": 0.1 * step}) for step in range(1, 60)], method=Method.GRPO
    )
    reasons = {entry.code: entry.reason for entry in judge(run).not_judged}
    assert "num_iterations" in reasons["CLIP04"]


def test_the_diagnosis_is_plain_data() -> None:
    import json

    whole = judge(cut_off_run()).to_dict()
    assert json.loads(json.dumps(whole, allow_nan=False)) == whole
    assert whole["verdict"] == "unhealthy"


@both_evaluators
@pytest.mark.parametrize(("is_counted", "codes"), [(False, {"PREF02"}), (True, set())])
def test_counted_rows_are_no_first_steps(evaluator: str, is_counted: bool, codes: set[str]) -> None:
    """A log of every thousandth step without its steps: its first row is no beginning, however far it has got."""
    rows = [(n, {"loss": 0.6, "reward_chosen": 0.57 + n / 50, "reward_rejected": 0.2 + n / 60}) for n in range(1, 9)]
    run = run_from_rows(rows, method=Method.DPO, config={"steps_are_counted": is_counted})
    found = {finding.code for finding in judge(run, evaluator=evaluator).findings}
    assert found & {"PREF02", "LOSS08", "LOSS03"} == codes | ({"LOSS08"} if not is_counted else set())


@pytest.mark.parametrize(("ends", "explains"), [(24, None), (190, "RWD01")])
def test_what_is_over_does_not_explain_what_goes_on(ends: int, explains: str | None) -> None:
    rules = {rule.rule.code: rule for rule in bind(Method.GRPO, Settings())}
    constant = Finding("RWD01", "score-constant", Severity.CRITICAL, 10, ends, "score_mean", "")
    alike = Finding("GRP01", "groups-without-spread", Severity.CRITICAL, 12, 200, "zero_std_frac", "")
    assert _cause_of(alike, [constant, alike], rules, 200.0) == explains


@both_evaluators
@pytest.mark.parametrize("config", [{}, {"learning_rate": 8e-7}])
def test_advice_on_the_start_quotes_the_rate_that_was_asked_for(evaluator: str, config: dict[str, object]) -> None:
    """The reference is another model, which the first rows tell: then the rate is still a part of what it will be."""
    rows = [
        (step, {"lr": 8e-7 * min(1.0, step / 20), "loss": 0.69, "reward_chosen": 9.0, "reward_rejected": 8.0})
        for step in range(1, 101)
    ]
    diagnosis = judge(run_from_rows(rows, method=Method.DPO, config=config), evaluator=evaluator)
    (away,) = (finding for finding in diagnosis.findings if finding.code == "PREF02")
    assert "Halve the learning rate (8e-07 to 4e-07)" in away.advice
