"""A row as one line of strict JSON, as quickly as it can be had."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping

from barograph.core.plain_json import spelt
from barograph.sinks.rows import STEP

__all__ = ["encoder", "strict"]


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
    begun = f'{{"{STEP}":%d,%b'.encode()

    def fast(step: int, row: Mapping[str, float]) -> bytes:
        try:
            total = sum(row.values())
            # What is not finite this library writes as null; an empty row has nothing to go on with.
            if total - total == 0.0 and row:
                return begun % (step, dumps(row, option=newline)[1:])
        except (TypeError, OverflowError):  # A whole number of more than 64 bits, half of a surrogate pair.
            pass
        return _plain(step, row)

    return fast


def _plain(step: int, row: Mapping[str, float]) -> bytes:
    line = json.dumps({STEP: step, **{key: spelt(value) for key, value in row.items()}}, separators=(",", ":"))
    return line.encode("ascii") + b"\n"


def strict(fact: object) -> object:
    """What strict JSON can say of a thing: numbers that are not finite become text, and so does what it does not know.

    >>> strict({"beta": float("inf"), "betas": (0.9, 0.99)})
    {'beta': 'Infinity', 'betas': [0.9, 0.99]}
    """
    if fact is None or isinstance(fact, str | bool):
        return fact
    if isinstance(fact, int | float):
        return spelt(fact)
    if isinstance(fact, Mapping):
        return {str(key): strict(value) for key, value in fact.items()}
    if isinstance(fact, list | tuple | set | frozenset):
        return [strict(value) for value in fact]
    return str(fact)[:200]
