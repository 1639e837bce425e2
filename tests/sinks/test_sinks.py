from __future__ import annotations

import csv
import io
import json
import os
import stat
import sys
import threading
from pathlib import Path
from typing import BinaryIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from barograph.core.errors import ConfigurationError, UnreadableRun
from barograph.core.run import Run, run_from_rows
from barograph.sinks.catalogue import SINKS, Sink, sink_for, write_file
from barograph.sinks.replace import write_whole
from barograph.sinks.rows import Rows, rows_of
from barograph.sources.runs import read_run

TEXT = [name for name, sink in SINKS.items() if sink.is_text]


def written(name: str, rows: Rows) -> bytes:
    stream = io.BytesIO()
    SINKS[name].write(rows, stream)
    return stream.getvalue()


def cells(run: Run) -> dict[str, list[tuple[int, str]]]:
    """Every value under its series and step, in a form in which NaN equals NaN and 0 is not -0."""
    return {
        key: [(run.steps[row], repr(value)) for row, value in zip(column.at, column.values, strict=True)]
        for key, column in run.columns.items()
    }


def refuse_constants(word: str) -> float:
    raise AssertionError(f"{word} is no JSON")


values = st.floats(allow_nan=True, allow_infinity=True)
names = st.sampled_from(["loss", "reward_margin", "eval.loss", "eval/held out.loss", "grad_norm", "kto_z0"])


@given(st.lists(st.dictionaries(names, values, min_size=1), min_size=1, max_size=20))
@pytest.mark.parametrize("name", TEXT)
def test_what_is_written_is_read_back(
    name: str, tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, float]]
) -> None:
    run = run_from_rows(
        (step, {key.replace(" ", "_"): value for key, value in row.items()}) for step, row in enumerate(rows)
    )
    path = tmp_path_factory.mktemp("sink") / f"run.{name}"
    write_file(SINKS[name], rows_of(run), str(path))
    assert cells(read_run(path)) == cells(run)


@pytest.mark.parametrize("name", TEXT)
def test_real_runs_are_read_back(name: str, shared_runs: Path, tmp_path: Path) -> None:
    read = 0
    for folder in sorted(path for path in shared_runs.iterdir() if path.is_dir()):
        try:
            run = read_run(folder)
        except UnreadableRun:  # a format that is not read yet
            continue
        read += 1
        for raw in (False, True):
            path = tmp_path / f"{folder.name}-{raw}.{name}"
            write_file(SINKS[name], rows_of(run, raw=raw), str(path))
            assert cells(read_run(path, method=run.method)) == cells(run), folder.name
    assert read > 10


def test_json_is_strict() -> None:
    rows = rows_of(run_from_rows([(1, {"loss": float("nan"), "lr": float("inf")}), (2, {"loss": float("-inf")})]))
    lines = written("jsonl", rows).decode("ascii").splitlines()
    expected = [{"step": 1, "loss": "NaN", "lr": "Infinity"}, {"step": 2, "loss": "-Infinity"}]
    assert [json.loads(line, parse_constant=refuse_constants) for line in lines] == expected
    assert json.loads(written("json", rows), parse_constant=refuse_constants) == expected


def test_nothing_at_all() -> None:
    nothing = Rows((), ())
    assert written("jsonl", nothing) == b""
    assert json.loads(written("json", nothing)) == []
    assert written("csv", nothing) == b"step\n"


def test_awkward_names() -> None:
    name = 'a,"b"\nµ'
    rows = Rows((name,), ((1, {name: 0.5}),))
    header, row = csv.reader(io.StringIO(written("csv", rows).decode("utf-8"), newline=""))
    assert (header, row) == (["step", name], ["1", "0.5"])
    assert json.loads(written("jsonl", rows)) == {"step": 1, name: 0.5}


def test_parquet(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    from pyarrow import parquet

    rows = rows_of(
        run_from_rows([(1, {"loss": float("nan")}), (2, {"loss": 0.5, "lr": float("inf"), "eval.loss": 1.0})])
    )
    path = tmp_path / "run.parquet"
    write_file(sink_for(None, str(path)), rows, str(path))
    table = parquet.read_table(path)
    assert [(field.name, str(field.type)) for field in table.schema] == [
        ("step", "int64"),
        ("loss", "double"),
        ("lr", "double"),
        ("eval.loss", "double"),
    ]
    assert repr(table.to_pydict()) == repr({
        "step": [1, 2, 2],
        "loss": [float("nan"), 0.5, None],
        "lr": [None, float("inf"), None],
        "eval.loss": [None, None, 1.0],
    })  # fmt: skip


# Files

SOME = Rows(("loss",), ((1, {"loss": 0.5}),))


def failing(rows: Rows, stream: BinaryIO) -> None:
    stream.write(b"half")
    raise OSError(28, "No space left on device")


def test_a_failure_leaves_everything_as_it_was(tmp_path: Path) -> None:
    target = tmp_path / "run.csv"
    target.write_text("before")
    with pytest.raises(OSError, match="No space left") as error:
        write_file(Sink("bad", (), failing), SOME, str(target))
    assert error.value.filename == str(target)
    assert target.read_text() == "before"
    assert list(tmp_path.iterdir()) == [target]


def test_a_file_is_replaced_whole_and_keeps_its_mode(tmp_path: Path) -> None:
    target = tmp_path / "run.csv"
    target.write_text("something much longer than what comes after it")
    target.chmod(0o640)
    write_file(SINKS["csv"], SOME, str(target))
    assert target.read_text() == "step,loss\n1,0.5\n"
    assert stat.S_IMODE(target.stat().st_mode) == 0o640
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.skipif(sys.platform == "win32", reason="there is no umask")
def test_a_new_file_has_the_usual_mode(tmp_path: Path) -> None:
    mask = os.umask(0o027)
    try:
        write_file(SINKS["csv"], SOME, str(tmp_path / "run.csv"))
    finally:
        os.umask(mask)
    assert stat.S_IMODE((tmp_path / "run.csv").stat().st_mode) == 0o640


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    target, link = tmp_path / "real.csv", tmp_path / "link.csv"
    target.write_text("before")
    link.symlink_to(target)
    write_file(SINKS["csv"], SOME, str(link))
    assert link.is_symlink()
    assert target.read_text() == "step,loss\n1,0.5\n"


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such pipes")
def test_a_pipe_is_written_to_and_stays_one(tmp_path: Path) -> None:
    pipe, link = tmp_path / "pipe", tmp_path / "stdout"
    os.mkfifo(pipe)
    link.symlink_to(pipe)
    got: list[bytes] = []
    reader = threading.Thread(target=lambda: got.append(pipe.read_bytes()), daemon=True)
    reader.start()
    write_whole(link, b"all of it")
    reader.join(10)
    assert got == [b"all of it"]
    assert link.is_symlink()
    assert pipe.is_fifo()
    assert sorted(tmp_path.iterdir()) == [pipe, link]


def test_what_goes_wrong_goes_by_the_name_that_was_given(tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError) as error:
        write_whole(tmp_path, b"")
    assert error.value.filename == str(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_formats_by_ending() -> None:
    for sink in SINKS.values():
        for suffix in sink.suffixes:
            assert sink_for(None, f"a/b{suffix.upper()}") is sink
    with pytest.raises(ConfigurationError, match="names no format"):
        sink_for(None, "csv")
