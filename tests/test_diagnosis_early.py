"""What early warning is worth, reckoned by hand: runs that were judged on paper, and what stopping them would save."""

from __future__ import annotations

import random
import sys
from pathlib import Path
from typing import Any

import pytest

BENCHMARK = Path(__file__).parent.parent / "benchmarks" / "diagnosis"
sys.path.insert(0, str(BENCHMARK))

import early  # noqa: E402 - from the benchmark's own folder
import scenarios  # noqa: E402 - as above
from judging import Alarm, Said, said_of  # noqa: E402 - as above
from page import page  # noqa: E402 - as above
from scoring import Score, score  # noqa: E402 - as above

BY_NAME = {scenario.name: scenario for scenario in scenarios.SCENARIOS}
#: 100 steps, broken from step 50 on; named by NUM01 among others.
BROKEN = BY_NAME["dpo-strict--overflow"]
HEALTHY = BY_NAME["dpo-strict--healthy"]


def judged(
    scenario: Any,
    *alarms: tuple[int, str],
    critical: int | None = None,
    held: int | None = None,
    causes: tuple[str, ...] = (),
) -> Score:
    codes = tuple(dict.fromkeys(code for _, code in alarms))
    told = tuple(Alarm(*alarm) for alarm in alarms)
    verdict = "watch" if alarms else "healthy"
    return score(scenario, 1, Said(verdict, codes, (), causes, told, critical_at=critical, held_at=held))


def test_what_is_left_counts_from_the_alarm_that_names_the_fault() -> None:
    assert BROKEN.options()["max_steps"] == 100
    one = judged(BROKEN, (52, "LOSS02"), (60, "NUM01"), (70, "NUM01"))
    assert (early.steps_left(one), early.left_when_named(one)) == (40, 0.4)


@pytest.mark.parametrize("alarms", [(), ((52, "LOSS02"),), ((20, "NUM01"),)])
def test_nothing_is_left_where_no_alarm_names_the_fault_once_it_is_there(alarms: Any) -> None:
    assert early.left_when_named(judged(BROKEN, *alarms)) is None


def test_stopping_saves_what_would_have_come_and_counts_runs_that_are_not_stopped() -> None:
    runs = [judged(BROKEN, (55, "NUM01"), critical=60, held=80), judged(BROKEN, (55, "NUM01"), held=90)]
    at_critical, at_held = early.stopped(runs, at="critical"), early.stopped(runs, at="held")
    assert (at_critical.shares, at_critical.share) == (pytest.approx((0.4,)), pytest.approx(0.2))
    assert (at_held.shares, at_held.share) == (pytest.approx((0.2, 0.1)), pytest.approx(0.15))


def test_a_stop_before_the_fault_saves_nothing_and_one_of_a_healthy_run_costs() -> None:
    assert early.stopped([judged(BROKEN, (30, "PREF03"), critical=30)], at="critical").shares == ()
    wrong = early.stopped([judged(HEALTHY, (30, "PREF03"), critical=25), judged(HEALTHY)], at="critical")
    assert (len(wrong.shares), wrong.of, wrong.share) == (1, 2, pytest.approx(0.375))


def test_the_page_has_the_sums() -> None:
    causes = BROKEN.fault.causes
    scores = [
        judged(BROKEN, (60, "NUM01"), critical=60, held=70, causes=causes),
        judged(BROKEN, (80, "NUM01"), held=90),
        judged(HEALTHY, (50, "PREF03"), held=60),
        judged(HEALTHY),
    ]
    # Left: 40 and 20 of 100 steps; saved at critical: 40 and 0; at held: 30 and 10; the healthy one lost 40 of 200.
    line = "| dpo | 2/2 | 30% | 30 | 40% | 20% | 0/2 | 0% | 20% | 1/2 | 20% |"
    assert line in page(scores, {}).splitlines()


def log(*, broken: range) -> list[dict[str, Any]]:
    """A DPO run by hand, whose numbers are none for a while."""
    dice = random.Random(0)
    rows: list[dict[str, Any]] = []
    for step in range(1, 101):
        margin = 0.01 * step + dice.gauss(0, 0.02)
        row: dict[str, Any] = {
            "loss": 0.69 - margin / 2, "grad_norm": 1.0 + dice.gauss(0, 0.1), "learning_rate": 1e-6,
            "rewards/chosen": 0.4 * margin, "rewards/rejected": -0.6 * margin, "rewards/margins": margin,
        }  # fmt: skip
        rows.append({"step": step, **(dict.fromkeys(row, "NaN") if step in broken else row)})
    return rows


ENTRY = {"method": "dpo", "config": {"beta": 0.1, "max_steps": 100, "per_device_train_batch_size": 16}}


def test_an_alarm_has_held_a_tenth_of_the_run_after_it_came() -> None:
    said = said_of(log(broken=range(50, 101)), ENTRY)
    assert said.critical_at == 50
    assert said.held_at == 60


def test_an_alarm_that_is_over_soon_has_not_held() -> None:
    said = said_of(log(broken=range(50, 53)), ENTRY)
    assert said.critical_at == 50
    assert said.held_at is None
