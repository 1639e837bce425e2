"""`barograph watch` as a person at a terminal, a pipe and a program use it."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

BAROGRAPH = [sys.executable, "-m", "barograph"]
SECONDS = 20.0
_PARTS = re.compile(r"\x1b\[(\??[\d;]*)([A-Za-z])|\r|\n|[^\x1b\r\n]+")


def process(*arguments: object, stdin: str | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*BAROGRAPH, *map(str, arguments)], input=stdin, capture_output=True, text=True, check=False, timeout=60,
        env={**os.environ, "NO_COLOR": "1", "COLUMNS": "90", **environment},
    )  # fmt: skip


@pytest.fixture
def sick(project: Path) -> list[str]:
    return (project / "examples" / "kto-sick.jsonl").read_text().splitlines(keepends=True)


def hear_ctrl_c() -> None:
    """What a shell starts in the background ignores Ctrl-C, and so does what that starts, such as these tests."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


# Without a terminal


def test_once_ends_as_check_does(project: Path) -> None:
    for name, code in (("kto-healthy", 0), ("kto-sick", 3)):
        done = process("watch", project / "examples" / f"{name}.jsonl", "--once")
        assert (done.returncode, done.stderr) == (code, "")
    assert done.stdout.startswith("UNHEALTHY: something is wrong")
    assert process("watch", project / "examples" / "kto-sick.jsonl", "--once", "--fail-on", "never").returncode == 0
    as_json = process("watch", project / "examples" / "kto-sick.jsonl", "--once", "--json")
    known = json.loads(process("check", project / "examples" / "kto-sick.jsonl", "--json").stdout)["runs"][0]
    assert json.loads(as_json.stdout).items() >= {**known, "notes": json.loads(as_json.stdout)["notes"]}.items()


def test_a_log_that_never_comes(tmp_path: Path) -> None:
    begun = time.monotonic()
    done = process("watch", tmp_path / "none.jsonl", "--timeout", "0.3", "--every", "0.1")
    assert (done.returncode, time.monotonic() - begun < SECONDS) == (1, True)
    assert done.stdout.startswith("waiting for a log: ")
    assert done.stdout.count("\n") == 1, "it is said once"
    assert "does not exist" in done.stderr
    once = process("watch", tmp_path / "none.jsonl", "--once")
    assert (once.returncode, once.stdout, once.stderr.count("\n")) == (1, "", 1)


def test_a_pipe_is_followed_to_its_end(sick: list[str]) -> None:
    feeding = subprocess.Popen([*BAROGRAPH, "watch", "-", "--every", "0.05"], stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, text=True)  # fmt: skip
    assert feeding.stdin is not None
    assert feeding.stdout is not None
    for line in sick[:70]:
        feeding.stdin.write(line)
    feeding.stdin.flush()
    first = next(line for line in feeding.stdout if "waiting" not in line)
    assert first.startswith("standard input (kto): step ")
    feeding.stdin.write("".join(sick[70:]))
    feeding.stdin.close()
    rest = feeding.stdout.read()
    feeding.stdout.close()
    assert feeding.wait(SECONDS) == 3
    assert "PREF03 margin-inverted: the margin is negative since step 60" in rest
    assert rest.splitlines()[-1].startswith("the run has ended: UNHEALTHY  standard input")


def test_one_object_a_line_for_each_change(sick: list[str]) -> None:
    done = process("watch", "-", "--json", "--every", "0.05", stdin="".join(sick))
    objects = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 3
    assert all(known["schema"] == 1 for known in objects)
    assert objects[-1]["event"] == "ended"
    assert objects[-1]["verdict"] == "unhealthy"
    assert next(known for known in objects if known["event"] == "run")["path"] == "standard input"


def test_a_run_of_ours_ends_the_watching(tmp_path: Path, sick: list[str]) -> None:
    from barograph import start

    watching = subprocess.Popen([*BAROGRAPH, "watch", str(tmp_path / "run"), "--every", "0.05"],
                                stdout=subprocess.PIPE, text=True)  # fmt: skip
    with start(tmp_path / "run", method="kto", console=False) as run:
        for line in sick:
            row = json.loads(line)
            run.log(row.pop("step"), row)
    out, _ = watching.communicate(timeout=SECONDS)
    assert watching.returncode == 3
    assert "the run has ended: UNHEALTHY" in out
    assert "guard, step 72: PREF03 margin-inverted" in out


@pytest.mark.skipif(sys.platform == "win32", reason="signals are not sent there")
def test_ctrl_c_ends_with_130(tmp_path: Path, sick: list[str]) -> None:
    (tmp_path / "log.jsonl").write_text("".join(sick))
    watching = subprocess.Popen([*BAROGRAPH, "watch", str(tmp_path / "log.jsonl")], stdout=subprocess.PIPE, text=True,
                                preexec_fn=hear_ctrl_c,  # noqa: PLW1509 - one thread
                                stderr=subprocess.PIPE)  # fmt: skip
    assert watching.stdout is not None
    assert "UNHEALTHY" in watching.stdout.readline()
    watching.send_signal(signal.SIGINT)
    watching.communicate(timeout=SECONDS)
    assert watching.returncode == 130


# In a terminal


class Emulator:
    """A terminal that knows what the screen uses: two buffers, the cursor, clearing. Anything else fails the test."""

    def __init__(self, columns: int, rows: int) -> None:
        self.columns, self.rows = columns, rows
        self.main: list[str] = []
        self.other: dict[int, str] | None = None
        self.at = (1, 0)
        self.cursor_is_shown = True
        self._text = ""

    def feed(self, text: str) -> None:
        self._text += text
        done = 0
        for part in _PARTS.finditer(self._text):
            done = part.end()
            if part[2]:
                self._command(part[1], part[2])
            else:
                self._write(part[0])
        self._text = self._text[done:]

    def _command(self, numbers: str, letter: str) -> None:
        match letter, numbers:
            case (("h" | "l"), "?1049"):
                self.other = {} if letter == "h" else None
            case (("h" | "l"), "?25"):
                self.cursor_is_shown = letter == "h"
            case (("h" | "l"), "?2026"):
                pass
            case "J", "2":
                self.other = {}
            case "H", _:
                row, column = numbers.split(";")
                self.at = (int(row), int(column))
                if self.other is not None and int(column) == 1:
                    self.other[int(row)] = ""
            case "K", "":
                pass  # A line is always written from its beginning to its end.
            case "m", _:
                pass
            case _:
                raise AssertionError(f"unknown sequence {numbers}{letter}")

    def _write(self, text: str) -> None:
        if self.other is None:
            self.main.append(text)
        elif text not in "\r\n":
            row = self.at[0]
            assert 1 <= row <= self.rows, "written below the window"
            self.other[row] = self.other.get(row, "") + text
            assert len(self.other[row]) <= self.columns, "written beyond the edge"

    @property
    def screen(self) -> list[str]:
        assert self.other is not None, "not on the screen of its own"
        return [self.other.get(row, "") for row in range(1, self.rows + 1)]

    @property
    def left(self) -> str:
        """What stands in the terminal when the screen is given back."""
        return "".join(self.main)


class Pty:
    """A process in a terminal of a size."""

    def __init__(self, arguments: list[str], columns: int, rows: int) -> None:
        self._main, other = os.openpty()
        self.emulator = Emulator(columns, rows)
        self.resize(columns, rows, tell=False)
        environment = {key: value for key, value in os.environ.items() if key not in {"COLUMNS", "LINES", "NO_COLOR"}}
        self.process = subprocess.Popen(
            [*BAROGRAPH, *arguments], stdin=other, stdout=other, stderr=other, start_new_session=True,
            preexec_fn=hear_ctrl_c,  # noqa: PLW1509 - one thread
            env={**environment, "TERM": "xterm-256color", "PYTHONIOENCODING": "utf-8"},
        )  # fmt: skip
        os.close(other)
        os.set_blocking(self._main, False)

    def resize(self, columns: int, rows: int, *, tell: bool = True) -> None:
        import fcntl
        import struct
        import termios

        fcntl.ioctl(self._main, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.emulator.columns, self.emulator.rows = columns, rows
        if tell:
            self.process.send_signal(signal.SIGWINCH)

    def until(self, is_so: Callable[[Emulator], bool]) -> Emulator:
        """Read until the terminal shows what is waited for."""
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            ended = self.process.poll() is not None
            try:
                while block := os.read(self._main, 65_536):
                    self.emulator.feed(block.decode())
            except OSError:  # Nothing to read now, or the process has ended.
                pass
            if is_so(self.emulator):
                return self.emulator
            if ended:
                break
            time.sleep(0.02)
        raise AssertionError(f"never seen; last: {self.emulator.other or self.emulator.left}")

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(SECONDS)
        os.close(self._main)


@pytest.fixture
def in_a_terminal() -> Iterator[Callable[..., Pty]]:
    if sys.platform == "win32":
        pytest.skip("there are no pseudo-terminals there")
    opened: list[Pty] = []

    def open_one(*arguments: object, columns: int = 80, rows: int = 30) -> Pty:
        opened.append(Pty([str(argument) for argument in arguments], columns, rows))
        return opened[-1]

    yield open_one
    for pty in opened:
        pty.close()


def shows(text: str) -> Callable[[Emulator], bool]:
    return lambda emulator: emulator.other is not None and any(text in line for line in emulator.other.values())


def test_the_screen_follows_the_run(in_a_terminal: Callable[..., Pty], tmp_path: Path, sick: list[str]) -> None:
    log = tmp_path / "log.jsonl"
    pty = in_a_terminal("watch", log, "--every", "0.05", columns=100, rows=40)
    pty.until(shows("waiting for a log: "))
    log.write_text("".join(sick[:30]))
    assert "kto, step 30, 30 rows" in pty.until(shows("HEALTHY so far")).screen
    with log.open("a") as file:
        file.write("".join(sick[30:]))
    screen = pty.until(shows("step 145")).screen
    assert screen[0].startswith("UNHEALTHY: something is wrong")
    assert "✗ PREF03 margin-inverted  critical, since step 60" in screen
    assert not pty.emulator.cursor_is_shown
    pty.process.send_signal(signal.SIGINT)
    emulator = pty.until(lambda emulator: "interrupted" in emulator.left)
    assert pty.process.wait(SECONDS) == 130
    assert emulator.cursor_is_shown, "the terminal is given back as it was"
    assert "PREF03 margin-inverted  critical" in emulator.left
    assert "UNHEALTHY" in emulator.left


@pytest.mark.parametrize("columns", [40, 200])
def test_a_window_that_changes_its_size(
    in_a_terminal: Callable[..., Pty], tmp_path: Path, sick: list[str], columns: int
) -> None:
    (tmp_path / "log.jsonl").write_text("".join(sick))
    pty = in_a_terminal("watch", tmp_path / "log.jsonl", "--every", "30")
    pty.until(shows("grad_norm"))
    pty.resize(columns, 12)
    screen = pty.until(lambda emulator: len(emulator.other or ()) <= 12 and shows("lr  ")(emulator) is not None).screen
    assert len(screen) == 12
    pty.until(lambda emulator: max(map(len, emulator.screen)) > 0.6 * columns and "UNHEALTHY" in emulator.screen[0])


def test_being_told_to_end_gives_the_terminal_back(
    in_a_terminal: Callable[..., Pty], tmp_path: Path, sick: list[str]
) -> None:
    (tmp_path / "log.jsonl").write_text("".join(sick))
    pty = in_a_terminal("watch", tmp_path / "log.jsonl")
    pty.until(shows("UNHEALTHY"))
    pty.process.terminate()
    assert pty.until(lambda emulator: emulator.other is None and "UNHEALTHY" in emulator.left).cursor_is_shown
    assert pty.process.wait(SECONDS) == 143
