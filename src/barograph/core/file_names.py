"""Names of files and folders for things that have names of their own."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path

__all__ = ["home_of", "plain_name", "plain_names"]


def plain_name(text: str) -> str:
    """As part of a file's name: letters, digits and a few signs stay.

    >>> plain_name("./models/my model"), plain_name("wandb/run.db#first try"), plain_name("-")
    ('models-my-model', 'wandb-run.db-first-try', 'x')
    """
    return re.sub(r"[^\w.+=-]+", "-", text.strip("./")).strip("-") or "x"


def plain_names(texts: Iterable[str]) -> list[str]:
    """The same of several, of which no two are alike.

    >>> plain_names(["./x/run", "../x/run", "y"])
    ['x-run', 'x-run-2', 'y']
    """
    names = dict[str, None]()
    last = dict[str, int]()  # Of many that are alike, none is counted from the beginning.
    for text in texts:
        plain = name = plain_name(text)
        while name in names:
            last[plain] = last.get(plain, 1) + 1
            name = f"{plain}-{last[plain]}"
        names[name] = None
    return list(names)


def home_of(path: str) -> Path:
    """The folder of a run that was named so: itself, or that of its file; here, for what lies on no disk."""
    place = Path(path if os.path.lexists(path) else path.rpartition("#")[0])
    if place.is_dir():
        return place
    return place.parent if place.is_file() else Path()
