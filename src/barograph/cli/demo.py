"""`barograph demo`: a run that goes wrong before your eyes."""

from __future__ import annotations

import random
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from barograph.core.errors import ConfigurationError

if TYPE_CHECKING:
    from barograph.trainers.tracker import Tracker

__all__ = ["STEPS", "demo", "rows"]

STEPS = 240
#: Where the run begins to go wrong, and how often it keeps a checkpoint.
TURN, CHECKPOINT = 100, 40
RATE = 2e-6
SEED = 4
#: Rows a second, and seconds between two pictures.
PACE, EVERY = 13.0, 0.25
CONFIG = {"beta": 0.1, "learning_rate": RATE, "max_steps": STEPS, "warmup_steps": 12}


@click.command(short_help="Play a run that goes wrong, and watch it.")
@click.argument("folder", required=False, metavar="[FOLDER]", type=click.Path(path_type=Path))
@click.option("--fast", is_flag=True, help="As quick as it goes.")
def demo(folder: Path | None, *, fast: bool) -> None:
    """Play a KTO run that goes wrong half-way, and watch it live: about twenty seconds.

    The numbers are drawn, not trained, and are the same each time. They are recorded by the tracker that a training
    loop of your own would use. The run is kept where a FOLDER is named, and thrown away otherwise.
    """
    if folder is not None and folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ConfigurationError(f"{folder}: is there already and not empty; name a folder that is not")
    with tempfile.TemporaryDirectory(prefix="barograph-") as spare:
        _play(folder or Path(spare) / "demo-run", fast=fast)
    kept = f"barograph check {folder}" if folder is not None else "barograph check RUN"
    click.echo(
        "\nThese numbers were drawn. For a run of yours, while it trains:  barograph watch RUN\n"
        f"and when it is over:  {kept}"
    )


def _play(folder: Path, *, fast: bool) -> None:
    import barograph
    from barograph.cli.watch import Lines, follow, on_screen
    from barograph.engine.settings import Settings
    from barograph.monitor.watcher import Watcher

    pace, every = (1e9, 0.01) if fast else (PACE, EVERY)
    tracker = barograph.start(folder, method="kto", config=CONFIG, console=False)
    training = _Training(tracker, folder, pace)
    watcher = Watcher(folder, Settings())
    watcher.shown_as(lambda text: text.replace(str(folder), folder.name), bool)  # A spare folder's path tells nothing.
    try:
        if sys.stdout.isatty():
            on_screen(watcher, every, meanwhile=training.go_on)
        else:
            follow(watcher, Lines(), every, meanwhile=training.go_on)
    finally:
        watcher.close()
        tracker.finish("interrupted")


class _Training:
    """What a training loop does, by the clock."""

    #: So many rows at once, however late it is: what happens is to be seen.
    MOST_AT_ONCE = 20

    def __init__(self, tracker: Tracker, folder: Path, pace: float) -> None:
        self._tracker = tracker
        self._folder = folder
        self._rows = rows()
        self._seconds_a_row = 1 / pace
        self._next = time.monotonic()

    def go_on(self, seconds: float) -> None:
        """Train the steps that are due."""
        for _ in range(self.MOST_AT_ONCE):
            if time.monotonic() < self._next:
                return
            self._next += self._seconds_a_row
            found = next(self._rows, None)
            if found is None:
                self._tracker.finish()
                return
            step, row = found
            self._tracker.log(step, row)
            if step % CHECKPOINT == 0:
                checkpoint = self._folder / f"checkpoint-{step}"
                checkpoint.mkdir(exist_ok=True)
                self._tracker.saved(step, checkpoint)


def rows() -> Iterator[tuple[int, dict[str, float]]]:
    """The steps of a KTO run and what TRL would log there: well at first, then the rate proves too high.

    >>> step, row = next(rows())
    >>> step, sorted(row)[:3]
    (1, ['epoch', 'grad_norm', 'kl'])
    """
    rng = random.Random(SEED)  # noqa: S311 - a play, no secret
    for step in range(1, STEPS + 1):
        done = step / STEPS
        gone = max(0.0, (step - TURN) / 50)
        chosen = 1.1 * min(done, TURN / STEPS) - 1.1 * gone**1.4 + rng.gauss(0, 0.03)
        rejected = -0.8 * min(done, TURN / STEPS) - 0.45 * gone + rng.gauss(0, 0.03)
        margin = chosen - rejected
        loss = 0.5 - (0.11 if margin > 0 else 0.3) * margin
        yield (
            step,
            {
                "epoch": round(done, 4),
                "loss": round(loss + rng.gauss(0, 0.008), 4),
                "grad_norm": round(abs(rng.gauss(8 + 22 * gone, 1.5 + 2 * gone)), 3),
                "learning_rate": RATE * min(1.0, step / 12),
                "rewards/chosen": round(chosen, 4),
                "rewards/rejected": round(rejected, 4),
                "rewards/margins": round(margin, 4),
                "kl": round(max(0.0, rng.gauss(0.1 + 0.25 * abs(chosen), 0.04)), 4),
            },
        )
