"""Lines reach the file at once, and nothing that befalls the file stops the writer or loses a line."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from barograph.sinks import journal as module
from barograph.sinks.journal import Journal


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """A clock that only moves when it is told to."""
    now = [100.0]
    monkeypatch.setattr(module, "monotonic", lambda: now[0])

    def passes(seconds: float) -> None:
        now[0] += seconds

    return passes


@pytest.fixture
def full(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """A disk that takes so many more bytes; an empty list is one without end."""
    room: list[int] = []
    real = os.write

    def write(file: int, data: bytes) -> int:
        if not room:
            return real(file, data)
        if room[0] == 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        taken = real(file, data[: room[0]])
        room[0] -= taken
        return taken

    monkeypatch.setattr(module.os, "write", write)
    return room


def lines(number: int, width: int = 4) -> list[bytes]:
    return [f"{index:0{width}}\n".encode() for index in range(number)]


def test_a_line_is_there_when_write_returns(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "a" / "log", print)
    for number, line in enumerate(lines(3), 1):
        journal.write(line)
        assert (tmp_path / "a" / "log").read_bytes() == b"".join(lines(number))


def test_a_torn_last_line_is_ended_before_the_next(tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(b"0000\n00")
    Journal(tmp_path / "log", print).write(b"0002\n")
    assert (tmp_path / "log").read_bytes() == b"0000\n00\n0002\n"


@pytest.mark.parametrize("room", range(16))
def test_a_full_disk_is_told_once_and_nothing_is_lost(
    tmp_path: Path, full: list[int], time: Callable[[float], None], room: int
) -> None:
    told: list[str] = []
    journal = Journal(tmp_path / "log", told.append)
    full.append(room)
    for line in lines(8):
        journal.write(line)
        time(0.2)
    assert (tmp_path / "log").read_bytes() == b"".join(lines(8))[:room]
    assert len(told) == 1
    assert "No space left on device" in told[0]
    full.clear()
    time(60)
    journal.write(b"last\n")
    assert (tmp_path / "log").read_bytes() == b"".join(lines(8)) + b"last\n"
    assert journal.waiting == 0
    assert len(told) == 2
    assert "again" in told[1]


def test_a_full_disk_is_not_asked_at_every_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, time: Callable[[float], None]
) -> None:
    asked = []

    def write(file: int, data: bytes) -> int:
        asked.append(data)
        raise OSError(errno.ENOSPC, "No space left on device")

    journal = Journal(tmp_path / "log", lambda _: None)
    monkeypatch.setattr(module.os, "write", write)
    for line in lines(1000):
        journal.write(line)
        time(0.01)  # ten seconds in all
    assert len(asked) < 8


def test_what_waits_is_bounded_and_no_line_is_glued_to_another(
    tmp_path: Path, full: list[int], time: Callable[[float], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_WAITING", 20)
    journal = Journal(tmp_path / "log", lambda _: None)
    full.append(7)  # the first line, and two bytes of the second
    for line in lines(50):
        journal.write(line)
    assert journal.waiting <= 5
    full.clear()
    time(60)
    journal.write(b"last\n")
    found = (tmp_path / "log").read_bytes().splitlines(keepends=True)
    assert found[0] == b"0000\n"
    assert found[1] == b"00\n"
    assert found[2:] == [*lines(50)[-len(found) + 3 :], b"last\n"]
    assert journal.lost >= 40


def test_a_deleted_folder_comes_back_with_all_its_rows(tmp_path: Path, time: Callable[[float], None]) -> None:
    told: list[str] = []
    journal = Journal(tmp_path / "run" / "log", told.append)
    journal.write(b"0000\n")
    shutil.rmtree(tmp_path / "run")
    journal.write(b"0001\n")
    time(2)
    journal.write(b"0002\n")
    assert (tmp_path / "run" / "log").read_bytes() == b"".join(lines(3))
    assert "deleted" in told[0]


def test_a_replaced_file_is_gone_on_with(tmp_path: Path, time: Callable[[float], None]) -> None:
    told: list[str] = []
    journal = Journal(tmp_path / "log", told.append)
    journal.write(b"0000\n")
    (tmp_path / "new").write_bytes(b"mine\n")
    (tmp_path / "new").replace(tmp_path / "log")
    time(2)
    journal.write(b"0001\n")
    assert (tmp_path / "log").read_bytes() == b"mine\n0001\n"
    assert "replaced" in told[0]


def test_a_folder_that_cannot_be_written(tmp_path: Path, time: Callable[[float], None]) -> None:
    told: list[str] = []
    (tmp_path / "file").write_bytes(b"")  # a file where a folder should be: even root cannot write below it
    journal = Journal(tmp_path / "file" / "log", told.append)
    for line in lines(5):
        journal.write(line)
        time(1)
    assert len(told) == 1
    assert journal.waiting == 5
    (tmp_path / "file").unlink()
    time(60)
    journal.write(b"last\n")
    assert (tmp_path / "file" / "log").read_bytes() == b"".join(lines(5)) + b"last\n"


def test_a_clock_that_goes_back_is_no_matter(tmp_path: Path, time: Callable[[float], None]) -> None:
    journal = Journal(tmp_path / "log", print)
    for line in lines(5):
        journal.write(line)
        time(-50)
    assert (tmp_path / "log").read_bytes() == b"".join(lines(5))


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="mounting needs root")
def test_a_small_real_disk(tmp_path: Path, time: Callable[[float], None]) -> None:
    import subprocess

    tool = shutil.which("mount")
    if (
        tool is None
        or subprocess.run(
            [tool, "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(tmp_path)], check=False, capture_output=True
        ).returncode
    ):
        pytest.skip("cannot mount a disk here")
    try:
        told: list[str] = []
        ballast = tmp_path / "ballast"
        journal = Journal(tmp_path / "log", told.append)
        ballast.write_bytes(b"x" * 40_000)
        for line in lines(1000, 99):
            journal.write(line)
        assert len(told) == 1
        ballast.unlink()
        assert journal.waiting > 100
        time(60)
        journal.write(b"")
        assert (tmp_path / "log").read_bytes() == b"".join(lines(1000, 99))[: (tmp_path / "log").stat().st_size]
        assert len(told) == 1  # 100,000 bytes do not fit in either
        journal.close()
    finally:
        subprocess.run(["umount", str(tmp_path)], check=True)
