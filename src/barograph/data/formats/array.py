"""JSON as one value: a list of objects, or an object with a list for each split. Read piece by piece, never whole."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any

import orjson

from barograph.data.formats.base import LONGEST_ROW, DataFile, Row, UnreadableData, opened, written

__all__ = ["ArrayFile", "splits_of"]

PIECE = 1 << 18
#: What stands for a byte that is no UTF-8.
_LOST = re.compile("[\udc80-\udcff]")


class ArrayFile(DataFile):
    """A list of objects, or that of one split."""

    describes = "JSON"

    def __init__(self, path: Path, split: str | None = None) -> None:
        super().__init__(path)
        self.split = split

    def rows(self) -> Iterator[Row]:
        with opened(self) as (stream, note):
            text = _Text(stream, self.path, note)
            for key in _lists(text):
                if self.split not in {None, key}:
                    for _ in text.items():
                        pass
                    continue
                for number, item in enumerate(text.items(), 1):
                    if isinstance(item, dict):
                        yield Row(number, item, "", text.is_damaged)
                    else:
                        yield Row(number, None, f"is {type(item).__name__}, where an object with columns belongs")
                    text.is_damaged = False

    def copy(self, out: Path, keeps: Callable[[int], bool]) -> None:
        """The rows that stay, as a list; of several splits only this one."""
        with written(out) as target:
            lead = b"[\n"
            for row in self.rows():
                if row.fields is not None and keeps(row.number):
                    target.write(lead + _dumped(row.fields))
                    lead = b",\n"
            target.write(b"[]\n" if lead == b"[\n" else b"\n]\n")


def _dumped(fields: Mapping[str, Any]) -> bytes:
    try:
        return orjson.dumps(fields)
    except TypeError:  # half a character, or a number beyond sixty-four bits
        return json.dumps(fields).encode()


def splits_of(path: Path) -> list[str]:
    """The names of the splits in a JSON file; none if it is a plain list."""
    file = ArrayFile(path)
    names = []
    with opened(file) as (stream, note):
        text = _Text(stream, path, note)
        for key in _lists(text):
            if key is None:
                return []
            names.append(key)
            for _ in text.items():
                pass
    return names


def _lists(text: _Text) -> Iterator[str | None]:
    """The lists to come, each with its key, or None for one that is the whole file. Each must be gone through."""
    first = text.peek()
    if first == "[":
        text.take("[")
        yield None
        return
    if first != "{":
        raise text.broken("is neither a list of objects nor an object of lists")
    text.take("{")
    while text.peek() != "}":
        key = text.value()
        text.take(":")
        if text.peek() != "[":
            raise text.broken(f"holds {key!r}, which is no list of examples", "save it as JSON lines")
        text.take("[")
        yield str(key)
        if text.peek() == ",":
            text.take(",")


class _Text:
    """JSON text, of which only the piece in hand is in memory."""

    def __init__(self, stream: IO[bytes], path: Path, note: Callable[[], None]) -> None:
        self._stream, self._path, self._note = stream, path, note
        self._decode = codecs.getincrementaldecoder("utf-8-sig")("surrogateescape")
        self._held, self._at, self._ended = "", 0, False
        self._decoder = json.JSONDecoder()
        #: Whether bytes were no UTF-8 since this was last set to False.
        self.is_damaged = False
        self._row = 0

    def peek(self) -> str:
        """The next character that is no blank; nothing at the end."""
        while True:
            while self._at < len(self._held):
                if self._held[self._at] not in " \t\r\n":
                    return self._held[self._at]
                self._at += 1
            if not self._more():
                return ""

    def take(self, sign: str) -> None:
        """Go past a sign that must stand there."""
        found = self.peek()
        if found != sign:
            raise self.broken(f"has {found or 'its end'!r} where {sign!r} belongs")
        self._at += 1

    def value(self) -> Any:
        """The value that stands here."""
        self.peek()
        while True:
            try:
                found, end = self._decoder.raw_decode(self._held, self._at)
                # A number may go on in the next piece.
                if end < len(self._held) or self._ended:
                    text = self._held[self._at : end]
                    self._at = end
                    if not text.isascii() and _LOST.search(text):
                        self.is_damaged = True
                        return json.loads(text.encode("utf-8", "surrogateescape").decode("utf-8", "replace"))
                    return found
            except RecursionError:
                raise self.broken("is nested too deeply") from None
            except json.JSONDecodeError as error:
                if self._ended:
                    raise self.broken(f"is no JSON: {error.msg}") from None
            if len(self._held) - self._at > LONGEST_ROW:
                raise self.broken(f"is no JSON from here on, or holds an example of more than {LONGEST_ROW >> 20} MB")
            self._more(len(self._held) - self._at)

    def items(self) -> Iterator[Any]:
        """The items of the list whose bracket was taken, and its end."""
        self._row = 0
        while self.peek() != "]":
            self._row += 1
            yield self.value()
            if self.peek() == ",":
                self.take(",")
            elif not self.peek():
                raise self.broken("is the last that stands there", "was the file cut? write it again")
            elif self.peek() != "]":
                raise self.broken("is followed by no comma")
        self.take("]")

    def broken(self, problem: str, cure: str = "save it again, or as JSON lines") -> UnreadableData:
        where = f"row {self._row} " if self._row else ""
        return UnreadableData(f"{self._path}: {where}{problem}; {cure}")

    def _more(self, least: int = 0) -> bool:
        """Hold more of the text, at least as much again, so that a long value is tried a few times only."""
        if self._ended:
            return False
        data = self._stream.read(max(PIECE, least))
        self._note()
        piece = self._decode.decode(data, final=not data)
        self._ended = not data
        self._held = self._held[self._at :] + piece
        self._at = 0
        return bool(piece) or not self._ended
