"""What `data` and `config` have in common: choosing among checks, setting their numbers, and reading with patience."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from barograph.cli.progress import Line
from barograph.console.terminal import clean
from barograph.core.errors import ConfigurationError, suggest

if TYPE_CHECKING:
    from barograph.core.check import Declared
    from barograph.data.reading import DataSet

__all__ = ["limits_of", "reading_shown", "words_of"]


def words_of(said: Sequence[str]) -> list[str]:
    """Codes and names, each said by itself or several by commas."""
    return [word for part in said for word in part.split(",") if word]


def limits_of(
    settings: Sequence[str], checks: Mapping[str, type[Declared]], example: str
) -> dict[str, dict[str, float]]:
    """`DATA03.warns_from=0.01` for each check that it names."""
    limits: dict[str, dict[str, float]] = {}
    for setting in settings:
        key, equals, number = setting.partition("=")
        code, dot, name = key.strip().partition(".")
        try:
            value = float(number)
        except ValueError:
            equals = ""
        else:
            limits.setdefault(code.upper(), {})[name] = value
        if not (equals and dot):
            raise ConfigurationError(f"--set {setting!r}: write it as {example}")
        check = checks.get(code.upper())
        if check is None:
            raise ConfigurationError(f"--set: no check is called {code!r}{suggest(code.upper(), checks)}")
        if name not in check.limits():
            there = ", ".join(check.limits()) or "none"
            raise ConfigurationError(
                f"--set: {check.code} has no number {name!r}{suggest(name, check.limits()) or f'; it has {there}'}"
            )
    return limits


@contextmanager
def reading_shown() -> Iterator[Callable[[DataSet, int], None] | None]:
    """Inside, a person at a terminal is shown how far the reading has come."""
    if not sys.stderr.isatty():
        yield None
        return
    line = Line()

    def show(read: DataSet, rows: int) -> None:
        if line.is_due:
            line.show(f"reading {clean(read.name)[:50]}: {rows:,} rows, {read.share_read():.0%}")

    try:
        yield show
    finally:
        line.clear()
