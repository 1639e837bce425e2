"""The composition root: the one place that knows sources and engine alike."""

from __future__ import annotations

import os
from collections.abc import Mapping

from barograph.core.finding import Diagnosis
from barograph.core.run import Run
from barograph.engine.judge import judge
from barograph.engine.settings import Settings, read_settings
from barograph.sources.catalogue import read_run

__all__ = ["check", "read"]


def read(path: str | os.PathLike[str], *, method: str | None = None, metrics: Mapping[str, str] | None = None) -> Run:
    """Read a run as it lies on disk: a file, a folder, or `-` for standard input.

    Raises `UnreadableRun` with one clear sentence if that cannot be done.
    """
    return read_run(path, method=method, metrics=metrics)


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
