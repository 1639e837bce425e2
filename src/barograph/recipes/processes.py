"""How many processes train together, and which of them this is, as torchrun says it. The standard library alone."""

from __future__ import annotations

import os

__all__ = ["is_first", "processes"]


def processes() -> int:
    """How many there are; one where nobody says so."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def is_first() -> bool:
    """Whether this is the one that writes and tells."""
    return os.environ.get("RANK", "0") == "0"
