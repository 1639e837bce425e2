from __future__ import annotations

import gzip
import json
import math
import os
import shutil
import sqlite3
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest
from database_format import MLFLOW, create, stored
from logged import series
from mlflow_format import write_run

from barograph.core.errors import UnreadableRun
from barograph.core.run import Run
from barograph.sources.base import Document, RawRun
from barograph.sources.formats.mlflow import MLFLOW_DATABASE, MLFLOW_FILES
from barograph.sources.runs import How, read_each, read_run

SAMPLES = Path(__file__).parent.parent / "samples" / "mlflow"
STORE = SAMPLES / "mlruns"
LOGGED = json.loads((SAMPLES / "expected.json").read_text())
ROWS = [{"step": step, "loss": 1 / step, "eval/rewards/chosen": step / 2} for step in range(1, 6)]


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """What MLflow 3.17 wrote: three runs."""
    path = tmp_path / "mlflow.db"
    path.write_bytes(gzip.decompress((SAMPLES / "mlflow.db.gz").read_bytes()))
    return path


def run_folder(name: str) -> Path:
    (folder,) = STORE.glob(f"*/{LOGGED['files']['#ids'][name]}")
    return folder


def raw_in(folder: Path) -> RawRun:
    (raw,) = MLFLOW_FILES.read(Document(str(folder)))
    return raw


def as_logged(pairs: list[list[object]]) -> list[list[object]]:
    """What was logged at steps that we count: from 0 up."""
    return [pair for pair in pairs if pair[0] >= 0]


@pytest.mark.parametrize("name", ["dpo-beta0.1", "grpo-run", "features"])
@pytest.mark.parametrize("kind", ["files", "database"])
def test_every_number_that_was_logged(database: Path, kind: str, name: str) -> None:
    if kind == "files":
        raw = raw_in(run_folder(name))
    else:
        (raw,) = [raw for raw in MLFLOW_DATABASE.read(Document(str(database))) if raw.name == name]
    assert raw.name == name
    for key, pairs in LOGGED[kind][name].items():
        if as_logged(pairs):
            assert series(raw, key, "step") == as_logged(pairs), key
    assert set(raw.table.columns) - {"step"} == {key for key, pairs in LOGGED[kind][name].items() if as_logged(pairs)}
    assert raw.notes == (["1 value at a step below zero: left out"] if name == "features" else [])


def test_settings(database: Path) -> None:
    of_database = {raw.name: raw.config for raw in MLFLOW_DATABASE.read(Document(str(database)))}
    for config in (raw_in(run_folder("dpo-beta0.1")).config, of_database["dpo-beta0.1"]):
        assert (config["beta"], config["max_steps"], config["bf16"]) == (0.1, 24, True)
        assert (config["learning_rate"], config["loss_type"]) == (5e-07, ["sigmoid"])
        assert config["model_name_or_path"] == "Qwen/Qwen2.5-0.5B-Instruct"


def test_both_stores_give_the_same_run(database: Path) -> None:
    first, second = read_run(run_folder("dpo-beta0.1")), read_run(f"{database}#dpo-beta0.1")
    assert first.method.value == second.method.value == "dpo"
    assert first.steps == second.steps
    for key, column in first.columns.items():
        assert list(map(repr, column.values)) == list(map(repr, second.columns[key].values))
    assert first.columns["eval.loss"].values[-1] == LOGGED["files"]["dpo-beta0.1"]["eval_loss"][-1][1]


def test_the_store_an_experiment_and_a_run(tmp_path: Path) -> None:
    store = tmp_path / "mlruns"
    shutil.copytree(STORE, store)
    runs = {f"{run_folder(name).relative_to(STORE)}" for name in ("dpo-beta0.1", "grpo-run")}
    experiment = store / run_folder("grpo-run").parent.name
    for path in (tmp_path, store, experiment):
        found = [found for found in read_each(path, How()) if isinstance(found, Run)]
        assert {os.path.relpath(run.path, store) for run in found} == runs
    run = read_run(store / run_folder("grpo-run").relative_to(STORE))
    assert (run.source, len(run), run.config["run_name"]) == ("mlflow", 12, "grpo-run")


def test_what_was_deleted_and_models_are_left_out(tmp_path: Path) -> None:
    store = tmp_path / "mlruns"
    write_run(store / "7" / "kept", ROWS)
    write_run(store / "7" / "gone", ROWS, stage="deleted")
    write_run(store / "8" / "lost", ROWS)
    (store / "8" / "meta.yaml").write_text("lifecycle_stage: deleted\n")
    write_run(store / ".trash" / "9", ROWS)
    write_run(store / "7" / "models" / "m-1", ROWS)
    write_run(store / "7" / "m-2", ROWS)
    (store / "7" / "m-2" / "meta.yaml").write_text("model_id: m-2\nlifecycle_stage: active\n")
    assert MLFLOW_FILES.in_folder(store) == [store / "7" / "kept"]
    assert raw_in(store / "7" / "gone").notes == ["MLflow has this run marked as deleted"]


def test_deleted_runs_of_a_database(tmp_path: Path) -> None:
    path = tmp_path / "mlflow.db"
    runs = [("a", "kept", "FINISHED", "active", 1), ("b", "gone", "FINISHED", "deleted", 1),
            ("c", "lost", "FINISHED", "active", 2), ("d", "kept", "RUNNING", "active", 1)]  # fmt: skip
    cells = {
        "experiments": [(1, "x", "active"), (2, "y", "deleted")],
        "runs": runs,
        "metrics": [cell for run in runs for cell in stored(ROWS, run[0])],
        "tags": [("mlflow.runName", "renamed", "d")],
    }
    create(path, MLFLOW, cells)
    assert [raw.name for raw in MLFLOW_DATABASE.read(Document(str(path)))] == ["kept", "renamed"]
    create(path, MLFLOW, {**cells, "runs": runs[1:2]})
    with pytest.raises(UnreadableRun, match="holds no run that was not deleted"):
        read_run(path)


def test_figures_of_the_machine_are_no_metrics(tmp_path: Path) -> None:
    rows = [{**row, "system/cpu_utilization_percentage": 50.0} for row in ROWS]
    write_run(tmp_path / "7" / "a", rows)
    create(tmp_path / "mlflow.db", MLFLOW, {"runs": [("a", "x", "", "active", 1)], "metrics": stored(rows, "a")})
    (of_database,) = MLFLOW_DATABASE.read(Document(str(tmp_path / "mlflow.db")))
    for raw in (raw_in(tmp_path / "7" / "a"), of_database):
        assert set(raw.table.columns) == {"step", "loss", "eval/rewards/chosen"}


def test_the_trainers_totals_are_no_part_of_the_last_row(tmp_path: Path) -> None:
    """They are logged at the step of the last row, which would be dropped with them."""
    totals = {"step": 5, "train_runtime": 9.5, "train_samples_per_second": 3.0, "train_loss": 0.65, "epoch": 1.0}
    cells = {"runs": [("a", "x", "", "active", 1)], "metrics": stored([*ROWS, totals], "a")}
    create(tmp_path / "mlflow.db", MLFLOW, cells)
    assert read_run(tmp_path / "mlflow.db", "dpo").latest("loss") == 0.2


def test_lines_of_five_parts_and_of_two(tmp_path: Path) -> None:
    """Newer lines name the data set; the first ones told no step, and are counted."""
    write_run(tmp_path / "7" / "a", ROWS)
    (tmp_path / "7" / "a" / "metrics" / "loss").write_text("10 0.5 3 data 0a1b\n20 0.25 4 data 0a1b\n")
    assert series(raw_in(tmp_path / "7" / "a"), "loss", "step") == [[3, 0.5], [4, 0.25]]
    shutil.rmtree(tmp_path / "7" / "a" / "metrics" / "eval")
    (tmp_path / "7" / "a" / "metrics" / "loss").write_text("10 0.5\n20 0.25\n")
    run = read_run(tmp_path / "7" / "a", "sft")
    assert (list(run.steps), list(run.columns["loss"].values)) == ([1, 2], [0.5, 0.25])


def test_torn_and_broken_lines(tmp_path: Path) -> None:
    write_run(tmp_path / "7" / "a", ROWS)
    file = tmp_path / "7" / "a" / "metrics" / "loss"
    file.write_text("10 0.5 1\noops\n20 0.25 2\n30 0.125 " + "9" * 3_000_000 + "\n40 " + "9" * 400 + " 4\n50 0.1 1")
    raw = raw_in(tmp_path / "7" / "a")
    assert series(raw, "loss", "step") == [[1, 0.5], [2, 0.25], [4, "Infinity"]]
    assert raw.notes == [
        "2 lines of its metrics are broken: left out",
        "the last line of 'loss' is cut short: left out",
    ]
    file.write_text("step loss\n" * 20)
    with pytest.raises(UnreadableRun, match="20 of 25 lines of its metrics are no time, value and step"):
        read_run(tmp_path / "7" / "a")


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights there")
def test_links_that_lead_out_are_not_followed(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    write_run(outside / "7" / "b", [{"step": 1, "secret": 1.0, "nested/secret": 1.0}])
    store = tmp_path / "mlruns"
    write_run(store / "7" / "a", ROWS)
    (store / "7" / "link").symlink_to(outside / "7" / "b")
    (store / "8").symlink_to(outside / "7")
    run = store / "7" / "a"
    (run / "metrics" / "secret").symlink_to(outside / "7" / "b" / "metrics" / "secret")
    (run / "metrics" / "nested").symlink_to(outside / "7" / "b" / "metrics" / "nested")
    (run / "params").symlink_to(outside)
    (run / "tags").mkdir()
    (run / "tags" / "mlflow.runName").symlink_to(outside / "7" / "b" / "meta.yaml")
    os.mkfifo(run / "metrics" / "pipe")
    assert MLFLOW_FILES.in_folder(store) == [run]
    assert set(raw_in(run).table.columns) == {"step", "loss", "eval/rewards/chosen"}
    assert raw_in(run).config == {}
    shutil.rmtree(run / "metrics")
    (run / "metrics").symlink_to(outside / "7" / "b" / "metrics")
    assert not MLFLOW_FILES.recognises(str(run), b"")


@pytest.mark.skipif(sys.platform == "win32", reason="no such names there")
def test_names_that_a_terminal_might_obey(tmp_path: Path) -> None:
    write_run(tmp_path / "7" / "a", ROWS)
    metrics = os.fsencode(tmp_path / "7" / "a" / "metrics")
    for name in (b"a\x1b[31mb", b"\xff\xfe", "损失".encode()):
        with open(metrics + b"/" + name, "wb") as stream:  # noqa: PTH123 - a name of bytes
            stream.write(b"10 1 1\n")
    assert read_run(tmp_path / "7" / "a", "sft").unknown_keys == ["\\udcff\\udcfe", "a\\x1b[31mb", "损失"]


@pytest.mark.parametrize("size", [998, 999, 1_000, 1_001, 2_000, 3_000_000])
def test_a_line_without_end_is_one_broken_line(tmp_path: Path, size: int) -> None:
    """Its last part would look like a number."""
    write_run(tmp_path / "7" / "a", [{"step": 1, "loss": 0.5}, {"step": 2, "loss": 0.4}])
    with (tmp_path / "7" / "a" / "metrics" / "loss").open("a") as file:
        file.write("x" * size + " 7 0.1 3\n")
    raw = raw_in(tmp_path / "7" / "a")
    assert list(raw.table.columns["loss"].values) == [0.5, 0.4]
    assert raw.notes == ["1 line of its metrics is broken: left out"]


def test_ten_thousand_metrics(tmp_path: Path) -> None:
    write_run(tmp_path / "7" / "a", ROWS)
    for number in range(9_900):
        (tmp_path / "7" / "a" / "metrics" / f"m{number}").write_text("10 1 1\n20 2 2\n")
    begin = time.perf_counter()
    assert len(raw_in(tmp_path / "7" / "a").table.columns) == 9_903
    assert time.perf_counter() - begin < 10
    for number in range(9_900, 10_050):
        (tmp_path / "7" / "a" / "metrics" / f"m{number}").write_text("10 1 1\n20 2 2\n")
    with pytest.raises(UnreadableRun, match=r"a run has 10,0\d\d keys or more"):
        read_run(tmp_path / "7" / "a")


def test_an_unreadable_file_is_noted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_run(tmp_path / "7" / "a", ROWS)
    real = open

    def denying(path: object, *args: object, **more: object) -> object:
        if str(path).endswith("loss"):
            raise PermissionError(13, "denied")
        return real(path, *args, **more)

    monkeypatch.setattr("builtins.open", denying)
    assert raw_in(tmp_path / "7" / "a").notes == ["metrics that cannot be read: 'loss': left out"]


def test_a_clock_that_was_set_back(tmp_path: Path) -> None:
    """The order of a file's lines counts, not their times."""
    write_run(tmp_path / "7" / "a", ROWS)
    file = tmp_path / "7" / "a" / "metrics" / "loss"
    file.write_text("90 0.5 1\n91 0.4 2\n10 0.3 3\n11 0.2 4\n")
    (tmp_path / "7" / "a" / "metrics" / "lr").write_text("90 1 1\n91 1 2\n10 1 3\n11 1 4\n")
    run = read_run(tmp_path / "7" / "a", "sft")
    assert list(run.columns["loss"].values) == [0.5, 0.4, 0.3, 0.2]
    assert not any("falls back" in note for note in run.notes)


def test_values_in_a_database_that_are_no_numbers(tmp_path: Path) -> None:
    path = tmp_path / "mlflow.db"
    cells = [("loss", "text", 1, "a", 1, 0), ("loss", 0.5, 2, "a", 2, 0), ("loss", 0.0, 3, "a", 3, 1),
             ("loss", 0.5, 4, "a", "four", 0), (b"\xff", 0.5, 5, "a", 5, 0), ("loss", 0.5, 6, "a", -1, 0)]  # fmt: skip
    create(path, MLFLOW, {"runs": [("a", "x", "", "active", 1)], "metrics": cells})
    (raw,) = MLFLOW_DATABASE.read(Document(str(path)))
    assert raw.table.columns["loss"].values[0] == 0.5
    assert math.isnan(raw.table.columns["loss"].values[1])
    assert raw.notes == ["2 values that are no number: left out", "1 value at a step below zero: left out"]


def test_another_database_is_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "app.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE users (name)")
    with pytest.raises(UnreadableRun, match="in no format known here"):
        read_run(path)
    packed = tmp_path / "app.db.gz"
    packed.write_bytes(gzip.compress(path.read_bytes()))
    with pytest.raises(UnreadableRun, match="is a database without the tables of trackio or MLflow"):
        read_run(packed)
