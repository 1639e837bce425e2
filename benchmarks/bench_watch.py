"""What does watching cost? A look without news, with a row, with a thousand; and the first look beside `check`.

    python benchmarks/bench_watch.py            # about half a minute
    python benchmarks/bench_watch.py --quick    # a tenth of the rows

The first look is a whole process (`watch --once` and `check -q`, in turn, on a log that was never read before), so
that loading is in it. Ratios are what counts.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from subprocess import run

from bench_check import write_log

from barograph.console.terminal import Terminal
from barograph.console.watch_view import picture
from barograph.engine.settings import Settings
from barograph.monitor.watcher import Watcher

ROUNDS = 30


def timed(work: Callable[[], object]) -> float:
    """Milliseconds."""
    begun = time.perf_counter()
    work()
    return 1000 * (time.perf_counter() - begun)


def looks(folder: Path, lines: list[str], rows: int) -> tuple[list[float], list[float]]:
    """Milliseconds for looks that each bring so many rows, and for the picture after each."""
    log = folder / f"grows-by-{rows}.jsonl"
    begin = len(lines) - ROUNDS * rows
    log.write_text("".join(lines[:begin]))
    watcher = Watcher(log, Settings(), "dpo")
    watcher.look()
    while watcher.scene().remarks:
        watcher.catch_up(1.0)
    looking, drawing = [], []
    with log.open("a") as file:
        for number in range(ROUNDS):
            place = begin + number * rows
            file.write("".join(lines[place : place + rows]))
            file.flush()
            looking.append(timed(watcher.look))
            drawing.append(timed(lambda: picture(watcher.scene(), Terminal(width=100), 40)))
    watcher.close()
    return looking, drawing


def first_look(folder: Path, log: Path, rounds: int = 5) -> dict[str, float]:
    """Seconds of whole processes, each on a copy of its own: no columns are kept from an earlier reading."""
    commands = {"check -q": ["check", "-q"], "watch --once": ["watch", "--once"]}
    taken: dict[str, list[float]] = {name: [] for name in commands}
    for number in range(rounds):
        for name, arguments in commands.items():
            copy = folder / f"{number}-{len(name)}.jsonl"
            shutil.copy(log, copy)
            command = [sys.executable, "-m", "barograph", *arguments, str(copy), "--fail-on", "never"]
            environment = {**os.environ, "XDG_CACHE_HOME": str(folder / "cache")}
            taken[name].append(timed(partial(run, command, check=True, capture_output=True, env=environment)))
            copy.unlink()
    return {name: statistics.median(times) / 1000 for name, times in taken.items()}


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    rows = 10_000 if parser.parse_args().quick else 100_000
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        log = folder / "log.jsonl"
        write_log(log, rows)
        lines = log.read_text().splitlines(keepends=True)
        print(f"{'news of a look':20} {'look, ms':>10} {'picture, ms':>12}   (median of {ROUNDS}; {rows:,} rows)")
        for brought in (0, 1, 100 if rows < 100_000 else 1000):
            looking, drawing = looks(folder, lines, brought)
            told = f"{brought} rows" if brought != 1 else "1 row"
            print(f"{told:20} {statistics.median(looking):10.2f} {statistics.median(drawing):12.2f}")
        print()
        seconds = first_look(folder, log)
        for told, value in seconds.items():
            print(f"{told:20} {value:8.2f} s   {value / seconds['check -q']:.2f} x")


if __name__ == "__main__":
    main()
