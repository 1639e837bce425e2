"""NeMo-RL: a sample that its print statements were followed for."""

from __future__ import annotations

from pathlib import Path

import pytest
from logged import SAMPLES, expected_of, series_of

from barograph.sources.formats.consoles.nemo_rl import NEMO_RL
from barograph.sources.runs import read_run

FOLDER = SAMPLES / "nemo_rl"


def rows_of(text: str) -> list[dict[str, object]]:
    parser = NEMO_RL.parser()
    return [row for line in text.splitlines() for row in parser.line(line)] + list(parser.end())


def header(what: str, number: int, of: int) -> str:
    return f"\n{'=' * 25} {what} {number}/{of} {'=' * 25}\n"


def test_every_value_at_its_step() -> None:
    run = read_run(FOLDER / "console.log")
    read = series_of(run)
    for key, points in expected_of(FOLDER / "expected.json").items():
        assert read[key] == [(step, pytest.approx(value, abs=5.1e-5, nan_ok=True)) for step, value in points]
    assert (run.source, run.method.value, run.first_step, run.last_step) == ("nemo_rl", "grpo", 1, 12)
    assert run.config["max_steps"] == 12


def test_what_it_means() -> None:
    run = read_run(FOLDER / "console.log")
    raws = {name: column.raw for name, column in run.columns.items()}
    assert (
        raws.items()
        >= {
            "loss": "Loss",
            "kl_infer": "Generation KL Error",
            "score_mean": "Avg Reward",
            "len_mean": "Mean Generation Length",
            "eval.task_accuracy": "validation/Accuracy",
            "eval.len_mean": "validation/Average response length",
        }.items()
    )
    assert run.latest("step_time") == 61.2


def test_steps_are_counted_anew_in_every_epoch() -> None:
    text = ""
    for epoch in (1, 2):
        text += header("Epoch", epoch, 2)
        for step in (1, 2, 3):
            text += header("Step", step, 3) + "📊 Training Results:\n  • loss: 0.5\n"
    assert [row["step"] for row in rows_of(text)] == [1, 2, 3, 4, 5, 6]


def test_a_validation_before_the_first_step() -> None:
    rows = rows_of("📊 Validation Results:\n    • Accuracy: 0.4500\n" + header("Step", 1, 9))
    assert rows == [{"step": 0, "validation/Accuracy": "0.4500"}]


def test_pairs_and_several_data_sets(tmp_path: Path) -> None:
    text = ""
    for step in (1, 2):
        text += header("Step", step, 2)
        text += (
            "📊 Validation Results for `helpful` set:\n    • Validation loss: 0.6000\n    • Validation accuracy: 0.7\n"
        )
        text += "📊 Training Results:\n  • loss: 0.6900\n  • sft_loss: 1.2\n  • accuracy: 0.6\n"
        text += "  • rewards_chosen_mean: 0.1\n  • rewards_rejected_mean: -0.1\n⏱️  Timing:\n  • Total step time: 2.5s\n"
    log = tmp_path / "train.log"
    log.write_text(text)
    run = read_run(log)
    assert run.method.value == "dpo"
    assert (run.latest("reward_accuracy"), run.latest("eval/helpful.reward_accuracy")) == (0.6, 0.7)
    assert run.latest("reward_margin") == pytest.approx(0.2)
    assert list(run.columns["step_time"].values) == [2.5, 2.5]


def test_blocks_are_counted_where_no_header_tells_the_step() -> None:
    rows = rows_of("📊 Training Results:\n  • Loss: 0.5\n  • Avg Trajectory Age: 1.25 steps\n⏱️  Timing:\n" * 3)
    assert [row["step"] for row in rows] == [1, 2, 3]
    assert rows[0]["Avg Trajectory Age"] == "1.25"


def test_numbers_as_ppo_prints_them() -> None:
    (row,) = rows_of(
        "📊 Training Results:\n  • Policy Loss: -0.0123456\n  • Critic Loss: N/A\n  • Critic LR: 1.00e-05\n"
    )
    assert row == {"step": 1, "Policy Loss": "-0.0123456", "Critic LR": "1.00e-05"}
