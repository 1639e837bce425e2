"""The engine of a log that lies before us: a block of rows at once, with NumPy. It finds what `live` finds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import pairwise

import numpy as np

from barograph.core.finding import Finding, Severity
from barograph.core.names import split_of
from barograph.core.run import Run
from barograph.engine.bound import HIGHEST_RATE, BoundRule, Episode, for_each_component, rate_to_lower, word
from barograph.signals.expression import Signal
from barograph.signals.scan import BLOCK, Block, Cell, Passive, Scanner, Sustained
from barograph.signals.scan.block import Floats, Rows
from barograph.signals.timeline import Timeline
from barograph.signals.words import metric

__all__ = ["scan_run"]


def scan_run(
    run: Run, rules: Iterable[BoundRule], timeline: Timeline, size: int = BLOCK
) -> tuple[list[Finding], set[str]]:
    """All findings of a run, rule by rule, and the codes of the rules that could say something."""
    rules = for_each_component(rules, run.columns)
    pointers = {pointer: metric(*reversed(split_of(pointer))) for rule in rules for pointer in rule.pointers}
    wanted: list[Signal] = [HIGHEST_RATE, *pointers.values()]
    wanted += [signal for rule in rules for signal in rule.signals()]
    scanner = Scanner(wanted, timeline)
    cells = {pointer: scanner.cell(signal) for pointer, signal in pointers.items()}
    watches = [BlockWatch(rule, scanner, cells) for rule in rules]
    for block in scanner.scan(run, size):
        for watch in watches:
            watch.see(block)
    rate = rate_to_lower(timeline, scanner.cell(HIGHEST_RATE).at_row(len(run) - 1) if len(run) else None)
    findings = [word(watch.rule, episode, rate) for watch in watches for episode in watch.episodes]
    return findings, {watch.rule.rule.code for watch in watches if watch.judged}


class BlockWatch:
    """One rule while it goes through the blocks; the counterpart of `live.RuleWatch`."""

    def __init__(self, rule: BoundRule, scanner: Scanner, pointers: Mapping[str, Cell]) -> None:
        self.rule = rule
        self.judged = False
        self.episodes: list[Episode] = []
        self._timeline = scanner.timeline
        self._when = scanner.cell(rule.when)
        self._escalates = [(grade, scanner.cell(condition)) for grade, condition in rule.escalates]
        self._shows = {name: scanner.cell(signal) for name, signal in rule.shows.items()}
        self._lasting = [cell for part in rule.lasting() if isinstance(cell := scanner.cell(part), Sustained)]
        self._pointers = {pointer: pointers[pointer] for pointer in rule.pointers}
        self._broken = False

    def see(self, block: Block) -> None:
        """Look at the condition in all rows of a block."""
        when = self._when
        if isinstance(when, Passive):
            known = ~np.isnan(when.everywhere)
            at, truth = block.rows[known], when.everywhere[known] > 0
        else:
            at, truth = when.at, when.values
        if not len(at):
            return
        self.judged = True
        held = np.flatnonzero(truth)
        if not len(held):
            self._broken = True
            return
        rows = at[held]
        steps = block.steps_at(rows)
        pause = self._pause(steps)
        parts = np.flatnonzero((np.diff(steps) > pause[1:]) & (np.diff(held) > 1)) + 1
        bounds = [0, *parts.tolist(), len(held)]
        for begin, end in pairwise(bounds):
            broken = begin > 0 or self._broken or bool(held[0] > 0)
            last = self.episodes[-1] if self.episodes else None
            apart = last is None or (broken and steps[begin] - last.last_step > pause[begin])
            if last is None or apart:
                last = self._begin(int(rows[begin]), int(steps[begin]), block)
                self.episodes.append(last)
            self._extend(last, rows[begin:end], int(steps[end - 1]), block)
        self._broken = bool(held[-1] != len(at) - 1)

    def _pause(self, steps: Floats) -> Floats:
        """The longest break that does not end an episode, at each step."""
        horizon = self._timeline.horizon
        return self.rule.rule.rearm * (steps if horizon is None else np.full(len(steps), horizon))

    def _begin(self, row: int, step: int, block: Block) -> Episode:
        lasting = [cell for cell in self._lasting if cell.at_row(row)]
        return Episode(
            first_row=row,
            last_row=row,
            step=step,
            last_step=step,
            severity=self.rule.severity,
            rows=max((cell.rows_at(row) for cell in lasting), default=1) - 1,
            metric=self._point(row, block),
            onset=min((cell.onset_at(row) for cell in lasting), default=step),
            shown={},
        )

    def _point(self, row: int, block: Block) -> str:
        """The series to point at: one that is not finite in this row, else the first that has a value by then."""
        for pointer in self._pointers:
            if pointer in block.series:
                at, values = block.series[pointer]
                place = int(np.searchsorted(at, row))
                if place < len(at) and at[place] == row and not np.isfinite(values[place]):
                    return pointer
        return next(
            (p for p, cell in self._pointers.items() if cell.at_row(row) is not None), next(iter(self._pointers))
        )

    def _extend(self, episode: Episode, rows: Rows, last_step: int, block: Block) -> None:
        last = int(rows[-1])
        episode.last_row, episode.last_step = last, last_step
        episode.rows += len(rows)
        for grade, cell in self._escalates:
            values, known = cell.on(rows)
            worse = np.broadcast_to(np.asarray(values) > 0, rows.shape)
            if (worse if known is None else worse & known).any():
                episode.severity = Severity(max(episode.severity, grade))
        shown = {name: cell.at_row(last) for name, cell in self._shows.items()}
        episode.shown = {name: value for name, value in shown.items() if value is not None}
        values, known = self._pointers[episode.metric].on(rows)
        course = np.broadcast_to(np.asarray(values, dtype=np.float64), rows.shape)
        if known is not None:
            course, rows = course[known], rows[known]
        if len(course):
            episode.value = float(course[-1])
            if episode.first_value is None or episode.low is None:
                episode.first_value = episode.low = float(course[0])
            highest = int(course.argmax())
            if episode.peak is None or course[highest] > episode.peak:
                episode.peak, episode.peak_step = float(course[highest]), int(block.steps[rows[highest] - block.start])
            episode.low = min(episode.low, float(course.min()))
