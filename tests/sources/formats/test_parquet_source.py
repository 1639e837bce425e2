from __future__ import annotations

import io
import json
import math
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from logged import numbers

from barograph.core.errors import UnreadableRun
from barograph.core.run import Run, run_from_rows
from barograph.sinks.parquet import write_parquet
from barograph.sinks.rows import rows_of
from barograph.sources.base import Document, RawRun
from barograph.sources.formats import parquet as module
from barograph.sources.formats.parquet import PARQUET
from barograph.sources.runs import How, read_each, read_run

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")

SAMPLES = Path(__file__).parent.parent / "samples" / "trackio"


def as_file(columns: dict[str, object], **how: object) -> bytes:
    stream = io.BytesIO()
    pq.write_table(pa.table(columns), stream, **how)
    return stream.getvalue()


def read(data: bytes) -> RawRun:
    (raw,) = PARQUET.read(Document("-", data))
    return raw


def contents(run: Run) -> dict[str, list[tuple[int, str]]]:
    return {
        key: [(run.steps[at], repr(value)) for at, value in zip(column.at, column.values, strict=True)]
        for key, column in run.columns.items()
    }


ROWS = st.lists(
    st.dictionaries(
        st.sampled_from(["loss", "eval.loss", "reward_margin", "kl_ref", "grad_norm", "eval.reward_margin"]),
        st.floats(width=64), min_size=1,
    ),
    min_size=1, max_size=12,
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(rows=ROWS)
def test_what_is_exported_is_read_back(rows: list[dict[str, float]]) -> None:
    run = run_from_rows(list(enumerate(rows)))
    stream = io.BytesIO()
    write_parquet(rows_of(run), stream)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "run.parquet"
        path.write_bytes(stream.getvalue())
        assert contents(read_run(path, "dpo")) == contents(run)


def test_types_of_numbers() -> None:
    raw = read(as_file({
        "step": pa.array([1, 2, 3], pa.uint8()),
        "loss": pa.array([0.5, None, math.nan], pa.float16(), from_pandas=False),
        "kl": pa.array([0.25, 0.5, None], pa.float32()),
        "done": [True, None, False],
        "exact": pa.array([1, 2, 3]).cast(pa.decimal128(22, 2)),
        "few": pa.array([7, 7, 8]).dictionary_encode(),
        "nothing": pa.nulls(3),
    }))  # fmt: skip
    found = {key: (list(at), list(map(repr, values))) for key, (at, values) in raw.table.columns.items()}
    assert found == {
        "step": ([0, 1, 2], ["1.0", "2.0", "3.0"]),
        "loss": ([0, 2], ["0.5", "nan"]),
        "kl": ([0, 1], ["0.25", "0.5"]),
        "done": ([0, 2], ["1.0", "0.0"]),
        "exact": ([0, 1, 2], ["1.0", "2.0", "3.0"]),
        "few": ([0, 1, 2], ["7.0", "7.0", "8.0"]),
    }
    assert raw.table.left_out == {}


def test_what_holds_no_numbers_is_left_out_with_a_note(tmp_path: Path) -> None:
    path = tmp_path / "run.parquet"
    path.write_bytes(as_file({
        "step": [1, 2],
        "loss": [0.5, 0.25],
        "answer": ["x" * 1000, "y" * 1000],
        "word": ["hi", None],
        "ids": [[1, 2], [3]],
        "inner": [{"loss": 1.0}, {"loss": 2.0}],
        "begun": pa.array([1, 2], pa.timestamp("ms")),
        "raw": pa.array([b"a", b"b"]),
    }))  # fmt: skip
    run = read_run(path, "sft")
    assert list(run.columns) == ["loss"]
    assert sorted(run.notes) == [
        "1 more keys hold no numbers: left out",
        "`answer` is text in 2 rows: left out",
        "`begun` is a date or time in 2 rows: left out",
        "`ids` is a list in 2 rows: left out",
        "`inner` is a nested object in 2 rows: left out",
        "`raw` is no number in 2 rows: left out",
    ]


def test_numbers_that_are_text() -> None:
    large = pa.array(["1", "2", "3"], pa.large_string())
    raw = read(as_file({"step": ["1", "2/10", None], "loss": ["0.5", "", "25%"], "large": large}))
    assert {key: list(values) for key, (_, values) in raw.table.columns.items()} == {
        "step": [1, 2], "loss": [0.5, 0.25], "large": [1, 2, 3],
    }  # fmt: skip
    assert raw.table.target == 10


def test_the_index_of_a_data_frame(tmp_path: Path) -> None:
    """An index without a name is no metric; one with a name is a column."""
    raw = read(as_file({"loss": [0.5, 0.25], "__index_level_0__": [7, 9]}))
    assert set(raw.table.columns) == {"loss"}


EVEN = {"kind": "range", "name": "step", "start": 10, "stop": 40, "step": 10}


@pytest.mark.parametrize(
    ("index", "steps"),
    [
        (EVEN, [10, 20, 30]),
        ({**EVEN, "name": None}, None),
        ({**EVEN, "stop": 50}, None),
        ({**EVEN, "step": 0}, None),
        ({**EVEN, "stop": "40"}, None),
        ("step", None),
    ],
)
def test_an_index_that_pandas_only_describes(index: object, steps: list[int] | None) -> None:
    table = pa.table({"loss": [0.5, 0.25, 0.125]})
    described = table.replace_schema_metadata({"pandas": json.dumps({"index_columns": [index]})})
    stream = io.BytesIO()
    pq.write_table(described, stream)
    columns = read(stream.getvalue()).table.columns
    assert set(columns) == ({"loss", "step"} if steps else {"loss"})
    if steps:
        assert list(columns["step"].values) == steps


def test_data_frames_as_pandas_writes_them(tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas")
    path = tmp_path / "frame.parquet"
    frame = pandas.DataFrame({"step": [10, 20, 30], "loss": [3.0, 2.0, None]})
    frame[frame.step > 10].to_parquet(path)
    assert contents(read_run(path, "sft")) == {"loss": [(20, "2.0")]}
    for steps in ([10, 20, 30], [10, 20, 35]):
        frame.assign(step=steps).set_index("step").to_parquet(path)
        assert contents(read_run(path, "sft"))["loss"] == [(10, "3.0"), (20, "2.0")]


def test_portions_and_row_groups_never_show(monkeypatch: pytest.MonkeyPatch) -> None:
    size = 1000
    columns = {
        "step": list(range(size)),
        "loss": [None if number % 3 else float(number) for number in range(size)],
        "run": [f"run {number % 2}" for number in range(size)],
    }
    whole = read(as_file(columns))
    monkeypatch.setattr(module, "PORTION", 300)
    cut = read(as_file(columns, row_group_size=64))
    assert list(cut.table.columns["loss"].at) == list(whole.table.columns["loss"].at) == list(range(0, size, 3))
    assert list(cut.table.columns["loss"].values) == [float(number) for number in range(0, size, 3)]
    assert cut.table.labels == whole.table.labels
    assert list(cut.table.labels["run"]["run 1"]) == list(range(1, size, 2))


def test_a_project_of_trackio() -> None:
    runs = [found for found in read_each(SAMPLES / "align.parquet", How()) if isinstance(found, Run)]
    logged = numbers(json.loads((SAMPLES / "expected.json").read_text())["dpo-beta0.1"])
    assert [run.path.rpartition("#")[2] for run in runs] == ["dpo-beta0.1", "grpo-run"]
    steps = dict(logged["train/global_step"])
    assert contents(runs[0])["loss"] == [(steps[call], repr(value)) for call, value in logged["train/loss"]]


@pytest.mark.parametrize("names", [["prompt", "completion"], ["prompt", "chosen", "rejected"]])
def test_a_table_of_answers_is_no_log(tmp_path: Path, names: list[str]) -> None:
    path = tmp_path / "completions_00001.parquet"
    texts = {name: [f"some {name}"] * 4 for name in names}
    path.write_bytes(as_file({"step": [1] * 4, **texts, "accuracy": [0.0, 1.0, 1.0, 0.0], "advantage": [0.5] * 4}))
    with pytest.raises(UnreadableRun, match="holds no known metric, only a table of prompts and answers"):
        read_run(path)


def test_without_numbers_or_known_names(tmp_path: Path) -> None:
    path = tmp_path / "data.parquet"
    path.write_bytes(as_file({"text": ["a", "b"]}))
    with pytest.raises(UnreadableRun, match="holds no numbers, only text under 'text'"):
        read_run(path)
    path.write_bytes(as_file({"text": ["a" * 900, "b" * 900]}))
    with pytest.raises(UnreadableRun, match="holds no numbers, only text under 'text'"):
        read_run(path)
    path.write_bytes(as_file({"step": [1], "zebra": [1.0]}))
    with pytest.raises(UnreadableRun, match="no known metric, only 'zebra'"):
        read_run(path)
    path.write_bytes(as_file({"loss": pa.array([], pa.float64())}))
    with pytest.raises(UnreadableRun, match="holds no rows"):
        read_run(path)


def test_two_columns_of_one_name() -> None:
    table = pa.Table.from_arrays([pa.array([1.0]), pa.array([2.0])], names=["loss", "loss"])
    stream = io.BytesIO()
    pq.write_table(table, stream)
    raw = read(stream.getvalue())
    assert list(raw.table.columns["loss"].values) == [1.0]
    assert raw.notes == ["columns with a name that is taken, left out: 'loss'"]


def test_without_the_library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "run.parquet"
    path.write_bytes(as_file({"loss": [1.0]}))
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(UnreadableRun, match=r"needs pyarrow; pip install 'barograph\[parquet\]'"):
        read_run(path)


# Harm


def test_damage_anywhere_is_a_run_or_a_sentence(tmp_path: Path) -> None:
    data = as_file({"step": [1, 2, 3], "loss": [0.5, 0.25, None], "word": ["a", "b", "c"]})
    path = tmp_path / "run.parquet"
    for at in range(4, len(data), 5):
        path.write_bytes(data[:at] + bytes([data[at] ^ 0xFF]) + data[at + 1 :])
        said: list[str] = []
        try:
            said += read_run(path, "sft").notes
        except UnreadableRun as error:
            said.append(str(error))
        assert all(sentence.isprintable() and len(sentence) < 1000 for sentence in said)


def test_garbage_with_the_mark(tmp_path: Path) -> None:
    path = tmp_path / "run.parquet"
    path.write_bytes(b"PAR1" + b"\xa5" * 1000 + b"PAR1")
    with pytest.raises(UnreadableRun, match="is a damaged Parquet file"):
        read_run(path)


def test_a_small_file_that_would_fill_the_memory(tmp_path: Path) -> None:
    path = tmp_path / "run.parquet"
    path.write_bytes(as_file({"loss": pa.nulls(2_000_000, pa.float64())}, compression="zstd"))
    assert path.stat().st_size < 100_000
    with pytest.raises(UnreadableRun, match="claims 2,000,000 rows of 1 column, far more than its size explains"):
        read_run(path)


def test_more_numbers_than_the_size_explains(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FREE_NUMBERS", 0)
    monkeypatch.setattr(module, "NUMBERS_PER_BYTE", 1)
    with pytest.raises(UnreadableRun, match="unpacks to far more numbers than its size explains"):
        read(as_file({"loss": [1.0] * 100_000}, compression="zstd"))


def test_long_texts_that_stand_there_often_are_unpacked_once() -> None:
    texts = pa.DictionaryArray.from_arrays(pa.array([0] * 100_000, pa.int32()), pa.array(["x" * 1_000_000]))
    raw = read(as_file({"loss": [1.0] * 100_000, "text": texts}))
    assert raw.table.left_out == {"text": ("text", 100_000)}


def test_more_columns_than_any_log_has(tmp_path: Path) -> None:
    path = tmp_path / "run.parquet"
    path.write_bytes(as_file({f"c{number}": [1.0] for number in range(10_001)}))
    with pytest.raises(UnreadableRun, match="has 10,001 columns; is the table transposed"):
        read_run(path)
