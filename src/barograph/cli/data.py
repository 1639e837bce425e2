"""`barograph data`: is this data fit to be trained on, and which of it has a run never learned?"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from barograph.cli.check import FAIL_ON, FINDINGS
from barograph.cli.checks import limits_of, reading_shown, words_of
from barograph.console.terminal import Terminal
from barograph.core.errors import ConfigurationError
from barograph.core.finding import Severity
from barograph.core.plain_json import plain

if TYPE_CHECKING:
    from barograph.data.clean import Cleaned
    from barograph.data.finding import DataReport

__all__ = ["data"]

PIPED = "-"
KINDS = ("paired", "unpaired", "reward", "steps", "prompts")
#: Options that say something about a run, and those that do about either.
OF_RUN, OF_BOTH = {"trained_on", "top"}, {"where", "as_json", "verbose"}


@click.command(short_help="Say whether a data set is fit to be trained on, or what of it a run never learned.")
@click.argument("where", metavar="DATA|RUN")
@click.option("--eval", "held_out", metavar="DATA", help="What is held out; else a split of that name beside DATA.")
@click.option("--split", metavar="NAME", help="Which split, where DATA has several: train_prefs.")
@click.option("--kind", type=click.Choice(KINDS), help="What it is for, whatever it looks like.")
@click.option("--tokenizer", metavar="PATH", help="A tokenizer or model on disk: tokens are counted, not estimated.")
@click.option("--max-length", type=click.IntRange(1), metavar="N", help="Tokens that an example will be cut to.")
@click.option("--sample", type=click.IntRange(100), default=10_000, show_default=True, metavar="N",
              help="Examples that the dearer checks draw.")  # fmt: skip
@click.option("--clean", "out", metavar="OUT", help="Write a copy without what should go, and OUT.dropped.jsonl.")
@click.option("--select", "selected", multiple=True, metavar="CHECKS", help="Only these checks: codes, names.")
@click.option("--ignore", "ignored", multiple=True, metavar="CHECKS", help="Not these checks.")
@click.option(
    "--set", "numbers", multiple=True, metavar="CODE.NAME=N", help="Set a check's number: DATA03.warns_from=0.01."
)
@click.option("--fail-on", type=click.Choice(list(FAIL_ON)), default="warning", show_default=True,
              help="Exit with 3 when there are findings at or above this.")  # fmt: skip
@click.option("--trained-on", metavar="DATA", help="Of a run: the data it was given, where no recipe says.")
@click.option("--top", type=click.IntRange(1), default=10, show_default=True, metavar="N",
              help="Of a run: so many suspects are listed.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of text.")
@click.option("-v", "--verbose", is_flag=True, help="Also why each finding matters, and what could not be judged.")
@click.pass_context
def data(  # noqa: PLR0913, PLR0917 - one argument for each option
    context: click.Context,
    where: str,
    held_out: str | None,
    split: str | None,
    kind: str | None,
    tokenizer: str | None,
    max_length: int | None,
    sample: int,
    out: str | None,
    selected: Sequence[str],
    ignored: Sequence[str],
    numbers: Sequence[str],
    fail_on: str,
    trained_on: str | None,
    top: int,
    *,
    as_json: bool,
    verbose: bool,
) -> None:
    """Say what is wrong with a preference data set before anything is trained on it, in which rows, and what to do.

    DATA is a file (JSON lines, JSON, CSV, TSV, Parquet; packed or not), a folder of such files or one that `datasets`
    saved, a data set of the hub (OWNER/NAME), or - for standard input. Pairs, labelled answers, labelled steps and
    prompts are recognised by their columns, whatever these are called; conversations and prompts that stand only
    within the answers too.

    RUN is the folder of a run that BarographCallback has watched, as every `barograph train` is: then the examples are
    listed whose labels are likeliest wrong, by how the model took to them, and those it wavered about.

    \b
      barograph data pairs.jsonl
      barograph data train.parquet --eval test.parquet
      barograph data kto.csv --kind unpaired --json
      barograph data pairs.jsonl --tokenizer models/qwen --max-length 1024
      zstd -dc pairs.jsonl.zst | barograph data -
      barograph data pairs.jsonl --clean pairs-clean.jsonl
      barograph data runs/dpo --top 50
    """  # noqa: D301 - click looks for the backspace itself
    from barograph.data.catalogue import by_code, select
    from barograph.data.clean import check_room
    from barograph.data.clean import clean as cleaned
    from barograph.data.example import Kind
    from barograph.data.judge import judge
    from barograph.data.kept import is_run
    from barograph.data.piped import piped
    from barograph.data.reading import open_data
    from barograph.data.tokenizer import tokenizer_at

    has_run = where != PIPED and is_run(where)
    _check_fit(context, where, is_run=has_run)
    if has_run:
        from barograph.cli.data_run import tell_run

        tell_run(where, data=trained_on, top=top, as_json=as_json, verbose=verbose)
        return
    checks = select(words_of(selected), words_of(ignored))
    limits = limits_of(numbers, by_code(), "DATA03.warns_from=0.01")
    words = tokenizer_at(tokenizer) if tokenizer else None
    with ExitStack() as stack:
        is_piped = where == PIPED
        splits = stack.enter_context(piped(sys.stdin.buffer, split)) if is_piped else open_data(where, split)
        beside = open_data(held_out).train if held_out else splits.held_out
        if out:
            check_room(splits.train, Path(out))
        with reading_shown() as progress:
            report = judge(
                splits.train,
                beside,
                kind=Kind(kind) if kind else None,
                tokenizer=words,
                max_length=max_length,
                sample=sample,
                checks=checks,
                limits=limits,
                progress=progress,
            )
        copy = cleaned(splits.train, report.rows, report.findings, out) if out else None
    if as_json:
        _print_json(report, copy)
    else:
        _print_text(report, copy, verbose=verbose)
    limit = FAIL_ON[fail_on]
    if limit is not None and (report.worst or Severity.INFO) >= limit:
        raise click.exceptions.Exit(FINDINGS)


def _check_fit(context: click.Context, where: str, *, is_run: bool) -> None:
    """Nobody is to believe that an option had a say where it has none."""
    said = {name for name in context.params if context.get_parameter_source(name) is ParameterSource.COMMANDLINE}
    others = said - OF_BOTH - OF_RUN if is_run else said & OF_RUN
    for option in context.command.params:
        if option.name in others:
            kinds = ("a run", "data sets") if is_run else ("no run that BarographCallback has watched", "runs")
            raise ConfigurationError(f"{where} is {kinds[0]}: {option.opts[-1]} is for {kinds[1]}")


def _print_json(report: DataReport, copy: Cleaned | None) -> None:
    answer: dict[str, object] = {"schema": 1, "data": plain(report.to_dict())}
    if copy is not None:
        answer["cleaned"] = {
            "path": str(copy.out), "log": str(copy.log), "kept": copy.kept, "dropped": copy.dropped,
        }  # fmt: skip
    click.echo(json.dumps(answer, indent=2, allow_nan=False, ensure_ascii=False))


def _print_text(report: DataReport, copy: Cleaned | None, *, verbose: bool) -> None:
    from barograph.cli.data_report import data_lines

    terminal = Terminal.of(sys.stdout)
    click.echo("\n".join(data_lines(report, terminal, verbose=verbose)), color=terminal.colour)
    if copy is not None:
        click.echo(f"\nWritten: {copy.out} with {copy.kept:,} rows; {copy.dropped:,} were left out, see {copy.log}")
