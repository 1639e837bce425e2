"""When a quantity will reach the limit of a rule, if it goes on as it does.

The longest stretch of the log up to now is taken over which the quantity moved in a straight line: as far as its two
halves agree, and far beyond its scatter. Time is counted in learning rate spent, not in steps, for what a run changes
in a step shrinks as the rate does. Where there is no such stretch, where the limit would not be reached within the
run, or where nobody could say when, there is no forecast. How often they come true stands in docs/forecast.md.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from barograph.core.finding import Finding
from barograph.core.forecast import Forecast
from barograph.core.run import Column, Run
from barograph.engine.bound import BoundRule
from barograph.rules.forecasts import COURSES, Course
from barograph.signals.expression import Argument, Signal

__all__ = ["forecast", "forecasts"]

#: Rows of the shortest stretch that is looked at, and how much longer the next one is.
SHORTEST, LONGER = 12, 1.4
#: A longer stretch is averaged into so many points.
POINTS = 40
#: A trend stands so many of its standard errors from none, and the trend of its later half so many.
SURE, SURE_OF_LATER = 12.0, 2.0
#: The later half is so steep, in shares of the earlier.
STEADY = (0.8, 2.0)
#: The bounds lie at least this factor below and above, and at most that far from each other.
NARROWEST, WIDEST = 2.5, 10.0
#: So few rows ahead is now.
AHEAD = 3
#: Rows of the learning rate that tell how it goes on, and their share of those that there are.
RATE_ROWS, RATE_SHARE = 5, 0.2


def forecasts(
    run: Run, rules: Iterable[BoundRule], facts: Mapping[str, float], findings: Iterable[Finding]
) -> list[Forecast]:
    """What is on its way to the limit of a rule that has found nothing so far."""
    found = {finding.code for finding in findings}
    bound = {rule.rule: rule for rule in rules if rule.rule.code not in found}
    made = (forecast(run, course, bound[course.rule], facts) for course in COURSES if course.rule in bound)
    return [one for one in made if one is not None]


def forecast(run: Run, course: Course, rule: BoundRule, facts: Mapping[str, float]) -> Forecast | None:
    """When one quantity gets to its limit; None where that cannot be said honestly."""
    column = run.columns.get(course.metric)
    if column is None or len(column) < SHORTEST:
        return None
    limit = _level(course.limit.bind(lambda param: rule.numbers[param.name]), run, facts)
    if limit is None or (course.by_shares and limit <= 0):
        return None
    clock = _Clock.of(run)
    trend = _straight(run, column, course, clock)
    if trend is None:
        return None
    way = _scaled(limit, course) - trend.level
    if course.falls:
        way = -way
    steps, earliest, latest = _steps(trend, way, clock)
    if not _is_worth_saying(run, column, facts, steps, earliest, latest):
        return None
    about, soonest, last = _rounded(steps), math.floor(earliest), math.ceil(latest)
    says = course.says.format(limit=limit)
    return Forecast(
        code=course.rule.code,
        metric=course.metric,
        limit=limit,
        value=column.values[-1],
        steps=about,
        earliest=soonest,
        latest=last,
        says=f"{says} in about {about} steps ({soonest} to {last}) if it goes on like this",
    )


def _level(signal: Argument, run: Run, facts: Mapping[str, float]) -> float | None:
    """The value of a limit: numbers, facts of the configuration, and where a metric began."""
    if not isinstance(signal, Signal):
        return float(signal)
    if signal.word == "fact":
        return facts.get(str(signal.arguments[0]))
    if signal.word == "first":
        (metric,) = signal.series()
        column, rows = run.columns.get(metric), signal.arguments[1]
        begun = [value for value in column.values[: int(str(rows))] if math.isfinite(value)] if column else []
        return median(begun) if begun else None
    parts = [_level(argument, run, facts) for argument in signal.arguments]
    known = [part for part in parts if part is not None]
    return _WORDS[signal.word](known) if len(known) == len(parts) else None


_WORDS: dict[str, Callable[[list[float]], float]] = {
    "minimum": min,
    "maximum": max,
    "mul": math.prod,
    "neg": lambda numbers: -numbers[0],
}


# Time


@dataclass(frozen=True, slots=True)
class _Clock:
    """Counts time in steps at the present learning rate."""

    at: Sequence[int]
    rates: Sequence[float]
    #: By which share of itself the rate changes in a step; never above zero, for nothing rises for ever.
    change: float = 0.0

    @classmethod
    def of(cls, run: Run) -> _Clock:
        column = run.columns.get("lr")
        if column is None or not len(column) or not 0 < column.values[-1] < math.inf:
            return cls((), ())
        rates, row = column.values, max(0, len(column) - 1 - max(RATE_ROWS, int(RATE_SHARE * len(column))))
        steps = run.steps[column.at[-1]] - run.steps[column.at[row]]
        change = (rates[-1] - rates[row]) / rates[-1] / steps if steps > 0 and math.isfinite(rates[row]) else 0.0
        return cls(column.at, rates, min(0.0, change))

    def rate(self, row: int) -> float:
        """The rate at a row, as a share of the present one."""
        if not self.rates:
            return 1.0
        return self.rates[max(0, bisect_right(self.at, row) - 1)] / self.rates[-1]

    def steps(self, time: float) -> float:
        """How many steps from now on a time takes, while the rate changes as it does."""
        if self.change >= 0:
            return time
        left = 1 + 2 * self.change * time
        return (math.sqrt(left) - 1) / self.change if left > 0 else math.inf


# The trend


@dataclass(frozen=True, slots=True)
class _Trend:
    """A straight line through points, as least squares has it. Slopes point towards the limit."""

    slope: float
    error: float
    #: Where it stands now, and how far points lie from it.
    level: float
    scatter: float
    later: float
    later_error: float
    earlier: float
    #: The mean of so many points tells the level.
    points: float

    @property
    def is_straight(self) -> bool:
        low, high = STEADY
        return (
            self.slope > SURE * self.error
            and self.later > SURE_OF_LATER * self.later_error
            and low * self.earlier <= self.later <= high * self.earlier
        )


def _straight(run: Run, column: Column, course: Course, clock: _Clock) -> _Trend | None:
    """The longest straight stretch that ends now."""
    best, rows = None, SHORTEST
    while rows <= len(column):
        points = _points(run, column, rows, course, clock)
        if not all(math.isfinite(number) for point in points for number in point) or points[0][0] >= points[-1][0]:
            break
        trend = _trend(points, falls=course.falls)
        if trend.is_straight:
            best = trend
        rows = int(rows * LONGER) + 1
    return best


def _points(run: Run, column: Column, rows: int, course: Course, clock: _Clock) -> list[tuple[float, float]]:
    """The last rows as points of time, which is nought now, and value; neighbours are averaged where they are many."""
    count, begin = min(rows, POINTS), len(column) - rows
    points: list[tuple[float, float]] = []
    time, after, rate_after = 0.0, float(run.steps[column.at[-1]]), 1.0
    for number in reversed(range(count)):
        low, high = begin + number * rows // count, begin + (number + 1) * rows // count
        step = (run.steps[column.at[low]] + run.steps[column.at[high - 1]]) / 2
        rate = clock.rate(column.at[(low + high - 1) // 2])
        time -= (after - step) * (rate + rate_after) / 2
        after, rate_after = step, rate
        points.append((time, _scaled(sum(column.values[low:high]) / (high - low), course)))
    return points[::-1]


def _scaled(value: float, course: Course) -> float:
    if not course.by_shares:
        return value
    return math.log(value) if value > 0 else math.nan


def _trend(points: Sequence[tuple[float, float]], *, falls: bool) -> _Trend:
    half = len(points) // 2
    sign = -1 if falls else 1
    slope, error, _, scatter = _line(points)
    earlier = _line(points[: half + 1])[0]
    later, later_error, level, _ = _line(points[half:])
    return _Trend(sign * slope, error, level, scatter, sign * later, later_error, sign * earlier, len(points) / 2)


def _line(points: Sequence[tuple[float, float]]) -> tuple[float, float, float, float]:
    """Slope, its standard error, the value now, and the scatter around it."""
    count = len(points)
    middle = sum(time for time, _ in points) / count
    mean = sum(value for _, value in points) / count
    spread = sum((time - middle) * (time - middle) for time, _ in points) or math.inf
    slope = sum((time - middle) * (value - mean) for time, value in points) / spread
    off = [value - mean - slope * (time - middle) for time, value in points]
    rest = sum(one * one for one in off)
    scatter = math.sqrt(rest / max(1, count - 2))
    return slope, scatter / math.sqrt(spread), mean - slope * middle, scatter


# What is said


def _steps(trend: _Trend, way: float, clock: _Clock) -> tuple[float, float, float]:
    """About how many steps it is, and the bounds: by the steeper and the flatter half, and the error of where it is."""
    if way <= 0:
        return 0.0, 0.0, 0.0
    unsure = trend.scatter / math.sqrt(trend.points)
    flattest = min(trend.slope, trend.later) - trend.error
    steps = clock.steps(way / trend.slope)
    earliest = clock.steps(max(0.0, way - unsure) / (max(trend.slope, trend.later) + trend.error))
    latest = clock.steps((way + unsure) / flattest) if flattest > 0 else math.inf
    return steps, min(earliest, steps / NARROWEST), max(latest, steps * NARROWEST)


def _is_worth_saying(
    run: Run, column: Column, facts: Mapping[str, float], steps: float, earliest: float, latest: float
) -> bool:
    seen = run.steps[column.at[-1]] - run.steps[column.at[0]]
    planned = facts.get("max_steps")
    left = planned - run.last_step if planned else math.inf
    return (
        AHEAD * seen / (len(column) - 1) <= steps <= seen
        and latest <= left
        and latest < math.inf
        and latest <= WIDEST * earliest
    )


def _rounded(steps: float) -> int:
    """To two digits: more is not known."""
    return int(float(f"{steps:.2g}"))
