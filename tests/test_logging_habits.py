"""The same run, logged otherwise: the verdict stays, or becomes less, and is never wrong.

Some recorded runs of the tuned part stand for all here; `benchmarks/diagnosis/habits.py` measures every one of them.
"""

from __future__ import annotations

import math
import random
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

BENCHMARK = Path(__file__).parent.parent / "benchmarks" / "diagnosis"
sys.path.insert(0, str(BENCHMARK))

import recorded  # noqa: E402 - from the benchmark's own folder
import resampling  # noqa: E402
import scenarios  # noqa: E402
import steadfast  # noqa: E402
from resampling import HABITS, Habit, Log, averaged, begun_late, every, joined, keys_of, without  # noqa: E402
from steadfast import Answer, Outcome, answer_to, outcome  # noqa: E402

from barograph.core.finding import Verdict  # noqa: E402
from barograph.core.names import resolve  # noqa: E402

BY_NAME = {scenario.name: scenario for scenario in scenarios.SCENARIOS}
MANIFEST = recorded.Manifest.read(recorded.MANIFEST)

#: One healthy run for each method, and the one that is logged in its own way.
HEALTHY = ("dpo-strict", "dpo-sparse", "kto-plain", "reward-human", "prm-constant", "grpo-free", "ppo-adaptive")
#: Faults that differ in what shows them.
FAULTS = (
    "dpo-lora--nothing-trains",
    "dpo-strict--rate-too-low",
    "kto-plain--nothing-trains",
    "grpo-free--reward-constant",
    "grpo-free--cut-off",
    "ppo-adaptive--critic-stands-still",
    "prm-constant--one-class",
)


@cache
def recorded_log(name: str, seed: int = 1) -> Log:
    assert not BY_NAME[name].is_held_out
    entry = MANIFEST.entries[name]
    return Log(recorded.read_log(recorded.log_of(name, entry["method"], seed)), entry["config"], entry["method"])


@cache
def whole(name: str) -> Answer:
    return answer_to(recorded_log(name))


def said(name: str, habit: Habit) -> Outcome | None:
    """How the answer to the log that this habit leaves stands to that to the whole; nothing if it leaves none."""
    less = habit(recorded_log(name))
    return None if less is None else outcome(BY_NAME[name], whole(name), answer_to(less))


# Recorded runs. ----------------------------------------------------------------------------------------------------- #


@pytest.mark.parametrize("setting", HEALTHY)
def test_a_healthy_run_stays_without_an_alarm(setting: str) -> None:
    assert not whole(f"{setting}--healthy").alarmed
    outcomes = {habit: said(f"{setting}--healthy", HABITS[habit]) for habit in HABITS}
    assert {habit for habit, one in outcomes.items() if one is Outcome.FALSE_ALARM} == set()
    # And that is not because nothing is judged any more.
    assert sum(one is Outcome.SILENT for one in outcomes.values()) > len(outcomes) / 2


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_named_rightly_or_said_to_be_unjudged(name: str) -> None:
    assert whole(name).first in BY_NAME[name].fault.causes
    outcomes = {habit: said(name, HABITS[habit]) for habit in HABITS}
    assert {habit: one for habit, one in outcomes.items() if one is not None and one.is_wrong} == {}
    assert sum(one is Outcome.KEPT for one in outcomes.values()) >= len(outcomes) / 3


@st.composite
def habits(draw: st.DrawFn, keys: Sequence[str]) -> Habit:
    """Any subset of keys is missing, rows are as frequent as anybody likes, and the log may begin late."""
    lost = draw(st.sets(st.sampled_from(keys), max_size=len(keys) - 1))
    chosen = [without(lost)]
    if k := draw(st.sampled_from((0, 2, 3, 5, 8, 13))):
        chosen.append(draw(st.sampled_from((every, averaged)))(k))
    if draw(st.booleans()):
        chosen.append(begun_late(draw(st.sampled_from((0.1, 0.3, 0.6)))))
    if draw(st.booleans()):
        chosen.append(draw(st.sampled_from((resampling.no_config, resampling.twice, resampling.as_dashboard))))
    return joined(*chosen)


@given(data=st.data(), setting=st.sampled_from(HEALTHY))
@settings(max_examples=50, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_a_healthy_run_logged_in_any_way_raises_no_alarm(data: st.DataObject, setting: str) -> None:
    name = f"{setting}--healthy"
    assert said(name, data.draw(habits(keys_of(recorded_log(name))))) is not Outcome.FALSE_ALARM


# A run by hand. ----------------------------------------------------------------------------------------------------- #


def by_hand(margin_at: float = 0.03) -> Log:
    """A DPO run that learns: the margin grows by so much a step, and the loss is what it then must be."""
    dice, rows = random.Random(11), []
    for step in range(1, 201):
        margin = margin_at * step / 2 + dice.gauss(0, 0.02)
        rows.append(
            {
                "step": step, "loss": math.log1p(math.exp(-margin)), "grad_norm": 1.0 + dice.gauss(0, 0.1),
                "learning_rate": 1e-6, "rewards/chosen": 0.5 * margin, "rewards/rejected": -0.5 * margin,
                "rewards/margins": margin, "rewards/accuracies": min(0.85, 0.55 + 0.004 * step) + dice.gauss(0, 0.02),
            }
        )  # fmt: skip
    return Log(rows, {"beta": 0.1, "max_steps": 200, "logging_steps": 1}, "dpo")


@pytest.mark.parametrize("habit", HABITS)
def test_a_run_by_hand_is_healthy_however_it_is_logged(habit: str) -> None:
    less = HABITS[habit](by_hand())
    if less is not None:
        answer = answer_to(less)
        assert not answer.alarmed, answer


def test_what_begins_late_is_no_run_that_does_not_learn() -> None:
    """In its second half the loss of a run that has learned stands still."""
    rows = [{**row, "loss": max(row["loss"], 0.3)} for row in by_hand().rows]
    log = Log(rows, by_hand().config, "dpo")
    late = begun_late(0.5)(log)
    assert late is not None
    answer = answer_to(late)
    assert (answer.verdict, "LOSS06" in answer.unjudged) == (Verdict.HEALTHY, True)


# The habits. -------------------------------------------------------------------------------------------------------- #

ROWS = [{"step": step, "loss": float(step), "learning_rate": step / 10, "x": 1.0} for step in range(1, 8)]


def test_one_row_in_three_is_the_first_fourth_and_seventh() -> None:
    less = every(3)(Log(ROWS, {"logging_steps": 2}))
    assert less is not None
    assert [row["step"] for row in less.rows] == [1, 4, 7]
    assert less.config == {"logging_steps": 6}


def test_a_mean_over_three_rows_stands_at_the_last_of_them_and_the_rate_is_as_it_stands() -> None:
    less = averaged(3)(Log(ROWS))
    assert less is not None
    assert [(row["step"], row["loss"], row["learning_rate"]) for row in less.rows] == [(3, 2.0, 0.3), (6, 5.0, 0.6)]


def test_evaluations_stay_behind_the_row_of_their_step() -> None:
    rows = [*ROWS[:2], {"step": 2, "eval_loss": 0.5}, *ROWS[2:]]
    less = averaged(2)(Log(rows))
    assert less is not None
    assert [(row["step"], "eval_loss" in row) for row in less.rows] == [(2, False), (2, True), (4, False), (6, False)]


def test_a_mean_with_a_value_that_is_none_is_none() -> None:
    less = averaged(2)(Log([{"step": 1, "loss": 1.0}, {"step": 2, "loss": "NaN"}] * 2))
    assert less is not None
    assert less.rows[0]["loss"] == "nan"


def test_without_any_key_there_is_no_log() -> None:
    assert without({"loss", "learning_rate", "x"})(Log(ROWS)) is None


@pytest.mark.parametrize("framework", resampling.NAMES)
def test_a_name_of_another_framework_means_what_the_name_of_trl_means(framework: str) -> None:
    """But for what it says of a unit or of two names that a framework has for one thing."""
    methods, names = resampling.NAMES[framework]
    for method in methods:
        for ours, theirs in names.items():
            mine, other = resolve(ours, method), resolve(theirs, method)
            assert other is not None, theirs
            if mine is not None and ours != "loss":  # the loss of an online method is that of its policy elsewhere
                assert (mine.name, mine.split.partition("/")[0]) == (other.name, other.split.partition("/")[0])


# What counts as wrong. ---------------------------------------------------------------------------------------------- #


def answer(*causes: str, verdict: Verdict = Verdict.WATCH, **more: Any) -> Answer:
    none = frozenset[str]()
    return Answer(verdict, causes, **{"left_open": (), "warned": none, "remarked": none, "unjudged": none, **more})


FULL = answer("learning rate too low", warned=frozenset({"LOSS01", "PREF04"}))
SILENT = {"verdict": Verdict.HEALTHY}


@pytest.mark.parametrize(
    ("less", "expected"),
    [
        (answer("learning rate too low"), Outcome.KEPT),
        (answer("learning rate too high"), Outcome.OTHER_CAUSE),
        (answer("learning rate too high", left_open=("learning rate too low",)), Outcome.LEFT_OPEN),
        (answer(), Outcome.SEEN),
        (answer(verdict=Verdict.UNJUDGED), Outcome.UNJUDGED),
        (answer(**SILENT), Outcome.MISSED),
        (answer(**SILENT, unjudged=frozenset({"PREF04"})), Outcome.UNJUDGED),
        (answer(**SILENT, remarked=frozenset({"LOSS01"})), Outcome.REMARKED),
        (answer(**SILENT, remarked=frozenset({"LOSS06"})), Outcome.MISSED),
        # A rule that had not warned, or that warns of other causes, is no witness.
        (answer(**SILENT, unjudged=frozenset({"LOSS06", "NUM01"})), Outcome.MISSED),
    ],
)
def test_what_may_become_of_a_fault_that_was_named_rightly(less: Answer, expected: Outcome) -> None:
    assert outcome(BY_NAME["dpo-strict--rate-too-low"], FULL, less) is expected


def test_what_may_become_of_a_healthy_run() -> None:
    healthy = BY_NAME["dpo-strict--healthy"]
    quiet, loud = answer(**SILENT), answer("learning rate too low")
    assert outcome(healthy, quiet, loud) is Outcome.FALSE_ALARM
    assert outcome(healthy, loud, loud) is Outcome.AS_BEFORE
    assert outcome(healthy, quiet, quiet) is Outcome.SILENT


def test_every_cause_has_witnesses() -> None:
    assert all(steadfast.SPEAKS.values())
