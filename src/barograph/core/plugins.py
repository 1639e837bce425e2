"""What other packages add to barograph, found through their entry points.

A package names its addition in its own `pyproject.toml`:

    [project.entry-points."barograph.sources"]
    mylog = "mypackage:MY_LOG"

An addition that cannot be loaded is left out with a warning; it never stands in the way of the rest. With
`BAROGRAPH_PLUGINS=off` none is looked for.
"""

from __future__ import annotations

import functools
import os
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

__all__ = ["RULES", "SOURCES", "PluginWarning", "additions", "leave_out", "offered"]

SOURCES = "barograph.sources"
RULES = "barograph.rules"

T = TypeVar("T")


class PluginWarning(RuntimeWarning):
    """Something of another package that had to be left out."""


@functools.cache
def additions(group: str, kind: type[T]) -> tuple[T, ...]:
    """The objects of a kind that installed packages offer under a group; a list or tuple offers each of its members."""
    found: list[T] = []
    for name, member in offered(group):
        if isinstance(member, kind):
            found.append(member)
        else:
            leave_out(group, name, f"{_described(member)} is no {kind.__name__}")
    return tuple(found)


@functools.cache
def offered(group: str) -> tuple[tuple[str, object], ...]:
    """Everything that installed packages offer under a group, each with the name of its entry point."""
    found: list[tuple[str, object]] = []
    for entry in sorted(_entries(group), key=lambda entry: entry.name):
        try:
            loaded = entry.load()
        except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever somebody's package does at import
            leave_out(group, entry.name, f"{type(error).__name__}: {error}")
            continue
        members = loaded if isinstance(loaded, list | tuple) else [loaded]
        found += [(entry.name, member) for member in members]
    return tuple(found)


def leave_out(group: str, name: str, problem: str) -> None:
    """Warn that something is left out, in one line."""
    line = " ".join(f"the plugin {name!r} ({group}) is left out: {problem}".split())
    warnings.warn(line[:500], PluginWarning, stacklevel=4)


def _described(member: object) -> str:
    return f"the class {member.__name__}" if isinstance(member, type) else f"an object of {type(member).__name__}"


def _entries(group: str) -> Iterator[EntryPoint]:
    """The entry points of a group.

    The standard library would take 50 milliseconds to find out that there are none, as is nearly always so: it is
    asked only for packages whose file of entry points mentions us.
    """
    for folder in _packages():
        from importlib.metadata import Distribution

        try:
            yield from Distribution.at(folder).entry_points.select(group=group)
        except Exception as error:  # noqa: BLE001 - somebody else's file, written by any tool
            leave_out(group, folder.name, f"{type(error).__name__}: {error}")


@functools.cache
def _packages() -> tuple[Path, ...]:
    """The metadata folders of installed packages that add something; of a package found twice the first counts."""
    found: dict[str, Path] = {}
    seen: set[str] = set()
    if os.environ.get("BAROGRAPH_PLUGINS", "").lower() in {"off", "0", "no", "false"}:
        return ()
    for folder in _folders():
        try:
            names = [entry.name for entry in os.scandir(folder) if entry.name.endswith((".dist-info", ".egg-info"))]
        except OSError:  # Not there, or no folder: an archive of modules.
            continue
        for name in names:
            package = name.partition("-")[0].removesuffix(".egg").lower()
            if package not in seen and _mentions_us(os.path.join(folder, name, "entry_points.txt")):  # noqa: PTH118
                found[package] = Path(folder, name)
        seen.update(name.partition("-")[0].removesuffix(".egg").lower() for name in names)
    return tuple(found.values())


def _folders() -> list[str]:
    """Where packages are installed. The working folder is not: it may be somebody's run, with anything in it."""
    here = os.path.realpath(Path.cwd()) if _has_working_folder() else ""
    named = {os.path.realpath(path) for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path}
    folders = [path for path in dict.fromkeys(sys.path) if path]
    return [path for path in folders if os.path.realpath(path) != here or here in named]


def _has_working_folder() -> bool:
    try:
        Path.cwd()
    except OSError:
        return False
    return True


def _mentions_us(file: str) -> bool:
    try:
        with open(file, "rb") as stream:  # noqa: PTH123 - hundreds of files, and a Path for each takes as long again
            return b"[barograph." in stream.read(1 << 20)
    except OSError:
        return False
