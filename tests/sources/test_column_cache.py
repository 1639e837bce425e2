from __future__ import annotations

import math
from pathlib import Path

import pytest

from barograph.core.run import Run
from barograph.sources import cache
from barograph.sources.formats.jsonl import JsonLines
from barograph.sources.runs import read_run


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "cache"
    monkeypatch.setenv("BAROGRAPH_CACHE", str(folder))
    monkeypatch.setattr(cache, "SMALLEST", 100)
    return folder


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "log.jsonl"
    rows = [f'{{"step": {step}, "loss": {"NaN" if step == 7 else step / 3}, "name": "x"}}' for step in range(1, 50)]
    rows.insert(5, '{"step": 5, "eval_loss": 0.5, "a\\u001b": 1}')
    path.write_text("\n".join([*rows, '{"step": 50']))
    return path


@pytest.fixture
def readings(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The paths that were really read."""
    real, seen = JsonLines.read, []

    def read(self, document):
        seen.append(document.path)
        return real(self, document)

    monkeypatch.setattr(JsonLines, "read", read)
    return seen


def shown(run: Run) -> object:
    return (
        run.source, run.method, list(run.steps), run.notes, run.unknown_keys, run.config,
        {key: (list(column.at), list(map(repr, column.values)), column.raw) for key, column in run.columns.items()},
    )  # fmt: skip


def test_the_second_reading_gives_the_same_run_without_reading(home: Path, log: Path, readings: list[str]) -> None:
    first, second = read_run(log, "dpo"), read_run(log, "dpo")
    assert shown(first) == shown(second)
    assert len(readings) == 1
    assert math.isnan(second.columns["loss"].values[6])
    assert second.columns["loss"].at is not second.columns["eval.loss"].at
    assert len(first.notes) > 1


def test_one_changed_byte_of_the_same_size_counts(home: Path, log: Path, readings: list[str]) -> None:
    read_run(log)
    log.write_text(log.read_text().replace('"step": 49', '"step": 48'))
    assert read_run(log).last_step == 48
    assert len(readings) == 2


def test_small_logs_are_not_kept(home: Path, tmp_path: Path) -> None:
    (tmp_path / "small.jsonl").write_text('{"step": 1, "loss": 1}\n')
    read_run(tmp_path / "small.jsonl")
    assert not home.exists()


@pytest.mark.parametrize("word", ["off", "OFF", "0"])
def test_it_can_be_turned_off(home: Path, log: Path, readings: list[str], word, monkeypatch) -> None:
    monkeypatch.setenv("BAROGRAPH_CACHE", word)
    read_run(log)
    read_run(log)
    assert len(readings) == 2
    assert not Path(word).exists()


def entry_of(home: Path) -> Path:
    (entry,) = home.glob("*.columns")
    return entry


def test_any_damage_is_noticed_and_mended(home: Path, log: Path, readings: list[str]) -> None:
    good = shown(read_run(log))
    whole = entry_of(home).read_bytes()
    damaged = [b"", whole[:10], whole[: len(whole) // 2], whole[:-1], whole + b"x", b"x" * len(whole)]
    damaged += [whole[:i] + bytes([whole[i] ^ 255]) + whole[i + 1 :] for i in range(0, len(whole), 97)]
    for content in damaged:
        entry_of(home).write_bytes(content)
        assert shown(read_run(log)) == good
        assert entry_of(home).read_bytes() == whole


def test_an_entry_of_another_version_is_not_used(home: Path, log: Path, readings: list[str], monkeypatch) -> None:
    read_run(log)
    monkeypatch.setattr(cache, "VERSION", cache.VERSION + 1)
    read_run(log)
    assert len(readings) == 2


def test_nowhere_to_write_is_no_trouble(log: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "SMALLEST", 100)
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("BAROGRAPH_CACHE", str(tmp_path / "file" / "below"))
    assert read_run(log).last_step == 49


def test_a_full_disk_is_no_trouble_and_leaves_nothing(home: Path, log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*args: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(cache.Entry, "_write", full)
    assert read_run(log).last_step == 49
    assert list(home.iterdir()) == []


def test_a_log_that_grew_meanwhile_is_not_kept(home: Path, log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = JsonLines.read

    def read(self, document):
        raw = real(self, document)
        with log.open("a") as stream:
            stream.write("}\n")
        return raw

    monkeypatch.setattr(JsonLines, "read", read)
    read_run(log)
    assert not list(home.glob("*"))


def test_the_oldest_entries_go_when_the_budget_is_spent(home: Path, log: Path, tmp_path: Path, monkeypatch) -> None:
    import os

    for number in range(4):
        path = tmp_path / f"log{number}.jsonl"
        path.write_bytes(log.read_bytes())
        before = set(home.glob("*")) if home.exists() else set()
        read_run(path)
        for new in set(home.glob("*")) - before:
            os.utime(new, (number, number))
    size = entry_of_any(home).stat().st_size
    monkeypatch.setattr(cache, "BUDGET", 2 * size + size // 2)
    read_run(log)
    kept = sorted(int(path.stat().st_mtime) for path in home.glob("*.columns"))
    assert len(kept) == 2
    assert kept[0] == 3


def entry_of_any(home: Path) -> Path:
    return next(iter(home.glob("*.columns")))


def test_the_folder_follows_the_xdg_rule(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, log: Path) -> None:
    monkeypatch.setattr(cache, "SMALLEST", 100)
    monkeypatch.delenv("BAROGRAPH_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    read_run(log)
    assert len(list((tmp_path / "xdg/barograph").glob("*.columns"))) == 1
