"""The engine of a live run: rows go in one by one, findings come out as they happen.

Nothing here needs NumPy, and nothing grows with the length of the run but the list of findings.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Collection, Iterable, Mapping, Sequence

from barograph.core.finding import Finding, Severity
from barograph.core.names import split_of
from barograph.engine.bound import HIGHEST_RATE, BoundRule, Episode, for_each_component, rate_to_lower, word
from barograph.signals.expression import Signal
from barograph.signals.step import OFTEN, Stepper
from barograph.signals.timeline import Timeline
from barograph.signals.words import metric

__all__ = ["Engine", "RuleWatch"]


class Engine:
    """Rules over a run that is still going on; or over a short log, whose keys are known from the beginning."""

    def __init__(self, rules: Iterable[BoundRule], timeline: Timeline, keys: Collection[str] | None = None) -> None:
        self.rules = tuple(for_each_component(rules := tuple(rules), keys or ()))
        self.timeline = timeline
        #: Rules that are asked of every reward function by itself: engines for those that turn up on the way.
        self._for_each = tuple(rule for rule in rules if rule.is_for_each_component)
        self._keys = frozenset(keys or ())
        #: Those of the row before, which nearly always are those of the next.
        self._row_keys: tuple[str, ...] | None = None
        self._late: list[Engine] = []
        shown: list[Signal] = [HIGHEST_RATE]
        for rule in self.rules:
            shown += [*dict(rule.escalates).values(), *rule.shows.values(), *pointers_of(rule).values()]
        conditions = [rule.when for rule in self.rules]
        # Over a short log the one function for all rows is soon done: more compilation would not pay.
        often = OFTEN if keys is None else sys.maxsize
        self._stepper = Stepper(conditions, timeline, shown, keys=keys or (), often=often)
        self._highest_rate = self._stepper.reader(HIGHEST_RATE)
        self._watches = [RuleWatch(rule, self._stepper, number) for number, rule in enumerate(self.rules)]

    @property
    def watches(self) -> list[RuleWatch]:
        """Every rule while it watches."""
        return [*self._watches, *(watch for engine in self._late for watch in engine.watches)]

    def advance(self, step: int, values: Mapping[str, float], keys: tuple[str, ...] | None = None) -> Sequence[Finding]:
        """Read one row, by series key. Returns findings that are new or have grown worse."""
        if self._for_each:
            if keys is None or keys is not self._row_keys:
                self._row_keys = keys
                if not values.keys() <= self._keys:
                    self._meet(frozenset(values.keys() - self._keys))
            late = [finding for engine in self._late for finding in engine.advance(step, values)]
        else:
            late = []
        holding = self._stepper.advance(step, values, keys)
        if not holding:
            return late
        news = []
        for number in holding:
            watch = self._watches[number]
            episode = watch.see(self._stepper.row, step, values)
            if episode is not None:
                news.append(word(watch.rule, episode, self._rate()))
        return news + late

    def _meet(self, keys: frozenset[str]) -> None:
        """Watch reward functions that have not been there before."""
        self._keys |= keys
        if rules := for_each_component(self._for_each, sorted(keys)):
            engine = Engine(rules, self.timeline)
            engine._stepper.row = self._stepper.row
            self._late.append(engine)

    def findings(self) -> list[Finding]:
        """Everything found so far, each with its latest numbers."""
        rate = self._rate()
        return [word(watch.rule, episode, rate) for watch in self.watches for episode in watch.episodes]

    def _rate(self) -> float | None:
        return rate_to_lower(self.timeline, self._highest_rate())


def pointers_of(rule: BoundRule) -> dict[str, Signal]:
    return {pointer: metric(*reversed(split_of(pointer))) for pointer in rule.pointers}


class RuleWatch:
    """One rule while it watches: the episodes it has seen, and the numbers that belong to them."""

    __slots__ = ("_failed", "_reads", "_stepper", "episodes", "rule")

    def __init__(self, rule: BoundRule, stepper: Stepper, number: int) -> None:
        self.rule = rule
        self.episodes: list[Episode] = []
        self._stepper = stepper
        #: The condition has been false since the last row in which it held.
        self._failed = stepper.failed(number)
        self._reads: _Reads | None = None

    @property
    def judged(self) -> bool:
        """Whether the condition has ever been true or false."""
        return bool(self.episodes) or self._failed.cell_contents

    def see(self, row: int, step: int, values: Mapping[str, float]) -> Episode | None:
        """Take note of a row in which the condition holds. Returns the episode if it begins or grows worse here."""
        reads = self._reads
        if reads is None:  # most rules never get here
            reads = self._reads = _Reads(self.rule, self._stepper)
        severity = max((grade for grade, read in reads.escalates if read()), default=self.rule.severity)
        severity = max(severity, self.rule.severity)
        last = self.episodes[-1] if self.episodes else None
        unbroken = not self._failed.cell_contents or (last is not None and step - last.last_step <= self._rearm(step))
        self._failed.cell_contents = False
        if last is not None and unbroken:
            worse = severity > last.severity
            self._extend(last, reads, row, step, severity)
            return last if worse else None
        lasting = [(onset, begun) for holds, onset, begun in reads.lasting if holds()]
        onset = min((int(onset.cell_contents) for onset, _ in lasting), default=step)
        episode = Episode(row, row, step, step, severity, 0, _point(reads, values), onset, {})
        # What must last has held for some rows already when it is noticed.
        episode.rows = max((int(begun.cell_contents) for _, begun in lasting), default=1) - 1
        self._extend(episode, reads, row, step, severity)
        self.episodes.append(episode)
        return episode

    def _rearm(self, step: int) -> float:
        horizon = self._stepper.timeline.horizon
        return self.rule.rule.rearm * (step if horizon is None else horizon)

    def _extend(self, episode: Episode, reads: _Reads, row: int, step: int, severity: Severity) -> None:
        episode.last_row, episode.last_step = row, step
        episode.severity = max(episode.severity, severity)
        episode.rows += 1
        shown = ((name, read()) for name, read in reads.shows)
        episode.shown = {name: float(value) for name, value in shown if value is not None}
        value = reads.pointers[episode.metric]()
        if value is not None:
            episode.value = value
            if episode.first_value is None:
                episode.first_value = episode.low = value
            if episode.peak is None or value > episode.peak or not episode.peak_step:
                episode.peak, episode.peak_step = value, step
            episode.low = min(episode.low, value)


class _Reads:
    """Where the numbers of a rule's findings are read."""

    def __init__(self, rule: BoundRule, stepper: Stepper) -> None:
        read = stepper.reader
        self.escalates = [(grade, read(condition)) for grade, condition in rule.escalates]
        self.shows = [(name, read(signal)) for name, signal in rule.shows.items()]
        self.pointers = {pointer: read(signal) for pointer, signal in pointers_of(rule).items()}
        #: Of each part that must last: whether it has, since which step, for how many rows.
        self.lasting = [
            (read(part), stepper.variable(part, "onset"), stepper.variable(part, "begun")) for part in rule.lasting()
        ]


def _point(reads: _Reads, values: Mapping[str, float]) -> str:
    """The series to point at: one that is not finite here, else the first that has a value."""
    for pointer in reads.pointers:
        if not math.isfinite(values.get(pointer, 0.0)):
            return pointer
    return next((p for p, read in reads.pointers.items() if read() is not None), next(iter(reads.pointers)))
