"""A run that grows: its columns are those of the same rows taken at once, and no extreme is ever thinned away."""

from __future__ import annotations

import math
import random

import pytest

from barograph.core.growing_run import GrowingRun
from barograph.core.methods import Method
from barograph.core.run import run_from_rows


def rows(count: int) -> list[tuple[int, dict[str, float]]]:
    dice = random.Random(7)
    return [
        (step, {"loss": dice.gauss(0, 1), **({"eval.loss": dice.random()} if step % 7 == 0 else {})})
        for step in range(count)
    ]


def grown(taken: list[tuple[int, dict[str, float]]], most: int = 20_000) -> GrowingRun:
    growing = GrowingRun(most)
    for step, values in taken:
        growing.add(step, values)
    return growing


def test_it_is_the_run_of_its_rows() -> None:
    run, whole = grown(rows(100)).run("runs/a", Method.DPO, {"beta": 0.1}), run_from_rows(rows(100))
    assert (run.path, run.method, run.config, run.steps) == ("runs/a", Method.DPO, {"beta": 0.1}, whole.steps)
    assert {key: (column.at, column.values) for key, column in run.columns.items()} == {
        key: (column.at, column.values) for key, column in whole.columns.items()
    }


def test_what_was_given_stays_as_it_is() -> None:
    growing = grown(rows(10))
    run = growing.run("", Method.DPO, {})
    growing.add(10, {"loss": 1.0})
    assert (len(run), len(run.columns["loss"]), len(growing)) == (10, 10, 11)


@pytest.mark.parametrize("place", [500, 501, 777, 999])
@pytest.mark.parametrize("value", [50.0, -50.0, math.nan, math.inf])
def test_a_spike_survives_every_thinning(place: int, value: float) -> None:
    taken = rows(1_000)
    taken[place][1]["loss"] = value
    column = grown(taken, most=64).run("", Method.DPO, {}).columns["loss"]
    assert len(column) <= 64
    assert list(column.at) == sorted(set(column.at))
    kept = dict(zip(column.at, column.values, strict=True))
    assert kept[place] == value or (math.isnan(value) and math.isnan(kept[place]))
    assert all(kept[row] == taken[row][1]["loss"] for row in kept if row != place)


def test_series_of_few_values_are_not_thinned_with_the_others() -> None:
    columns = grown(rows(700), most=128).run("", Method.DPO, {}).columns
    assert len(columns["loss"]) <= 128
    assert len(columns["eval.loss"]) == 100


def test_going_back_leaves_the_rows_before() -> None:
    growing = grown(rows(20))
    growing.go_back(12, run_from_rows(rows(15)))
    assert list(growing.run("", Method.DPO, {}).steps) == list(range(12))
