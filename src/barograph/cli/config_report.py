"""What was found in the settings of a training, for people: the verdict first, then each finding, then its size."""

from __future__ import annotations

from collections.abc import Iterator

from barograph.config.catalogue import by_code
from barograph.config.judge import ConfigReport
from barograph.config.plan import Plan
from barograph.console.report import COLOURS, SIGNS, range_words, sentence, wrapped
from barograph.console.terminal import Terminal, clean
from barograph.core.finding import Finding, Severity, Verdict
from barograph.core.names import catalogue, split_of
from barograph.recipes.size import Size, Target, Time

__all__ = ["config_lines"]

MEANINGS = {
    Verdict.HEALTHY: "nothing against beginning",
    Verdict.WATCH: "worth a look before you begin",
    Verdict.UNHEALTHY: "mend this before you begin",
    Verdict.UNJUDGED: "no check was made",
}


def config_lines(report: ConfigReport, size: Size, terminal: Terminal, *, verbose: bool = False) -> Iterator[str]:
    """The lines of the whole answer."""
    verdict = report.verdict
    head = f"{verdict.value.upper()}: {MEANINGS[verdict]}"
    yield f"{terminal.paint(head, *COLOURS[verdict])}  {clean(report.path)}"
    yield from wrapped(
        f"{report.plan.method.value}, read as settings of {report.plan.dialect.name}", "", terminal, "dim"
    )
    for finding in report.findings:
        if finding.severity > Severity.INFO:
            yield ""
            yield from _finding(finding, report.plan, terminal, verbose=verbose)
    remarks = [finding for finding in report.findings if finding.severity is Severity.INFO]
    if remarks:
        yield ""
        yield terminal.paint("Remarks", "bold")
        for finding in remarks:
            yield from wrapped(f"{finding.code} {_said(finding, report.plan)}", "  ", terminal, hang="    ")
            if verbose:
                for advice in finding.advice:
                    yield from wrapped(clean(advice), "    ", terminal, "dim", hang="    ")
    yield from _size(size, terminal, verbose=verbose)
    yield ""
    total = len(report.judged) + len(report.not_judged)
    yield from wrapped(f"{len(report.judged)} of {total} checks were made.", "", terminal, "dim")
    if verbose:
        for one in report.not_judged:
            yield from wrapped(f"{one.code} not judged: {one.reason}", "  ", terminal, "dim", hang="    ")
    for note in report.notes:
        yield from wrapped(f"Note: {clean(note)}", "", terminal, "dim")


def _finding(finding: Finding, plan: Plan, terminal: Terminal, *, verbose: bool) -> Iterator[str]:
    fancy, plain, colour = SIGNS[finding.severity]
    sign = terminal.paint(terminal.glyph(fancy, plain), colour, "bold")
    title = terminal.paint(f"{finding.code} {finding.name}", "bold")
    yield f"{sign} {title}  {terminal.paint(str(finding.severity), 'dim')}"
    yield from wrapped(_said(finding, plan), "  ", terminal)
    if verbose and (why := by_code()[finding.code].sections().get("Why")):
        yield from wrapped(f"Why: {why}", "  ", terminal, hang="       ")
    for place, advice in enumerate(finding.advice):
        yield from wrapped(clean(advice), "  Do:  " if place == 0 else "       ", terminal, hang="       ")


def _said(finding: Finding, plan: Plan) -> str:
    """What a finding says, with a capital unless it begins with the name of a setting."""
    text = clean(finding.says)
    names = {
        finding.metric,
        *plan.spelled.values(),
        *(name for several in plan.dialect.names.values() for name in several),
    }
    return text if text.partition(" ")[0] in names else sentence(text)


def _size(size: Size, terminal: Terminal, *, verbose: bool) -> Iterator[str]:
    """What the training comes to."""
    rows = list(_size_rows(size))
    if rows:
        yield ""
        yield terminal.paint("Size", "bold")
        width = max(len(name) for name, _ in rows)
        for name, text in rows:
            yield from wrapped(text, f"  {name:{width}}  ", terminal, hang=" " * (width + 4))
    if size.targets and (verbose or size.examples):
        yield ""
        yield terminal.paint("To aim for", "bold")
        for target in size.targets:
            yield from wrapped(_target(target), "  ", terminal, hang="    ")
        for one in size.advice:
            yield from wrapped(f"If {one.missed}: {clean(one.do)}.", "  ", terminal, hang="    ")


def _size_rows(size: Size) -> Iterator[tuple[str, str]]:
    if size.updates:
        made = [
            f"{size.examples:,} examples" if size.examples else "",
            f"{size.batch:,.0f} in each" if size.batch else "",
        ]
        if size.passes:
            made.append("seen once" if size.passes == 1 else f"seen {size.passes:.3g} times")
        said = ", ".join(part for part in made if part)
        yield "updates", f"{size.updates:,}" + (f" ({said})" if said else "")
    if size.tokens:
        how = "" if size.is_from_data else ", if examples are as long as they may be"
        yield "tokens", f"{size.tokens / 1e6:,.1f} million{how}"
    if size.needs:
        yield "memory", f"{size.needs} on each device"
    if size.times:
        yield "time", "; ".join(map(_hours, size.times))


def _hours(time: Time) -> str:
    return f"{time.card}: {_clock(time.fastest)} to {_clock(time.slowest)}"


def _clock(hours: float) -> str:
    """Hours as people say them.

    >>> _clock(0.004), _clock(0.25), _clock(8.4), _clock(60)
    ('less than a minute', '15 minutes', '8.4 hours', '2.5 days')
    """
    if hours < 1 / 60:
        return "less than a minute"
    if hours < 1:
        return f"{60 * hours:.0f} minutes"
    return f"{hours:.2g} hours" if hours < 48 else f"{hours / 24:.2g} days"


def _target(target: Target) -> str:
    metric = catalogue().get(split_of(target.metric)[1])
    title = metric.title.lower() if metric and not metric.title[1:].isupper() else target.metric
    held_out = " on held-out data" if metric and target.metric.startswith("eval.") else ""
    return f"{title}{held_out}: {range_words(target.low, target.high)}, by the {target.source}"
