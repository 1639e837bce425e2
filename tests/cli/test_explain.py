from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any, cast

import pytest
from click.testing import CliRunner

from barograph.cli.explain import explain, explained
from barograph.core.errors import ConfigurationError
from barograph.core.methods import Method
from barograph.core.names import catalogue
from barograph.rules.catalogue import RULES
from barograph.rules.causes import CAUSES
from barograph.signals.words import WORDS


def shown(*arguments: str, **environment: str) -> str:
    result = CliRunner().invoke(explain, list(arguments), env=environment, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def data(*arguments: str) -> list[dict[str, Any]]:
    answer = json.loads(shown(*arguments, "--json"))
    assert answer["schema"] == 1
    explained: list[dict[str, Any]] = answer["explained"]
    return explained


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "barograph", *arguments]
    return subprocess.run(command, capture_output=True, check=False, timeout=60, env={**os.environ, **environment})


@pytest.mark.parametrize(
    ("asked", "name"),
    [
        ("rewards/margins", "reward_margin"),
        ("Rewards / Margins", "reward_margin"),
        ("train/loss", "loss"),
        ("Training Loss", "loss"),
        ("objective/kl", "kl_ref_sequence"),
        ("actor/grad_norm", "grad_norm"),
        ("reward_margin", "reward_margin"),
    ],
)
def test_a_metric_is_known_under_any_name(asked: str, name: str) -> None:
    (found,) = data(asked)
    assert (found["kind"], found["name"], found["split"]) == ("metric", name, "train")


@pytest.mark.parametrize("asked", ["eval_loss", "eval/loss", "eval.loss"])
def test_a_metric_of_held_out_data(asked: str) -> None:
    (found,) = data(asked)
    assert (found["name"], found["split"]) == ("loss", "eval")
    assert shown(asked).startswith("eval.loss")


def test_an_ambiguous_name_is_explained_in_each_meaning() -> None:
    intro, *meanings = data("kl")
    assert intro == {"kind": "ambiguous", "name": "kl", "metrics": ["kto_z0", "kl_ref"]}
    assert [(found["name"], found["methods"]) for found in meanings] == [
        ("kto_z0", ["kto"]),
        ("kl_ref", ["ppo", "rloo", "grpo"]),
    ]
    assert {found["name"] for found in data("accuracy")[1:]} >= {"reward_accuracy", "rm_accuracy", "cls_accuracy"}
    assert {found["name"] for found in data("margin")[1:]} == {"reward_margin", "rm_margin"}


def test_a_method_leaves_one_meaning() -> None:
    (found,) = data("kl", "--method", "grpo")
    assert found["name"] == "kl_ref"
    assert "KL02" in found["rules"]
    assert not any(code.startswith("KTO") for code in found["rules"])


def test_the_usual_meaning_comes_first_and_the_others_are_named() -> None:
    (found,) = data("rewards/margins")
    assert found["elsewhere"]["rm_margin"] == ["reward"]
    assert "The same name elsewhere" in shown("rewards/margins")


def test_a_metric_tells_everything() -> None:
    text = shown("reward_margin", COLUMNS="100")
    for part in ("implicit reward", "higher is better", "How to read it", "KTO guide", "PREF03", "rewards/margins"):
        assert part in text
    (found,) = data("reward_margin")
    assert {"series", "stage"} & set(found["ranges"][0]) == {"stage"}
    ranges = [(r["stage"], r["low"], r["high"]) for r in found["ranges"] if r["methods"] == ["kto"]]
    assert ("late", 1.0, 2.0) in ranges
    assert ("any", None, 5.0) in ranges
    assert {"key": "rewards/margins"}.items() <= found["aliases"][0].items()


@pytest.mark.parametrize("asked", ["PREF03", "pref03", "margin-inverted", "Margin-Inverted"])
def test_a_rule_by_code_or_name(asked: str) -> None:
    (found,) = data(asked)
    assert (found["kind"], found["code"]) == ("rule", "PREF03")


def test_a_rule_tells_everything() -> None:
    text = shown("PREF06", COLUMNS="100")
    for part in (
        "margin-too-large", "Why it happens", "What to do", "[stop]", "[cut_lr]", "false alarm", "100 (kto: 50)",
        "[rules.PREF06]", "It is critical when", "kto, bco, dpo, online-dpo", "over-training on the pairs",
        "TRL issue 1236",
    ):  # fmt: skip
        assert part in text
    assert "guide: 1" in shown("KTO01")
    assert "loss-not-finite" in shown("PREF03")
    assert "critical in kto" in shown("GRAD02")


def test_a_family_in_capitals_and_a_metric_in_small_letters() -> None:
    (family,) = data("KL")
    codes = [rule["code"] for rule in family["rules"]]
    assert (family["kind"], codes[:4]) == ("family", ["KL01", "KL02", "KL03", "KL04"])
    assert all(code.startswith("KL") for code in codes)
    assert {found["kind"] for found in data("kl")} == {"ambiguous", "metric"}
    assert "barograph explain KL" in shown("kl")
    assert data("pref")[0]["kind"] == "family"


@pytest.mark.parametrize(
    "arguments", [("learning rate too high",), ("learning", "rate", "too", "high"), ("Learning-Rate-Too-High",)]
)
def test_a_cause(arguments: tuple[str, ...]) -> None:
    (found,) = data(*arguments)
    assert (found["kind"], found["name"]) == ("cause", "learning rate too high")
    assert "half the learning rate" in shown(*arguments)


@pytest.mark.parametrize("asked", ["ema", "ema()", "EMA"])
def test_a_word(asked: str) -> None:
    (found,) = data(asked)
    assert (found["kind"], found["name"]) == ("word", "ema")
    assert "Exponential moving average" in shown(asked)


def test_a_word_that_is_a_metric_as_well() -> None:
    assert data("step")[0]["kind"] == "metric"
    assert "barograph explain 'step()'" in shown("step")
    assert data("step()")[0]["kind"] == "word"


def test_several_names_at_once() -> None:
    assert [found["kind"] for found in data("PREF03", "ema", "loss")] == ["rule", "word", "metric"]


def test_everything_there_is_can_be_explained() -> None:
    names = [*catalogue(), *(f"{word}()" for word in WORDS), *(rule.code for rule in RULES), *(c.name for c in CAUSES)]
    for name in names:
        assert explained(name), name
    for metric in catalogue().values():
        for alias in metric.aliases:
            found = [entry.data for entry in explained(alias.key.removeprefix("*/"))]
            elsewhere = [name for entry in found for name in cast("dict[str, object]", entry.get("elsewhere", {}))]
            assert metric.name in {*elsewhere, *(entry.get("name") for entry in found)}, alias.key


@pytest.mark.parametrize(
    ("asked", "near"), [("reward_margins_", "rewards/margins"), ("margin-invertd", "margin-inverted"), ("emaa", "ema")]
)
def test_an_unknown_name_is_told_its_neighbours(asked: str, near: str) -> None:
    with pytest.raises(ConfigurationError, match="did you mean"):
        explained(asked)
    with pytest.raises(ConfigurationError) as error:
        explained(asked)
    assert near.replace("rewards/margins", "margins") in str(error.value)


def test_a_name_that_means_nothing_for_this_method_says_for_which_it_does() -> None:
    with pytest.raises(ConfigurationError, match=r"'kl' means nothing in dpo runs; it does in kto, ppo, rloo, grpo"):
        explained("kl", Method.DPO)


def test_a_name_with_an_escape_sequence_is_shown_without_it() -> None:
    with pytest.raises(ConfigurationError) as error:
        explained("lo\x1b[31mss zebra")
    assert "\x1b" not in str(error.value)


@pytest.mark.parametrize("columns", ["40", "80", "100", "200"])
@pytest.mark.parametrize("asked", ["PREF03", "reward_margin", "kl", "learning rate too high", "LIK01", "ema", "PREF"])
def test_it_keeps_to_the_width(asked: str, columns: str) -> None:
    longest = max(shown(asked, COLUMNS=columns).splitlines(), key=len)
    assert len(longest) <= max(int(columns), 80), longest  # below 80 an expression may not fit


def test_colour_only_where_it_is_wanted() -> None:
    assert "\x1b[" not in shown("PREF03", NO_COLOR="1", FORCE_COLOR="1")
    assert "\x1b[" in shown("PREF03", NO_COLOR="", FORCE_COLOR="1")
    plain = shown("PREF03", NO_COLOR="1")
    assert plain == shown("PREF03")


def test_as_a_program() -> None:
    good = run("explain", "PREF03", NO_COLOR="1", PYTHONIOENCODING="utf-8")
    assert (good.returncode, good.stderr) == (0, b"")
    unknown = run("explain", "zebra-crossing")
    assert (unknown.returncode, unknown.stdout) == (2, b"")
    assert unknown.stderr.decode().splitlines() == [
        "barograph: there is no metric, rule, cause or word called 'zebra-crossing'; `barograph rules` lists the rules"
    ]


def test_plain_characters_where_the_terminal_has_no_others() -> None:
    done = run("explain", "PREF03", "reward_margin", "loss", PYTHONIOENCODING="ascii")
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.isascii()
    assert b"-> " in done.stdout
    assert b"?" not in done.stdout.replace(b"switched on?", b"").replace(b"masked?", b"")


def test_it_loads_nothing_heavy() -> None:
    code = (
        "import sys; from barograph.cli.explain import explain; explain(['kl', 'PREF03'], standalone_mode=False);"
        "sys.exit(str({'numpy', 'orjson'} & set(sys.modules)) if {'numpy', 'orjson'} & set(sys.modules) else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
