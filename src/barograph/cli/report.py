"""`barograph report`: a run in one HTML file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from barograph.cli.judged import judge_all, tell_errors
from barograph.cli.options import METHOD
from barograph.core.errors import ConfigurationError
from barograph.core.file_names import home_of, plain_names

if TYPE_CHECKING:
    from barograph.core.finding import Diagnosis
    from barograph.core.run import Run
    from barograph.engine.settings import Settings

__all__ = ["report", "report_beside"]


@click.command(short_help="Write a run as one HTML file.")
@click.argument("runs", nargs=-1, required=True, metavar="RUN...")
@click.option("-o", "--output", type=click.Path(path_type=Path), metavar="PATH",
              help="The file, or the folder for it; `report.html` beside the log if left out.")  # fmt: skip
@click.option("--method", type=METHOD, help="Judge as this method, whatever it looks like.")
@click.option("--anonymous", is_flag=True, help="Without paths and names: to be shown to anybody.")
def report(runs: Sequence[str], output: Path | None, method: str | None, *, anonymous: bool) -> None:
    """Write a run as one HTML file: the verdict first, what proves it, where on the curve it happened, what to do.

    The file needs nothing but itself: it opens from the disk, offline, in light and dark, and can be printed or mailed.

    \b
      barograph report runs/kto
      barograph report log.jsonl -o kto.html --anonymous
    """  # noqa: D301 - click looks for the backspace itself
    from barograph.engine.settings import read_settings

    settings = read_settings()
    judged, errors = judge_all(runs, method, settings)
    are_several = len(judged) + len(errors) > 1
    if are_several and output is not None and output.suffix == ".html":
        raise ConfigurationError(f"{output}: several runs make several files; name a folder")
    for (diagnosis, run), name in zip(judged, plain_names(run.path for _, run in judged), strict=True):
        target = output or home_of(run.path)
        if are_several:
            target /= f"{name}.html"
        elif target.is_dir():
            target /= "report.html"
        _write(target, run, diagnosis, settings, is_anonymous=anonymous)
        click.echo(target)
    tell_errors(errors)


def report_beside(folder: str) -> Path | None:
    """Write the report of the run in a folder into it; None if there is no run that can be read."""
    from barograph.engine.settings import read_settings

    settings, target = read_settings(), Path(folder) / "report.html"
    judged, _ = judge_all([folder], None, settings)
    for diagnosis, run in judged:
        _write(target, run, diagnosis, settings)
    return target if judged else None


def _write(target: Path, run: Run, diagnosis: Diagnosis, settings: Settings, *, is_anonymous: bool = False) -> None:
    from barograph.charts.report import report as document
    from barograph.pages import page_of
    from barograph.sinks.replace import write_whole

    write_whole(target, document(page_of(run, diagnosis, settings, is_anonymous=is_anonymous)).encode())
