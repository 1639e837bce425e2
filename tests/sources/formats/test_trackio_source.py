from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from database_format import OLD_TRACKIO, TRACKIO, create
from logged import numbers, series

from barograph.core.errors import UnreadableRun
from barograph.sources.base import Document, RawRun
from barograph.sources.formats import trackio as module
from barograph.sources.formats.trackio import TRACKIO as SOURCE
from barograph.sources.runs import How, read_each, read_run

SAMPLES = Path(__file__).parent.parent / "samples" / "trackio"
LOGGED = json.loads((SAMPLES / "expected.json").read_text())


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """What trackio 0.43 wrote: three runs."""
    path = tmp_path / "trackio" / "align.db"
    path.parent.mkdir()
    path.write_bytes(gzip.decompress((SAMPLES / "align.db.gz").read_bytes()))
    (path.parent / "align.lock").touch()
    return path


def by_name(path: Path) -> dict[str, RawRun]:
    return {raw.name: raw for raw in SOURCE.read(Document(str(path)))}


def row(run_id: str, name: str, step: int, metrics: object) -> tuple[object, ...]:
    cell = metrics if isinstance(metrics, bytes | int) else json.dumps(metrics).encode()
    return None, run_id, "2026-01-01T00:00:00+00:00", name, step, cell, None, None


@pytest.mark.parametrize("name", ["dpo-beta0.1", "grpo-run", "features"])
def test_every_number_that_was_logged(project: Path, name: str) -> None:
    raw = by_name(project)[name]
    for key, pairs in numbers(LOGGED[name]).items():
        assert series(raw, key, "_step") == pairs, key
    if name != "features":
        assert set(raw.table.columns) == {"_step", *numbers(LOGGED[name])}


def test_what_is_no_number(project: Path) -> None:
    raw = by_name(project)["features"]
    assert raw.table.left_out == {"s": ("text", 1), "list": ("a list", 1)}
    assert raw.table.columns["nested/x"].values[0] == 1.5


def test_the_trainers_step_counts_and_not_the_calls(project: Path) -> None:
    run = read_run(f"{project}#dpo-beta0.1")
    logged = LOGGED["dpo-beta0.1"]
    of_call = dict(logged["train/global_step"])
    losses = [(of_call[call], value) for call, value in logged["train/loss"]]
    column = run.columns["loss"]
    assert [(run.steps[at], value) for at, value in zip(column.at, column.values, strict=True)] == losses
    assert run.columns["eval.loss"].values[-1] == logged["eval/loss"][-1][1]
    assert (run.method.value, run.first_step, run.last_step) == ("dpo", 1, 24)


def test_settings(project: Path) -> None:
    config = by_name(project)["dpo-beta0.1"].config
    assert (config["beta"], config["max_steps"], config["loss_type"], config["bf16"]) == (0.1, 24, ["sigmoid"], True)
    assert not [key for key in config if key.startswith("_")]


def test_the_folder_of_projects(project: Path) -> None:
    create(project.with_name("other.db"), TRACKIO, {"metrics": [row("a", "solo", 1, {"loss": 1})]})
    found = {run.path for run in read_each(project.parent, How()) if not isinstance(run, UnreadableRun)}
    assert found == {f"{project}#dpo-beta0.1", f"{project}#grpo-run", str(project.with_name("other.db"))}


def test_packed(project: Path) -> None:
    run = read_run(f"{SAMPLES / 'align.db.gz'}#grpo-run")
    assert run.columns["score_mean"].values == read_run(f"{project}#grpo-run").columns["score_mean"].values
    assert [value for _, value in LOGGED["grpo-run"]["train/reward"]] == list(run.columns["score_mean"].values)


def test_runs_of_one_name_are_told_apart(tmp_path: Path) -> None:
    path = tmp_path / "project.db"
    rows = [row(f"{run}0123456789", "again", step, {"loss": value})
            for run, value in (("aaaa", 1), ("bbbb", 2)) for step in (1, 2)]  # fmt: skip
    create(path, TRACKIO, {"metrics": [*rows, row("cccc", "x#y", 1, {"loss": 3})]})
    found = by_name(path)
    assert list(found) == ["again-aaaa0123", "again-bbbb0123", "x_y"]
    assert list(found["again-bbbb0123"].table.columns["loss"].values) == [2, 2]
    assert read_run(f"{path}#x_y", "sft").columns["loss"].values[0] == 3


def test_the_first_versions_knew_runs_by_name_only(tmp_path: Path) -> None:
    path = tmp_path / "project.db"
    rows = [(None, "", name, step, f'{{"loss": {step}}}') for step in range(3) for name in ("a", "b")]
    create(path, OLD_TRACKIO, {"metrics": rows})
    assert {name: list(raw.table.columns["loss"].values) for name, raw in by_name(path).items()} == {
        "a": [0, 1, 2],
        "b": [0, 1, 2],
    }


def test_rows_that_are_no_objects(tmp_path: Path) -> None:
    path = tmp_path / "project.db"
    good = [row("a", "run", step, {"loss": step}) for step in range(3)]
    create(path, TRACKIO, {"metrics": [*good, row("a", "run", 3, b"{oops"), row("a", "run", 4, 5)]})
    (raw,) = SOURCE.read(Document(str(path)))
    assert raw.notes == ["2 rows that are no JSON object: left out"]
    assert list(raw.table.columns["loss"].values) == [0, 1, 2]
    create(path, TRACKIO, {"metrics": [*good[:1], row("a", "run", 3, b"[" * 10_000), row("a", "run", 4, 7)]})
    with pytest.raises(UnreadableRun, match="2 of 3 rows of the run 'run' are no JSON objects"):
        SOURCE.read(Document(str(path)))


def test_a_project_without_rows(tmp_path: Path) -> None:
    path = tmp_path / "project.db"
    create(path, TRACKIO, {})
    with pytest.raises(UnreadableRun, match="holds no rows; is the run still starting"):
        read_run(path)


def test_more_runs_or_keys_than_any_project_has(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "project.db"
    create(path, TRACKIO, {"metrics": [row("a", "run", 1, {f"key{i}": 1 for i in range(10_001)})]})
    with pytest.raises(UnreadableRun, match="a run has 10,002 keys or more"):
        read_run(path)
    monkeypatch.setattr(module, "MOST_RUNS", 3)
    create(path, TRACKIO, {"metrics": [row(f"r{i}", "run", 1, {"loss": 1}) for i in range(4)]})
    with pytest.raises(UnreadableRun, match="holds more than 3 runs"):
        read_run(path)
