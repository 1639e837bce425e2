"""How forecasts are measured, on a run whose crossing is known by hand."""

from __future__ import annotations

import math
import sys
from pathlib import Path

BENCHMARK = Path(__file__).parent.parent / "benchmarks" / "diagnosis"
sys.path.insert(0, str(BENCHMARK))

import forecast as measuring  # noqa: E402 - from the benchmark's own folder

from barograph.core.forecast import Forecast  # noqa: E402 - after it
from barograph.core.methods import Method  # noqa: E402 - as above
from barograph.core.run import Run, run_from_rows  # noqa: E402 - as above
from barograph.rules.forecasts import COURSES  # noqa: E402 - as above


def falling(*, floor: float) -> Run:
    """A fiftieth less a step, to 0.01 between steps 212 and 213; or it stops short of that at a floor."""
    rows = [(step, {"loss": max(floor, 0.7 * math.exp(-0.02 * step))}) for step in range(1, 401)]
    return run_from_rows(rows, method=Method.DPO, config={"max_steps": 400, "beta": 0.1})


def test_each_forecast_is_laid_beside_what_came() -> None:
    results = [one for _, one in measuring.made("a", falling(floor=0.0), COURSES)]
    assert len(results) >= 4
    for one in results:
        # The mean of five rows of a curve that bends down lies a little above it.
        assert one.came is not None
        assert abs(one.came - one.forecast.steps) <= 2
        assert one.is_within
        assert one.error < 0.1


def test_what_never_came_is_false() -> None:
    results = [one for _, one in measuring.made("a", falling(floor=0.02), COURSES)]
    assert len(results) >= 1
    assert [one.came for one in results] == [None] * len(results)
    assert not any(one.is_within for one in results)


def test_the_page_counts_them() -> None:
    said = Forecast("LOSS04", "loss", 0.01, 0.1, 40, 16, 100, "")
    made = [measuring.Made("a", said, 20), measuring.Made("a", said, 120), measuring.Made("b", said, None)]
    text = measuring.page({COURSES[0]: {"tuned": made}}, 2, with_real=False)
    # Came: two of three; within: one; errors: a half and two, whose median is one and a quarter.
    assert "| `loss` | LOSS04 | tuned | 3 | 2 | 2/3 = 67% (21% to 94%) | 1/3 = 33% (6% to 79%) | 125% |" in text
