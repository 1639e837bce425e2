"""The composition root: the one place that knows sources and engine alike."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping

from barograph.core.errors import UnreadableRun
from barograph.core.finding import Diagnosis
from barograph.core.run import Run
from barograph.engine.judge import judge
from barograph.engine.settings import Settings, read_settings
from barograph.sources.runs import How, read_run
from barograph.sources.runs import read_each as each_in

__all__ = ["check", "read", "read_each"]


def read(path: str | os.PathLike[str], *, method: str | None = None, metrics: Mapping[str, str] | None = None) -> Run:
    """Read a run as it lies on disk: a file, a folder, a URL, or `-` for standard input.

    Where a path holds several runs, `PATH#NAME` is one of them. Raises `UnreadableRun` with one clear sentence if it
    cannot be read, or if it holds several runs side by side.
    """
    return read_run(path, method, metrics=metrics)


def read_each(
    path: str | os.PathLike[str], *, method: str | None = None, metrics: Mapping[str, str] | None = None
) -> Iterator[Run | UnreadableRun]:
    """Read every run that a path holds; the error stands in the place of a run that cannot be read."""
    return each_in(path, How(method, metrics=metrics or {}))


def check(
    path: str | os.PathLike[str] | Run, *, method: str | None = None, settings: Settings | None = None
) -> Diagnosis:
    """Say whether a run is healthy, and why.

    >>> from barograph.core.run import run_from_rows
    >>> check(run_from_rows([(1, {"loss": 0.69})])).verdict
    <Verdict.UNJUDGED: 'unjudged'>
    """
    chosen = settings or read_settings()
    run = path if isinstance(path, Run) else read(path, method=method, metrics=chosen.metrics)
    return judge(run, chosen)
