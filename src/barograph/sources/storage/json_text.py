"""Parsing JSON as logs really write it: with NaN and Infinity, in bytes that may be broken."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from barograph.sources.base import decoded

__all__ = ["Broken", "loads", "parser"]

#: From here on it pays to load a faster parser; below, its import would take longer than it saves.
WORTH_A_FASTER_PARSER = 256 * 1024


class Broken(ValueError):
    """Text that is no JSON: what is wrong and where."""

    def __init__(self, problem: str, line: int = 1, column: int = 1, *, at_the_end: bool = False) -> None:
        self.problem = problem
        self.line = line
        self.column = column
        self.at_the_end = at_the_end
        super().__init__(problem)


def loads(data: bytes) -> Any:
    """The value of a JSON text; NaN, Infinity and -Infinity are numbers. Raises `Broken` and nothing else."""
    text = decoded(data)[0]
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        at_the_end = error.pos >= len(text.rstrip()) or error.msg.startswith("Unterminated string")
        raise Broken(error.msg, error.lineno, error.colno, at_the_end=at_the_end) from None
    except (ValueError, RecursionError) as error:  # A number of 5,000 digits; brackets 1,000 deep.
        problem = "nested too deep" if isinstance(error, RecursionError) else "a number with too many digits"
        raise Broken(problem) from None


def parser(size: int) -> Callable[[bytes], Any]:
    """The parser for a log of so many bytes: orjson where that pays and it is there, and `loads` where it gives up."""
    if size < WORTH_A_FASTER_PARSER:
        return loads
    try:
        import orjson
    except ImportError:
        return loads
    fast = orjson.loads

    def either(data: bytes) -> Any:
        try:
            return fast(data)
        except ValueError:  # It knows no NaN, and needs valid UTF-8.
            return loads(data)

    return either
