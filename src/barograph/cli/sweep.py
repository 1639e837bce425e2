"""`barograph sweep`: a recipe for each combination of several values, and what came of them side by side."""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import click

from barograph.cli.judged import judge_all
from barograph.cli.recipe import USUAL, WHAT, command_of, run_recipe
from barograph.console.side_by_side import blocks
from barograph.console.terminal import Terminal
from barograph.core.errors import BarographError, Interrupted
from barograph.recipes.options import METHODS, Options, choices_of, from_file, type_of
from barograph.recipes.sweep import NOT_SWEPT, Outcome, Trial, outcomes, trials

__all__ = ["side_by_side", "sweep"]

#: The page with the curves of all runs.
PAGE = "comparison.html"


@click.group(short_help="Train by a recipe several times, and compare.")
def sweep() -> None:
    """Train by a recipe once for each combination of values, and lay side by side what came of it.

    Any option of `barograph train` takes several values, by commas:

    \b
      barograph sweep dpo --beta 0.01,0.1,0.5
      barograph sweep kto --learning-rate 2e-4,5e-4,1e-3 --seeds 3
      barograph sweep dpo --data pairs.jsonl --model-size 0.5b --beta 0.05,0.1,0.2 --output-dir runs/beta

    What the reference says of the examples is asked once for all of them. Called again with the same --output-dir, it
    goes on where it was.
    """  # noqa: D301 - click looks for the backspace itself


def _command(method: str, kind: type[Options]) -> click.Command:
    def run(config: tuple[str, ...], *, seeds: int | None, as_json: bool, **flags: Any) -> None:
        said = {name: value for name, value in flags.items() if value is not None}
        varied = {
            name: [one.strip() for one in str(value).split(",")]
            for name, value in said.items()
            if name not in NOT_SWEPT and "," in str(value)
        }
        if seeds is not None:
            varied["seed"] = [str(seed) for seed in range(1, seeds + 1)]
        told = [*map(from_file, config), {name: value for name, value in said.items() if name not in varied}]
        folder = Path(said.get("output_dir") or _free(method))
        runs = trials(kind, told, varied, folder)
        done = list[tuple[Trial, Outcome]]()
        try:
            # The runs talk; the answer is what they come to.
            with redirect_stdout(sys.stderr):
                for one in outcomes(runs, lambda options: run_recipe(method, options), begins=_told_of(len(runs))):
                    done.append(one)
        except (Interrupted, KeyboardInterrupt):
            click.echo("\n".join(side_by_side(done)))
            raise Interrupted(
                f"interrupted after {len(done)} of {len(runs)} runs; to go on, say the same with --output-dir {folder}"
            ) from None
        click.echo(json.dumps(_object(done)) if as_json else "\n".join([*side_by_side(done), "", f"  {folder}"]))
        # Last of all: what is known already is told, whatever becomes of the page.
        page = _compared(done, folder, by_beta="beta" in varied)
        if page is not None and not as_json:
            click.echo(f"  the curves: {page}")
        if any(isinstance(outcome, BarographError) for _, outcome in done):
            raise click.exceptions.Exit(1)

    run.__doc__ = f"{WHAT[method]}\n\nOptions take several values, by commas. {USUAL}"
    whole = click.option("--json", "as_json", is_flag=True, help="Print what came of all runs as one object.")(run)
    whole = click.option("--seeds", type=click.IntRange(min=1), metavar="N", help="Each with the seeds 1 to N.")(whole)
    return command_of(method, kind, whole, several=_sweepable(kind))


def _sweepable(kind: type[Options]) -> frozenset[str]:
    """What takes several values: all but flags, and what each run has to itself."""
    return frozenset(name for name in choices_of(kind) if type_of(kind, name) is not bool) - NOT_SWEPT


def _free(method: str) -> Path:
    from barograph.trainers.session import free_folder

    return free_folder(Path("runs") / f"sweep-{method}")


def _told_of(count: int) -> Any:
    def begins(trial: Trial, number: int) -> None:
        click.echo(f"\n== run {number} of {count}: {trial.name} ({trial.folder})", err=True)

    return begins


def _compared(done: Sequence[tuple[Trial, Outcome]], folder: Path, *, by_beta: bool) -> Path | None:
    """A page with the curves of the runs, where there are several; rewards in nats where their betas differ."""
    from barograph.charts.comparison import MOST, compared
    from barograph.charts.comparison_page import page
    from barograph.charts.overlay import overlay
    from barograph.engine.settings import read_settings
    from barograph.sinks.replace import write_whole

    ended = [str(trial.folder) for trial, one in done if not isinstance(one, BarographError)]
    judged, _ = judge_all(ended[:MOST], None, read_settings())
    if len(judged) < 2:
        return None
    comparison = compared(judged, in_nats=by_beta)
    write_whole(folder / PAGE, page(comparison, overlay(comparison)).encode())
    return folder / PAGE


def side_by_side(done: Sequence[tuple[Trial, Outcome]]) -> Iterator[str]:
    """A column for each run, a line for each thing that was measured; as many columns at once as the terminal holds."""
    ended = [(trial, one) for trial, one in done if not isinstance(one, BarographError)]
    lines = [("", *(trial.name for trial, _ in ended)), ("verdict", *(one.verdict for _, one in ended))]
    for name in dict.fromkeys(name for _, one in ended for name in [*one.before, *one.after]):
        before = {f"{one.before[name]:.3f}" for _, one in ended if name in one.before}
        if len(before) == 1:  # Where all began alike, once will do.
            lines.append((f"{name}, before", *(before.copy().pop() for _ in ended)))
        elif before:
            lines.append((f"{name}, before", *(_number(one.before, name) for _, one in ended)))
        lines.append((name, *(_number(one.after, name) for _, one in ended)))
    if ended:
        yield from blocks(lines, Terminal.of(sys.stdout))
    for trial, outcome in done:
        if isinstance(outcome, BarographError):
            yield f"\n{trial.name}: {outcome}"


def _number(measured: Any, name: str) -> str:
    return f"{measured[name]:.3f}" if name in measured else "-"


def _object(done: Sequence[tuple[Trial, Outcome]]) -> dict[str, object]:
    def result(outcome: Outcome) -> dict[str, object]:
        return {"error": str(outcome)} if isinstance(outcome, BarographError) else dataclasses.asdict(outcome)

    return {"schema": 1, "runs": [{"differs": dict(trial.label), **result(outcome)} for trial, outcome in done]}


for _method, _kind in METHODS.items():
    sweep.add_command(_command(_method, _kind))
