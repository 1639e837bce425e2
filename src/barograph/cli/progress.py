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

__all__ = ["Line", "fetching_shown"]

#: What is done within this many seconds is not worth a word, and later words come no faster than this.
AFTER = 1.0
BETWEEN = 0.2


class Line:
    """One line at the bottom of a terminal, written over and over."""

    def __init__(self) -> None:
        self._due = time.monotonic() + AFTER
        self._longest = 0

    @property
    def is_due(self) -> bool:
        """Whether it has been long enough since the last one."""
        return time.monotonic() >= self._due

    def show(self, text: str) -> None:
        """In place of what stands there."""
        self._due = time.monotonic() + BETWEEN
        click.echo("\r" + text.ljust(self._longest), nl=False, err=True)
        self._longest = max(self._longest, len(text))

    def clear(self) -> None:
        """As if nothing had been there."""
        if self._longest:
            click.echo("\r" + " " * self._longest + "\r", nl=False, err=True)


@contextmanager
def fetching_shown() -> Iterator[None]:
    """Inside, a person at a terminal is shown how far the copying of a remote path has come."""
    if not sys.stderr.isatty():
        yield
        return
    from barograph.sources.remote import progress_shown

    line = Line()

    def show(progress: Progress) -> None:
        if line.is_due:
            line.show(f"fetching {clean(progress.url)[:60]}: {progress.bytes / 1e6:,.0f} MB")

    try:
        with progress_shown(show):
            yield
    finally:
        line.clear()
