"""Which checkpoints lie beside a log: those alone can a run be taken up from."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from barograph.core.settings import CHECKPOINTS
from barograph.sources.remote import is_copy

__all__ = ["saved_beside"]

_CHECKPOINT = re.compile(r"checkpoint-(\d+)")
#: Folders that a run keeps within its own.
_PARTS = re.compile(r"logs?|metrics|checkpoint-\d+")
#: In a folder with more entries nobody looks further.
MOST_ENTRIES = 2000


def saved_beside(place: Path) -> dict[str, object]:
    """The checkpoints in the folder of a log, or in that of the run whose part it is, as a setting: their steps.

    Apart from the other facts beside a log: they grow in number while a run goes on, and no finding changes by it.
    """
    home = place if place.is_dir() else place.parent
    if _PARTS.fullmatch(home.name):
        home = home.parent
    saved = [] if is_copy(place) else sorted(_steps(home))
    return {CHECKPOINTS: saved} if saved else {}


def _steps(home: Path) -> Iterator[int]:
    try:
        with os.scandir(home) as entries:
            for number, entry in enumerate(entries):
                if number >= MOST_ENTRIES:
                    return
                if (found := _CHECKPOINT.fullmatch(entry.name)) and entry.is_dir():
                    yield int(found[1])
    except OSError:
        return
