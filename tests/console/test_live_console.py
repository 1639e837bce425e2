"""The live console as it is seen: in terminals of two widths, in a file, without UTF-8, and beside tqdm's bars.

A terminal is a pty whose bytes go to a small model of a screen, which knows what our console uses and nothing else.
"""

from __future__ import annotations

import io
import math
import os
import re
import subprocess
import sys
import types
from pathlib import Path

import pytest

from barograph.console.live import LiveConsole
from barograph.core.decision import Decision, Deed
from barograph.core.finding import Diagnosis, Finding, Severity, Verdict

#: A run of ten steps in two epochs, a second each; it stops where it is told.
SCRIPT = """
import sys
from itertools import count
from barograph.console.live import LiveConsole
from barograph.core.finding import Finding, Severity

until = int(sys.argv[1])
time = count()
console = LiveConsole(every=2, timer=lambda: float(next(time) // 2))
console.started("runs/a", "kto", {"max_steps": 10, "num_train_epochs": 2})
for step in range(1, until + 1):
    console.logged(step, {}, {
        "loss": 0.65 - step / 100, "reward_chosen": step / 10, "reward_rejected": -step / 10,
        "reward_margin": step / 5, "lr": 5e-7, "epoch": step / 5,
    })
    if step == 3:
        console.found(Finding("KL01", "far", Severity.WARNING, 3, 3, "kl", "the policy is far away", {}, ["wait"]))
if until == 10:
    console.ended(None)
"""


class ScreenModel:
    """What a terminal shows after some bytes."""

    def __init__(self, width: int) -> None:
        self.width = width
        self.lines = [""]
        self.row = self.column = 0

    def feed(self, text: str) -> list[str]:
        for piece in re.split(r"(\x1b\[[0-9;]*[A-Za-z]|[\r\n])", text):
            if piece == "\n":
                self.row += 1
                self.lines += [""] * (self.row + 1 - len(self.lines))
            elif piece == "\r":
                self.column = 0
            elif piece == "\x1b[2K":
                self.lines[self.row] = ""
            elif piece == "\x1b[1A":
                assert self.row > 0, "moved above the screen"
                self.row -= 1
            elif piece.startswith("\x1b"):
                assert piece.endswith("m"), f"unknown escape {piece!r}"
            elif piece:
                line = self.lines[self.row].ljust(self.column)
                self.lines[self.row] = line[: self.column] + piece + line[self.column + len(piece) :]
                self.column += len(piece)
                assert self.column <= self.width, f"broken by the edge: {self.lines[self.row]!r}"
        return [line.rstrip() for line in self.lines]


def seen(width: int, until: int, **environment: str) -> list[str]:
    return ScreenModel(width).feed(typed(width, until, **environment))


def typed(width: int, until: int, **environment: str) -> str:
    """What the script writes to a terminal of that width."""
    pty, fcntl, termios = (pytest.importorskip(name) for name in ("pty", "fcntl", "termios"))
    ours, its = pty.openpty()
    fcntl.ioctl(
        its, termios.TIOCSWINSZ, int.to_bytes(40, 2, sys.byteorder) + width.to_bytes(2, sys.byteorder) + b"0000"
    )
    left_out = {"COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR"}
    kept = {name: value for name, value in os.environ.items() if name not in left_out}
    environ = {**kept, "TERM": "xterm", "PYTHONIOENCODING": "utf-8", **environment}
    command = [sys.executable, "-c", SCRIPT, str(until)]
    process = subprocess.Popen(command, stdin=its, stdout=its, env=environ)
    os.close(its)
    pieces = []
    try:
        while piece := os.read(ours, 65536):
            pieces.append(piece)
    except OSError:  # Linux says so when the other end is closed.
        pass
    assert process.wait(timeout=60) == 0
    os.close(ours)
    return b"".join(pieces).decode().replace("\r\n", "\n\r")


BORDER = "!" * 61
AT_SEVEN = [
    "Step     Loss    Chosen  Reject  Margin  LR        Left",
    "2        0.630   0.200   -0.200  0.400   5.00e-07  00:08",
    BORDER,
    "  ⚠ The policy is far away",
    "  Consider: wait",
    "  KL01 far, warning, step 3",
    BORDER,
    "4        0.610   0.400   -0.400  0.800   5.00e-07  00:06",
]


@pytest.mark.parametrize("width", [80, 200])
def test_a_terminal_in_the_middle_of_an_epoch(width: int) -> None:
    screen = seen(width, 4)
    *above, bar, facts = screen
    assert [re.sub(r"\d\d:\d\d$", "", line) for line in above] == [re.sub(r"\d\d:\d\d$", "", line) for line in AT_SEVEN]
    assert re.fullmatch(r"Epoch 1/2 \|████████████████    \| 4/5 \[\d\d:\d\d<\d\d:\d\d, .+/.+\]", bar)
    assert facts == "  loss: 0.6100  margin: 0.8000  lr: 5.00e-07  step: 4/10"


@pytest.mark.parametrize("width", [80, 200])
def test_a_terminal_after_the_run_holds_no_bar(width: int) -> None:
    screen = seen(width, 10)
    assert not any("█" in line for line in screen)
    assert [line for line in screen if line.startswith("EPOCH")] == ["EPOCH 1 SUMMARY", "EPOCH 2 SUMMARY"]
    assert [line.split()[0] for line in screen if re.match(r"\d+ ", line)] == ["2", "4", "6", "8", "10"]


def test_without_utf8_all_is_ascii() -> None:
    text = typed(80, 4, PYTHONIOENCODING="ascii")
    assert text.isascii()
    assert "Epoch 1/2 |################----|" in text
    assert "  ! The policy is far away" in text


def test_colour_is_left_out_when_it_is_not_wanted() -> None:
    assert "\x1b[33" in typed(80, 4)
    assert not re.search(r"\x1b\[[0-9;]*m", typed(80, 4, NO_COLOR="1"))


def test_a_dumb_terminal_gets_lines_alone() -> None:
    assert "\x1b" not in typed(80, 10, TERM="dumb")


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def run_of(stream: io.TextIOBase, rows: int = 20, every: int = 5, **config: object) -> tuple[LiveConsole, Clock]:
    clock = Clock()
    console = LiveConsole(stream, every, timer=clock)  # type: ignore[arg-type]
    console.started("runs/a", "dpo", config)
    for step in range(1, rows + 1):
        clock.now = 2.0 * step
        console.logged(step, {}, {"loss": step / 100, "reward_margin": 0.5})
    return console, clock


def steps_in(text: str) -> list[int]:
    return [int(line.split()[0]) for line in text.splitlines() if re.match(r" *\d+ ", line)]


def test_a_file_gets_plain_lines_every_five_steps() -> None:
    stream = io.StringIO()
    run_of(stream)
    assert steps_in(stream.getvalue()) == [5, 10, 15, 20]
    assert "\x1b" not in stream.getvalue()
    assert "|" not in stream.getvalue()


def test_a_log_that_is_not_written_every_step_shows_the_first_row_past_each_five() -> None:
    stream = io.StringIO()
    console = LiveConsole(stream)
    console.started("runs/a", "dpo", {})
    for step in range(3, 25, 3):
        console.logged(step, {}, {"loss": 0.5})
    assert steps_in(stream.getvalue()) == [6, 12, 15, 21]


def test_the_time_left_follows_the_pace() -> None:
    stream = io.StringIO()
    run_of(stream, max_steps=100)
    # 2 seconds a step, 80 steps to go.
    assert stream.getvalue().splitlines()[-1].endswith("02:40")


def test_after_going_back_rows_are_shown_again() -> None:
    stream = io.StringIO()
    console, _ = run_of(stream)
    for step in range(11, 21):
        console.logged(step, {}, {"loss": 0.5})
    assert steps_in(stream.getvalue()) == [5, 10, 15, 20, 15, 20]


def test_an_evaluation_is_one_line_for_each_split() -> None:
    stream = io.StringIO()
    console, _ = run_of(stream)
    console.logged(20, {}, {"eval.loss": 0.25, "eval/math.loss": math.nan, "epoch": 1.0})
    assert stream.getvalue().splitlines()[-2:] == [
        "  Evaluation at step 20: loss 0.25",
        "  Evaluation of math at step 20: loss nan",
    ]


def test_the_totals_at_the_end_are_no_row() -> None:
    stream = io.StringIO()
    console, _ = run_of(stream)
    before = stream.getvalue()
    console.logged(25, {"train_runtime": 30.0, "train_loss": 9.0}, {"loss": 9.0})
    assert stream.getvalue() == before


def test_the_bar_of_an_evaluation_stays_when_it_is_over() -> None:
    class Tty(io.StringIO):
        encoding = "utf-8"  # type: ignore[assignment]

        def isatty(self) -> bool:
            return True

    stream = Tty()
    clock = Clock()
    console = LiveConsole(stream, timer=clock)
    for done in range(0, 21, 5):
        clock.now = 6.75 * done
        console.evaluating(done, 20, processed=8 * done, avg_reward=0.7234)
    assert ScreenModel(200).feed(stream.getvalue().replace("\n", "\n\r")) == [
        "Evaluating |████████████████████| 20/20 [02:15<00:00, 6.75s/batch]",
        "  processed: 160  avg_reward: 0.7234",
        "",
    ]


def test_lines_go_through_tqdm_where_it_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[str] = []

    class FakeBars:
        _instances = (object(),)

        @staticmethod
        def write(text: str, file: object, end: str) -> None:
            written.append(text + end)

    module = types.ModuleType("tqdm")
    module.tqdm = FakeBars  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "tqdm", module)
    stream = io.StringIO()
    run_of(stream)
    assert stream.getvalue() == ""
    assert steps_in("".join(written)) == [5, 10, 15, 20]


def test_a_closed_stream_is_nobody_s_trouble() -> None:
    stream = io.StringIO()
    console, _ = run_of(stream)
    stream.close()
    console.told("the disk is full")
    console.ended(None)


def test_the_closing_names_verdict_deeds_and_files(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "training_metrics.jsonl").touch()
    stream = io.StringIO()
    console = LiveConsole(stream)
    console.started(str(tmp_path), "kto", {})
    console.decided(Decision(Deed.RESCUE, 22, ("PREF03",), "gone back to step 10", 10, "checkpoint-10", 0.5))
    finding = Finding("PREF03", "margin-inverted", Severity.CRITICAL, 3, 9, "reward_margin", "below zero")
    console.ended(Diagnosis("runs/a", "jsonl", "kto", 9, 1, 9, Verdict.UNHEALTHY, [finding]))
    last = stream.getvalue().splitlines()[-3:]
    assert last == [
        "UNHEALTHY  runs/a  (kto) margin-inverted",
        "  guard, step 22: gone back to step 10",
        f"  {tmp_path}/logs/training_metrics.jsonl",
    ]
