"""A training at one moment, as a block between the cells of a notebook.

It stands in the notebook's own page and not in a frame: a frame is loaded anew, and flashes, each time that its
document changes; it cannot know whether the notebook is dark; and where a notebook is shown to somebody who has not run
it, frames are taken out and words stay.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import takewhile
from pathlib import Path

from barograph.charts.drawing import Chart, Line, number
from barograph.charts.markup import Markup, element
from barograph.charts.report import WORDS
from barograph.charts.sheet import STYLE as SHEET
from barograph.charts.svg import ROUNDS, STYLES, picture
from barograph.core.decision import Decision
from barograph.core.finding import Diagnosis, Finding, Severity, Verdict

__all__ = ["Moment", "block", "confined", "in_words", "short_names"]

STYLE = Path(__file__).with_suffix(".css")
#: What the whole page is called in a sheet of its own.
PAGE = frozenset({":root", "body", "html"})
#: While it goes on.
SO_FAR = {
    Verdict.HEALTHY: "Healthy so far",
    Verdict.WATCH: "Worth a look",
    Verdict.UNHEALTHY: "Unhealthy",
    Verdict.UNJUDGED: "Too early to say",
}
#: So much of each is shown; of the rest, how many there are.
FINDINGS, ADVICE, DECISIONS, REMARKS = 3, 2, 2, 2


@dataclass(frozen=True, slots=True)
class Moment:
    """What there is to see."""

    diagnosis: Diagnosis | None = None
    #: The most telling first.
    charts: Sequence[Chart] = ()
    #: Where the run is kept.
    folder: str = ""
    #: How far it is, in words, and as a share where that is known.
    progress: Sequence[str] = ()
    share: float | None = None
    decisions: Sequence[Decision] = ()
    remarks: Sequence[str] = ()
    is_over: bool = False

    @property
    def verdict(self) -> Verdict:
        return self.diagnosis.verdict if self.diagnosis is not None else Verdict.UNJUDGED

    @property
    def findings(self) -> list[Finding]:
        """Those that matter."""
        found = self.diagnosis.findings if self.diagnosis is not None else ()
        return [one for one in found if one.severity > Severity.INFO]


def block(moment: Moment) -> Markup:
    """The block, with its style."""
    return element(
        "div",
        element("style", _style()), _head(moment), _done(moment), *_cause(moment), *_findings(moment),
        element("div", *map(_figure, moment.charts), class_="charts") if moment.charts else None,
        *_decisions(moment), *_remarks(moment), *_place(moment),
        class_="barograph",
    )  # fmt: skip


def in_words(moment: Moment) -> str:
    """The same for whoever sees no HTML."""
    lines = [f"barograph: {_word(moment)} ({', '.join(moment.progress)})"]
    lines += [f"  {_title(one)}: {one.says}" for one in moment.findings]
    if moment.diagnosis is not None and moment.diagnosis.causes:
        lines.append(f"  likeliest cause: {moment.diagnosis.causes[0].name}")
    lines += [f"  guard, step {one.step:,}: {one.says}" for one in moment.decisions]
    return "\n".join(lines)


@cache
def _style() -> Markup:
    return Markup(confined(SHEET.read_text(encoding="utf-8"), ".barograph") + STYLE.read_text(encoding="utf-8"))


def confined(sheet: str, place: str) -> str:
    """The rules of a page's own sheet, each for what lies within a place of somebody else's page.

    >>> confined("body { margin: 0 } @media print { p, .cause > * { color: black } }", ".barograph")
    '.barograph { margin: 0 } @media print { .barograph p, .barograph .cause > * { color: black } }'
    """

    def within(found: re.Match[str]) -> str:
        space, selectors = found.groups()
        if not selectors.startswith("@"):  # Else it is a question about the screen.
            each = (one.strip() for one in selectors.split(","))
            selectors = ", ".join(place if one in PAGE else f"{place} {one}" for one in each) + " "
        return f"{space}{selectors}{{"

    return re.sub(r"(\s*)([^{}]+)\{", within, re.sub(r"/\*.*?\*/", "", sheet, flags=re.DOTALL))


def _word(moment: Moment) -> str:
    return (WORDS if moment.is_over else SO_FAR)[moment.verdict]


def _head(moment: Moment) -> Markup:
    word = element("strong", _word(moment), class_=moment.verdict.value)
    return element("p", word, element("span", " · ".join(moment.progress), class_="quiet"), class_="head")


def _done(moment: Moment) -> Markup | None:
    if moment.share is None:
        return None
    percent = round(100 * min(1.0, max(0.0, moment.share)), 1)
    return element(
        "div", element("div", style=f"width: {percent}%"), class_="done", role="progressbar", aria_label="Progress",
        aria_valuemin=0, aria_valuemax=100, aria_valuenow=percent,
    )  # fmt: skip


def _cause(moment: Moment) -> Iterator[Markup]:
    if moment.diagnosis is None or not moment.diagnosis.causes:
        return
    cause = moment.diagnosis.causes[0]
    yield element(
        "div",
        _short("Likeliest cause: ", element("strong", cause.name), f" ({', '.join(cause.codes)})"),
        *(_short(f"\N{RIGHTWARDS ARROW} {advice}") for advice in cause.advice[:ADVICE]),
        class_=f"cause {moment.verdict.value}",
    )


def _findings(moment: Moment) -> Iterator[Markup]:
    found = moment.findings
    for one in found[:FINDINGS]:
        because = f" A consequence of {one.follows}." if one.follows else ""
        title = element("strong", f"{one.severity}: {_title(one)}", class_=str(one.severity))
        yield _short(title, f": {one.says}.{because}", class_="found", title=one.says)
    if len(found) > FINDINGS:
        yield _short(
            f"And {len(found) - FINDINGS} more: {', '.join(map(_title, found[FINDINGS:]))}", class_="found quiet"
        )


def _title(found: Finding) -> str:
    return f"{found.code} {found.name}, since step {found.step:,}"


def _figure(chart: Chart) -> Markup:
    keys = [
        _key(line, place, told) for place, (line, told) in enumerate(zip(chart.lines, short_names(chart), strict=True))
    ]
    if len(keys) == 1:  # The title says it.
        keys = [element("span", f"now {_now(chart.lines[0])}")]
    return element(
        "figure",
        element("div", element("strong", chart.title), class_="title"),
        element("div", *keys, class_="keys quiet"),
        picture(chart),
    )


def short_names(chart: Chart) -> list[str]:
    """What tells each line from the others: their names without the words that all begin with."""
    words = [line.title.split() for line in chart.lines]
    same = takewhile(lambda those: len({*those}) == 1, zip(*words, strict=False))
    shared = sum(1 for _ in same)
    return [" ".join(each[shared:]) for each in words]


def _key(line: Line, place: int, told: str) -> Markup:
    stroke = element(
        "line", class_=f"smooth s{place % STYLES} r{place // STYLES % ROUNDS}", x1=0, x2=44, y1=8, y2=8, stroke_width=4
    )
    sample = element("svg", stroke, viewBox="0 0 44 16", aria_hidden="true")
    return element("span", sample, f"{_now(line)} {told}", title=line.title)


def _now(line: Line) -> str:
    return "no number" if line.gaps and line.gaps[-1] > line.steps[-1] else number(line.last)


def _decisions(moment: Moment) -> Iterator[Markup]:
    for one in moment.decisions[-DECISIONS:]:
        yield element("p", element("strong", f"Guard, step {one.step:,}: "), one.says)


def _remarks(moment: Moment) -> Iterator[Markup]:
    if earlier := moment.remarks[:-REMARKS]:
        summary = element("summary", f"{len(earlier)} earlier remark{'s' * (len(earlier) > 1)}")
        yield element("details", summary, *(element("p", said) for said in earlier))
    for said in moment.remarks[-REMARKS:]:
        yield element("p", said, class_="quiet")


def _place(moment: Moment) -> Iterator[Markup]:
    if moment.folder:
        report = element("span", ". The report: ", element("code", f"barograph.check({moment.folder!r})"))
        where = element("code", moment.folder)
        yield element("p", "Kept in ", where, report if moment.is_over else None, class_="quiet")


def _short(*children: object, class_: str = "", title: str | None = None) -> Markup:
    """A paragraph of which two lines are shown."""
    return element("p", *children, class_=f"short {class_}".strip(), title=title)
