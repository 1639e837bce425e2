"""Plots of a run by epoch, as PNG: progress, policy, evaluation. Where matplotlib is missing there are none."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

__all__ = ["can_draw", "draw_plots"]

Row = Mapping[str, float | None]

#: The panels of each file: a title and the columns that it shows.
PLOTS: dict[str, tuple[tuple[str, tuple[str, ...]], ...]] = {
    "training_progress.png": (("Loss", ("loss",)), ("Reward", ("reward", "reward_margin"))),
    "policy_metrics.png": (("KL Divergence", ("kl_divergence",)), ("Entropy", ("entropy",))),
    "evaluation_metrics.png": (("Evaluation", ("bertscore", "codebleu", "bleu", "rouge", "ruby")),),
}
#: In the colours that people know these scores by.
COLOURS = {
    "bertscore": "tab:red", "codebleu": "tab:blue", "bleu": "tab:green", "rouge": "tab:orange", "ruby": "tab:purple",
}  # fmt: skip
NAMES = {"bertscore": "BERTScore", "codebleu": "CodeBLEU", "bleu": "BLEU", "rouge": "ROUGE", "ruby": "RUBY"}


def can_draw() -> bool:
    """Whether the `plot` extra is installed."""
    return find_spec("matplotlib") is not None


def draw_plots(rows: Sequence[Row], folder: Path) -> list[Path]:
    """Draw what the rows have values for. Each file is replaced only by a whole one. Raises `OSError`."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    from barograph.sinks.replace import replacing

    drawn: list[Path] = []
    for name, panels in PLOTS.items():
        filled = [(title, found) for title, columns in panels if (found := [c for c in columns if _values(rows, c)])]
        if not filled:
            continue
        figure = Figure(figsize=(6.0 * len(filled), 4.0), layout="constrained")
        FigureCanvasAgg(figure)
        axes = figure.subplots(1, len(filled), squeeze=False)[0]
        for axis, (title, columns) in zip(axes, filled, strict=True):
            _panel(axis, title, columns, rows)
        folder.mkdir(parents=True, exist_ok=True)
        with replacing(folder / name) as stream:
            figure.savefig(stream, format="png", dpi=100)
        drawn.append(folder / name)
    return drawn


def _panel(axis: Any, title: str, columns: Sequence[str], rows: Sequence[Row]) -> None:
    for column in columns:
        points = _values(rows, column)
        axis.plot(*zip(*points, strict=True), marker="o", color=COLOURS.get(column), label=NAMES.get(column, column))
    axis.set_title(f"{title} by epoch")
    axis.set_xlabel("epoch")
    axis.grid(visible=True, alpha=0.3)
    if len(columns) > 1 or columns[0] in NAMES:
        axis.legend()


def _values(rows: Sequence[Row], column: str) -> list[tuple[float, float]]:
    """The finite values of a column, each with its epoch: a gap stays a gap."""
    pairs = ((row.get("epoch"), row.get(column)) for row in rows)
    known = ((epoch, value) for epoch, value in pairs if epoch is not None and value is not None)
    return [(epoch, value) for epoch, value in known if math.isfinite(value)]
