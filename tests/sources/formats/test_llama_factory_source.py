"""LLaMA-Factory's log, and what the state of its trainer adds to it."""

from __future__ import annotations

import json
import math
import shutil
from pathlib import Path
from typing import Any

import pytest

from barograph.core.run import Run
from barograph.sources.base import Document
from barograph.sources.catalogue import recognise
from barograph.sources.formats.llama_factory import LLAMA_FACTORY
from barograph.sources.locate import find
from barograph.sources.runs import How, read_each, read_run

SAMPLE = Path(__file__).parent.parent / "samples" / "llama_factory"


def logged(name: str) -> dict[str, list[tuple[int, float]]]:
    return {key: [(step, float(value)) for step, value in points]
            for key, points in json.loads((SAMPLE / name).read_text()).items()}  # fmt: skip


def points(run: Run, series: str) -> list[tuple[int, float]]:
    column = run.columns[series]
    return [(run.steps[at], value) for at, value in zip(column.at, column.values, strict=True)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of a run, with log and state."""
    for name in ("trainer_log.jsonl", "trainer_state.json"):
        shutil.copy(SAMPLE / name, tmp_path / name)
    return tmp_path


def rows_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def write_rows(path: Path, rows: list[dict[str, Any]]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def same(one: list[tuple[int, float]], other: list[tuple[int, float]]) -> bool:
    return len(one) == len(other) and all(
        step == step2 and (value == value2 or (math.isnan(value) and math.isnan(value2)))
        for (step, value), (step2, value2) in zip(one, other, strict=True)
    )


def test_the_log_alone(tmp_path: Path) -> None:
    shutil.copy(SAMPLE / "trainer_log.jsonl", tmp_path / "trainer_log.jsonl")
    run = read_run(tmp_path / "trainer_log.jsonl")
    known = logged("expected.json")
    assert (run.source, run.method.value, run.first_step, run.last_step) == ("llama_factory", "dpo", 1, 20)
    assert points(run, "loss") == known["loss"]
    assert points(run, "reward_accuracy") == known["accuracy"]
    assert points(run, "lr") == known["lr"]
    assert points(run, "eval.loss") == known["eval_loss"]
    assert "grad_norm" not in run.columns
    assert run.config["max_steps"] == 20


@pytest.mark.parametrize("where", ["trainer_state.json", "checkpoint-20/trainer_state.json"])
def test_the_state_adds_what_only_it_tells(folder: Path, where: str) -> None:
    (folder / where).parent.mkdir(exist_ok=True)
    (folder / "trainer_state.json").rename(folder / where)
    run = read_run(folder)
    state = logged("expected_trainer_state.json")
    assert run.source == "llama_factory"
    for series, key in (
        ("reward_margin", "rewards/margins"),
        ("reward_chosen", "rewards/chosen"),
        ("grad_norm", "grad_norm"),
        ("loss", "loss"),
        ("lr", "learning_rate"),
        ("reward_accuracy", "rewards/accuracies"),
        ("eval.reward_margin", "eval_rewards/margins"),
        ("eval.loss", "eval_loss"),
    ):
        assert same(points(run, series), state[key]), series
    assert math.isnan(dict(points(run, "grad_norm"))[13])
    assert points(run, "tokens_per_second")  # Which only the log tells.
    assert run.config["logging_steps"] == 1
    assert f"joined with {where}, which tells what this log does not" in run.notes
    assert not any("given again" in note for note in run.notes)


def test_a_folder_with_both_is_one_run(folder: Path) -> None:
    (place,) = find(folder)
    assert [log.source.name for log in place.logs] == ["llama_factory", "trainer_state"]
    assert len(list(read_each(folder, How()))) == 1


def test_rows_that_only_one_of_both_has(folder: Path) -> None:
    log = folder / "trainer_log.jsonl"
    write_rows(log, [row for row in rows_of(log) if row["current_steps"] not in (3, 4, 20)])
    state = json.loads((folder / "trainer_state.json").read_text())
    state["log_history"] = [row for row in state["log_history"] if row["step"] not in (7, 8)]
    (folder / "trainer_state.json").write_text(json.dumps(state))
    run = read_run(folder)
    known = logged("expected.json")
    assert points(run, "loss") == known["loss"]
    assert [step for step, _ in points(run, "reward_margin")] == [step for step in range(1, 21) if step not in (7, 8)]
    assert not any("falls back" in note for note in run.notes)


def test_a_state_that_lags_behind(folder: Path) -> None:
    (folder / "checkpoint-10").mkdir()
    state = json.loads((folder / "trainer_state.json").read_text())
    (folder / "trainer_state.json").unlink()
    state["log_history"] = [row for row in state["log_history"] if row["step"] <= 10]
    (folder / "checkpoint-10" / "trainer_state.json").write_text(json.dumps(state))
    run = read_run(folder)
    assert [step for step, _ in points(run, "reward_margin")] == list(range(1, 11))
    assert [step for step, _ in points(run, "loss")] == list(range(1, 21))


def test_a_second_run_appended(folder: Path) -> None:
    """The state is of the last one; the first keeps what the log says of it."""
    log = folder / "trainer_log.jsonl"
    rows = rows_of(log)
    first = [{**row, "loss": row["loss"] + 0.1} if "loss" in row else row for row in rows]
    write_rows(log, first + rows)
    one, two = list(read_each(folder, How()))
    assert isinstance(one, Run)
    assert isinstance(two, Run)
    assert "reward_margin" not in one.columns
    assert points(one, "loss") == [(step, value + 0.1) for step, value in logged("expected.json")["loss"]]
    assert same(points(two, "reward_margin"), logged("expected_trainer_state.json")["rewards/margins"])


def test_a_resumed_run(folder: Path) -> None:
    """The state holds the whole history, the log what was given up as well."""
    log = folder / "trainer_log.jsonl"
    rows = rows_of(log)
    given_up = [{**row, "loss": 9.0} if "loss" in row else row for row in rows if 10 < row["current_steps"] <= 14]
    until = [row for row in rows if row["current_steps"] <= 10]
    write_rows(log, until + given_up + [row for row in rows if row["current_steps"] > 10])
    run = read_run(folder)
    assert points(run, "loss") == logged("expected.json")["loss"]
    assert same(points(run, "reward_margin"), logged("expected_trainer_state.json")["rewards/margins"])
    assert any("falls back once (to 11)" in note for note in run.notes)


def test_a_state_of_another_run_is_not_joined(folder: Path) -> None:
    state = json.loads((folder / "trainer_state.json").read_text())
    for row in state["log_history"]:
        for key in ("loss", "eval_loss"):
            if key in row:
                row[key] += 0.25
    (folder / "trainer_state.json").write_text(json.dumps(state))
    run = read_run(folder)
    assert points(run, "loss") == logged("expected.json")["loss"]
    assert "reward_margin" not in run.columns
    assert "trainer_state.json is of another run, for its losses differ: not read" in run.notes


@pytest.mark.parametrize("content", ["", "{", "[1]", '{"log_history": 3}', '{"log_history": [1, {"step": "x"}, {}]}'])
def test_a_state_that_cannot_be_read_hides_nothing(folder: Path, content: str) -> None:
    (folder / "trainer_state.json").write_text(content)
    run = read_run(folder / "trainer_log.jsonl")
    assert points(run, "loss") == logged("expected.json")["loss"]
    assert all(note.isprintable() for note in run.notes)


def test_from_standard_input_no_file_is_looked_for(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    (raw,) = LLAMA_FACTORY.read(Document("-", (folder / "trainer_log.jsonl").read_bytes()))
    assert "rewards/margins" not in raw.table.columns


def test_a_line_that_is_still_being_written(folder: Path) -> None:
    log = folder / "trainer_log.jsonl"
    log.write_text(log.read_text() + '{"current_steps": 21, "total_st')
    assert any("cut short" in note for note in read_run(folder).notes)


@pytest.mark.parametrize(("content", "name"), [
    ('{"current_steps": 1, "total_steps": 9, "loss": 0.5}\n', "llama_factory"),
    ('{"current_steps": 1, "loss": 0.5}\n', "jsonl"),
    ('{"step": 1, "loss": 0.5, "note": "current_steps"}\n', "jsonl"),
])  # fmt: skip
def test_recognised_by_its_keys(tmp_path: Path, content: str, name: str) -> None:
    log = tmp_path / "log.jsonl"
    log.write_text(content)
    assert recognise(Document(str(log))).name == name


def test_stages_other_than_dpo(tmp_path: Path) -> None:
    ppo = tmp_path / "ppo" / "trainer_log.jsonl"
    ppo.parent.mkdir()
    row = {"total_steps": 9, "loss": 0.5, "lr": 1e-5, "epoch": 0.1}
    write_rows(ppo, [{"current_steps": step, "reward": step / 4, **row} for step in (1, 2)])
    run = read_run(ppo)
    assert (run.method.value, run.latest("score_mean")) == ("ppo", 0.5)
