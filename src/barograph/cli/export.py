"""`barograph export`: any run in a form that other tools read."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from barograph.cli.options import METHOD
from barograph.cli.progress import fetching_shown
from barograph.core.errors import ConfigurationError

if TYPE_CHECKING:
    from barograph.core.run import Run
    from barograph.sinks.rows import Rows

__all__ = ["export"]

FORMATS = ("jsonl", "csv", "json", "parquet")
STANDARD_INPUT = "-"


@click.command(short_help="Write a run as JSONL, CSV, JSON or Parquet.")
@click.argument("run", metavar="RUN")
@click.option("--to", "target", metavar="FILE", help="Write to this file instead of standard output.")
@click.option("--format", "form", type=click.Choice(FORMATS), help="By default what FILE ends in, else jsonl.")
@click.option("--raw/--canonical", help="Names and units as the framework wrote them, or barograph's own (default).")
@click.option("--split", "splits", multiple=True, metavar="SPLIT", help="Only this split: train, eval, eval/NAME.")
@click.option("--method", type=METHOD, help="Read as this method, whatever it looks like.")
@click.option("--config", metavar="FILE", help="Settings in TOML, for the names under [metrics].")
def export(
    run: str,
    target: str | None,
    form: str | None,
    *,
    raw: bool,
    splits: Sequence[str],
    method: str | None,
    config: str | None,
) -> None:
    """Write a run with one row for each step and split, whatever it was logged by.

    RUN is a log file, a folder (the newest checkpoint is found), a URL, or - for standard input. Where a path holds
    several runs, PATH#NAME is one of them.

    Resumes, repeated steps and broken lines are repaired on the way. NaN and infinities are kept: as nan, inf and
    -inf in CSV, and as the texts "NaN", "Infinity" and "-Infinity" in JSON, which has no such numbers.

    \b
      barograph export outputs/kto
      barograph export trainer_state.json --to run.csv
      barograph export outputs/kto --raw --split eval --format csv
    """  # noqa: D301 - click looks for the backspace itself
    from barograph.console.terminal import clean
    from barograph.engine.settings import read_settings
    from barograph.monitor import read
    from barograph.sinks.catalogue import sink_for, write_file
    from barograph.sinks.rows import rows_of

    sink = sink_for(form, target)
    if target is None and not sink.is_text:
        raise ConfigurationError(f"{sink.name} is not for standard output: name a file with --to")
    if target is not None and run != STANDARD_INPUT:
        _keep_the_log(run, target)
    with fetching_shown():
        found = read(run, method=method, metrics=read_settings(config).metrics)
    if found.attempt:
        click.echo(f"the log holds runs that follow each other; this is the last, {clean(found.path)}", err=True)
    rows = rows_of(found, raw=raw, splits=splits)
    if target is None:
        sink.write(rows, sys.stdout.buffer)
        return
    write_file(sink, rows, target)
    _say_what_was_done(found, rows, target)


def _keep_the_log(run: str, target: str) -> None:
    """Refuse to write over what is being read."""
    from pathlib import Path

    from barograph.sources.locate import find
    from barograph.sources.remote import is_elsewhere

    if Path(target).exists() and not is_elsewhere(run):
        logs = (log.document.place for place in find(run) for log in place.logs)
        for log in logs:
            if Path(target).samefile(log):
                raise ConfigurationError(f"{target}: is the log that is being read; choose another name")


def _say_what_was_done(run: Run, rows: Rows, target: str) -> None:
    from barograph.console.terminal import clean

    size = f"{len(rows):,} rows of {len(rows.names):,} metrics ({run.method.value})"
    click.echo(f"{size} written to {clean(target)}", file=sys.stderr)
    if run.unknown_keys:
        some = ", ".join(clean(key) for key in run.unknown_keys[:5]) + (", ..." if len(run.unknown_keys) > 5 else "")
        click.echo(f"left out, for their meaning is not known: {some}", file=sys.stderr)
