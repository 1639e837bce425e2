"""Several runs in one HTML file: which is to be preferred and why, what sets them apart, and their curves."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from barograph.charts.comparison import Comparison, Contestant, Difference, direction_of
from barograph.charts.drawing import Chart, number
from barograph.charts.markup import Markup, element
from barograph.charts.panels import series_title
from barograph.charts.sheet import READING, figure, sheet, table

__all__ = ["page", "preferred", "told"]


COURSES = "Each line is the mean of the values just before; the tables beside them hold the lowest and highest ones."


def page(comparison: Comparison, charts: Sequence[Chart]) -> str:
    """The whole document."""
    count = len(comparison.contestants)
    return sheet(
        f"{count} runs compared",
        element("header", element("h1", f"{count} runs compared"), element("p", preferred(comparison))),
        element("p", f"Ranked by: {comparison.rule}.", class_="quiet"),
        element(
            "div",
            element("div", element("h2", "The runs"), _runs(comparison), *_differences(comparison)),
            element("div", *map(figure, charts[:1]), class_="lead"),  # What they are ranked by.
            class_="first-look",
        ),
        *_charts(charts),
        element("h2", "How far they came"),
        _measures(comparison),
    )


def preferred(comparison: Comparison) -> str:
    """Which run is to be preferred, in a sentence."""
    winner = comparison.winner
    if winner is None and len(comparison.tied) > 1:
        names = ", ".join(one.name for one in comparison.tied)
        return f"Nothing tells these apart: {names}."
    if winner is None:
        return "None is to be preferred: each is sick, or too short to be judged."
    others = [one for one in comparison.contestants[1:] if _is_ahead(one, winner, comparison)]
    warned = ""
    if others:
        names = ", ".join(one.name for one in others)
        warned = f" {names} {'has' if len(others) == 1 else 'have'} the better number, and the worse verdict."
    return f"To be preferred: {winner.name}.{warned}"


def told(found: Difference) -> str:
    """A difference with how sure it is, in a sentence."""
    sure = "" if found.is_sure else ", which may be chance"
    span = f"95 % interval {number(found.low)} to {number(found.high)}"
    if found.low == found.high:
        span, sure = "no two seeds differ, so that it has no interval", ""
    return f"{found.better} against {found.other}: {number(found.by)} ({span}){sure}"


def _is_ahead(one: Contestant, winner: Contestant, comparison: Comparison) -> bool:
    """Whether a run has the better number."""
    goal = comparison.goal
    if goal is None or goal not in one.measures or goal not in winner.measures:
        return False
    return direction_of(goal) * (one.measures[goal].last - winner.measures[goal].last) > 0


def _runs(comparison: Comparison) -> Markup:
    head = element("tr", *(element("th", name, scope="col") for name in ("run", "verdict", *comparison.settings)))
    rows = (
        element(
            "tr",
            element("th", one.name, scope="row"),
            element("td", one.diagnosis.verdict, class_=one.diagnosis.verdict),
            *(element("td", _setting(one.differs.get(name))) for name in comparison.settings),
        )
        for one in comparison.contestants
    )
    return table("The runs", head, rows)


def _setting(value: object) -> str:
    return "-" if value is None else str(value)[:80]


def _differences(comparison: Comparison) -> Iterator[Markup]:
    if comparison.differences:
        yield element("h2", "Over seeds")
        yield element("ul", *(element("li", told(one)) for one in comparison.differences))


def _measures(comparison: Comparison) -> Markup:
    names = [one.name for one in comparison.contestants]
    head = element("tr", *(element("th", name, scope="col") for name in ("series", *names)))
    rows = (
        element(
            "tr",
            element("th", series_title(key), scope="row"),
            *(_cell(one, key, comparison.at) for one in comparison.contestants),
        )
        for key in comparison.series
    )
    return table("How far they came", head, rows)


def _cell(one: Contestant, key: str, at: int | None) -> Markup:
    measure = one.measures.get(key)
    if measure is None:
        return element("td", "-")
    best = None
    if measure.best is not None:
        best = element("span", f" best {number(measure.best)} at step {measure.best_step:,}", class_="quiet")
    there = f"; {number(measure.there)} at step {at:,}" if at is not None and measure.there is not None else None
    return element("td", number(measure.last), best, there)


def _charts(charts: Sequence[Chart]) -> Iterator[Markup]:
    if len(charts) > 1:
        yield element("h2", "Charts")
        reading = READING if charts[0].lines[0].shows_all else COURSES
        yield element("p", reading, class_="quiet")
        yield element("div", *map(figure, charts[1:]), class_="charts")
