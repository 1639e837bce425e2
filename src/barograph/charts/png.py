"""Charts as PNG files. matplotlib is imported here alone, and only when something is drawn."""

from __future__ import annotations

import io
import math
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from typing import Any

from barograph.charts.drawing import LARGE, Chart, Line
from barograph.charts.example_map import ExampleMap, bars, extent
from barograph.core.errors import MissingExtra
from barograph.core.finding import Diagnosis, Severity, Verdict

__all__ = ["FILES", "MAP", "MOST", "colours", "drawn", "figure_of", "map_of_examples", "pictures"]

#: Colours that people who see few colours tell apart (Okabe and Ito), in the order in which lines take them.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
#: The colours that people know text scores by.
KNOWN = {
    "bertscore": "tab:red", "codebleu": "tab:blue", "bleu": "tab:green", "rouge": "tab:orange", "ruby": "tab:purple",
    "reward_chosen": "#009E73", "reward_rejected": "#D55E00", "logp_chosen": "#009E73", "logp_rejected": "#D55E00",
}  # fmt: skip
DASHES = ("-", "--", "-.", ":")
BAND, LEVEL = "#009E73", "#555555"
MARKS = {Severity.CRITICAL: "#B00020", Severity.WARNING: "#B26B00"}
VERDICTS = {Verdict.HEALTHY: "#1B7F3B", Verdict.WATCH: "#B26B00", Verdict.UNHEALTHY: "#B00020"}
#: The files of a run and the charts on each; the first shows those that matter most, whatever they are.
FILES: dict[str, tuple[str, ...]] = {
    "overview.png": (),
    "training_progress.png": ("loss", "margin", "rewards", "accuracy", "score", "f1"),
    "policy_metrics.png": ("kl", "entropy", "update", "clipping"),
    "evaluation_metrics.png": ("evaluation",),
}
MOST, IN_A_ROW = 9, 3
#: The file that shows examples, and how each of their groups is drawn: learned, undecided, never learned.
MAP = "example_map.png"
GROUPS = (("#009E73", "o", 6), ("#0072B2", "D", 12), ("#D55E00", "s", 14))
#: So many values are few enough to be seen one by one.
FEW = 30


def pictures(charts: Sequence[Chart], diagnosis: Diagnosis, name: str) -> Iterator[tuple[str, bytes]]:
    """The files that the charts have something for, each with its content."""
    for file, wanted in FILES.items():
        chosen = [chart for chart in charts if chart.name in wanted] if wanted else list(charts[:MOST])
        if chosen:
            title = f"{diagnosis.verdict.value.upper()}: {name} ({diagnosis.method})"
            yield file, drawn(figure_of(chosen, title, VERDICTS.get(diagnosis.verdict)))


def drawn(figure: Any) -> bytes:
    """A figure as the content of a file."""
    picture = io.BytesIO()
    figure.savefig(picture, format="png", dpi=110)
    return picture.getvalue()


def map_of_examples(of: ExampleMap, title: str) -> Any:
    """The map of examples on a sheet, under a title."""
    figure = _sheet(title, None, (7.2, 5.2))
    axis = figure.subplots()
    axis.grid(visible=True, alpha=0.25)
    axis.set_axisbelow(True)
    if of.has_spread:
        _dots(axis, of)
    else:
        _bars(axis, of)
    figure.legend(loc="outside lower center", ncols=4, fontsize=8)
    return figure


def _dots(axis: Any, of: ExampleMap) -> None:
    for group, ((colour, shape, size), (name, count)) in enumerate(zip(GROUPS, of.groups, strict=True)):
        chosen = [dot for dot in of.dots if dot.group == group]
        spreads, margins = [dot.spread for dot in chosen], [dot.margin for dot in chosen]
        label = f"{name}: {count:,}"
        axis.scatter(spreads, margins, s=size, c=colour, marker=shape, alpha=0.6, linewidths=0, label=label)
    apart = [dot for dot in of.dots if dot.is_apart]
    if apart:
        axis.scatter(
            [dot.spread for dot in apart], [dot.margin for dot in apart], s=50, facecolors="none",
            edgecolors=MARKS[Severity.CRITICAL], linewidths=0.8, label="stands apart",
        )  # fmt: skip
    low, high = extent([dot.spread for dot in of.dots])
    axis.set_xlim(max(0.0, low), high)
    axis.set_ylim(*extent([dot.margin for dot in of.dots]))
    axis.axhline(0.0, color=LEVEL, linestyle=":", linewidth=1)
    axis.set_xlabel("how much it varied from look to look (standard deviation)", fontsize=9)
    axis.set_ylabel("mean margin", fontsize=9)


def _bars(axis: Any, of: ExampleMap) -> None:
    counted = bars(of)
    begins, width = [begin for begin, _, _ in counted], counted[0][1] - counted[0][0]
    below = [0] * len(counted)
    for group, ((colour, _, _), (name, count)) in enumerate(zip(GROUPS, of.groups, strict=True)):
        heights = [counts[group] for _, _, counts in counted]
        axis.bar(begins, heights, width, bottom=below, align="edge", color=colour, label=f"{name}: {count:,}")
        below = [under + height for under, height in zip(below, heights, strict=True)]
    axis.set_ylim(0.0, 1.05 * max(below))
    axis.axvline(0.0, color=LEVEL, linestyle=":", linewidth=1)
    axis.set_xlabel("margin", fontsize=9)
    axis.set_ylabel("examples", fontsize=9)


def _sheet(title: str, colour: str | None, size: tuple[float, float]) -> Any:
    """An empty sheet under a title."""
    if find_spec("matplotlib") is None:
        raise MissingExtra("a plot", "matplotlib", "plot")
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=size, layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(title, color=colour, fontweight="bold", parse_math=False)
    return figure


def figure_of(charts: Sequence[Chart], title: str, colour: str | None = None) -> Any:
    """Charts on one sheet, under a title."""
    columns = min(IN_A_ROW, len(charts))
    rows = math.ceil(len(charts) / columns)
    figure = _sheet(title, colour, (5.2 * columns, 3.4 * rows + 0.5))
    axes = list(figure.subplots(rows, columns, squeeze=False).flat)
    for axis, chart in zip(axes, charts, strict=False):
        _on(axis, chart)
    for axis in axes[len(charts) :]:
        axis.set_axis_off()
    return figure


def _on(axis: Any, chart: Chart) -> None:
    axis.set_title(chart.title, loc="left", fontsize=11, parse_math=False)
    axis.set_xlabel(chart.axis, fontsize=9)
    axis.set_ylabel(chart.unit, fontsize=8)
    axis.tick_params(labelsize=8)
    axis.grid(visible=True, alpha=0.25)
    if max(abs(chart.low), abs(chart.high)) > LARGE:
        axis.text(0.5, 0.5, "larger than can be drawn", ha="center", transform=axis.transAxes, fontsize=9)
        return
    if chart.is_log:
        axis.set_yscale("log")
    else:
        axis.set_ylim(chart.low, chart.high)
    for band in chart.bands:
        low, high = max(band.low, chart.low), min(band.high, chart.high)
        if low < high:
            axis.fill_between([band.first_step, band.last_step], low, high, color=BAND, alpha=0.1, linewidth=0)
    for level in chart.levels:
        if chart.low <= level.value <= chart.high:
            axis.axhline(level.value, color=LEVEL, linestyle=":", linewidth=1)
            axis.annotate(
                level.says, (1.0, level.value), xycoords=("axes fraction", "data"), ha="right", va="bottom", fontsize=7,
                color=LEVEL,
            )  # fmt: skip
    for line, (colour, dashes) in zip(chart.lines, colours(chart.lines), strict=True):
        _line(axis, line, colour, dashes)
    for mark in chart.marks:
        colour = MARKS[mark.severity]
        if mark.last_step > mark.step:
            axis.axvspan(mark.step, mark.last_step, color=colour, alpha=0.07, linewidth=0)
        axis.axvline(mark.step, color=colour, linewidth=1.2)
        axis.annotate(
            mark.code, (mark.step, 0.99), xycoords=("data", "axes fraction"), va="top", fontsize=7, color=colour,
            rotation=90, ha="right", parse_math=False,
        )  # fmt: skip
    if len(chart.lines) > 1:
        for text in axis.legend(fontsize=7, framealpha=0.6).get_texts():
            text.set_parse_math(False)


def _line(axis: Any, line: Line, colour: str, dashes: str) -> None:
    label = line.title if not line.title.startswith("_") else f"\N{ZERO WIDTH SPACE}{line.title}"  # Else it is hidden.
    if line.is_held_out or len(line.steps) == 1:
        axis.plot(line.steps, line.high, color=colour, marker="o", markersize=4, linestyle="--", label=label)
        if list(line.low) != list(line.high):
            axis.fill_between(line.steps, line.low, line.high, color=colour, alpha=0.25, linewidth=0)
    elif not line.shows_all:
        axis.plot(line.steps, line.smooth, color=colour, linewidth=1.8, linestyle=dashes, label=label)
    elif list(line.low) == list(line.high):  # Every value has a place of its own.
        dots = "o" if len(line.steps) <= FEW else None
        axis.plot(line.steps, line.high, color=colour, alpha=0.35, linewidth=0.9, marker=dots, markersize=4)
        axis.plot(line.steps, line.smooth, color=colour, linewidth=1.8, linestyle=dashes, label=label)
    else:
        axis.fill_between(line.steps, line.low, line.high, color=colour, alpha=0.3, linewidth=0.6)
        axis.plot(line.steps, line.smooth, color=colour, linewidth=1.8, linestyle=dashes, label=label)
    if line.gaps:
        red, below = MARKS[Severity.CRITICAL], axis.get_xaxis_transform()
        axis.plot(line.gaps, [0.02] * len(line.gaps), "x", color=red, transform=below, clip_on=False)


def colours(lines: Sequence[Line]) -> Iterator[tuple[str, str]]:
    """A colour for each line, and its dashes: that which its metric is known by, or else the next one."""
    # Where all lines are of one metric, its colour would tell none from the other.
    is_mixed = len({line.key for line in lines}) > 1
    number = 0
    for line in lines:
        known = KNOWN.get(line.key) if is_mixed else None
        yield known or COLOURS[number % len(COLOURS)], DASHES[number // len(COLOURS) % len(DASHES)]
        number += known is None
