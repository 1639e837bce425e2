"""The folder of a run, as far as it really is its own: a link that leads out of it is not followed."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

__all__ = ["RunFolder"]


class RunFolder:
    """Looks for files in a folder. What is not there, or may not be looked at, is no file."""

    def __init__(self, place: Path) -> None:
        self.place = place
        try:
            self._root = place.resolve()
        except (OSError, RuntimeError, ValueError):  # Links in a circle, a zero in the name.
            self._root = place

    def file(self, name: str) -> Path | None:
        """The file of that name, if it is one, and in the folder."""
        path = self.place / name
        try:
            return path if path.is_file() and self._holds(path) else None
        except (OSError, ValueError):
            return None

    def files(self, name: re.Pattern[str], inside: str = "") -> list[tuple[re.Match[str], Path]]:
        """The files in a folder below whose whole name fits."""
        return [
            (match, Path(entry.path))
            for entry in self._entries(inside)
            if (match := name.fullmatch(entry.name)) and entry.is_file() and self._is_ours(entry)
        ]

    def folders(self, name: re.Pattern[str], inside: str = "") -> list[str]:
        """The folders in a folder below whose whole name fits, as paths from the run's folder."""
        return [
            os.path.relpath(entry.path, self.place)
            for entry in self._entries(inside)
            if name.fullmatch(entry.name) and entry.is_dir(follow_symlinks=False)
        ]

    def _entries(self, inside: str) -> Iterator[os.DirEntry[str]]:
        place = self.place / inside
        try:
            if inside and not self._holds(place):
                return
            with os.scandir(place) as found:
                yield from sorted(found, key=lambda entry: entry.name)
        except (OSError, ValueError):
            return

    def _is_ours(self, entry: os.DirEntry[str]) -> bool:
        return not entry.is_symlink() or self._holds(Path(entry.path))

    def _holds(self, path: Path) -> bool:
        try:
            return path.resolve().is_relative_to(self._root)
        except (OSError, RuntimeError):  # Links that lead in a circle.
            return False
