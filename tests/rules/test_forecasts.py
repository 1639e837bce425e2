"""Of healthy runs hardly anything is forecast; and each quantity that is forecast is one of its rule's."""

from __future__ import annotations

import pytest
from rule_logs import healthy_dpo, healthy_kto, healthy_ppo, healthy_reward

from barograph.core.run import run_from_rows
from barograph.engine.judge import judge
from barograph.rules.forecasts import COURSES

HEALTHY = (healthy_dpo, healthy_kto, healthy_ppo, healthy_reward)


@pytest.mark.parametrize("build", HEALTHY, ids=lambda build: build.__name__)
def test_healthy_runs_are_left_alone_while_they_go_on(build: object) -> None:
    said = []
    for seed in range(3):
        log = build(300, 1, seed)  # type: ignore[operator]
        rows = [(record.step, record.series()) for record in log.run().records()]
        for share in (0.2, 0.4, 0.6, 0.8):
            run = run_from_rows(rows[: int(share * len(rows))], method=log.method, config=log.config)
            said += judge(run).forecasts
    assert said == []


@pytest.mark.parametrize("course", COURSES, ids=lambda course: course.rule.code)
def test_a_course_is_of_a_metric_and_numbers_of_its_rule(course: object) -> None:
    assert course.metric in course.rule.when.series()  # type: ignore[attr-defined]
    used = [part for part in course.limit.walk() if part.word == "param"]  # type: ignore[attr-defined]
    assert used
    assert set(used) <= set(course.rule.params().values())  # type: ignore[attr-defined]
