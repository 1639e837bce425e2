"""What `check`, `plot` and `report` have in common: every run that is named, judged."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from barograph.core.errors import UnreadableRun
from barograph.core.finding import Diagnosis

if TYPE_CHECKING:
    from barograph.core.run import Run
    from barograph.engine.settings import Settings

__all__ = ["judge_all", "tell_errors"]

FAILED = 1
#: From so many runs on, a person at a terminal is shown how far it has got.
MANY = 8


def judge_all(
    patterns: Sequence[str], method: str | None, settings: Settings
) -> tuple[list[tuple[Diagnosis, Run]], list[UnreadableRun]]:
    """Every run that can be read, and an error for each that cannot: one broken log hides no other."""
    from barograph.engine.judge import judge
    from barograph.monitor import read_each
    from barograph.sources.locate import expand

    judged: list[tuple[Diagnosis, Run]] = []
    errors: list[UnreadableRun] = []
    paths: list[str] = []
    for pattern in patterns:
        try:
            paths += [path for path in expand([pattern]) if path not in paths]
        except UnreadableRun as error:
            errors.append(error)
    show = len(paths) >= MANY and sys.stderr.isatty()
    for number, path in enumerate(paths, 1):
        if show:
            click.echo(f"\r{number}/{len(paths)}", nl=False, err=True)
        try:
            for found in read_each(path, method=method, metrics=settings.metrics):
                if isinstance(found, UnreadableRun):
                    errors.append(found)
                else:
                    judged.append((judge(found, settings), found))
        except UnreadableRun as error:
            errors.append(error)
    if show:
        click.echo("\r" + " " * 20 + "\r", nl=False, err=True)
    return judged, errors


def tell_errors(errors: Sequence[UnreadableRun]) -> None:
    """Say what could not be read; the command has failed then, whatever it did for the others."""
    for error in errors:
        click.echo(f"barograph: {error}", err=True)
    if errors:
        raise click.exceptions.Exit(FAILED)
