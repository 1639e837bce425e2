"""JSON lines, of which any may be broken, too long, or half written."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from barograph.sources.storage.json_text import Broken, loads

__all__ = ["object_of", "whole_lines"]

#: No row of answers is longer.
LONGEST_LINE = 8 << 20


def whole_lines(stream: BinaryIO, most: int) -> Iterator[bytes | None]:
    """The lines from here on, so many bytes at most; None for one that is too long to be a row."""
    while most > 0 and (line := stream.readline(min(most, LONGEST_LINE))):
        most -= len(line)
        if len(line) < LONGEST_LINE or line.endswith(b"\n"):
            yield line
            continue
        while most > 0 and line and not line.endswith(b"\n"):
            line = stream.readline(min(most, LONGEST_LINE))  # The rest of it is passed over.
            most -= len(line)
        yield None


def object_of(line: bytes) -> dict[str, object] | None:
    """The object that a line is, or None."""
    try:
        found = loads(line)
    except Broken:
        return None
    return found if isinstance(found, dict) else None
