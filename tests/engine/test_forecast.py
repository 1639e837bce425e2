"""Forecasts: curves whose crossing is known by hand, and curves of which nothing can be said."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from barograph.core.finding import Severity
from barograph.core.forecast import Forecast
from barograph.core.methods import Method
from barograph.core.run import Run, run_from_rows
from barograph.engine import forecast as engine
from barograph.engine.bound import bind
from barograph.engine.forecast import forecast
from barograph.engine.frame import frame_of
from barograph.engine.judge import judge
from barograph.engine.settings import Settings
from barograph.rules.forecasts import COURSES, Course
from barograph.rules.likelihood import BothFalling
from barograph.rules.series import beta

Curve = Callable[[float], float]


def run_of(
    curve: Curve,
    *,
    until: int,
    metric: str = "loss",
    noise: float = 0.0,
    planned: int = 1000,
    rate: Curve | None = None,
) -> Run:
    """A DPO run up to a step; the scatter is a share of the value."""
    dice = random.Random(7)
    rows = []
    for step in range(1, until + 1):
        values = {metric: curve(step) * (1 + noise * dice.gauss(0, 1))}
        rows.append((step, values | ({"lr": rate(step)} if rate else {})))
    return run_from_rows(rows, method=Method.DPO, config={"max_steps": planned, "beta": 0.1})


def said(run: Run, course: Course = COURSES[0], settings: Settings | None = None) -> Forecast | None:
    (rule,) = (rule for rule in bind(run.method, settings or Settings()) if rule.rule is course.rule)
    return forecast(run, course, rule, frame_of(run.method, run.config).facts)


def decay(step: float) -> float:
    """From 0.7 by a fiftieth a step: 0.01 is reached at ln(70) / 0.02 = 212.4."""
    return 0.7 * math.exp(-0.02 * step)


@pytest.mark.parametrize("noise", [0.0, 0.05])
def test_what_decays_reaches_the_limit_when_it_does(noise: float) -> None:
    one = said(run_of(decay, until=120, noise=noise))
    assert one is not None
    assert (one.code, one.metric, one.limit) == ("LOSS04", "loss", 0.01)
    assert one.steps == pytest.approx(92.4, rel=0.08)
    # Never nearer than 0.4 and 2.5 times the number.
    assert one.earliest <= 37
    assert one.latest >= 231
    assert one.value == pytest.approx(decay(120), rel=0.2)
    assert f"in about {one.steps} steps ({one.earliest} to {one.latest})" in one.says


def test_what_moves_by_amounts_is_extrapolated_in_a_straight_line() -> None:
    """20 nats at beta 0.1 are a reward of -2: reached at step 200."""
    course = Course(BothFalling, "reward_chosen", -BothFalling.nats * beta, "", by_shares=False)
    one = said(run_of(lambda step: -0.01 * step, metric="reward_chosen", until=120, noise=0.05), course)
    assert one is not None
    assert one.limit == pytest.approx(-2.0)
    assert one.steps == pytest.approx(80, rel=0.08)


def test_long_logs_are_averaged() -> None:
    one = said(run_of(lambda step: decay(step / 100), until=12_000, noise=0.3, planned=100_000))
    assert one is not None
    assert one.steps == pytest.approx(9240, rel=0.05)


#: A rate that falls in a line to nought at step 400 has been spent to t - t² / 800 by step t.
def spent(step: float) -> float:
    return step - step * step / 800


def falling_rate(step: float) -> float:
    return 1e-5 * (1 - step / 400)


def test_time_is_counted_in_learning_rate() -> None:
    """Reached at step 250, 90 steps on; at the pace of step 160 it would be 70."""
    pace = math.log(70) / spent(250)
    run = run_of(lambda t: 0.7 * math.exp(-pace * spent(t)), until=160, noise=0.01, planned=400, rate=falling_rate)
    one = said(run)
    assert one is not None
    assert one.steps == pytest.approx(90, abs=4)


def test_what_the_rate_does_not_suffice_for_is_not_forecast() -> None:
    """All that is left of the rate is worth 200 steps of 400; at its pace the limit is at 220."""
    pace = math.log(70) / 220
    curve = lambda t: 0.7 * math.exp(-pace * spent(t))  # noqa: E731
    assert said(run_of(curve, until=200, planned=400, rate=falling_rate)) is None
    assert said(run_of(lambda t: 0.7 * math.exp(-pace * t), until=150, planned=400)) is not None


def test_there_is_none_past_the_planned_end() -> None:
    assert said(run_of(decay, until=120, planned=250)) is None
    assert said(run_of(decay, until=120, planned=400)) is not None


def test_there_is_none_further_ahead_than_there_is_log_behind() -> None:
    assert said(run_of(decay, until=90)) is None


@pytest.mark.parametrize("seed", range(20))
def test_noise_has_no_trend(seed: int) -> None:
    dice = random.Random(seed)
    assert said(run_of(lambda _: max(1e-3, dice.gauss(0.1, 0.03)), until=150)) is None


@pytest.mark.parametrize("until", range(100, 400, 25))
def test_what_slackens_towards_a_level_of_its_own_gets_nowhere(until: int) -> None:
    assert said(run_of(lambda step: 0.05 + 0.65 * math.exp(-0.03 * step), until=until, noise=0.02)) is None


@pytest.mark.parametrize("curve", [lambda step: 0.3 + 0.001 * step, lambda _: 0.5, lambda step: -0.01 * step])
def test_what_rises_stands_still_or_has_no_logarithm_is_left_alone(curve: Curve) -> None:
    assert said(run_of(curve, until=150)) is None


@pytest.mark.parametrize("odd", [math.nan, math.inf, -math.inf, 0.0, -1e308, 1e308])
def test_odd_numbers_are_left_alone(odd: float) -> None:
    assert said(run_of(lambda step: odd if step >= 110 else decay(step), until=120)) is None


@pytest.mark.parametrize("odd", [math.nan, math.inf, 0.0, -1.0])
def test_a_rate_that_is_none_tells_nothing_of_time(odd: float) -> None:
    assert said(run_of(decay, until=120, rate=lambda _: odd)) == said(run_of(decay, until=120))


def test_infinities_of_both_signs_break_nothing() -> None:
    assert said(run_of(lambda step: (-1) ** int(step) * math.inf, until=200)) is None
    said(run_of(decay, until=120, rate=lambda step: (1e308, 1e-308)[int(step) % 2]))


def test_no_rows_and_restarts_are_left_alone() -> None:
    again = [(step % 60, {"loss": decay(step)}) for step in range(120)]
    assert said(run_from_rows(again, method=Method.DPO)) is None
    assert said(run_from_rows([], method=Method.DPO)) is None


def test_the_limit_is_the_number_of_the_rule_as_it_is_set() -> None:
    """0.05 is reached at ln(14) / 0.02 = 132: 12 steps on."""
    one = said(run_of(decay, until=120), settings=Settings().with_numbers(["LOSS04.floor=0.05"]))
    assert one is not None
    assert (one.limit, one.steps) == (0.05, 12)


def test_a_diagnosis_carries_it_until_the_rule_has_found_something() -> None:
    early, late = judge(run_of(decay, until=120)), judge(run_of(decay, until=260))
    assert [one.code for one in early.forecasts] == ["LOSS04"]
    assert "LOSS04" not in {finding.code for finding in early.findings}
    assert "LOSS04" in {finding.code for finding in late.findings}
    assert late.forecasts == []
    assert judge(run_of(decay, until=120), Settings().narrowed([], ["LOSS04"])).forecasts == []


def test_no_verdict_and_no_finding_rests_on_it(monkeypatch: pytest.MonkeyPatch) -> None:
    run = run_of(decay, until=120)
    with_it = judge(run)
    monkeypatch.setattr(engine, "COURSES", ())
    without = judge(run)
    assert with_it.forecasts != []
    assert replace(with_it, forecasts=[]) == without
    assert (with_it.worst or Severity.INFO) == (without.worst or Severity.INFO)


def test_every_field_is_documented(project: Path) -> None:
    page = (project / "docs" / "json.md").read_text("utf-8").partition("A forecast:")[2]
    fields = Forecast("", "", 0.0, 0.0, 0, 0, 0, "").to_dict()
    assert [name for name in fields if f"`{name}`" not in page] == []
