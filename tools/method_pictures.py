"""Charts of recorded runs, several to a picture, for pages that may be light or dark."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

from barograph.charts.block import short_names
from barograph.charts.comparison import scale_of
from barograph.charts.drawing import WIDE, Chart, Mark, charts_of, course, line_of, room_for
from barograph.charts.markup import Markup, element
from barograph.charts.overlay import scaled
from barograph.charts.panels import series_title
from barograph.charts.sheet import STYLE
from barograph.charts.svg import HEIGHT, WIDTH, picture
from barograph.core.finding import Severity
from barograph.core.names import EVAL, TRAIN, split_of

if TYPE_CHECKING:
    from recorded_runs import Recorded

__all__ = ["faulty_beside_healthy", "healthy_picture"]

HEALTHY, FAULTY = "The healthy run", "The faulty run"
#: Held-out data, as the charts of a report mark it, and as it is called here.
EVAL_MARK, HELD_OUT = " (eval)", ", held out"
COLUMNS = 2
#: Room between charts, for the title of each, and for a line of keys.
GAP, TITLE, KEYS = 16, 26, 22
#: A letter of a key, and the stroke in front of it.
LETTER, STROKE, APART = 6.6, 24, 10
#: What in the sheet of the report is about charts, each rule, each colour, and where a colour is used.
DRAWN = re.compile(
    r"^\.(?:grid|tick|band|level|raw|envelope|smooth|mark|code|stretch|dot|gap|s\d|r\d)\b.*$", re.MULTILINE
)
RULE = re.compile(r"([^{}]+)\{([^}]*)\}")
COLOUR = re.compile(r"--([\w-]+):\s*(?:light-dark\(([^,]+),\s*([^)]+)\)|([^;]+));")
VARIABLE = re.compile(r"var\(--([\w-]+)\)")
OWN = """\
.paper { fill: var(--paper); stroke: var(--edge); }
.title { fill: var(--ink); font-size: 13px; font-weight: 600; }
.mark.info { stroke: var(--quiet); stroke-dasharray: 2 3; }
.code.info { fill: var(--quiet); }
.pairs .s0 { stroke: var(--edge-strong); }
.pairs .s1 { stroke: var(--s0); }
.pairs .dot.s0, .pairs .envelope.s0 { fill: var(--edge-strong); }
.pairs .dot.s1, .pairs .envelope.s1 { fill: var(--s0); }
.pairs .s1.smooth { stroke-dasharray: none; }
"""


def healthy_picture(title: str, one: Recorded, panels: Sequence[str]) -> str:
    """The named charts of a run that goes well, with where such runs usually lie."""
    run = one.run
    drawn = {key: column for key, column in run.columns.items() if split_of(key)[0] in {TRAIN, EVAL}}
    charts = {chart.name: chart for chart in charts_of(replace(run, columns=drawn), one.diagnosis, only=panels)}
    return _sheet(title, [_clear(charts[name]) for name in panels])


def _clear(chart: Chart) -> Chart:
    """Of two metrics and more training alone, where there is any; where all is held out, the title says it."""
    training = [line for line in chart.lines if not line.is_held_out]
    if not training:
        lines = [replace(line, title=line.title.removesuffix(EVAL_MARK)) for line in chart.lines]
        return replace(chart, lines=lines, title=f"{chart.title}{HELD_OUT}")
    if len(training) == 1:
        return chart
    return replace(chart, lines=training, says=" ".join(map(course, training)))


def faulty_beside_healthy(title: str, faulty: Recorded, healthy: Recorded, series: Sequence[str]) -> str:
    """Series of a faulty run, each beside the same of the healthy run that differs from it in the fault alone."""
    return _sheet(title, [_pair(key, faulty, healthy) for key in series], are_pairs=True)


def _pair(key: str, faulty: Recorded, healthy: Recorded) -> Chart:
    found = (
        line_of(key, one.run.columns[key], one.run.steps, title=word)
        for one, word in ((healthy, HEALTHY), (faulty, FAULTY))
    )
    lines = [line for line in found if line is not None]
    title = series_title(key).replace(EVAL_MARK, HELD_OUT)
    scales = [scale_of(key, one.run) for one in (healthy, faulty)]
    if scales[0] != scales[1]:  # Under different betas a reward says little.
        lines = [scaled(line, scale) for line, scale in zip(lines, scales, strict=True)]
        title += ", in nats"
    lowest, highest = min(line.lowest[1] for line in lines), max(line.highest[1] for line in lines)
    is_log = lowest > 0 and highest > WIDE * lowest
    low, high = (lowest, highest) if is_log else room_for(lowest, highest, (), ())
    marks = list(_marks(faulty))
    says = " ".join([*map(course, lines), *(f"{mark.code}: step {mark.step:.0f}." for mark in marks)])
    return Chart(key, title, "", lines, (), marks, (), low, high, is_log, "step", says)


def _marks(faulty: Recorded) -> Iterator[Mark]:
    """Where the fault begins, if not with the run, and where it is first told."""
    if faulty.fault is not None and faulty.fault.since > 1:
        since = faulty.fault.since
        yield Mark("fault", "", Severity.INFO, since, since, "")
    if faulty.alarms:
        first, step = faulty.alarms[0], faulty.alarmed_at
        yield Mark(first.code, first.name, first.severity, step, step, first.says)


# Putting charts together


def _sheet(title: str, charts: Sequence[Chart], *, are_pairs: bool = False) -> str:
    """All charts on one sheet. Pairs share their keys, which stand at the top."""
    top, head = (KEYS, TITLE) if are_pairs else (0, TITLE + KEYS)
    width = COLUMNS * (WIDTH + GAP) + GAP
    height = top + -(-len(charts) // COLUMNS) * (head + HEIGHT + GAP)
    body = list(_keys(_shared_keys(charts[0]), GAP, KEYS)) if are_pairs else []
    for place, chart in enumerate(charts):
        x = GAP + place % COLUMNS * (WIDTH + GAP)
        y = top + place // COLUMNS * (head + HEIGHT + GAP)
        body.append(element("text", chart.title, class_="title", x=x, y=y + TITLE - 6))
        if not are_pairs:
            body += _keys(_own_keys(chart), x, y + TITLE + KEYS - 8)
        body.append(picture(chart, x=x, y=y + head, width=WIDTH, height=HEIGHT, role=None, aria_label=None))
    drawing = element(
        "svg",
        element("title", title),
        element("desc", " ".join(f"{chart.title}: {chart.says}" for chart in charts)),
        element("style", Markup(_style())),
        element("rect", class_="paper", x=0.5, y=0.5, width=width - 1, height=height - 1, rx=6),
        element("g", *body, class_="pairs" if are_pairs else None),
        xmlns="http://www.w3.org/2000/svg", viewBox=f"0 0 {width} {height}", width=width, height=height, role="img",
        font_family="system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', sans-serif",
    )  # fmt: skip
    return drawing.replace("><", ">\n<") + "\n"  # One element a line, so that a change can be read.


def _own_keys(chart: Chart) -> Iterator[tuple[str, str]]:
    """What tells the lines of a chart apart; nothing where there is one."""
    if len(chart.lines) > 1:
        for place, name in enumerate(short_names(chart)):
            yield f"smooth s{place}", name.replace(EVAL_MARK.strip(), HELD_OUT.strip(", ")) or "training"


def _shared_keys(chart: Chart) -> Iterator[tuple[str, str]]:
    """The same for charts of pairs, and what marks the first alarm."""
    yield from (("smooth s0", "the healthy run"), ("smooth s1", "the faulty run"))
    yield from ((f"mark {mark.severity}", "first alarm") for mark in chart.marks if mark.severity > Severity.INFO)


def _keys(keys: Iterable[tuple[str, str]], x: float, y: float) -> Iterator[Markup]:
    for class_, name in keys:
        yield element("line", class_=class_, x1=round(x, 1), x2=round(x + STROKE - 6, 1), y1=y - 4, y2=y - 4)
        yield element("text", name, class_="tick", x=round(x + STROKE, 1), y=y)
        x += STROKE + LETTER * len(name) + APART


@cache
def _style() -> str:
    """The sheet of the report, as far as it is about charts: colours for the light, and what differs in the dark."""
    text = STYLE.read_text("utf-8")
    light = {name: (pair or one).strip() for name, pair, _, one in COLOUR.findall(text)}
    dark = light | {name: pair.strip() for name, _, pair, _ in COLOUR.findall(text) if pair}
    rules = [*(found for line in DRAWN.findall(text) for found in RULE.findall(line)), *RULE.findall(OWN)]

    def written(colours: Mapping[str, str], chosen: Iterable[tuple[str, str]]) -> str:
        lines = (f"{selector.strip()} {{{said}}}" for selector, said in chosen)
        return "\n".join(VARIABLE.sub(lambda found: colours[found[1]], line) for line in lines)

    coloured = (
        (selector, ";".join(re.findall(r"[^;]*var\([^;]*", said)) + " ") for selector, said in rules if "var(" in said
    )
    return f"\n{written(light, rules)}\n@media (prefers-color-scheme: dark) {{\n{written(dark, coloured)}\n}}\n"
