"""`barograph compare`: several runs side by side, and which of them is to be preferred."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from barograph.cli.judged import judge_all, tell_errors
from barograph.cli.options import METHOD
from barograph.console.side_by_side import blocks
from barograph.console.terminal import Terminal, clean
from barograph.core.errors import ConfigurationError
from barograph.core.plain_json import plain

if TYPE_CHECKING:
    from barograph.charts.comparison import Comparison

__all__ = ["compare"]

#: Series and settings that are shown on the terminal; the others are in the file and in JSON.
SHOWN = 12


@click.command(short_help="Compare runs: settings, ends, curves, and which to prefer.")
@click.argument("runs", nargs=-1, required=True, metavar="RUN...")
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE",
              help="Also write a page (FILE.html) or a picture (FILE.png).")  # fmt: skip
@click.option("--by", type=click.Choice(["step", "epoch", "samples", "tokens"]), default="step", show_default=True,
              help="What the curves are laid along.")  # fmt: skip
@click.option("--at", type=int, metavar="STEP", help="Also the values at this step.")
@click.option("--nats", is_flag=True, help="Rewards divided by beta: only so do runs with another beta compare.")
@click.option("--method", type=METHOD, help="Judge as this method, whatever they look like.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of text.")
def compare(
    runs: Sequence[str],
    output: Path | None,
    by: str,
    at: int | None,
    method: str | None,
    *,
    nats: bool,
    as_json: bool,
) -> None:
    """Compare two to fifty runs: in which settings they differ, how far each came, and which is to be preferred.

    A sick run is never preferred, however good its numbers look. Runs that differ in the seed alone are taken together,
    and the difference between such groups has its interval.

    \b
      barograph compare runs/first runs/second
      barograph compare 'runs/sweep-dpo/*' --nats -o betas.html
      barograph compare runs/a runs/b --by epoch -o curves.png
    """  # noqa: D301 - click looks for the backspace itself
    from barograph.charts.comparison import check_how_many, compared
    from barograph.engine.settings import read_settings

    if output is not None and output.suffix not in {".html", ".png"}:
        raise ConfigurationError(f"{output}: a page ends in .html, a picture in .png")
    judged, errors = judge_all(runs, method, read_settings())
    if len(judged) < 2:
        tell_errors(errors)  # Which is why there are so few.
    check_how_many(len(judged))
    comparison = compared(judged, at=at, in_nats=nats)
    if output is not None:
        _write(output, comparison, by)
    if as_json:
        click.echo(json.dumps(plain(comparison.to_dict()), indent=2, allow_nan=False, ensure_ascii=False))
    else:
        click.echo("\n".join(_lines(comparison, Terminal.of(sys.stdout))))
        if output is not None:
            click.echo(f"\n{output}")
    tell_errors(errors)


def _write(output: Path, comparison: Comparison, by: str) -> None:
    from barograph.charts.comparison_page import page
    from barograph.charts.overlay import overlay
    from barograph.sinks.replace import write_whole

    charts = overlay(comparison, by)
    if output.suffix == ".html":
        write_whole(output, page(comparison, charts).encode())
        return
    from barograph.charts.png import MOST as IN_A_PICTURE
    from barograph.charts.png import drawn, figure_of

    if not charts:
        raise ConfigurationError("the runs share no series, so that there is nothing to draw")
    write_whole(output, drawn(figure_of(charts[:IN_A_PICTURE], f"{len(comparison.contestants)} runs compared")))


def _lines(comparison: Comparison, terminal: Terminal) -> Iterator[str]:
    from barograph.charts.comparison_page import preferred, told
    from barograph.charts.drawing import number
    from barograph.charts.panels import series_title

    ones = comparison.contestants
    lines = [("", *(clean(one.name) for one in ones)), ("verdict", *(one.diagnosis.verdict.value for one in ones))]
    lines += [(clean(name), *(_setting(one.differs.get(name)) for one in ones)) for name in comparison.settings[:SHOWN]]
    for key in comparison.series[:SHOWN]:
        known = [one.measures.get(key) for one in ones]
        title = series_title(key)
        lines.append((f"{title}, end", *(number(one.last) if one else "-" for one in known)))
        if any(one is not None and one.best is not None for one in known):
            cells = (number(one.best) if one is not None and one.best is not None else "-" for one in known)
            lines.append((f"{title}, best", *cells))
        if comparison.at is not None:
            cells = (number(one.there) if one is not None and one.there is not None else "-" for one in known)
            lines.append((f"{title}, step {comparison.at:,}", *cells))
    yield terminal.paint(clean(preferred(comparison)), "bold")
    yield terminal.paint(f"Ranked by: {comparison.rule}.", "dim")
    yield from blocks(lines, terminal)
    if comparison.differences:
        yield ""
        yield from (f"  {clean(told(one))}" for one in comparison.differences)
    more = {"settings": len(comparison.settings) - SHOWN, "series": len(comparison.series) - SHOWN}
    if left := " and ".join(f"{count} more {name}" for name, count in more.items() if count > 0):
        yield terminal.paint(f"\n  {left} are in --json and -o FILE.html", "dim")


def _setting(value: object) -> str:
    return "-" if value is None else clean(str(value))[:24]
