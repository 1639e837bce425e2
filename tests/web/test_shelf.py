"""The list: every run in a folder, what it is called, how it stands, and that it follows whatever becomes of them."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import pytest
from serving import append, lines, until

from barograph.engine.settings import Settings
from barograph.monitor import check
from barograph.sources import sketch
from barograph.web import shelf as shelves
from barograph.web.desk import Desk
from barograph.web.shelf import Card, Shelf


@pytest.fixture(autouse=True)
def looks_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """What has changed is read anew, however soon."""
    monkeypatch.setattr(shelves, "RESTS", 0.0)


def shelf_of(root: Path | str) -> Shelf:
    settings = Settings()
    return Shelf(str(root), settings, Desk(settings))


def scanned(root: Path | str) -> dict[str, Card]:
    shelf = shelf_of(root)
    shelf.scan()
    return {card.key: card for card in shelf.cards()}


def on(shelf: Shelf) -> dict[str, Card]:
    shelf.scan()
    return {card.key: card for card in shelf.cards()}


def last_step(card: Card) -> int:
    assert card.diagnosis is not None
    return card.diagnosis.last_step


# Names


def test_a_run_is_called_what_its_path_adds_to_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a.jsonl", "sweep/one.jsonl", "sweep/two words & more.jsonl", "own/logs/training_metrics.jsonl"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(lines(1, 30))
    names = {"a.jsonl", "sweep/one.jsonl", "sweep/two words & more.jsonl", "own"}
    assert set(scanned(tmp_path)) == names
    assert set(scanned(f"{tmp_path}/")) == names
    monkeypatch.chdir(tmp_path)
    assert set(scanned(".")) == names
    assert set(scanned("./")) == names
    monkeypatch.chdir(tmp_path / "sweep")
    assert set(scanned("..")) == names
    assert set(scanned("../own")) == {"own"}
    assert set(scanned("one.jsonl")) == {"one.jsonl"}


def test_a_run_keeps_its_name_when_another_comes(tmp_path: Path) -> None:
    (tmp_path / "first.jsonl").write_text(lines(1, 30))
    shelf = shelf_of(tmp_path)
    assert set(on(shelf)) == {"first.jsonl"}
    path = shelf.path_of("first.jsonl")
    (tmp_path / "second").mkdir()
    (tmp_path / "second/trainer_log.jsonl").write_text(lines(1, 9))
    assert "first.jsonl" in on(shelf)
    assert shelf.path_of("first.jsonl") == path == str(tmp_path / "first.jsonl")


def test_runs_that_follow_each_other_in_one_log_have_numbers(tmp_path: Path) -> None:
    (tmp_path / "log.jsonl").write_text(lines(1, 150) + lines(1, 120))
    assert {key: card.diagnosis.rows for key, card in scanned(tmp_path).items() if card.diagnosis} == {
        "log.jsonl#1": 149, "log.jsonl#2": 119,
    }  # fmt: skip


def test_runs_side_by_side_in_one_log_have_its_names_for_them(tmp_path: Path) -> None:
    (tmp_path / "log.jsonl").write_text(
        "".join(lines(step, step + 1, run=name) for step in range(1, 41) for name in ("sft", "dpo 2"))
    )
    shelf = shelf_of(tmp_path)
    # Before anybody has looked, one may ask for it by its name, and for none that is not there.
    assert shelf.looked_up("log.jsonl#dpo 2") == f"{tmp_path}/log.jsonl#dpo 2"
    assert shelf.looked_up("log.jsonl#other") is None
    assert {key: card.diagnosis.rows for key, card in on(shelf).items() if card.diagnosis} == {
        "log.jsonl#sft": 40, "log.jsonl#dpo 2": 40,
    }  # fmt: skip


@pytest.mark.skipif(sys.platform != "linux", reason="names are text there")
def test_a_name_that_is_no_text_can_be_asked_for(tmp_path: Path) -> None:
    (Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff\xfe.jsonl"))).write_text(lines(1, 30))
    shelf = shelf_of(tmp_path)
    (key,) = on(shelf)
    assert key.encode() == "\ufffd\ufffd.jsonl".encode()
    assert Path(shelf.path_of(key) or "").exists()


def test_a_sign_that_stands_for_a_run_may_be_part_of_a_name(tmp_path: Path) -> None:
    (tmp_path / "try#2.jsonl").write_text(lines(1, 30))
    assert set(scanned(tmp_path)) == {"try#2.jsonl"}


def test_what_was_not_found_in_the_folder_is_called_nothing(tmp_path: Path) -> None:
    (tmp_path / "runs").mkdir()
    (tmp_path / "secret.jsonl").write_text(lines(1, 30))
    (tmp_path / "runs/a.jsonl").write_text(lines(1, 30))
    (tmp_path / "runs/out.jsonl").symlink_to(tmp_path / "secret.jsonl")
    (tmp_path / "runs/up").symlink_to(tmp_path)
    shelf = shelf_of(tmp_path / "runs")
    assert set(on(shelf)) == {"a.jsonl"}
    for key in (
        "../secret.jsonl", str(tmp_path / "secret.jsonl"), str(tmp_path / "runs/a.jsonl"), "out.jsonl", "up",
        "up/secret.jsonl", "a.jsonl\0", "./a.jsonl", "../runs/a.jsonl", "", ".", "..", "/", "-", "../secret.jsonl#1",
    ):  # fmt: skip
        assert shelf.looked_up(key) is None, key


# Coming and going


def test_a_folder_that_is_not_there_yet_is_waited_for(tmp_path: Path) -> None:
    root = tmp_path / "runs"
    shelf = shelf_of(root)
    assert on(shelf) == {}
    assert "does not exist" in shelf.trouble
    root.mkdir()
    assert on(shelf) == {}
    assert "holds no run" in shelf.trouble
    (root / "notes.txt").write_text("to do: train")
    assert on(shelf) == {}
    (root / "a.jsonl").write_text(lines(1, 30))
    assert set(on(shelf)) == {"a.jsonl"}
    assert shelf.trouble == ""
    (root / "a.jsonl").unlink()
    assert on(shelf) == {}
    assert "notes.txt: is in no format known here" in shelf.trouble


def test_a_log_that_grows_is_judged_again(tmp_path: Path, project: Path) -> None:
    sick = (project / "examples/kto-sick.jsonl").read_text().splitlines(keepends=True)
    log = tmp_path / "kto.jsonl"
    log.write_text("".join(sick[:50]))
    shelf = shelf_of(tmp_path)
    diagnosis = on(shelf)["kto.jsonl"].diagnosis
    assert diagnosis == check(log)
    append(log, "".join(sick[50:]))
    card = on(shelf)["kto.jsonl"]
    assert card.diagnosis == check(log) != diagnosis
    assert card.changed == pytest.approx(log.stat().st_mtime)
    assert card.says == check(log).causes[0].name


def test_its_number_rises_with_every_change_and_with_nothing_else(tmp_path: Path) -> None:
    shelf = shelf_of(tmp_path)
    seen = [shelf.version]

    def rises() -> bool:
        shelf.scan()
        seen.append(shelf.version)
        return seen[-1] > seen[-2]

    assert rises()  # There is nothing, which is said.
    assert not rises()
    (tmp_path / "a.jsonl").write_text(lines(1, 30))
    assert rises()
    assert not rises()
    append(tmp_path / "a.jsonl", lines(30, 31))
    assert rises()
    (tmp_path / "b.jsonl").write_text(lines(1, 30))
    assert rises()
    (tmp_path / "b.jsonl").write_text('{"question": "?", "score": 1}\n')  # No log any more.
    assert rises()
    assert {card.key for card in shelf.cards()} == {"a.jsonl"}
    (tmp_path / "a.jsonl").unlink()
    assert rises()
    assert not rises()
    assert shelf.version > shelf_of(tmp_path).version - 2**20, "another server goes on with higher numbers"


def test_a_run_that_is_gone_leaves_the_list_and_its_page_still_finds_it(tmp_path: Path) -> None:
    for name in ("a.jsonl", "b.jsonl"):
        (tmp_path / name).write_text(lines(1, 30))
    shelf = shelf_of(tmp_path)
    shelf.scan()
    (tmp_path / "a.jsonl").unlink()
    assert set(on(shelf)) == {"b.jsonl"}
    assert shelf.path_of("a.jsonl") == str(tmp_path / "a.jsonl")


def test_another_run_in_its_place(tmp_path: Path) -> None:
    log = tmp_path / "a.jsonl"
    log.write_text(lines(1, 150) + lines(1, 120))
    shelf = shelf_of(tmp_path)
    assert set(on(shelf)) == {"a.jsonl#1", "a.jsonl#2"}
    log.write_text(lines(1, 11))
    (card,) = on(shelf).values()
    assert (card.key, card.diagnosis and card.diagnosis.rows) == ("a.jsonl", 10)


def test_a_line_that_is_half_written_is_waited_for(tmp_path: Path) -> None:
    text = lines(1, 31)
    (tmp_path / "a.jsonl").write_text(text[:-20])
    shelf = shelf_of(tmp_path)
    assert last_step(on(shelf)["a.jsonl"]) == 29
    append(tmp_path / "a.jsonl", text[-20:])
    assert last_step(on(shelf)["a.jsonl"]) == 30


def test_a_log_that_cannot_be_read_says_why_and_hides_no_other(tmp_path: Path) -> None:
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad/trainer_state.json").write_text('{"log_history": [{"step": 1, "lo')
    (tmp_path / "good.jsonl").write_text(lines(1, 30))
    cards = scanned(tmp_path)
    assert cards["good.jsonl"].diagnosis is not None
    assert "trainer_state.json" in cards["bad"].trouble
    assert cards["bad"].says == cards["bad"].trouble
    assert cards["bad"].diagnosis is None


def test_a_mistake_of_ours_about_one_log_hides_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("a.jsonl", "b.jsonl"):
        (tmp_path / name).write_text(lines(1, 30))
    judge = shelves.judge

    def fails(run: Any, settings: Settings) -> Any:
        if run.path.endswith("a.jsonl"):
            raise ZeroDivisionError("oh")
        return judge(run, settings)

    monkeypatch.setattr(shelves, "judge", fails)
    cards = scanned(tmp_path)
    assert cards["a.jsonl"].trouble == f"{tmp_path}/a.jsonl: ZeroDivisionError: oh"
    assert cards["b.jsonl"].diagnosis is not None
    assert "ZeroDivisionError" in caplog.text


def test_a_log_that_goes_while_it_is_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a.jsonl", "b.jsonl"):
        (tmp_path / name).write_text(lines(1, 30))
    stamp = shelves._stamp

    def too_late(place: Any) -> object:
        (tmp_path / "a.jsonl").unlink(missing_ok=True)
        return (place.logs[0].document.place.stat(), stamp(place))

    monkeypatch.setattr(shelves, "_stamp", too_late)
    shelf = shelf_of(tmp_path)
    assert on(shelf)["b.jsonl"].diagnosis is not None
    assert set(on(shelf)) == {"b.jsonl"}


@pytest.mark.parametrize("root", ["-", "s3://bucket/runs", "https://evil.example/runs"])
def test_what_cannot_be_looked_at_again_is_a_sentence(root: str) -> None:
    shelf = shelf_of(root)
    assert on(shelf) == {}
    assert shelf.trouble.startswith(
        f"{root if root != '-' else 'standard input'}: cannot be looked at again and again; "
    )


def test_how_a_run_of_ours_stands_is_read_beside_it(tmp_path: Path) -> None:
    (tmp_path / "own/logs").mkdir(parents=True)
    (tmp_path / "own/logs/training_metrics.jsonl").write_text(lines(1, 30))
    (tmp_path / "own/run.json").write_text('{"method": "dpo", "state": "running"}')
    shelf = shelf_of(tmp_path)
    assert on(shelf)["own"].state == "running"
    (tmp_path / "own/run.json").write_text('{"method": "dpo", "state": "finished"}')
    assert on(shelf)["own"].state == "finished"


# Many and large


def test_two_hundred_runs_are_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(200):
        (tmp_path / f"run-{number:03}.jsonl").write_text(lines(1, 12 + number % 7))
    read: list[str] = []
    reader = shelves.read_with_doubt

    def noting(place: Any, how: Any) -> Any:
        read.append(place.path)
        return reader(place, how)

    monkeypatch.setattr(shelves, "read_with_doubt", noting)
    shelf = shelf_of(tmp_path)
    cards = on(shelf)
    assert {key: card.diagnosis.rows for key, card in cards.items() if card.diagnosis} == {
        f"run-{number:03}.jsonl": 11 + number % 7 for number in range(200)
    }
    assert len(read) == 200
    append(tmp_path / "run-123.jsonl", lines(30, 33))
    shelf.scan()
    assert read[200:] == [str(tmp_path / "run-123.jsonl")]


def test_a_look_ends_where_the_server_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(9):
        (tmp_path / f"{number}.jsonl").write_text(lines(1, 30))
    shelf = shelf_of(tmp_path)
    monkeypatch.setattr(shelves, "judge", lambda *_: shelf.close())
    shelf.scan()
    assert len(shelf._seen) == 1


@pytest.fixture
def large(monkeypatch: pytest.MonkeyPatch) -> int:
    """Half a megabyte is much."""
    monkeypatch.setattr(shelves, "LARGE", 500_000)
    monkeypatch.setattr(sketch, "LARGE", 500_000)
    monkeypatch.setattr(sketch, "PIECE", 1_000)
    return 500_000


def test_a_large_log_is_judged_as_any_other(tmp_path: Path, large: int) -> None:
    (tmp_path / "small.jsonl").write_text(lines(1, 30))
    (tmp_path / "large.jsonl").write_text(lines(1, 9_000))
    assert (tmp_path / "large.jsonl").stat().st_size > large
    cards = scanned(tmp_path)
    assert cards["large.jsonl"].diagnosis == check(tmp_path / "large.jsonl")
    assert cards["small.jsonl"].diagnosis == check(tmp_path / "small.jsonl")


def test_a_large_file_of_data_is_no_run(tmp_path: Path, large: int) -> None:
    (tmp_path / "small.jsonl").write_text(lines(1, 30))
    (tmp_path / "data.jsonl").write_text('{"prompt": "How are you?", "chosen": "Well.", "score": 0.5}\n' * 20_000)
    assert set(scanned(tmp_path)) == {"small.jsonl"}


def test_a_large_log_of_several_runs_shows_each(tmp_path: Path, large: int) -> None:
    (tmp_path / "log.jsonl").write_text("".join(lines(1, 4_000, run=name) for name in ("sft", "dpo")))
    assert (tmp_path / "log.jsonl").stat().st_size > large
    cards = scanned(tmp_path)
    assert {key: card.diagnosis.rows for key, card in cards.items() if card.diagnosis} == {
        "log.jsonl#sft": 3_999, "log.jsonl#dpo": 3_999,
    }  # fmt: skip


def test_who_asks_without_a_page_is_told_how_it_stands_now(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shelves, "FRESH", 0.0)
    monkeypatch.setattr(shelves, "LOOK_RESTS", 0.0)
    (tmp_path / "a.jsonl").write_text(lines(1, 30))
    shelf = shelf_of(tmp_path)
    shelf.refresh(20.0)
    assert [card.key for card in shelf.cards()] == ["a.jsonl"]
    (tmp_path / "b.jsonl").write_text(lines(1, 30))
    shelf.refresh(20.0)
    assert [card.key for card in shelf.cards()] == ["a.jsonl", "b.jsonl"]
    with shelf._scanning:  # Somebody is at it: nobody waits.
        shelf.refresh(20.0)
    until(lambda: not shelf._scanning.locked())
