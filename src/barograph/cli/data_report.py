"""What was found in a data set, for people: the verdict first, then each finding with rows that show it."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from barograph.console.report import COLOURS, SIGNS, sentence, wrapped
from barograph.console.terminal import Terminal, clean
from barograph.core.finding import Severity, Verdict
from barograph.data.catalogue import by_code
from barograph.data.check import percent
from barograph.data.finding import DataFinding, DataReport, Shown

__all__ = ["data_lines"]

#: Figures that are worth knowing of a faultless set too.
FIGURES = {
    "longer_wins": '"longer wins" is right in {:.0%}',
    "words_tell": "words alone tell good from bad in {:.0%}",
    "good_to_bad": "{:.2f} good answers for each bad one",
    "good_steps": "{:.0%} of steps are good",
    "faultless_solutions": "{:.0%} of solutions have no wrong step",
    "label_noise": "about {:.1%} of labels are wrong, by those that were given twice",
}

MEANINGS = {
    Verdict.HEALTHY: "nothing to mend before the training",
    Verdict.WATCH: "worth a look before the training",
    Verdict.UNHEALTHY: "mend this before the training",
    Verdict.UNJUDGED: "no check was made",
}


def data_lines(report: DataReport, terminal: Terminal, *, verbose: bool = False) -> Iterator[str]:
    """The lines of the whole answer."""
    verdict = report.verdict
    head = f"{verdict.value.upper()}: {MEANINGS[verdict]}"
    yield f"{terminal.paint(head, *COLOURS[verdict])}  {clean(report.path)}"
    columns = ", ".join(
        name if name == column else f"{name} = {clean(column)}" for name, column in report.columns.items()
    )
    held_out = f"; held out: {report.eval_rows:,} rows of {clean(report.eval_path)}" if report.eval_path else ""
    about = f"{report.kind} ({columns}), {report.rows:,} rows, read as {report.read_as}{held_out}"
    yield from wrapped(about, "", terminal, "dim")
    figures = [words.format(report.figures[name]) for name, words in FIGURES.items() if name in report.figures]
    if figures:
        yield from wrapped("; ".join(figures), "", terminal, "dim")
    for finding in report.findings:
        if finding.severity > Severity.INFO:
            yield ""
            yield from _finding(finding, terminal, verbose=verbose)
    remarks = [finding for finding in report.findings if finding.severity is Severity.INFO]
    if remarks:
        yield ""
        yield terminal.paint("Remarks", "bold")
        for finding in remarks:
            yield from wrapped(
                f"{finding.code} {sentence(clean(finding.says))}{_in(finding)}", "  ", terminal, hang="    "
            )
            yield from _rows(finding, terminal, "    ", verbose=verbose)
    yield from _closing(report, terminal, verbose=verbose)


def _finding(finding: DataFinding, terminal: Terminal, *, verbose: bool) -> Iterator[str]:
    fancy, plain, colour = SIGNS[finding.severity]
    sign = terminal.paint(terminal.glyph(fancy, plain), colour, "bold")
    title = terminal.paint(f"{finding.code} {finding.name}", "bold")
    share = f", {percent(finding.share)} of {finding.of:,}" if finding.count else ""
    yield f"{sign} {title}  {terminal.paint(f'{finding.severity}{share}{_in(finding)}', 'dim')}"
    yield from wrapped(sentence(clean(finding.says)), "  ", terminal)
    yield from _rows(finding, terminal, "  ", verbose=verbose)
    if verbose and (why := by_code()[finding.code].sections().get("Why")):
        yield from wrapped(f"Why: {why}", "  ", terminal, hang="       ")
    for place, advice in enumerate(finding.advice):
        yield from wrapped(clean(advice), "  Do:  " if place == 0 else "       ", terminal, hang="       ")


def _rows(finding: DataFinding, terminal: Terminal, lead: str, *, verbose: bool) -> Iterator[str]:
    """The first rows that show it; one of them is enough unless there is time to read."""
    written_out = finding.shown if verbose else finding.shown[:1]
    for shown in written_out:
        yield from _example(shown, terminal, lead)
    others = [
        f"{one.row}{f' = {one.twin}' if one.twin is not None else ''}" for one in finding.shown[len(written_out) :]
    ]
    more = finding.count - len(finding.shown)
    if others:
        listed = ", ".join(others) + (f" and {more:,} more" if more > 0 else "")
        word = "row" if len(others) == 1 and more <= 0 else "rows"
        yield from wrapped(f"also {word} {listed}", lead, terminal, "dim")


def _in(finding: DataFinding) -> str:
    return " (held out)" if finding.split == "eval" else ""


def _example(shown: Shown, terminal: Terminal, lead: str) -> Iterator[str]:
    """A row, and what stands in it, each side on one line."""
    twin = f" = {shown.twin}" if shown.twin is not None else ""
    name = f"{lead}row {shown.row}{twin}  "
    follow = " " * len(name)
    lines = shown.quote.split("\n") if shown.quote else [""]
    for line in lines:
        room = max(20, terminal.width - len(name))
        text = textwrap.shorten(clean(line), room, placeholder=terminal.glyph(" …", " ...")) or clean(line)[:room]
        yield terminal.paint(f"{name}{text}".rstrip(), "dim")
        name = follow


def _closing(report: DataReport, terminal: Terminal, *, verbose: bool) -> Iterator[str]:
    yield ""
    dropped = {number for finding in report.findings for number in finding.drops}
    if dropped:
        yield from wrapped(
            f"--clean OUT writes a copy without {len(dropped):,} of these {report.rows:,} rows.", "", terminal, "dim"
        )
    total = len(report.judged) + len(report.not_judged)
    why = "" if verbose or not report.not_judged else " -v says why the others were not."
    made = f"{len(report.judged)} of {total} checks of {report.kind} data were made.{why}"
    yield from wrapped(made, "", terminal, "dim")
    if verbose:
        for one in report.not_judged:
            yield from wrapped(f"{one.code} not judged: {one.reason}", "  ", terminal, "dim")
    for note in report.notes:
        yield from wrapped(f"Note: {clean(note)}", "", terminal, "dim")
