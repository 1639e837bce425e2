"""A run as charts, in numbers: what PNG files, the report and the page draw, each with its own brush.

No spike disappears: where a series has more values than there is room for, its lowest and highest value in each place
stay. Over them lies the mean of the values just before, which shows the course.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from barograph.charts.panels import Level, Panel, levels, panels_of, series_title
from barograph.core.bands import Stage, band_at
from barograph.core.file_names import plain_names
from barograph.core.finding import Diagnosis, Severity
from barograph.core.names import TRAIN, catalogue, split_of
from barograph.core.run import Column, Run

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = [
    "WHOLE",
    "Band",
    "Chart",
    "Line",
    "Mark",
    "View",
    "charts_of",
    "course",
    "line_of",
    "meanings",
    "number",
    "panels_by_need",
    "place",
    "room_for",
]

#: Places along a chart: about one for each two pixels of a wide one.
PLACES = 400
#: The share of its values over which a series is smoothed: one of few values is shown as it is.
SMOOTHED = 1 / 30
#: From here on numbers are written with a power of ten.
BIG = 1e7
#: Sums of larger values might be more than a number can hold.
LARGE = 1e200
#: From this ratio of the highest to the lowest value on, powers of ten show more.
WIDE = 30.0
#: How far, in heights of the data, a chart makes room for a band or a level beyond it.
ROOM = 0.6
#: Places at which a series was no number are marked, so many at most.
MOST_GAPS = 40


class View(NamedTuple):
    """What is to be seen of a series, and in how much detail."""

    places: int = PLACES
    #: From one place along the bottom to another: there is room then for what the whole has none for.
    within: tuple[float, float] | None = None


WHOLE = View()


@dataclass(frozen=True, slots=True)
class Line:
    """One series, thinned to what can be seen."""

    key: str
    title: str
    #: Held-out data, which has few points and belongs beside the training data.
    is_held_out: bool
    steps: Sequence[float]
    #: Lowest and highest value at each place; the same where there is but one.
    low: Sequence[float]
    high: Sequence[float]
    smooth: Sequence[float]
    #: Steps at which it was no finite number.
    gaps: Sequence[float]
    first: float
    last: float
    #: The lowest and the highest value of all, each with where it was.
    lowest: tuple[float, float]
    highest: tuple[float, float]
    begins: float
    #: Whether all values are drawn, or the course alone.
    shows_all: bool = True


@dataclass(frozen=True, slots=True)
class Band:
    """Where a healthy run lies between two steps; infinite where it is open."""

    first_step: float
    last_step: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Mark:
    """A finding on the chart of the metric that it is about."""

    code: str
    name: str
    severity: Severity
    step: float
    last_step: float
    says: str
    metric: str = ""


@dataclass(frozen=True, slots=True)
class Chart:
    """One chart: lines, and what helps to read them."""

    name: str
    title: str
    unit: str
    lines: Sequence[Line]
    bands: Sequence[Band]
    marks: Sequence[Mark]
    levels: Sequence[Level]
    #: Lowest and highest value that is to be seen.
    low: float
    high: float
    is_log: bool
    #: What runs along the bottom.
    axis: str
    #: What is to be seen, in words: for whoever cannot see it.
    says: str


def charts_of(
    run: Run,
    diagnosis: Diagnosis,
    view: View = WHOLE,
    *,
    only: Collection[str] | None = None,
) -> list[Chart]:
    """The charts of a run, or `only` those of these names: those of its findings first, causes before consequences."""
    found = (
        _chart(panel, run, diagnosis, view)
        for panel in panels_by_need(run, diagnosis)
        if only is None or panel.name in only
    )
    return [chart for chart in found if chart is not None]


def panels_by_need(run: Run, diagnosis: Diagnosis) -> list[Panel]:
    """What there is to draw of a run, in the order in which it is worth a look, each with a name of its own."""
    loud = [finding for finding in diagnosis.findings if finding.severity > Severity.INFO]
    ordered = sorted(loud, key=lambda finding: (finding.follows is not None, -finding.severity, finding.step))
    panels = panels_of(run.method, run.columns, first=list(dict.fromkeys(finding.metric for finding in ordered)))
    # Series may be called almost alike. Which of them is then the second must not hang on what was found.
    known = panels_of(run.method, run.columns)
    names = dict(zip((panel.metrics for panel in known), plain_names(panel.name for panel in known), strict=True))
    return [panel._replace(name=names[panel.metrics]) for panel in panels]


def _chart(panel: Panel, run: Run, diagnosis: Diagnosis, view: View) -> Chart | None:
    keys = [key for name in panel.metrics for key in run.columns if split_of(key)[1] == name]
    found = (line_of(key, run.columns[key], run.steps, view, smooths=panel.smooths) for key in keys)
    lines = [line for line in found if line is not None]
    if not lines:
        return None
    marks = [
        Mark(one.code, one.name, one.severity, one.step, one.last_step, one.says, one.metric)
        for one in diagnosis.findings
        if one.metric in keys and one.severity > Severity.INFO
    ]
    # Where a band is of one metric and lines are of several, it would be read as that of all.
    bands = _bands(keys[0], run, diagnosis) if len({split_of(line.key)[1] for line in lines}) == 1 else []
    known = levels(panel, run.method, run.config)
    lowest, highest = min(line.lowest[1] for line in lines), max(line.highest[1] for line in lines)
    is_log = panel.is_log and lowest > 0 and highest > WIDE * lowest
    low, high = room_for(lowest, highest, bands, known) if not is_log else (lowest, highest)
    metric = catalogue().get(panel.metrics[0])
    unit = str(metric.unit) if metric else ""
    says = " ".join([*(course(line) for line in lines), *(_said(mark) for mark in marks)])
    return Chart(panel.name, panel.title, unit, lines, bands, marks, known, low, high, is_log, "step", says)


def line_of(
    key: str,
    column: Column,
    along: Sequence[float],
    view: View = WHOLE,
    *,
    smooths: bool = True,
    title: str = "",
) -> Line | None:
    """A series as it can be drawn, `along` what each row stands at; None if there is no finite number to draw."""
    if not len(column):
        return None
    at = np.asarray(along, dtype=np.float64)[np.frombuffer(column.at, dtype=np.int64)]
    values = np.frombuffer(column.values, dtype=np.float64)
    if view.within is not None:
        # And one more on either side, so that the line goes on to the edge.
        first, last = at.searchsorted(view.within[0]) - 1, at.searchsorted(view.within[1], side="right") + 1
        at, values = at[max(0, first) : last], values[max(0, first) : last]
    is_finite = np.isfinite(values)
    x, y = at[is_finite], values[is_finite]
    if not len(y):
        return None
    begins = np.unique(np.linspace(0, len(y), min(view.places, len(y)), endpoint=False).astype(np.int64))
    ends = np.append(begins[1:], len(y)) - 1
    gaps = at[~is_finite]
    return Line(
        key=key,
        title=title or series_title(key),
        is_held_out=split_of(key)[0] != TRAIN,
        steps=x[ends].tolist(),
        low=np.minimum.reduceat(y, begins).tolist(),
        high=np.maximum.reduceat(y, begins).tolist(),
        smooth=(_smoothed(y) if smooths else y)[ends].tolist(),
        gaps=gaps[:: 1 + len(gaps) // MOST_GAPS].tolist(),
        first=float(y[0]),
        last=float(y[-1]),
        lowest=(float(x[y.argmin()]), float(y.min())),
        highest=(float(x[y.argmax()]), float(y.max())),
        begins=float(x[0]),
    )


def _smoothed(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """At each value the mean of those just before it."""
    width = round(len(values) * SMOOTHED)
    if width <= 1:
        return values
    if (largest := float(np.abs(values).max())) > LARGE:
        return largest * _smoothed(values / largest)
    # Sums of what is left above the mean stay small, and so do the errors of their differences.
    middle = float(values.mean())
    sums = np.concatenate(([0.0], np.cumsum(values - middle)))
    ends = np.arange(1, len(values) + 1)
    begins = np.maximum(0, ends - width)
    smooth: NDArray[np.float64] = middle + (sums[ends] - sums[begins]) / (ends - begins)
    return smooth


def _bands(key: str, run: Run, diagnosis: Diagnosis) -> list[Band]:
    """Where a healthy run lies: stage by stage, or throughout."""
    staged = [(row, row.cells[key]) for row in diagnosis.stages if key in row.cells]
    if staged:
        return [Band(row.first_step, row.last_step, cell.low, cell.high) for row, cell in staged]
    band = band_at(key, run.method, 1.0)
    if band is None or band.stage is not Stage.ANY:
        return []
    return [Band(run.first_step, run.last_step, band.low, band.high)]


def room_for(lowest: float, highest: float, bands: Sequence[Band], known: Sequence[Level]) -> tuple[float, float]:
    """From where to where a chart reaches: all of the data, and what lies near it."""
    if not math.isfinite(highest - lowest):
        return lowest, highest
    height = (highest - lowest) or abs(highest) * 0.1 or 1.0
    low, high = lowest, highest
    for value in (*(edge for band in bands for edge in (band.low, band.high)), *(level.value for level in known)):
        if math.isfinite(value) and lowest - ROOM * height <= value <= highest + ROOM * height:
            low, high = min(low, value), max(high, value)
    margin = 0.04 * ((high - low) or height)
    return max(low - margin, -sys.float_info.max), min(high + margin, sys.float_info.max)


def meanings(chart: Chart) -> Iterator[tuple[str, str]]:
    """The metrics on a chart, and what each of them means."""
    for name in dict.fromkeys(split_of(line.key)[1] for line in chart.lines):
        metric = catalogue().get(name)
        if metric is None:
            yield name, "logged by the run; barograph has no explanation of it."
        else:
            yield metric.title, f"{metric.meaning} {metric.reading}"


def course(line: Line, axis: str = "step") -> str:
    """How a series went, in a sentence."""
    begin, end = place(line.begins), place(line.steps[-1])
    if line.begins == line.steps[-1]:
        return f"{line.title} is {number(line.last)} at {axis} {end}."
    if line.lowest[1] == line.highest[1]:
        return f"{line.title} stayed at {number(line.first)} from {axis} {begin} to {end}."
    verb = "rose" if line.last > line.first else "fell" if line.last < line.first else "went"
    span = f"from {number(line.first)} at {axis} {begin} to {number(line.last)} at {axis} {end}"
    gaps = f"; no number at {axis} {place(line.gaps[0])}" if line.gaps else ""
    return f"{line.title} {verb} {span}{''.join(_extremes(line, axis))}{gaps}."


def _extremes(line: Line, axis: str) -> Iterator[str]:
    """What went beyond both ends, where it reads otherwise than they do."""
    for word, (where, value), end in (
        ("lowest", line.lowest, min(line.first, line.last)),
        ("highest", line.highest, max(line.first, line.last)),
    ):
        if number(value) != number(end):
            yield f", {word} {number(value)} at {axis} {place(where)}"


def _said(mark: Mark) -> str:
    return f"{mark.code} {mark.name} from step {mark.step:.0f}: {mark.says}."


def number(value: float) -> str:
    """A number as it is read on a chart.

    >>> [number(value) for value in (0.69314, 5e-7, 123456.0, 0.0, -25.31, 999.6, 1e300)]
    ['0.693', '5e-07', '123,456', '0', '-25.3', '1,000', '1e+300']
    """
    if value == 0:
        return "0"
    size = abs(value)
    if not math.isfinite(value) or size < 1e-3 or size >= BIG:
        return f"{value:.3g}"
    return f"{value:,.0f}" if size >= 999.5 else f"{value:.3g}"


def place(step: float) -> str:
    """A step, or whatever else runs along the bottom.

    >>> place(1500.0), place(0.25), place(1e15)
    ('1,500', '0.25', '1,000,000,000,000,000')
    """
    return f"{step:,.0f}" if step == int(step) else f"{step:,.6g}"
