"""What was logged, as the `expected.json` beside real samples tells it: by raw key, pairs of step and value."""

from __future__ import annotations

from barograph.sources.base import RawRun

WORDS = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}


def series(raw: RawRun, key: str, step_key: str) -> list[list[object]]:
    """A raw column in the form of `expected.json`."""
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
