"""Every rule fires on the fault that it is about, at the right place, and keeps quiet otherwise."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping
from fnmatch import fnmatch

import pytest
from further_cases import FURTHER
from movement_cases import MOVEMENT
from rule_cases import CASES, Case, planted, put
from rule_logs import healthy_dpo, healthy_grpo, healthy_kto, healthy_ppo, healthy_reward, healthy_sft

from barograph.core.finding import Diagnosis, Finding, Severity
from barograph.core.methods import Method
from barograph.core.run import Run
from barograph.engine.judge import judge
from barograph.engine.settings import Settings
from barograph.rules.catalogue import RULES, by_code

EVERY = (*CASES, *FURTHER, *MOVEMENT)
every_case = pytest.mark.parametrize("case", EVERY, ids=[case.code for case in EVERY])


def judged(run: Run, profile: str = "default") -> Diagnosis:
    """The diagnosis, once both evaluators have told the same."""
    settings = Settings(profile=profile)
    stepped, scanned = judge(run, settings, evaluator="step"), judge(run, settings, evaluator="scan")
    assert [plain(f) for f in stepped.findings] == [plain(f) for f in scanned.findings]
    for one, other in zip(stepped.findings, scanned.findings, strict=True):
        assert near(one.evidence, other.evidence), (one, other)
    assert (stepped.verdict, stepped.not_judged, stepped.causes) == (
        scanned.verdict,
        scanned.not_judged,
        scanned.causes,
    )
    return stepped


def plain(finding: Finding) -> tuple[object, ...]:
    """A finding without the numbers that averages may round differently; those are in its evidence."""
    words = re.sub(r"-?[\d.]+(e-?\d+)?", "#", finding.says)
    place = (finding.step, finding.last_step, finding.first_row, finding.last_row, finding.metric)
    return (finding.code, finding.severity, *place, words, tuple(finding.advice), finding.action, finding.follows)


def near(one: Mapping[str, float], other: Mapping[str, float]) -> bool:
    return one.keys() == other.keys() and all(
        math.isclose(one[name], other[name], rel_tol=1e-6, abs_tol=1e-9) for name in one
    )


def found(diagnosis: Diagnosis, code: str) -> list[Finding]:
    return [finding for finding in diagnosis.findings if finding.code == code]


def test_every_rule_has_one_case() -> None:
    assert Counter(case.code for case in EVERY) == Counter(rule.code for rule in RULES)


@every_case
def test_fires_on_its_fault(case: Case) -> None:
    log = case.faulty()
    findings = found(judged(log.run(), case.profile), case.code)
    assert findings, f"{case.code} found nothing"
    first, (earliest, latest) = findings[0], case.window
    assert log.method in by_code()[case.code].methods
    assert max(finding.severity for finding in findings) is case.severity
    assert earliest <= first.step <= latest, first.says
    assert any(fnmatch(first.metric, pointer) for pointer in by_code()[case.code].pointers())
    assert "{" not in first.says
    assert "?" not in first.says, f"a number that is not known: {first.says}"
    assert first.advice


@every_case
def test_keeps_quiet_on_the_twin(case: Case) -> None:
    log = case.quiet()
    findings = found(judged(log.run(), case.profile), case.code)
    assert not findings, findings[0].says


@every_case
def test_fires_in_a_log_with_gaps(case: Case) -> None:
    log = case.faulty()
    torn = case.torn if case.torn is not None else by_code()[case.code].when.series()
    log.with_gaps([name for name in torn if name in log.series], case.keep, case.nan_rows)
    findings = found(judged(log.run(), case.profile), case.code)
    assert findings, f"{case.code} found nothing"
    earliest, latest = case.window
    assert earliest <= findings[0].step <= latest + case.late, findings[0].says


# How bad it is, where a rule has more than one grade


def test_rare_successes_are_no_constant_score() -> None:
    # One row in twelve has a success: stretches of eleven equal rows, which in a score that always moves would tell.
    log = planted(healthy_grpo, put("score_mean", lambda step: 0.05 if step % 12 == 1 else 0.0))()
    assert found(judged(log.run()), "RWD01") == []


def test_a_critic_that_explains_exactly_nothing_is_no_use_and_one_that_explains_far_less_is_critical() -> None:
    still = planted(healthy_ppo, put("explained_var", 0.0, since=100))()
    assert [one.severity for one in found(judged(still.run()), "VAL02")] == [Severity.WARNING]
    wild = planted(healthy_ppo, put("explained_var", -5.0, 0.1, since=100))()
    assert [one.severity for one in found(judged(wild.run()), "VAL02")] == [Severity.CRITICAL]
    noise = planted(healthy_ppo, put("explained_var", -0.02, 0.01, since=100))()
    assert found(judged(noise.run()), "VAL02") == []


def test_an_evaluation_loss_near_zero_may_rise_by_a_share_of_itself() -> None:
    # From 0.69 to 0.10 and back to 0.12: a fifth of itself, and 3 % of what was gained.
    at = [20, 100, 180, 220, 260, 300]
    values = dict(zip(at, [0.69, 0.3, 0.10, 0.12, 0.12, 0.12], strict=True))
    log = planted(healthy_dpo, put("eval.loss", lambda step: values[step], at=at))()
    assert found(judged(log.run()), "FIT01") == []


def test_a_loss_that_goes_below_zero_has_no_floor_there() -> None:
    log = planted(healthy_dpo, put("loss", lambda step: 0.69 - 0.004 * step))()
    assert found(judged(log.run()), "LOSS04") == []


def test_one_infinite_gradient_is_a_warning_only() -> None:
    # A loss scaler of fp16 training skips such a step.
    log = planted(healthy_dpo, put("grad_norm", math.inf, since=150, until=150))()
    assert [finding.severity for finding in found(judged(log.run()), "NUM02")] == [Severity.WARNING]


def test_a_mild_fall_of_the_chosen_answers_is_a_remark() -> None:
    log = healthy_dpo()
    for name, end in (("reward_chosen", -0.8), ("reward_rejected", -2.0)):
        log.put(name, lambda step, end=end: end * step / 300, 0.03)  # 8 nats, where 20 make it a warning
    log.put("reward_margin", lambda step: 1.2 * step / 300, 0.03)
    assert [finding.severity for finding in found(judged(log.run()), "LIK01")] == [Severity.INFO]


def test_an_exploding_gradient_long_ago_is_half_forgiven() -> None:
    late = planted(healthy_dpo, put("grad_norm", 5000, since=250, until=250))()
    early = planted(healthy_dpo, put("grad_norm", 5000, since=60, until=60))()
    assert found(judged(late.run()), "GRAD01")[0].severity is Severity.CRITICAL
    assert found(judged(early.run()), "GRAD01")[0].severity is Severity.WARNING


def test_a_gradient_of_exactly_zero_is_ordinary_in_single_rows_of_grpo() -> None:
    log = planted(healthy_grpo, put("grad_norm", 0.0, since=150, until=153))()
    assert not found(judged(log.run()), "GRAD04")


def test_the_same_gradient_weighs_more_in_kto_than_in_dpo() -> None:
    grades = {
        log.method: max(finding.severity for finding in found(judged(log.run()), "GRAD02"))
        for log in (planted(build, put("grad_norm", 150, 10, since=150))() for build in (healthy_kto, healthy_dpo))
    }
    assert grades == {Method.KTO: Severity.CRITICAL, Method.DPO: Severity.WARNING}


def test_frequent_gradient_spikes_are_a_warning() -> None:
    log = healthy_sft()
    log.put("grad_norm", 60.0, at=range(150, 300, 8))  # 60 times the usual, six in fifty rows
    assert found(judged(log.run()), "GRAD06")[0].severity is Severity.WARNING


@pytest.mark.parametrize(("batch", "warned"), [(1, True), (3, True), (4, False)])
def test_a_tiny_kto_batch(batch: int, warned: bool) -> None:
    log = healthy_kto()
    log.config["per_device_batch"] = batch
    assert [finding.severity for finding in found(judged(log.run()), "KTO04")] == [Severity.WARNING] * warned


def test_a_score_that_was_there_from_the_start_can_be_lost_as_well() -> None:
    # It stands at 0.6 with a scatter of 0.05, and is at 0.1 from step 150 on: ten scatters below its beginning.
    log = planted(healthy_grpo, put("score_mean", 0.6, 0.05), put("score_mean", 0.1, 0.05, since=150))()
    assert found(judged(log.run()), "RWD03")
    log = planted(healthy_grpo, put("score_mean", 0.6, 0.05), put("score_mean", 0.5, 0.05, since=150))()
    assert not found(judged(log.run()), "RWD03")


def test_a_reward_function_that_never_matched_is_a_warning_where_nothing_else_is_gained() -> None:
    none = planted(healthy_grpo, put("reward_component/answer", 0.0), put("score_mean", 0.5, 0.02))()
    assert [one.severity for one in found(judged(none.run()), "RWD08")] == [Severity.WARNING]
    some = planted(healthy_grpo, put("reward_component/answer", 0.0))()  # the score rises by its other parts
    (finding,) = found(judged(some.run()), "RWD08")
    assert (finding.severity, finding.metric) == (Severity.INFO, "reward_component/answer")


def test_every_reward_function_is_asked_by_itself() -> None:
    log = planted(healthy_grpo, put("reward_component/a.b", 0.0), put("reward_component/c", 1.0))()
    log.put("reward_component/d", lambda step: step / 300)
    assert {one.metric for one in found(judged(log.run()), "RWD08")} == {
        "reward_component/a.b", "reward_component/c",
    }  # fmt: skip


def test_whole_answers_are_clipped_far_more_by_design() -> None:
    clipped = put("clip_frac", 0.6, 0.02, since=100)
    assert found(judged(planted(healthy_grpo, clipped)().run()), "CLIP01")
    of_answers = planted(healthy_grpo, clipped, importance_sampling_level="sequence")()
    assert not found(judged(of_answers.run()), "CLIP01")


def test_a_reference_that_follows_takes_the_margin_back() -> None:
    log = next(case for case in CASES if case.code == "PREF05").faulty()
    assert found(judged(log.run()), "PREF05")
    log.config["sync_ref_model"] = True
    assert not found(judged(log.run()), "PREF05")


def test_repetition_that_rises_with_the_score_is_remarked_on() -> None:
    rises = put("score_mean", lambda step: min(0.3 + step / 300, 0.8), 0.03)
    repeats = planted(healthy_grpo, rises, put("repetition_frac", lambda step: step / 600, 0.01))()
    assert found(judged(repeats.run()), "RWD06")
    steady = planted(healthy_grpo, rises, put("repetition_frac", lambda step: step / 2000, 0.01))()
    assert not found(judged(steady.run()), "RWD06")


def test_the_usual_rate_depends_on_the_method() -> None:
    # 1e-3 is what adapters of a reward model bear; for a policy it is three times the most.
    reward, policy = healthy_reward(), healthy_grpo()
    for log in (reward, policy):
        log.put("lr", 1e-3)
    assert not found(judged(reward.run()), "RATE04")
    assert found(judged(policy.run()), "RATE04")
