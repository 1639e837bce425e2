from __future__ import annotations

import json
from pathlib import Path

import pytest

from barograph.core.errors import UnreadableRun
from barograph.sources import base
from barograph.sources.base import Document
from barograph.sources.formats.jsonl import JSONL

ROW = '{"step": %d, "loss": 0.5}\n'


def read(text: str | bytes):
    (raw,) = JSONL.read(Document("-", text.encode() if isinstance(text, str) else text))
    return raw


def steps(raw) -> list[float]:
    return list(raw.table.columns["step"].values)


@pytest.mark.parametrize(
    ("head", "recognised"),
    [
        ('{"step": 1}\n', True),
        ('{"step": 1}', True),
        ('starting\n{"step": 1}\n', True),
        ('{"step": 1}\n{"step": 2, "lo', True),
        ('{"step": 1, "lo', False),
        ('{\n "step": 1\n}\n', False),
        ('[{"step": 1}]', False),
        ('{"log_history": [{"step": 1}]}', False),
        ('{"step": [1, 2], "loss": [0.5, 0.6]}', False),
        ("step,loss\n1,2\n", False),
        ("{'loss': 0.5, 'epoch': 1.0}\n", False),
    ],
)
def test_recognised_by_content(head: str, recognised: bool) -> None:
    assert JSONL.recognises("anything", head.encode()) is recognised


def test_a_row_wider_than_the_head() -> None:
    wide = json.dumps({"step": 1, **{f"key{i}": i for i in range(9_000)}}).encode()
    assert len(wide) > 64 * 1024
    assert JSONL.recognises("log", wide[: 64 * 1024])


def test_a_torn_last_line_is_noted_and_left_out() -> None:
    raw = read(ROW % 1 + ROW % 2 + '{"step": 3, "lo')
    assert steps(raw) == [1, 2]
    assert raw.notes == ["the last line (3) is cut short: left out"]


def test_a_last_line_without_line_break_counts_if_it_is_whole() -> None:
    raw = read(ROW % 1 + (ROW % 2).strip())
    assert (steps(raw), raw.notes) == ([1, 2], [])


def test_a_broken_line_in_the_middle_is_noted_with_its_number() -> None:
    raw = read(ROW % 1 + "\n" + '{"step": 2, "lo\n' + ROW % 3 + "[1]\n" + ROW % 4)
    assert steps(raw) == [1, 3, 4]
    assert raw.notes == ["lines 3, 5 are broken: left out"]


def test_two_lines_that_only_make_sense_together_are_broken() -> None:
    """Lines are parsed many at a time, joined by commas: that must not heal what is broken."""
    raw = read('{"step": 1\n"loss": 5}\n' + ROW % 2 + ROW % 3 + ROW % 4)
    assert steps(raw) == [2, 3, 4]
    assert raw.notes == ["lines 1, 2 are broken: left out"]


def test_mostly_broken_is_no_log() -> None:
    with pytest.raises(UnreadableRun, match=r"2 of 3 lines are not JSON objects, the first is line 2 "):
        read(ROW % 1 + "oops\noops\n")


def test_bytes_that_are_not_utf8_are_replaced_and_noted() -> None:
    raw = read((ROW % 1).encode() + b'{"step": 2, "loss": 1, "name": "caf\xe9"}\n')
    assert steps(raw) == [1, 2]
    assert raw.notes == ["1 line with bytes that are not UTF-8: replaced"]


def test_utf16_from_a_windows_shell(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    path.write_bytes((ROW % 1 + ROW % 2).encode("utf-16"))
    (raw,) = JSONL.read(Document(str(path)))
    assert steps(raw) == [1, 2]


@pytest.mark.parametrize("block", [1, 7, 30, 1 << 20])
def test_where_blocks_end_never_shows(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base, "BLOCK", block)
    raw = read(ROW % 1 + "broken\n" + "\n" + ROW % 2 + ROW % 3 + '{"st')
    assert steps(raw) == [1, 2, 3]
    assert raw.notes == ["line 2 is broken: left out", "the last line (6) is cut short: left out"]


def test_without_the_fast_parser(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "".join(ROW % i for i in range(12_000))
    assert len(text) > 256 * 1024
    fast = read(text)
    monkeypatch.setitem(__import__("sys").modules, "orjson", None)
    assert read(text).table == fast.table


def test_a_row_of_too_many_keys() -> None:
    with pytest.raises(UnreadableRun, match="10,001 keys"):
        read(json.dumps({f"k{i}": 1 for i in range(10_001)}))
