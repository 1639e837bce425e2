"""What is told of a run: which examples, where they stand, and why nothing can be told."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from made_runs import made_run

from barograph.core.errors import UnreadableRun
from barograph.data.suspects import report_of_run, sentences

ROWS = [{"prompt": f"Say {n}.", "chosen": f"It is {n}.", "rejected": f"No {n}."} for n in range(200)]
#: Examples 50 and 150 were never held with, the second one less decidedly, 100 only now and then.
MARGINS = [[1.0 + 0.8 * math.sin(7 * n + epoch) for n in range(200)] for epoch in range(3)]
for epoch, undecided in enumerate((1.0, -0.2, 1.0)):
    MARGINS[epoch][50], MARGINS[epoch][150], MARGINS[epoch][100] = -2.0, -1.0, undecided


def test_rows_of_the_file_and_what_stands_there(written: Callable[..., Path], tmp_path: Path) -> None:
    file = written("pairs.jsonl", list(reversed(ROWS)))
    run = made_run(tmp_path / "run", ROWS, MARGINS, data=str(file))
    report = report_of_run(run, top=2)
    assert [(one.row, one.file_row, one.region) for one in report.suspects] == [(51, 150, "hard"), (151, 50, "hard")]
    assert report.suspects[0].texts == {"prompt": "Say 50.", "chosen": "It is 50.", "rejected": "No 50."}
    assert report.ambiguous[0].row == 101
    assert report.ambiguous[0].forgotten == 1
    assert report.map.counts() == {"unseen": 0, "easy": 197, "ambiguous": 1, "hard": 2}
    assert report.notes == []


def test_a_suspect_is_not_told_again_as_one_that_wavered(tmp_path: Path) -> None:
    report = report_of_run(made_run(tmp_path / "run", ROWS, MARGINS), top=5)
    assert {one.row for one in report.suspects}.isdisjoint(one.row for one in report.ambiguous)


def test_without_its_file_the_rows_are_those_of_the_training(tmp_path: Path) -> None:
    report = report_of_run(made_run(tmp_path / "run", ROWS, MARGINS, data="gone.jsonl"), top=1)
    assert report.suspects[0].file_row is None
    assert report.suspects[0].texts["prompt"] == "Say 50."
    assert any("rows are those of what the trainer was given" in note for note in report.notes)


def test_a_file_that_is_not_the_one_it_was_trained_on(written: Callable[..., Path], tmp_path: Path) -> None:
    run = made_run(tmp_path / "run", ROWS, MARGINS)
    other = written("other.jsonl", [{"prompt": "a", "chosen": "b", "rejected": "c"}])
    report = report_of_run(run, data=str(other), top=1)
    assert any(f"not found in {other}" in note for note in report.notes)


def test_files_of_a_folder_are_named(written: Callable[..., Path], tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    for name, rows in (("data/a.jsonl", ROWS[:100]), ("data/b.jsonl", ROWS[100:])):
        written(name, rows)
    report = report_of_run(made_run(tmp_path / "run", ROWS, MARGINS), data=str(tmp_path / "data"), top=2)
    assert [(Path(str(one.file)).name, one.file_row) for one in report.suspects] == [("a.jsonl", 51), ("b.jsonl", 51)]


def test_a_large_file_is_not_read_where_nobody_waits(
    written: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = made_run(tmp_path / "run", ROWS, MARGINS, data=str(written("pairs.jsonl", ROWS)))
    assert report_of_run(run, top=1, patient=False).suspects[0].file_row == 51
    monkeypatch.setattr("barograph.data.suspects.SMALL", 100)
    assert report_of_run(run, top=1, patient=False).suspects[0].file_row is None
    assert report_of_run(run, top=1).suspects[0].file_row == 51


def test_what_was_seen_once_is_said_to_tell_little(tmp_path: Path) -> None:
    report = report_of_run(made_run(tmp_path / "run", ROWS, MARGINS[:1]))
    assert any("two epochs or three tell more" in note for note in report.notes)
    assert sentences(report)[0] == "200 of 200 examples were looked at, once."


def test_json_is_json(tmp_path: Path) -> None:
    told = json.loads(json.dumps(report_of_run(made_run(tmp_path / "run", ROWS, MARGINS), top=1).to_dict()))
    assert told["suspects"][0]["row"] == 51
    assert told["suspects"][0]["texts"]["chosen"] == "It is 50."
    assert told["regions"]["hard"] == 2


@pytest.mark.parametrize(
    ("method", "why"),
    [
        ("grpo", "grpo learns from answers that it makes itself: there is no label to be wrong"),
        ("ppo", "ppo learns from answers that it makes itself"),
        ("dpo", "holds no margins of single examples"),
    ],
)
def test_why_nothing_can_be_told(method: str, why: str, tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text(json.dumps({"method": method}))
    with pytest.raises(UnreadableRun, match=why):
        report_of_run(tmp_path)


def test_a_run_that_has_not_begun(tmp_path: Path) -> None:
    with pytest.raises(UnreadableRun, match="no example has been looked at yet"):
        report_of_run(made_run(tmp_path / "run", ROWS, []))
