"""`MetricsTracker` as the guide on RLHF metrics uses it."""

from __future__ import annotations

import csv
import json
import math
from pathlib import Path

import pytest

from barograph.trainers.metrics_tracker import MetricsTracker


def filled(folder: Path, save_every_n_epochs: int = 1) -> MetricsTracker:
    tracker = MetricsTracker(output_dir=folder, save_every_n_epochs=save_every_n_epochs)
    for epoch, (loss, reward) in enumerate([(3.0, 0.2), (1.5, 0.9), (2.0, 0.7)], start=1):
        training = {"loss": loss, "reward": reward, "entropy": None, "learning_rate": 1e-5}
        tracker.log_epoch(epoch, training, {"bertscore": epoch / 10}, epoch_time=60.5, samples_per_second=4.0)
    return tracker


def test_the_best_and_the_summary(tmp_path: Path) -> None:
    tracker = filled(tmp_path)
    best = tracker.get_best_metrics()
    assert (best["best_reward"], best["best_reward_epoch"], best["lowest_loss"]) == (0.9, 2, 1.5)
    assert best["best_bertscore"] == 0.3
    summary = tracker.export_summary()
    assert summary["total_epochs"] == 3
    assert summary["total_training_time"] == pytest.approx(3 * 60.5)


def test_a_tracker_on_a_finished_folder_answers_as_well(tmp_path: Path) -> None:
    expected = filled(tmp_path).get_best_metrics()
    assert MetricsTracker(output_dir=str(tmp_path)).get_best_metrics() == expected


def test_the_files_are_those_of_the_guide(tmp_path: Path) -> None:
    filled(tmp_path)
    history = json.loads((tmp_path / "training_metrics.json").read_text())
    assert history[-1]["epoch"] == 3
    assert [row["reward"] for row in history] == [0.2, 0.9, 0.7]
    with (tmp_path / "training_metrics.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [float(row["loss"]) for row in rows] == [3.0, 1.5, 2.0]
    assert list(rows[0])[:3] == ["epoch", "loss", "reward"]


def test_files_are_written_as_often_as_asked(tmp_path: Path) -> None:
    tracker = filled(tmp_path, save_every_n_epochs=2)
    assert len(json.loads((tmp_path / "training_metrics.json").read_text())) == 2
    tracker.export_summary()
    assert len(json.loads((tmp_path / "training_metrics.json").read_text())) == 3


def test_what_is_no_number_is_never_the_best(tmp_path: Path) -> None:
    tracker = MetricsTracker(tmp_path)
    tracker.log_epoch(1, {"loss": math.nan, "reward": math.inf})
    tracker.log_epoch(2, {"loss": 2.0, "reward": 0.5})
    best = tracker.get_best_metrics()
    assert (best["lowest_loss"], best["best_reward"]) == (2.0, 0.5)
    assert MetricsTracker(tmp_path / "empty").get_best_metrics() == {}


def test_a_full_disk_is_said_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").touch()
    tracker = filled(tmp_path / "file" / "metrics")
    assert tracker.get_best_metrics()["best_reward"] == 0.9
    assert capsys.readouterr().err.count("metrics cannot be written") == 1


def test_plots_where_matplotlib_is_and_a_note_where_not(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from barograph.trainers.epoch_plots import can_draw

    filled(tmp_path)
    if can_draw():
        names = {path.name for path in (tmp_path / "plots").iterdir()}
        assert names == {"training_progress.png", "evaluation_metrics.png"}  # no KL, no entropy: no policy plot
        assert all(path.read_bytes().startswith(b"\x89PNG") for path in (tmp_path / "plots").iterdir())
    else:
        assert not (tmp_path / "plots").exists()
        assert capsys.readouterr().err.count("matplotlib is not installed: pip install 'barograph[plot]'") == 1


def test_the_plots_show_every_epoch_and_the_colours_that_people_know(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="needs the `plot` extra")
    from barograph.charts.png import figure_of
    from barograph.trainers.epoch_plots import PLOTS, _chart, draw_plots

    rows = [
        {"epoch": 1.0, "loss": 0.7, "kl_divergence": None, "bleu": 0.1, "bertscore": 0.8},
        {"epoch": 2.0, "loss": None, "kl_divergence": 0.2, "bleu": 0.2, "bertscore": 0.9},
        {"epoch": 3.0, "loss": 0.5, "kl_divergence": 0.3, "bleu": float("nan"), "bertscore": 0.9},
    ]
    ((title, columns),) = PLOTS["evaluation_metrics.png"]
    chart = _chart(title, columns, rows)
    assert chart is not None
    assert {line.key: list(line.steps) for line in chart.lines} == {"bertscore": [1, 2, 3], "bleu": [1, 2]}
    (axis,) = figure_of([chart], "by epoch").axes
    drawn = {line.get_label(): line.get_color() for line in axis.get_lines() if not line.get_label().startswith("_")}
    assert drawn == {"BERTScore": "tab:red", "BLEU": "tab:green"}
    assert axis.get_xlabel() == "epoch"
    loss = _chart("Loss", ("loss",), rows)
    assert loss is not None
    assert list(loss.lines[0].steps) == [1, 3]
    assert [path.name for path in draw_plots(rows, tmp_path)] == [
        "training_progress.png", "policy_metrics.png", "evaluation_metrics.png",
    ]  # fmt: skip
    assert _chart("Reward", ("reward",), rows) is None
