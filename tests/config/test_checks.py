"""Every check: a planted fault is found, and the same settings without it are left alone."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from settings_cases import CASES, DPO, GRPO, KTO, PPO, REWARD, Case, Settings

from barograph.config.catalogue import CHECKS, by_code, select
from barograph.config.check import SettingCheck
from barograph.config.dialects.base import MEANINGS
from barograph.config.judge import ConfigReport
from barograph.core.errors import ConfigurationError
from barograph.core.finding import Severity

Judged = Callable[..., ConfigReport]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_planted_fault_is_found(case: Case, judged: Judged) -> None:
    report = judged({**case.base, **case.change}, case.facts, case.method)
    told = [one for one in report.findings if one.code == case.code]
    assert len(told) == 1
    assert told[0].severity is case.severity
    assert case.says in told[0].says
    assert case.advice in " ".join(told[0].advice)
    assert told[0].advice


@pytest.mark.parametrize("case", CASES, ids=str)
def test_its_clean_twin_is_left_alone(case: Case, judged: Judged) -> None:
    report = judged(case.base, case.clean_facts, case.method)
    assert [one.says for one in report.findings if one.code == case.code] == []


@pytest.mark.parametrize("settings", [DPO, KTO, REWARD, PPO, GRPO], ids=["dpo", "kto", "reward", "ppo", "grpo"])
def test_sound_settings_give_no_warning(settings: Settings, judged: Judged) -> None:
    report = judged(settings)
    assert [one.says for one in report.findings if one.severity > Severity.INFO] == []
    assert report.verdict == "healthy"


def test_every_check_has_a_case() -> None:
    assert {case.code for case in CASES} == {check.code for check in CHECKS}


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.code)
def test_a_check_declares_itself(check: type[SettingCheck]) -> None:
    parts = check.sections()
    assert all(parts[name] for name in ("Sees", "Why", "False alarm", "Sources"))
    assert check.about in MEANINGS
    assert all(one.about for one in check.limits().values())


def test_codes_are_numbered_through_and_names_differ() -> None:
    assert [check.code for check in CHECKS] == [f"CFG{number:02}" for number in range(1, len(CHECKS) + 1)]
    assert len({check.name for check in CHECKS}) == len(CHECKS)


def test_a_number_can_be_set(judged: Judged) -> None:
    from barograph.config.judge import judge_settings

    plan = judged({**DPO, "learning_rate": 2e-5}).plan  # four times the most that is usual
    assert judge_settings(plan).worst is Severity.WARNING
    assert judge_settings(plan, limits={"CFG03": {"warns_from": 5.0}}).worst is not Severity.WARNING


def test_what_is_not_said_is_not_judged(judged: Judged) -> None:
    report = judged({"trainer": "DPOTrainer", "beta": 0.1})
    reasons = {one.code: one.reason for one in report.not_judged}
    assert reasons["CFG03"] == "learning_rate is not said"
    assert "CFG09" in report.judged


def test_of_an_unknown_method_only_what_holds_for_all_is_judged(judged: Judged) -> None:
    report = judged({"learning_rate": 1.0, "fp16": True, "bf16": True})
    assert [one.code for one in report.findings] == ["CFG24"]
    assert {one.code: one.reason for one in report.not_judged}["CFG03"] == "the method is not known"


def test_the_gravest_comes_first(judged: Judged) -> None:
    report = judged({**KTO, "warmup_ratio": 0, "beta": 0.001, "per_device_train_batch_size": 1})
    assert [one.severity for one in report.findings] == sorted((one.severity for one in report.findings), reverse=True)
    assert report.verdict == "unhealthy"


def test_checks_are_chosen_by_code_prefix_and_name() -> None:
    assert select(["rate-high"]) == (by_code()["CFG03"],)
    assert len(select(["CFG0"])) == 9
    assert by_code()["CFG03"] not in select(ignored=["CFG03"])
    with pytest.raises(ConfigurationError, match="did you mean 'rate-high'"):
        select(["rate-hihg"])
