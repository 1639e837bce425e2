"""A chart as SVG: no script, sharp in print, and in the colours of the page around it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise

from barograph.charts.drawing import BIG, Chart, Line, number
from barograph.charts.markup import Markup, element, joined

__all__ = ["HEIGHT", "ROUNDS", "STYLES", "WIDTH", "labels", "picture", "ticks"]

WIDTH, HEIGHT = 400, 210
LEFT, RIGHT, TOP, BOTTOM = 52, 8, 10, 30
#: Lines are told apart by colour and by dashes; as many of each as the style sheet has.
STYLES, ROUNDS = 6, 3
#: Held-out data has dots as well, where there are no more than these.
DOTS = 60
#: More digits behind the point than these, or larger numbers, are written with a power of ten.
MOST_DIGITS = 5
#: The width of a letter of a mark's code, and of the gap that two of them need.
APART = 12


class _Scale:
    """From values to places on the paper."""

    def __init__(self, chart: Chart) -> None:
        steps = [step for line in chart.lines for step in (*line.steps, *line.gaps)]
        first, last = min(steps), max(steps)
        self.first, self.last = (first, last) if last > first else (first - 1, first + 1)
        self.is_log = chart.is_log
        self.low, self.high = (
            (math.log10(chart.low), math.log10(chart.high)) if chart.is_log else (chart.low, chart.high)
        )
        if self.is_log:
            margin = 0.04 * (self.high - self.low)
            self.low, self.high = self.low - margin, self.high + margin

    def x(self, step: float) -> float:
        share = (min(max(step, self.first), self.last) - self.first) / (self.last - self.first)
        return round(LEFT + share * (WIDTH - LEFT - RIGHT), 1)

    def y(self, value: float) -> float:
        place = value
        if self.is_log:
            place = math.log10(value) if value > 0 else self.low
        inside = min(max(place, self.low), self.high)
        share = (inside / 2 - self.low / 2) / (self.high / 2 - self.low / 2)  # Halved, so that no difference overflows.
        return round(HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM), 1)

    def holds(self, value: float) -> bool:
        """Whether a value is on the paper."""
        return (
            (value > 0 and self.low <= math.log10(value) <= self.high)
            if self.is_log
            else self.low <= value <= self.high
        )


def picture(chart: Chart, **attributes: object) -> Markup:
    """The chart; what it shows is said in words, for whoever cannot see it. Within a larger picture it has a place."""
    scale = _Scale(chart)
    return element(
        "svg",
        *_bands(chart, scale), *_grid(chart, scale), *_levels(chart, scale), *_stretches(chart, scale),
        *(joined(_line(line, place, scale)) for place, line in enumerate(chart.lines)),
        *_marks(chart, scale),
        viewBox=f"0 0 {WIDTH} {HEIGHT}",
        **{"role": "img", "aria_label": f"{chart.title}. {chart.says}", **attributes},
    )  # fmt: skip


def ticks(low: float, high: float, most: int = 5) -> list[float]:
    """Round numbers between two values: a few, evenly spaced by 1, 2 or 5 times a power of ten.

    >>> ticks(0.0, 1.0), ticks(-3.2, 8.4), ticks(0.48, 0.71)
    ([0.0, 0.2, 0.4, 0.6, 0.8, 1.0], [-2.0, 0.0, 2.0, 4.0, 6.0, 8.0], [0.5, 0.55, 0.6, 0.65, 0.7])
    """
    rough = high / most - low / most  # Divided first: the whole may be more than a number can hold.
    if not math.isfinite(rough) or rough <= 0:
        return []
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(nice * power for nice in (1, 2, 5, 10) if nice * power >= rough * 0.8)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [float(f"{place * step:.12g}") for place in range(first, last + 1)]


def labels(values: Sequence[float]) -> list[str]:
    """Round numbers with as many digits as tell them apart.

    >>> labels([0.998, 1.0, 1.002]), labels([0.0, 20000.0]), labels([0.0, 2e-7])
    (['0.998', '1.000', '1.002'], ['0', '20,000'], ['0', '2e-07'])
    """
    step = min((after - before for before, after in pairwise(values)), default=0.0)
    digits = max(0, -math.floor(math.log10(step) + 1e-9)) if step > 0 else 3
    largest = max((abs(value) for value in values), default=0.0)
    if digits > MOST_DIGITS or largest >= BIG:
        places = max(1, math.ceil(math.log10(largest / step))) if step > 0 and largest > 0 else 3
        return [f"{value:.{places}g}" for value in values]
    return [f"{value:,.{digits}f}" for value in values]


def _powers(low: float, high: float) -> list[float]:
    """Powers of ten between two logarithms: not more than fit."""
    exponents = range(math.ceil(low), math.floor(high) + 1)
    return [10.0**exponent for exponent in exponents[:: 1 + len(exponents) // 6]]


def _grid(chart: Chart, scale: _Scale) -> Iterator[Markup]:
    values = _powers(scale.low, scale.high) if scale.is_log else ticks(scale.low, scale.high)
    for value, label in zip(values, map(number, values) if scale.is_log else labels(values), strict=True):
        y = scale.y(value)
        yield element("line", class_="grid", x1=LEFT, x2=WIDTH - RIGHT, y1=y, y2=y)
        yield element("text", label, class_="tick", x=LEFT - 6, y=y + 3.5, text_anchor="end")
    steps = ticks(scale.first, scale.last)
    if chart.axis == "step":
        steps = [step for step in steps if step == int(step)]  # There is nothing between two of them.
    for step, label in zip(steps, labels(steps), strict=True):
        x = scale.x(step)
        anchor = "end" if x > WIDTH - RIGHT - 12 else "middle"  # Not beyond the paper.
        yield element("text", label, class_="tick", x=x, y=HEIGHT - BOTTOM + 16, text_anchor=anchor)
    yield element("text", chart.axis, class_="tick", x=WIDTH - RIGHT, y=HEIGHT - 2, text_anchor="end")


def _bands(chart: Chart, scale: _Scale) -> Iterator[Markup]:
    for band in chart.bands:
        low = scale.y(band.low) if math.isfinite(band.low) else HEIGHT - BOTTOM
        high = scale.y(band.high) if math.isfinite(band.high) else TOP
        x, end = scale.x(band.first_step), scale.x(band.last_step)
        if low > high and end > x:
            yield element("rect", class_="band", x=x, y=high, width=round(end - x, 1), height=round(low - high, 1))


def _levels(chart: Chart, scale: _Scale) -> Iterator[Markup]:
    for level in chart.levels:
        if scale.holds(level.value):
            y = scale.y(level.value)
            yield element("line", class_="level", x1=LEFT, x2=WIDTH - RIGHT, y1=y, y2=y)
            below = y < TOP + 2 * APART  # Above it there would be the names of marks.
            yield element(
                "text", level.says, class_="said", x=WIDTH - RIGHT - 2, y=y + 12 if below else y - 3, text_anchor="end"
            )


def _stretches(chart: Chart, scale: _Scale) -> Iterator[Markup]:
    for mark in chart.marks:
        x, end = scale.x(mark.step), scale.x(mark.last_step)
        if end > x:
            yield element(
                "rect",
                class_=f"stretch {mark.severity}",
                x=x,
                y=TOP,
                width=round(end - x, 1),
                height=HEIGHT - TOP - BOTTOM,
            )


def _marks(chart: Chart, scale: _Scale) -> Iterator[Markup]:
    taken = list[float]()
    for mark in sorted(chart.marks, key=lambda one: one.step):
        x = scale.x(mark.step)
        yield element("line", class_=f"mark {mark.severity}", x1=x, x2=x, y1=TOP, y2=HEIGHT - BOTTOM)
        row = sum(abs(x - other) < APART * 4 for other in taken)  # Beside others its name goes lower.
        taken.append(x)
        end = x > WIDTH - 70
        yield element(
            "text", mark.code, class_=f"code {mark.severity}", x=x - 3 if end else x + 3, y=TOP + 10 + APART * row,
            text_anchor="end" if end else "start",
        )  # fmt: skip


def _line(line: Line, place: int, scale: _Scale) -> Iterator[Markup]:
    style = f"s{place % STYLES} r{place // STYLES % ROUNDS}"
    has_each = list(line.low) == list(line.high)
    if line.shows_all and has_each and list(line.smooth) != list(line.high):
        yield element("polyline", class_=f"raw {style}", points=_points(line.steps, line.high, scale))
    elif line.shows_all and not has_each:
        back = _points(list(reversed(line.steps)), list(reversed(line.low)), scale)
        yield element("polygon", class_=f"envelope {style}", points=f"{_points(line.steps, line.high, scale)} {back}")
    if len(line.steps) > 1:
        yield element("polyline", class_=f"smooth {style}", points=_points(line.steps, line.smooth, scale))
    if len(line.steps) == 1 or (line.is_held_out and len(line.steps) <= DOTS):
        for step, value in zip(line.steps, line.smooth, strict=True):
            yield element("circle", class_=f"dot {style}", cx=scale.x(step), cy=scale.y(value), r=3)
    for step in line.gaps:
        yield element(
            "text",
            "\N{MULTIPLICATION SIGN}",
            class_="gap",
            x=scale.x(step),
            y=HEIGHT - BOTTOM - 2,
            text_anchor="middle",
        )


def _points(steps: Sequence[float], values: Sequence[float], scale: _Scale) -> str:
    return " ".join(f"{scale.x(step):g},{scale.y(value):g}" for step, value in zip(steps, values, strict=True))
