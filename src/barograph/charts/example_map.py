"""The map of a training set: each example a dot, by its mean margin and how much that varied from look to look.

What was learned with ease lies above the line of nought and to the left, what was never learned below it, and what the
model wavered about to the right. After one look at each example there is nothing that could vary: then it is a
histogram of margins.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from barograph.charts.markup import Markup, element
from barograph.charts.sheet import table
from barograph.charts.svg import labels, ticks

__all__ = ["BINS", "Dot", "ExampleMap", "bars", "extent", "section"]

WIDTH, HEIGHT = 560, 320
LEFT, RIGHT, TOP, BOTTOM = 52, 10, 12, 40
#: Beyond what so large a share of dots needs on either side, they stand at the edge.
BEYOND = 0.005
BINS = 40
#: Style of each group, as the sheet has them: learned green, undecided blue, never learned orange.
STYLES = ("s2", "s0", "s1")


@dataclass(frozen=True, slots=True)
class Dot:
    """One example."""

    spread: float
    margin: float
    #: Which of the groups it belongs to.
    group: int
    #: Whether it stands apart from the rest, on the side of wrong labels.
    is_apart: bool = False


@dataclass(frozen=True, slots=True)
class ExampleMap:
    """What a map is drawn from."""

    dots: Sequence[Dot]
    #: What a dot may be (learned, undecided, never learned), and how many examples are each.
    groups: Sequence[tuple[str, int]]
    #: Whether examples were looked at more than once.
    has_spread: bool
    #: What it shows, in sentences.
    says: Sequence[str] = ()
    #: Those whose label is likeliest wrong, as rows of a table.
    suspects: Sequence[Mapping[str, object]] = ()

    @property
    def is_thinned(self) -> bool:
        """Whether it has fewer dots than there are examples."""
        return len(self.dots) < sum(count for _, count in self.groups)


def section(of: ExampleMap) -> Iterator[Markup]:
    """The map with what it shows in words, and the suspects below it."""
    yield element("h2", "Its examples")
    yield from (element("p", sentence) for sentence in of.says)
    thinned = f" {len(of.dots):,} of them are drawn." if of.is_thinned else ""
    how = "Each dot is an example" if of.has_spread else "How many examples have which margin"
    yield element(
        "figure",
        element("ul", *(_key(place, name, count) for place, (name, count) in enumerate(of.groups)), class_="key"),
        _picture(of),
        element("figcaption", element("p", f"{how}.{thinned}" + (" Ringed ones stand apart." if _ringed(of) else ""))),
        id="example-map",
        class_="map",
    )
    if of.suspects:
        names = list(dict.fromkeys(name for row in of.suspects for name in row))
        head = element("tr", *(element("th", name, scope="col") for name in names))
        rows = (element("tr", *(_cell(row.get(name)) for name in names)) for row in of.suspects)
        yield element("h3", "Likeliest wrong labels")
        yield table("Likeliest wrong labels", head, rows)


def extent(values: Sequence[float]) -> tuple[float, float]:
    """Where nearly all values lie, with some room.

    >>> extent([0.0] * 500 + [1.0] * 500 + [900.0])
    (-0.05, 1.05)
    >>> extent([2.0])
    (1.95, 2.05)
    """
    ordered = sorted(values)
    cut = int(BEYOND * len(ordered))
    low, high = ordered[cut], ordered[len(ordered) - 1 - cut]
    room = 0.05 * ((high - low) or 1.0)
    return low - room, high + room


def bars(of: ExampleMap) -> list[tuple[float, float, list[int]]]:
    """A histogram of margins: from where to where each bar goes, and how many dots of each group it has."""
    low, high = extent([dot.margin for dot in of.dots])
    width = (high - low) / BINS
    counts = [[0] * len(of.groups) for _ in range(BINS)]
    for dot in of.dots:
        counts[min(BINS - 1, max(0, int((dot.margin - low) / width)))][dot.group] += 1
    return [(low + place * width, low + (place + 1) * width, count) for place, count in enumerate(counts)]


def _ringed(of: ExampleMap) -> bool:
    return of.has_spread and any(dot.is_apart for dot in of.dots)


def _scale(low: float, high: float, begin: float, end: float) -> Callable[[float], float]:
    """From values to places on the paper; what lies beyond stands at the edge."""

    def place(value: float) -> float:
        return round(begin + (min(max(value, low), high) - low) / (high - low) * (end - begin), 1)

    return place


def _picture(of: ExampleMap) -> Markup:
    inner = _scatter(of) if of.has_spread else _histogram(of)
    counted = ", ".join(f"{count:,} {name}" for name, count in of.groups)
    return element(
        "svg", *inner, viewBox=f"0 0 {WIDTH} {HEIGHT}", role="img", aria_label=f"Map of the examples: {counted}."
    )


def _scatter(of: ExampleMap) -> Iterator[Markup]:
    across, up = extent([dot.spread for dot in of.dots]), extent([dot.margin for dot in of.dots])
    across = (max(0.0, across[0]), across[1])
    x, y = _scale(*across, LEFT, WIDTH - RIGHT), _scale(*up, HEIGHT - BOTTOM, TOP)
    yield from _axes(across, up, x, y, "how much it varied", "mean margin")
    if up[0] < 0 < up[1]:
        yield element("line", class_="level", x1=LEFT, x2=WIDTH - RIGHT, y1=y(0), y2=y(0))
    for dot in of.dots:
        yield _shape(dot.group, x(dot.spread), y(dot.margin))
    for dot in of.dots:
        if dot.is_apart:
            yield element("circle", class_="ring", cx=x(dot.spread), cy=y(dot.margin), r=4.5)


def _histogram(of: ExampleMap) -> Iterator[Markup]:
    counted = bars(of)
    across = (counted[0][0], counted[-1][1])
    up = (0.0, 1.05 * max(sum(counts) for _, _, counts in counted))
    x, y = _scale(*across, LEFT, WIDTH - RIGHT), _scale(*up, HEIGHT - BOTTOM, TOP)
    yield from _axes(across, up, x, y, "margin", "examples")
    for begin, end, counts in counted:
        below = 0
        for group, count in enumerate(counts):
            if count:
                top, bottom = y(below + count), y(below)
                yield element(
                    "rect", class_=f"dot {STYLES[group]}", x=x(begin), y=top, width=round(x(end) - x(begin), 1),
                    height=round(bottom - top, 1),
                )  # fmt: skip
            below += count
    if across[0] < 0 < across[1]:
        yield element("line", class_="level", x1=x(0), x2=x(0), y1=TOP, y2=HEIGHT - BOTTOM)


def _axes(
    across: tuple[float, float],
    up: tuple[float, float],
    x: Callable[[float], float],
    y: Callable[[float], float],
    below: str,
    beside: str,
) -> Iterator[Markup]:
    marks = ticks(*up)
    for value, label in zip(marks, labels(marks), strict=True):
        yield element("line", class_="grid", x1=LEFT, x2=WIDTH - RIGHT, y1=y(value), y2=y(value))
        yield element("text", label, class_="tick", x=LEFT - 6, y=y(value) + 3.5, text_anchor="end")
    marks = ticks(*across)
    for value, label in zip(marks, labels(marks), strict=True):
        yield element("text", label, class_="tick", x=x(value), y=HEIGHT - BOTTOM + 16, text_anchor="middle")
    middle = round((TOP + HEIGHT - BOTTOM) / 2, 1)
    yield element("text", below, class_="tick", x=WIDTH - RIGHT, y=HEIGHT - 6, text_anchor="end")
    yield element(
        "text", beside, class_="tick", x=12, y=middle, text_anchor="middle", transform=f"rotate(-90 12 {middle})"
    )


def _shape(group: int, x: float, y: float) -> Markup:
    """A dot for what was learned, a diamond for what is undecided, a square for what was never learned."""
    style = f"dot point {STYLES[group]}"
    if group == 0:
        return element("circle", class_=style, cx=x, cy=y, r=1.8)
    if group == 1:
        return element("path", class_=style, d=f"M{x:g} {y - 3:g}l3 3l-3 3l-3-3z")
    return element("rect", class_=style, x=round(x - 2.2, 1), y=round(y - 2.2, 1), width=4.4, height=4.4)


def _key(place: int, name: str, count: int) -> Markup:
    shape = element("svg", _shape(place, 7, 7), viewBox="3 3 8 8", aria_hidden="true")
    return element("li", shape, f" {name}: {count:,}")


def _cell(value: object) -> Markup:
    if isinstance(value, float):
        return element("td", f"{value:.2f}" if math.isfinite(value) else "", class_="number")
    return element("td", "" if value is None else str(value), class_="number" if isinstance(value, int) else "answer")
