"""Watching: rows go in through a growing file, and what comes out is what `check` would say."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from barograph.core.finding import Severity, Verdict
from barograph.engine.settings import Settings
from barograph.monitor import check, watcher
from barograph.monitor.watcher import Watcher


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "log.jsonl"


@pytest.fixture
def watched(log: Path) -> Iterator[Watcher]:
    watching = Watcher(log, Settings())
    yield watching
    watching.close()


def sick(project: Path) -> list[str]:
    return (project / "examples" / "kto-sick.jsonl").read_text().splitlines(keepends=True)


def append(path: Path, *lines: str) -> None:
    with path.open("a") as file:
        file.write("".join(lines))


def test_a_log_that_is_not_there_is_waited_for(watched: Watcher, log: Path, project: Path) -> None:
    assert watched.look().rows == 0
    assert "does not exist" in watched.scene().trouble
    append(log, *sick(project)[:5])
    change = watched.look()
    assert (change.rows, change.is_beginning) == (5, True)
    assert watched.scene().diagnosis is not None


def test_findings_come_once_at_the_row_that_shows_them(watched: Watcher, log: Path, project: Path) -> None:
    heard: dict[str, int] = {}
    for number, line in enumerate(sick(project), 1):
        append(log, line)
        for finding in watched.look().findings:
            if finding.severity > 0:
                assert finding.code not in heard or finding.severity == 2, "told twice without having grown worse"
                heard.setdefault(finding.code, number)
    # What a look at the whole log says of each: the step at which it could be told first.
    whole = {finding.code: finding.step for finding in check(log).findings if finding.severity > 0}
    # Of how much of the run something has lasted can be told only once it is known how long the run is.
    assert heard.keys() >= whole.keys() - {"LOSS11"}
    assert "LOSS11" in {finding.code for finding in watched.closing_diagnosis().findings}
    assert heard["PREF03"] == whole["PREF03"]
    assert watched.diagnosis().verdict is Verdict.UNHEALTHY
    assert watched.closing_diagnosis().to_dict() == check(log).to_dict()


def test_a_long_log_is_judged_at_once_and_then_row_by_row(
    log: Path, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watcher, "AT_ONCE", 50)
    lines = sick(project)
    append(log, *lines[:100])
    long = Watcher(log, Settings())
    first = {finding.code: finding.severity for finding in long.look().findings}
    assert first["LOSS02"] is Severity.WARNING
    assert first["PREF03"] is Severity.CRITICAL
    assert any("long log" in remark for remark in long.scene().remarks)
    append(log, *lines[100:])
    assert long.look().findings == ()
    while any("long log" in remark for remark in long.scene().remarks):
        long.catch_up(0.05)
    step = Watcher(log, Settings())
    monkeypatch.setattr(watcher, "AT_ONCE", 10_000)
    step.look()
    assert long.diagnosis() == step.diagnosis()
    # What came up in the rows that had to wait is told with the next row.
    append(log, json.dumps({"step": 146, "loss": 2.0}) + "\n")
    told = [(finding.code, finding.severity) for finding in long.look().findings if finding.severity > Severity.INFO]
    assert told == [("LOSS02", Severity.CRITICAL)]
    long.close()
    step.close()


def test_another_run_in_its_place_begins_anew(watched: Watcher, log: Path, project: Path) -> None:
    append(log, *sick(project))
    watched.look()
    well = (project / "examples" / "kto-healthy.jsonl").read_text().splitlines(keepends=True)
    log.unlink()
    append(log, *well[:60])
    change = watched.look()
    assert change.is_beginning
    assert watched.diagnosis().verdict is Verdict.HEALTHY
    assert watched.diagnosis().rows == 60


def test_the_newest_of_several_runs_is_followed_and_that_is_said(tmp_path: Path, project: Path) -> None:
    for name, age in (("old", 100), ("new", 0), ("older", 200)):
        path = tmp_path / f"{name}.jsonl"
        append(path, *sick(project)[:10])
        os.utime(path, (time.time() - age, time.time() - age))
    watching = Watcher(tmp_path, Settings())
    watching.look()
    watching.close()
    assert watching.scene().remarks == ["2 other runs lie in this folder; the newest is followed: new.jsonl"]


def test_time_left_is_taken_from_what_the_log_says_of_its_steps(watched: Watcher, log: Path) -> None:
    for step in range(1, 41):
        append(log, json.dumps({"step": step, "loss": 0.5, "max_steps": 100, "timing_s/step": 3.0}) + "\n")
    watched.look()
    scene = watched.scene()
    if scene.planned is None:
        pytest.skip("this log's plan is not read")
    assert (scene.planned, scene.share, scene.seconds_left) == (100, 0.4, 60 * 3.0)


def test_time_left_is_taken_from_the_rows_seen(
    watched: Watcher, log: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "config.json").write_text("{}")
    now = [1000.0]
    monkeypatch.setattr(watcher.time, "monotonic", lambda: now[0])
    for step in range(1, 4):
        append(log, json.dumps({"step": step, "loss": 0.5}) + "\n")
        now[0] += 7
        watched.look()
    assert watched.scene().seconds_a_row == pytest.approx(7, abs=0.5)
    assert watched.scene().quiet is None
    now[0] += 69
    assert watched.scene().quiet is None
    now[0] += 10
    assert watched.scene().quiet == pytest.approx(79)


def test_a_stage_is_named_only_where_the_length_is_known(watched: Watcher, log: Path) -> None:
    for step in range(1, 200):
        append(log, json.dumps({"step": step, "loss": 0.4, "rewards/margins": 1.0, "kl": 0.1}) + "\n")
    watched.look()
    scene = watched.scene()
    assert (scene.stage, scene.share) == ("", None)
    bands = {gauge.name: gauge.band for gauge in scene.gauges}
    assert bands["loss"] is None, "the levels of a stage do not hold where the stage is not known"
