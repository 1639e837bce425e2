"""`barograph demo`: two recorded runs, a sick one and its healthy twin, played live; or a tiny model that learns."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import click

from barograph.cli.recipe import WHAT, run_recipe
from barograph.cli.train import said, tell_report
from barograph.core.errors import ConfigurationError, Interrupted
from barograph.recipes.options import METHODS
from barograph.recipes.recorded import HEALTHY, SICK, recording

if TYPE_CHECKING:
    from barograph.recipes.recorded import Recording
    from barograph.trainers.tracker import Tracker

__all__ = ["demo"]

BOTH = "both"
#: What is played for each word; the last two are shown side by side.
PLAYED = {SICK: (SICK,), HEALTHY: (HEALTHY,), BOTH: (SICK, HEALTHY)}
#: Rows a second, and seconds between two pictures.
PACE, EVERY = 9.0, 0.25
COMPARISON = "comparison.html"
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
#: What to look for while a recording is played.
WATCH_FOR = {
    SICK: "Nothing in its loss holds the chosen answers up (--sft-weight {sft_weight:g}).\n"
    "Loss and margin look better and better: watch the reward of the chosen answers.",
    HEALTHY: "The likelihood of the chosen answers counts in its loss (--sft-weight {sft_weight:g}).\n"
    "The margin grows less than in the sick run: the chosen answers stay where they are.",
}


@click.command(short_help="See it at work: a run that goes wrong, or a tiny model that learns.")
@click.argument("what", required=False, default=SICK, type=click.Choice([*PLAYED, *METHODS]), metavar="[WHAT]")
@click.option("--keep", "folder", metavar="FOLDER", type=click.Path(path_type=Path), help="Keep the run here.")
@click.option("--fast", is_flag=True, help="Play as quickly as it goes.")
@click.option("--serve", "serves", is_flag=True, help="Also show it as a live page, until Ctrl-C.")
def demo(what: str, folder: Path | None, *, fast: bool, serves: bool) -> None:
    """See barograph at work.

    Without WHAT a recorded DPO run is played and watched live, in under twenty seconds. It is sick, though its loss and
    its margin look better and better. `healthy` plays its twin, which differs in one setting; `both` plays the two and
    compares them. The name of a method (kto, dpo, reward, prm, ppo, grpo) trains a tiny model before your eyes on the
    processor, in five to twenty seconds:

    \b
      barograph demo
      barograph demo healthy
      barograph demo both --keep runs/demo
      barograph demo both --serve
      barograph demo ppo --keep runs/first

    A run that is played is thrown away unless --keep names a folder; one that is trained is kept, in runs/demo-METHOD
    by itself.
    """  # noqa: D301 - click looks for the backspace itself
    if folder is not None and folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ConfigurationError(f"{folder}: is there already and not empty; name a folder that is not")
    if what in METHODS:
        _train(what, folder)
        return
    with tempfile.TemporaryDirectory(prefix="barograph-") as spare:
        home = folder or Path(spare) / f"demo-{what}"
        with _served(home) if serves else nullcontext():
            for name in PLAYED[what]:
                _play(recording(name), home / name if what == BOTH else home, is_kept=folder is not None, fast=fast)
            if what == BOTH:
                _compare(home, is_kept=folder is not None)
            _point_on(what)


def _point_on(what: str) -> None:
    """Where to go from here."""
    if what != BOTH:
        other = HEALTHY if what == SICK else SICK
        click.echo(f"Its {other} twin:    barograph demo {other}")
        click.echo("Both, compared:      barograph demo both --keep runs/demo")
    click.echo("A run of yours:      barograph watch RUN, or when it is over barograph check RUN")


@contextmanager
def _served(home: Path) -> Iterator[None]:
    """The page over what is played, in a process of its own that Ctrl-C reaches through us; it outlives the play."""
    command = [sys.executable, "-m", "barograph", "serve", str(home)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True) as page:  # noqa: S603
        try:
            line = page.stdout.readline().strip() if page.stdout is not None else ""
            if not line:  # It has said why on stderr.
                raise click.exceptions.Exit(page.wait())
            click.echo(f"The page: {line.rpartition(' at ')[2]}\n")
            yield
            click.echo("The page stays until Ctrl-C.")
            page.wait()
        finally:
            page.terminate()


def _train(method: str, folder: Path | None) -> None:
    click.echo(f"{method}: {WHAT[method]}\n{WORLD}\n{LEARNS[method]}\n")
    finished = run_recipe(method, METHODS[method].made({"output_dir": str(folder or _free(method))}))
    click.echo("\n".join(said(finished)))
    tell_report(finished.folder)
    click.echo(f"\nWith a model and data of yours:  barograph train {method} --model FOLDER --data FILE\n")


def _free(method: str) -> Path:
    from barograph.trainers.session import free_folder

    return free_folder(Path("runs") / f"demo-{method}")


def _play(recorded: Recording, folder: Path, *, is_kept: bool, fast: bool) -> None:
    """Play one recording, say what came of it, and where it lies if it is kept."""
    click.echo(f"A recorded run: {recorded.method.upper()} on a tiny model, {recorded.rows[-1][0]} steps.")
    click.echo(f"{WATCH_FOR[recorded.name].format_map(recorded.told)}\n")
    try:
        _watched(recorded, folder, fast=fast)
    except KeyboardInterrupt:
        if is_kept:
            raise Interrupted(f"interrupted; what was played so far is kept: barograph check {folder}") from None
        raise
    click.echo(f"\n{_outcome(recorded)}")
    if is_kept:
        click.echo(f"  barograph check {folder}")
        tell_report(str(folder))
    click.echo()


def _outcome(recorded: Recording) -> str:
    """What the answers were worth in the end, which no row of the log tells."""
    twin = recording(HEALTHY if recorded.name == SICK else SICK)
    own, other = ((one.after["held-out margin"], 100 * one.after["answers right"]) for one in (recorded, twin))
    return (
        f"In the end the margin on held-out data is {own[0]:.2f}, and {own[1]:.0f} answers in 100 are right.\n"
        f"Its {twin.name} twin has a margin of {other[0]:.2f}, and {other[1]:.0f} right answers."
    )


def _watched(recorded: Recording, folder: Path, *, fast: bool) -> None:
    import barograph
    from barograph.cli.watch import Lines, follow, on_screen
    from barograph.engine.settings import Settings
    from barograph.monitor.watcher import Watcher

    pace, every = (1e9, 0.01) if fast else (PACE, EVERY)
    tracker = barograph.start(folder, method=recorded.method, config=recorded.config, console=False)
    training = _Training(tracker, recorded, pace)
    training.go_on(0.0)  # Before anybody looks: what is said first is not that there is nothing yet.
    watcher = Watcher(folder, Settings())
    watcher.shown_as(lambda text: text.replace(str(folder), folder.name), bool)  # A spare folder's path tells nothing.
    try:
        if sys.stdout.isatty():
            on_screen(watcher, every, meanwhile=training.go_on)
        else:
            follow(watcher, Lines(), every, meanwhile=training.go_on)
            for cause in watcher.closing_diagnosis().causes[:1]:  # Which a screen shows by itself.
                click.echo(f"likeliest cause: {cause.name}\n  do: {cause.advice[0]}")
    finally:
        watcher.close()
        tracker.finish("interrupted")


def _compare(home: Path, *, is_kept: bool) -> None:
    """What `barograph compare` says of the two that were played."""
    from barograph.cli.compare import compare

    runs = [str(home / name) for name in PLAYED[BOTH]]
    output = home / COMPARISON if is_kept else None
    click.get_current_context().invoke(compare, runs=runs, output=output)
    click.echo()


class _Training:
    """What a training loop does, by the clock: it logs one row after the other."""

    #: So many rows at once, however late it is: what happens is to be seen.
    MOST_AT_ONCE = 20

    def __init__(self, tracker: Tracker, recorded: Recording, pace: float) -> None:
        self._tracker = tracker
        self._rows = iter(recorded.rows)
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
            self._tracker.log(*found)
