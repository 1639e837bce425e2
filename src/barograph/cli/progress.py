"""What a person at a terminal sees while something takes long."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from barograph.console.terminal import clean

if TYPE_CHECKING:
    from barograph.sources.remote import Progress

__all__ = ["fetching_shown"]

#: What is done within this many seconds is not worth a word, and later words come no faster than this.
AFTER = 1.0
BETWEEN = 0.2


@contextmanager
def fetching_shown() -> Iterator[None]:
    """Inside, a person at a terminal is shown how far the copying of a remote path has come."""
    if not sys.stderr.isatty():
        yield
        return
    from barograph.sources.remote import progress_shown

    due = time.monotonic() + AFTER
    longest = 0

    def show(progress: Progress) -> None:
        nonlocal due, longest
        if time.monotonic() < due:
            return
        due = time.monotonic() + BETWEEN
        line = f"fetching {clean(progress.url)[:60]}: {progress.bytes / 1e6:,.0f} MB"
        click.echo("\r" + line.ljust(longest), nl=False, err=True)
        longest = max(longest, len(line))

    try:
        with progress_shown(show):
            yield
    finally:
        if longest:
            click.echo("\r" + " " * longest + "\r", nl=False, err=True)
