"""`barograph train`: one command for each recipe, with its options as they stand in `recipes.options`."""

from __future__ import annotations

import dataclasses
import json
import sys
from contextlib import nullcontext, redirect_stdout
from typing import TYPE_CHECKING, Any

import click

from barograph.cli.recipe import USUAL, WHAT, command_of, run_recipe
from barograph.cli.report import report_beside
from barograph.data.kept import has_looks
from barograph.recipes.options import METHODS, Options, from_file
from barograph.recipes.processes import is_first

if TYPE_CHECKING:
    from barograph.recipes.result import Finished

__all__ = ["said", "tell_report", "train"]


@click.group(short_help="Train by a recipe, watched by the monitor.")
def train() -> None:
    """Train by a recipe, watched by the monitor.

    Without options a tiny model that ships with barograph learns a task of its own on the processor, in seconds:

    \b
      barograph train dpo
      barograph train kto --model-size 7b --data pairs.jsonl --lora --guard rescue
      barograph train kto --learning-rate 2.5e-7 --resume-from runs/kto/checkpoint-50
    """  # noqa: D301 - click looks for the backspace itself


def _command(method: str, kind: type[Options]) -> click.Command:
    def run(config: tuple[str, ...], *, as_json: bool, **flags: Any) -> None:
        options = kind.made(*map(from_file, config), flags)
        with redirect_stdout(sys.stderr) if as_json else nullcontext():
            finished = run_recipe(method, options)
        if not is_first():
            return  # Of several processes that train together, the first one tells.
        click.echo(json.dumps(dataclasses.asdict(finished)) if as_json else "\n".join(said(finished)))
        if not as_json:
            tell_report(finished.folder)

    run.__doc__ = f"{WHAT[method]}\n\n{USUAL}"
    as_json = click.option("--json", "as_json", is_flag=True, help="Print what came of it as one object.")
    return command_of(method, kind, as_json(run))


def tell_report(folder: str) -> None:
    """Write the report, last of all: what is known already is told, whatever becomes of the file."""
    if (report := report_beside(folder)) is not None:
        click.echo(f"  the report:  {report}")


def said(finished: Finished) -> list[str]:
    """What was measured before and after, and what to look at next."""
    lines = ["", f"{finished.method}, {finished.steps:,} steps: {finished.verdict}"]
    names = list(dict.fromkeys([*finished.before, *finished.after]))
    width = max(map(len, names), default=0)
    if names:
        lines.append(f"  {'':{width}}   before    after")
    for name in names:
        cells = [f"{part[name]:8.3f}" if name in part else f"{'-':>8}" for part in (finished.before, finished.after)]
        lines.append(f"  {name:{width}} {' '.join(cells)}")
    labels = f"  barograph data {finished.folder}   # which labels are likely wrong"
    return [
        *lines,
        "",
        f"  barograph check {finished.folder}",
        *([labels] if has_looks(finished.folder) else []),
        f"  the weights: {finished.folder}/final_model",
    ]


for _method, _kind in METHODS.items():
    train.add_command(_command(_method, _kind))
