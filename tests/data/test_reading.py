"""Data sets in every format, and what is said of those that cannot be read."""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import json
import lzma
import tracemalloc
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from barograph.core.errors import MissingExtra
from barograph.data.finding import DataReport
from barograph.data.formats import base, lines
from barograph.data.formats.array import ArrayFile
from barograph.data.formats.base import UnreadableData
from barograph.data.formats.lines import LinesFile, row_of
from barograph.data.formats.table import TableFile
from barograph.data.judge import judge
from barograph.data.reading import DataSet, open_data

ROWS = [
    {"prompt": "Why?", "chosen": "So.", "rejected": "Since, well"},
    {"prompt": "Wo?", "chosen": 'Über "dort"\nund hier', "rejected": "日本"},
    {"prompt": "How?", "chosen": "Thus.", "rejected": ""},
]


def as_lines(rows: list[dict[str, str]]) -> bytes:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()


def as_table(rows: list[dict[str, str]], separator: str) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(rows[0]), delimiter=separator)
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def as_parquet(rows: list[dict[str, str]]) -> bytes:
    pa = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    target = io.BytesIO()
    parquet.write_table(pa.Table.from_pylist(rows), target)
    return target.getvalue()


FORMATS: Mapping[str, Callable[[list[dict[str, str]]], bytes]] = {
    "a.jsonl": as_lines,
    "a.ndjson": as_lines,
    "lines.json": as_lines,
    "list.json": lambda rows: json.dumps(rows).encode(),
    "pretty.json": lambda rows: json.dumps(rows, indent=2).encode(),
    "split.json": lambda rows: json.dumps({"train": rows}).encode(),
    "a.csv": lambda rows: as_table(rows, ","),
    "a.tsv": lambda rows: as_table(rows, "\t"),
    "a.parquet": as_parquet,
    "a.jsonl.gz": lambda rows: gzip.compress(as_lines(rows)),
    "list.json.bz2": lambda rows: bz2.compress(json.dumps(rows).encode()),
    "a.csv.xz": lambda rows: lzma.compress(as_table(rows, ",")),
}


def fields_of(data: DataSet) -> list[Any]:
    return [row.fields for _, row in data.rows()]


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_says_the_same(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(FORMATS[name](ROWS))
    data = open_data(str(path)).train
    assert fields_of(data) == ROWS
    assert [number for number, _ in data.rows()] == [1, 2, 3]
    assert data.share_read() == pytest.approx(1.0)


@pytest.mark.parametrize("name", FORMATS)
def test_a_copy_without_a_row_reads_as_the_others(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(FORMATS[name](ROWS))
    data = open_data(str(path)).train
    out = tmp_path / f"out-{name}"
    data.files[0].copy(out, lambda number: number != 2)
    assert fields_of(open_data(str(out)).train) == [ROWS[0], ROWS[2]]


# Single surrogates are no text, and a carriage return within a cell is what the csv module makes of it.
texts = st.text(st.characters(codec="utf-8", exclude_characters="\r\0"), max_size=30)


@given(st.lists(st.fixed_dictionaries({"prompt": texts, "chosen": texts, "rejected": texts}), min_size=1, max_size=5))
def test_whatever_is_written_is_read(tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, str]]) -> None:
    folder = tmp_path_factory.mktemp("any")
    for name in ("a.jsonl", "list.json", "a.csv"):
        path = folder / name
        path.write_bytes(FORMATS[name](rows))
        kinds = {"a.jsonl": LinesFile, "list.json": ArrayFile, "a.csv": TableFile}
        assert [row.fields for row in kinds[name](path).rows()] == rows


@given(st.binary(max_size=200))
def test_any_bytes_are_a_row_or_a_flaw(line: bytes) -> None:
    row = row_of(1, line)
    assert (row.fields is None) == bool(row.flaw)


def test_a_piece_at_a_time_reads_as_all_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from barograph.data.formats import array

    path = tmp_path / "list.json"
    path.write_text(json.dumps([{"n": 12345.5, "text": "é" * n, "deep": [[{}]]} for n in range(40)], indent=1))
    whole = [row.fields for row in ArrayFile(path).rows()]
    monkeypatch.setattr(array, "PIECE", 7)
    assert [row.fields for row in ArrayFile(path).rows()] == whole
    assert len(whole) == 40


# Splits


def test_splits_of_one_file(tmp_path: Path) -> None:
    path = tmp_path / "both.json"
    path.write_text(json.dumps({"train": ROWS, "validation": ROWS[:1]}))
    splits = open_data(str(path))
    assert (fields_of(splits.train), splits.held_out and fields_of(splits.held_out)) == (ROWS, ROWS[:1])


def test_a_folder_of_files_is_numbered_through(tmp_path: Path) -> None:
    for name, rows in (("train-1.jsonl", ROWS[:2]), ("train-2.jsonl", ROWS[2:]), ("test.jsonl", ROWS[:1])):
        (tmp_path / name).write_bytes(as_lines(rows))
    (tmp_path / "README.md").write_text("# Pairs")
    splits = open_data(str(tmp_path))
    assert [number for number, _ in splits.train.rows()] == [1, 2, 3]
    assert [(splits.train.place(n).file.name, splits.train.place(n).row) for n in (1, 2, 3)] == [
        ("train-1.jsonl", 1),
        ("train-1.jsonl", 2),
        ("train-2.jsonl", 1),
    ]
    assert splits.held_out is not None
    assert fields_of(splits.held_out) == ROWS[:1]


def test_blank_lines_count_as_lines(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"\xef\xbb\xbf" + as_lines(ROWS[:1]) + b"\n  \n" + as_lines(ROWS[1:2]).strip())
    assert [(row.number, row.fields) for row in LinesFile(path).rows()] == [(1, ROWS[0]), (4, ROWS[1])]


def test_what_datasets_saved(tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets", reason="needs the `train` extra")
    made = datasets.DatasetDict(
        {"train": datasets.Dataset.from_list(ROWS), "test": datasets.Dataset.from_list(ROWS[:1])}
    )
    made.save_to_disk(str(tmp_path / "saved"))
    splits = open_data(str(tmp_path / "saved"))
    assert fields_of(splits.train) == ROWS
    assert splits.held_out is not None
    assert fields_of(splits.held_out) == ROWS[:1]
    splits.train.files[0].copy(tmp_path / "cleaned", lambda number: number != 1)
    assert fields_of(open_data(str(tmp_path / "cleaned")).train) == ROWS[1:]


def test_without_datasets_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(MissingExtra, match=r"needs datasets, which is not installed: pip install 'barograph\[train\]'"):
        open_data("someone/pairs")


# What cannot be read


def refused(path: Path) -> str:
    """What is said of a file, be it at opening or at reading."""
    with pytest.raises(UnreadableData) as caught:
        judge(*open_data(str(path)))
    said = str(caught.value)
    assert "\n" not in said
    assert said.startswith(str(path))
    return said.removeprefix(str(path))


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("a.jsonl", b"", ": is empty"),
        ("a.jsonl", b"\n\n", ": holds no examples"),
        ("a.jsonl", b"{\n{\n", ": holds no examples; row 1 is no JSON: Expecting property name"),
        ("a.csv", b"prompt,chosen,rejected\n", ": holds no examples"),
        ("a.txt", b"hello", ": is no .jsonl, .ndjson, .json, .csv, .tsv, .parquet file (also packed: .gz, .bz2, .xz)"),
        ("a.json", b"[1, 2", ": row 2 is the last that stands there; was the file cut?"),
        ("a.json", b'[{"a": 1} {"a": 2}]', ": row 1 is followed by no comma"),
        ("a.json", b'"text"', ": is neither a list of objects nor an object of lists"),
        ("a.parquet", b"PAR1 and no more", ": is a damaged Parquet file"),
        ("a.csv", b'prompt,chosen\n"never closed,1\n', ": holds no examples; row 1 has 1 columns where"),
        ("a.csv", b"prompt,chosen\n" + b"a" * 99 + b"\0b,1\n", ": line 2 holds a zero byte; is it a binary file, or U"),
        ("a.jsonl.gz", gzip.compress(as_lines(ROWS) * 500)[:-30], ": is damaged or was cut"),
        ("a.jsonl.gz", b"not packed", ": is damaged or was cut"),
        ("a.jsonl", b'{"promt": "a", "chosn": "b", "rejected": "c"}\n',
         ": has no column 'chosen', which a data set of kind 'paired' needs; it has promt, chosn, "),
        ("a.jsonl", b'{"text": "a", "score": 3}\n', ": no kind of example has the columns text, score"),
        ("a.jsonl", b'{"prompt": "a", "response_a": "b", "response_b": "c", "winner": "a"}\n',
         ": has two answers, response_a and response_b, but not 'chosen' and 'rejected'; write the better one of"),
        ("a.jsonl", b'{"prompt": "a", "completion": "b", "label": 0.7}\n' * 3,
         ": holds no examples of kind 'unpaired'; row 1: 'label' is '0.7', where true or false belongs"),
        ("a.jsonl", b'{"prompt": "a", "label": true}\n', ": has no column 'completion', which a data set of kind"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_one_sentence(name: str, content: bytes, says: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    assert refused(path).startswith(says)


def test_a_truncated_parquet_file(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    path.write_bytes(as_parquet(ROWS * 100)[:-100])
    assert "is a damaged Parquet file" in refused(path)
    assert refused(path).endswith("was it cut, or is it not whole yet?")


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    (tmp_path / "pairs.jsonl").write_bytes(as_lines(ROWS))
    with pytest.raises(UnreadableData, match=r"there is no such file or folder; did you mean 'pairs.jsonl'\?"):
        open_data(str(tmp_path / "pair.jsonl"))


def test_a_file_that_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(as_lines(ROWS))

    def forbid(*arguments: object, **more: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", forbid)
    assert refused(path) == ": Permission denied"


def test_a_folder_without_data_and_one_of_several_kinds(tmp_path: Path) -> None:
    with pytest.raises(UnreadableData, match=r"holds no \.jsonl"):
        open_data(str(tmp_path))
    (tmp_path / "a.jsonl").write_bytes(as_lines(ROWS))
    (tmp_path / "b.csv").write_bytes(as_table(ROWS, ","))
    with pytest.raises(UnreadableData, match=r"holds files of several kinds \(CSV, JSON lines\); name one of them"):
        open_data(str(tmp_path))


# What is wrong in single rows


def rows_shown(report: DataReport, code: str) -> list[tuple[int, str]]:
    return [(one.row, one.quote) for finding in report.findings if finding.code == code for one in finding.shown]


def test_broken_rows_are_counted_and_the_reading_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(as_lines(ROWS[:2]) + b'{"prompt": \n[1]\n' + as_lines(ROWS[:1]))
    report = judge(*open_data(str(path)))
    assert report.rows == 5
    assert rows_shown(report, "DATA01") == [
        (3, "is no JSON: Expecting value at character 13"),
        (4, "is list, where an object with columns belongs"),
    ]


def test_rows_with_too_few_cells(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(as_table(ROWS, ",") + b"only,two\r\n")
    assert rows_shown(judge(*open_data(str(path))), "DATA01") == [(4, "has 2 columns where the header has 3")]


def test_bytes_that_are_no_utf8_are_a_finding(tmp_path: Path) -> None:
    for name in ("a.jsonl", "list.json", "a.csv"):
        path = tmp_path / name
        path.write_bytes(FORMATS[name](ROWS).replace(b"Thus", b"Th\xfcs"))
        report = judge(*open_data(str(path)))
        assert [row for row, _ in rows_shown(report, "DATA34")] == [3], name
        assert report.rows == 3


def test_numbers_that_are_none_are_read(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"prompt": "a", "chosen": "b", "rejected": "c", "score": NaN}\n')
    assert judge(*open_data(str(path))).rows == 1


# Memory


def peak_of(work: Callable[[], object]) -> float:
    """Megabytes at the peak."""
    tracemalloc.start()
    work()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / 1e6


def write_long(path: Path, before: bytes, after: bytes, megabytes: int = 100) -> None:
    with path.open("wb") as target:
        target.write(before)
        for _ in range(megabytes):
            target.write(b"x" * 1_000_000)
        target.write(after)


def test_a_line_of_a_hundred_megabytes_is_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    write_long(path, as_lines(ROWS[:1]) + b'{"prompt": "', b'"}\n' + as_lines(ROWS[1:2]))
    found = []
    assert peak_of(lambda: found.extend(LinesFile(path).rows())) < 3 * base.LONGEST_ROW / 1e6
    assert [(row.number, row.flaw) for row in found] == [(1, ""), (2, "is longer than 16 MB"), (3, "")]


@pytest.mark.parametrize(
    ("name", "before", "says"),
    [
        ("a.csv", b'prompt,chosen,rejected\n"', ": line 2 is longer than 16 MB, which no example is"),
        ("a.json", b'[{"prompt": "', ": row 1 is no JSON from here on, or holds an example of more than 16 MB"),
    ],
)
def test_elsewhere_it_is_one_sentence(name: str, before: bytes, says: str, tmp_path: Path) -> None:
    path = tmp_path / name
    write_long(path, before, b'"}]\n')
    said: list[str] = []
    # Text of one byte a letter is held as it is, and twice while it grows.
    assert peak_of(lambda: said.append(refused(path))) < 8 * base.LONGEST_ROW / 1e6
    assert said[0].startswith(says)


@pytest.mark.slow
def test_memory_grows_by_little_with_the_rows(tmp_path: Path) -> None:
    """Some hundred and fifty bytes are kept of each example, whatever its length: here it has nine hundred."""
    peaks = []
    for count in (1_000, 5_000):
        path = tmp_path / f"{count}.jsonl"
        with path.open("w") as target:
            for number in range(count):
                side = f"n{number} " * 60
                target.write(json.dumps({"prompt": f"p {side}", "chosen": f"c {side}", "rejected": f"r {side}"}) + "\n")
        peaks.append(peak_of(lambda path=path: judge(*open_data(str(path)), sample=100)))
    assert (peaks[1] - peaks[0]) * 1e6 / 4_000 < 450


def test_the_longest_row_is_the_same_for_all(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(lines, "LONGEST_ROW", 50)
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"a": "' + b"x" * 80 + b'"}\n{"a": 1}')
    assert [row.fields for row in LinesFile(path).rows()] == [None, {"a": 1}]
