"""Plots of a run by epoch, as PNG: progress, policy, evaluation. Where matplotlib is missing there are none."""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from barograph.core.run import Column

if TYPE_CHECKING:
    from barograph.charts.drawing import Chart

__all__ = ["can_draw", "draw_plots"]

Row = Mapping[str, float | None]

#: The panels of each file: a title and the columns that it shows.
PLOTS: dict[str, tuple[tuple[str, tuple[str, ...]], ...]] = {
    "training_progress.png": (("Loss", ("loss",)), ("Reward", ("reward", "reward_margin"))),
    "policy_metrics.png": (("KL Divergence", ("kl_divergence",)), ("Entropy", ("entropy",))),
    "evaluation_metrics.png": (("Evaluation", ("bertscore", "codebleu", "bleu", "rouge", "ruby")),),
}


def can_draw() -> bool:
    """Whether the `plot` extra is installed."""
    return find_spec("matplotlib") is not None


def draw_plots(rows: Sequence[Row], folder: Path) -> list[Path]:
    """Draw what the rows have values for. Each file is replaced only by a whole one. Raises `OSError`."""
    from barograph.charts.png import drawn, figure_of
    from barograph.sinks.replace import write_whole

    written: list[Path] = []
    for name, panels in PLOTS.items():
        charts = [chart for title, columns in panels if (chart := _chart(title, columns, rows)) is not None]
        if charts:
            write_whole(folder / name, drawn(figure_of(charts, "by epoch")))
            written.append(folder / name)
    return written


def _chart(title: str, columns: Sequence[str], rows: Sequence[Row]) -> Chart | None:
    from barograph.charts.drawing import Chart, course, line_of, room_for

    found = [(name, _series(rows, name)) for name in columns]
    known = (line_of(name, column, along) for name, (column, along) in found)
    lines = [line for line in known if line is not None]
    if not lines:
        return None
    low, high = room_for(min(line.lowest[1] for line in lines), max(line.highest[1] for line in lines), (), ())
    says = " ".join(course(line, "epoch") for line in lines)
    return Chart(title, title, "", lines, (), (), (), low, high, is_log=False, axis="epoch", says=says)


def _series(rows: Sequence[Row], name: str) -> tuple[Column, list[float]]:
    """A column, and the epochs of its values: a gap stays a gap."""
    known = [
        (epoch, value)
        for row in rows
        if (epoch := row.get("epoch")) is not None and (value := row.get(name)) is not None
    ]
    values = array("d", (value for _, value in known))
    return Column(at=array("q", range(len(values))), values=values), [epoch for epoch, _ in known]
