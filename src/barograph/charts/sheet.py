"""What the report and the comparison are made of: the sheet itself, a chart with its words, a table."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from barograph.charts.drawing import Chart, Line, meanings, number
from barograph.charts.markup import Markup, element
from barograph.charts.svg import ROUNDS, STYLES, picture

__all__ = ["READING", "figure", "sheet", "table"]

STYLE = Path(__file__).with_suffix(".css")
#: Nothing is fetched, nothing is run: what is in a log can do nothing here.
POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
READING = (
    "The thin line or the pale area holds every value, the thick line the mean of those just before. "
    "Green areas are where healthy runs lie."
)
#: Rows of the table beside a chart.
ROWS = 20


def sheet(title: str, *children: Markup) -> str:
    """A whole document."""
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", http_equiv="Content-Security-Policy", content=POLICY),
        element("title", title),
        element("style", Markup(STYLE.read_text(encoding="utf-8"))),
    )
    return f"<!doctype html>\n{element('html', head, element('body', element('main', *children)), lang='en')}\n"


def figure(chart: Chart, links: Markup | None = None) -> Markup:
    """A chart with what it shows in words, what its metrics mean, and its values as a table."""
    unit = element("span", f" · {chart.unit}", class_="quiet") if chart.unit else None
    keys = element("ul", *(_key(line, place) for place, line in enumerate(chart.lines)), class_="key")
    return element(
        "figure",
        element("h3", chart.title, unit),
        keys if len(chart.lines) > 1 else None,
        picture(chart),
        element(
            "figcaption",
            links,
            element("p", chart.says),
            element(
                "details",
                element("summary", "What this is"),
                *(element("p", element("strong", title), f": {says}") for title, says in meanings(chart)),
            ),
            element("details", element("summary", "Values"), _values(chart)),
        ),
        id=f"chart-{chart.name}",
    )


def table(label: str, head: Markup | None, rows: Iterable[Markup]) -> Markup:
    """A table that moves by itself where the page is narrow."""
    return element("div", element("table", head, *rows), class_="wide", tabindex=0, role="region", aria_label=label)


def _key(line: Line, place: int) -> Markup:
    style = f"s{place % STYLES} r{place // STYLES % ROUNDS}"
    stroke = element("line", class_=f"smooth {style}", x1=0, x2=36, y1=7, y2=7)
    dot = element("circle", class_=f"dot {style}", cx=18, cy=7, r=3) if line.is_held_out else None
    return element("li", element("svg", stroke, dot, viewBox="0 0 36 14", aria_hidden="true"), f" {line.title}")


def _values(chart: Chart) -> Markup:
    """The same as a table, thinned to what is read."""
    steps = sorted({step for line in chart.lines for step in line.steps})
    chosen = steps[:: max(1, -(-len(steps) // ROWS))]
    if chosen[-1] != steps[-1]:
        chosen.append(steps[-1])
    known = [dict(zip(line.steps, zip(line.low, line.high, strict=True), strict=True)) for line in chart.lines]
    head = element(
        "tr", element("th", chart.axis, scope="col"), *(element("th", line.title, scope="col") for line in chart.lines)
    )
    rows = (
        element(
            "tr",
            element("th", f"{step:,.0f}" if step == int(step) else f"{step:g}", scope="row"),
            *(element("td", _range(of.get(step))) for of in known),
        )
        for step in chosen
    )
    return table(f"Values of {chart.title}", head, rows)


def _range(cell: tuple[float, float] | None) -> str:
    if cell is None:
        return ""
    low, high = cell
    return number(low) if low == high else f"{number(low)} to {number(high)}"
