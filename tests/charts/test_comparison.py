"""Runs side by side: a sick one is never preferred, and what is said of a difference is as sure as it is."""

from __future__ import annotations

import json
import math
import random
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from documents import EVIL, Document

from barograph.charts.comparison import STUDENT, Comparison, compared, goal_of, interval, short_names
from barograph.charts.comparison_page import page, preferred, told
from barograph.charts.overlay import overlay
from barograph.cli.compare import compare
from barograph.core.errors import ConfigurationError
from barograph.core.finding import Diagnosis, Verdict
from barograph.core.methods import Method
from barograph.core.run import Run, run_from_rows


def judged(
    path: str,
    accuracy: float,
    verdict: Verdict = Verdict.HEALTHY,
    config: dict[str, Any] | None = None,
    **series: float,
) -> tuple[Diagnosis, Run]:
    """A run of twenty rows that ends at an accuracy, and how it was judged."""
    rows = [
        (step, {"reward_accuracy": 0.5 + (accuracy - 0.5) * min(1.0, step / 10), "loss": 0.7 - 0.01 * step, **series})
        for step in range(1, 21)
    ]
    run = run_from_rows(rows, method=Method.DPO, config=config or {}, path=path)
    return Diagnosis(path, "rows", run.method, len(run), 1, 20, verdict), run


def order(comparison: Comparison) -> list[str]:
    return [one.name for one in comparison.contestants]


def test_a_sick_run_is_never_preferred_however_good_it_looks() -> None:
    comparison = compared([
        judged("sick", 0.99, Verdict.UNHEALTHY), judged("fair", 0.8, Verdict.WATCH), judged("well", 0.7),
    ])  # fmt: skip
    assert order(comparison) == ["well", "fair", "sick"]
    assert comparison.winner is not None
    assert preferred(comparison) == "To be preferred: well. fair, sick have the better number, and the worse verdict."


def test_among_the_healthy_the_goal_decides() -> None:
    comparison = compared([judged("a", 0.7), judged("b", 0.9), judged("c", 0.8)])
    assert order(comparison) == ["b", "c", "a"]
    assert comparison.goal == "reward_accuracy"
    assert preferred(comparison) == "To be preferred: b."


def test_what_nothing_tells_apart_is_not_told_apart() -> None:
    comparison = compared([judged("a", 0.9), judged("b", 0.9), judged("c", 0.8)])
    assert comparison.winner is None
    assert preferred(comparison) == "Nothing tells these apart: a, b."


def test_where_all_are_sick_none_is_preferred() -> None:
    comparison = compared([judged("a", 0.9, Verdict.UNHEALTHY), judged("b", 0.8, Verdict.UNJUDGED)])
    assert comparison.winner is None
    assert preferred(comparison).startswith("None is to be preferred")


def test_the_end_is_the_mean_of_the_last_tenth_and_the_best_is_where_it_was() -> None:
    rows = [(step, {"loss": value}) for step, value in enumerate([*[0.9] * 17, 0.2, 0.4, 0.6], 1)]
    run = run_from_rows(rows, method=Method.SFT, path="a")
    other = run_from_rows(rows, method=Method.SFT, path="b")
    diagnoses = [Diagnosis(one.path, "rows", one.method, 20, 1, 20, Verdict.HEALTHY) for one in (run, other)]
    comparison = compared([(diagnoses[0], run), (diagnoses[1], other)], at=18)
    measure = comparison.contestants[0].measures["loss"]
    assert measure.last == pytest.approx(0.5)  # Of 20 values the last two: 0.4 and 0.6.
    assert (measure.best, measure.best_step, measure.there) == (0.2, 18, 0.2)


def test_a_run_that_did_not_come_so_far_has_no_value_there() -> None:
    short = run_from_rows([(step, {"loss": 0.5}) for step in range(1, 11)], method=Method.SFT, path="short")
    diagnosis = Diagnosis("short", "rows", Method.SFT, 10, 1, 10, Verdict.HEALTHY)
    for at, there in ((10, [0.6, 0.5]), (15, [0.55, None]), (21, [None, None])):
        comparison = compared([judged("long", 0.9), (diagnosis, short)], at=at)
        found = {one.name: one.measures["loss"].there for one in comparison.contestants}
        assert [found["long"], found["short"]] == pytest.approx(there)


def test_margins_of_other_betas_rank_nothing_unless_in_nats() -> None:
    def of(beta: float, margin: float) -> tuple[Diagnosis, Run]:
        run = run_from_rows(
            [(step, {"reward_margin": margin, "loss": 0.1 + margin}) for step in range(20)], method=Method.DPO,
            config={"beta": beta}, path=f"beta-{beta}",
        )  # fmt: skip
        return Diagnosis(run.path, "rows", run.method, 20, 0, 19, Verdict.HEALTHY), run

    pair = [of(0.1, 1.0), of(0.5, 2.0)]
    assert compared(pair).goal == "loss"
    nats = compared(pair, in_nats=True)
    assert (nats.goal, order(nats)) == ("reward_margin", ["beta-0.1", "beta-0.5"])  # 10 nats against 4.
    silent = run_from_rows([(1, {"reward_margin": 1.0})], method=Method.DPO, path="silent")
    with pytest.raises(ConfigurationError, match="silent: does not tell its beta"):
        compared(
            [pair[0], (Diagnosis("silent", "rows", silent.method, 1, 1, 1, Verdict.HEALTHY), silent)], in_nats=True
        )


def test_the_goal_is_one_that_every_run_has_which_could_win() -> None:
    held_out = {"eval.reward_accuracy": 0.56}
    comparison = compared([judged("a", 0.6, **held_out), judged("b", 0.7, **held_out), judged("c", 1.0)])
    assert (comparison.goal, order(comparison)) == ("reward_accuracy", ["c", "b", "a"])
    sick = compared([judged("a", 0.6, **held_out), judged("b", 0.7, **held_out), judged("c", 1.0, Verdict.UNHEALTHY)])
    assert sick.goal == "eval.reward_accuracy"
    assert "without it: c" in sick.rule


def test_losses_of_two_methods_rank_nothing() -> None:
    runs = [
        run_from_rows([(step, {"loss": loss}) for step in range(20)], method=method, path=method.value)
        for method, loss in ((Method.DPO, 0.5), (Method.KTO, 0.3))
    ]
    comparison = compared([(Diagnosis(r.path, "rows", r.method, 20, 0, 19, Verdict.HEALTHY), r) for r in runs])
    assert comparison.goal is None
    assert comparison.winner is None
    assert "share nothing else that could rank them" in comparison.rule
    ones = [run_from_rows([(step, {"loss": -step}) for step in range(20)], method=Method.GRPO, path=x) for x in "ab"]
    assert compared([(Diagnosis(r.path, "rows", r.method, 20, 0, 19, Verdict.HEALTHY), r) for r in ones]).goal is None


def test_only_settings_that_differ_are_shown() -> None:
    comparison = compared([
        judged("a", 0.9, config={"beta": 0.1, "lr": 1e-6, "output_dir": "x", "seed": 1, "optim": "adam"}),
        judged("b", 0.8, config={"beta": 0.5, "lr": 1e-6, "output_dir": "y", "seed": 2}),
    ])  # fmt: skip
    assert list(comparison.settings) == ["beta", "seed"]
    assert dict(comparison.contestants[1].differs) == {"beta": 0.5, "seed": 2}


def test_in_nats_rewards_of_another_beta_compare() -> None:
    pair = [
        judged("a", 0.9, config={"beta": 0.1}, reward_margin=1.0),
        judged("b", 0.8, config={"beta": 0.5}, reward_margin=2.0),
    ]
    plain, nats = compared(pair), compared(pair, in_nats=True)
    assert [one.measures["reward_margin"].last for one in plain.contestants] == [1.0, 2.0]
    assert [one.measures["reward_margin"].last for one in nats.contestants] == pytest.approx([10.0, 4.0])
    # The loss is no reward.
    assert nats.contestants[0].measures["loss"] == plain.contestants[0].measures["loss"]
    chart = next(one for one in overlay(nats) if one.name == "reward_margin")
    assert [line.last for line in chart.lines] == pytest.approx([10.0, 4.0])
    assert chart.unit == "nats per sequence"


class TestIntervals:
    def test_by_hand(self) -> None:
        # Means 3 and 1, variances 1 and 1, three values each: a standard error of sqrt(2/3), 4 degrees of freedom.
        found = interval([2.0, 3.0, 4.0], [0.0, 1.0, 2.0])
        assert found == pytest.approx((2.0, 2 - 2.776 * math.sqrt(2 / 3), 2 + 2.776 * math.sqrt(2 / 3)))

    def test_one_value_is_no_interval(self) -> None:
        assert interval([1.0], [2.0, 3.0]) is None

    def test_numbers_at_the_edge_have_none(self) -> None:
        assert interval([1e308, 1e307], [1.0, 2.0]) is None

    def test_values_that_are_all_alike(self) -> None:
        assert interval([2.0, 2.0], [1.0, 1.0]) == (1.0, 1.0, 1.0)

    def test_it_holds_the_truth_about_as_often_as_it_says(self) -> None:
        dice, held, trials = random.Random(3), 0, 2_000
        for _ in range(trials):
            mine, others = ([dice.gauss(mean, deviation) for _ in range(4)] for mean, deviation in ((1, 1), (0, 2)))
            found = interval(mine, others)
            assert found is not None
            held += found[1] <= 1.0 <= found[2]
        assert 0.945 <= held / trials <= 0.985  # Never too narrow: degrees of freedom are rounded down.

    def test_the_points_of_student_fall_towards_those_of_gauss(self) -> None:
        assert list(STUDENT) == sorted(STUDENT, reverse=True)
        assert STUDENT[-1] > 1.96


def test_seeds_are_taken_together_and_a_sick_one_is_no_evidence() -> None:
    runs = [
        judged(f"{beta}/{seed}", 0.8 + 0.02 * seed - (0.1 if beta == 0.5 else 0.0), config={"beta": beta, "seed": seed})
        for beta in (0.1, 0.5) for seed in (1, 2, 3)
    ]  # fmt: skip
    sick = judged("0.5/4", 1.0, Verdict.UNHEALTHY, config={"beta": 0.5, "seed": 4})
    (difference,) = compared([*runs, sick]).differences
    assert (difference.better, difference.other) == ("beta 0.1", "beta 0.5")
    assert difference.by == pytest.approx(0.1)
    assert difference.low == pytest.approx(0.1 - 2.776 * 0.02 * math.sqrt(2 / 3))
    assert difference.is_sure
    assert told(difference).startswith("beta 0.1 against beta 0.5: 0.1 (95 % interval 0.0547 to 0.145)")


@pytest.mark.parametrize(
    ("method", "series", "goal"),
    [
        (Method.PPO, ["loss", "score_mean"], "score_mean"),
        (Method.PRM, ["eval.loss", "eval.cls_accuracy", "eval.cls_f1"], "eval.cls_f1"),
        (Method.REWARD, ["eval.loss", "loss"], "eval.loss"),
        (Method.UNKNOWN, ["grad_norm"], None),
    ],
)
def test_goals(method: Method, series: list[str], goal: str | None) -> None:
    assert goal_of(method, series) == goal


def test_a_lower_loss_is_better() -> None:
    rows = {name: [(step, {"loss": end}) for step in range(20)] for name, end in (("high", 0.6), ("low", 0.4))}
    runs = [run_from_rows(some, method=Method.SFT, path=name) for name, some in rows.items()]
    comparison = compared([(Diagnosis(r.path, "rows", r.method, 20, 0, 19, Verdict.HEALTHY), r) for r in runs])
    assert order(comparison) == ["low", "high"]
    assert "lower is better" in comparison.rule


def test_names_are_as_short_as_tells_them_apart() -> None:
    assert short_names(["/a/b/x", "/a/c/x", "/a/c/y"]) == ["b/x", "c/x", "c/y"]


class TestOverlay:
    def run(self, path: str, length: int, batch: int) -> tuple[Diagnosis, Run]:
        rows = [(step, {"loss": 1.0 / step, "epoch": step / length}) for step in range(1, length + 1)]
        config = {"per_device_train_batch_size": batch, "gradient_accumulation_steps": 2}
        run = run_from_rows(rows, method=Method.SFT, config=config, path=path)
        return Diagnosis(path, "rows", run.method, length, 1, length, Verdict.HEALTHY), run

    @pytest.mark.parametrize(("by", "ends"), [("step", [10, 40]), ("epoch", [1, 1]), ("samples", [160, 160])])
    def test_curves_are_laid_along_what_was_asked_for(self, by: str, ends: list[float]) -> None:
        comparison = compared([self.run("a", 10, 8), self.run("b", 40, 2)])
        (chart,) = overlay(comparison, by)
        assert chart.axis == by
        assert {line.title: line.steps[-1] for line in chart.lines} == dict(zip("ab", ends, strict=True))

    def test_a_run_that_does_not_tell_is_named(self) -> None:
        comparison = compared([self.run("a", 10, 8), self.run("b", 40, 2)])
        with pytest.raises(ConfigurationError, match="does not tell its tokens; compare by another"):
            overlay(comparison, "tokens")

    def test_a_series_of_one_run_alone_makes_no_chart(self) -> None:
        comparison = compared([judged("a", 0.9, entropy=1.0), judged("b", 0.8)])
        assert {chart.name for chart in overlay(comparison)} == {"reward_accuracy", "loss"}

    def test_fifty_runs_are_drawn_by_their_courses(self) -> None:
        comparison = compared([judged(f"run-{number}", 0.5 + number / 200) for number in range(50)])
        charts = overlay(comparison)
        assert [len(chart.lines) for chart in charts] == [50, 50]
        assert not any(line.shows_all for chart in charts for line in chart.lines)
        assert next(one for one in charts if one.name == "loss").lines[0].lowest == (20, pytest.approx(0.5))
        assert len(page(comparison, charts)) < 1_000_000


def test_nothing_of_a_log_becomes_markup() -> None:
    comparison = compared([judged(EVIL, 0.9, config={EVIL: EVIL, "beta": 1}), judged("b", 0.8, config={"beta": 2})])
    shown = Document(page(comparison, overlay(comparison)))
    assert "alert(1)" in shown.text
    assert not {"script", "img"} & {tag for tag, _ in shown.elements}


def written(folder: Path, name: str, beta: float) -> str:
    place = folder / name
    (place / "logs").mkdir(parents=True)
    rows = [{"step": step, "loss": 0.7 - 0.002 * step, "rewards/margins": beta * step} for step in range(1, 40)]
    (place / "logs/training_metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (place / "run.json").write_text(json.dumps({"method": "dpo", "config": {"beta": beta}}))
    return str(place)


class TestCommand:
    def test_text(self, tmp_path: Path) -> None:
        done = CliRunner().invoke(compare, [written(tmp_path, "a", 0.1), written(tmp_path, "b", 0.5), "--at", "10"])
        assert done.exit_code == 0, done.output
        lines = [line.split() for line in done.stdout.splitlines()]
        assert ["beta", "0.5", "0.1"] in lines or ["beta", "0.1", "0.5"] in lines
        assert any(line[:4] == ["Reward", "margin,", "step", "10"] for line in lines)

    def test_json_page_and_picture(self, tmp_path: Path) -> None:
        runs = [written(tmp_path, "a", 0.1), written(tmp_path, "b", 0.5)]
        done = CliRunner().invoke(compare, [*runs, "--json", "--nats", "-o", str(tmp_path / "page.html")])
        answer = json.loads(done.stdout)
        assert {run["path"] for run in answer["runs"]} == set(runs)
        ends = [run["series"]["reward_margin"]["end"] for run in answer["runs"]]
        assert ends == pytest.approx([37.5, 37.5])  # Steps 36 to 39, in nats.
        assert (tmp_path / "page.html").read_text(encoding="utf-8").startswith("<!doctype html>")
        pytest.importorskip("matplotlib", reason="needs the `plot` extra")
        assert CliRunner().invoke(compare, [*runs, "-o", str(tmp_path / "curves.png")]).exit_code == 0
        assert (tmp_path / "curves.png").read_bytes().startswith(b"\x89PNG")

    @pytest.mark.parametrize(
        ("arguments", "sentence"),
        [
            (["a"], "1 run: two to 50 can be compared"),
            (["a", "b", "-o", "x.pdf"], "a page ends in .html, a picture in .png"),
        ],
    )
    def test_what_cannot_be_is_said(self, arguments: list[str], sentence: str, tmp_path: Path) -> None:
        runs = {"a": written(tmp_path, "a", 0.1), "b": written(tmp_path, "b", 0.5)}
        done = CliRunner().invoke(compare, [runs.get(one, one) for one in arguments])
        assert isinstance(done.exception, ConfigurationError)
        assert sentence in str(done.exception)
