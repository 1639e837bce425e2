"""Open runs: sketched, read, judged, followed, put away; and never lost while somebody looks."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from serving import SECONDS, append, lines, until

from barograph.charts.drawing import charts_of
from barograph.core.finding import Verdict
from barograph.engine.settings import Settings
from barograph.monitor import check
from barograph.sources import sketch
from barograph.web import desk as desks
from barograph.web.desk import Desk, OpenRun


@pytest.fixture(autouse=True)
def all_closed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Every log is let go of in the end."""
    made: list[OpenRun] = []

    class Known(OpenRun):
        def __init__(self, path: str, settings: Settings) -> None:
            super().__init__(path, settings)
            made.append(self)

    monkeypatch.setattr(desks, "OpenRun", Known)
    yield
    for run in made:
        assert run.is_read.wait(SECONDS)
        run.close()


def opened(path: Path, desk: Desk | None = None) -> OpenRun:
    """A run that is read and judged."""
    run = (desk or Desk(Settings())).at(str(path))
    assert run.is_read.wait(SECONDS)
    return run


def rows(run: OpenRun) -> int:
    assert run.run is not None
    return len(run.run)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "log.jsonl"
    path.write_text(lines(1, 31))
    return path


# As it grows


def test_it_is_read_judged_and_followed(log: Path, project: Path) -> None:
    sick = (project / "examples/kto-sick.jsonl").read_text().splitlines(keepends=True)
    log.write_text("".join(sick[:60]))
    run = opened(log)
    assert run.diagnosis() == check(log)
    for line in sick[60:]:
        append(log, line)
        run.look()
    assert rows(run) == len(sick)
    assert until(lambda: run.diagnosis() == check(log))
    assert run.diagnosis().verdict is Verdict.UNHEALTHY


def test_its_number_rises_when_there_is_something_new_and_only_then(log: Path) -> None:
    run = opened(log)
    seen = [run.version]

    def rises() -> bool:
        run.look()
        seen.append(run.version)
        return seen[-1] > seen[-2]

    assert not rises()
    append(log, lines(31, 32))
    assert rises()
    assert not rises()
    append(log, '{"step": 32, "lo')
    assert not rises()
    append(log, 'ss": 0.5}\n')
    assert rises()
    assert rows(run) == 32
    log.unlink()
    assert rises()
    assert not rises()


@pytest.mark.parametrize("is_followed", [False, True])
def test_what_was_read_of_a_run_stays_when_its_log_is_removed_and_that_is_said(log: Path, is_followed: bool) -> None:
    run = opened(log)
    if is_followed:
        append(log, lines(31, 41))
        run.look()
    text = log.read_text()
    log.unlink()
    run.look()
    assert rows(run) == (40 if is_followed else 30)
    assert str(log) in run.trouble
    assert run.scene().trouble == run.trouble
    assert run.diagnosis().last_step == (40 if is_followed else 30)
    log.write_text(text + lines(41, 51))  # It comes back.
    run.look()
    assert run.trouble == run.scene().trouble == ""
    assert run.diagnosis().last_step == 50


def test_a_folder_whose_log_is_removed_says_so_too(tmp_path: Path) -> None:
    log = tmp_path / "run/logs/training_metrics.jsonl"
    log.parent.mkdir(parents=True)
    log.write_text(lines(1, 31))
    run = opened(tmp_path / "run")
    append(log, lines(31, 33))
    run.look()
    log.unlink()
    run.look()
    assert rows(run) == 32
    assert "holds no run" in run.scene().trouble


def test_another_run_in_its_place_is_shown_instead(log: Path) -> None:
    run = opened(log)
    log.write_text(lines(1, 6))
    run.look()
    assert rows(run) == 5
    log.unlink()
    log.write_text(lines(1, 10))
    run.look()
    assert rows(run) == 9
    assert run.trouble == ""


def test_a_log_that_comes_later(log: Path) -> None:
    log.unlink()
    run = opened(log)
    assert run.run is None
    assert "does not exist" in run.trouble
    assert run.scene().trouble == run.trouble
    log.write_text("")
    run.look()
    assert "is empty" in run.trouble
    append(log, '{"step": 0, "beta": 0.1}\n')  # Settings, no row yet.
    run.look()
    assert run.run is None
    append(log, lines(1, 4))
    run.look()
    assert (rows(run), run.trouble) == (3, "")


def test_each_run_of_a_log_stays_itself_when_another_begins(log: Path) -> None:
    log.write_text(lines(1, 150) + lines(1, 120))
    first, second = opened(Path(f"{log}#1")), opened(Path(f"{log}#2"))
    assert (rows(first), rows(second)) == (149, 119)
    append(log, lines(120, 131))
    for run in (first, second):
        run.look()
    assert (rows(first), rows(second)) == (149, 130)
    append(log, lines(1, 100))  # The third.
    for run in (first, second):
        run.look()
    assert (rows(first), rows(second)) == (149, 130)
    assert [run.run and run.run.path for run in (first, second)] == [f"{log}#1", f"{log}#2"]
    assert check(f"{log}#2") == second.diagnosis()


def test_two_who_look_at_once_do_not_read_it_twice(log: Path) -> None:
    run = opened(log)
    append(log, lines(31, 2_000))
    looking = [threading.Thread(target=run.look) for _ in range(8)]
    for thread in looking:
        thread.start()
    for thread in looking:
        thread.join(SECONDS)
    assert rows(run) == 1_999


def test_a_mistake_of_ours_leaves_nobody_waiting(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object, **__: object) -> Any:
        raise ZeroDivisionError("oh")

    said: list[str] = []
    monkeypatch.setattr(threading, "excepthook", lambda error: said.append(str(error.exc_value)))
    monkeypatch.setattr(desks, "judge", fails)
    run = opened(log)
    assert run.trouble == f"{log}: ZeroDivisionError: oh"
    assert until(lambda: said) == ["oh"]


# A large one


class Gate:
    """Something that waits until it may go on."""

    def __init__(self, work: Callable[..., Any]) -> None:
        self.work = work
        self.is_open = threading.Event()

    def __call__(self, *given: Any, **named: Any) -> Any:
        assert self.is_open.wait(SECONDS)
        return self.work(*given, **named)


@pytest.fixture
def gates(monkeypatch: pytest.MonkeyPatch) -> tuple[Gate, Gate]:
    """Half a megabyte is large; reading all of it, and judging it, wait."""
    monkeypatch.setattr(sketch, "LARGE", 500_000)
    monkeypatch.setattr(sketch, "PIECE", 1_000)
    reading, judging = Gate(desks.read_run), Gate(desks.judge)
    monkeypatch.setattr(desks, "read_run", reading)
    monkeypatch.setattr(desks, "judge", judging)
    return reading, judging


def highest(run: OpenRun) -> tuple[float, float]:
    assert run.run is not None
    (chart,) = charts_of(run.run, run.diagnosis(), only=["loss"])
    return chart.lines[0].highest


def test_a_large_log_is_sketched_then_read_then_judged(log: Path, gates: tuple[Gate, Gate]) -> None:
    reading, judging = gates
    # 20,000 rows of some 60 bytes; pieces of 1,000 bytes from 300 places leave most of them out.
    spike = json.dumps({"step": 9_999, "loss": 140.0, "rewards/margins": 1.0}) + "\n"
    log.write_text(lines(1, 9_999) + spike + lines(10_000, 20_001))
    assert log.stat().st_size > 1_000_000
    run = Desk(Settings()).at(str(log))
    assert run.has_begun.wait(SECONDS)
    sketched = run.run
    assert sketched is not None
    assert (run.is_sketch, run.is_read.is_set()) == (True, False)
    assert 300 < len(sketched) < 8_000
    assert (sketched.first_step, sketched.last_step) == (1, 20_000)
    assert list(sketched.steps) == sorted(set(sketched.steps))
    # Every piece gives some: nowhere is there a hole of more than the distance of two pieces, with a line's width.
    holes = [later - earlier for earlier, later in zip(sketched.steps, sketched.steps[1:], strict=False)]
    assert max(holes) < 20_000 / 299 + 2
    assert run.diagnosis().verdict is Verdict.UNJUDGED
    version = run.version
    reading.is_open.set()
    until(lambda: run.version > version)
    assert (rows(run), run.is_sketch, run.is_read.is_set()) == (20_000, False, False)
    assert highest(run) == (9_999, 140.0)
    assert run.diagnosis().verdict is Verdict.UNJUDGED
    judging.is_open.set()
    assert run.is_read.wait(SECONDS)
    assert run.diagnosis() == check(log)
    assert run.version > version + 1


def test_what_is_written_to_a_large_log_while_it_is_read_is_not_lost(log: Path, gates: tuple[Gate, Gate]) -> None:
    log.write_text(lines(1, 10_001))
    run = Desk(Settings()).at(str(log))
    assert run.has_begun.wait(SECONDS)
    run.look()  # Nothing to follow yet.
    reading, judging = gates
    reading.is_open.set()
    until(lambda: not run.is_sketch)
    append(log, lines(10_001, 10_011))
    judging.is_open.set()
    assert run.is_read.wait(SECONDS)
    run.look()
    assert rows(run) == 10_010


def test_a_log_whose_lines_need_each_other_is_not_sketched(log: Path, gates: tuple[Gate, Gate]) -> None:
    for gate in gates:
        gate.is_open.set()
    log.write_text("".join(json.dumps({"loss": 0.5, "rewards/margins": 0.1 * n}) + "\n" for n in range(20_000)))
    how = sketch.How()
    assert sketch.sketch(log, how) is None, "without a step in each line, which rows these are is not known"
    log.write_text("".join(lines(1, 9_000, run=name) for name in ("sft", "dpo")))
    assert sketch.sketch(log, how) is None, "of two runs side by side a sketch would be neither"
    table = log.with_suffix(".csv")
    table.write_text("step,loss\n" + "".join(f"{step},0.5{'0' * 20}\n" for step in range(30_000)))
    assert table.stat().st_size > 500_000
    assert sketch.sketch(table, how) is None


def test_a_large_log_that_turns_out_to_be_none_leaves_no_sketch(
    log: Path, gates: tuple[Gate, Gate], monkeypatch: pytest.MonkeyPatch
) -> None:
    log.write_text(lines(1, 10_001))
    monkeypatch.setattr(sketch, "LARGE", 100)

    def unreadable(*_: object, **__: object) -> Any:
        raise desks.UnreadableRun(log, "is broken")

    monkeypatch.setattr(desks, "read_run", unreadable)
    run = opened(log)
    assert (run.run, run.is_sketch, run.trouble) == (None, False, f"{log}: is broken")


# Put away


def test_runs_that_nobody_looks_at_are_put_away_the_longest_unseen_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    logs = [tmp_path / f"{number}.jsonl" for number in range(5)]
    for path in logs:
        path.write_text(lines(1, 101))  # 100 rows of two series.
    monkeypatch.setattr(desks, "MOST_KEPT", 500)
    desk = Desk(Settings())
    with desk.looking([str(logs[0])]):
        assert desk.is_looked_at(str(logs[0]))
        runs = [opened(path, desk) for path in logs[:4]]
        assert list(desk._open) == [str(path) for path in logs[:4]]  # The first does not count, three are 600.
        desk.at(str(logs[1]))  # Seen again.
        runs.append(opened(logs[4], desk))
        assert set(desk._open) == {str(logs[number]) for number in (0, 1, 3, 4)}
    again = opened(logs[2], desk)
    assert again is not runs[2]
    assert again.version > runs[2].version, "a page that shows an old number is told that there is news"
    assert again.diagnosis() == runs[2].diagnosis()
    assert not desk.is_looked_at(str(logs[0]))


def test_a_run_that_is_put_away_lets_go_of_its_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    logs = [tmp_path / f"{number}.jsonl" for number in range(3)]
    for path in logs:
        path.write_text(lines(1, 101))
    desk = Desk(Settings())
    run = opened(logs[0], desk)
    append(logs[0], lines(101, 102))
    run.look()
    follower = run._watcher and run._watcher.tail._follower
    assert getattr(follower, "_stream", None) is not None
    monkeypatch.setattr(desks, "MOST_KEPT", 10)
    opened(logs[1], desk)
    until(lambda: getattr(follower, "_stream", None) is None)
    assert rows(run) == 101, "who shows it still has it"
    append(logs[0], lines(102, 103))
    run.look()  # One that was under way.
    assert rows(run) == 101
    assert getattr(follower, "_stream", None) is None


def test_a_look_that_was_under_way_takes_no_log_with_it(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = opened(log)
    append(log, lines(31, 32))
    made: list[Any] = []

    class Late(desks.Watcher):
        def look(self) -> Any:
            made.append(self)
            news = super().look()
            run.close()
            return news

    monkeypatch.setattr(desks, "Watcher", Late)
    run.look()
    assert getattr(made[0].tail._follower, "_stream", "") is None
    assert rows(run) == 30


def test_a_run_that_is_being_read_is_not_put_away(
    tmp_path: Path, gates: tuple[Gate, Gate], monkeypatch: pytest.MonkeyPatch
) -> None:
    logs = [tmp_path / f"{number}.jsonl" for number in range(3)]
    for path in logs:
        path.write_text(lines(1, 10_001))
    monkeypatch.setattr(desks, "MOST_KEPT", 10)
    desk = Desk(Settings())
    first = desk.at(str(logs[0]))
    assert first.has_begun.wait(SECONDS)
    desk.at(str(logs[1]))
    assert desk.at(str(logs[0])) is first
    for gate in gates:
        gate.is_open.set()
    assert first.is_read.wait(SECONDS)
    desk.at(str(logs[2]))
    assert str(logs[0]) not in desk._open


def test_at_the_end_nobody_is_left_waiting(log: Path, gates: tuple[Gate, Gate]) -> None:
    log.write_text(lines(1, 10_001))
    desk = Desk(Settings())
    run = desk.at(str(log))
    waiting = threading.Thread(target=run.is_read.wait)
    waiting.start()
    desk.close()
    waiting.join(SECONDS)
    assert not waiting.is_alive()
    for gate in gates:
        gate.is_open.set()
