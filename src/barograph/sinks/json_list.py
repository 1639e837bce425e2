"""One JSON document: a list with an object for each row."""

from __future__ import annotations

from typing import BinaryIO

from barograph.sinks.jsonl import text_of
from barograph.sinks.rows import Rows

__all__ = ["write_json"]


def write_json(rows: Rows, stream: BinaryIO) -> None:
    """The list, a row on each line so that two of them can be compared."""
    lines = ",\n".join(text_of(row) for row in rows)
    stream.write(f"[\n{lines}\n]\n".encode("ascii") if lines else b"[]\n")
