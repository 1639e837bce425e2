"""The engine of a log that lies before us: whole columns at once, with NumPy. It finds what `live` finds."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from barograph.core.finding import Finding
from barograph.core.names import split_of
from barograph.core.run import Run
from barograph.engine.bound import HIGHEST_RATE, BoundRule, Episode, word
from barograph.signals.expression import Signal
from barograph.signals.scan import Passive, Scanner, onset
from barograph.signals.timeline import Timeline
from barograph.signals.words import metric

__all__ = ["scan_run"]


def scan_run(run: Run, rules: Iterable[BoundRule], timeline: Timeline) -> tuple[list[Finding], set[str]]:
    """All findings of a run, rule by rule, and the codes of the rules that could say something."""
    scanner = Scanner(run, timeline)
    findings: list[Finding] = []
    judged: set[str] = set()
    for rule in rules:
        course = scanner.scan(rule.when)
        if isinstance(course, Passive):
            known = ~np.isnan(course.values)
            at, truth = np.flatnonzero(known), course.values[known] > 0
        else:
            at, truth = course.at, course.values > 0
        if len(at):
            judged.add(rule.rule.code)
        held = at[truth]
        if len(held):
            findings += [word(rule, episode) for episode in _episodes(run, rule, held, np.flatnonzero(truth), scanner)]
    return findings, judged


def _episodes(
    run: Run, rule: BoundRule, held: NDArray[np.int64], place: NDArray[np.int64], scanner: Scanner
) -> list[Episode]:
    """Stretches of rows at which a rule held; short breaks do not end one.

    `place` numbers the rows among all updates of the condition: neighbours had no break between them.
    """
    steps = scanner.steps[held]
    horizon = scanner.timeline.horizon
    pause = rule.rule.rearm * (steps[1:] if horizon is None else np.full(len(steps) - 1, horizon))
    starts = np.concatenate(([0], np.flatnonzero((np.diff(steps) > pause) & (np.diff(place) > 1)) + 1, [len(held)]))
    severity = np.full(len(held), int(rule.severity))
    for grade, condition in rule.escalates:
        worse = scanner.scan(condition).before_or_at(held) > 0
        severity[worse] = np.maximum(severity[worse], int(grade))
    return [
        _episode(run, rule, held[begin:end], severity[begin:end], scanner)
        for begin, end in zip(starts[:-1].tolist(), starts[1:].tolist(), strict=True)
    ]


def _episode(
    run: Run, rule: BoundRule, held: NDArray[np.int64], severity: NDArray[np.int64], scanner: Scanner
) -> Episode:
    last = held[-1:]
    pointer = _point(run, rule, int(held[0]), scanner)
    course = _values(metric(*reversed(split_of(pointer))), held, scanner)
    known = course[~np.isnan(course)]
    rate = _values(HIGHEST_RATE, last, scanner)[0]
    onsets = [
        run.steps[onset(scanner, part, int(held[0]))]
        for part in rule.lasting()
        if _values(part, held[:1], scanner)[0] > 0
    ]
    shown = {name: float(_values(signal, last, scanner)[0]) for name, signal in rule.shows.items()}
    return Episode(
        first_row=int(held[0]),
        last_row=int(held[-1]),
        step=run.steps[held[0]],
        last_step=run.steps[held[-1]],
        severity=type(rule.severity)(int(severity.max())),
        rows=len(held),
        metric=pointer,
        onset=min(onsets, default=run.steps[held[0]]),
        shown={name: value for name, value in shown.items() if value == value},  # noqa: PLR0124 - NaN is "no value"
        value=float(known[-1]) if len(known) else None,
        first_value=float(known[0]) if len(known) else None,
        peak=float(known.max()) if len(known) else None,
        low=float(known.min()) if len(known) else None,
        rate=None if np.isnan(rate) else float(rate),
    )


def _values(signal: Signal, rows: NDArray[np.int64], scanner: Scanner) -> NDArray[np.float64]:
    course = scanner.scan(signal)
    return course.values[rows] if isinstance(course, Passive) else course.before_or_at(rows)


def _point(run: Run, rule: BoundRule, row: int, scanner: Scanner) -> str:
    """The series to point at: one that is not finite in this row, else the first that has a value by then."""
    pointers = rule.rule.pointers()
    here = np.array([row])
    for pointer in pointers:
        column = run.columns.get(pointer)
        if column is not None and len(column):
            place = int(np.searchsorted(scanner.rows_of(column.at), row))
            if place < len(column) and column.at[place] == row and not np.isfinite(column.values[place]):
                return pointer
    for pointer in pointers:
        if not np.isnan(_values(metric(*reversed(split_of(pointer))), here, scanner)[0]):
            return pointer
    return pointers[0]
