"""Rules that are asked of every reward function by itself, whenever it turns up."""

from __future__ import annotations

from barograph.core.methods import Method
from barograph.core.run import run_from_rows
from barograph.engine.bound import bind, for_each_component
from barograph.engine.judge import judge, step_run
from barograph.engine.live import Engine
from barograph.engine.own_rules import own_rules
from barograph.engine.scan import scan_run
from barograph.engine.settings import Settings
from barograph.rules.catalogue import select
from barograph.signals.timeline import Timeline

TIMELINE = Timeline(horizon=200)
Row = tuple[int, dict[str, float]]


def log(since: int) -> list[Row]:
    """The answer never matches, from a step on; the score moves."""
    rows: list[Row] = [(step, {"score_mean": step % 7 / 7, "reward_component/format": 1.0}) for step in range(1, 201)]
    for step, values in rows:
        if step >= since:
            values["reward_component/answer"] = 0.0
    return rows


def stuck(rows: list[Row]) -> dict[str, int]:
    """What a watcher is told, row by row, who does not know which reward functions will come."""
    settings = Settings(rules=select(["RWD08"]))
    engine = Engine(bind(Method.GRPO, settings), TIMELINE)
    return {finding.metric: finding.step for step, values in rows for finding in engine.advance(step, values)}


def test_reward_functions_are_told_apart_while_the_run_goes_on() -> None:
    # True from the second row on, where the score has moved, for a fifth of the run: rows 2 to 41 are 40 steps.
    assert stuck(log(since=1)) == {"reward_component/format": 41, "reward_component/answer": 41}


def test_one_that_turns_up_late_is_watched_from_there_on() -> None:
    found = stuck(log(since=100))
    # Its own second row is 101.
    assert found == {"reward_component/format": 41, "reward_component/answer": 140}


def test_known_or_met_on_the_way_they_give_the_same_findings() -> None:
    rows = log(since=1)
    run = run_from_rows(rows, method=Method.GRPO)
    rules = bind(Method.GRPO, Settings(rules=select(["RWD08"])))
    live = Engine(rules, TIMELINE)
    for step, values in rows:
        live.advance(step, values)
    known, judged = step_run(run, rules, TIMELINE)
    scanned, judged_too = scan_run(run, rules, TIMELINE)
    told = [sorted((f.metric, f.step, f.last_step, f.says) for f in each) for each in (live.findings(), known, scanned)]
    assert told[0] == told[1] == told[2]
    assert judged == judged_too == {"RWD08"}


def test_a_rule_of_ones_own_may_ask_for_each() -> None:
    table = {"code": "MY01", "when": "metric('reward_component/*') < 0.1", "says": "{component} is low: {value:.1f}"}
    settings = Settings(rules=own_rules([table], "barograph.toml"))
    found = judge(run_from_rows(log(since=1), method=Method.GRPO), settings).findings
    assert [finding.says for finding in found] == ["answer is low: 0.0"]


def test_other_rules_stay_as_they_are() -> None:
    rules = bind(Method.GRPO, Settings(rules=select(["KL02", "RWD08"])))
    named = for_each_component(rules, ["loss", "reward_component/a", "reward_component_std/a", "reward_component/b.c"])
    assert [(one.rule.code, one.component) for one in named] == [("RWD08", "a"), ("RWD08", "b.c"), ("KL02", "")]
    assert named[1].pointers == ("reward_component/b.c",)
    assert [one.rule.code for one in for_each_component(rules, ["loss"])] == ["KL02"]
