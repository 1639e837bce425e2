"""The curves of several runs on one chart, along what they are to be compared by."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import replace

import numpy as np

from barograph.charts.comparison import Comparison, Contestant, scale_of
from barograph.charts.drawing import WHOLE, Chart, Line, View, course, line_of, room_for
from barograph.charts.panels import series_title
from barograph.core.errors import ConfigurationError
from barograph.core.file_names import plain_names
from barograph.core.names import catalogue, split_of
from barograph.core.run import Run

__all__ = ["ALONG", "overlaid", "overlay", "scaled"]

#: What runs may be laid along, and the series that tells it.
ALONG = {"step": "", "epoch": "epoch", "samples": "episode", "tokens": "tokens_seen"}
#: Of so many runs or fewer, each curve is drawn with all its values; of more, with its course alone.
FEW = 4
#: Settings whose product is the number of examples in a step, by the names that trainers give them.
IN_A_STEP = (
    ("per_device_train_batch_size", "batch_size", "train_batch_size"),
    ("gradient_accumulation_steps", "accumulate"),
    ("world_size",),
)


def overlay(
    comparison: Comparison,
    by: str = "step",
    view: View = WHOLE,
    *,
    only: Collection[str] | None = None,
) -> list[Chart]:
    """A chart for each series that several runs have, or `only` those of these names: the goal first."""
    along = {one.name: _along(one.run, by, one.name) for one in comparison.contestants}
    names = overlaid(comparison)
    found = (
        _chart(name, key, comparison, along, by, view) for name, key in names.items() if only is None or name in only
    )
    return [chart for chart in found if chart is not None]


def overlaid(comparison: Comparison) -> dict[str, str]:
    """The names of the charts that `overlay` may draw, and the series on each."""
    known = sorted(comparison.series)  # Which of two that are called almost alike is the second hangs on nothing else.
    names = dict(zip(known, plain_names(known), strict=True))
    return {names[key]: key for key in comparison.series}


def _chart(
    name: str, key: str, comparison: Comparison, along: dict[str, Sequence[float]], by: str, view: View
) -> Chart | None:
    found = (_line(key, one, along[one.name], comparison, view) for one in comparison.contestants)
    lines = [line for line in found if line is not None]
    if len(lines) < (2 if view.within is None else 1):
        return None
    metric = catalogue().get(split_of(key)[1])
    low, high = room_for(min(line.lowest[1] for line in lines), max(line.highest[1] for line in lines), (), ())
    unit = str(metric.unit) if metric else ""
    if comparison.in_nats and any(scale_of(key, one.run) != 1.0 for one in comparison.contestants):
        unit = "nats per sequence"
    says = " ".join(course(line, by) for line in lines)
    return Chart(name, series_title(key), unit, lines, (), (), (), low, high, False, by, says)


def _line(key: str, one: Contestant, along: Sequence[float], comparison: Comparison, view: View) -> Line | None:
    column = one.run.columns.get(key)
    line = line_of(key, column, along, view, title=one.name) if column is not None else None
    if line is None:
        return None
    line = replace(line, is_held_out=False)  # All lines of a chart are of one kind here: dashes would tell nothing.
    if len(comparison.contestants) > FEW:
        line = replace(line, shows_all=False)
    return scaled(line, scale_of(key, one.run) if comparison.in_nats else 1.0)


def scaled(line: Line, scale: float) -> Line:
    """A line in another unit."""
    if scale == 1.0:
        return line
    low, high, smooth = ([scale * value for value in values] for values in (line.low, line.high, line.smooth))
    return replace(
        line, low=low, high=high, smooth=smooth, first=scale * line.first, last=scale * line.last,
        lowest=(line.lowest[0], scale * line.lowest[1]), highest=(line.highest[0], scale * line.highest[1]),
    )  # fmt: skip


def _along(run: Run, by: str, name: str) -> Sequence[float]:
    """Where each row of a run stands."""
    if by == "step":
        return run.steps
    column = run.columns.get(ALONG[by])
    if column is None or not column.finite():
        if by == "samples" and (each := _in_a_step(run)):
            return [each * step for step in run.steps]
        raise ConfigurationError(f"{name}: does not tell its {by}; compare by another, as --by step")
    known = [(row, value) for row, value in zip(column.at, column.values, strict=True) if math.isfinite(value)]
    # Rows that do not tell lie between those that do.
    between = np.interp(range(len(run)), [row for row, _ in known], [value for _, value in known])
    # A counter that begins anew, as after a resume, does not lead back: the run had come that far.
    between = np.maximum.accumulate(between)
    places: list[float] = between.tolist()
    return places


def _in_a_step(run: Run) -> float:
    """Examples in a step, or 0 where the settings do not say."""
    product = 1.0
    for place, names in enumerate(IN_A_STEP):
        value = next((run.config[name] for name in names if name in run.config), None)
        if isinstance(value, int | float) and not isinstance(value, bool) and value > 0:
            product *= value
        elif place == 0:
            return 0.0
    return product
