"""The benchmark of the diagnosis: its plan, its recorded logs and its scorer fit together. Nothing is trained here."""

from __future__ import annotations

import json
import math
import random
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from barograph.recipes.options import METHODS
from barograph.rules.catalogue import RULES
from barograph.rules.causes import CAUSES

BENCHMARK = Path(__file__).parent.parent / "benchmarks" / "diagnosis"
sys.path.insert(0, str(BENCHMARK))

import recorded  # noqa: E402 - as above
import rivals  # noqa: E402 - as above
import scenarios  # noqa: E402 - as above
from judging import Alarm, Said, said_of  # noqa: E402 - as above
from page import page  # noqa: E402 - as above
from scoring import Share, score  # noqa: E402 - as above

import examples  # noqa: E402 - from the benchmark's own folder

BY_NAME = {scenario.name: scenario for scenario in scenarios.SCENARIOS}
MANIFEST = recorded.Manifest.read(recorded.MANIFEST)


# The plan. ---------------------------------------------------------------------------------------------------------- #


def test_there_is_enough_of_everything_and_each_has_a_name_of_its_own() -> None:
    methods = {setting.method for setting in scenarios.SETTINGS}
    assert methods == {"dpo", "kto", "reward", "prm", "grpo", "ppo"}
    assert (len(scenarios.SETTINGS) >= 12, len(scenarios.FAULTS) >= 25) == (True, True)
    assert len(BY_NAME) == len(scenarios.SCENARIOS)


def test_every_method_is_held_out_too_healthy_and_with_faults() -> None:
    held_out = [scenario for scenario in scenarios.SCENARIOS if scenario.is_held_out]
    assert {one.method for one in held_out if one.fault is None} == set(METHODS)
    assert {one.method for one in held_out if one.fault is not None} == set(METHODS)
    assert {one.name for one in held_out} == {
        scenario.name for scenario in scenarios.SCENARIOS if scenario.setting in scenarios.LOTS[-1].SETTINGS
    }


@pytest.mark.parametrize("fault", scenarios.FAULTS, ids=lambda fault: f"{fault.setting}--{fault.kind}")
def test_a_fault_speaks_of_causes_rules_and_steps_that_there_are(fault: Any) -> None:
    scenario = BY_NAME[f"{fault.setting}--{fault.kind}"]
    assert {cause.name for cause in CAUSES} >= set(fault.causes)
    assert {rule.code for rule in RULES} >= set(fault.codes)
    steps = scenario.options()["max_steps"]
    assert 1 <= fault.since <= steps
    assert fault.seen_from is None or fault.since <= fault.seen_from <= steps
    assert fault.kind in rivals.WORDS
    assert METHODS[scenario.method].made(scenario.options())


# The examples. ------------------------------------------------------------------------------------------------------ #


def laid_out(method: str, data: dict[str, Any], since: int = 1) -> Any:
    return examples.examples(method, data, seed=1, since=since, steps=10, batch=4)


def test_labels_are_swapped_from_a_step_on_in_the_training_set_alone() -> None:
    plain, plain_held_out = laid_out("dpo", {})
    swapped, held_out = laid_out("dpo", {"swapped": "from a step on"}, since=6)
    turned = [{**row, "chosen": row["rejected"], "rejected": row["chosen"]} for row in plain]
    assert swapped == plain[:20] + turned[20:]
    assert held_out == plain_held_out


def test_a_few_examples_come_again_and_again() -> None:
    rows, held_out = laid_out("dpo", {"distinct": 5})
    assert len(rows) == 40
    assert len({tuple(row.items()) for row in rows}) <= 5
    assert len(held_out) == 120


def test_pairs_that_differ_in_the_number_are_alike_up_to_it() -> None:
    rows, _ = laid_out("dpo", {"differ": "in the number"})
    for row in rows:
        assert row["chosen"].split()[:4] == row["rejected"].split()[:4]
        assert row["chosen"] != row["rejected"]


@pytest.mark.parametrize(("share", "least", "most"), [(0.95, 34, 40), (0.05, 0, 6)])
def test_nearly_all_answers_are_of_one_kind(share: float, least: int, most: int) -> None:
    rows, _ = laid_out("kto", {"good": share})
    assert least <= sum(row["label"] for row in rows) <= most


def test_good_answers_come_first() -> None:
    rows, _ = laid_out("kto", {"sorted": True})
    labels = [row["label"] for row in rows]
    assert labels == sorted(labels, reverse=True)
    assert 10 <= sum(labels) <= 30


def test_labels_of_single_answers_are_turned_round() -> None:
    plain, _ = laid_out("kto", {})
    swapped, _ = laid_out("kto", {"swapped": "from a step on"}, since=6)
    assert [row["label"] for row in swapped[20:]] == [not row["label"] for row in plain[20:]]


# The logs. ---------------------------------------------------------------------------------------------------------- #


def test_every_log_is_in_the_manifest_and_the_other_way_round() -> None:
    known = {path for _, _, path in MANIFEST.logs()}
    assert known == set(recorded.LOGS.glob("*/*.jsonl.gz"))


def test_the_manifest_says_what_is_planned() -> None:
    for name, entry in MANIFEST.entries.items():
        scenario = BY_NAME[name]
        fault = scenario.fault
        assert entry["method"] == scenario.method
        assert entry["planted"] == (fault.kind if fault else None)
        assert entry["since"] == (fault.since if fault else None)
        assert entry["config"]["max_steps"] == scenario.options()["max_steps"]


def test_every_log_reads_and_tells_of_no_place_and_nobody() -> None:
    places = re.compile(r"/(home|root|tmp|work|Users)\b|@|localhost|\.local\b")
    for name, seed, path in MANIFEST.logs():
        rows = recorded.read_log(path)
        assert len(rows) == MANIFEST.entries[name]["rows"][str(seed)]
        steps = [row["step"] for row in rows]
        assert steps == sorted(steps)
        assert not any(places.search(f"{key} {value}") for row in rows for key, value in row.items())
    assert not places.search(recorded.MANIFEST.read_text("utf-8")) if MANIFEST.entries else True


def test_the_logs_are_small() -> None:
    assert sum(path.stat().st_size for path in recorded.LOGS.rglob("*") if path.is_file()) < 13_000_000


# The scorer. -------------------------------------------------------------------------------------------------------- #


def log(*, broken_from: int = 1000) -> list[dict[str, Any]]:
    """A DPO run by hand, that learns steadily; not a number any more from a step on."""
    dice, rows = random.Random(0), []
    for step in range(1, 101):
        margin = 0.01 * step + dice.gauss(0, 0.02)
        row = {
            "loss": math.log1p(math.exp(-margin)), "grad_norm": 1.0 + dice.gauss(0, 0.1), "learning_rate": 1e-6,
            "rewards/chosen": 0.4 * margin, "rewards/rejected": -0.6 * margin, "rewards/margins": margin,
            "rewards/accuracies": min(0.9, 0.5 + 0.006 * step),
        }  # fmt: skip
        rows.append({"step": step, **(dict.fromkeys(row, "NaN") if step >= broken_from else row)})
    return rows


ENTRY = {"method": "dpo", "config": {"beta": 0.1, "max_steps": 100, "per_device_train_batch_size": 16}}


def test_a_healthy_log_is_silent() -> None:
    one = score(BY_NAME["dpo-plain--healthy"], 1, said_of(log(), ENTRY))
    assert (one.alarmed, one.false_alarms, one.said.verdict) == (False, (), "healthy")


def test_a_fault_is_seen_where_it_is_named_and_its_cause_is_right() -> None:
    scenario = BY_NAME["dpo-strict--overflow"]
    one = score(scenario, 1, said_of(log(broken_from=50), ENTRY))
    assert (one.alarmed, one.named, one.false_alarms) == (True, True, ())
    assert one.delay == 50 - scenario.fault.seen_from
    assert one.second


def said(*alarms: tuple[int, str], causes: tuple[str, ...] = (), verdict: str = "watch") -> Said:
    return Said(verdict, tuple({code for _, code in alarms}), (), causes, tuple(Alarm(*alarm) for alarm in alarms))


def test_an_alarm_before_the_fault_is_false_and_does_not_count_as_seeing_it() -> None:
    one = score(BY_NAME["dpo-strict--overflow"], 1, said((20, "NUM01"), causes=("number range overflows",)))
    assert (one.alarmed, one.named, one.first, one.delay) == (False, False, False, None)
    assert one.false_alarms == ((20, "NUM01"),)


def test_the_second_cause_counts_as_such() -> None:
    causes = ("learning rate too high", "number range overflows")
    one = score(BY_NAME["dpo-strict--overflow"], 1, said((52, "LOSS02"), (53, "NUM01"), causes=causes))
    assert (one.alarmed, one.named, one.first, one.second, one.delay) == (True, True, False, True, 1)


def test_a_fault_without_a_word_is_missed_whatever_is_said() -> None:
    one = score(BY_NAME["dpo-lora--beta-too-small"], 1, said((60, "LIK05"), causes=("learning rate too high",)))
    assert (one.alarmed, one.named, one.first, one.second) == (True, True, False, False)


def test_an_alarm_that_is_gone_in_the_end_was_false_all_the_same() -> None:
    one = score(BY_NAME["dpo-plain--healthy"], 1, said((20, "LOSS02"), verdict="healthy"))
    assert (one.alarmed, one.false_alarms) == (False, ((20, "LOSS02"),))


@pytest.mark.parametrize(
    ("count", "of", "low", "high"), [(0, 10, 0.0, 0.2775), (5, 10, 0.2366, 0.7634), (10, 10, 0.7225, 1.0)]
)
def test_intervals_are_those_of_wilson(count: int, of: int, low: float, high: float) -> None:
    """Worked out by hand: at 0 of 10 the upper end is z²/(10 + z²)."""
    assert Share(count, of).interval == pytest.approx((low, high), abs=1e-4)


def of_last_lot(kind: str | None) -> scenarios.Scenario:
    """A healthy scenario that is held out, or one with that fault."""
    return next(
        one
        for one in scenarios.SCENARIOS
        if one.is_held_out and (one.fault.kind if one.fault is not None else None) == kind
    )


def test_the_page_counts_what_it_is_given() -> None:
    overflow = of_last_lot("overflow")
    assert overflow.fault is not None
    scores = [
        score(of_last_lot(None), 1, said_of(log(), ENTRY)),
        score(overflow, 1, said_of(log(broken_from=overflow.fault.since), ENTRY)),
    ]
    text = page(scores, {})
    assert "| healthy runs without any alarm, at any time | - | 1/1 = 100% (21% to 100%) |" in text
    assert "| faults that raise an alarm | - | 1/1 = 100% (21% to 100%) |" in text


def test_of_what_is_held_out_the_page_tells_no_more_than_sums() -> None:
    scenario = of_last_lot("overflow")
    assert scenario.fault is not None
    one = score(scenario, 1, said((67, "NUM01"), causes=("a cause that is not right",)))
    text = page([one], {})
    assert f"| {scenario.setting.name} | overflow | {scenario.fault.says} | 1 | - |" in text
    assert "a cause that is not right" not in text


def test_what_is_kept_of_what_was_said_is_what_was_said() -> None:
    whole = said((67, "NUM01"), (80, "LOSS02"), causes=("one", "another"))
    assert Said.from_list(json.loads(json.dumps(whole.to_list()))) == whole


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_page_is_what_the_logs_give() -> None:
    """Whoever changes a rule measures again: `python benchmarks/diagnosis/score.py`."""
    done = subprocess.run(
        [sys.executable, str(BENCHMARK / "score.py"), "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
