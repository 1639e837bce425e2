"""A CSV table: names in the first line, a cell left empty where nothing was logged."""

from __future__ import annotations

import csv
import io
from typing import BinaryIO

from barograph.sinks.rows import STEP, Rows

__all__ = ["write_csv"]


def write_csv(rows: Rows, stream: BinaryIO) -> None:
    """The table, in UTF-8. What is not a number is `nan`, `inf` or `-inf`."""
    text = io.TextIOWrapper(stream, encoding="utf-8", newline="")
    try:
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow([STEP, *rows.names])
        writer.writerows([step, *map(values.get, rows.names)] for step, values in rows)
    finally:
        text.detach()  # the stream is its owner's to close
