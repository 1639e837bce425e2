"""`barograph report`: a run in one HTML file."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from barograph import __version__
from barograph.cli.judged import judge_all, tell_errors
from barograph.cli.options import METHOD
from barograph.core.file_names import home_of, plain_name

if TYPE_CHECKING:
    from barograph.core.finding import Diagnosis
    from barograph.core.run import Run
    from barograph.engine.settings import Settings

__all__ = ["page_of", "report", "report_beside"]

#: Settings whose words name neither a person nor a place.
HARMLESS = frozenset({
    "bf16", "fp16", "guard", "kind", "kl_estimator", "loss_type", "lr_scheduler_type", "optim", "precision", "quantize",
    "schedule", "state",
})  # fmt: skip
#: Predictions of the last evaluation that are shown, so many at most.
SAMPLES = 20


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
    from barograph.sinks.replace import write_whole

    settings, target = read_settings(), Path(folder) / "report.html"
    for diagnosis, run in judge_all([folder], None, settings)[0]:
        write_whole(target, document.report(page_of(run, diagnosis, settings)).encode())
    return target


def page_of(run: Run, diagnosis: Diagnosis, settings: Settings, *, is_anonymous: bool = False) -> Any:
    """What a report is made from."""
    from barograph.charts.drawing import charts_of
    from barograph.charts.report import Page

    samples = _samples(home_of(run.path))
    name, shown = run.path, run
    if is_anonymous:
        name, shown = "a run", replace(run, config=_without_names(run.config), notes=[])
        diagnosis = replace(diagnosis, notes=[])
    return Page(
        run=shown,
        diagnosis=diagnosis,
        charts=charts_of(run, diagnosis),
        why={rule.code: rule.sections().get("Why", "") for rule in settings.rules},
        again=[f"barograph {verb} {'RUN' if is_anonymous else name}" for verb in ("check", "report")],
        samples=samples,
        name=name,
        version=__version__,
    )


def _without_names(config: Mapping[str, object]) -> dict[str, object]:
    """Numbers and truth values, and the words that everybody uses."""
    return {name: value for name, value in config.items() if isinstance(value, bool | int | float) or name in HARMLESS}


def _samples(folder: Path) -> list[dict[str, object]]:
    """The predictions of the last evaluation, where a classifier has kept some."""
    try:
        evaluations = json.loads((folder / "prediction_samples.json").read_bytes())
        rows = evaluations[-1]["samples"][:SAMPLES]
        return [{str(name): value for name, value in row.items()} for row in rows]
    except (OSError, ValueError, TypeError, KeyError, IndexError, AttributeError):
        return []
