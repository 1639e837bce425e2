from __future__ import annotations

import json
from pathlib import Path

import pytest

from barograph.core.errors import UnreadableRun
from barograph.sources.base import Document
from barograph.sources.formats.json_records import JSON_RECORDS

ROWS = [{"step": 1, "loss": 0.7}, {"step": 2, "loss": 0.6}]


def read(value: object):
    text = value if isinstance(value, str) else json.dumps(value)
    (raw,) = JSON_RECORDS.read(Document("-", text.encode()))
    return raw


def losses(raw) -> list[float]:
    return list(raw.table.columns["loss"].values)


@pytest.mark.parametrize("holder", ["log_history", "history", "metrics", "logs", "records", "whatever"])
def test_an_object_that_holds_records(holder: str) -> None:
    raw = read({"beta": 0.1, "names": ["a"], holder: ROWS})
    assert losses(raw) == [0.7, 0.6]
    assert raw.config == {"beta": 0.1}


@pytest.mark.parametrize(
    "value",
    [
        {"step": [1, 2], "loss": [0.7, 0.6]},
        {"seed": 42, "step": [1, 2], "loss": [0.7, 0.6]},
        {"history": {"step": [1, 2], "loss": [0.7, 0.6]}},
        {"step": {"0": 1, "1": 2}, "loss": {"0": 0.7, "1": 0.6}},
        {"step": {"10": 2, "9": 1}, "loss": {"10": 0.6, "9": 0.7}},
    ],
)
def test_columns(value: object) -> None:
    assert losses(read(value)) == [0.7, 0.6]


def test_columns_of_unequal_length_are_noted() -> None:
    raw = read({"step": [1, 2, 3], "loss": [0.7, 0.6]})
    assert losses(raw) == [0.7, 0.6]
    assert "'loss' shorter" in raw.notes[0]


def test_one_object_is_one_row_even_with_a_list_in_it() -> None:
    assert losses(read({"step": 1, "loss": 0.5, "bins": [1, 2]})) == [0.5]
    assert losses(read({"step": 1, "metrics": {"loss": 0.5}})) == [0.5]


def test_objects_one_after_the_other_over_several_lines() -> None:
    assert losses(read("\n".join(json.dumps(row, indent=2) for row in ROWS))) == [0.7, 0.6]


def test_entries_that_are_no_records() -> None:
    raw = read([*ROWS, None])
    assert losses(raw) == [0.7, 0.6]
    assert raw.notes == ["1 entry of the list left out: no records"]
    with pytest.raises(UnreadableRun, match="4 entries that are no records"):
        read([1, 2, 3, 4])


def test_cut_short_says_where() -> None:
    with pytest.raises(UnreadableRun, match=r"ends too early, at line 3 column 14; the file was cut"):
        read('[\n {"step": 1, "loss": 0.7},\n {"step": 2, "lo')


def test_broken_in_the_middle_says_what_and_where() -> None:
    with pytest.raises(UnreadableRun, match=r"no valid JSON: .* at line 2 column \d+"):
        read('[{"step": 1},\n {step: 2},\n {"step": 3}]')


def test_a_bare_value(tmp_path: Path) -> None:
    with pytest.raises(UnreadableRun, match="holds a JSON int; expected an object or a list"):
        read("5")
