"""The engine of a live run: rows go in one by one, findings come out as they happen.

Nothing here needs NumPy, and nothing grows with the length of the run but the list of findings.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from barograph.core.finding import Finding, Severity
from barograph.core.names import split_of
from barograph.engine.bound import HIGHEST_RATE, BoundRule, Episode, word
from barograph.signals.expression import Signal
from barograph.signals.step import Cell, Stepper, Sustained
from barograph.signals.timeline import Timeline
from barograph.signals.words import metric

__all__ = ["Engine", "RuleWatch"]


class Engine:
    """Rules over a run that is still going on."""

    def __init__(self, rules: Iterable[BoundRule], timeline: Timeline) -> None:
        self.rules = tuple(rules)
        self.timeline = timeline
        pointers = {
            pointer: metric(*reversed(split_of(pointer))) for rule in self.rules for pointer in rule.rule.pointers()
        }
        wanted: list[Signal] = [HIGHEST_RATE, *pointers.values()]
        wanted += [signal for rule in self.rules for signal in rule.signals()]
        self._stepper = Stepper(wanted, timeline)
        rate = self._stepper.cell(HIGHEST_RATE)
        cells = {pointer: self._stepper.cell(signal) for pointer, signal in pointers.items()}
        self.watches = [RuleWatch(rule, self._stepper, cells, rate) for rule in self.rules]

    def advance(self, step: int, values: Mapping[str, float]) -> list[Finding]:
        """Read one row, by series key. Returns findings that are new or have grown worse."""
        row = self._stepper.advance(step, values)
        news = []
        for watch in self.watches:
            when = watch.when
            if when.stamp == row or when.passive:
                episode = watch.see(row, step, values)
                if episode is not None:
                    news.append(word(watch.rule, episode))
        return news

    def findings(self) -> list[Finding]:
        """Everything found so far, each with its latest numbers."""
        return [word(watch.rule, episode) for watch in self.watches for episode in watch.episodes]


class RuleWatch:
    """One rule while it watches: its cells, and the episodes it has seen."""

    __slots__ = (
        "_broken",
        "_escalates",
        "_lasting",
        "_pointers",
        "_rate",
        "_shows",
        "_timeline",
        "episodes",
        "judged",
        "rule",
        "when",
    )

    def __init__(self, rule: BoundRule, stepper: Stepper, pointers: Mapping[str, Cell], rate: Cell) -> None:
        self.rule = rule
        self.when = stepper.cell(rule.when)
        self.judged = False
        self.episodes: list[Episode] = []
        self._timeline = stepper.clock.timeline
        self._escalates = [(grade, stepper.cell(condition)) for grade, condition in rule.escalates]
        self._shows = {name: stepper.cell(signal) for name, signal in rule.shows.items()}
        self._pointers = {pointer: pointers[pointer] for pointer in rule.rule.pointers()}
        self._lasting = [stepper.cell(part) for part in rule.lasting()]
        self._rate = rate
        self._broken = False

    def see(self, row: int, step: int, values: Mapping[str, float]) -> Episode | None:
        """Look at the condition after a row. Returns the episode if it has begun or grown worse here."""
        holds = self.when.value
        if holds is None:
            return None
        self.judged = True
        if not holds:
            self._broken = True
            return None
        severity = max((grade for grade, cell in self._escalates if cell.value), default=self.rule.severity)
        severity = max(severity, self.rule.severity)
        last = self.episodes[-1] if self.episodes else None
        unbroken = not self._broken or (last is not None and step - last.last_step <= self._rearm(step))
        self._broken = False
        if last is not None and unbroken:
            worse = severity > last.severity
            self._extend(last, row, step, severity)
            return last if worse else None
        lasting = [cell for cell in self._lasting if cell.value and isinstance(cell, Sustained)]
        onset = min((int(cell.onset) for cell in lasting), default=step)
        episode = Episode(row, row, step, step, severity, 0, self._point(values), onset, {})
        # What must last has held for some rows already when it is noticed.
        episode.rows = max((int(cell.begun) for cell in lasting), default=1) - 1
        self._extend(episode, row, step, severity)
        self.episodes.append(episode)
        return episode

    def _rearm(self, step: int) -> float:
        horizon = self._timeline.horizon
        return self.rule.rule.rearm * (step if horizon is None else horizon)

    def _point(self, values: Mapping[str, float]) -> str:
        """The series to point at: one that is not finite here, else the first that has a value."""
        for pointer in self._pointers:
            if not math.isfinite(values.get(pointer, 0.0)):
                return pointer
        return next((p for p, cell in self._pointers.items() if cell.value is not None), next(iter(self._pointers)))

    def _extend(self, episode: Episode, row: int, step: int, severity: Severity) -> None:
        episode.last_row, episode.last_step = row, step
        episode.severity = max(episode.severity, severity)
        episode.rows += 1
        episode.rate = self._rate.value
        episode.shown = {name: float(cell.value) for name, cell in self._shows.items() if cell.value is not None}
        value = self._pointers[episode.metric].value
        if value is not None:
            episode.value = value
            if episode.first_value is None:
                episode.first_value = episode.low = value
            if episode.peak is None or value > episode.peak or not episode.peak_step:
                episode.peak, episode.peak_step = value, step
            episode.low = min(episode.low, value)
