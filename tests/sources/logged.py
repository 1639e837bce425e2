"""What was logged, as the files beside real samples tell it, and what was read of it."""

from __future__ import annotations

import json
import math
from pathlib import Path

from barograph.core.run import Run
from barograph.sources.base import RawRun

SAMPLES = Path(__file__).parent / "samples"
WORDS = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}
#: Counters, and what no reader gives out: the trainer's measure of its own speed, and its closing totals.
NO_SERIES = {
    "epoch", "total_flos", "train_loss", "train_runtime", "train_samples_per_second", "train_steps_per_second",
    "eval_runtime", "eval_samples_per_second", "eval_steps_per_second",
}  # fmt: skip


# Raw columns, to the last digit


def series(raw: RawRun, key: str, step_key: str) -> list[list[object]]:
    """A raw column in the form of `expected.json`: pairs of step and value."""
    steps = dict(zip(*raw.table.columns[step_key], strict=True))
    at, values = raw.table.columns[key]
    return [[int(steps[row]), WORDS.get(str(value), value)] for row, value in zip(at, values, strict=True)]


def numbers(logged: dict[str, list[list[object]]]) -> dict[str, list[list[object]]]:
    """What of it are numbers: truth counts as one, text and nothing do not."""
    words = set(WORDS.values())
    kept = {
        key: [[step, value] for step, value in pairs if isinstance(value, int | float) or value in words]
        for key, pairs in logged.items()
    }
    return {key: pairs for key, pairs in kept.items() if pairs}


# Series of a run, as far as they were printed


def expected_of(path: Path) -> dict[str, list[tuple[int, float]]]:
    """The series that the program logged, by raw key."""
    told = json.loads(path.read_text())
    return {
        key: [(step, float(value)) for step, value in points] for key, points in told.items() if key not in NO_SERIES
    }


def series_of(run: Run) -> dict[str, list[tuple[int, float]]]:
    """The series of a run by raw key, as (step, value)."""
    return {
        column.raw: [(run.steps[at], value) for at, value in zip(column.at, column.values, strict=True)]
        for column in run.columns.values()
    }


def must_agree(read: list[tuple[int, float]], logged: list[tuple[int, float]], *, precision: float = 5.1e-4) -> None:
    """The same steps, and the same values as far as they were printed."""
    assert [step for step, _ in read] == [step for step, _ in logged]
    for (step, value), (_, meant) in zip(read, logged, strict=True):
        same = math.isnan(meant) and math.isnan(value)
        assert same or math.isclose(value, meant, rel_tol=precision, abs_tol=1e-9), (step, value, meant)
