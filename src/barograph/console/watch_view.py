"""The picture of a run that is being watched: what is known at one moment, laid out in lines for one terminal."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from barograph.console.report import (
    COLOURS,
    MEANINGS,
    SIGNS,
    consequence,
    forecast_lines,
    range_words,
    sentence,
    wrapped,
)
from barograph.console.terminal import Terminal, clean
from barograph.console.trace import sparkline
from barograph.core.bands import Band
from barograph.core.finding import Diagnosis, Finding, Verdict
from barograph.core.story import Chapter, ground_words, story_of

__all__ = ["Gauge", "Scene", "duration", "finding_line", "picture", "row_line"]

#: From so many columns on, the range of a healthy run stands beside each metric.
WITH_RANGES = 70
NARROWEST_TRACE, WIDEST_TRACE = 8, 96
#: So many metrics stay, however low the window is.
FEWEST_GAUGES = 4
#: The last so many things that the guard has decided.
DECISIONS = 3
#: So much of what speaks against a cause is shown.
AGAINST = 3


@dataclass(frozen=True, slots=True)
class Gauge:
    """One metric: its latest value, its course, and where it should lie by now."""

    name: str
    value: float
    course: Sequence[float]
    band: Band | None = None
    #: Whether a finding points at it: then it is not where it should be, whatever the band says.
    is_found: bool = False


@dataclass(frozen=True, slots=True)
class Scene:
    """All that is shown of a run at one moment. Without a diagnosis there is nothing to read yet."""

    path: str
    diagnosis: Diagnosis | None = None
    gauges: Sequence[Gauge] = ()
    planned: int | None = None
    share: float | None = None
    stage: str = ""
    seconds_left: float | None = None
    seconds_a_row: float | None = None
    #: Seconds since the last row, where that is longer than usual.
    quiet: float | None = None
    state: str = "running"
    decisions: Sequence[str] = ()
    remarks: Sequence[str] = ()
    #: Why there is nothing to read.
    trouble: str = ""


def duration(seconds: float) -> str:
    """A stretch of time in at most two units.

    >>> duration(9.4), duration(75), duration(3 * 3600 + 59), duration(200_000)
    ('9 s', '1 min 15 s', '3 h', '2 d 7 h')
    """
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    for unit, size, part, smaller in (("d", 86_400, "h", 3600), ("h", 3600, "min", 60), ("min", 60, "s", 1)):
        if whole >= size:
            rest = whole % size // smaller
            return f"{whole // size} {unit}" + (f" {rest} {part}" if rest else "")
    return f"{whole} s"


def picture(scene: Scene, terminal: Terminal, height: int | None = None) -> list[str]:
    """The lines to show, at most `height` of them: the less telling is left out first."""
    if scene.diagnosis is None:
        return _clipped(wrapped(_waiting(scene), "", terminal), height)
    lines: list[str] = []
    for detail in _DETAILS:
        lines = _compose(scene, scene.diagnosis, terminal, detail, height)
        if height is None or len(lines) <= height:
            return lines
    return _clipped(lines, height)


def row_line(scene: Scene, terminal: Terminal) -> str:
    """How the run stands, in one line: for a reader that is no terminal."""
    diagnosis = scene.diagnosis
    if diagnosis is None:
        return _waiting(scene)
    of = f" of {scene.planned}" if scene.planned else ""
    numbers = "  ".join(f"{gauge.name} {_number(gauge.value)}" for gauge in scene.gauges[:4])
    left = f"  {duration(scene.seconds_left)} left" if scene.seconds_left else ""
    verdict = terminal.paint(diagnosis.verdict.value.upper(), *COLOURS[diagnosis.verdict])
    return f"step {diagnosis.last_step}{of}  {verdict}  {clean(numbers)}{left}"


def finding_line(finding: Finding, terminal: Terminal) -> str:
    """A finding that has just come up, in one line."""
    fancy, plain, colour = SIGNS[finding.severity]
    sign = terminal.paint(terminal.glyph(fancy, plain), colour, "bold")
    advice = f" {terminal.glyph('→', '->')} {clean(finding.advice[0])}" if finding.advice else ""
    title = f"{finding.severity} {finding.code} {finding.name}"
    return f"{sign} step {finding.step}: {title}: {clean(finding.says)}{advice}"


def _waiting(scene: Scene) -> str:
    return f"waiting for a log: {clean(scene.trouble or f'{scene.path}: no row yet')}"


def _clipped(lines: Iterator[str] | Sequence[str], height: int | None) -> list[str]:
    whole = list(lines)
    return whole if height is None or len(whole) <= height else whole[: max(1, height)]


# What is shown where there is less and less room


@dataclass(frozen=True, slots=True)
class _Detail:
    findings: Callable[[Finding, int, Terminal], Iterator[str]]
    has_notes: bool = True
    has_gaps: bool = True
    #: Whether findings stand apart from each other.
    is_airy: bool = True
    all_gauges: bool = True


def _compose(scene: Scene, diagnosis: Diagnosis, terminal: Terminal, detail: _Detail, height: int | None) -> list[str]:
    head = [*_head(scene, diagnosis, terminal)]
    story = story_of(diagnosis)
    found = [[*_chapter(chapter, detail, terminal)] for chapter in (*story.explained, *story.apart)]
    cause = [*_cause(diagnosis, terminal, has_grounds=detail.has_notes)]
    below = [*_decided(scene, terminal)]
    notes = [*forecast_lines(diagnosis, terminal), *_unjudged(diagnosis, terminal)] if detail.has_notes else []
    gauges = list(scene.gauges)
    if not detail.all_gauges and height is not None:
        taken = len(head) + len(cause) + sum(map(len, found)) + len(below) + 1
        gauges = gauges[: max(FEWEST_GAUGES, height - taken)]
    table = [*_table(gauges, scene, terminal)]
    told = found if detail.is_airy else [[line for lines in found for line in lines]]
    blocks = [head, cause, table, *told, below, notes]
    lines: list[str] = []
    for block in blocks:
        if block:
            lines += ["", *block] if lines and detail.has_gaps else block
    return lines


def _head(scene: Scene, diagnosis: Diagnosis, terminal: Terminal) -> Iterator[str]:
    verdict = diagnosis.verdict
    so_far = " so far" if scene.state == "running" and verdict is not Verdict.UNHEALTHY else ""
    told = f"{verdict.value.upper()}{so_far}: {MEANINGS[verdict]}"
    room = terminal.width - len(told) - 2
    where = clean(scene.path)
    painted = terminal.paint(told, *COLOURS[verdict])
    if len(where) <= room:
        yield f"{painted}  {where}"
    else:
        yield painted
        yield _cut_left(where, terminal)
    parts = [diagnosis.method, f"step {diagnosis.last_step}" + (f" of {scene.planned}" if scene.planned else "")]
    if scene.stage:
        parts.append(f"{scene.stage} stage")
    parts.append("1 row" if diagnosis.rows == 1 else f"{diagnosis.rows} rows")
    if scene.seconds_a_row:
        parts.append(_pace(scene.seconds_a_row))
    if scene.state != "running":
        parts.append(f"the run has {scene.state}" if scene.state in {"finished", "ended"} else f"the run {scene.state}")
    yield from wrapped(", ".join(parts), "", terminal, "dim")
    if scene.share is not None:
        yield _bar(scene, scene.share, terminal)
    if scene.quiet is not None:
        yield terminal.paint(f"no new row for {duration(scene.quiet)}", "yellow")
    for remark in scene.remarks:
        yield from wrapped(clean(remark), "", terminal, "yellow")


def _pace(seconds: float) -> str:
    return f"a row every {seconds:.2g} s" if seconds >= 1 else f"{1 / max(seconds, 1e-9):.2g} rows a second"


def _cut_left(text: str, terminal: Terminal) -> str:
    """The end of a path tells more than its beginning."""
    dots = terminal.glyph("…", "...")
    return text if len(text) <= terminal.width else dots + text[len(text) - terminal.width + len(dots) :]


def _bar(scene: Scene, share: float, terminal: Terminal) -> str:
    left = f"  {duration(scene.seconds_left)} left" if scene.seconds_left is not None and share < 1 else ""
    words = f" {100 * share:3.0f} %{left}"
    width = max(10, min(60, terminal.width - len(words)))
    done = min(width, round(share * width))
    full, empty = terminal.glyph("━", "#"), terminal.glyph("─", "-")
    return f"{terminal.paint(full * done, 'cyan')}{terminal.paint(empty * (width - done), 'dim')}{words}"


def _table(gauges: Sequence[Gauge], scene: Scene, terminal: Terminal) -> Iterator[str]:
    if not gauges:
        return
    name_width = min(max(len(gauge.name) for gauge in gauges), max(15, terminal.width // 4))
    ranges = [range_words(g.band.low, g.band.high) if g.band else "" for g in gauges]
    wide = terminal.width >= WITH_RANGES and any(ranges)
    usual = f"usual in {scene.stage} stage" if scene.stage else "usual"
    last = max(len(usual), *map(len, ranges)) + 1 if wide else 0
    trace = max(NARROWEST_TRACE, min(WIDEST_TRACE, terminal.width - name_width - 14 - last))
    title = f"{'':{name_width}} {'now':>9}  {'course':{trace}}" + (f"   {usual}" if wide else "")
    yield terminal.paint(title[: terminal.width].rstrip(), "dim")
    for gauge, between in zip(gauges, ranges, strict=True):
        sign, style = _standing(gauge, terminal)
        line = sparkline(gauge.course, trace, unicode=terminal.unicode)
        name = clean(gauge.name)
        if len(name) > name_width:
            dots = terminal.glyph("…", "~")
            name = dots + name[len(name) - name_width + 1 :]
        value = terminal.paint(f"{_number(gauge.value):>9}", *style)
        course, mark = terminal.paint(line.ljust(trace), "cyan"), terminal.paint(sign, *style)
        text = f"{name:{name_width}} {value}  {course} {mark}"
        yield f"{text} {terminal.paint(between, 'dim')}".rstrip() if wide else text.rstrip()


def _standing(gauge: Gauge, terminal: Terminal) -> tuple[str, tuple[str, ...]]:
    """Whether a metric lies where it usually does, as a sign and a colour. Only a finding says that it is wrong."""
    if gauge.value - gauge.value != 0.0 or gauge.is_found:
        return terminal.glyph("✗", "x"), ("red", "bold")
    if gauge.band is None:
        return " ", ()
    if gauge.band.holds(gauge.value):
        return terminal.glyph("✓", "+"), ("green",)
    return (terminal.glyph("↓", "<") if gauge.value < gauge.band.low else terminal.glyph("↑", ">")), ("yellow",)


def _number(value: float) -> str:
    return f"{value:.4g}"


def _chapter(chapter: Chapter, detail: _Detail, terminal: Terminal) -> Iterator[str]:
    """A finding, and below it in a line each what follows from it."""
    yield from detail.findings(*chapter.lead, terminal)
    for finding, times in chapter.consequences:
        yield consequence(finding, times, terminal)


def _whole(finding: Finding, times: int, terminal: Terminal) -> Iterator[str]:
    """A finding with all that is said of it, and the first advice."""
    yield from _title(finding, times, terminal)
    yield from wrapped(sentence(clean(finding.says)), "  ", terminal)
    if finding.advice:
        yield from wrapped(clean(finding.advice[0]), f"  {terminal.glyph('→', '->')} ", terminal)


def _brief(finding: Finding, times: int, terminal: Terminal) -> Iterator[str]:
    yield from _title(finding, times, terminal)
    yield _one_line(sentence(clean(finding.says)), "  ", terminal)
    if finding.advice:
        yield _one_line(clean(finding.advice[0]), f"  {terminal.glyph('→', '->')} ", terminal)


def _title(finding: Finding, times: int, terminal: Terminal) -> Iterator[str]:
    fancy, plain, colour = SIGNS[finding.severity]
    sign = terminal.paint(terminal.glyph(fancy, plain), colour, "bold")
    again = f", {times} times" if times > 1 else ""
    title, since = f"{finding.code} {finding.name}", f"{finding.severity}, since step {_since(finding)}{again}"
    if len(title) + len(since) + 4 <= terminal.width:
        yield f"{sign} {terminal.paint(title, 'bold')}  {terminal.paint(since, 'dim')}"
    else:
        yield f"{sign} {terminal.paint(title, 'bold')}"
        yield f"  {terminal.paint(since, 'dim')}"


def _since(finding: Finding) -> int:
    """The step at which the trouble began, which is earlier than when it could be told."""
    return int(finding.evidence.get("onset", finding.step))


def _one_line(text: str, lead: str, terminal: Terminal) -> str:
    dots = terminal.glyph(" …", " ...")
    return textwrap.shorten(text, terminal.width - len(lead), placeholder=dots).join((lead, ""))


def _single(finding: Finding, times: int, terminal: Terminal) -> Iterator[str]:
    fancy, plain, colour = SIGNS[finding.severity]
    lead = f"{terminal.glyph(fancy, plain)} "
    again = f" ({times} times)" if times > 1 else ""
    text = f"{finding.code} {finding.name}: {sentence(clean(finding.says))}{again}"
    yield terminal.paint(lead, colour, "bold") + _one_line(text, lead, terminal)[len(lead) :]


_DETAILS = (
    _Detail(_whole),
    _Detail(_whole, has_notes=False),
    _Detail(_brief, has_notes=False),
    _Detail(_brief, has_notes=False, is_airy=False),
    _Detail(_single, has_notes=False, is_airy=False),
    _Detail(_single, has_notes=False, is_airy=False, has_gaps=False),
    _Detail(_single, has_notes=False, is_airy=False, has_gaps=False, all_gauges=False),
)


def _cause(diagnosis: Diagnosis, terminal: Terminal, *, has_grounds: bool) -> Iterator[str]:
    """The likeliest cause and what to do; the one that may be it as well; where there is room, what speaks against."""
    for title, cause in zip(("Likeliest cause", "Or"), diagnosis.causes, strict=False):
        if title == "Or" and not cause.is_close:
            return
        yield f"{terminal.paint(title, 'bold')}: {cause.name} ({', '.join(cause.codes)})"
        for advice in cause.advice[:1]:
            yield from wrapped(clean(advice), f"  {terminal.glyph('→', '->')} ", terminal)
        against = ", ".join(clean(ground_words(ground)) for ground in cause.against[:AGAINST])
        if has_grounds and against:
            yield from wrapped(f"against it: {against}", "  ", terminal, "dim", hang="    ")
        if has_grounds and cause.left_open:
            listed = ", ".join(map(clean, cause.left_open))
            yield from wrapped(f"this log cannot exclude: {listed}", "  ", terminal, "dim", hang="    ")


def _decided(scene: Scene, terminal: Terminal) -> Iterator[str]:
    for said in scene.decisions[-DECISIONS:]:
        yield from wrapped(clean(said), "Guard, ", terminal, hang="  ")


def _unjudged(diagnosis: Diagnosis, terminal: Terminal) -> Iterator[str]:
    total = len(diagnosis.judged) + len(diagnosis.not_judged)
    missing = Counter(key for entry in diagnosis.not_judged for key in entry.missing)
    text = f"{len(diagnosis.judged)} of {total} rules can be judged so far."
    if missing:
        text += " Not in this log: " + ", ".join(key for key, _ in missing.most_common(6))
        text += f" and {len(missing) - 6} more." if len(missing) > 6 else "."
    yield from wrapped(text, "", terminal, "dim")
    for note in diagnosis.notes:
        yield from wrapped(f"Note: {clean(note)}", "", terminal, "dim")
