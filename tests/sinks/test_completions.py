"""The record of what a model said: whole lines, bounded, and nothing that stops a training."""

from __future__ import annotations

import errno
import json
import os
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from barograph.sinks import completions as module
from barograph.sinks.completions import MOST_A_STEP, Completions
from barograph.sources.samples import samples_of


def written(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "logs/completions.jsonl").read_text("utf-8").splitlines()]


def test_one_flat_object_a_line(tmp_path: Path) -> None:
    kept = Completions(tmp_path, pytest.fail)
    kept.write(10, [{"prompt": "3 + 4 ?", "completion": "7 ☃", "score": 1.0}, {"completion": None, "right": False}])
    kept.write(20, [])
    kept.write(20, [{"completion": "half \ud800"}])
    assert written(tmp_path) == [
        {"step": 10, "prompt": "3 + 4 ?", "completion": "7 ☃", "score": 1.0},
        {"step": 10, "completion": None, "right": False},
        {"step": 20, "completion": "half \ufffd"},
    ]


def test_of_a_step_the_first_rows_are_kept(tmp_path: Path) -> None:
    told: list[str] = []
    kept = Completions(tmp_path, told.append)
    for first in (0, 50):  # Of one step, in two calls.
        kept.write(1, [{"n": n} for n in range(first, first + 50)])
    kept.write(2, [{"n": 0}])
    assert [row["n"] for row in written(tmp_path) if row["step"] == 1] == list(range(MOST_A_STEP))
    assert written(tmp_path)[-1] == {"step": 2, "n": 0}
    assert told == ["samples() was given more than 64 rows of one step: the first of them are kept"]


def test_a_line_that_a_killed_writer_left_does_not_spoil_the_next(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs/completions.jsonl").write_text('{"step": 1, "completion": "a"}\n{"step": 2, "comp')
    Completions(tmp_path, pytest.fail).write(2, [{"completion": "b"}])
    samples = samples_of(tmp_path)
    assert samples is not None
    assert [samples.rows(step) for step in samples.steps] == [
        [{"step": 1, "completion": "a"}], [{"step": 2, "completion": "b"}],
    ]  # fmt: skip


def test_the_file_grows_no_further_and_the_beginning_of_the_run_is_thinned_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_BYTES", 2_000)
    kept = Completions(tmp_path, pytest.fail)
    for step in range(1, 201):
        kept.write(step, [{"completion": "a" * 50}, {"completion": "b" * 50}])
        assert kept.path.stat().st_size <= 2_000
    rows = written(tmp_path)
    steps = list(dict.fromkeys(row["step"] for row in rows))
    assert len(rows) == 2 * len(steps)  # A step is kept whole or not at all.
    assert steps[-1] == 200
    assert steps == sorted(steps)
    gaps = [after - before for before, after in pairwise(steps)]
    assert gaps == sorted(gaps, reverse=True)


def test_what_was_done_again_is_thinned_out_as_one_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_BYTES", 440)
    kept = Completions(tmp_path, pytest.fail)
    for step in (1, 2, 3, 4, 3, 4, 5):  # Went back after step 4; 63 bytes each, 441 in all.
        kept.write(step, [{"completion": "a" * 33}])
    assert [row["step"] for row in written(tmp_path)] == [1, 3, 5]


def test_steps_that_fill_it_alone_end_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_BYTES", 2_000)
    told: list[str] = []
    kept = Completions(tmp_path, told.append)
    for step in range(1, 5):
        kept.write(step, [{"completion": "a" * 1_700}])
    assert [row["step"] for row in written(tmp_path)] == [2]
    assert told == [f"{kept.path}: holds as much as it may; what the model says from here on is not kept"]


def test_a_full_disk_is_told_and_nothing_raises(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    told: list[str] = []
    kept = Completions(tmp_path, told.append)
    with monkeypatch.context() as patched:
        patched.setattr(os, "write", full)
        kept.write(1, [{"completion": "a"}])
    assert told == [f"{kept.path}: what the model said cannot be written (No space left on device), and is not kept"]
    kept.write(2, [{"completion": "b"}])
    assert written(tmp_path) == [{"step": 2, "completion": "b"}]
