"""What other packages add to barograph, found through their entry points.

A package names its addition in its own `pyproject.toml`:

    [project.entry-points."barograph.sources"]
    mylog = "mypackage:MY_LOG"

An addition that cannot be loaded is left out with a warning; it never stands in the way of the rest.
"""

from __future__ import annotations

import functools
import warnings
from typing import TypeVar

__all__ = ["RULES", "SOURCES", "additions"]

SOURCES = "barograph.sources"
RULES = "barograph.rules"

T = TypeVar("T")


def additions(group: str, kind: type[T]) -> tuple[T, ...]:
    """The objects of a kind that installed packages offer under a group; a list or tuple offers each of its members."""
    found: list[T] = []
    for name, offered in _loaded(group):
        members = offered if isinstance(offered, list | tuple) else [offered]
        for member in members:
            if isinstance(member, kind):
                found.append(member)
            else:
                _warn(group, name, f"{type(member).__name__} is no {kind.__name__}")
    return tuple(found)


@functools.cache
def _loaded(group: str) -> tuple[tuple[str, object], ...]:
    from importlib.metadata import entry_points

    found: list[tuple[str, object]] = []
    for entry in sorted(entry_points(group=group), key=lambda entry: entry.name):
        try:
            found.append((entry.name, entry.load()))
        except Exception as error:  # noqa: BLE001 - whatever somebody's package does at import
            _warn(group, entry.name, f"{type(error).__name__}: {error}")
    return tuple(found)


def _warn(group: str, name: str, problem: str) -> None:
    warnings.warn(f"the plugin {name!r} ({group}) is left out: {problem}", RuntimeWarning, stacklevel=4)
