"""What a trainer is told of its data before the first step."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import data_cases as cases

from barograph.data import beforehand
from barograph.data.beforehand import look_before, sentences

ROWS = cases.changed(cases.P, (7, 8), lambda row: {"rejected": row["chosen"]})


def told(rows: Any, held_out: Any = None) -> list[str]:
    report = look_before(rows, held_out)
    assert report is not None
    return list(sentences(report))


def test_a_warning_is_one_sentence() -> None:
    assert told(ROWS) == [
        "data: 2 of 200 pairs have the same text on both sides (DATA04, row 7 first; barograph explain DATA04)"
    ]


def test_good_data_are_passed_over_in_silence() -> None:
    assert told(cases.P) == []


def test_a_data_set_of_the_library_is_looked_at() -> None:
    datasets = pytest.importorskip("datasets", reason="needs the `train` extra")
    assert told(datasets.Dataset.from_list(ROWS)) == told(ROWS)


def test_what_is_held_out_is_looked_at_beside_it() -> None:
    assert "held-out examples are trained on too" in told(cases.P, cases.P[:150])[0]


def test_many_warnings_are_counted() -> None:
    rows = [*cases._telling(()), *ROWS[5:8], *cases.P[:60], *cases.P[:60], {"prompt": "", "chosen": "", "rejected": 3}]
    rows = cases.changed(rows, (3, 4, 5), lambda row: {"chosen": ""})
    said = told(rows)
    assert len(said) == 4
    assert said[-1].endswith("more warnings, which barograph data tells of the file")


def test_tokens_are_no_texts() -> None:
    assert look_before([{"prompt_ids": [1], "chosen_ids": [2], "rejected_ids": [3]}]) is None


def test_of_many_rows_the_first_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(beforehand, "MOST", 50)
    report = look_before(ROWS)
    assert report is not None
    assert report.rows == 50
