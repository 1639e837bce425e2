"""A run in one HTML file: the verdict, what proves it, where it happened, what to do. It needs nothing but itself."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from barograph.charts.drawing import Chart, number
from barograph.charts.example_map import ExampleMap, section
from barograph.charts.markup import Markup, element, joined
from barograph.charts.sheet import READING, figure, sheet, table
from barograph.core.cause import Cause
from barograph.core.finding import Diagnosis, Finding, Severity, StageCell, Verdict
from barograph.core.names import catalogue
from barograph.core.run import Run
from barograph.core.story import Episode, ground_words, story_of

__all__ = ["Page", "report"]

#: A word beside the colour, for those who see none.
WORDS = {
    Verdict.HEALTHY: "Healthy: nothing to worry about",
    Verdict.WATCH: "Worth a look",
    Verdict.UNHEALTHY: "Unhealthy: something is wrong",
    Verdict.UNJUDGED: "Unjudged: too little to say anything",
}
#: Letters of a text in a table; of a longer one the beginning is shown.
LONGEST = 200


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
    #: What the model said last, as rows, and of which step that is, in sentences.
    samples: Sequence[Mapping[str, object]] = ()
    about_samples: Sequence[str] = ()
    #: What the run has shown of the examples it learned from, where that was kept.
    examples: ExampleMap | None = None
    #: What the run is called.
    name: str = ""
    version: str = ""


def report(page: Page) -> str:
    """The whole document."""
    return sheet(
        f"{page.diagnosis.verdict.value}: {page.name}",
        _head(page), _answer(page), *_charts(page), *_stages(page),
        *(section(page.examples) if page.examples else ()), *_samples(page), *_config(page), *_unjudged(page),
        *_again(page),
    )  # fmt: skip


def _head(page: Page) -> Markup:
    diagnosis = page.diagnosis
    rows = f"{diagnosis.rows:,} rows, steps {diagnosis.first_step:,} to {diagnosis.last_step:,}"
    return element(
        "header",
        element("h1", element("span", WORDS[diagnosis.verdict], class_=diagnosis.verdict.value)),
        element("p", element("strong", page.name), f" · {diagnosis.method} · {rows} · read as {diagnosis.source}"),
    )


def _answer(page: Page) -> Markup:
    """What is wrong, and beside it the chart that proves it: all on the first screen."""
    lead = _lead(page)
    return element(
        "div",
        element("div", *_causes(page), *_findings(page)),
        element("div", _figure(lead, page), class_="lead") if lead else None,
        class_="first-look",
    )


def _lead(page: Page) -> Chart | None:
    """The first chart, if it is there because of a finding."""
    return next((chart for chart in page.charts[:1] if chart.marks), None)


def _causes(page: Page) -> Iterator[Markup]:
    if not page.diagnosis.causes:
        return
    first, *others = page.diagnosis.causes
    close, others = (others[0], others[1:]) if others and others[0].is_close else (None, others)
    still_open = f"This log cannot exclude: {', '.join(first.left_open)}." if first.left_open else None
    also = f"Less likely: {', '.join(cause.name for cause in others[:3])}." if others else None
    apart = f"To tell them apart: {close.tells_apart}." if close and close.tells_apart else None
    yield element(
        "section",
        *_cause("Likeliest cause: ", first),
        element("p", still_open, class_="quiet") if still_open else None,
        *(_cause("Or: ", close) if close else ()),
        element("p", apart) if apart else None,
        element("p", also, class_="quiet") if also else None,
        class_=f"cause {page.diagnosis.verdict.value}", aria_label="Likeliest cause",
    )  # fmt: skip


def _cause(title: str, cause: Cause) -> Iterator[Markup]:
    """What it is, what to do about it, and what speaks for and against it."""
    yield element("p", title, element("strong", cause.name))
    if cause.advice:
        yield element("p", *_unbroken(" ".join(cause.advice)), class_="prescription")
    grounds = [
        (element("dt", title), *(element("dd", ground_words(ground)) for ground in told))
        for title, told in (("Speaks for it", cause.speaks), ("Against it", cause.against))
        if told
    ]
    if grounds:
        yield element("dl", *(part for parts in grounds for part in parts), class_="grounds")


def _unbroken(text: str) -> Iterator[object]:
    """A text whose numbers with a negative power stay on one line."""
    for place, part in enumerate(re.split(r"(\S*\de-\d+\S*)", text)):
        yield element("span", part, class_="whole") if place % 2 else part


def _findings(page: Page) -> Iterator[Markup]:
    """What the likeliest cause explains, each finding with its consequences folded away; what stands apart from it."""
    story = story_of(page.diagnosis)
    titled = (("What it explains", story.explained), ("Apart from it", story.apart))
    for title, chapters in titled:
        if chapters:
            yield element("h2", title if story.explained else "What was found")
        for lead, consequences in chapters:
            yield _finding(lead, page, _consequences(consequences, page))
    if story.remarks:
        yield element("h2", "Remarks")
        yield element("ul", *(_remark(one.finding, one.times) for one in story.remarks))
    for one in page.diagnosis.forecasts:
        yield element("p", f"Forecast: {one.says} ({one.code})", class_="quiet")


def _name(found: Finding) -> str:
    """What its article is called; of several episodes one is told."""
    return re.sub(r"[^\w-]+", "-", f"finding-{found.code}-{found.metric}")


def _remark(found: Finding, times: int) -> Markup:
    return element("li", element("code", found.code), f" {found.says}", f" ({times} times)" if times > 1 else None)


def _consequences(found: Sequence[Episode], page: Page) -> Markup | None:
    if not found:
        return None
    many = f"{len(found)} consequence{'s' if len(found) > 1 else ''}: {', '.join(one.finding.name for one in found)}"
    articles = (_finding(one, page, level="h4") for one in found)
    return element("details", element("summary", many), *articles, class_="consequences")


def _finding(episode: Episode, page: Page, folded: Markup | None = None, level: str = "h3") -> Markup:
    found, times = episode
    steps = f"step {found.step:,}" if found.step == found.last_step else f"steps {found.step:,} to {found.last_step:,}"
    again = f", {times} times" if times > 1 else ""
    chart = next((one for one in page.charts if any(line.key == found.metric for line in one.lines)), None)
    where = element("a", "Show it on the chart", href=f"#chart-{chart.name}") if chart else None
    evidence = ", ".join(f"{name} {number(value)}" for name, value in found.evidence.items())
    reason = f"A consequence of {found.follows}: mend that first." if found.follows else page.why.get(found.code)
    return element(
        "article",
        element(
            level, f"{found.severity}: {found.code} {found.name}", element("span", f" · {steps}{again}", class_="quiet")
        ),
        element("p", found.says[:1].upper() + found.says[1:], ". ", where),
        element("p", f"Why: {reason}") if reason else None,
        _advice(found, page),
        element("details", element("summary", "The numbers behind it"), element("p", evidence)) if evidence else None,
        folded,
        class_=f"finding {found.severity}", id=_name(found),
    )  # fmt: skip


def _advice(found: Finding, page: Page) -> Markup | None:
    """What to do; folded away where the cause says the one thing to do."""
    if not found.advice or found.follows:
        return None
    listed = element("ul", *(element("li", advice) for advice in found.advice))
    explains = page.diagnosis.causes[0].explains if page.diagnosis.causes else ()
    if found.code not in explains:
        return listed
    return element("details", element("summary", "What else is done about it"), listed)


def _charts(page: Page) -> Iterator[Markup]:
    others = page.charts[1:] if _lead(page) else page.charts
    if others:
        yield element("h2", "Charts")
        yield element("p", READING, class_="quiet")
        yield element("div", *(_figure(chart, page) for chart in others), class_="charts")


def _figure(chart: Chart, page: Page) -> Markup:
    marks = [
        element("a", f"{one.code} at step {one.step:,}", href=f"#{_name(one)}", class_=str(one.severity))
        for one in page.diagnosis.findings
        if one.severity > Severity.INFO and any(line.key == one.metric for line in chart.lines)
    ]
    return figure(chart, element("p", *_with_commas(marks)) if marks else None)


def _with_commas(items: Sequence[Markup]) -> Iterator[object]:
    for place, item in enumerate(items):
        if place:
            yield ", "
        yield item


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
    yield table("Stage by stage", head, rows)


def _stage_cell(cell: StageCell | None) -> Markup:
    if cell is None or cell.value is None:
        return element("td", "-")
    word = "within" if cell.within else "outside"
    return element(
        "td", element("span", f"{number(cell.value)} {word}", class_="good" if cell.within else "warning"),
        f" {_range(cell.low, cell.high)}",
    )  # fmt: skip


def _range(low: float, high: float) -> str:
    """Where a healthy run lies; open on one side or not.

    >>> _range(0.5, 3.0), _range(-2.0, math.inf), _range(-math.inf, 1.0)
    ('0.5 to 3', 'from -2', 'up to 1')
    """
    if math.isinf(high):
        return "" if math.isinf(low) else f"from {number(low)}"
    return f"up to {number(high)}" if math.isinf(low) else f"{number(low)} to {number(high)}"


def _samples(page: Page) -> Iterator[Markup]:
    if not page.samples and not page.about_samples:
        return
    names = list(dict.fromkeys(name for row in page.samples for name in row if name != "step"))
    yield element("h2", "What the model said")
    yield from (element("p", sentence, class_="quiet") for sentence in page.about_samples)
    if page.samples:
        head = element("tr", *(element("th", name, scope="col") for name in names))
        rows = (element("tr", *(_said(row.get(name)) for name in names)) for row in page.samples)
        yield table("What the model said", head, rows)


def _said(value: object) -> Markup:
    """A cell; of a long text the beginning, which opens."""
    if value is None:
        return element("td")
    text = f"{value:.6g}" if isinstance(value, float) else str(value)
    if len(text) <= LONGEST:
        return element("td", text, class_="answer")
    begin = element("summary", f"{text[:LONGEST].rstrip()} …")
    return element("td", element("details", begin, element("div", text)), class_="answer")


def _config(page: Page) -> Iterator[Markup]:
    if not page.run.config:
        return
    yield element("h2", "Configuration")
    rows = (
        element("tr", element("th", name, scope="row"), element("td", str(value)[:300]))
        for name, value in sorted(page.run.config.items())
    )
    many = f"{len(page.run.config):,} setting{'' if len(page.run.config) == 1 else 's'}"
    yield element("details", element("summary", many), table("Configuration", None, rows))


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
