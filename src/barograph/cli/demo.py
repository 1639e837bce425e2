"""`barograph demo`: a run that goes wrong before your eyes, or a tiny model that learns."""

from __future__ import annotations

import random
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from barograph.cli.recipe import WHAT, run_recipe
from barograph.cli.train import said, tell_report
from barograph.core.errors import ConfigurationError
from barograph.recipes.options import METHODS

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
#: What the tiny model lives in, and what each method is to teach it.
WORLD = """A tiny model of 80,000 weights and 36 words hears people claim sums ("i think 3 + 4 = 9 ?")."""
LEARNS = {
    "kto": "It agrees with true and false claims alike. From answers marked good or bad it learns to tell them apart.",
    "dpo": "It agrees with true and false claims alike. From pairs of answers it learns to correct false ones.",
    "reward": "From pairs of answers it learns to tell the better one.",
    "prm": "From chains of sums with planted errors it learns to find the wrong step.",
    "ppo": "It is paid for the true sum and for an honest yes or no, token by token.",
    "grpo": "It is paid for the true sum and for an honest yes or no, measured against its other answers.",
}
CONFIG = {"beta": 0.1, "learning_rate": RATE, "max_steps": STEPS, "warmup_steps": 12}


@click.command(short_help="See it at work: a run that goes wrong, or a tiny model that learns.")
@click.argument("method", required=False, type=click.Choice([*METHODS]))
@click.option("--keep", "folder", metavar="FOLDER", type=click.Path(path_type=Path), help="Keep the run here.")
@click.option("--fast", is_flag=True, help="Play as quickly as it goes.")
def demo(method: str | None, folder: Path | None, *, fast: bool) -> None:
    """See barograph at work.

    Without a METHOD a KTO run that goes wrong half-way is played and watched live, in about twenty seconds. Its numbers
    are drawn, not trained, and are the same each time. With a METHOD a tiny model that ships with barograph is trained
    before your eyes on the processor, in five to twenty seconds:

    \b
      barograph demo
      barograph demo dpo
      barograph demo ppo --keep runs/first

    A run that is played is thrown away unless --keep names a folder; one that is trained is kept, in runs/demo-METHOD
    by itself.
    """  # noqa: D301 - click looks for the backspace itself
    if folder is not None and folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ConfigurationError(f"{folder}: is there already and not empty; name a folder that is not")
    if method is not None:
        _train(method, folder)
        return
    with tempfile.TemporaryDirectory(prefix="barograph-") as spare:
        _play(folder or Path(spare) / "demo-run", fast=fast)
    kept = f"barograph check {folder}" if folder is not None else "barograph check RUN"
    if folder is not None:
        click.echo()
        tell_report(str(folder))
    click.echo(
        "\nThese numbers were drawn. For a run of yours, while it trains:  barograph watch RUN\n"
        f"and when it is over:  {kept}"
    )


def _train(method: str, folder: Path | None) -> None:
    click.echo(f"{method}: {WHAT[method]}\n{WORLD}\n{LEARNS[method]}\n")
    finished = run_recipe(method, METHODS[method].made({"output_dir": str(folder or _free(method))}))
    click.echo("\n".join(said(finished)))
    tell_report(finished.folder)
    click.echo(f"\nWith a model and data of yours:  barograph train {method} --model FOLDER --data FILE\n")


def _free(method: str) -> Path:
    from barograph.trainers.session import free_folder

    return free_folder(Path("runs") / f"demo-{method}")


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
