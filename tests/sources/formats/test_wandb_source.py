"""Expected values are what was logged (expected.json of the samples, written beside the log), or made by hand."""

from __future__ import annotations

import json
import math
import random
import shutil
import struct
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tensorboard_format import field, varint
from wandb_format import BLOCK, HEADER, chunk, exit_with, history, in_blocks, item, run

from barograph.core.errors import UnreadableRun
from barograph.sources.base import Document, RawRun
from barograph.sources.formats.wandb import WANDB
from barograph.sources.runs import How, read_each, read_run
from barograph.sources.storage import leveldb
from barograph.sources.table import RawTable

SAMPLES = Path(__file__).parent.parent / "samples" / "wandb"
VERSIONS = ["0.15", "0.31"]
KILLED = "the log does not tell how the run ended: it is going on, or was killed"
END = exit_with(0)


def sample(version: str, name: str) -> Path:
    (path,) = (SAMPLES / version / "wandb").glob(f"*-{name}/run-{name}.wandb")
    return path


def read(data: bytes) -> RawRun:
    (raw,) = WANDB.read(Document("-", data))
    return raw


def read_rows(*records: bytes) -> RawRun:
    return read(in_blocks([*records, END]))


def points(raw: RawRun, key: str) -> list[tuple[float, float]]:
    """The values of a key by `_step`."""
    steps = dict(zip(*raw.table.columns["_step"], strict=True))
    column = raw.table.columns[key]
    return [(steps[row], value) for row, value in zip(column.at, column.values, strict=True)]


def contents(table: RawTable) -> dict[str, str]:
    """All columns as text, in which NaN is equal to NaN."""
    return {key: repr((column.at, column.values)) for key, column in table.columns.items()}


def is_number(value: object) -> bool:
    return isinstance(value, int | float) or value in ("NaN", "Infinity", "-Infinity")


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", ["dpo00001", "grpo0002", "feat0003"])
def test_every_number_of_a_real_log(version: str, name: str) -> None:
    logged = json.loads((SAMPLES / version / "expected.json").read_text())[name]
    numbers = {
        key.replace(".", "/"): [(float(step), float(value)) for step, value in points if is_number(value)]
        for key, points in logged.items()
    }
    (raw,) = WANDB.read(Document(str(sample(version, name))))
    found = set(raw.table.columns) - {"_step", "_runtime", "_timestamp"}
    assert found == {key for key, points in numbers.items() if points}
    for key in found:
        assert list(map(repr, points(raw, key))) == list(map(repr, numbers[key])), key
    assert KILLED not in raw.notes


@pytest.mark.parametrize("version", VERSIONS)
def test_the_run_as_it_is_judged(version: str) -> None:
    """The trainer's own step is the axis, not the count of calls; what each row belongs to is known then."""
    run = read_run(sample(version, "dpo00001"))
    assert (run.first_step, run.last_step, len(run.columns["loss"].at)) == (1, 24, 24)
    assert [run.steps[at] for at in run.columns["eval.loss"].at] == [8, 16, 24]
    assert math.isnan(dict(zip(run.columns["grad_norm"].at, run.columns["grad_norm"].values, strict=True))[13])
    config = {"beta": 0.1, "learning_rate": 5e-7, "max_steps": 24, "per_device_train_batch_size": 4, "bf16": True,
              "model/num_parameters": 494032768}  # fmt: skip
    assert {key: run.config[key] for key in config} == config
    assert run.unknown_keys == []


@pytest.mark.parametrize("version", VERSIONS)
def test_what_is_no_number_is_said(version: str) -> None:
    (raw,) = WANDB.read(Document(str(sample(version, "feat0003"))))
    assert raw.name == "features"
    assert raw.notes == ["left out, being no number: 1 histogram"]
    assert raw.table.left_out == {"c": ("text", 1), "list": ("a list", 1)}


@pytest.mark.parametrize(("name", "rows"), [("run-kill0005-before", 7), ("run-kill0005", 8)])
def test_a_run_that_was_killed(name: str, rows: int) -> None:
    """Its last chunk has a head and no data."""
    (raw,) = WANDB.read(Document(str(SAMPLES / "killed" / f"{name}.wandb")))
    assert points(raw, "loss") == [(step, 1 / (step + 1)) for step in range(rows)]
    assert raw.notes == ["the last record is cut short: left out", KILLED]


# Where logs lie


@pytest.mark.parametrize("inside", ["wandb", "outputs/run/wandb", "wandb/offline-run-20261121_070920-dpo00001"])
def test_the_folders_that_one_may_name(inside: str, tmp_path: Path) -> None:
    home = tmp_path / inside.partition("wandb")[0] / "wandb"
    shutil.copytree(SAMPLES / "0.31" / "wandb", home)
    (home / "latest-run").symlink_to("offline-run-20261121_070920-dpo00001", target_is_directory=True)
    (home / "debug.log").write_text("loss: 1\n" * 9)
    named = tmp_path / inside.removesuffix("/wandb")
    runs = list(read_each(named, How()))
    ids = {"dpo00001", "grpo0002", "feat0003"} if "offline" not in inside else {"dpo00001"}
    assert len(runs) == len(ids)
    assert {Path(run.path).name.removeprefix("run-").removesuffix(".wandb")[-8:] for run in runs} == ids
    assert len(read_run(home / "latest-run")) == 27


def write_summary(folder: Path, summary: dict[str, Any]) -> Path:
    (folder / "files").mkdir(parents=True)
    path = folder / "files" / "wandb-summary.json"
    path.write_text(json.dumps(summary))
    return path


SUMMARY = {"_step": 26, "_runtime": 2.5, "_wandb": {"runtime": 2}, "train/global_step": 24, "train/loss": 0.25,
           "images": {"_type": "table-file", "path": "x"}}  # fmt: skip


def test_without_its_log_a_run_is_one_row(tmp_path: Path) -> None:
    folder = tmp_path / "wandb" / "run-20260101_000000-abc"
    summary = write_summary(folder, SUMMARY)
    (folder / "run-abc.wandb").write_bytes(b"")
    (folder / "files" / "config.yaml").write_text(
        "wandb_version: 1\n\n_wandb:\n    desc: null\n    value:\n        cli_version: 0.16\n"
        "beta:\n    desc: null\n    value: 0.25\nlogging_steps:\n    value: 10\nloss_type:\n  value: 'ipo'\n"
        "peft:\n    value:\n        r: 8\nreport_to:\n    value:\n    - wandb\nnothing:\n    value: null\n"
    )
    for named in (tmp_path, folder, summary):
        run = read_run(named, "dpo")
        assert (run.steps.tolist(), list(run.columns["loss"].values)) == ([24], [0.25])
        assert "only a summary: one row, with the last value of each metric" in run.notes
        assert "left out, being no number: 1 table-file" in run.notes
        assert run.config == {"beta": 0.25, "logging_steps": 10, "loss_type": "ipo"}
        assert run.unknown_keys == []


def test_a_log_that_cannot_be_read_gives_way_to_the_summary(tmp_path: Path) -> None:
    write_summary(tmp_path, SUMMARY)
    path = tmp_path / "run-abc.wandb"
    path.write_bytes(b"\0" * 100)
    run = read_run(path, "dpo")
    assert run.steps.tolist() == [24]
    assert any("does not begin like a log of Weights & Biases" in note for note in run.notes)
    path.write_bytes(in_blocks([run_record()]))
    assert any("the log holds no rows" in note for note in read_run(path, "dpo").notes)


def test_a_run_that_has_just_begun(tmp_path: Path) -> None:
    """An offline run's summary tells nothing but how long it took."""
    write_summary(tmp_path, {"_wandb": {"runtime": 0}})
    path = tmp_path / "run-abc.wandb"
    path.write_bytes(in_blocks([run_record()]))
    with pytest.raises(UnreadableRun, match="holds no rows; is the run still starting"):
        read_run(path)


def run_record() -> bytes:
    return run({"beta": 0.1})


@pytest.mark.parametrize("text", [b"{", b'{"a": ', b"[" * 5000])
def test_a_summary_that_is_broken(text: bytes, tmp_path: Path) -> None:
    path = tmp_path / "wandb-summary.json"
    path.write_bytes(b"{" + text)
    with pytest.raises(UnreadableRun, match="is no JSON"):
        read_run(path)


def test_a_log_with_a_summary_alone() -> None:
    records = [field(3, field(1, item("train/loss", 0.5))), field(3, field(1, item("train/loss", 0.25)))]
    raw = read_rows(run_record(), *records)
    assert list(raw.table.columns["train/loss"].values) == [0.25]
    assert raw.notes == ["the log holds no rows, only the summary: the last value of each metric"]


# Records


def test_settings_are_those_told_last() -> None:
    later = field(5, field(1, item("beta", 0.5)) + field(1, item("_wandb", {"cli_version": "0.31"})))
    first = run({"beta": 0.1, "lr": {"value": 1e-6, "desc": None}, "trainer": {"max_steps": 9}, "none": None})
    raw = read_rows(first, later, history({"loss": 1.0, "_step": 0}))
    assert raw.config == {"beta": 0.5, "lr": 1e-6, "trainer/max_steps": 9, "max_steps": 9}
    assert raw.name == "my run"


@pytest.mark.parametrize(("code", "said"), [(0, []), (1, ["the run ended with exit code 1"]),
                                            (-9, ["the run ended with exit code -9"])])  # fmt: skip
def test_how_the_run_ended(code: int, said: list[str]) -> None:
    assert read(in_blocks([history({"loss": 1.0, "_step": 0}), exit_with(code)])).notes == said


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (field(16, b"1.25e-07"), 1.25e-7), (field(16, b"3"), 3.0), (field(16, b"true"), 1.0),
        (field(16, b'"0.5"'), 0.5),
        (field(16, b"NaN"), math.nan), (field(16, b"-Infinity"), -math.inf), (field(16, b"9" * 400), math.inf),
        (field(16, b"1" + b"0" * 150), 1e150), (field(4, 1), 1.0), (field(5, 14), 7.0), (field(5, 13), -7.0),
        (field(6, 0.1), 0.1), (field(7, b"0.5"), 0.5), (field(8, b"0.5"), 0.5),
    ],
)  # fmt: skip
def test_values_in_every_form(value: bytes, number: float) -> None:
    """Newer schemas know typed values; a plain row before and behind shows that the short way changes nothing."""
    plain = [history({"loss": 5.0, "_step": step}) for step in (0, 2)]
    odd = field(2, field(1, field(1, b"loss") + value) + field(1, item("_step", 1)))
    assert repr(points(read_rows(plain[0], odd, plain[1]), "loss")) == repr([(0.0, 5.0), (1.0, number), (2.0, 5.0)])


def test_a_row_without_its_step_takes_that_of_the_record() -> None:
    rows = [field(2, field(1, item("loss", step / 2)) + field(2, field(1, step) if step else b"")) for step in range(3)]
    assert points(read_rows(*rows), "loss") == [(0, 0.0), (1, 0.5), (2, 1.0)]


def test_items_behind_the_step_are_read_as_well() -> None:
    row = field(2, field(1, item("loss", 1.0)) + field(2, field(1, 7)) + field(1, item("lr", 0.5)))
    raw = read_rows(history({"loss": 1.0, "lr": 1.0, "_step": 0}), row)
    assert (points(raw, "loss"), points(raw, "lr")) == ([(0, 1.0), (7, 1.0)], [(0, 1.0), (7, 0.5)])


def nested_item(parts: list[str], text: bytes) -> bytes:
    return field(1, b"".join(field(2, part.encode()) for part in parts) + field(16, text))


def test_nested_keys_are_laid_flat_whichever_version_wrote_them() -> None:
    old = history({"nested": {"x": 1.5, "y": {"z": 2}}, "_step": 0})
    new = field(2, nested_item(["nested", "y", "z"], b"2") + nested_item(["nested", "x"], b"1.5")
                + field(1, item("_step", 1)))  # fmt: skip
    raw = read_rows(old, new)
    assert points(raw, "nested/x") == [(0, 1.5), (1, 1.5)]
    assert points(raw, "nested/y/z") == [(0, 2.0), (1, 2.0)]


@pytest.mark.parametrize("turned", [False, True])
def test_a_key_that_is_leaf_and_branch(turned: bool) -> None:
    items = [nested_item(["a"], b"1"), nested_item(["a", "b"], b"2")]
    raw = read_rows(field(2, b"".join(items[::-1] if turned else items) + field(1, item("_step", 0))))
    assert points(raw, "a/b") == [(0, 2.0)]


def test_a_key_of_thousands_of_parts() -> None:
    raw = read_rows(field(2, nested_item(["x"] * 5000, b"1") + field(1, item("_step", 0))))
    assert len(raw.table.columns) == 2


@pytest.mark.parametrize("text", [b"[" * 100_000, b"9" * 100_000, b"{", b"\xff", b"", b"1_000"])
def test_a_value_that_is_no_json(text: bytes) -> None:
    raw = read_rows(
        history({"loss": 1.0, "_step": 0}), field(2, nested_item(["loss"], text) + field(1, item("_step", 1)))
    )
    assert points(raw, "loss")[0] == (0, 1.0)


def test_long_keys_and_values() -> None:
    keys = ["k" * size for size in (90, 99, 100, 127, 128, 129, 300, 20_000)]
    rows = [{**{key: number / 3 for number, key in enumerate(keys)}, "_step": step} for step in range(3)]
    raw = read_rows(*map(history, rows))
    for number, key in enumerate(keys):
        shown = key if len(key) <= 500 else key[:497] + "..."
        assert points(raw, shown) == [(step, number / 3) for step in range(3)]


def test_a_record_of_several_blocks() -> None:
    rows = [
        {**{f"layer/{number}/norm": float(number + step) for number in range(3000)}, "_step": step} for step in range(3)
    ]
    data = in_blocks([*map(history, rows), END])
    assert len(data) > 5 * BLOCK
    raw = read(data)
    assert points(raw, "layer/2999/norm") == [(0, 2999.0), (1, 3000.0), (2, 3001.0)]
    assert raw.notes == []


def test_a_block_with_hardly_any_room_at_its_end() -> None:
    """Less than a chunk's head is filled with zeros; just its head is a chunk without data."""
    row = history({"loss": 1.0, "_step": 0})
    for room in range(12):
        filler = field(13, bytes(BLOCK - len(HEADER) - room - 7 - 4))
        raw = read(in_blocks([filler, row, END]))
        assert (points(raw, "loss"), raw.notes) == ([(0, 1.0)], []), room


# Damage

ROWS = [history({"loss": step / 8, "_step": step}) for step in range(1, 6)]


def test_behind_damage_the_next_block_is_read() -> None:
    filler = field(13, bytes(2 * BLOCK))
    data = bytearray(in_blocks([ROWS[0], ROWS[1], filler, ROWS[2], END]))
    at = len(HEADER) + 7 + len(ROWS[0])
    data[at + 7 + 3] ^= 0xFF
    raw = read(bytes(data))
    assert points(raw, "loss") == [(1, 1 / 8), (3, 3 / 8)]
    assert raw.notes == [
        f"1 block of 32 KB damaged, the first at byte {at}: what follows it in the block is left out",
    ]


@pytest.mark.parametrize(
    "bad",
    [
        chunk(1, ROWS[1], length=65_535),
        chunk(1, ROWS[1], checksum=1),
        chunk(0, ROWS[1]),
        chunk(5, ROWS[1]),
        chunk(255, ROWS[1]),
    ],
)
def test_a_chunk_that_lies(bad: bytes) -> None:
    raw = read(HEADER + chunk(1, ROWS[0]) + bad + chunk(1, ROWS[2]))
    assert points(raw, "loss") == [(1, 1 / 8)]
    assert any("damaged, the first at byte" in note for note in raw.notes)


@pytest.mark.parametrize("kinds", [(3, 4), (4,), (2, 2, 1), (2, 1), (3, 3, 3)])
def test_chunks_in_a_wrong_order(kinds: tuple[int, ...]) -> None:
    raw = read(HEADER + b"".join(chunk(kind, ROWS[1]) for kind in kinds) + chunk(1, ROWS[0]) + chunk(1, END))
    assert (1, 1 / 8) in points(raw, "loss")


def test_a_record_without_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leveldb, "LONGEST", 1000)
    endless = chunk(2, bytes(100)) + chunk(3, bytes(100)) * 50
    blocks = leveldb.Blocks()
    assert blocks.take(HEADER + endless) == []
    assert sum(map(len, blocks._parts)) <= 1100
    assert blocks.take(chunk(1, b"x")) == [b"x"]


def test_cut_at_every_byte_the_rows_before_are_whole() -> None:
    data = in_blocks(ROWS)
    ends = list(accumulate((7 + len(row) for row in ROWS), initial=len(HEADER)))[1:]
    for size in range(len(HEADER), len(data) + 1):
        raw = read(data[:size])
        whole = sum(end <= size for end in ends)
        assert raw.table.rows == whole
        is_torn = size not in {len(HEADER), *ends}
        assert raw.notes == [*(["the last record is cut short: left out"] if is_torn else []), KILLED]


def test_messages_that_lie_about_their_lengths() -> None:
    bad = [field(2, b"\x0a\xff\xff\xff\xff\x0f"), b"\xff" * 20, field(2, field(1, b"\x82\x01\x7f")), varint(2**63)]
    raw = read_rows(*bad, ROWS[0])
    assert raw.table.rows == 1
    assert raw.notes == [f"{len(bad)} records that cannot be decoded: left out"]


@settings(max_examples=150)
@given(
    version=st.sampled_from(VERSIONS),
    changes=st.lists(st.tuples(st.integers(0, 13_000), st.binary(max_size=12), st.integers(0, 12)), max_size=6),
)
def test_a_real_log_with_anything_changed(version: str, changes: list[tuple[int, bytes, int]]) -> None:
    data = bytearray(sample(version, "dpo00001").read_bytes())
    for at, piece, length in changes:
        data[at : at + length] = piece
    try:
        raw = read(bytes(data))
    except UnreadableRun:
        return
    assert all(note.isprintable() for note in raw.notes)
    assert raw.table.rows <= 27


@settings(max_examples=150)
@given(
    number=st.sampled_from([2, 3, 5, 17, 18]),
    payloads=st.lists(
        st.binary(max_size=40) | st.builds(lambda data: field(1, data), st.binary(max_size=30)), max_size=6
    ),
)
def test_any_message_in_sound_blocks(number: int, payloads: list[bytes]) -> None:
    raw = read_rows(*(field(number, payload) for payload in payloads), ROWS[0])
    assert list(raw.table.columns["loss"].values)[-1] == 1 / 8


def test_a_typed_number_in_any_bytes() -> None:
    row = field(
        2, field(1, field(1, b"loss") + varint(6 * 8 + 1) + struct.pack("<d", 0.5)) + field(1, item("_step", 0))
    )
    assert points(read_rows(row), "loss") == [(0, 0.5)]


# A file that is still written


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("version", VERSIONS)
def test_where_the_bytes_are_cut_never_shows(version: str, seed: int) -> None:
    data = sample(version, "feat0003" if seed % 2 else "dpo00001").read_bytes()
    draw = random.Random(seed)
    cuts = sorted({0, len(data), *draw.choices(range(len(data)), k=draw.choice([1, 5, 50, 500]))})
    reading = WANDB.reading("-")
    for begin, end in pairwise(cuts):
        reading.take(data[begin:end])
    reading.finish()
    whole = read(data)
    assert contents(reading.drain()) == contents(whole.table)
    assert (reading.config, reading.notes(), reading.name) == (whole.config, whole.notes, whole.name)


@pytest.mark.parametrize(
    ("name", "head", "recognised"),
    [
        ("anything", HEADER, True),
        ("run-abc.wandb", b"\0" * 20, True),
        ("run-abc.wandb", b"version https://git-lfs.github.com/spec/v1\n", False),
        ("files/wandb-summary.json", b'{"loss": 1}', True),
        ("files/summary.json", b'{"loss": 1}', False),
        ("anything", b"\0" * 20, False),
        ("anything", b"", False),
    ],
)
def test_recognised_by_content(name: str, head: bytes, recognised: bool) -> None:
    assert WANDB.recognises(name, head) is recognised
