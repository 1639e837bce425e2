"""A run in one HTML file: the verdict, what proves it, where it happened, what to do. It needs nothing but itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from barograph.charts.drawing import Chart, Line, number
from barograph.charts.markup import Markup, element, joined
from barograph.charts.svg import STYLES, picture
from barograph.core.finding import Diagnosis, Finding, Severity, StageCell, Verdict
from barograph.core.names import catalogue, split_of
from barograph.core.run import Run

__all__ = ["Page", "report"]

STYLE = Path(__file__).with_suffix(".css")
#: Nothing is fetched, nothing is run: what is in a log can do nothing here.
POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
#: A word beside the colour, for those who see none.
WORDS = {
    Verdict.HEALTHY: "Healthy: nothing to worry about",
    Verdict.WATCH: "Worth a look",
    Verdict.UNHEALTHY: "Unhealthy: something is wrong",
    Verdict.UNJUDGED: "Unjudged: too little to say anything",
}
READING = (
    "The thin line or the pale area holds every value, the thick line the mean of those just before. "
    "Green areas are where healthy runs lie."
)
#: Rows of the table beside a chart.
ROWS = 20


@dataclass(frozen=True, slots=True)
class Page:
    """What a report is made from."""

    run: Run
    diagnosis: Diagnosis
    charts: Sequence[Chart]
    #: Each rule's reason, by its code.
    why: Mapping[str, str]
    #: The commands that give the same again.
    again: Sequence[str]
    #: Predictions that were kept, as rows.
    samples: Sequence[Mapping[str, object]] = ()
    #: What the run is called.
    name: str = ""
    version: str = ""


def report(page: Page) -> str:
    """The whole document."""
    title = f"{page.diagnosis.verdict.value}: {page.name}"
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", http_equiv="Content-Security-Policy", content=POLICY),
        element("title", title),
        element("style", Markup(STYLE.read_text(encoding="utf-8"))),
    )
    main = element(
        "main", _head(page), *_causes(page), *_findings(page), *_charts(page), *_stages(page), *_samples(page),
        *_config(page), *_unjudged(page), *_again(page),
    )  # fmt: skip
    return f"<!doctype html>\n{element('html', head, element('body', main), lang='en')}\n"


def _head(page: Page) -> Markup:
    diagnosis = page.diagnosis
    rows = f"{diagnosis.rows:,} rows, steps {diagnosis.first_step:,} to {diagnosis.last_step:,}"
    return element(
        "header",
        element("h1", element("span", WORDS[diagnosis.verdict], class_=diagnosis.verdict.value)),
        element("p", element("strong", page.name), f" · {diagnosis.method} · {rows} · read as {diagnosis.source}"),
    )


def _causes(page: Page) -> Iterator[Markup]:
    if not page.diagnosis.causes:
        return
    first, *others = page.diagnosis.causes
    also = f"Less likely: {', '.join(cause.name for cause in others[:3])}." if others else None
    yield element(
        "section",
        element("p", "Likeliest cause: ", element("strong", first.name), f" ({', '.join(first.codes)})"),
        element("ul", *(element("li", advice) for advice in first.advice)) if first.advice else None,
        element("p", also, class_="quiet") if also else None,
        class_=f"cause {page.diagnosis.verdict.value}", aria_label="Likeliest cause",
    )  # fmt: skip


def _findings(page: Page) -> Iterator[Markup]:
    loud = [one for one in page.diagnosis.findings if one.severity > Severity.INFO]
    quiet = [one for one in page.diagnosis.findings if one.severity is Severity.INFO]
    if loud:
        yield element("h2", "What was found")
        yield from (_finding(one, place, page) for place, one in enumerate(loud))
    if quiet:
        yield element("h2", "Remarks")
        yield element("ul", *(element("li", element("code", one.code), f" {one.says}") for one in quiet))


def _finding(found: Finding, place: int, page: Page) -> Markup:
    steps = f"step {found.step:,}" if found.step == found.last_step else f"steps {found.step:,} to {found.last_step:,}"
    chart = next((one for one in page.charts if any(line.key == found.metric for line in one.lines)), None)
    where = element("a", "Show it on the chart", href=f"#chart-{chart.name}") if chart else None
    evidence = ", ".join(f"{name} {number(value)}" for name, value in found.evidence.items())
    reason = f"A consequence of {found.follows}: mend that first." if found.follows else page.why.get(found.code)
    return element(
        "article",
        element("h3", f"{found.severity}: {found.code} {found.name}", element("span", f" · {steps}", class_="quiet")),
        element("p", found.says[:1].upper() + found.says[1:], ". ", where),
        element("p", f"Why: {reason}") if reason else None,
        element("ul", *(element("li", advice) for advice in found.advice))
        if found.advice and not found.follows else None,
        element("details", element("summary", "The numbers behind it"), element("p", evidence)) if evidence else None,
        class_=f"finding {found.severity}", id=f"finding-{place}",
    )  # fmt: skip


def _charts(page: Page) -> Iterator[Markup]:
    if page.charts:
        yield element("h2", "Charts")
        yield element("p", READING, class_="quiet")
        yield element("div", *(_figure(chart, page) for chart in page.charts), class_="charts")


def _figure(chart: Chart, page: Page) -> Markup:
    loud = [one for one in page.diagnosis.findings if one.severity > Severity.INFO]
    marks = [
        element("a", f"{one.code} at step {one.step:,}", href=f"#finding-{place}", class_=str(one.severity))
        for place, one in enumerate(loud)
        if any(line.key == one.metric for line in chart.lines)
    ]
    unit = element("span", f" · {chart.unit}", class_="quiet") if chart.unit else None
    return element(
        "figure",
        element("h3", chart.title, unit),
        element("ul", *(_key(line, place) for place, line in enumerate(chart.lines)), class_="key")
        if len(chart.lines) > 1 else None,
        picture(chart),
        element(
            "figcaption",
            element("p", *_with_commas(marks)) if marks else None,
            element("p", chart.says),
            element("details", element("summary", "What this is"), *_meanings(chart)),
            element("details", element("summary", "Values"), _values(chart)),
        ),
        id=f"chart-{chart.name}",
    )  # fmt: skip


def _with_commas(items: Sequence[Markup]) -> Iterator[object]:
    for place, item in enumerate(items):
        if place:
            yield ", "
        yield item


def _key(line: Line, place: int) -> Markup:
    held_out = " held-out" if line.is_held_out else ""
    stroke = element("line", class_=f"smooth s{place % STYLES}{held_out}", x1=0, x2=36, y1=7, y2=7)
    return element("li", element("svg", stroke, viewBox="0 0 36 14", aria_hidden="true"), f" {line.title}")


def _meanings(chart: Chart) -> Iterator[Markup]:
    for name in dict.fromkeys(split_of(line.key)[1] for line in chart.lines):
        metric = catalogue().get(name)
        if metric is None:
            yield element("p", element("strong", name), ": logged by the run; barograph has no explanation of it.")
        else:
            yield element("p", element("strong", metric.title), f": {metric.meaning} {metric.reading}")


def _values(chart: Chart) -> Markup:
    """The same as a table, thinned to what is read."""
    steps = sorted({step for line in chart.lines for step in line.steps})
    chosen = steps[:: max(1, -(-len(steps) // ROWS))]
    if chosen[-1] != steps[-1]:
        chosen.append(steps[-1])
    known = [dict(zip(line.steps, zip(line.low, line.high, strict=True), strict=True)) for line in chart.lines]
    head = element(
        "tr", element("th", "step", scope="col"), *(element("th", line.title, scope="col") for line in chart.lines)
    )
    rows = (
        element(
            "tr", element("th", f"{step:,.0f}", scope="row"), *(element("td", _range(of.get(step))) for of in known)
        )
        for step in chosen
    )
    return element("div", element("table", head, *rows), class_="wide", tabindex=0, role="region",
                   aria_label=f"Values of {chart.title}")  # fmt: skip


def _range(cell: tuple[float, float] | None) -> str:
    if cell is None:
        return ""
    low, high = cell
    return number(low) if low == high else f"{number(low)} to {number(high)}"


def _stages(page: Page) -> Iterator[Markup]:
    names = list(dict.fromkeys(name for row in page.diagnosis.stages for name in row.cells))
    if not names:
        return
    titles = [catalogue()[name].title if name in catalogue() else name for name in names]
    yield element("h2", "Stage by stage")
    yield element("p", "The median of this run in each stage, and the range of a healthy one.", class_="quiet")
    head = element("tr", element("th", "stage", scope="col"), *(element("th", title, scope="col") for title in titles))
    rows = (
        element(
            "tr", element("th", f"{row.stage}, steps {row.first_step:,} to {row.last_step:,}", scope="row"),
            *(_stage_cell(row.cells.get(name)) for name in names),
        )
        for row in page.diagnosis.stages
    )  # fmt: skip
    yield _table("Stage by stage", head, rows)


def _stage_cell(cell: StageCell | None) -> Markup:
    if cell is None or cell.value is None:
        return element("td", "-")
    word = "within" if cell.within else "outside"
    return element(
        "td", element("span", f"{number(cell.value)} {word}", class_="good" if cell.within else "warning"),
        f" {number(cell.low)} to {number(cell.high)}",
    )  # fmt: skip


def _samples(page: Page) -> Iterator[Markup]:
    if not page.samples:
        return
    names = list(dict.fromkeys(name for row in page.samples for name in row))
    yield element("h2", "Predictions that were kept")
    head = element("tr", *(element("th", name, scope="col") for name in names))
    rows = (element("tr", *(element("td", row.get(name, "")) for name in names)) for row in page.samples)
    yield _table("Predictions that were kept", head, rows)


def _config(page: Page) -> Iterator[Markup]:
    if not page.run.config:
        return
    yield element("h2", "Configuration")
    rows = (
        element("tr", element("th", name, scope="row"), element("td", str(value)[:300]))
        for name, value in sorted(page.run.config.items())
    )
    yield element(
        "details", element("summary", f"{len(page.run.config)} settings"), _table("Configuration", None, rows)
    )


def _table(label: str, head: Markup | None, rows: Iterator[Markup]) -> Markup:
    """A table that moves by itself where the page is narrow."""
    return element("div", element("table", head, *rows), class_="wide", tabindex=0, role="region", aria_label=label)


def _unjudged(page: Page) -> Iterator[Markup]:
    diagnosis = page.diagnosis
    total = len(diagnosis.judged) + len(diagnosis.not_judged)
    notes = [*diagnosis.notes, *page.run.notes]
    yield element("h2", "What was judged")
    yield element("p", f"{len(diagnosis.judged)} of {total} rules for {diagnosis.method} could be judged.")
    if diagnosis.not_judged:
        missing = (
            element(
                "li", element("code", one.code), ": ", f"needs {', '.join(one.missing)}" if one.missing else one.reason
            )
            for one in diagnosis.not_judged
        )
        yield element("details", element("summary", "What the others miss"), element("ul", *missing))
    if notes:
        yield element("ul", *(element("li", note) for note in dict.fromkeys(notes)))


def _again(page: Page) -> Iterator[Markup]:
    yield element("h2", "The same again")
    yield element("pre", joined("\n".join(page.again)))
    yield element("p", f"Made by barograph {page.version}.", class_="quiet")
