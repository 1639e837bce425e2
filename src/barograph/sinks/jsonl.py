"""JSON lines: one object a row, in strict JSON."""

from __future__ import annotations

import json
from typing import BinaryIO

from barograph.sinks.rows import STEP, Row, Rows

__all__ = ["text_of", "write_jsonl"]

#: How a number that JSON has no word for is written: as text that every reader of numbers takes back.
_NOT_FINITE = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}


def write_jsonl(rows: Rows, stream: BinaryIO) -> None:
    """One line for each row."""
    stream.writelines(f"{text_of(row)}\n".encode("ascii") for row in rows)


def text_of(row: Row) -> str:
    """A row as a JSON object. NaN and the infinities become text, for JSON has no such numbers.

    >>> text_of((3, {"loss": 0.5, "grad_norm": float("-inf")}))
    '{"step": 3, "loss": 0.5, "grad_norm": "-Infinity"}'
    """
    step, values = row
    try:
        return json.dumps({STEP: step, **values}, allow_nan=False)
    except ValueError:
        spelled = {name: _NOT_FINITE.get(repr(value), value) for name, value in values.items()}
        return json.dumps({STEP: step, **spelled}, allow_nan=False)
