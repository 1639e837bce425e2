"""`barograph plot`: the charts of runs as PNG files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from barograph.cli.judged import judge_all, tell_errors
from barograph.cli.options import METHOD
from barograph.core.file_names import home_of, plain_names

__all__ = ["plot"]


@click.command(short_help="Draw the charts of runs as PNG files.")
@click.argument("runs", nargs=-1, required=True, metavar="RUN...")
@click.option("-o", "--output", type=click.Path(file_okay=False, path_type=Path), metavar="FOLDER",
              help="Where the files go; `plots` beside the log if left out.")  # fmt: skip
@click.option("--method", type=METHOD, help="Judge as this method, whatever it looks like.")
def plot(runs: Sequence[str], output: Path | None, method: str | None) -> None:
    """Draw the charts of runs: those of their findings first, with the range of healthy runs and a mark where it began.

    Each run makes up to five files: overview.png, training_progress.png, policy_metrics.png (KL and entropy),
    evaluation_metrics.png (text scores) and example_map.png (which examples were learned, where the callback kept
    that). A spike is never smoothed away: the lowest and highest values stay.

    \b
      barograph plot runs/kto
      barograph plot log.jsonl -o figures
    """  # noqa: D301 - click looks for the backspace itself
    from barograph.charts.drawing import charts_of
    from barograph.charts.png import MAP, drawn, map_of_examples, pictures
    from barograph.engine.settings import read_settings
    from barograph.pages import examples_of
    from barograph.sinks.replace import write_whole

    judged, errors = judge_all(runs, method, read_settings())
    for (diagnosis, run), own in zip(judged, plain_names(run.path for _, run in judged), strict=True):
        folder = output or home_of(run.path) / "plots"
        if len(judged) + len(errors) > 1:  # Several runs may lie in one file, and go to one folder.
            folder /= own
        for name, picture in pictures(charts_of(run, diagnosis), diagnosis, run.path):
            write_whole(folder / name, picture)
            click.echo(folder / name)
        examples = examples_of(run.path)
        if examples is not None:
            write_whole(folder / MAP, drawn(map_of_examples(examples, f"Examples of {run.path} ({run.method})")))
            click.echo(folder / MAP)
    tell_errors(errors)
