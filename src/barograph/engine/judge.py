"""Judge a run that lies before us."""

from __future__ import annotations

import sys
from collections.abc import Iterable

from barograph.core.finding import Diagnosis, Finding
from barograph.core.run import Run
from barograph.engine.bound import BoundRule, bind
from barograph.engine.coverage import seen_by
from barograph.engine.frame import frame_of_run
from barograph.engine.live import Engine
from barograph.engine.settings import Settings
from barograph.engine.verdict import conclude
from barograph.signals.timeline import Timeline

__all__ = ["STEPPED_UP_TO", "judge"]

#: Up to so many rows stepping is quicker than loading NumPy; where it is loaded, scanning always is.
STEPPED_UP_TO = 1000


def judge(run: Run, settings: Settings | None = None, *, evaluator: str = "auto") -> Diagnosis:
    """Every rule that applies to the run's method, and what their findings add up to.

    Both evaluators give the same findings; `evaluator` ("step" or "scan") is there to show it.
    """
    chosen = settings or Settings()
    timeline = frame_of_run(run)
    rules = seen_by(bind(run.method, chosen), run, timeline)
    is_short = len(run) <= STEPPED_UP_TO and "numpy" not in sys.modules
    stepped = evaluator == "step" or (evaluator == "auto" and is_short)
    findings, judged = step_run(run, rules, timeline) if stepped else _scan_run(run, rules, timeline)
    return conclude(run, rules, timeline, findings, judged)


def step_run(run: Run, rules: Iterable[BoundRule], timeline: Timeline) -> tuple[list[Finding], set[str]]:
    """As `scan_run`, by the live engine."""
    engine = Engine(rules, timeline, run.columns.keys())
    rows: list[dict[str, float]] = [{} for _ in run.steps]
    for key, column in run.columns.items():
        for row, value in zip(column.at, column.values, strict=True):
            rows[row][key] = value
    for step, values in zip(run.steps, rows, strict=True):
        engine.advance(step, values)
    return engine.findings(), {watch.rule.rule.code for watch in engine.watches if watch.judged}


def _scan_run(run: Run, rules: Iterable[BoundRule], timeline: Timeline) -> tuple[list[Finding], set[str]]:
    from barograph.engine.scan import scan_run

    return scan_run(run, rules, timeline)
