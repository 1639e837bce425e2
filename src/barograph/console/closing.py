"""The last word on a run: the verdict, its likeliest cause, and where everything lies."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from barograph.console.report import verdict_line
from barograph.console.terminal import Terminal, clean
from barograph.core.decision import Decision, Deed
from barograph.core.finding import Diagnosis

__all__ = ["closing", "files_of"]

#: What may lie in the folder of a run, the record first.
FILES = (
    "logs/training_metrics.jsonl", "logs/findings.jsonl", "metrics/training_metrics.csv",
    "metrics/training_metrics.json", "metrics/plots", "metrics.log", "metrics_history.json", "predictions.log",
    "prediction_samples.json", "final_model",
)  # fmt: skip


def closing(
    folder: str, diagnosis: Diagnosis | None, decisions: Sequence[Decision], terminal: Terminal
) -> Iterator[str]:
    """The lines."""
    yield ""
    if diagnosis is None:
        yield f"{clean(folder)}: no rows, so there is nothing to judge"
        return
    yield from _verdict(diagnosis, terminal)
    if diagnosis.causes:
        cause = diagnosis.causes[0]
        yield f"  Likeliest cause: {cause.name} ({', '.join(cause.codes)})"
        for advice in cause.advice:
            yield from _wrapped(clean(advice), f"  {terminal.glyph('→', '->')} ", terminal)
    for decision in decisions:
        if decision.deed is not Deed.ADVISE:
            yield from _wrapped(f"guard, step {decision.step:,}: {clean(decision.says)}", "  ", terminal)
    for file in files_of(folder):
        yield terminal.paint(f"  {clean(file)}", "dim")


def _verdict(diagnosis: Diagnosis, terminal: Terminal) -> Iterator[str]:
    """One line if it fits, else broken between words."""
    plain = verdict_line(diagnosis, replace(terminal, colour=False), has_cause=False)
    if len(plain) <= terminal.width:
        yield verdict_line(diagnosis, terminal, has_cause=False)
    else:
        yield from _wrapped(" ".join(plain.split()), "", terminal, hang="  ")


def files_of(folder: str) -> Iterator[str]:
    """The files of a run that are there."""
    for name in FILES:
        path = Path(folder, name)
        if path.exists():
            yield str(path)


def _wrapped(text: str, lead: str, terminal: Terminal, hang: str = "") -> Iterator[str]:
    follow = hang or " " * len(lead)
    yield from textwrap.wrap(
        text, terminal.width, initial_indent=lead, subsequent_indent=follow, break_on_hyphens=False
    )
