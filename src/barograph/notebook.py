"""What a notebook shows for a diagnosis, a run, or a comparison: its page, in a frame of its own.

A frame keeps our styles from the notebook and the notebook's from ours; nothing in it can run. Elsewhere these objects
are told in a line.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from barograph.charts.comparison import Comparison
from barograph.charts.comparison_page import page as page_of_comparison
from barograph.charts.markup import Markup, element
from barograph.charts.overlay import overlay
from barograph.charts.report import report
from barograph.core.errors import BarographError
from barograph.core.finding import Diagnosis
from barograph.core.run import Run
from barograph.engine.judge import judge
from barograph.engine.settings import read_settings
from barograph.monitor import read
from barograph.pages import page_of

__all__ = ["register"]

STYLE = "width: 100%; height: 34rem; border: 0"


def register(shell: Any) -> None:
    """Teach a notebook's shell to show what we have."""
    formatter = shell.display_formatter.formatters["text/html"]
    shows: dict[type, Callable[[Any], str | None]] = {
        Diagnosis: of_diagnosis, Run: of_run, Comparison: of_comparison,
    }  # fmt: skip
    for kind, show in shows.items():
        formatter.for_type(kind, show)


def of_diagnosis(diagnosis: Diagnosis) -> str | None:
    """The report of the run that was judged; its log is read once more for the curves."""
    settings = read_settings()
    try:
        run = read(diagnosis.path, method=diagnosis.method, metrics=settings.metrics)
    except BarographError:
        return None  # It is printed then.
    return framed(report(page_of(run, diagnosis, settings)), f"Report: {diagnosis.verdict}")


def of_run(run: Run) -> str:
    """A run with its diagnosis."""
    settings = read_settings()
    diagnosis = judge(run, settings)
    return framed(report(page_of(run, diagnosis, settings)), f"Report: {diagnosis.verdict}")


def of_comparison(comparison: Comparison) -> str:
    """Runs side by side."""
    return framed(page_of_comparison(comparison, overlay(comparison)), "Comparison")


def framed(document: str, title: str) -> Markup:
    """A document within another."""
    return element("iframe", sandbox="", srcdoc=document, style=STYLE, title=title, loading="lazy")
