"""What a report is made from, put together of a run, its diagnosis, and what its folder holds."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import replace

from barograph import __version__
from barograph.charts.comparison import Comparison, compared
from barograph.charts.drawing import charts_of
from barograph.charts.example_map import Dot, ExampleMap
from barograph.charts.report import Page
from barograph.core.errors import ConfigurationError, UnreadableRun
from barograph.core.file_names import home_of
from barograph.core.finding import Diagnosis
from barograph.core.methods import Method
from barograph.core.run import Run
from barograph.data.kept import has_looks
from barograph.data.map import LIKELY, Map, Region
from barograph.data.suspects import TWICE, Suspect, report_of_run, sentences
from barograph.engine.judge import judge
from barograph.engine.settings import Settings, read_settings
from barograph.monitor import read
from barograph.sources.samples import samples_of

__all__ = ["compare", "examples_of", "page_of"]

#: Settings whose words name neither a person nor a place.
HARMLESS = frozenset({
    "bf16", "fp16", "guard", "kind", "kl_estimator", "loss_type", "lr_scheduler_type", "optim", "precision", "quantize",
    "schedule", "state",
})  # fmt: skip
#: Rows of the last step with samples that are shown, so many at most; and so many steps are tried for one.
SAMPLES, TRIED = 20, 5
#: So many examples are drawn at most, and so many suspects are listed.
DRAWN, LISTED = 1_500, 10
DRAWN_REGIONS = (Region.EASY, Region.AMBIGUOUS, Region.HARD)


def compare(*runs: str | os.PathLike[str] | Run, at: int | None = None, in_nats: bool = False) -> Comparison:
    """Two runs or more side by side, the one that is to be preferred first; see `barograph compare`."""
    settings = read_settings()
    read_ones = [one if isinstance(one, Run) else read(one, metrics=settings.metrics) for one in runs]
    if len(read_ones) < 2:
        raise ConfigurationError("one run: two or more can be compared")
    return compared([(judge(run, settings), run) for run in read_ones], at=at, in_nats=in_nats)


def page_of(run: Run, diagnosis: Diagnosis, settings: Settings, *, is_anonymous: bool = False) -> Page:
    """What a report is made from."""
    samples, about = _samples(run.path)
    examples = examples_of(run.path)
    name, shown = run.path, run
    if is_anonymous:
        # What a model said holds what it was asked, whoever wrote it.
        name, samples, about, shown = "a run", [], [], replace(run, config=_without_names(run.config), notes=[])
        examples = replace(examples, suspects=()) if examples else None
        diagnosis = replace(diagnosis, notes=[])
    known = "" if run.method is Method.UNKNOWN else f" --method {run.method}"
    place = "RUN" if is_anonymous else shlex.quote(name)
    return Page(
        run=shown,
        diagnosis=diagnosis,
        charts=charts_of(run, diagnosis),
        why={rule.code: rule.sections().get("Why", "") for rule in settings.rules},
        again=[f"barograph {verb} {place}{known}" for verb in ("check", "report")],
        samples=samples,
        about_samples=about,
        examples=examples,
        name=name,
        version=__version__,
    )


def _without_names(config: Mapping[str, object]) -> dict[str, object]:
    """Numbers and truth values, and the words that everybody uses."""
    return {name: value for name, value in config.items() if isinstance(value, bool | int | float) or name in HARMLESS}


def _samples(path: str) -> tuple[Sequence[Mapping[str, object]], list[str]]:
    """What the model said last, and of which step it is, in sentences."""
    if not path or not os.path.lexists(path.partition("#")[0]):  # Rows of no file have no folder either.
        return [], []
    samples = samples_of(home_of(path))
    if samples is None:
        return [], []
    for step in reversed(samples.steps[-TRIED:]):
        if rows := samples.rows(step):
            few = f"; the first {SAMPLES} of its {len(rows):,} rows" if len(rows) > SAMPLES else ""
            steps = f", the last of {len(samples.steps):,} steps" if len(samples.steps) > 1 else ""
            return rows[:SAMPLES], [f"Step {step:,}{steps}{few}.", *samples.notes]
    return [], list(samples.notes)


def examples_of(path: str) -> ExampleMap | None:
    """What a run has shown of the examples it learned from; None where that was not kept, or cannot be read."""
    if not path or not os.path.lexists(path.partition("#")[0]) or not has_looks(home_of(path)):
        return None
    try:
        report = report_of_run(home_of(path), top=LISTED, patient=False)
    except UnreadableRun:
        return None
    counts = report.map.counts()
    return ExampleMap(
        dots=[_dot(report.map, place) for place in report.map.drawn(DRAWN)],
        groups=[(region.words, counts[region.name.lower()]) for region in DRAWN_REGIONS],
        has_spread=report.map.looks >= TWICE,
        says=sentences(report),
        suspects=[_listed(one) for one in report.suspects],
    )


def _dot(found: Map, place: int) -> Dot:
    group = DRAWN_REGIONS.index(Region(int(found.region[place])))
    is_apart = bool(found.chance[place] > LIKELY)
    return Dot(float(found.spread[place]), float(found.mean[place]), group, is_apart=is_apart)


def _listed(one: Suspect) -> dict[str, object]:
    """A suspect as a row of a table."""
    row = {"row as trained on": one.row} if one.file_row is None else {"row": one.file_row}
    return {**row, "margin": one.mean, "held with": f"{round(one.right * one.looks)} of {one.looks}", **one.texts}
