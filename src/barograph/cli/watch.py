"""`barograph watch`: follow a run while it is written."""

from __future__ import annotations

import json
import signal
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, NoReturn

import click

from barograph.cli.options import METHOD
from barograph.core.finding import Diagnosis, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from barograph.console.watch_screen import Screen
    from barograph.monitor.watcher import Change, Watcher

__all__ = ["Audience", "Lines", "follow", "on_screen", "watch"]

FAILED, FINDINGS, TERMINATED = 1, 3, 143
FAIL_ON = {"warning": Severity.WARNING, "critical": Severity.CRITICAL, "never": None}
#: Where lines are written instead of a screen, one for each so many rows.
ROWS_A_LINE = 50


@click.command(short_help="Follow a run while it is written.")
@click.argument("run", metavar="RUN")
@click.option("--every", type=click.FloatRange(min=0.05), default=1.0, show_default=True, metavar="SECONDS",
              help="How often to look.")  # fmt: skip
@click.option("--once", is_flag=True, help="One picture of this moment, then end as `check` does.")
@click.option("--timeout", type=click.FloatRange(min=0), metavar="SECONDS",
              help="How long to wait for a log that is not there yet; for ever, if not given.")  # fmt: skip
@click.option("--method", type=METHOD, help="Judge as this method, whatever it looks like.")
@click.option("--config", metavar="FILE", help="Settings in TOML; else barograph.toml or pyproject.toml here or above.")
@click.option("--fail-on", type=click.Choice(list(FAIL_ON)), default="warning", show_default=True,
              help="Exit with 3 when the run ends with findings at or above this.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object for each change, one a line.")
def watch(  # noqa: PLR0913 - one argument for each option
    run: str,
    every: float,
    *,
    once: bool,
    timeout: float | None,
    method: str | None,
    config: str | None,
    fail_on: str,
    as_json: bool,
) -> None:
    """Follow a run: its verdict, its metrics against the healthy range, and findings as they come.

    RUN is a log file, a folder (of several runs the newest is followed), PATH#NAME for one of several, or - for
    standard input. It need not be there yet. Where the answer does not go to a terminal, lines are written instead of
    a screen.

    \b
      barograph watch outputs/kto
      barograph watch outputs/kto --once
      python train.py | barograph watch - --method dpo
    """  # noqa: D301 - click looks for the backspace itself
    from barograph.cli.piped import Piped
    from barograph.engine.settings import read_settings
    from barograph.monitor.watcher import Watcher

    settings = read_settings(config)
    with ExitStack() as stack:
        piped = stack.enter_context(Piped()) if run == "-" else None
        watcher = Watcher(piped.path if piped is not None else run, settings, method)
        stack.callback(watcher.close)
        if piped is not None:
            watcher.shown_as(piped.named, piped.has_ended.is_set)
            if once:
                piped.has_ended.wait()
        if once:
            _once(watcher, fail_on, as_json=as_json)
            return
        stack.enter_context(_ended_by_a_signal())
        if as_json:
            follow(watcher, _Objects(), every, timeout)
        elif sys.stdout.isatty():
            on_screen(watcher, every, timeout)
        else:
            follow(watcher, Lines(), every, timeout)
        if watcher.run is None:
            _fail(watcher)
        _exit(watcher.closing_diagnosis(), fail_on)


@contextmanager
def _ended_by_a_signal() -> Iterator[None]:
    """Being told to end gives the terminal back as well."""

    def end(number: int, frame: object) -> NoReturn:
        raise click.exceptions.Exit(TERMINATED)

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _fail(watcher: Watcher) -> NoReturn:
    click.echo(f"barograph: {watcher.trouble or 'there is no row to judge'}", err=True)
    raise click.exceptions.Exit(FAILED)


def _exit(diagnosis: Diagnosis, fail_on: str) -> None:
    """End as `check` does."""
    limit, worst = FAIL_ON[fail_on], diagnosis.worst
    if limit is not None and worst is not None and worst >= limit:
        raise click.exceptions.Exit(FINDINGS)


def _once(watcher: Watcher, fail_on: str, *, as_json: bool) -> None:
    from barograph.console.terminal import Terminal
    from barograph.console.watch_view import picture

    watcher.glance()
    if watcher.run is None:
        _fail(watcher)
    diagnosis = watcher.diagnosis()
    if as_json:
        _print_object("run", diagnosis.to_dict())
    else:
        terminal = Terminal.of(sys.stdout)
        click.echo("\n".join(picture(watcher.scene(), terminal)), color=terminal.colour)
    _exit(diagnosis, fail_on)


# Following


class Audience:
    """Whoever is shown the run."""

    def hear(self, change: Change, watcher: Watcher) -> None:
        """A look was taken, whether or not it has brought anything."""

    def wait(self, seconds: float, meanwhile: Callable[[float], None]) -> None:
        """Until the next look; meanwhile there may be something to do, for as long as is said."""
        begun = time.monotonic()
        meanwhile(seconds / 2)
        time.sleep(max(0.0, seconds - (time.monotonic() - begun)))

    def end(self, watcher: Watcher) -> None:
        """The run is over."""


def follow(
    watcher: Watcher,
    audience: Audience,
    every: float,
    timeout: float | None = None,
    meanwhile: Callable[[float], None] | None = None,
) -> None:
    """Look again and again, until the run is over or the wait for its first row has been too long."""
    begun = time.monotonic()
    while True:
        is_last = watcher.is_over  # Asked before looking, so that the last rows are seen.
        audience.hear(watcher.look(), watcher)
        if is_last:
            break
        if watcher.is_over:
            continue
        if watcher.run is None and timeout is not None and time.monotonic() - begun >= timeout:
            return
        audience.wait(every, meanwhile or watcher.catch_up)
    if watcher.run is not None:
        audience.end(watcher)


class _OnScreen(Audience):
    """A person at a terminal."""

    def __init__(self, screen: Screen) -> None:
        self._screen = screen

    def hear(self, change: Change, watcher: Watcher) -> None:
        from barograph.console.watch_view import picture

        self._screen.show(picture(watcher.scene(), self._screen.terminal, self._screen.height))

    def wait(self, seconds: float, meanwhile: Callable[[float], None]) -> None:
        self._screen.wait(seconds, meanwhile)


def on_screen(
    watcher: Watcher, every: float, timeout: float | None = None, meanwhile: Callable[[float], None] | None = None
) -> None:
    """Watch in a terminal of its own; the last picture stays, however it ends."""
    from barograph.console.report import verdict_line
    from barograph.console.watch_screen import Screen
    from barograph.console.watch_view import picture

    screen = Screen(sys.stdout)
    try:
        with screen:
            follow(watcher, _OnScreen(screen), every, timeout, meanwhile)
    finally:
        if watcher.run is not None:
            scene = watcher.scene()
            lines = picture(scene, screen.terminal)
            if scene.diagnosis is not None:
                lines += ["", verdict_line(scene.diagnosis, screen.terminal)]
            click.echo("\n".join(lines), color=screen.terminal.colour)


class Lines(Audience):
    """A file, a pipe, a log of a batch system: a line for each finding, and one now and then."""

    def __init__(self) -> None:
        from barograph.console.terminal import Terminal

        self._terminal = Terminal.of(sys.stdout)
        self._rows = 0
        self._said: set[str] = set()
        self._is_quiet = False

    def hear(self, change: Change, watcher: Watcher) -> None:
        from barograph.console.watch_view import duration, finding_line, row_line

        scene = watcher.scene()
        if scene.diagnosis is None:
            self._say_once(row_line(scene, self._terminal))
            return
        for remark in scene.remarks:
            if "so far" not in remark:
                self._say_once(remark)
        self._rows += change.rows
        if change.is_beginning or self._rows >= ROWS_A_LINE:
            self._rows = 0
            name = f"{scene.path} ({scene.diagnosis.method}): " if change.is_beginning else ""
            self._say(name + row_line(scene, self._terminal))
        for finding in change.findings:
            if finding.severity > Severity.INFO:
                self._say(finding_line(finding, self._terminal))
        for decision in scene.decisions:
            self._say_once(f"guard, {decision}")
        if (scene.quiet is not None) > self._is_quiet:
            self._say(f"no new row for {duration(scene.quiet or 0)}")
        self._is_quiet = scene.quiet is not None

    def end(self, watcher: Watcher) -> None:
        from barograph.console.report import verdict_line

        self._say(f"the run has ended: {verdict_line(watcher.closing_diagnosis(), self._terminal)}")

    def _say_once(self, line: str) -> None:
        if line not in self._said:
            self._said.add(line)
            self._say(line)

    def _say(self, line: str) -> None:
        click.echo(line, color=self._terminal.colour)
        sys.stdout.flush()


class _Objects(Audience):
    """A program: a JSON object for each change."""

    def __init__(self) -> None:
        self._verdict = ""
        self._decisions = 0
        self._is_waiting = False

    def hear(self, change: Change, watcher: Watcher) -> None:
        if watcher.run is None:
            if not self._is_waiting:
                _print_object("waiting", {"says": watcher.trouble})
            self._is_waiting = True
            return
        diagnosis = watcher.diagnosis()
        at = {"step": diagnosis.last_step, "rows": diagnosis.rows}
        if change.is_beginning:
            self._verdict = diagnosis.verdict.value
            self._decisions = 0
            _print_object("run", diagnosis.to_dict())
        else:
            for finding in change.findings:
                _print_object("finding", {**at, "finding": finding.to_dict()})
        if diagnosis.verdict.value != self._verdict:
            self._verdict = diagnosis.verdict.value
            _print_object("verdict", {**at, "verdict": self._verdict})
        decisions = watcher.scene().decisions if change.rows else ()
        for said in decisions[self._decisions :]:
            _print_object("decision", {**at, "says": said})
        self._decisions = max(self._decisions, len(decisions))

    def end(self, watcher: Watcher) -> None:
        _print_object("ended", {**watcher.closing_diagnosis().to_dict(), "state": watcher.state})


def _print_object(event: str, facts: dict[str, object]) -> None:
    from barograph.core.plain_json import plain

    known = {"schema": 1, "event": event, **facts}
    click.echo(json.dumps(plain(known), allow_nan=False, ensure_ascii=False))
    sys.stdout.flush()
