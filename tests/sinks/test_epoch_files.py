"""The files by epoch. The numbers are those of the guide on RLHF metrics, or means that can be taken in the head."""

from __future__ import annotations

import csv
import json
import math
from pathlib import Path

from barograph.core.methods import Method
from barograph.core.run import run_from_rows
from barograph.sinks.epoch_files import EpochFiles, EpochTable, rows_of_epochs

COLUMNS = ["epoch", "loss", "reward", "kl_divergence", "entropy", "learning_rate", "epoch_time", "samples_per_second"]


def read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))


def listened(folder: Path, rows: list[tuple[int, dict[str, float]]], times: list[float]) -> None:
    clock = iter(times)
    files = EpochFiles(timer=lambda: next(clock))
    files.started(str(folder), "ppo", {})
    for step, values in rows:
        files.logged(step, {}, values)
    files.ended(None)


ROWS: list[tuple[int, dict[str, float]]] = [
    (1, {"loss": 3.0, "score_mean": 0.2, "kl_ref": 0.01, "lr": 1e-5, "epoch": 0.5}),
    (2, {"loss": 2.0, "score_mean": 0.4, "kl_ref": 0.03, "lr": 2e-5, "epoch": 1.0, "bleu": 0.25}),
    (3, {"loss": 1.0, "score_mean": 0.9, "epoch": 1.5, "eval.loss": 0.75}),
]


def test_both_files_hold_an_epoch_a_row(tmp_path: Path) -> None:
    listened(tmp_path, ROWS, [100.0, 130.0, 160.0, 200.0])
    first, second = json.loads((tmp_path / "metrics" / "training_metrics.json").read_text())
    assert list(first)[:8] == COLUMNS
    assert (first["epoch"], first["loss"], round(first["reward"], 9), first["kl_divergence"]) == (1, 2.5, 0.3, 0.02)
    assert (first["learning_rate"], first["epoch_time"], first["bleu"]) == (2e-5, 60.0, 0.25)
    assert (second["epoch"], second["reward"], second["eval_loss"], second["kl_divergence"]) == (2, 0.9, 0.75, None)
    table = read_csv(tmp_path / "metrics" / "training_metrics.csv")
    assert [row["epoch"] for row in table] == ["1", "2"]
    assert [row["loss"] for row in table] == ["2.5", "1.0"]
    assert table[1]["kl_divergence"] == ""


def test_the_csv_grows_by_a_line_and_is_made_anew_for_a_new_column(tmp_path: Path) -> None:
    table = EpochTable(tmp_path)
    table.add({"epoch": 1, "loss": 1.0})
    table.write()
    before = (tmp_path / "training_metrics.csv").stat().st_ino
    table.add({"epoch": 2, "loss": 0.5})
    table.write()
    assert (tmp_path / "training_metrics.csv").read_text() == "epoch,loss\n1,1.0\n2,0.5\n"
    assert (tmp_path / "training_metrics.csv").stat().st_ino == before
    table.add({"epoch": 3, "loss": 0.25, "bleu": 0.5})
    table.write()
    assert (tmp_path / "training_metrics.csv").read_text() == "epoch,loss,bleu\n1,1.0,\n2,0.5,\n3,0.25,0.5\n"


def test_after_a_resume_an_epoch_is_replaced_with_all_after_it(tmp_path: Path) -> None:
    first = EpochTable(tmp_path)
    for epoch in (1, 2, 3):
        first.add({"epoch": epoch, "loss": 9.0})
    first.write()
    second = EpochTable(tmp_path)
    second.read()
    second.add({"epoch": 2, "loss": 0.5})
    second.write()
    assert (tmp_path / "training_metrics.csv").read_text() == "epoch,loss\n1,9.0\n2,0.5\n"
    assert [row["epoch"] for row in json.loads((tmp_path / "training_metrics.json").read_text())] == [1, 2]


def test_json_is_strict_and_read_back(tmp_path: Path) -> None:
    table = EpochTable(tmp_path)
    table.add({"epoch": 1, "loss": math.nan, "reward": -math.inf})
    table.write()
    text = (tmp_path / "training_metrics.json").read_text()
    json.loads(text, parse_constant=lambda word: 1 / 0)
    again = EpochTable(tmp_path)
    again.read()
    assert math.isnan(again.rows[0]["loss"] or 0.0)
    assert again.rows[0]["reward"] == -math.inf


def test_a_broken_file_does_not_stop_a_run(tmp_path: Path) -> None:
    (tmp_path / "metrics").mkdir()
    (tmp_path / "metrics" / "training_metrics.json").write_text('[{"epoch": 1, "lo')
    listened(tmp_path, ROWS, [1.0, 2.0, 3.0, 4.0])
    assert len(json.loads((tmp_path / "metrics" / "training_metrics.json").read_text())) == 2


def test_the_kl_of_whole_answers_stands_in_the_same_column(tmp_path: Path) -> None:
    """PPO logs it per answer, others per token; a run has one of the two."""
    listened(tmp_path, [(1, {"kl_ref_sequence": 2.0, "epoch": 1.0}), (2, {"kl_ref_sequence": 3.0, "epoch": 2.0})],
             [1.0, 2.0, 3.0])  # fmt: skip
    rows = json.loads((tmp_path / "metrics" / "training_metrics.json").read_text())
    assert [row["kl_divergence"] for row in rows] == [2.0, 3.0]


def test_a_folder_that_cannot_be_written_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / "metrics").write_text("a file where the folder should be")
    listened(tmp_path, ROWS, [1.0, 2.0, 3.0, 4.0])


def test_plots_that_fail_are_given_up(tmp_path: Path) -> None:
    calls = []

    def draw(rows: object, folder: Path) -> None:
        calls.append(folder)
        raise RuntimeError("no fonts")

    files = EpochFiles(draw, timer=lambda: 0.0)
    files.started(str(tmp_path), "ppo", {})
    for step, values in ROWS:
        files.logged(step, {}, values)
    files.ended(None)
    assert calls == [tmp_path / "metrics" / "plots"]
    assert (tmp_path / "metrics" / "training_metrics.csv").is_file()


def test_plots_wait_until_they_are_worth_their_time(tmp_path: Path) -> None:
    """An epoch a minute, two seconds to draw: not before a hundred seconds, then two hundred later; and at the end."""
    now, drawn = 0.0, []

    def draw(rows: list[dict[str, float]], folder: Path) -> None:
        nonlocal now
        drawn.append((now, len(rows)))
        now += 2.0

    files = EpochFiles(draw, timer=lambda: now)
    files.started(str(tmp_path), "ppo", {})
    for epoch in range(1, 9):  # A row tells that the epoch before it is over.
        files.logged(epoch, {}, {"loss": 1.0, "epoch": float(epoch)})
        now += 60.0
    files.ended(None)
    assert drawn == [(120.0, 2), (362.0, 6), (484.0, 8)]


def test_the_rows_can_be_made_again_from_the_record() -> None:
    rows = rows_of_epochs(run_from_rows(ROWS, method=Method.PPO))
    assert [(row["epoch"], row["loss"]) for row in rows] == [(1, 2.5), (2, 1.0)]
