"""Expected values are what was logged (expected.json of the samples, written beside the log), or made by hand."""

from __future__ import annotations

import errno
import gzip
import json
import math
import os
import random
import shutil
import struct
from itertools import chain, pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tensorboard_format import double, event, field, float32, masked_crc, record, simple, tensor, varint, version

from barograph.core.errors import UnreadableRun
from barograph.sources import base
from barograph.sources.base import Document, RawRun
from barograph.sources.formats.tensorboard import TENSORBOARD
from barograph.sources.runs import How, read_each, read_run
from barograph.sources.storage import tfrecord
from barograph.sources.tail import Tail

SAMPLES = Path(__file__).parent.parent / "samples" / "tensorboard"
TORCH = SAMPLES / "torch" / "runs" / "dpo" / "events.out.tfevents.1795244841.host.28081.0"
#: What the sample of TensorFlow's form holds as doubles.
DOUBLES = {"train/epoch", "train/logps/rejected"}


def read(data: bytes) -> RawRun:
    (raw,) = TENSORBOARD.read(Document("-", data))
    return raw


def columns(raw: RawRun) -> dict[str, list[tuple[int, float]]]:
    """Every raw key as (row, value) pairs."""
    return {key: list(zip(column.at, column.values, strict=True)) for key, column in raw.table.columns.items()}


def values(raw: RawRun, key: str) -> list[float]:
    return list(raw.table.columns[key].values)


def in_32_bits(value: float) -> float:
    return struct.unpack("<f", struct.pack("<f", value))[0]


@pytest.mark.parametrize("writer", ["torch", "tensorboardx", "tf2"])
@pytest.mark.parametrize("name", ["dpo", "grpo"])
def test_every_number_of_a_real_log(writer: str, name: str) -> None:
    logged = json.loads((SAMPLES / writer / "expected.json").read_text())[name]
    run = read_run(SAMPLES / writer / "runs" / name)
    assert {column.raw for column in run.columns.values()} | set(run.unknown_keys) == set(logged)
    for column in run.columns.values():
        exact = (writer, name) == ("tf2", "dpo") and column.raw in DOUBLES
        # Of a resumed run, the later attempt counts.
        last = {step: float(value) if exact else in_32_bits(float(value)) for step, value in logged[column.raw]}
        found = {run.steps[at]: value for at, value in zip(column.at, column.values, strict=True)}
        assert list(map(repr, found.items())) == list(map(repr, sorted(last.items()))), column.raw
    assert len(run) == len({step for points in logged.values() for step, _ in points})


def test_a_resumed_run_is_one_run_and_says_so() -> None:
    run = read_run(SAMPLES / "torch" / "runs" / "dpo")
    assert run.steps.tolist() == list(range(1, 25))
    assert "read from 2 event files, in the order of their beginnings" in run.notes
    assert any("falls back once (to 17)" in note for note in run.notes)
    assert "left out, being no number: 1 histogram" in run.notes


@pytest.mark.parametrize("writer", ["torch", "tensorboardx", "tf2"])
def test_the_settings_that_the_trainer_left_as_a_text(writer: str) -> None:
    config = read_run(SAMPLES / writer / "runs" / "dpo").config
    assert (config["beta"], config["learning_rate"], config["max_steps"]) == (0.1, 5e-7, 24)
    assert config["per_device_train_batch_size"] == 4


def test_the_settings_of_the_hyperparameter_plugin() -> None:
    assert read_run(SAMPLES / "tf2" / "runs" / "grpo").config == {"lr": 1e-6, "bf16": True, "loss": "grpo"}
    (file,) = (SAMPLES / "torch" / "runs" / "grpo" / "hp").iterdir()
    (raw,) = TENSORBOARD.read(Document(str(file)))
    assert raw.config == {"lr": 1e-6, "beta": 0.04, "bf16": True, "loss": "grpo"}


@pytest.mark.parametrize("folder", [SAMPLES / "torch", SAMPLES / "torch" / "runs"])
def test_a_folder_of_several_runs(folder: Path) -> None:
    runs = list(read_each(folder, How()))
    assert [Path(run.path).relative_to(SAMPLES / "torch" / "runs").parts[0] for run in runs] == ["dpo", "grpo"]


def test_an_output_folder_with_runs_below_it(tmp_path: Path) -> None:
    for name in ("Jan01_host", "Jan02_host"):
        shutil.copytree(SAMPLES / "tensorboardx" / "runs" / "dpo", tmp_path / "runs" / name)
    (tmp_path / "notes.txt").write_text("loss: 1\n" * 9)
    assert [Path(run.path).name for run in read_each(tmp_path, How())] == ["Jan01_host", "Jan02_host"]
    shutil.rmtree(tmp_path / "runs" / "Jan01_host")
    assert read_run(tmp_path).path == str(tmp_path)


def test_files_go_by_time_not_by_name(tmp_path: Path) -> None:
    (tmp_path / "events.out.tfevents.5.host.10.0").write_bytes(version(9.0) + event(simple("loss", 2.0), step=2))
    (tmp_path / "events.out.tfevents.5.host.9.0").write_bytes(version(5.0) + event(simple("loss", 1.0), step=2))
    assert list(read_run(tmp_path).columns["loss"].values) == [2.0]


def test_a_torn_archive_in_a_folder_is_noted_with_its_name(tmp_path: Path) -> None:
    first = version() + b"".join(event(simple(f"loss-{step}", 0.5), step=step) for step in range(1, 200))
    (tmp_path / "events.out.tfevents.1.host.gz").write_bytes(gzip.compress(first)[:-20])
    (tmp_path / "events.out.tfevents.2.host").write_bytes(version(2e9) + event(simple("loss", 0.5), step=500))
    notes = read_run(tmp_path, "dpo").notes
    assert "events.out.tfevents.1.host.gz: the packed file ends early: what is there is read" in notes


def test_a_file_that_may_not_be_read_hides_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in (1, 2):
        path = tmp_path / f"events.out.tfevents.{number}.host"
        path.write_bytes(version(number * 1e9) + event(simple("loss", 0.5), step=number))
    plain = base.opened

    def denied(file: Path) -> object:
        if ".2." in file.name:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(file))
        return plain(file)

    monkeypatch.setattr(base, "opened", denied)
    run = read_run(tmp_path, "dpo")
    assert run.steps.tolist() == [1]
    assert "events.out.tfevents.2.host cannot be read (Permission denied): left out" in run.notes


def test_a_link_out_of_the_folder_is_not_followed(tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    (tmp_path / "events.out.tfevents.9.host").write_bytes(version() + event(simple("loss", 9.0), step=9))
    (run / "events.out.tfevents.9.host").symlink_to(tmp_path / "events.out.tfevents.9.host")
    (run / "events.out.tfevents.1.host").write_bytes(version() + event(simple("loss", 1.0), step=1))
    assert read_run(run).steps.tolist() == [1]


# Rows


def test_numbers_of_one_step_are_one_row() -> None:
    raw = read(
        version()
        + event(simple("loss", 1.0), step=1) + event(simple("lr", 0.5), step=1)
        + event(simple("eval/loss", 3.0), simple("lr", 0.5), step=1)
        + event(simple("loss", 2.0), step=2)
    )  # fmt: skip
    assert columns(raw) == {
        "loss": [(0, 1.0), (1, 2.0)], "lr": [(0, 0.5)], "eval/loss": [(0, 3.0)], "step": [(0, 1.0), (1, 2.0)],
    }  # fmt: skip


def test_the_totals_at_the_last_step_do_not_take_its_row_along() -> None:
    totals = ["train_runtime", "train_samples_per_second", "train_steps_per_second", "total_flos", "train_loss"]
    rows = [event(simple(f"train/{key}", 7.0), step=2) for key in ["loss", "epoch", *totals, "epoch"]]
    run = read_run_of(version() + event(simple("train/loss", 8.0), step=1) + b"".join(rows))
    assert (list(run.columns["loss"].values), run.steps.tolist()) == ([8.0, 7.0], [1, 2])


def read_run_of(data: bytes):
    from barograph.sources.normalise import normalise

    (run,) = normalise(read(data), path="-", source="tensorboard", method="dpo")
    return run


def test_steps_that_nobody_told_are_counted() -> None:
    """Whoever forgets the step writes all numbers at step 0; equal ones are different rows then."""
    run = read_run_of(version() + event(simple("loss", 1.0)) * 2 + event(simple("loss", 3.0)))
    assert (run.steps.tolist(), list(run.columns["loss"].values)) == ([1, 2, 3], [1.0, 1.0, 3.0])


def test_a_first_step_of_zero_is_one() -> None:
    run = read_run_of(version() + event(simple("loss", 1.0)) + event(simple("loss", 3.0), step=1))
    assert run.steps.tolist() == [0, 1]


def test_a_tag_that_is_called_step_is_not_the_step() -> None:
    row = [event(simple(tag, 99.0), step=3) for tag in ("Step", "loss", "train/step")]
    assert columns(read(version() + b"".join(row))) == {"loss": [(0, 99.0)], "step": [(0, 3.0)]}


def test_large_and_negative_steps() -> None:
    raw = read(version() + b"".join(event(simple("loss", 1.0), step=step) for step in (5, 300, 2**40, 2**40 + 1)))
    assert values(raw, "step") == [5, 300, 2**40, 2**40 + 1]
    before = event(simple("loss", 1.0), step=-1)
    assert read_run_of(version() + before + event(simple("loss", 2.0), step=1)).notes == [
        "1 row at a step below zero: left out"
    ]
    with pytest.raises(UnreadableRun, match=r"no rows that could be read \(1 row at a step below zero"):
        read_run_of(version() + before)


@pytest.mark.parametrize("tag", ["l", "train/" + "x" * 90, "x" * 121, "x" * 122, "x" * 200, "x" * 20_000, "损失", ""])
def test_tags_of_any_length(tag: str) -> None:
    """The usual event is taken a short way, which must not show; lengths of 128 take a second byte."""
    numbers = [0.5, math.nan, -math.inf, 3.0]
    data = b"".join(event(simple(tag, number), step=step) for step, number in enumerate(numbers, 1))
    (found,) = (column.values for key, column in read(version() + data).table.columns.items() if key != "step")
    assert list(map(repr, found)) == list(map(repr, numbers))


def test_a_tag_that_is_no_text() -> None:
    raw = read(version() + event(field(1, b"lo\xffss") + float32(2, 1.0), step=1) * 2)
    assert values(raw, "lo\ufffdss") == [1.0]


# Tensors

F32, F64 = field(1, 1), field(1, 2)


@pytest.mark.parametrize(
    ("content", "number"),
    [
        (F32 + field(2, b"") + field(5, struct.pack("<f", 0.5)), 0.5),  # packed
        (F32 + float32(5, 0.5), 0.5),
        (F32 + field(4, struct.pack("<f", 0.5)), 0.5),
        (F64 + field(6, 0.1), 0.1),
        (F64 + field(4, struct.pack("<d", 0.1)), 0.1),
        (F64 + field(2, field(2, field(1, 1))) + field(6, 0.1), 0.1),  # a list of one
        (field(1, 3) + field(7, -7), -7.0),
        (field(1, 3) + field(7, varint(-7)), -7.0),
        (field(1, 3) + field(4, struct.pack("<i", -7)), -7.0),
        (field(1, 9) + field(10, 2**40), 2.0**40),
        (field(1, 9) + field(4, struct.pack("<q", -(2**40))), -(2.0**40)),
        (field(1, 10) + field(11, 1), 1.0),
        (field(1, 23) + field(17, 2**63), 2.0**63),
        (field(1, 19) + field(13, 0x3800), 0.5),  # half: sign 0, exponent 14 - 15, fraction 0
        (field(1, 19) + field(4, b"\x00\x38"), 0.5),
        (field(1, 14) + field(13, 0x3F00), 0.5),  # bfloat16: the upper half of a float
        (field(1, 14) + field(4, b"\x00\x3f"), 0.5),
    ],
)
def test_a_number_in_a_tensor(content: bytes, number: float) -> None:
    assert values(read(version() + event(tensor("loss", content), step=1)), "loss") == [number]


@pytest.mark.parametrize(
    "content",
    [
        F64 + field(2, field(2, field(1, 3))) + field(6, 0.1),  # three of the same
        F64 + field(2, field(2, field(1, 2**62)) * 4) + field(6, 0.1),
        F64 + field(4, b"1234"),
        field(1, 99) + field(4, b"1234"),
        F64,
        b"",
    ],
)
def test_a_tensor_that_is_no_number(content: bytes) -> None:
    raw = read(version() + event(tensor("loss", content), step=1) + event(simple("lr", 1.0), step=1))
    assert set(raw.table.columns) == {"step", "lr"}
    assert raw.notes == ["left out, being no number: 1 tensor"]


def test_a_plugin_that_is_named_once_is_remembered() -> None:
    number = F64 + field(6, 0.5)
    first, later = tensor("a", number, "pr_curves"), tensor("a", number, "")
    raw = read(version() + event(first, step=1) + event(later, step=2) + event(tensor("b", number, ""), step=2))
    assert set(raw.table.columns) == {"step", "b"}
    assert raw.notes == ["left out, being no number: 2 tensors"]


def test_what_is_no_number_is_counted_by_its_kind() -> None:
    text = tensor("text", field(1, 7) + field(8, b"hi"), "text")
    image, histogram = field(1, b"i") + field(4, b""), field(1, b"h") + field(5, b"")
    raw = read(version() + event(text) + event(image, histogram, histogram) + event(simple("loss", 1.0), step=1))
    assert raw.notes == ["left out, being no number: 1 text, 1 image, 2 histograms"]
    assert columns(raw) == {"loss": [(0, 1.0)], "step": [(0, 1.0)]}


# Damage

ROWS = [event(simple("loss", step / 8), step=step) for step in range(1, 6)]


def test_a_length_that_is_damaged_ends_the_reading() -> None:
    good = version() + ROWS[0] + ROWS[1]
    raw = read(good + b"\xff" + ROWS[2][1:] + ROWS[3])
    assert values(raw, "step") == [1, 2]
    left = len(ROWS[2] + ROWS[3])
    assert raw.notes == [f"damaged at byte {len(good)}: 2 rows read before, {left} bytes left out"]


def test_data_that_is_damaged_is_left_out_alone() -> None:
    good = version() + ROWS[0]
    spoilt = ROWS[1][:-6] + b"\xff" + ROWS[1][-5:]
    raw = read(good + spoilt + ROWS[2])
    assert values(raw, "step") == [1, 3]
    assert raw.notes == [f"1 event with a wrong checksum, the first at byte {len(good)}: left out"]


def test_behind_the_first_megabyte_only_what_does_not_decode_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tfrecord, "VERIFIED", -1)
    inside = ROWS[1].index(b"\x2a") + 1
    raw = read(ROWS[0] + ROWS[1][:inside] + b"\x7f" + ROWS[1][inside + 1 :] + ROWS[2])
    assert values(raw, "step") == [1, 3]
    assert raw.notes == ["1 event that cannot be decoded: left out"]


@pytest.mark.parametrize("length", [200, 4 << 30, 2**63, 2**64 - 1])
def test_a_record_that_claims_more_than_the_file_holds(length: int) -> None:
    raw = read(version() + ROWS[0] + record(b"\x09" + b"x" * 50, length) + ROWS[1])
    assert values(raw, "step") == [1]
    assert any("cut short" in note or "damaged at byte" in note for note in raw.notes)


def test_zeros_behind_the_last_event() -> None:
    """What a machine leaves that went down before the data was on the disk."""
    raw = read(version() + ROWS[0] + bytes(100))
    assert values(raw, "step") == [1]
    assert raw.notes == [f"damaged at byte {len(version() + ROWS[0])}: 1 row read before, 100 bytes left out"]


def test_a_file_that_is_damaged_from_its_beginning(tmp_path: Path) -> None:
    path = tmp_path / "events.out.tfevents.1.host"
    path.write_bytes(bytes(30) + ROWS[0])
    with pytest.raises(UnreadableRun, match="is damaged at byte 0, before the first number"):
        read_run(path)
    (tmp_path / "events.out.tfevents.2.host").write_bytes(version() + ROWS[0])
    run = read_run(tmp_path)
    assert run.steps.tolist() == [1]
    assert any("damaged at byte 0 in events.out.tfevents.1.host" in note for note in run.notes)
    (tmp_path / "events.out.tfevents.2.host").write_bytes(bytes(30))
    with pytest.raises(UnreadableRun, match="holds no number that could be read"):
        read_run(tmp_path)


def test_cut_at_every_byte_the_rows_before_are_whole() -> None:
    data = version() + b"".join(ROWS)
    for size in range(len(data)):
        raw = read(data[:size])
        whole = max(0, size - len(version())) // len(ROWS[0])
        assert [float(step) for step in range(1, whole + 1)] == (values(raw, "step") if whole else [])
        is_torn = size not in {0, *(len(version()) + n * len(ROWS[0]) for n in range(6))}
        assert raw.notes == (["the last event is cut short: left out"] if is_torn else [])


def test_a_message_that_nests_or_lies_about_its_lengths() -> None:
    lying = [
        field(5, b"\x0a\xff\xff\xff\xff\x0f"),
        field(5, field(1, b"\x42\x7f")),
        b"\xff" * 20,
        b"\x03\x03",
        b"\x00\x00",
    ]
    raw = read(version() + b"".join(record(field(1, 1.0) + data) for data in lying) + ROWS[0])
    assert values(raw, "step") == [1]
    assert raw.notes == [f"{len(lying)} events that cannot be decoded: left out"]


@settings(max_examples=150)
@given(changes=st.lists(st.tuples(st.integers(0, 21_000), st.binary(max_size=12), st.integers(0, 12)), max_size=6))
def test_a_real_log_with_anything_changed(changes: list[tuple[int, bytes, int]]) -> None:
    data = bytearray(TORCH.read_bytes())
    for at, piece, length in changes:
        data[at : at + length] = piece
    try:
        raw = read(bytes(data))
    except UnreadableRun:
        return
    assert all(note.isprintable() for note in raw.notes)
    assert raw.table.rows <= 23


@settings(max_examples=150)
@given(payloads=st.lists(st.binary(max_size=40), max_size=6))
def test_any_message_in_a_sound_frame(payloads: list[bytes]) -> None:
    raw = read(b"".join(record(field(1, 1.0) + field(5, field(1, payload))) for payload in payloads) + ROWS[0])
    assert values(raw, "step")[-1] == 1


# A file that is still written


@pytest.mark.parametrize("seed", range(20))
def test_where_the_bytes_are_cut_never_shows(seed: int) -> None:
    data = TORCH.read_bytes()
    draw = random.Random(seed)
    cuts = sorted({0, len(data), *draw.choices(range(len(data)), k=draw.choice([1, 5, 50, 500]))})
    reading = TENSORBOARD.reading("-")
    tables = []
    for begin, end in pairwise(cuts):
        reading.take(data[begin:end])
        tables.append(reading.drain())
    reading.finish()
    tables.append(reading.drain())
    whole = read(data)
    for key, column in whole.table.columns.items():
        parts = chain.from_iterable(table.columns[key].values for table in tables if key in table.columns)
        assert list(map(repr, parts)) == list(map(repr, column.values))
    assert sum(table.rows for table in tables) == whole.table.rows
    assert (reading.config, reading.notes()) == (whole.config, whole.notes)


def test_a_row_is_told_when_the_next_one_begins(tmp_path: Path) -> None:
    path = tmp_path / "events.out.tfevents.1.host"
    path.write_bytes(version() + event(simple("loss", 1.0), step=1))
    with Tail(path, How("dpo")) as tail:
        assert not tail.poll().rows
        with path.open("ab") as stream:
            stream.write(event(simple("lr", 0.5), step=1) + event(simple("loss", 2.0), step=2))
        assert tail.poll().rows == [(1, {"loss": 1.0, "lr": 0.5})]


# What is an event file


@pytest.mark.parametrize(
    ("name", "head", "recognised"),
    [
        ("anything", version(), True),
        ("anything", ROWS[0][:30], True),
        ("anything", record(b"\x0a\x05hello"), False),  # TFRecord, of something else
        ("anything", version()[:11] + b"\0" + version()[12:], False),
        ("events.out.tfevents.1.host", version()[:10], True),
        ("events.out.tfevents.1.host", b"version https://git-lfs.github.com/spec/v1\n", False),
        ("log.jsonl", b'{"step": 1}\n', False),
    ],
)
def test_recognised_by_content(name: str, head: bytes, recognised: bool) -> None:
    assert TENSORBOARD.recognises(name, head) is recognised


def test_the_checksum_of_the_standard() -> None:
    """RFC 3720, B.4: the CRC-32C of 32 zeros is 8A9136AA."""
    crc = 0x8A9136AA
    masked = (((crc >> 15) | (crc << 17)) + 0xA282EAD8) % 2**32
    assert masked_crc(bytes(32)) == struct.pack("<I", masked)
    assert tfrecord.intact(bytes(32) + struct.pack("<I", masked))


def test_doubles_and_floats_stand_side_by_side() -> None:
    raw = read(version() + event(double("a", 0.1), step=1) + event(simple("b", 0.1), step=1))
    assert (values(raw, "a"), values(raw, "b")) == ([0.1], [in_32_bits(0.1)])
