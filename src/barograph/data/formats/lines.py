"""JSON lines: one object on each line."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

import orjson

from barograph.data.formats.base import LONGEST_ROW, DataFile, Row, opened, written

__all__ = ["LinesFile", "row_of"]

#: Skipped at a time of a line that is too long.
PIECE = 1 << 20
#: So many rows lie between two looks at how far it is.
NOTED = 1024


class LinesFile(DataFile):
    """One JSON object on each line. The number of a row is that of its line."""

    describes = "JSON lines"

    def rows(self) -> Iterator[Row]:
        with opened(self) as (stream, note):
            for number, line in _lines(stream):
                if number % NOTED == 0:
                    note()
                if line is None:
                    yield Row(number, None, f"is longer than {LONGEST_ROW >> 20} MB")
                elif line and not line.isspace():
                    yield row_of(number, line)

    def copy(self, out: Path, keeps: Callable[[int], bool]) -> None:
        with opened(self) as (stream, _), written(out) as target:
            for number, line in _lines(stream):
                if line is not None and line.strip() and keeps(number):
                    target.write(line if line.endswith(b"\n") else line + b"\n")


def _lines(stream: IO[bytes]) -> Iterator[tuple[int, bytes | None]]:
    """The lines with their numbers; None for one that is too long to be held."""
    number = 0
    while line := stream.readline(LONGEST_ROW):
        number += 1
        if number == 1:
            line = line.removeprefix(b"\xef\xbb\xbf")
        if len(line) < LONGEST_ROW or line.endswith(b"\n"):
            yield number, line
            continue
        del line
        while (rest := stream.readline(PIECE)) and not rest.endswith(b"\n"):
            pass
        yield number, None


def row_of(number: int, line: bytes) -> Row:
    """What a line says.

    >>> row_of(7, b'{"prompt": "Why?"').flaw
    "is no JSON: Expecting ',' delimiter at character 18"
    """
    is_damaged = False
    try:
        found: Any = orjson.loads(line)
    except orjson.JSONDecodeError:
        # Slower, but it takes NaN and bytes that are no UTF-8, and what is wrong can be said in words.
        text = line.decode("utf-8", "replace")
        is_damaged = "\ufffd" in text and not _is_utf8(line)
        try:
            found = json.loads(text)
        except json.JSONDecodeError as error:
            return Row(number, None, f"is no JSON: {error.msg} at character {error.pos + 1}", is_damaged)
        except (RecursionError, ValueError):
            return Row(number, None, "is nested too deeply to be an example", is_damaged)
    if not isinstance(found, dict):
        return Row(number, None, f"is {type(found).__name__}, where an object with columns belongs", is_damaged)
    return Row(number, found, "", is_damaged)


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
