"""A diagnosis for people: the verdict first, then what proves it, then what to do."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from barograph.console.terminal import Terminal, clean
from barograph.console.trace import mark, sparkline
from barograph.core.finding import Diagnosis, Finding, Severity, StageRow, Verdict
from barograph.core.run import Run

__all__ = ["COLOURS", "MEANINGS", "SIGNS", "folded", "range_words", "report", "sentence", "verdict_line", "wrapped"]

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


def verdict_line(diagnosis: Diagnosis, terminal: Terminal) -> str:
    """One run in one line."""
    verdict = diagnosis.verdict
    name = terminal.paint(f"{verdict.value.upper():9}", *COLOURS[verdict])
    roots = [finding for finding in diagnosis.findings if finding.severity > Severity.INFO and not finding.follows]
    why = ", ".join(dict.fromkeys(finding.name for finding in roots)) or MEANINGS[verdict]
    return f"{name}  {clean(diagnosis.path)}  {terminal.paint(f'({diagnosis.method}) {why}', 'dim')}"


def report(
    diagnosis: Diagnosis, run: Run, why: Mapping[str, str], terminal: Terminal, *, verbose: bool = False
) -> Iterator[str]:
    """The lines of the whole answer. `why` holds each rule's reason by code."""
    verdict = diagnosis.verdict
    head = f"{verdict.value.upper()}: {MEANINGS[verdict]}"
    yield f"{terminal.paint(head, *COLOURS[verdict])}  {clean(diagnosis.path)}"
    yield terminal.paint(f"{diagnosis.method}, {_extent(diagnosis)}, read as {diagnosis.source}", "dim")
    loud = [finding for finding in diagnosis.findings if finding.severity > Severity.INFO]
    quiet = [finding for finding in diagnosis.findings if finding.severity is Severity.INFO]
    yield from _cause(diagnosis, terminal)
    for finding, times in folded(loud):
        yield ""
        yield from _finding(finding, times, run, why.get(finding.code, ""), terminal)
    if quiet:
        yield ""
        yield terminal.paint("Remarks", "bold")
        for finding, times in folded(quiet):
            again = f" ({times} times)" if times > 1 else ""
            yield from wrapped(f"{finding.code} {clean(finding.says)}{again}", "  ", terminal)
    yield from _stages(diagnosis, terminal)
    yield from _unjudged(diagnosis, terminal, verbose=verbose)
    yield from _notes(diagnosis, run, terminal, verbose=verbose)


def _extent(diagnosis: Diagnosis) -> str:
    rows = "1 row" if diagnosis.rows == 1 else f"{diagnosis.rows} rows"
    return f"{rows}, steps {diagnosis.first_step} to {diagnosis.last_step}"


def _cause(diagnosis: Diagnosis, terminal: Terminal) -> Iterator[str]:
    if not diagnosis.causes:
        return
    first, *others = diagnosis.causes
    yield ""
    yield f"{terminal.paint('Likeliest cause', 'bold')}: {first.name} ({', '.join(first.codes)})"
    for advice in first.advice:
        yield from wrapped(clean(advice), f"  {terminal.glyph('→', '->')} ", terminal)
    if others:
        listed = ", ".join(f"{cause.name} ({', '.join(cause.codes)})" for cause in others[:3])
        yield from wrapped(f"Less likely: {listed}", "  ", terminal)


def folded(findings: Sequence[Finding]) -> list[tuple[Finding, int]]:
    """Each rule's gravest episode, and how many it had."""
    times = Counter(finding.code for finding in findings)
    gravest: dict[str, Finding] = {}
    for finding in findings:
        best = gravest.get(finding.code)
        if best is None or finding.severity > best.severity:
            gravest[finding.code] = finding
    return [(gravest[code], times[code]) for code in dict.fromkeys(finding.code for finding in findings)]


def _finding(finding: Finding, times: int, run: Run, why: str, terminal: Terminal) -> Iterator[str]:
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
    for number, advice in enumerate(finding.advice):
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
        text, terminal.width, initial_indent=lead, subsequent_indent=follow, break_long_words=True
    ):
        yield terminal.paint(line, style) if style else line


def _short(value: float) -> str:
    return f"{value:.4g}"
