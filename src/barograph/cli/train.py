"""`barograph train`: one command for each recipe, with its options as they stand in `recipes.options`."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Any

import click

from barograph.core.errors import MissingExtra
from barograph.recipes.options import METHODS, Choice, Options, choices_of, from_file, type_of

if TYPE_CHECKING:
    from barograph.recipes.course import Finished

__all__ = ["train"]

WHAT = {
    "kto": "Answers that are labelled good or bad, one by one.",
    "dpo": "Of two answers, the chosen one against the rejected one.",
    "reward": "A reward model of pairs, or a classifier of labelled answers.",
    "prm": "A model of steps: which step of a solution is right.",
    "ppo": "Answers to prompts, scored by a function; a critic tells which token earned it.",
    "grpo": "Groups of answers to a prompt, scored by a function.",
}
#: Libraries of which one is missing where the `train` extra is.
LIBRARIES = frozenset({"accelerate", "datasets", "peft", "torch", "transformers", "trl", "yaml"})


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
        finished = _run(method, options)
        if os.environ.get("RANK", "0") != "0":
            return  # Of several processes that train together, the first one tells.
        click.echo(json.dumps(dataclasses.asdict(finished)) if as_json else "\n".join(_said(finished)))

    run.__doc__ = f"{WHAT[method]}\n\nUsual values stand in brackets: for a real model, and for the tiny one."
    made: Callable[..., None] = run
    made = click.option("--json", "as_json", is_flag=True, help="Print what came of it as one object.")(made)
    for name, one in reversed(choices_of(kind).items()):
        made = _option(name, one, type_of(kind, name))(made)
    made = click.option(
        "--config", "--train-config", "--model-config", "config", multiple=True,
        metavar="FILE", help="Options from a TOML or YAML file; what is said here goes first. May be given again.",
    )(made)  # fmt: skip
    # `--output_dir` is `--output-dir`: scripts of this field write both.
    settings = {"token_normalize_func": lambda token: token.replace("_", "-")}
    return click.command(method, short_help=WHAT[method], context_settings=settings)(made)


def _option(name: str, one: Choice, kind: type) -> Callable[[Callable[..., None]], Callable[..., None]]:
    dashed = name.replace("_", "-")
    says = f"{one.says[:1].upper()}{one.says[1:]}{_usual(one)}."
    if kind is bool:
        return click.option(f"--{dashed}/--no-{dashed}", name, default=None, help=says)
    given = click.Choice(one.among) if one.among else kind
    return click.option(
        f"--{dashed}", name, type=given, default=None, metavar=None if one.among else _word(kind), help=says
    )


def _usual(one: Choice) -> str:
    if one.usual is None:
        return ""
    tiny = "" if one.tiny == one.usual else f"; tiny: {one.tiny}"
    return f" [{one.usual}{tiny}]"


def _word(kind: type) -> str:
    return {str: "TEXT", int: "N", float: "X"}[kind]


def _run(method: str, options: Options) -> Finished:
    try:
        recipe = import_module(f"barograph.recipes.{method}")
    except ModuleNotFoundError as error:
        library = str(error.name).partition(".")[0]
        if library in LIBRARIES:
            raise MissingExtra("barograph train", library, "train") from None
        raise
    finished: Finished = recipe.run(options)
    return finished


def _said(finished: Finished) -> list[str]:
    """What was measured before and after, and what to look at next."""
    lines = ["", f"{finished.method}, {finished.steps:,} steps: {finished.verdict}"]
    names = list(dict.fromkeys([*finished.before, *finished.after]))
    width = max(map(len, names), default=0)
    if names:
        lines.append(f"  {'':{width}}   before    after")
    for name in names:
        cells = [f"{part[name]:8.3f}" if name in part else f"{'-':>8}" for part in (finished.before, finished.after)]
        lines.append(f"  {name:{width}} {' '.join(cells)}")
    return [*lines, "", f"  barograph check {finished.folder}", f"  the weights: {finished.folder}/final_model"]


for _method, _kind in METHODS.items():
    train.add_command(_command(_method, _kind))
