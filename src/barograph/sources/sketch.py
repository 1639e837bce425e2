"""A first look at a log that takes seconds to read: some of its lines, taken evenly from all of it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from typing import BinaryIO

from barograph.core.errors import UnreadableRun
from barograph.core.run import Run
from barograph.sources.base import Document, opened
from barograph.sources.locate import Log, find
from barograph.sources.runs import How, read_place

__all__ = ["LARGE", "sketch"]

#: Smaller logs are read as soon as sketched.
LARGE = 24 << 20
#: Lines are taken from so many places in the file, so many bytes from each.
PLACES, PIECE = 300, 16 << 10


def sketch(path: str | os.PathLike[str], how: How) -> Run | None:
    """A run of which some rows are left out; None where the log is small, or of a kind whose lines need each other."""
    try:
        place = find(path)[0]
        log = place.logs[0]
        size = log.document.place.stat().st_size
        if size < LARGE or not log.source.lines_stand_alone:
            return None
        with opened(log.document.place) as stream:
            lines = b"".join(_pieces(stream, size))
        beginning = Document(log.document.path, lines, copy=log.document.place)
        *others, run = read_place(replace(place, logs=(Log(log.source, beginning),)), how)
    except (UnreadableRun, OSError):
        return None  # The reading of all of it will say why.
    are_side_by_side = others and not run.attempt
    return None if run.config.get("steps_are_counted") or are_side_by_side else run


def _pieces(stream: BinaryIO, size: int) -> Iterator[bytes]:
    """Whole lines from evenly spaced places, the first ones and the last ones among them."""
    for number in range(PLACES):
        begin = number * (size - PIECE) // (PLACES - 1)
        stream.seek(begin)
        piece = stream.read(PIECE)
        first = piece.find(b"\n") + 1 if begin else 0
        yield piece[first : piece.rfind(b"\n") + 1]
