"""`barograph check`: is this run healthy?"""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import click

from barograph.cli.judged import judge_all, tell_errors
from barograph.cli.options import METHOD
from barograph.cli.progress import fetching_shown
from barograph.core.errors import UnreadableRun
from barograph.core.file_names import home_of
from barograph.core.finding import Diagnosis, Severity
from barograph.core.methods import Method
from barograph.core.plain_json import plain

if TYPE_CHECKING:
    from barograph.core.run import Run
    from barograph.engine.settings import Settings

__all__ = ["check"]

FINDINGS = 3
FAIL_ON = {"warning": Severity.WARNING, "critical": Severity.CRITICAL, "never": None}
#: So many keys that were not understood are named.
MOST_KEYS = 50


@click.command(short_help="Say whether runs are healthy, and why.")
@click.argument("runs", nargs=-1, required=True, metavar="RUN...")
@click.option("--method", type=METHOD, help="Judge as this method, whatever it looks like.")
@click.option("--select", "selected", multiple=True, metavar="RULES", help="Only these rules: codes, prefixes, names.")
@click.option("--ignore", "ignored", multiple=True, metavar="RULES", help="Not these rules.")
@click.option("--config", metavar="FILE", help="Settings in TOML; else barograph.toml or pyproject.toml here or above.")
@click.option("--set", "numbers", multiple=True, metavar="CODE.NAME=N", help="Set a rule's number: PREF03.patience=20.")
@click.option(
    "--profile",
    type=click.Choice(["default", "guide"]),
    help="'guide': the published guides' numbers where ours differ.",
)
@click.option("--fail-on", type=click.Choice(list(FAIL_ON)), default="warning", show_default=True,
              help="Exit with 3 when there are findings at or above this.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of text.")
@click.option("-q", "--quiet", is_flag=True, help="One line for each run.")
@click.option("-v", "--verbose", is_flag=True, help="Also what could not be judged or understood.")
def check(  # noqa: PLR0913, PLR0917 - one argument for each option
    runs: Sequence[str],
    method: str | None,
    selected: Sequence[str],
    ignored: Sequence[str],
    config: str | None,
    numbers: Sequence[str],
    profile: str | None,
    fail_on: str,
    *,
    as_json: bool,
    quiet: bool,
    verbose: bool,
) -> None:
    """Say whether a run is healthy, since when not, what proves it, and what to do.

    RUN is a log file, a folder (the newest checkpoint is found), a URL, a glob, or - for standard input. Where a path
    holds several runs each is judged; PATH#NAME is one of them.

    \b
      barograph check outputs/kto
      barograph check trainer_state.json --fail-on critical
      barograph check 'runs/*' --quiet
      tail -n 500 log.jsonl | barograph check - --method dpo
    """  # noqa: D301 - click looks for the backspace itself
    from barograph.engine.settings import read_settings

    settings = read_settings(config).with_numbers(numbers).narrowed(_split(selected), _split(ignored))
    if profile:
        settings = settings.with_profile(profile)
    with fetching_shown():
        diagnoses, errors = judge_all(runs, method, settings)
    if as_json:
        _print_json(diagnoses, errors)
    else:
        _print_text(diagnoses, settings, quiet=quiet, verbose=verbose)
    tell_errors(errors)
    limit = FAIL_ON[fail_on]
    worst = max((diagnosis.worst or Severity.INFO for diagnosis, _ in diagnoses), default=Severity.INFO)
    if limit is not None and worst >= limit:
        raise click.exceptions.Exit(FINDINGS)


def _split(words: Sequence[str]) -> list[str]:
    """`--select PREF,KL01` and `--select PREF --select KL01` mean the same."""
    return [word for part in words for word in part.split(",") if word]


def _print_json(diagnoses: Sequence[tuple[Diagnosis, Run]], errors: Sequence[UnreadableRun]) -> None:
    import json

    runs = []
    for diagnosis, run in diagnoses:
        known = diagnosis.to_dict()
        notes = [*diagnosis.notes, *(f"the key {sentence}" for sentence in _not_understood(run))]
        runs.append(plain({**known, "notes": notes}))
    answer: dict[str, object] = {"schema": 1, "runs": runs}
    if errors:
        answer["errors"] = [{"path": error.path, "error": str(error)} for error in errors]
    click.echo(json.dumps(answer, indent=2, allow_nan=False, ensure_ascii=False))


def _not_understood(run: Run) -> Iterator[str]:
    """Every key that was left out because its meaning is not known, with the nearest name that is."""
    from barograph.core.names import nearest, resolve

    for key in run.unknown_keys[:MOST_KEYS]:
        near = nearest(key)
        methods = [method.value for method in Method if resolve(key, method) is not None]
        if methods:
            hint = f"; it has a meaning for {', '.join(methods[:4])}: say --method"
        else:
            hint = f"; did you mean {near[0]}?" if near else ""
        yield f"`{key}` was not understood{hint}"
    if (rest := len(run.unknown_keys) - MOST_KEYS) > 0:
        yield f"and {rest:,} more were not understood"


def _print_text(diagnoses: Sequence[tuple[Diagnosis, Run]], settings: Settings, *, quiet: bool, verbose: bool) -> None:
    from barograph.console.report import report, verdict_line
    from barograph.console.terminal import Terminal, clean
    from barograph.data.kept import has_looks

    terminal = Terminal.of(sys.stdout)
    worst_first = sorted(diagnoses, key=lambda entry: -(entry[0].worst or 0)) if len(diagnoses) > 1 else diagnoses
    if quiet or len(diagnoses) > 1:
        for diagnosis, _ in worst_first:
            click.echo(verdict_line(diagnosis, terminal), color=terminal.colour)
    if quiet:
        return
    why = {rule.code: rule.sections().get("Why", "") for rule in settings.rules}
    for diagnosis, run in worst_first:
        if len(diagnoses) > 1:
            click.echo(f"\n{terminal.glyph('─', '-') * terminal.width}")
        click.echo("\n".join(report(diagnosis, run, why, terminal, verbose=verbose)), color=terminal.colour)
        if run.path and has_looks(home_of(run.path)):
            hint = f"barograph data {clean(shlex.quote(str(home_of(run.path))))} lists labels that are likely wrong"
            click.echo(terminal.paint(hint, "dim"), color=terminal.colour)
        if verbose and run.unknown_keys:
            click.echo("Keys without a meaning here; a table [metrics] in barograph.toml can give them one:")
            for sentence in _not_understood(run):
                click.echo(f"  {clean(sentence)}")
