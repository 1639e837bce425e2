"""Charts as data: nothing that matters is thinned away, and what is drawn is what was found."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from itertools import pairwise

import hypothesis
import pytest
from hypothesis import strategies as some

from barograph.charts.drawing import WHOLE, Band, Chart, View, charts_of, number, panels_by_need
from barograph.core.finding import Diagnosis, Finding, Severity, Verdict
from barograph.core.methods import Method
from barograph.core.run import Run, run_from_rows
from barograph.monitor import check
from barograph.recipes.recorded import SICK, recording


def diagnosis_of(run: Run, *findings: Finding) -> Diagnosis:
    return Diagnosis("run", "rows", run.method, len(run), run.first_step, run.last_step, Verdict.WATCH, findings)


def drawn(values: Sequence[float], name: str = "loss", method: Method = Method.DPO, view: View = WHOLE) -> Chart:
    run = run_from_rows(((step, {name: value}) for step, value in enumerate(values, 1)), method=method)
    (chart,) = charts_of(run, diagnosis_of(run), view)
    return chart


def finding(code: str, metric: str, step: int = 1, severity: Severity = Severity.WARNING, follows: str = "") -> Finding:
    return Finding(code, code.lower(), severity, step, step + 9, metric, f"{metric} is odd", follows=follows or None)


def test_a_spike_among_a_hundred_thousand_values_stays() -> None:
    values = [0.5 + 0.01 * math.sin(step) for step in range(100_000)]
    values[61_803] = 140.0
    (line,) = drawn(values, view=View(400)).lines
    assert len(line.steps) == 400
    place = line.high.index(140.0)
    # Each place stands for 250 rows and is named after the last of them; row 61,803 is step 61,804.
    assert line.steps[place] - 250 < 61_804 <= line.steps[place]
    assert max(line.smooth) < 1.0
    assert line.highest == (61_804, 140.0)
    assert "highest 140 at step 61,804" in drawn(values, view=View(400)).says


@hypothesis.given(
    some.lists(some.floats(-1e6, 1e6), min_size=1, max_size=200), some.integers(min_value=1, max_value=50)
)
def test_each_place_keeps_its_lowest_and_highest_value(values: list[float], places: int) -> None:
    (line,) = drawn(values, view=View(places)).lines
    assert len(line.steps) <= places or len(line.steps) == len(values)
    assert line.steps[-1] == len(values)
    ends = [0, *map(int, line.steps)]
    slices = [values[begin:end] for begin, end in pairwise(ends)]
    assert line.low == list(map(min, slices))
    assert line.high == list(map(max, slices))


@hypothesis.given(some.lists(some.floats(-1e3, 1e3), min_size=1, max_size=300))
def test_the_course_is_the_mean_of_the_values_just_before(values: list[float]) -> None:
    (line,) = drawn(values, view=View(1_000)).lines
    width = max(1, round(len(values) / 30))
    naive = [math.fsum(values[max(0, end - width) : end]) / min(width, end) for end in range(1, len(values) + 1)]
    assert line.smooth == pytest.approx(naive, abs=1e-6)


def test_a_learning_rate_is_shown_as_it_was_set() -> None:
    (line,) = drawn([1e-6 * step for step in range(100)], "lr").lines
    assert list(line.smooth) == list(line.high)


def test_what_is_no_number_is_marked_where_it_was() -> None:
    (line,) = drawn([0.7, math.nan, 0.6, math.inf, 0.5]).lines
    assert list(line.steps) == [1, 3, 5]
    assert list(line.gaps) == [2, 4]
    assert "no number at step 2" in drawn([0.7, math.nan, 0.6]).says


def test_a_series_that_never_was_a_number_makes_no_chart() -> None:
    run = run_from_rows([(1, {"loss": math.nan}), (2, {"loss": math.nan})], method=Method.DPO)
    assert charts_of(run, diagnosis_of(run)) == []
    empty = run_from_rows([], method=Method.DPO)
    assert charts_of(empty, diagnosis_of(empty)) == []


def test_training_and_held_out_data_stand_on_one_chart() -> None:
    run = run_from_rows(
        [(1, {"loss": 0.7}), (2, {"loss": 0.6, "eval.loss": 0.65}), (3, {"loss": 0.5})], method=Method.DPO
    )
    (chart,) = charts_of(run, diagnosis_of(run))
    assert [(line.title, line.is_held_out, list(line.steps)) for line in chart.lines] == [
        ("Loss", False, [1, 2, 3]), ("Loss (eval)", True, [2]),
    ]  # fmt: skip


def test_the_chart_of_the_cause_comes_first_and_then_that_of_its_consequence() -> None:
    cells = {"loss": 0.5, "reward_margin": 1.0, "grad_norm": 3.0, "lr": 1e-6}
    run = run_from_rows([(1, cells), (2, cells)], method=Method.DPO)
    findings = [
        finding("LOSS02", "loss", 1, Severity.CRITICAL, follows="GRAD01"), finding("GRAD01", "grad_norm", 2),
        finding("X01", "lr", severity=Severity.INFO),
    ]  # fmt: skip
    charts = charts_of(run, diagnosis_of(run, *findings))
    assert [chart.name for chart in charts] == ["gradient", "loss", "margin", "learning-rate"]
    assert [[mark.code for mark in chart.marks] for chart in charts] == [["GRAD01"], ["LOSS02"], [], []]


def test_a_sick_run_is_marked_where_check_says_it_turned() -> None:
    names = {"rewards/margins": "reward_margin", "rewards/chosen": "reward_chosen", "loss": "loss",
             "rewards/rejected": "reward_rejected", "grad_norm": "grad_norm"}  # fmt: skip
    played = recording(SICK)
    rows = [(step, {names[key]: row[key] for key in names}) for step, row in played.rows if "loss" in row]
    run = run_from_rows(rows, method=Method.DPO, config=played.config)
    diagnosis = check(run)
    falling = next(one for one in diagnosis.findings if one.code == "LIK01")
    marks = [mark for chart in charts_of(run, diagnosis) if chart.name == "rewards" for mark in chart.marks]
    assert [mark.step for mark in marks if mark.code == "LIK01"] == [falling.step]
    well = run_from_rows(rows[:20], method=Method.DPO, config=played.config)
    assert not any(chart.marks for chart in charts_of(well, check(well)))


def test_the_bands_of_kto_are_those_of_the_guide_stage_by_stage() -> None:
    dice = random.Random(1)
    rows = [(step, {"loss": 0.65 - 0.0015 * step + dice.gauss(0, 0.005)}) for step in range(1, 146)]
    run = run_from_rows(rows, method=Method.KTO, config={"max_steps": 145})
    (chart,) = charts_of(run, check(run))
    assert list(chart.bands) == [
        Band(1, 10, 0.6, 0.7), Band(11, 50, 0.5, 0.6), Band(51, 100, 0.4, 0.5), Band(101, 145, 0.3, 0.5),
    ]  # fmt: skip


def test_a_band_of_one_metric_is_not_drawn_under_lines_of_two() -> None:
    cells = {"reward_chosen": 0.1, "reward_rejected": -0.1}
    run = run_from_rows([(1, cells), (2, cells)], method=Method.DPO)
    assert charts_of(run, check(run))[0].bands == []


@pytest.mark.parametrize(
    ("method", "level"), [(Method.DPO, math.log(2)), (Method.KTO, 0.5), (Method.REWARD, math.log(2))]
)
def test_the_loss_that_it_starts_from_is_a_line(method: Method, level: float) -> None:
    (known,) = drawn([0.5, 0.4], method=method).levels
    assert known.value == pytest.approx(level)


def test_room_is_made_for_what_lies_near_and_not_for_what_lies_far() -> None:
    near, far = drawn([0.65, 0.50]), drawn([0.010, 0.011])
    assert near.low < 0.5 < math.log(2) < near.high
    assert far.high < 0.012


def test_a_gradient_norm_of_many_sizes_is_on_powers_of_ten() -> None:
    assert drawn([1.0, 2.0, 400.0], "grad_norm").is_log
    assert not drawn([1.0, 2.0, 4.0], "grad_norm").is_log
    assert not drawn([0.0, 2.0, 400.0], "grad_norm").is_log


def test_a_constant_series_has_some_height() -> None:
    for value in (0.0, 5.0, -1e-9):
        chart = drawn([value] * 5, "entropy", Method.GRPO)
        assert chart.low < value < chart.high


def test_what_is_to_be_seen_is_said() -> None:
    assert drawn([0.7, 0.9, 0.4, 0.5]).says == (
        "Loss fell from 0.7 at step 1 to 0.5 at step 4, lowest 0.4 at step 3, highest 0.9 at step 2."
    )
    assert drawn([0.7]).says == "Loss is 0.7 at step 1."
    run = run_from_rows([(1, {"loss": 0.5}), (2, {"loss": 0.5})], method=Method.SFT)
    (chart,) = charts_of(run, diagnosis_of(run, finding("LOSS01", "loss", 2)))
    assert chart.says == "Loss stayed at 0.5 from step 1 to 2. LOSS01 loss01 from step 2: loss is odd."


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (1234567.0, "1,234,567"),
        (999.6, "1,000"),
        (1e300, "1e+300"),
        (0.00012, "0.00012"),
        (math.inf, "inf"),
        (math.nan, "nan"),
        (-3.14159, "-3.14"),
    ],
)
def test_numbers(value: float, text: str) -> None:
    assert number(value) == text


def test_series_that_are_called_almost_alike_have_charts_of_their_own_names() -> None:
    cells = {"reward_component/a.b": 1.0, "reward_component/a b": 1.0, "reward_component/a?b": 1.0}
    run = run_from_rows([(1, cells), (2, cells)], method=Method.GRPO)
    names = [chart.name for chart in charts_of(run, diagnosis_of(run))]
    assert len(set(names)) == 3
    assert not any(" " in name for name in names)
    known = {panel.metrics: panel.name for panel in panels_by_need(run, diagnosis_of(run))}
    found = panels_by_need(run, diagnosis_of(run, finding("RWD01", "reward_component/a?b")))
    assert found[0].metrics == ("reward_component/a?b",)
    assert {panel.metrics: panel.name for panel in found} == known, "whatever is found, each keeps its name"


def test_an_end_that_is_read_like_the_highest_is_not_said_twice() -> None:
    assert "highest" not in drawn([1.0, 1.0001, 0.5, 1.0]).says
