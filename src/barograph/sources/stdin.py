"""Standard input: read to its end into memory, then recognised like a file."""

from __future__ import annotations

import sys

from barograph.sources.base import STANDARD_INPUT, Document, unreadable

__all__ = ["standard_input"]


def standard_input() -> Document:
    """What was piped in."""
    if sys.stdin is None or sys.stdin.closed:
        raise unreadable(STANDARD_INPUT, "is closed", "pipe a log into it, or name a file")
    try:
        return Document(STANDARD_INPUT, sys.stdin.buffer.read())
    except OSError as error:
        raise unreadable(STANDARD_INPUT, f"cannot be read ({error.strerror})") from None
