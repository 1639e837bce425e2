"""What a log cannot tell, however it came out: it has too few rows, or begins too late.

A condition that waits for ten rows in a row is false in a log of four, and yet nothing has been judged. So whoever
says of a rule that it stayed silent asks here first whether it could have spoken.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from dataclasses import replace
from typing import TypeVar, cast

from barograph.core.run import Run
from barograph.engine.bound import BoundRule
from barograph.signals.expression import Argument, Signal
from barograph.signals.timeline import Timeline
from barograph.signals.words import fact

__all__ = ["begins_late", "lacking", "seen_by"]

S = TypeVar("S", bound=Signal)

#: A log whose first row lies beyond this share of the run has not seen its beginning.
LATE = 0.2
#: A fact that no run has: what is compared with it has no value.
UNSEEN = "beginning"
#: The same comparison with its sides exchanged.
TURNED = {"le": "ge", "lt": "gt", "ge": "le", "gt": "lt"}


def seen_by(rules: Iterable[BoundRule], run: Run, timeline: Timeline) -> list[BoundRule]:
    """The rules as this log can answer them: where it begins late, what compares with the beginning has no value."""
    return [*map(_without_beginning, rules)] if begins_late(run, timeline) else list(rules)


def begins_late(run: Run, timeline: Timeline) -> bool:
    """Whether the beginning of the run is missing from its log, as after a resume.

    A log of few rows is none of these: its first row stands for all steps up to there.
    """
    if timeline.horizon is None or run.config.get("steps_are_counted"):
        return False
    first = run.first_step
    second = bisect_right(run.steps, first)
    if second == len(run):
        return False
    return first > LATE * timeline.horizon and first > 2 * (run.steps[second] - first)


def _without_beginning(rule: BoundRule) -> BoundRule:
    """The rule for a log that begins late: where it compares with the beginning it has nothing to compare with."""
    return replace(
        rule,
        when=_unseen(rule.when),
        escalates=tuple((grade, _unseen(condition)) for grade, condition in rule.escalates),
        shows={name: _unseen(signal) for name, signal in rule.shows.items()},
    )


def _unseen(signal: S, *, denied: bool = False) -> S:
    """Without a value wherever the beginning would be needed to know it.

    An `or` is content with one side that has a value. Where it is denied, the other side might have been true.
    """
    if signal.word == "first":
        return cast("S", fact(UNSEEN))
    denied ^= signal.word == "not"
    parts = [_unseen(part, denied=denied) if isinstance(part, Signal) else part for part in signal.arguments]
    if denied and signal.word == "or" and any(_leans_on_it(part) for part in parts if isinstance(part, Signal)):
        return type(signal)("and", *parts)
    return type(signal)(signal.word, *parts)


def _leans_on_it(signal: Signal) -> bool:
    return any(part.word == "fact" and part.arguments == (UNSEEN,) for part in signal.walk())


def lacking(rule: BoundRule, run: Run, timeline: Timeline) -> str:
    """Why a rule that stayed silent could not have spoken in a log of such rows, or could have done so in part only.

    Nothing where it could. Metrics that are missing altogether are another matter.
    """
    if _leans_on_it(rule.when):
        return f"the log begins at step {run.first_step:,} only"
    return _Rows(run, timeline).lacking(rule.when)


class _Rows:
    """How many rows of each series there are, and where."""

    def __init__(self, run: Run, timeline: Timeline) -> None:
        self.run = run
        self.timeline = timeline

    def updates(self, signal: Signal) -> int | None:
        """In how many rows a signal can have been updated; None where none of its series is in the log."""
        columns = [self.run.columns[key] for key in signal.series() if key in self.run.columns]
        if not columns:
            return None
        begin = max((self._begin(part) for part in signal.walk() if part.word in {"after", "after_warmup"}), default=0)
        row = bisect_left(self.run.steps, begin)
        return max(len(column) - bisect_left(column.at, row) for column in columns)

    def _begin(self, phase: Signal) -> float:
        if phase.word == "after_warmup":
            return self.timeline.warmup_end()
        share, steps = (float(cast("float", argument)) for argument in phase.arguments)
        return self.timeline.reach(share, steps)

    def lacking(self, signal: Signal) -> str:
        here = self._here(signal)
        if here or signal.word == "not":
            return here
        return next((said for part in signal.inputs if (said := self.lacking(part))), "")

    def _here(self, signal: Signal) -> str:
        word, arguments = signal.word, signal.arguments
        if word in TURNED and isinstance(arguments[0], int | float):  # as Python turns `count(x) >= parameter` round
            word, arguments = TURNED[word], arguments[::-1]
        match word, arguments:
            case "sustained", (Signal() as condition, rows, *_):
                return self._too_few(condition, rows)
            case (
                ("ge" | "gt" as word),
                (Signal(word="count", arguments=(Signal() as counted,)), int() | float() as n),
            ):
                return self._too_few(counted, n + (word == "gt"))
            case "fraction" | "settled" | "mean" | "median" | "std" | "slope", (Signal() as looked_at, rows):
                return self._too_few(looked_at, rows)
            case "first", (Signal() as looked_at, int() | float() as rows) if rows > 1:
                return self._too_few(looked_at, 2 * rows)  # else most of the log is its beginning
            case "before", (share, steps):
                return self._none_before(self.timeline.reach(cast("float", share), cast("float", steps)))
            case "le", (Signal(word="step"), int() | float() as last):
                return self._none_before(last)
        return ""

    def _too_few(self, signal: Signal, rows: Argument) -> str:
        there = self.updates(signal)
        needed = int(cast("float", rows))
        if there is None or there >= needed:
            return ""
        keys = [key for key in signal.series() if key in self.run.columns]
        return f"too few rows: {needed} of {keys[0]} are needed, and there are {there}"

    def _none_before(self, step: float) -> str:
        if self.run.first_step <= step:
            return ""
        return f"looks at the steps up to {step:g}, and the log begins at step {self.run.first_step:,}"
