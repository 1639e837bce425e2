"""A diagnosis for people: the verdict first, then what proves it, then what to do."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from barograph.console.terminal import Terminal, clean
from barograph.console.trace import mark, sparkline
from barograph.core.cause import Cause
from barograph.core.finding import Diagnosis, Finding, Severity, StageRow, Verdict
from barograph.core.run import Run
from barograph.core.story import Chapter, ground_words, story_of

__all__ = [
    "COLOURS", "MEANINGS", "SIGNS", "cause_lines", "consequence", "forecast_lines", "range_words", "report", "sentence",
    "verdict_line", "wrapped",
]  # fmt: skip

COLOURS = {
    Verdict.HEALTHY: ("green", "bold"),
    Verdict.WATCH: ("yellow", "bold"),
    Verdict.UNHEALTHY: ("red", "bold"),
    Verdict.UNJUDGED: ("cyan", "bold"),
}
MEANINGS = {
    Verdict.HEALTHY: "nothing to worry about",
    Verdict.WATCH: "worth a look",
    Verdict.UNHEALTHY: "something is wrong",
    Verdict.UNJUDGED: "too little to say anything",
}
SIGNS = {
    Severity.CRITICAL: ("✗", "x", "red"),
    Severity.WARNING: ("!", "!", "yellow"),
    Severity.INFO: ("·", "-", "dim"),
}
_TRACE = 48
#: So many grounds for or against a cause are named.
GROUNDS = 5


def verdict_line(diagnosis: Diagnosis, terminal: Terminal, *, has_cause: bool = True) -> str:
    """One run in one line, with the likeliest cause unless that is told below."""
    verdict = diagnosis.verdict
    name = terminal.paint(f"{verdict.value.upper():9}", *COLOURS[verdict])
    roots = [finding for finding in diagnosis.findings if finding.severity > Severity.INFO and not finding.follows]
    why = ", ".join(dict.fromkeys(finding.name for finding in roots)) or MEANINGS[verdict]
    if diagnosis.causes and has_cause:
        why = f"{clean(diagnosis.causes[0].name)}: {why}"
    return f"{name}  {clean(diagnosis.path)}  {terminal.paint(f'({diagnosis.method}) {why}', 'dim')}"


def report(
    diagnosis: Diagnosis, run: Run, why: Mapping[str, str], terminal: Terminal, *, verbose: bool = False
) -> Iterator[str]:
    """The lines of the whole answer. `why` holds each rule's reason by code."""
    verdict = diagnosis.verdict
    head = f"{verdict.value.upper()}: {MEANINGS[verdict]}"
    yield f"{terminal.paint(head, *COLOURS[verdict])}  {clean(diagnosis.path)}"
    yield terminal.paint(f"{diagnosis.method}, {_extent(diagnosis)}, read as {diagnosis.source}", "dim")
    yield from cause_lines(diagnosis, terminal)
    story = story_of(diagnosis)
    for title, chapters in (("Explained by it", story.explained), ("Apart from it", story.apart)):
        if chapters and story.explained and story.apart:
            yield ""
            yield terminal.paint(title, "bold")
        for chapter in chapters:
            yield ""
            is_open = verbose or chapters is story.apart
            yield from _chapter(chapter, run, why, terminal, is_open=is_open, verbose=verbose)
    if story.remarks:
        yield ""
        yield terminal.paint("Remarks", "bold")
        for finding, times in story.remarks:
            again = f" ({times} times)" if times > 1 else ""
            yield from wrapped(f"{finding.code} {clean(finding.says)}{again}", "  ", terminal)
    if diagnosis.forecasts:
        yield ""
        yield from forecast_lines(diagnosis, terminal)
    yield from _stages(diagnosis, terminal)
    yield from _unjudged(diagnosis, terminal, verbose=verbose)
    yield from _notes(diagnosis, run, terminal, verbose=verbose)


def _extent(diagnosis: Diagnosis) -> str:
    rows = "1 row" if diagnosis.rows == 1 else f"{diagnosis.rows} rows"
    return f"{rows}, steps {diagnosis.first_step} to {diagnosis.last_step}"


def forecast_lines(diagnosis: Diagnosis, terminal: Terminal) -> Iterator[str]:
    """What is to be expected, a line each."""
    for one in diagnosis.forecasts:
        yield from wrapped(f"Forecast: {one.says} ({one.code})", "", terminal, "dim")


def cause_lines(diagnosis: Diagnosis, terminal: Terminal) -> Iterator[str]:
    """The likeliest cause, what to do about it, and what speaks for and against it; another one that may be it."""
    if not diagnosis.causes:
        return
    first, *others = diagnosis.causes
    yield ""
    yield from _one_cause("Likeliest cause", first, terminal)
    if first.left_open:
        listed = ", ".join(map(clean, first.left_open))
        yield from wrapped(f"this log cannot exclude: {listed}", "  ", terminal, "dim", hang="    ")
    if others and others[0].is_close:
        yield from _one_cause("Or", others[0], terminal)
        if others[0].tells_apart:
            yield from wrapped(f"to tell them apart: {clean(others[0].tells_apart)}", "  ", terminal, hang="    ")
        others = others[1:]
    if others:
        listed = ", ".join(f"{cause.name} ({', '.join(cause.codes)})" for cause in others[:3])
        yield from wrapped(f"Less likely: {listed}", "  ", terminal, "dim", hang="    ")


def _one_cause(title: str, cause: Cause, terminal: Terminal) -> Iterator[str]:
    yield f"{terminal.paint(title, 'bold')}: {clean(cause.name)}"
    for advice in cause.advice:
        yield from wrapped(clean(advice), f"  {terminal.glyph('→', '->')} ", terminal, "bold")
    for lead, grounds in (("speaks for it: ", cause.speaks), ("against it: ", cause.against)):
        if grounds:
            listed = ", ".join(clean(ground_words(ground)) for ground in grounds[:GROUNDS])
            rest = f" and {len(grounds) - GROUNDS} more" if len(grounds) > GROUNDS else ""
            yield from wrapped(f"{lead}{listed}{rest}", "  ", terminal, hang="    ")


def _chapter(
    chapter: Chapter, run: Run, why: Mapping[str, str], terminal: Terminal, *, is_open: bool, verbose: bool
) -> Iterator[str]:
    """A finding, and what follows from it: folded into a line each, unless all is asked for."""
    finding, times = chapter.lead
    yield from _finding(finding, times, run, why.get(finding.code, ""), terminal, is_open=is_open)
    for other, often in chapter.consequences:
        if verbose:
            yield ""
            yield from _finding(other, often, run, "", terminal, is_open=False)
        else:
            yield consequence(other, often, terminal)


def consequence(finding: Finding, times: int, terminal: Terminal) -> str:
    """What follows from another finding, in one line."""
    fancy, plain, colour = SIGNS[finding.severity]
    corner, sign = terminal.glyph("└", "`-"), terminal.glyph(fancy, plain)
    again = f", {times} times" if times > 1 else ""
    text = f"{finding.code} {finding.name}, step {finding.step}{again}: {sentence(clean(finding.says))}"
    lead = f"  {corner} {sign} "
    line = textwrap.shorten(text, max(20, terminal.width - len(lead)), placeholder=terminal.glyph(" …", " ..."))
    return f"  {terminal.paint(corner, 'dim')} {terminal.paint(sign, colour, 'bold')} {terminal.paint(line, 'dim')}"


def _finding(finding: Finding, times: int, run: Run, why: str, terminal: Terminal, *, is_open: bool) -> Iterator[str]:
    """What was found. What to do is left out where it stands under a cause, which says the one thing to do."""
    fancy, plain, colour = SIGNS[finding.severity]
    sign = terminal.paint(terminal.glyph(fancy, plain), colour, "bold")
    steps = f"step {finding.step}" if finding.step == finding.last_step else f"steps {finding.step}-{finding.last_step}"
    again = f", {times} times" if times > 1 else ""
    title = terminal.paint(f"{finding.code} {finding.name}", "bold")
    yield f"{sign} {title}  {terminal.paint(f'{finding.severity}, {steps}{again}', 'dim')}"
    yield from wrapped(sentence(clean(finding.says)), "  ", terminal)
    yield from _trace(finding, run, terminal)
    if finding.follows:
        yield from wrapped(f"A consequence of {finding.follows}: mend that first.", "  ", terminal, "dim")
        return
    if why:
        yield from wrapped(f"Why: {why}", "  ", terminal, hang="       ")
    for number, advice in enumerate(finding.advice if is_open else ()):
        yield from wrapped(clean(advice), "  Do:  " if number == 0 else "       ", terminal, hang="       ")


def sentence(text: str) -> str:
    """With a capital, unless it begins with the name of a metric."""
    return text if "_" in text.partition(" ")[0] else text[:1].upper() + text[1:]


def _trace(finding: Finding, run: Run, terminal: Terminal) -> Iterator[str]:
    column = run.columns.get(finding.metric)
    if column is None or len(column) < 2:
        return
    width = min(_TRACE, terminal.width - 44)
    line = sparkline(column.values, width, unicode=terminal.unicode)
    finite = column.finite()
    scale = f"{_short(min(finite))} to {_short(max(finite))}" if finite else "never finite"
    name = clean(finding.metric)
    yield f"  {terminal.paint(line, 'cyan')}  {terminal.paint(f'{name}, {scale}', 'dim')}"
    under = mark(column.at, finding.first_row, finding.last_row, width, unicode=terminal.unicode)
    if under.strip():
        yield f"  {terminal.paint(under, SIGNS[finding.severity][2])}"


def _stages(diagnosis: Diagnosis, terminal: Terminal) -> Iterator[str]:
    names = list(dict.fromkeys(name for row in diagnosis.stages for name in row.cells))
    if not names:
        return
    yield ""
    yield terminal.paint("Stages", "bold") + terminal.paint(
        "  median of this run, and the range of a healthy one", "dim"
    )
    table = [[_cell(row, name, terminal, ranges=True) for name in names] for row in diagnosis.stages]
    if _width(names, table, diagnosis) > terminal.width:
        table = [[_cell(row, name, terminal, ranges=False) for name in names] for row in diagnosis.stages]
    widths = _columns(names, table)
    first = _stage_width(diagnosis)
    titles = "".join(_title(name).ljust(width) for name, width in zip(names, widths, strict=True))
    yield terminal.paint(f"  {'stage'.ljust(first)}{titles}".rstrip(), "dim")
    for row, cells in zip(diagnosis.stages, table, strict=True):
        line = f"  {_stage(row).ljust(first)}"
        for (text, style), width in zip(cells, widths, strict=True):
            line += terminal.paint(text.ljust(width), style)
        yield line.rstrip()


def _cell(row: StageRow, name: str, terminal: Terminal, *, ranges: bool) -> tuple[str, str]:
    """One metric in one stage, and the style it is shown in."""
    cell = row.cells.get(name)
    if cell is None or cell.value is None:
        return "-", "dim"
    inside = terminal.glyph("✓", "ok") if cell.within else terminal.glyph("✗", "no")
    text = f"{cell.value:.3g} {inside}" + (f" {range_words(cell.low, cell.high)}" if ranges else "")
    return text, "green" if cell.within else "yellow"


def _stage(row: StageRow) -> str:
    return f"{row.stage} {row.first_step}-{row.last_step}"


def _stage_width(diagnosis: Diagnosis) -> int:
    return max(len(_stage(row)) for row in diagnosis.stages) + 2


def _columns(names: Sequence[str], table: Sequence[Sequence[tuple[str, str]]]) -> list[int]:
    return [max(len(_title(name)), *(len(cells[place][0]) for cells in table)) + 2 for place, name in enumerate(names)]


def _width(names: Sequence[str], table: Sequence[Sequence[tuple[str, str]]], diagnosis: Diagnosis) -> int:
    return 2 + _stage_width(diagnosis) + sum(_columns(names, table))


def range_words(low: float, high: float) -> str:
    """A range as one says it."""
    if high == float("inf"):
        return f"from {low:g}"
    return f"up to {high:g}" if low == float("-inf") else f"{low:g} to {high:g}"


def _title(name: str) -> str:
    return name.removeprefix("reward_")


def _unjudged(diagnosis: Diagnosis, terminal: Terminal, *, verbose: bool) -> Iterator[str]:
    total = len(diagnosis.judged) + len(diagnosis.not_judged)
    yield ""
    yield from wrapped(
        f"{len(diagnosis.judged)} of {total} rules for {diagnosis.method} could be judged.", "", terminal, "dim"
    )
    if verbose:
        for entry in diagnosis.not_judged:
            reason = f"needs {', '.join(entry.missing)}" if entry.missing else entry.reason
            yield from wrapped(f"{entry.code} not judged: {reason}", "  ", terminal, "dim")
        return
    missing = Counter(key for entry in diagnosis.not_judged for key in entry.missing)
    if missing:
        listed = ", ".join(f"{key} ({count})" for key, count in missing.most_common(6))
        more = f" and {len(missing) - 6} more" if len(missing) > 6 else ""
        yield from wrapped(
            f"Not in this log, with the number of rules that need it: {listed}{more}.", "", terminal, "dim"
        )


def _notes(diagnosis: Diagnosis, run: Run, terminal: Terminal, *, verbose: bool) -> Iterator[str]:
    for note in diagnosis.notes:
        yield from wrapped(f"Note: {clean(note)}", "", terminal, "dim")
    if run.unknown_keys and not verbose:
        several = len(run.unknown_keys) > 1
        keys = f"{len(run.unknown_keys)} keys of the log were" if several else "1 key of the log was"
        yield from wrapped(f"{keys} not understood; -v names {'them' if several else 'it'}.", "", terminal, "dim")


def wrapped(text: str, lead: str, terminal: Terminal, style: str = "", hang: str = "") -> Iterator[str]:
    """A text in lines that fit, the first led by `lead`, the others by `hang` or as much blank."""
    follow = hang or " " * len(lead)
    for line in textwrap.wrap(
        text, terminal.width, initial_indent=lead, subsequent_indent=follow, break_on_hyphens=False
    ):
        yield terminal.paint(line, style) if style else line


def _short(value: float) -> str:
    return f"{value:.4g}"
