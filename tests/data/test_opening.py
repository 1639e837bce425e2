"""Where data come from: pipes, splits, folders with other things in them, the hub; and what is said of what is none."""

from __future__ import annotations

import gzip
import io
import json
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from barograph.core.errors import ConfigurationError
from barograph.data.clean import clean
from barograph.data.formats.base import UnreadableData
from barograph.data.formats.saved import hub_splits
from barograph.data.judge import judge
from barograph.data.piped import piped
from barograph.data.reading import DataSet, open_data

ROWS = [
    {"prompt": "Why?", "chosen": "So.", "rejected": "Since, well"},
    {"prompt": "How?", "chosen": "Thus.", "rejected": "Thus."},
]


def lines(rows: list[dict[str, Any]]) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def table(rows: list[dict[str, Any]], separator: str) -> bytes:
    return "\n".join(
        separator.join(f'"{cell}"' for cell in row) for row in [rows[0], *(r.values() for r in rows)]
    ).encode()


def fields_of(data: DataSet | None) -> list[Any]:
    return [row.fields for _, row in data.rows()] if data is not None else []


# A pipe


@pytest.mark.parametrize(
    "content",
    [
        lines(ROWS), b"\xef\xbb\xbf" + lines(ROWS), json.dumps(ROWS).encode(), json.dumps({"train": ROWS}).encode(),
        table(ROWS, ","), table(ROWS, "\t"), gzip.compress(lines(ROWS)), gzip.compress(table(ROWS, ",")),
    ],
    ids=["lines", "lines after a mark", "a list", "a split", "commas", "tabs", "packed lines", "a packed table"],
)  # fmt: skip
def test_what_comes_through_a_pipe_is_recognised(content: bytes) -> None:
    with piped(io.BytesIO(content)) as splits:
        assert fields_of(splits.train) == ROWS


def test_parquet_comes_through_a_pipe() -> None:
    pa = pytest.importorskip("pyarrow", reason="needs the `parquet` extra")
    from pyarrow import parquet

    target = io.BytesIO()
    parquet.write_table(pa.Table.from_pylist(ROWS), target)
    with piped(io.BytesIO(target.getvalue())) as splits:
        assert fields_of(splits.train) == ROWS


def test_a_pipe_is_called_what_it_is_and_nothing_of_it_is_left(tmp_path: Path) -> None:
    with piped(io.BytesIO(lines(ROWS))) as splits:
        report = judge(*splits)
        done = clean(splits.train, report.rows, report.findings, tmp_path / "out.json")
        laid_down = splits.train.files[0].path
    assert report.path == "standard input"
    assert [one.file for finding in report.findings for one in finding.shown if finding.code == "DATA04"] == [
        "standard input"
    ]
    assert json.loads(done.log.read_text())["file"] == "standard input"
    assert not laid_down.parent.exists()


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "standard input: is empty"),
        (b"\n", "standard input: holds no examples"),
        (b"PAR1 and no more", "standard input: is a damaged Parquet file"),
        (gzip.compress(lines(ROWS) * 900)[:-30], "standard input: is damaged or was cut"),
    ],
)
def test_what_is_wrong_with_a_pipe_is_one_sentence(content: bytes, says: str) -> None:
    with pytest.raises(UnreadableData) as caught, piped(io.BytesIO(content)) as splits:
        judge(*splits)
    assert str(caught.value).startswith(says)


# Splits


def many(tmp_path: Path, *names: str) -> str:
    """A file with a split of each of these names, whose one prompt is the name."""
    path = tmp_path / "many.json"
    path.write_text(json.dumps({name: [{**ROWS[0], "prompt": name}] for name in names}))
    return str(path)


def prompts(data: DataSet | None) -> list[str]:
    return [fields["prompt"] for fields in fields_of(data)]


@pytest.mark.parametrize(
    ("names", "wanted", "train", "held_out"),
    [
        (("train", "test"), None, "train", "test"),
        (("train", "validation", "test"), None, "train", "validation"),
        (("test",), None, "test", None),
        (("train", "extra"), None, "train", None),
        (("train_prefs", "test_prefs"), None, "train_prefs", "test_prefs"),
        (("train_sft", "test_sft", "train_prefs", "test_prefs"), "train_prefs", "train_prefs", "test_prefs"),
        (("train", "test"), "test", "test", None),
    ],
)
def test_splits_by_their_names(
    names: tuple[str, ...], wanted: str | None, train: str, held_out: str | None, tmp_path: Path
) -> None:
    splits = open_data(many(tmp_path, *names), wanted)
    assert prompts(splits.train) == [train]
    assert prompts(splits.held_out) == ([held_out] if held_out else [])


def test_a_split_must_be_named_where_several_may_be_meant(tmp_path: Path) -> None:
    path = many(tmp_path, "train_sft", "train_prefs", "test_prefs")
    with pytest.raises(
        UnreadableData, match="has the splits train_sft, train_prefs, test_prefs; say which one by --sp"
    ):
        open_data(path)
    with pytest.raises(ConfigurationError, match=r"has train_sft, .*; did you mean 'train_prefs'\?"):
        open_data(path, "train_pref")


def test_a_file_without_splits_has_none_to_choose(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(lines(ROWS))
    for where in (tmp_path, tmp_path / "a.jsonl"):
        with pytest.raises(ConfigurationError, match=r"--split train: .* has no splits with names; name the file"):
            open_data(str(where), "train")


# Folders


def test_what_lies_beside_the_data_is_not_read(tmp_path: Path) -> None:
    """Hidden files, what `datasets` writes of a set, and the log of a cleaned copy."""
    (tmp_path / "a.jsonl").write_bytes(lines(ROWS))
    for name in (".hidden.jsonl", "a.jsonl.dropped.jsonl", "dataset_infos.json", ".cache/b.jsonl"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text('{"row": 1}\n')
    assert fields_of(open_data(str(tmp_path)).train) == ROWS


# What is no data


@pytest.mark.parametrize("name", ["a.jsonl", "a.json", "a.csv"])
@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32"])
def test_other_encodings_are_named(name: str, encoding: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes((table(ROWS, ",") if name == "a.csv" else lines(ROWS)).decode().encode(encoding))
    with pytest.raises(UnreadableData) as caught:
        judge(*open_data(str(path)))
    assert str(caught.value) == (
        f"{path}: is UTF-16 or binary, where UTF-8 belongs; if it is text, iconv -f UTF-16 -t UTF-8 makes it so"
    )


def test_the_log_of_a_training_is_recognised(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    path.write_text('{"step": 1, "loss": 0.69, "learning_rate": 1e-6, "rewards/chosen": 0.1}\n')
    with pytest.raises(UnreadableData, match=r"is the log of a training and no data set; judge it by: barograph check"):
        judge(*open_data(str(path)))


def test_a_word_that_is_nothing_here_is_no_set_of_the_hub() -> None:
    with pytest.raises(UnreadableData) as caught:
        open_data("nowhere_at_all")
    assert str(caught.value) == ("nowhere_at_all: there is no such file or folder; a set of the hub is OWNER/NAME")


# The hub


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """A hub that is said to be there, whose client is to be replaced."""
    pytest.importorskip("datasets", reason="needs the `train` extra")
    monkeypatch.setattr("barograph.data.formats.saved._unreachable_hub", lambda: None)
    return monkeypatch


def test_a_data_set_of_the_hub_is_a_stream(hub: pytest.MonkeyPatch) -> None:
    def load(name: str, *, streaming: bool) -> Mapping[str, list[dict[str, str]]]:
        assert (name, streaming) == ("someone/pairs", True)
        return {"train": ROWS, "test": ROWS[:1]}

    hub.setattr("datasets.load_dataset", load)
    splits = open_data("someone/pairs")
    assert fields_of(splits.train) == ROWS
    with pytest.raises(UnreadableData, match="cannot be written cleaned; save it by `datasets` first"):
        splits.train.files[0].copy(Path("out"), lambda number: True)


def test_what_a_hub_says_against_it_is_one_sentence(hub: pytest.MonkeyPatch) -> None:
    def load(name: str, *, streaming: bool) -> None:
        raise ConnectionError("no route to host\nand a long trace")

    hub.setattr("datasets.load_dataset", load)
    with pytest.raises(UnreadableData) as caught:
        hub_splits("someone/pairs")
    assert str(caught.value) == (
        "someone/pairs: is no file or folder here, and could not be had from the hub (ConnectionError: no route to "
        "host); check its name and the connection"
    )


def test_without_a_connection_it_is_said_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its own client would try five times, and tell of each."""
    datasets = pytest.importorskip("datasets", reason="needs the `train` extra")

    def refuse(address: tuple[str, int], timeout: float) -> None:
        raise OSError("there is no network")

    monkeypatch.setattr(socket, "create_connection", refuse)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    monkeypatch.setattr("barograph.data.formats.saved.getproxies", dict)
    monkeypatch.setattr(datasets, "load_dataset", lambda *_, **__: pytest.fail("it was asked all the same"))
    with pytest.raises(UnreadableData, match=r"could not be had from the hub \(huggingface.co cannot be reached\); "):
        open_data("someone/pairs")
