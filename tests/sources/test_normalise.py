from __future__ import annotations

import math
import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from barograph.core.errors import ConfigurationError, UnreadableRun
from barograph.core.methods import Method
from barograph.core.run import Run
from barograph.sources.base import RawRun
from barograph.sources.normalise import normalise
from barograph.sources.runs import read_run
from barograph.sources.table import Gatherer


def runs_of(rows, method: Method | str | None = Method.DPO, config: dict[str, object] | None = None) -> list[Run]:
    gatherer = Gatherer()
    gatherer.extend(rows)
    return normalise(RawRun(gatherer.finish()), path="log", source="test", method=method, config=config)


def run_of(rows, method: Method | str | None = Method.DPO, config: dict[str, object] | None = None) -> Run:
    (run,) = runs_of(rows, method, config)
    return run


def series(run: Run, key: str) -> list[tuple[int, float]]:
    """A series as (step, value) pairs."""
    column = run.columns[key]
    return [(run.steps[at], value) for at, value in zip(column.at, column.values, strict=True)]


def noted(run: Run, *words: str) -> bool:
    return any(all(word in note for word in words) for note in run.notes)


# Names


def test_keys_lead_to_canonical_series_in_both_splits() -> None:
    run = run_of(
        [
            {"step": 1, "loss": 0.7, "learning_rate": 1e-5, "rewards/margins": 0.1},
            {"step": 1, "eval_loss": 0.6, "eval_rewards/margins": 0.2},
            {"step": 2, "loss": 0.5, "learning_rate": 2e-5, "rewards/margins": 0.3},
        ]
    )
    assert series(run, "loss") == [(1, 0.7), (2, 0.5)]
    assert series(run, "lr") == [(1, 1e-5), (2, 2e-5)]
    assert series(run, "reward_margin") == [(1, 0.1), (2, 0.3)]
    assert series(run, "eval.reward_margin") == [(1, 0.2)]
    assert list(run.steps) == [1, 1, 2]
    assert run.columns["loss"].raw == "loss"
    assert run.columns["lr"].raw == "learning_rate"


def test_kl_depends_on_the_method() -> None:
    rows = [{"step": 1, "kl": 0.5, "loss": 1}]
    assert "kto_z0" in run_of(rows, "kto").columns
    assert "kl_ref" in run_of(rows, "grpo").columns


def test_reward_functions_become_components() -> None:
    run = run_of([{"step": 1, "reward": 1, "rewards/format/mean": 0.5, "rewards / check": 0.25}], "grpo")
    assert series(run, "reward_component/format") == [(1, 0.5)]
    assert series(run, "reward_component/check") == [(1, 0.25)]


def test_of_two_keys_with_one_meaning_the_first_in_the_vocabulary_wins() -> None:
    run = run_of([{"step": 1, "completion_length": 7, "completions/mean_length": 8, "reward": 1}], "grpo")
    winners = [key for key, column in run.columns.items() if column.raw == "completions/mean_length"]
    assert len(winners) == 1
    assert series(run, winners[0]) == [(1, 8)]
    assert series(run, "completion_length") == [(1, 7)]
    assert noted(run, "completion_length", "completions/mean_length", "own name")


def test_unknown_keys_are_listed_and_bookkeeping_is_not() -> None:
    run = run_of([{"step": 1, "loss": 1, "zebra": 2, "eval_runtime": 3, "timestamp": "2025-01-01"}])
    assert set(run.columns) == {"loss"}
    assert list(run.unknown_keys) == ["zebra"]
    assert not noted(run, "timestamp")


def test_text_is_noted_once() -> None:
    run = run_of([{"step": i, "loss": 1, "prompt": "why?"} for i in range(20)])
    assert [note for note in run.notes if "prompt" in note] == ["`prompt` is text in 20 rows: left out"]


def test_a_share_in_percent_is_divided() -> None:
    run = run_of([{"step": 1, "loss": 1, "rewards/accuracies": 50}, {"step": 2, "loss": 1, "rewards/accuracies": 75}])
    assert series(run, "reward_accuracy") == [(1, 0.5), (2, 0.75)]
    assert noted(run, "percent")


# Method


def test_the_method_is_recognised_unless_it_is_given() -> None:
    rows = [{"step": 1, "loss": 0.69, "rewards/chosen": 0.0, "rewards/rejected": 0.0, "rewards/accuracies": 0.0}]
    assert run_of(rows, None).method is Method.DPO
    assert run_of(rows, "kto").method is Method.KTO
    assert run_of(rows, None, {"method": "kto"}).method is Method.KTO


def test_an_unknown_method_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(ConfigurationError, match="did you mean 'grpo'"):
        run_of([{"step": 1, "loss": 1}], "grpoo")


# Totals


TOTALS = {"train_runtime": 10.0, "train_samples_per_second": 1.0, "train_loss": 0.1, "epoch": 1.0}


def test_the_closing_row_of_totals_is_no_data() -> None:
    rows: list[dict] = [{"step": 1, "loss": 0.7, "epoch": 0.5}, {"step": 2, "loss": 0.6, "epoch": 1.0}]
    run = run_of([*rows, {"step": 2, **TOTALS}])
    assert series(run, "loss") == [(1, 0.7), (2, 0.6)]
    assert len(run) == 2
    assert not noted(run, "step")


def test_totals_beside_the_last_metrics_leave_these_alone() -> None:
    """As event files do, which keep whatever was logged at one step together."""
    totals = {"train/train_runtime": 9.5, "train/train_samples_per_second": 3.0, "train/train_loss": 0.65}
    run = run_of([{"step": 1, "train/loss": 0.7}, {"step": 2, "train/loss": 0.6, "train/epoch": 1.0, **totals}])
    assert series(run, "loss") == [(1, 0.7), (2, 0.6)]
    assert series(run, "epoch") == [(2, 1.0)]


def test_train_loss_outside_that_row_is_the_loss() -> None:
    run = run_of([{"epoch": 1, "train_loss": 0.7}, {"epoch": 2, "train_loss": 0.6}], "sft")
    assert list(run.columns["loss"].values) == [0.7, 0.6]


# Steps


def test_no_step_at_all_counts_rows() -> None:
    run = run_of([{"loss": 3}, {"loss": 2}, {"loss": 1}])
    assert list(run.steps) == [1, 2, 3]
    assert noted(run, "no step")


def test_logging_steps_gives_the_rows_their_distance() -> None:
    run = run_of([{"loss": 3}, {"loss": 2}, {"eval_loss": 5}, {"loss": 1}], config={"logging_steps": 10})
    assert series(run, "loss") == [(10, 3), (20, 2), (30, 1)]
    assert series(run, "eval.loss") == [(20, 5)]


@pytest.mark.parametrize("key", ["step", "Step", "global_step", "train/global_step", "current_steps", "iteration"])
def test_step_keys(key: str) -> None:
    assert list(run_of([{key: 5.0, "loss": 1}, {key: "10", "loss": 2}]).steps) == [5, 10]


def test_a_better_step_key_wins() -> None:
    run = run_of([{"episode": 64, "step": 1, "loss": 1}, {"episode": 128, "step": 2, "loss": 1}])
    assert list(run.steps) == [1, 2]


def test_progress_gives_the_planned_steps() -> None:
    run = run_of([{"global_step/max_steps": "5/40", "loss": 1}])
    assert (list(run.steps), run.config["max_steps"]) == ([5], 40)


@pytest.mark.parametrize(
    ("bad", "says"),
    [(1.5, r"row 2 has the step 1\.5"), (-3, "row 2 has the step -3"), (1e300, "row 2"), ("inf", "row 2")],
)
def test_an_impossible_step_names_its_row(bad: object, says: str) -> None:
    with pytest.raises(UnreadableRun, match=says):
        run_of([{"step": 1, "loss": 1}, {"step": bad, "loss": 1}])


def test_a_row_without_step_belongs_to_the_row_before() -> None:
    run = run_of([{"loss": 9}, {"step": 10, "loss": 1}, {"eval_loss": 2}, {"step": "nan", "loss": 3, "lr": 1},
                  {"step": 20, "loss": 4}])  # fmt: skip
    assert series(run, "eval.loss") == [(10, 2)]
    assert series(run, "loss") == [(10, 3), (20, 4)]
    assert noted(run, "3 rows without a step")


def test_the_last_of_equal_steps_counts() -> None:
    run = run_of([{"step": 1, "loss": 1, "lr": 5}, {"step": 1, "loss": 2}, {"step": 2, "loss": 3}])
    assert series(run, "loss") == [(1, 2), (2, 3)]
    assert series(run, "lr") == [(1, 5)]
    assert noted(run, "1 row", "given again")


def test_an_eval_row_at_the_step_of_a_train_row_is_no_repetition() -> None:
    run = run_of([{"step": 1, "loss": 1, "epoch": 0.5}, {"step": 1, "eval_loss": 2, "epoch": 0.5}])
    assert not noted(run, "given again")
    assert (series(run, "loss"), series(run, "eval.loss"), series(run, "epoch")) == ([(1, 1)], [(1, 2)], [(1, 0.5)])


def test_a_resume_replaces_what_it_repeats() -> None:
    rows = [{"step": s, "loss": 1.0} for s in (1, 2, 3, 4, 5)] + [{"step": s, "loss": 2.0} for s in (4, 5, 6)]
    run = run_of(rows)
    assert series(run, "loss") == [(1, 1), (2, 1), (3, 1), (4, 2), (5, 2), (6, 2)]
    assert noted(run, "falls back once (to 4)", "2 rows")
    assert not noted(run, "runs one after the other")


def test_a_resume_with_evaluations() -> None:
    rows = [{"step": 10, "loss": 1}, {"step": 10, "eval_loss": 1},
            {"step": 20, "loss": 1}, {"step": 20, "eval_loss": 1},
            {"step": 30, "loss": 1}, {"step": 30, "eval_loss": 1},
            {"step": 20, "loss": 2}, {"step": 20, "eval_loss": 2}, {"step": 25, "loss": 2}]  # fmt: skip
    run = run_of(rows)
    assert series(run, "loss") == [(10, 1), (20, 2), (25, 2)]
    assert series(run, "eval.loss") == [(10, 1), (20, 2)]


def test_two_runs_in_one_file() -> None:
    rows = [{"step": s, "loss": attempt} for attempt in (1, 2) for s in range(1, 31)]
    first, second = runs_of(rows)
    assert series(first, "loss") == [(s, 1) for s in range(1, 31)]
    assert series(second, "loss") == [(s, 2) for s in range(1, 31)]
    assert [run.path for run in (first, second)] == ["log#1", "log#2"]
    assert noted(second, "run 2 of the 2")


def test_a_false_start_between_two_runs_belongs_to_the_second() -> None:
    lengths = (30, 5, 30)
    rows = [{"step": s, "loss": n} for n, length in enumerate(lengths) for s in range(1, length + 1)]
    first, second = runs_of(rows)
    assert {value for _, value in series(first, "loss")} == {0}
    assert {value for _, value in series(second, "loss")} == {2}
    assert noted(second, "falls back once")


def test_a_column_that_names_the_run_parts_the_rows() -> None:
    """Rows of two runs that went on side by side, as a data frame of several runs holds them."""
    rows = [{"run_name": name, "step": s, "loss": s + n} for s in (1, 2, 3) for n, name in enumerate(["a", "b"])]
    first, second = runs_of(rows)
    assert (first.path, series(first, "loss")) == ("log#a", [(1, 1), (2, 2), (3, 3)])
    assert (second.path, series(second, "loss")) == ("log#b", [(1, 2), (2, 3), (3, 4)])


def test_a_column_with_one_name_is_no_news() -> None:
    run = run_of([{"run_name": "a", "step": s, "loss": 1} for s in (1, 2)])
    assert (run.path, run.notes) == ("log", [])


def test_a_false_start_is_not_a_second_run() -> None:
    rows = [{"step": s, "loss": 1} for s in range(1, 6)] + [{"step": s, "loss": 2} for s in range(1, 101)]
    run = run_of(rows)
    assert (len(run), noted(run, "falls back once"), noted(run, "runs one after")) == (100, True, False)


def test_rows_that_come_late_are_no_resume() -> None:
    """An asynchronous writer logs rollouts one step behind: nothing is repeated, so nothing may be dropped."""
    rows = [row for s in range(2, 50) for row in ({"step": s, "loss": s, "epoch": 0}, {"step": s - 1, "reward": s})]
    run = run_of(rows, "grpo")
    assert series(run, "loss") == [(s, s) for s in range(2, 50)]
    rewards = next(key for key, column in run.columns.items() if column.raw == "reward")
    assert series(run, rewards) == [(s - 1, s) for s in range(2, 50)]
    assert not noted(run, "falls back")


def test_a_log_with_the_newest_row_first_is_read_backwards() -> None:
    run = run_of([{"step": s, "loss": s / 10} for s in (40, 30, 20, 10)])
    assert series(run, "loss") == [(10, 1), (20, 2), (30, 3), (40, 4)]
    assert noted(run, "from the last to the first")


# What cannot be read


def test_only_text() -> None:
    with pytest.raises(UnreadableRun, match="no numbers, only text under 'answer', 'prompt'"):
        run_of([{"prompt": "a", "answer": "b"}])


def test_no_known_metric_names_the_nearest() -> None:
    with pytest.raises(UnreadableRun, match=r"no known metric, only 'lossy', 'zebra'; the nearest .* 'loss'"):
        run_of([{"step": 1, "lossy": 1, "zebra": 2}])


def test_only_bookkeeping() -> None:
    with pytest.raises(UnreadableRun, match="no metrics"):
        run_of([{"step": 1, "epoch": 2}])


def test_nothing() -> None:
    with pytest.raises(UnreadableRun, match="no rows"):
        run_of([])


def test_hostile_keys_do_not_reach_the_terminal() -> None:
    with pytest.raises(UnreadableRun) as caught:
        run_of([{"step": 1, "\x1b]0;pwned\x07" + "x" * 500: 1}])
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 300


# Against a naive reading


@given(st.lists(st.tuples(st.integers(0, 12), st.sampled_from(["loss", "eval_loss", "both"])), min_size=1, max_size=25))
def test_rising_steps_and_last_wins_for_any_order(rows) -> None:
    """Whatever the order of steps: rows rise, columns fit, and each value was logged at its step."""
    logged = []
    for number, (step, kind) in enumerate(rows):
        keys = ["loss", "eval_loss"] if kind == "both" else [kind]
        logged.append({"step": step, **dict.fromkeys(keys, float(number))})
    for run in runs_of(logged):
        assert list(run.steps) == sorted(run.steps)
        for key, column in run.columns.items():
            raw = {"loss": "loss", "eval.loss": "eval_loss"}[key]
            assert all(map(int.__lt__, column.at, column.at[1:]))
            steps = [run.steps[at] for at in column.at]
            assert len(set(steps)) == len(steps)
            for step, value in zip(steps, column.values, strict=True):
                assert logged[int(value)]["step"] == step
                assert raw in logged[int(value)]


def test_nan_and_infinity_stay() -> None:
    run = run_of([{"step": 1, "loss": math.nan}, {"step": 2, "loss": math.inf}, {"step": 3, "loss": -math.inf}])
    assert list(map(repr, run.columns["loss"].values)) == ["nan", "inf", "-inf"]


def test_shuffled_rows_are_sorted_not_dropped(tmp_path: Path) -> None:
    """Sixty steps in random order are sixty steps, not one attempt after the other."""
    order = list(range(1, 61))
    random.Random(5).shuffle(order)
    log = tmp_path / "log.jsonl"
    log.write_text("".join(f'{{"step": {step}, "loss": {0.7 - step / 200}}}\n' for step in order))
    run = read_run(log)
    assert list(run.steps) == list(range(1, 61))
    assert run.columns["loss"].values[0] == 0.7 - 1 / 200
    assert any("no order" in note for note in run.notes)
