"""`barograph report`: a run in one HTML file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from barograph.cli.judged import judge_all, tell_errors
from barograph.cli.options import METHOD
from barograph.core.file_names import home_of, plain_name

__all__ = ["report", "report_beside"]


@click.command(short_help="Write a run as one HTML file.")
@click.argument("runs", nargs=-1, required=True, metavar="RUN...")
@click.option("-o", "--output", type=click.Path(path_type=Path), metavar="FILE",
              help="The file, or for several runs the folder; `report.html` beside the log if left out.")  # fmt: skip
@click.option("--method", type=METHOD, help="Judge as this method, whatever it looks like.")
@click.option("--anonymous", is_flag=True, help="Without paths and names: to be shown to anybody.")
def report(runs: Sequence[str], output: Path | None, method: str | None, *, anonymous: bool) -> None:
    """Write a run as one HTML file: the verdict first, what proves it, where on the curve it happened, what to do.

    The file needs nothing but itself: it opens from the disk, offline, in light and dark, and can be printed or mailed.

    \b
      barograph report runs/kto
      barograph report log.jsonl -o kto.html --anonymous
    """  # noqa: D301 - click looks for the backspace itself
    from barograph.charts import report as document
    from barograph.engine.settings import read_settings
    from barograph.pages import page_of
    from barograph.sinks.replace import write_whole

    settings = read_settings()
    judged, errors = judge_all(runs, method, settings)
    for diagnosis, run in judged:
        target = output or home_of(run.path) / "report.html"
        if len(judged) > 1:
            folder = output or home_of(run.path)
            target = folder / f"{plain_name(run.path)}.html"
        page = page_of(run, diagnosis, settings, is_anonymous=anonymous)
        write_whole(target, document.report(page).encode())
        click.echo(target)
    tell_errors(errors)


def report_beside(folder: str) -> Path:
    """Write the report of the run in a folder into it."""
    from barograph.charts import report as document
    from barograph.engine.settings import read_settings
    from barograph.pages import page_of
    from barograph.sinks.replace import write_whole

    settings, target = read_settings(), Path(folder) / "report.html"
    for diagnosis, run in judge_all([folder], None, settings)[0]:
        write_whole(target, document.report(page_of(run, diagnosis, settings)).encode())
    return target
