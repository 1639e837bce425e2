"""Which examples a run has never learned, for people: how many there are, and what stands in them."""

from __future__ import annotations

import json
import sys
import textwrap
from collections.abc import Iterator, Sequence

import click

from barograph.console.report import wrapped
from barograph.console.terminal import Terminal, clean
from barograph.core.plain_json import plain
from barograph.data.map import Region
from barograph.data.suspects import TWICE, RunReport, Suspect, report_of_run, sentences

__all__ = ["run_lines", "tell_run"]

#: How the shares of regions are drawn.
BAR = 30
COLOURS = {Region.EASY: "green", Region.AMBIGUOUS: "yellow", Region.HARD: "red", Region.UNSEEN: "dim"}


def tell_run(path: str, *, data: str | None, top: int, as_json: bool, verbose: bool) -> None:
    """Print what a run has shown of its examples."""
    report = report_of_run(path, data=data, top=top)
    if as_json:
        answer = {"schema": 1, "run": plain(report.to_dict())}
        click.echo(json.dumps(answer, indent=2, allow_nan=False, ensure_ascii=False))
        return
    terminal = Terminal.of(sys.stdout)
    click.echo("\n".join(run_lines(report, terminal, verbose=verbose)), color=terminal.colour)


def run_lines(report: RunReport, terminal: Terminal, *, verbose: bool = False) -> Iterator[str]:
    """The lines of the whole answer."""
    yield f"{terminal.paint('EXAMPLES', 'cyan', 'bold')}  {clean(report.path)} ({report.method})"
    for sentence in sentences(report):
        yield from wrapped(sentence, "", terminal)
    yield ""
    yield from _regions(report, terminal)
    yield ""
    yield terminal.paint("Likeliest wrong labels", "bold")
    for one in report.suspects:
        yield from _example(one, terminal)
    if report.ambiguous and report.map.looks >= TWICE:  # After one look nothing can have wavered.
        yield ""
        yield terminal.paint("Wavered about most", "bold")
        for one in report.ambiguous if verbose else report.ambiguous[:1]:
            yield from _example(one, terminal)
        yield from _others(report.ambiguous if not verbose else (), terminal)
    yield ""
    for note in report.notes:
        yield from wrapped(f"Note: {clean(note)}", "", terminal, "dim")
    yield from wrapped(
        "--top N lists more, --json all there is to say of each; barograph plot and report draw the map.",
        "", terminal, "dim",
    )  # fmt: skip


def _regions(report: RunReport, terminal: Terminal) -> Iterator[str]:
    counts, total = report.map.counts(), len(report.map.score)
    for region in (Region.EASY, Region.AMBIGUOUS, Region.HARD, Region.UNSEEN):
        count = counts[region.name.lower()]
        if count or region is not Region.UNSEEN:
            bar = terminal.glyph("█", "#") * round(BAR * count / total)
            drawn = terminal.paint(bar, COLOURS[region])
            yield f"  {region.words:13} {count:9,} {count / total:6.1%}  {drawn}".rstrip()


def _example(one: Suspect, terminal: Terminal) -> Iterator[str]:
    """An example: where it is, what speaks against it, and what stands in it, a line each."""
    held = f"held with at {round(one.right * one.looks)} of {one.looks} look{'' if one.looks == 1 else 's'}"
    lost = f", lost again {one.forgotten} time{'' if one.forgotten == 1 else 's'}" if one.forgotten else ""
    step = f", most against step {one.step}" if one.step else ""
    yield from wrapped(f"{_place(one)}  margin {one.mean:.2f}, {held}{lost}{step}", "  ", terminal, "cyan", hang="    ")
    width = max(map(len, one.texts), default=0)
    for column, text in one.texts.items():
        lead = f"    {column:{width}}  "
        room = max(20, terminal.width - len(lead))
        shown = clean(text) if terminal.unicode else clean(text).replace("…", "...")
        yield f"{lead}{textwrap.shorten(shown, room, placeholder=terminal.glyph(' …', ' ...')) or shown[:room]}"


def _place(one: Suspect) -> str:
    if one.file_row is None:
        return f"row {one.row}"
    return f"row {one.file_row}" + (f" of {clean(one.file)}" if one.file else "")


def _others(ambiguous: Sequence[Suspect], terminal: Terminal) -> Iterator[str]:
    if len(ambiguous) > 1:
        listed = ", ".join(_place(one).removeprefix("row ") for one in ambiguous[1:])
        yield from wrapped(f"also rows {listed} (-v shows them)", "  ", terminal, "dim")
