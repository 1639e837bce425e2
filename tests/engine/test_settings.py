"""What a user may set, and how a mistake in it is told."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

import barograph
from barograph.core.errors import ConfigurationError
from barograph.core.finding import Diagnosis, Severity
from barograph.core.methods import Method
from barograph.core.run import Run, run_from_rows
from barograph.engine.judge import judge
from barograph.engine.settings import Settings, read_settings, settings_from


def kto_run(margin_until_70: float = 0.4) -> Run:
    """Margin of a healthy run, negative for 30 steps from step 70 on."""
    chance = random.Random(3)
    rows = []
    for step in range(1, 151):
        margin = -0.5 if 70 <= step < 100 else margin_until_70
        margin += chance.gauss(0, 0.05)
        rows.append((step, {"loss": 0.5 - 0.001 * step, "reward_margin": margin, "kto_z0": 1.6 + chance.gauss(0, 0.1)}))
    return run_from_rows(rows, method=Method.KTO)


def told(diagnosis: Diagnosis) -> dict[str, Severity]:
    return {finding.code: finding.severity for finding in diagnosis.findings}


def settings_of(folder: Path, text: str, name: str = "barograph.toml") -> Settings:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return read_settings(str(path))


def test_a_parameter_moves_where_a_rule_fires(tmp_path: Path) -> None:
    steps = {
        patience: next(
            finding.step
            for finding in judge(kto_run(), settings_of(tmp_path, f"[rules.PREF03]\npatience = {patience}")).findings
            if finding.code == "PREF03"
        )
        for patience in (10, 20)
    }
    assert steps[20] == steps[10] + 10


def test_a_parameter_can_silence_a_rule(tmp_path: Path) -> None:
    assert "PREF03" in told(judge(kto_run()))
    assert "PREF03" not in told(judge(kto_run(), settings_of(tmp_path, "[rules.PREF03]\npatience = 60")))


def test_a_rule_may_be_named_by_its_name(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, "[rules.margin-inverted]\npatience = 60")
    assert settings.numbers == {"PREF03": {"patience": 60.0}}


def test_the_guide_profile_takes_the_guides_numbers(tmp_path: Path) -> None:
    # The estimate is 1.6: the KTO guide calls 1.0 very high, the default allows 10.
    assert "KTO01" not in told(judge(kto_run()))
    assert told(judge(kto_run(), settings_of(tmp_path, 'profile = "guide"')))["KTO01"] is Severity.WARNING


def test_own_numbers_outrank_the_profile(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, 'profile = "guide"\n[rules.KTO01]\nnats = 5')
    assert "KTO01" not in told(judge(kto_run(), settings))


def test_ignore_and_select(tmp_path: Path) -> None:
    assert "PREF03" not in told(judge(kto_run(), settings_of(tmp_path, 'ignore = ["PREF"]')))
    assert {rule.code for rule in settings_of(tmp_path, 'select = ["PREF03", "loss-rising"]').rules} == {
        "PREF03",
        "LOSS02",
    }


OWN = """
[[rule]]
code = "MY01"
name = "kl-above-a-limit"
when = "sustained(ema(kto_z0, 5) > 1.2, 10)"
says = "KL is {value:.1f}"
severity = "critical"
advice = ["Ask the person who set the limit"]
"""


def test_a_rule_of_ones_own_fires(tmp_path: Path) -> None:
    findings = [f for f in judge(kto_run(), settings_of(tmp_path, OWN)).findings if f.code == "MY01"]
    assert [(f.severity, f.step, f.metric) for f in findings] == [(Severity.CRITICAL, 10, "kto_z0")]
    assert findings[0].says.startswith("KL is 1.")
    assert findings[0].advice == ("Ask the person who set the limit",)


def test_a_rule_of_ones_own_keeps_to_its_methods(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, OWN + 'methods = ["dpo"]\n')
    assert "MY01" not in told(judge(kto_run(), settings))


def test_both_evaluators_know_rules_of_ones_own(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, OWN)
    by_step, by_scan = (told(judge(kto_run(), settings, evaluator=evaluator)) for evaluator in ("step", "scan"))
    assert by_step == by_scan


def test_settings_of_a_project_file(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, "[tool.barograph]\nignore = ['PREF03']\n[tool.other]\nx = 1", "pyproject.toml")
    assert "PREF03" not in {rule.code for rule in settings.rules}


def test_settings_are_found_from_a_folder_below(tmp_path: Path) -> None:
    (tmp_path / "barograph.toml").write_text('profile = "guide"')
    below = tmp_path / "runs" / "first"
    below.mkdir(parents=True)
    assert read_settings(start=below).profile == "guide"


def test_somebody_elses_broken_project_file_is_none_of_our_business(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("this is = = no TOML")
    assert read_settings(start=tmp_path) == Settings()


def test_names_of_ones_own_metrics(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, '[metrics]\n"my/margin" = "reward_margin"')
    log = tmp_path / "log.jsonl"
    lines = [f'{{"step": {s}, "loss": 0.5, "my/margin": {-0.5 if s > 60 else 0.4}}}\n' for s in range(1, 151)]
    log.write_text("".join(lines))
    assert "PREF03" in told(barograph.check(log, method="kto", settings=settings))
    assert "PREF03" not in told(barograph.check(log, method="kto", settings=Settings()))


MISTAKES = {
    "a setting": ('profil = "guide"', "profil", "profile"),
    "a profile": ('profile = "guidance"', "guidance", "default, guide"),
    "a rule": ("[rules.PREFO3]\npatience = 3", "PREFO3", "did you mean 'PREF"),
    "a rule's name": ("[rules.margin-invertd]\npatience = 3", "margin-invertd", "margin-inverted"),
    "a parameter": ("[rules.PREF03]\npatiens = 3", "patiens", "patience"),
    "a number": ('[rules.PREF03]\npatience = "long"', "patience", "'long'"),
    "a truth for a number": ("[rules.PREF03]\npatience = true", "patience", "True"),
    "an ignored rule": ('ignore = ["LOSS99"]', "LOSS99", "LOSS0"),
    "a list": ('ignore = "LOSS01"', "ignore", "list"),
    "a metric": ('[metrics]\n"my/margin" = "reward_margn"', "reward_margn", "reward_margin"),
    "a field": ('[[rule]]\ncode = "MY01"\nwhen = "loss > 1"\nsay = "x"', "say", "says"),
    "a missing expression": ('[[rule]]\ncode = "MY01"', "[[rule]]", "when"),
    "a code that is taken": ('[[rule]]\ncode = "PREF03"\nwhen = "loss > 1"', "PREF03", "margin-inverted"),
    "a severity": ('[[rule]]\ncode = "MY01"\nwhen = "loss > 1"\nseverity = "bad"', "'bad'", "info, warning, critical"),
    "a method": ('[[rule]]\ncode = "MY01"\nwhen = "loss > 1"\nmethods = ["ktoo"]', "methods", "kto"),
    "one rule for several": ('[rule]\ncode = "MY01"', "[[rule]]", "own"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_named_with_its_file_and_a_way_out(mistake: str, tmp_path: Path) -> None:
    text, found, way_out = MISTAKES[mistake]
    with pytest.raises(ConfigurationError) as error:
        settings_of(tmp_path, text)
    told_user = str(error.value)
    assert str(tmp_path / "barograph.toml") in told_user
    assert found in told_user
    assert way_out in told_user
    assert "\n" not in told_user


@pytest.mark.parametrize(
    ("expression", "place"),
    [
        ("ema(loss 5) > 1", "loss 5"),
        ("ema(loss, 5) >", ">"),
        ("emma(loss, 5) > 1", "ema"),
        ("ema(loss, 5)", "ema(loss, 5)"),
        ("ema(loss, -5) > 1", "-5"),
        ("reward_margn < 0", "reward_margin"),
        ("__import__('os').system('true') > 0", "__import__"),
    ],
)
def test_a_bad_expression_is_quoted(expression: str, place: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        settings_from({"rule": [{"code": "MY01", "when": expression}]}, "my.toml")
    assert place in str(error.value)


def test_a_bad_expression_names_its_rule_and_file() -> None:
    with pytest.raises(ConfigurationError) as error:
        settings_from({"rule": [{"code": "MY01", "when": "emma(loss, 5) > 1"}]}, "my.toml")
    assert "my.toml" in str(error.value)
    assert "MY01" in str(error.value)


def test_a_number_that_makes_no_window_is_refused_before_judging(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, "[rules.RWD01]\npatience = 0.5")
    with pytest.raises(ConfigurationError, match=r"0\.5 rows is no window"):
        judge(run_from_rows([(1, {"score_mean": 0.5})], method=Method.GRPO), settings)


@pytest.mark.parametrize("text", ["not = = toml", "\x00"])
def test_a_file_that_is_no_toml(text: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="is not valid TOML"):
        settings_of(tmp_path, text)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read"):
        read_settings(str(tmp_path / "none.toml"))
