"""The files of reward and classifier runs, compared with those of the guide on reward models."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from barograph.core.methods import Method
from barograph.monitor import read
from barograph.sinks import reward_files
from barograph.sinks.prediction_files import Prediction, PredictionFiles
from barograph.sinks.reward_files import MetricsHistory, RewardFiles, write_history

LINES_OF_THE_GUIDE = """\
[Step   250 | Epoch 0.50] Loss: 0.4523 LR: 1.80e-05 | Eval Loss: 0.4201 Acc: 0.8234 F1: 0.8156
[Step   500 | Epoch 1.00] Loss: 0.3891 LR: 1.60e-05 | Eval Loss: 0.3756 Acc: 0.8512 F1: 0.8445
"""
ROWS = [
    (250, {"loss": 0.4523, "learning_rate": 1.8e-5, "epoch": 0.5}),
    (250, {"eval_loss": 0.4201, "eval_accuracy": 0.8234, "eval_f1": 0.8156, "epoch": 0.5}),
    (500, {"loss": 0.3891, "learning_rate": 1.6e-5, "epoch": 1.0}),
    (500, {"eval_loss": 0.3756, "eval_accuracy": 0.8512, "eval_f1": 0.8445, "epoch": 1.0}),
]


def history(folder: Path) -> list[dict[str, object]]:
    found = json.loads((folder / "metrics_history.json").read_text(), parse_constant=lambda word: 1 / 0)
    assert isinstance(found, list)
    return found


def test_the_log_is_that_of_the_guide(tmp_path: Path) -> None:
    kept = MetricsHistory(tmp_path)
    for step, metrics in ROWS:
        kept.add(step, metrics)
    kept.close()
    assert (tmp_path / "metrics.log").read_text() == LINES_OF_THE_GUIDE


def test_the_history_is_that_of_the_guide(tmp_path: Path) -> None:
    kept = MetricsHistory(tmp_path)
    when = "2025-11-15T10:30:45.123456"
    kept.add(250, ROWS[0][1], when)
    kept.add(250, ROWS[1][1] | {"eval_precision": 0.8189, "eval_recall": 0.8123})
    assert history(tmp_path) == [
        {
            "step": 250,
            "epoch": 0.5,
            "timestamp": when,
            "train_loss": 0.4523,
            "learning_rate": 1.8e-05,
            "eval_loss": 0.4201,
            "eval_accuracy": 0.8234,
            "eval_f1": 0.8156,
            "eval_precision": 0.8189,
            "eval_recall": 0.8123,
        }
    ]


def test_rows_between_evaluations_have_lines_of_their_own(tmp_path: Path) -> None:
    kept = MetricsHistory(tmp_path)
    for step in (50, 100):
        kept.add(step, {"loss": 0.5, "learning_rate": 1e-5})
    kept.close()
    assert (tmp_path / "metrics.log").read_text().splitlines() == [
        "[Step    50] Loss: 0.5000 LR: 1.00e-05",
        "[Step   100] Loss: 0.5000 LR: 1.00e-05",
    ]


def test_what_is_no_number_leaves_the_json_strict(tmp_path: Path) -> None:
    kept = MetricsHistory(tmp_path)
    kept.add(1, {"eval_loss": math.nan})
    assert history(tmp_path)[0]["eval_loss"] == "NaN"
    assert "Eval Loss: nan" in (tmp_path / "metrics.log").read_text()


def test_after_a_resume_later_entries_give_way(tmp_path: Path) -> None:
    kept = MetricsHistory(tmp_path)
    for step in (1, 2, 3):
        kept.add(step, {"loss": 9.0})
    kept.close()
    again = MetricsHistory(tmp_path)
    again.read()
    again.add(2, {"loss": 0.5})
    again.close()
    assert [(entry["step"], entry["train_loss"]) for entry in history(tmp_path)] == [(1, 9.0), (2, 0.5)]


def test_a_very_long_history_is_thinned_and_keeps_its_evaluations(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reward_files, "MOST_ENTRIES", 200)
    kept = MetricsHistory(tmp_path)
    for step in range(1, 2_001):
        kept.add(step, {"loss": 0.5} | ({"eval_loss": 0.25} if step % 100 == 0 else {}))
    kept.close()
    entries = history(tmp_path)
    steps = [entry["step"] for entry in entries]
    assert 50 < len(entries) <= 200
    assert steps == sorted(set(steps))  # type: ignore[type-var]
    assert (steps[0], steps[-1]) == (1, 2_000)
    assert {entry["step"] for entry in entries if "eval_loss" in entry} == set(range(100, 2_001, 100))


def test_a_log_that_has_grown_too_large_is_turned_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reward_files, "MOST_BYTES", 1_000)
    kept = MetricsHistory(tmp_path)
    for step in range(1, 200):
        kept.add(step, {"loss": 0.5})
    kept.close()
    names = {"metrics.log", "metrics.log.1", "metrics.log.2", "metrics.log.3"}
    assert {path.name for path in tmp_path.glob("metrics.log*")} == names
    assert (tmp_path / "metrics.log").read_text().splitlines()[-1].startswith("[Step   199]")
    assert all(path.stat().st_size < 1_100 for path in tmp_path.glob("metrics.log*"))


@pytest.mark.parametrize(("method", "is_written"), [("reward", True), ("prm", True), ("dpo", False)])
def test_only_reward_and_classifier_runs_have_these_files(tmp_path: Path, method: str, is_written: bool) -> None:
    files = RewardFiles()
    files.started(str(tmp_path), method, {})
    files.logged(1, {"loss": 0.5}, {"loss": 0.5})
    files.ended(None)
    assert (tmp_path / "metrics.log").is_file() is is_written


def test_where_the_method_is_open_rows_wait_for_it(tmp_path: Path) -> None:
    files = RewardFiles()
    files.started(str(tmp_path), "unknown", {})
    files.logged(1, {"loss": 0.5}, {"loss": 0.5})
    assert not (tmp_path / "metrics.log").exists()
    files.logged(2, {"eval_f1": 0.75}, {"eval.cls_f1": 0.75})
    files.ended(None)
    assert (tmp_path / "metrics.log").read_text() == "[Step     1] Loss: 0.5000\n[Step     2] F1: 0.7500\n"


def test_both_files_can_be_made_again_from_the_record(tmp_path: Path) -> None:
    record = tmp_path / "training_metrics.jsonl"
    record.write_text("".join(json.dumps({"step": step, **metrics}) + "\n" for step, metrics in ROWS))
    write_history(read(record, method=Method.CLASSIFIER.value), tmp_path)
    assert (tmp_path / "metrics.log").read_text() == LINES_OF_THE_GUIDE
    assert [entry["eval_f1"] for entry in history(tmp_path)] == [0.8156, 0.8445]


PREDICTIONS_OF_THE_GUIDE = """\
================================================================================
Evaluation at Step 250 (Epoch 0.50)
Timestamp: 2025-11-15T10:30:45
================================================================================

Overall Metrics:
  Accuracy:   0.8234
  Precision:  0.8189
  Recall:     0.8123
  F1 Score:   0.8156
  Specificity: 0.8345

Confusion Matrix:
  TN:  4523  FP:   892
  FN:  1012  TP:  4373

Sample Predictions (3 random samples):
  Idx |   GT | Pred |   Conf | Correct
---------------------------------------------
   42 |    1 |    1 | 0.9234 |       ✓
  137 |    0 |    0 | 0.8756 |       ✓
  289 |    1 |    0 | 0.5432 |       ✗

"""


def test_predictions_look_as_in_the_guide(tmp_path: Path) -> None:
    metrics = {
        "accuracy": 0.8234, "precision": 0.8189, "recall": 0.8123, "f1": 0.8156, "specificity": 0.8345,
        "true_negatives": 4523.0, "false_positives": 892.0, "false_negatives": 1012.0, "true_positives": 4373.0,
    }  # fmt: skip
    samples = [Prediction(42, 1, 1, 0.9234), Prediction(137, 0, 0, 0.8756), Prediction(289, 1, 0, 0.5432)]
    files = PredictionFiles(tmp_path)
    files.write(250, 0.5, "2025-11-15T10:30:45.123456", metrics, samples)
    assert (tmp_path / "predictions.log").read_text(encoding="utf-8") == PREDICTIONS_OF_THE_GUIDE
    PredictionFiles(tmp_path).write(500, 1.0, "2025-11-15T10:40:45", {}, samples[:1])
    kept = json.loads((tmp_path / "prediction_samples.json").read_text())
    assert [(entry["step"], len(entry["samples"])) for entry in kept] == [(250, 3), (500, 1)]
    assert kept[0]["samples"][2] == {
        "index": 289, "ground_truth": 1, "predicted": 0, "confidence": 0.5432, "correct": False
    }  # fmt: skip
