"""How a training says something on a terminal: above its progress bar, if there is one, so that the bar is not torn."""

from __future__ import annotations

import sys

__all__ = ["say"]


def say(text: str) -> None:
    """Write lines to stderr, above a progress bar if one is shown."""
    tqdm = sys.modules.get("tqdm")
    if tqdm is not None:
        tqdm.tqdm.write(text, file=sys.stderr)
    else:
        sys.stderr.write(text + "\n")
