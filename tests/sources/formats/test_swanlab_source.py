from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from logged import numbers, series
from swanlab_format import as_file, column, finish, scalar, start
from tensorboard_format import field

from barograph.core.errors import UnreadableRun
from barograph.core.run import Run
from barograph.sources import base
from barograph.sources.base import Document, RawRun
from barograph.sources.formats.swanlab import SWANLAB
from barograph.sources.runs import How, read_each, read_run

SAMPLES = Path(__file__).parent.parent / "samples" / "swanlab"
LOGGED = json.loads((SAMPLES / "expected.json").read_text())
FILES = sorted(SAMPLES.glob("offline/run-*/run-*.swanlab"))


def read(data: bytes | Path) -> RawRun:
    (raw,) = SWANLAB.read(Document("-", data) if isinstance(data, bytes) else Document(str(data)))
    return raw


def losses(raw: RawRun) -> list[float]:
    return list(raw.table.columns["loss"].values)


RECORDS = [start("my run"), *(scalar("loss", step, step / 8) for step in range(1, 4)), finish()]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_number_that_was_logged(file: Path) -> None:
    raw = read(file)
    logged = numbers(LOGGED[raw.name])
    assert set(raw.table.columns) == {*logged, "_step"}
    for key, pairs in logged.items():
        assert series(raw, key, "_step") == pairs, key
    assert raw.notes == (["left out, being no number: 1 piece of media"] if raw.name == "features" else [])


def test_local_mode_writes_the_same_log() -> None:
    (file,) = SAMPLES.glob("local/run-*/run-*.swanlab")
    raw = read(file)
    assert raw.name == "grpo-run"
    for key, pairs in LOGGED["grpo-run"].items():
        assert series(raw, key, "_step") == pairs


def test_a_folder_of_runs() -> None:
    runs = [found for found in read_each(SAMPLES / "offline", How()) if isinstance(found, Run)]
    assert {(run.method.value, len(run)) for run in runs} == {("dpo", 24), ("grpo", 12)}
    dpo = next(run for run in runs if run.method.value == "dpo")
    assert (dpo.config["beta"], dpo.config["max_steps"], dpo.config["bf16"]) == (0.1, 24, True)
    logged = LOGGED["dpo-beta0.1"]
    for name, key in (("loss", "train/loss"), ("eval.loss", "eval/loss"), ("reward_margin", "train/rewards/margins")):
        found = dpo.columns[name]
        assert [[dpo.steps[at], value] for at, value in zip(found.at, found.values, strict=True)] == logged[key]


@pytest.mark.parametrize("block", [1, 7, 1000])
def test_where_blocks_end_never_shows(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = read(FILES[0])
    monkeypatch.setattr(base, "BLOCK", block)
    assert {key: list(map(repr, values)) for key, (_, values) in read(FILES[0]).table.columns.items()} == {
        key: list(map(repr, values)) for key, (_, values) in whole.table.columns.items()
    }


def test_zero_is_not_written_and_is_read() -> None:
    raw = read(as_file([start("x"), scalar("loss", 0, 0.0), scalar("loss", 1, 1.0), finish()]))
    assert series(raw, "loss", "_step") == [[0, 0.0], [1, 1.0]]


def test_figures_of_the_machine_are_no_metrics() -> None:
    machine = [column("gpu.0.pct", 2), scalar("gpu.0.pct", 1, 50.0), scalar("__swanlab__.cpu.pct", 2, 50.0)]
    raw = read(as_file([column("loss", 1), *RECORDS, *machine]))
    assert set(raw.table.columns) == {"loss", "_step"}


def test_the_trainers_totals_are_no_part_of_the_last_row() -> None:
    totals = [("train/train_runtime", 9.0), ("train/train_samples_per_second", 3.0), ("train/train_loss", 0.5)]
    rows = [scalar(key, step, 1.0) for step in (1, 2) for key in ("train/loss", "train/global_step")]
    raw = as_file([start("x"), *rows, *(scalar(key, 2, value) for key, value in totals), finish()])
    assert len(read(raw).table.columns["train/loss"].at) == 2
    assert read(raw).table.rows == 3


def test_a_run_that_is_going_on_or_crashed() -> None:
    assert read(as_file(RECORDS[:-1])).notes == [
        "the log does not tell how the run ended: it is going on, or was killed"
    ]
    assert read(as_file([*RECORDS[:-1], finish(2)])).notes == ["the run crashed"]
    assert read(as_file(RECORDS)).notes == []


def test_a_torn_end() -> None:
    raw = read(as_file(RECORDS[:-1])[:-3])
    assert losses(raw) == [0.125, 0.25]
    assert "the last record is cut short: left out" in raw.notes


def test_a_wrong_checksum_loses_the_rest_of_its_block() -> None:
    data = bytearray(as_file([*RECORDS[:-1], *(scalar("loss", step, 1.0) for step in range(4, 2000))]))
    data[data.index(b"loss") + 1] ^= 1
    raw = read(bytes(data))
    assert any("1 block of 32 KB damaged" in note for note in raw.notes)
    assert raw.table.columns["_step"].values[-1] == 1999


def test_records_that_are_no_messages() -> None:
    raw = read(as_file([b"\xff" * 20, *RECORDS[:-1], b"\x6a\x05ab", scalar("loss", -5, 1.0), finish()]))
    assert losses(raw) == [0.125, 0.25, 0.375]
    assert raw.notes == ["2 records that cannot be decoded: left out", "1 value at a step below zero: left out"]


def test_a_number_that_is_none() -> None:
    """A value in a field of another kind is not taken for a number."""
    record = field(13, field(1, b"loss") + field(2, 4) + field(5, field(1, 7)))
    assert losses(read(as_file([*RECORDS, record])))[:3] == [0.125, 0.25, 0.375]


@pytest.mark.parametrize("version", [0, 1, 3])
def test_other_versions_of_the_format_are_a_sentence(tmp_path: Path, version: int) -> None:
    path = tmp_path / "backup.swanlab"
    path.write_bytes(as_file(RECORDS, b":SWL\xd6\xe1" + bytes([version])))
    with pytest.raises(UnreadableRun, match=f"in version {version} of its format; read is 2"):
        read_run(path)


def test_the_list_of_runs_is_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "runs.swanlab"
    with closing(sqlite3.connect(path)) as connection, connection:
        for table in ("project", "experiment", "tag"):
            connection.execute(f"CREATE TABLE {table} (id, name)")
    with pytest.raises(UnreadableRun, match="is SwanLab's list of runs, without their numbers; name the folder"):
        read_run(path)
    run = tmp_path / "run-20260101_000000-abc" / "run-abc.swanlab"
    run.parent.mkdir()
    run.write_bytes(as_file(RECORDS))
    assert len(read_run(tmp_path, "sft")) == 3


def test_what_only_has_the_name(tmp_path: Path) -> None:
    path = tmp_path / "run-abc.swanlab"
    path.write_bytes(b"\0" * 100)
    with pytest.raises(UnreadableRun, match="does not begin like a log of SwanLab"):
        read_run(path)
    path.write_bytes(b":SWL\xd6")
    with pytest.raises(UnreadableRun, match="cut short at its very beginning"):
        read_run(path)


def test_settings_are_not_read_through_a_link(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "config.yaml").write_text("beta:\n  desc: ''\n  sort: 0\n  value: 0.1\n")
    run = tmp_path / "run-1" / "run-abc.swanlab"
    run.parent.mkdir()
    run.write_bytes(as_file(RECORDS))
    (run.parent / "files").symlink_to(outside)
    assert SWANLAB.facts_beside(str(run)) == {}
    (run.parent / "files").unlink()
    outside.rename(run.parent / "files")
    assert SWANLAB.facts_beside(str(run)) == {"beta": 0.1}
