"""Checkpoints beside a log: what is there is found, and nothing else."""

from __future__ import annotations

import json
from pathlib import Path

import barograph
from barograph.sources.checkpoints import saved_beside

ROWS = [{"step": step, "loss": 0.5, "rewards/margins": 0.1} for step in range(1, 6)]


def log(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    return path


def test_in_the_folder_of_the_log_and_in_that_of_the_run_whose_part_it_is(tmp_path: Path) -> None:
    for step in (100, 20):
        (tmp_path / f"checkpoint-{step}").mkdir()
    (tmp_path / "checkpoint-60").write_text("a file is no checkpoint")
    (tmp_path / "abandoned-1-checkpoint-40").mkdir()
    (tmp_path / "checkpoint-best").mkdir()
    for place in (tmp_path, tmp_path / "log.jsonl", tmp_path / "logs" / "training_metrics.jsonl",
                  tmp_path / "checkpoint-100" / "trainer_state.json"):  # fmt: skip
        assert saved_beside(place) == {"checkpoints": [20, 100]}


def test_where_there_are_none_nothing_is_said(tmp_path: Path) -> None:
    assert saved_beside(tmp_path / "log.jsonl") == {}
    assert saved_beside(tmp_path / "gone" / "log.jsonl") == {}


def test_a_run_knows_what_lies_there_now_whether_or_not_its_columns_are_kept(tmp_path: Path) -> None:
    path = log(tmp_path / "log.jsonl")
    assert "checkpoints" not in barograph.read(path).config
    (tmp_path / "checkpoint-3").mkdir()
    assert barograph.read(path).config["checkpoints"] == [3]
