from __future__ import annotations

import math
from pathlib import Path

import pytest

from barograph.core.errors import UnreadableRun
from barograph.sources import base
from barograph.sources.base import Document
from barograph.sources.formats.csv_table import CSV_TABLE
from barograph.sources.runs import read_run


def read(text: str | bytes):
    (raw,) = CSV_TABLE.read(Document("-", text.encode() if isinstance(text, str) else text))
    return raw


def columns(raw) -> dict[str, list[tuple[int, float]]]:
    return {key: list(zip(column.at, column.values, strict=True)) for key, column in raw.table.columns.items()}


@pytest.mark.parametrize(
    ("name", "head", "recognised"),
    [
        ("x", "step,loss\n1,0.5\n", True),
        ("x", "step\tloss\n1\t0.5\n", True),
        ("x", "step;loss\n1;0,5\n", True),
        ("x", '"step","loss"\n"1","0.5"\n', True),
        ("x", "step,loss,acc\n1,0.5,\n", True),
        ("x.csv", "loss\n0.5\n", True),
        ("x", "loss\n0.5\n", False),
        ("x.csv", "step,loss\n", True),
        ("x", "Epoch:[1/1](1/500), Reward: 0.3846, Fmt: 1.00\nEpoch:[1/1](2/500), Reward: 0.1, Fmt: 1.00\n", False),
        ("x", "hello, world\nthis is, a letter\n", False),
        ("x", '{"a": 1, "b": 2}\n', False),
    ],
)
def test_recognised_by_content(name: str, head: str, recognised: bool) -> None:
    assert CSV_TABLE.recognises(name, head.encode()) is recognised


def test_empty_cells_are_absent() -> None:
    assert columns(read("step,acc\n1,0.5\n2,\n3,0.7\n")) == {
        "step": [(0, 1), (1, 2), (2, 3)], "acc": [(0, 0.5), (2, 0.7)],
    }  # fmt: skip


def test_decimal_commas_between_semicolons() -> None:
    assert columns(read("step;loss\n1;0,5\n2;1,5e-3\n"))["loss"] == [(0, 0.5), (1, 0.0015)]


def test_quotes_and_line_breaks_within_them() -> None:
    raw = read('step,note,loss\n1,"a, ""b""\nc",0.5\n2,plain,0.6\n')
    assert columns(raw) == {"step": [(0, 1), (1, 2)], "loss": [(0, 0.5), (1, 0.6)]}
    assert raw.table.left_out == {"note": ("text", 2)}


def test_short_and_long_rows_are_noted() -> None:
    raw = read("step,loss,lr\n1,0.5,1\n2,0.6\n3,0.7,1,9\n4,0.8,1\n")
    assert columns(raw)["loss"] == [(0, 0.5), (1, 0.6), (2, 0.7), (3, 0.8)]
    assert columns(raw)["lr"] == [(0, 1), (2, 1), (3, 1)]
    (note,) = raw.notes
    assert note.startswith("2 rows with more or fewer cells than the header, the first is row 2: ")


def test_a_torn_last_row_is_left_out() -> None:
    raw = read("step,loss\n1,0.5\n2")
    assert columns(raw)["step"] == [(0, 1)]
    assert raw.notes == ["the last row (2) is cut short: left out"]


def test_a_header_in_the_middle_is_a_second_log_and_no_row() -> None:
    raw = read("step,loss\n1,0.5\nstep,loss\n1,0.4\n")
    assert columns(raw)["loss"] == [(0, 0.5), (1, 0.4)]
    assert raw.notes == ["the header is repeated 1 time: another log was appended"]


def test_of_two_columns_with_one_name_the_first_is_read() -> None:
    raw = read("step,loss,loss,\n1,0.5,9,9\n")
    assert columns(raw)["loss"] == [(0, 0.5)]
    assert "'loss', ''" in raw.notes[0]


def test_no_header() -> None:
    with pytest.raises(UnreadableRun, match="no names in its first line"):
        read("1,0.5\n2,0.4\n")


def test_latin1_is_read_with_a_note() -> None:
    raw = read("step,loss,caf\xe9\n1,0.5,2\n".encode("latin-1") + b"2,0.4,\xe9\n")
    assert columns(raw)["loss"] == [(0, 0.5), (1, 0.4)]
    assert "bytes that are not UTF-8 were replaced" in raw.notes


@pytest.mark.parametrize("block", [1, 5, 13])
def test_where_blocks_end_never_shows(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    text = 'step,loss,x\n1,0.5,\n2,0.6\n3,0.7,"q"\n4,0.8,1\n'
    whole = read(text)
    monkeypatch.setattr(base, "BLOCK", block)
    parts = read(text)
    assert (parts.table, parts.notes) == (whole.table, whole.notes)


def test_a_million_columns_are_refused_at_once(tmp_path: Path) -> None:
    path = tmp_path / "wide.csv"
    path.write_text(",".join(f"c{i}" for i in range(10**6)) + "\n" + ",".join(["1"] * 10**6) + "\n")
    with pytest.raises(UnreadableRun, match="is the table transposed"):
        read_run(path)


def test_eleven_thousand_columns(tmp_path: Path) -> None:
    path = tmp_path / "wide.csv"
    path.write_text(",".join(f"c{i}" for i in range(11_000)) + "\n" + ",".join(["1"] * 11_000) + "\n")
    with pytest.raises(UnreadableRun, match="11,000 columns"):
        read_run(path)


# Comments above the header


@pytest.mark.parametrize(
    "above",
    [
        "# made by our trainer\n",
        "# lr=1e-5, beta=0.1\n# seed, 7\n",
        "\n#\n\n# a, b, c\n",
        "#1,2\n",
        '# it said "hello\n',
        "sep=,\n",
    ],
)
@pytest.mark.parametrize("block", [1, 5, 1 << 20])
def test_comments_above_the_header(above: str, block: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base, "BLOCK", block)
    (tmp_path / "x").write_text(f"{above}step,loss\n1,0.5\n2,0.25\n")
    run = read_run(tmp_path / "x")
    assert (run.steps.tolist(), list(run.columns["loss"].values)) == ([1, 2], [0.5, 0.25])


@pytest.mark.parametrize("end", ["", "\n"])
@pytest.mark.parametrize("header", ["# step,loss", "#step,loss", "# made by numpy\n# step,loss"])
def test_a_header_that_is_a_comment(header: str, end: str, tmp_path: Path) -> None:
    """As `numpy.savetxt` writes it."""
    (tmp_path / "x").write_text(f"{header}\n1,0.5\n2,0.25{end}")
    run = read_run(tmp_path / "x")
    assert (run.steps.tolist(), list(run.columns["loss"].values)) == ([1, 2], [0.5, 0.25])


def test_only_comments_are_no_table(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text("# a,b\n# c,d\n")
    with pytest.raises(UnreadableRun):
        read_run(tmp_path / "log.csv")


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_large_blocks_of_numbers_are_read_as_any_others(ending: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Parsed at once as JSON, or cell by cell where there is a word, a gap, a ragged row or an odd number."""
    rows = [[str(step), repr(1 / step), "" if step % 7 else "-2.5e-3"] for step in range(1, 12_001)]
    plain = ending.join(["step,loss,acc", *map(",".join, rows), ""])
    assert len(plain) > 256 * 1024
    quick = read(plain)
    assert columns(quick)["loss"] == [(step - 1, 1 / step) for step in range(1, 12_001)]
    assert columns(quick)["acc"] == [(step - 1, -0.0025) for step in range(7, 12_001, 7)]
    monkeypatch.setitem(__import__("sys").modules, "orjson", None)
    assert read(plain).table == quick.table
    monkeypatch.undo()
    for odd, value in (("nan", math.nan), (".5", 0.5), ("1.", 1.0), ("007", 7.0), ("true", 1.0)):
        raw = read(plain.replace("5000,0.0002,", f"5000,{odd},"))
        found = dict(columns(raw)["loss"]).get(4999)
        assert repr(found) == repr(value), odd
        assert raw.table.rows == 12_000
    ragged = read(plain.replace(f"5000,0.0002,{ending}", f"5000,0.0002{ending}"))
    assert columns(ragged)["loss"] == columns(quick)["loss"]
    assert any("row 5,000" in note for note in ragged.notes)
