from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from typing import Any

import pytest
from click.testing import CliRunner

from barograph.cli.rules import _tidy, method_words, rules, written, written_by_name
from barograph.core.errors import ConfigurationError
from barograph.core.finding import Severity
from barograph.core.methods import Method
from barograph.rules.base import Rule
from barograph.rules.catalogue import RULES, rules_for
from barograph.signals.expression import Param
from barograph.signals.text import parse


def shown(*arguments: str, **environment: str) -> str:
    result = CliRunner().invoke(rules, list(arguments), env=environment, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def data(*arguments: str) -> list[dict[str, Any]]:
    answer = json.loads(shown(*arguments, "--json"))
    assert answer["schema"] == 1
    listed: list[dict[str, Any]] = answer["rules"]
    return listed


def test_every_rule_on_one_line() -> None:
    header, *lines = shown().splitlines()
    assert header.split()[:4] == ["code", "name", "severity", "methods"]
    assert [line.split()[:2] for line in lines] == [[rule.code, rule.name] for rule in RULES]
    assert all(line.endswith(rule.summary()) for line, rule in zip(lines, RULES, strict=True))


def test_a_selection() -> None:
    assert [rule["code"] for rule in data("PREF03", "loss-rising")] == ["PREF03", "LOSS02"]
    assert [rule["code"] for rule in data("PREF,KTO", "--method", "orpo")] == ["PREF05", "PREF11"]
    assert {rule["code"] for rule in data("--method", "kto")} == {rule.code for rule in rules_for(Method.KTO)}
    with pytest.raises(ConfigurationError, match="PREF"):
        shown("PERF")


def test_nothing_is_left_is_no_error() -> None:
    assert data("KTO", "--method", "ppo") == []
    assert "NUM01" not in shown("KTO", "--method", "ppo")


def test_families() -> None:
    header, *lines = shown("--family").splitlines()
    assert header.split()[:3] == ["family", "rules", "methods"]
    assert sum(int(line.split()[1]) for line in lines) == len(RULES)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
def test_json_holds_all_of_a_rule(rule: type[Rule]) -> None:
    (found,) = data(rule.code)
    assert set(found["methods"]) == {method.value for method in rule.methods}
    assert found["about"] == list(rule.pointers())
    assert found["severity"] in {str(grade) for grade in Severity}
    assert [(a["text"], a["action"]) for a in found["advice"]] == [(a.text, a.action) for a in rule.do]
    assert {name: p["default"] for name, p in found["params"].items()} == {
        name: param.default for name, param in rule.params().items()
    }
    assert all(param["doc"] for param in found["params"].values())
    assert {"Sees", "Why", "False alarm", "Sources"} <= set(found["sections"])


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
def test_the_text_of_a_condition_can_be_read_back(rule: type[Rule]) -> None:
    for condition in (rule.when, *rule.escalates.values()):
        text = written(condition)
        # A comparison with a parameter may stand the other way round in the rule itself.
        assert _tidy(parse(text)) == _tidy(condition.bind(lambda param: param.default))


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
def test_the_names_of_parameters_stand_in_the_condition(rule: type[Rule]) -> None:
    used = {part.name for signal in rule.signals() for part in signal.walk() if isinstance(part, Param)}
    assert used == set(rule.params())  # setting a number that nothing reads would do nothing
    texts = " ".join(written_by_name(condition) for condition in (rule.when, *rule.escalates.values()))
    told = {part.name for signal in rule.shows.values() for part in signal.walk() if isinstance(part, Param)}
    assert used - told <= set(re.findall(r"\w+", texts))


def test_methods_in_words() -> None:
    for rule in RULES:
        assert method_words(rule.methods)
    assert method_words(frozenset(Method)) == "all"
    assert method_words(frozenset({Method.ORPO})) == "orpo"


def test_colour_only_where_it_is_wanted() -> None:
    assert "\x1b[" not in shown()
    assert "\x1b[" not in shown(NO_COLOR="1", FORCE_COLOR="1")
    assert "\x1b[" in shown(FORCE_COLOR="1", NO_COLOR="")


def test_as_a_program() -> None:
    command = [sys.executable, "-m", "barograph", "rules"]
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    done = subprocess.run(command, capture_output=True, check=False, timeout=60, env=environment)
    assert (done.returncode, done.stderr) == (0, b"")
    assert len(done.stdout.splitlines()) == len(RULES) + 1
    wrong = subprocess.run([*command, "PREF99"], capture_output=True, check=False, timeout=60)
    assert wrong.returncode == 2
    assert wrong.stderr.startswith(b"barograph: no rule is called 'PREF99'; did you mean 'PREF0")
