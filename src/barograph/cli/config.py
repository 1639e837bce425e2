"""`barograph config`: are these settings fit to train with?"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from barograph.cli.check import FAIL_ON, FINDINGS
from barograph.cli.checks import limits_of, reading_shown, words_of
from barograph.cli.options import METHOD
from barograph.console.terminal import Terminal
from barograph.core.finding import Severity
from barograph.core.methods import Method
from barograph.core.plain_json import plain
from barograph.recipes.cards import CARDS

if TYPE_CHECKING:
    from barograph.config.look import Look
    from barograph.config.plan import Plan
    from barograph.config.reading import SettingsFile

__all__ = ["config"]


@click.command(short_help="Say whether settings are fit to train with.")
@click.argument("file", metavar="FILE")
@click.option("--method", type=METHOD, help="Judge as this method, whatever the settings look like.")
@click.option("--data", metavar="DATA", help="What will be trained on: lengths, classes and updates are judged too.")
@click.option("--tokenizer", metavar="PATH", help="A tokenizer or model on disk: tokens are measured, not estimated.")
@click.option("--card", type=click.Choice(list(CARDS)), help="What it will be trained on: does it fit, how long?")
@click.option("--select", "selected", multiple=True, metavar="CHECKS", help="Only these checks: codes, names.")
@click.option("--ignore", "ignored", multiple=True, metavar="CHECKS", help="Not these checks.")
@click.option(
    "--set", "numbers", multiple=True, metavar="CODE.NAME=N", help="Set a check's number: CFG03.warns_from=5."
)
@click.option("--fail-on", type=click.Choice(list(FAIL_ON)), default="warning", show_default=True,
              help="Exit with 3 when there are findings at or above this.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of text.")
@click.option("-v", "--verbose", is_flag=True, help="Also why each finding matters, and what could not be judged.")
def config(  # noqa: PLR0913, PLR0917 - one argument for each option
    file: str,
    method: str | None,
    data: str | None,
    tokenizer: str | None,
    card: str | None,
    selected: Sequence[str],
    ignored: Sequence[str],
    numbers: Sequence[str],
    fail_on: str,
    *,
    as_json: bool,
    verbose: bool,
) -> None:
    """Judge the settings of a training before its first step, and say what its size comes to.

    FILE holds them as the framework takes them: a recipe of `barograph train` in TOML or YAML, arguments of
    transformers or TRL in JSON or YAML, settings of LLaMA-Factory, verl or OpenRLHF, a shell script with flags, or the
    folder of a run. Which method they are for is seen by their names, or by that of the file.

    \b
      barograph config kto.toml
      barograph config training_args.json --method dpo
      barograph config prm.yaml --data steps.jsonl --card 24gb
      barograph config train_grpo.sh --json
      barograph config runs/kto
    """  # noqa: D301 - click looks for the backspace itself
    from barograph.config.catalogue import by_code, select
    from barograph.config.judge import judge_settings
    from barograph.config.look import fits, knowing
    from barograph.config.reading import read_settings_file
    from barograph.recipes.size import fitted_to, size_of

    checks = select(words_of(selected), words_of(ignored))
    limits = limits_of(numbers, by_code(), "CFG03.warns_from=5")
    found = read_settings_file(file)
    plan, notes = _plan(found, Method(method) if method else None), list[str]()
    look = _look(data, tokenizer) if data else None
    if look is not None:
        plan = knowing(plan, look, _held_out(found))
        if not fits(look.kind, plan.method):
            notes.append(f"{look.path} holds {look.kind.value} examples, on which {plan.method.value} is not trained")
    if plan.method is Method.UNKNOWN:
        notes.append("it is not known which method this is for; --method says it, and more can be judged then")
    plan = fitted_to(plan, card)
    report = judge_settings(plan, found.path, checks=checks, limits=limits, notes=notes)
    size = size_of(plan, look, card)
    if as_json:
        answer = {"schema": 1, "config": plain(report.to_dict()), "size": plain(size.to_dict())}
        click.echo(json.dumps(answer, indent=2, allow_nan=False, ensure_ascii=False))
    else:
        from barograph.cli.config_report import config_lines

        terminal = Terminal.of(sys.stdout)
        lines = config_lines(report, size, terminal, verbose=verbose)
        click.echo("\n".join(lines), color=terminal.colour)
    limit = FAIL_ON[fail_on]
    if limit is not None and (report.worst or Severity.INFO) >= limit:
        raise click.exceptions.Exit(FINDINGS)


def _plan(found: SettingsFile, method: Method | None) -> Plan:
    """The plan of a file; one for a recipe of ours is completed by what is usual for the recipe."""
    from barograph.config.dialects.recipe import RECIPE
    from barograph.config.reading import plan_of
    from barograph.recipes.options import METHODS
    from barograph.recipes.planned import plan_of_recipe

    plan = plan_of(found, method)
    is_record = "parameters" in found.found
    if plan.dialect is RECIPE and plan.method.value in METHODS and not is_record:
        return plan_of_recipe(plan.method.value, found.found)
    return plan


def _look(data: str, tokenizer: str | None) -> Look:
    from barograph.config.look import look_at
    from barograph.data.reading import open_data
    from barograph.data.tokenizer import tokenizer_at

    words = tokenizer_at(tokenizer) if tokenizer else None
    with reading_shown() as progress:
        return look_at(open_data(data).train, words, progress)


def _held_out(found: SettingsFile) -> float:
    """The share of the data that a recipe holds out, where it is given no others."""
    from barograph.config.dialects.catalogue import dialect_of
    from barograph.config.dialects.recipe import RECIPE
    from barograph.core.settings import as_number

    if dialect_of(found.found) is not RECIPE or found.found.get("eval_data"):
        return 0.0
    share = as_number(found.found.get("eval_share"))
    return 0.1 if share is None else share
