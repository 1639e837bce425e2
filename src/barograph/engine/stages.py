"""The stage table: where the run was in each stage, against where a healthy run is."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from statistics import median

from barograph.core.bands import STAGES, band_at
from barograph.core.finding import StageCell, StageRow
from barograph.core.run import Run
from barograph.signals.timeline import Timeline

__all__ = ["stage_table"]

#: The length of the run that the KTO guide's stages are written for.
GUIDE_STEPS = 145.0
SAMPLES = 2000
#: The columns of the table, where bands exist for them.
METRICS = ("loss", "reward_margin", "reward_chosen", "reward_rejected", "reward_accuracy")


def stage_table(run: Run, timeline: Timeline) -> list[StageRow]:
    """One row per stage that the run has reached; empty for methods without stage bands."""
    # A log that ends early need not be a short run: unless its length is known, stages are as in the guide's run.
    planned = run.config.get("max_steps")
    horizon = float(timeline.horizon or run.last_step)
    if not isinstance(planned, int | float) or planned <= 0:
        horizon = max(horizon, GUIDE_STEPS)
    names = [name for name in METRICS if name in run.columns and not _of_another_kind(run, name)]
    rows: list[StageRow] = []
    begin = 0.0
    for stage, share in STAGES:
        end = share * horizon
        if begin >= run.last_step:
            break
        bands = {name: band_at(name, run.method, share) for name in names}
        cells = {
            name: StageCell(_middle(run, name, begin, end), band.low, band.high) for name, band in bands.items() if band
        }
        if not cells:
            return []
        rows.append(StageRow(str(stage.value), int(begin) + 1, min(int(end), run.last_step), cells))
        begin = end
    return rows


def _of_another_kind(run: Run, name: str) -> bool:
    """Loss levels belong to an objective: they say nothing about a run whose loss starts elsewhere."""
    band = band_at(name, run.method, 0.0)
    first = [value for value in run.columns[name].values[:5] if value - value == 0.0]
    return name == "loss" and band is not None and bool(first) and not band.low <= first[0] <= band.high


def _middle(run: Run, name: str, begin: float, end: float) -> float | None:
    """The median of a series over some steps; of very many values, of evenly spaced ones among them."""
    column = run.columns[name]
    first = bisect_left(column.at, bisect_right(run.steps, begin))
    last = bisect_left(column.at, bisect_right(run.steps, end))
    stride = 1 + (last - first) // SAMPLES
    inside = [value for value in column.values[first:last:stride] if value - value == 0.0]
    return median(inside) if inside else None
