"""What `train` and `sweep` have in common: a recipe's options as flags, and its call."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, TypeAlias

import click

from barograph.core.errors import MissingExtra
from barograph.recipes.options import Choice, Options, choices_of, type_of

if TYPE_CHECKING:
    from barograph.recipes.result import Finished

__all__ = ["USUAL", "WHAT", "command_of", "run_recipe"]

Body: TypeAlias = Callable[..., None]

WHAT = {
    "kto": "Answers that are labelled good or bad, one by one.",
    "dpo": "Of two answers, the chosen one against the rejected one.",
    "reward": "A reward model of pairs, or a classifier of labelled answers.",
    "prm": "A model of steps: which step of a solution is right.",
    "ppo": "Answers to prompts, scored by a function; a critic tells which token earned it.",
    "grpo": "Groups of answers to a prompt, scored by a function.",
}
USUAL = "Usual values stand in brackets: for a real model, and for the tiny one."
#: Libraries of which one is missing where the `train` extra is.
LIBRARIES = frozenset({"accelerate", "datasets", "peft", "torch", "transformers", "trl", "xxhash", "yaml"})
WORDS = {str: "TEXT", int: "N", float: "X"}


def command_of(method: str, kind: type[Options], body: Body, *, several: frozenset[str] = frozenset()) -> click.Command:
    """A command that takes the options of a recipe; of the fields in `several`, more than one value."""
    made = body
    for name, one in reversed(choices_of(kind).items()):
        made = _option(name, one, type_of(kind, name), takes_several=name in several)(made)
    made = click.option(
        "--config", "--train-config", "--model-config", "config", multiple=True,
        metavar="FILE", help="Options from a TOML or YAML file; what is said here goes first. May be given again.",
    )(made)  # fmt: skip
    # `--output_dir` is `--output-dir`: scripts of this field write both.
    settings = {"token_normalize_func": lambda token: token.replace("_", "-")}
    return click.command(method, short_help=WHAT[method], context_settings=settings)(made)


def run_recipe(method: str, options: Options) -> Finished:
    """Train. A library that is missing is named with the extra that brings it."""
    try:
        recipe = import_module(f"barograph.recipes.{method}")
    except ModuleNotFoundError as error:
        library = str(error.name).partition(".")[0]
        if library in LIBRARIES:
            raise MissingExtra("barograph train", library, "train") from None
        raise
    finished: Finished = recipe.run(options)
    return finished


def _option(name: str, one: Choice, kind: type, *, takes_several: bool) -> Callable[[Body], Body]:
    dashed = name.replace("_", "-")
    says = f"{one.says[:1].upper()}{one.says[1:]}{_usual(one)}."
    if takes_several:
        word = "|".join(one.among) or WORDS[kind]
        return click.option(f"--{dashed}", name, default=None, metavar=f"{word}[,...]", help=says)
    if kind is bool:
        return click.option(f"--{dashed}/--no-{dashed}", name, default=None, help=says)
    if one.among:
        return click.option(f"--{dashed}", name, type=click.Choice(one.among), default=None, help=says)
    return click.option(f"--{dashed}", name, type=kind, default=None, metavar=WORDS[kind], help=says)


def _usual(one: Choice) -> str:
    if one.usual is None:
        return ""
    tiny = "" if one.tiny == one.usual else f"; tiny: {one.tiny}"
    return f" [{one.usual}{tiny}]"
