"""A row as one line of strict JSON, as quickly as it can be had."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping

from barograph.sinks.jsonl import text_of
from barograph.sinks.rows import STEP

__all__ = ["encoder"]


def encoder() -> Callable[[int, Mapping[str, float]], bytes]:
    r"""What makes a line of a step and its numbers.

    NaN and the infinities, which JSON does not know, become text that every reader of numbers takes back.

    >>> encoder()(3, {"loss": float("nan")})
    b'{"step":3,"loss":"NaN"}\n'
    """
    try:
        import orjson
    except ImportError:
        return _plain
    dumps, newline = orjson.dumps, orjson.OPT_APPEND_NEWLINE

    def fast(step: int, row: Mapping[str, float]) -> bytes:
        total = sum(row.values())
        if total - total != 0.0:  # Something in it may not be finite.
            return _plain(step, row)
        try:
            return dumps({STEP: step, **row}, option=newline)
        except TypeError:  # A whole number of more than 64 bits, half of a surrogate pair.
            return _plain(step, row)

    return fast


def _plain(step: int, row: Mapping[str, float]) -> bytes:
    text = text_of((step, dict(row)))
    return json.dumps(json.loads(text), separators=(",", ":")).encode("ascii") + b"\n"
