from __future__ import annotations

import json
from pathlib import Path

import pytest

from barograph.core.errors import UnreadableRun
from barograph.core.methods import Method
from barograph.sources.runs import read_run


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs/training_metrics.jsonl").write_text('{"step": 1, "loss": 0.5, "kl": 0.25}\n')
    (tmp_path / "run.json").write_text(json.dumps({"method": "kto", "config": {"beta": 0.1, "max_steps": 9}}))
    return tmp_path


def test_its_settings_are_the_runs(folder: Path) -> None:
    for path in (folder, folder / "logs/training_metrics.jsonl"):
        run = read_run(path)
        assert (run.source, run.method) == ("barograph", Method.KTO)
        assert (run.config["beta"], run.config["max_steps"]) == (0.1, 9)
        assert run.latest("kto_z0") == 0.25


def test_the_callers_settings_win(folder: Path) -> None:
    assert read_run(folder, "dpo").method is Method.DPO
    assert read_run(folder, config={"beta": 0.5}).config["beta"] == 0.5


@pytest.mark.parametrize("settings", ["", "[]", "{", '{"config": 5, "method": 7}', '{"method": "no such"}'])
def test_broken_settings_do_not_hide_the_log(folder: Path, settings: str) -> None:
    (folder / "run.json").write_text(settings)
    assert read_run(folder).latest("loss") == 0.5


def test_it_comes_before_the_checkpoints_of_the_trainer(folder: Path) -> None:
    (folder / "checkpoint-5").mkdir()
    state = {"global_step": 5, "log_history": [{"step": 5, "loss": 9}]}
    (folder / "checkpoint-5/trainer_state.json").write_text(json.dumps(state))
    assert read_run(folder).latest("loss") == 0.5


def test_without_settings_it_is_a_log_like_any_other(folder: Path) -> None:
    (folder / "run.json").unlink()
    assert read_run(folder).source == "jsonl"


def test_a_run_that_has_just_begun(folder: Path) -> None:
    (folder / "logs/training_metrics.jsonl").write_text("")
    with pytest.raises(UnreadableRun, match="is empty"):
        read_run(folder)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("metrics/training_metrics.csv", "epoch,loss,reward\n1,0.5,1\n"),
        ("metrics/training_metrics.json", '[{"epoch": 1, "loss": 0.5, "reward": 1}]'),
        ("metrics_history.json", '[{"step": 250, "epoch": 0.5, "timestamp": "2025-11-15", "train_loss": 0.5}]'),
    ],
)
def test_the_files_of_the_guides(tmp_path: Path, name: str, text: str) -> None:
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    assert read_run(tmp_path).latest("loss") == 0.5


def test_a_run_that_begins_anew_in_its_folder_is_still_one_run(folder: Path) -> None:
    """A rescue may go back to the very first step: what was given up is dropped, however long it was."""
    rows = [{"step": step, "loss": attempt} for attempt in (1, 2) for step in range(1, 31)]
    (folder / "logs/training_metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    run = read_run(folder)
    assert list(run.steps) == list(range(1, 31))
    assert set(run.columns["loss"].values) == {2.0}
