"""Names of files and folders for things that have names of their own."""

from __future__ import annotations

import re
from pathlib import Path

__all__ = ["home_of", "plain_name"]


def plain_name(text: str) -> str:
    """As part of a file's name: letters, digits and a few signs stay.

    >>> plain_name("./models/my model"), plain_name("wandb/run.db#first try"), plain_name("-")
    ('models-my-model', 'wandb-run.db-first-try', 'x')
    """
    return re.sub(r"[^\w.+=-]+", "-", text.strip("./")).strip("-") or "x"


def home_of(path: str) -> Path:
    """The folder of a run that was named so: itself, or that of its file; here, for what lies on no disk."""
    place = Path(path.partition("#")[0])
    if place.is_dir():
        return place
    return place.parent if place.is_file() else Path()
