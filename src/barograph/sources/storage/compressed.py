"""Logs that were packed, unpacked as they are read: gzip, bzip2, xz, and Zstandard where its library is installed.

What a small file unpacks to may be far larger than any memory. A log repeats itself, so a packed one may well be a
fiftieth of its size; beyond `MOST_TIMES` and `MOST_BYTES` it is taken for an attack, and refused. An archive that ends
early, as one does whose writer is still at it, is read up to there, and that is noted.

An archive of several files is no log: which of them is meant, its owner says by unpacking it.
"""

from __future__ import annotations

import io
import os
import re
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple, Protocol, cast

from barograph.core.errors import UnreadableRun
from barograph.sources.wording import visible

__all__ = ["ENDINGS", "is_packed", "unpacked"]

ENDINGS = (".gz", ".zst", ".bz2", ".xz")
MOST_TIMES = 100
MOST_BYTES = 64 << 20
#: Packed bytes that are unpacked at a time. What stands before a damaged place is lost by less than this.
PIECE = 1024
#: Zstandard gives all that a piece unpacks to at once, up to 128 KB for each four bytes.
ZSTANDARD_PIECE = 256
#: Looked at to tell what a file is.
HEAD = 512

_ARCHIVES = (
    (re.compile(rb"PK\x03\x04.{26}[^\0]{0,200}?data\.pkl", re.DOTALL),
     "is a binary file of pickled objects, as torch saves weights and arguments; such files are never loaded"),
    (re.compile(rb"PK(\x03\x04|\x05\x06|\x07\x08)"), "is a ZIP archive"),
    (re.compile(rb".{257}ustar", re.DOTALL), "is a tar archive"),
    (re.compile(rb"7z\xbc\xaf\x27\x1c"), "is a 7z archive"),
    (re.compile(rb"Rar!\x1a\x07"), "is a RAR archive"),
)  # fmt: skip


class _Member(Protocol):
    """One packed stream. A file may hold several, one behind the other."""

    #: Whether its end was reached.
    ended: bool
    #: What was taken and belongs to the next one.
    rest: bytes
    #: What `take` raises where the data is damaged.
    damage: tuple[type[Exception], ...]

    def take(self, data: bytes, most: int) -> bytes:
        """Unpack on. Giving nothing asks for more data."""


class _Gzip:
    def __init__(self, path: str) -> None:
        self.damage: tuple[type[Exception], ...] = (zlib.error,)
        self._inner = zlib.decompressobj(31)
        self._waiting = b""
        self.ended, self.rest = False, b""

    def take(self, data: bytes, most: int) -> bytes:
        found = self._inner.decompress(self._waiting + data, most)
        self._waiting = self._inner.unconsumed_tail
        self.ended, self.rest = self._inner.eof, self._inner.unused_data
        return found


class _Bzip2:
    def __init__(self, path: str) -> None:
        import bz2

        self._inner = bz2.BZ2Decompressor()
        self.damage: tuple[type[Exception], ...] = (OSError, EOFError, ValueError)
        self.ended, self.rest = False, b""

    def take(self, data: bytes, most: int) -> bytes:
        found = self._inner.decompress(data, most)
        self.ended, self.rest = self._inner.eof, self._inner.unused_data
        return found


class _Xz:
    def __init__(self, path: str) -> None:
        import lzma

        # How much memory its dictionary needs is only claimed.
        self._inner = lzma.LZMADecompressor(memlimit=192 << 20)
        self.damage: tuple[type[Exception], ...] = (lzma.LZMAError, EOFError, ValueError)
        self.ended, self.rest = False, b""

    def take(self, data: bytes, most: int) -> bytes:
        found = self._inner.decompress(data, most)
        self.ended, self.rest = self._inner.eof, self._inner.unused_data
        return found


class _Zstandard:
    def __init__(self, path: str) -> None:
        try:
            import zstandard
        except ImportError:
            raise UnreadableRun(
                path, "is packed with Zstandard, which needs zstandard", "pip install 'barograph[zst]'"
            ) from None
        self.damage: tuple[type[Exception], ...] = (zstandard.ZstdError,)
        self._inner = zstandard.ZstdDecompressor().decompressobj()
        self._waiting = b""
        self.ended, self.rest = False, b""

    def take(self, data: bytes, most: int) -> bytes:
        self._waiting += data
        while self._waiting:
            piece, self._waiting = self._waiting[:ZSTANDARD_PIECE], self._waiting[ZSTANDARD_PIECE:]
            found = bytes(self._inner.decompress(piece))
            if self._inner.eof:
                self.ended, self.rest = True, self._inner.unused_data + self._waiting
                return found
            if found:
                return found
        return b""


class _Form(NamedTuple):
    """A way to pack."""

    name: str
    #: How a member begins.
    mark: re.Pattern[bytes]
    #: Begins to unpack one.
    begin: Callable[[str], _Member]


_FORMS = (
    _Form("gzip", re.compile(rb"\x1f\x8b\x08"), _Gzip),
    _Form("Zstandard", re.compile(rb"\x28\xb5\x2f\xfd|[\x50-\x5f]\x2a\x4d\x18"), _Zstandard),
    _Form("bzip2", re.compile(rb"BZh[1-9](1AY&SY|\x17rE8P\x90)"), _Bzip2),
    _Form("xz", re.compile(rb"\xfd7zXZ\0"), _Xz),
)


def is_packed(file: Path) -> bool:
    """Whether a file is of a kind that `unpacked` unpacks."""
    with file.open("rb") as stream:
        head = stream.read(16)
    return _form_of(head) is not None


def _form_of(head: bytes) -> _Form | None:
    return next((form for form in _FORMS if form.mark.match(head)), None)


def unpacked(stream: BinaryIO, path: str, note: Callable[[str], None] | None = None) -> io.BufferedReader:
    """The stream, which is at its beginning, or what it unpacks to. The content tells, not the name.

    `note` is told once the stream has come to where the archive is cut or damaged.
    """
    plain = stream if isinstance(stream, io.BufferedReader) else io.BufferedReader(cast("io.RawIOBase", stream))
    shown = "standard input" if path == "-" else visible(path, 500)
    head = plain.peek(HEAD)[:HEAD]
    _refuse_archives(head, shown)
    form = _form_of(head)
    if form is None:
        return plain
    size = plain.seek(0, os.SEEK_END)
    plain.seek(0)
    stage = _Unpacking(plain, form, size, shown, note)
    inner: io.BufferedReader = io.BufferedReader(stage, 1 << 16)
    head = inner.peek(HEAD)[:HEAD]
    _refuse_archives(head, shown, f" packed with {form.name}")
    if _form_of(head) is not None:
        raise UnreadableRun(shown, "is packed twice", "unpack it first")
    return inner


def _refuse_archives(head: bytes, shown: str, packed: str = "") -> None:
    for mark, what in _ARCHIVES:
        if mark.match(head):
            cure = "" if "never" in what else "unpack it first, and name the log in it"
            raise UnreadableRun(shown, what + packed, cure)


class _Unpacking(io.RawIOBase):
    """An unpacked stream that refuses to go on at a limit, and at a torn end gives what was there."""

    def __init__(self, packed: BinaryIO, form: _Form, size: int, path: str, note: Callable[[str], None] | None) -> None:
        self._packed = packed
        self._form = form
        self._size = size
        self._limit = max(MOST_BYTES, MOST_TIMES * size)
        self._path = path
        self._note = note
        self._given = 0
        self._pieces = self._unpack()
        #: What is unpacked, and was not asked for yet.
        self._ready = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        view = memoryview(cast("bytearray", buffer)).cast("B")
        filled = 0
        while filled < len(view):
            self._ready = self._ready or memoryview(next(self._pieces, b""))
            if not self._ready:
                break
            part = self._ready[: len(view) - filled]
            view[filled : filled + len(part)] = part
            self._ready = self._ready[len(part) :]
            filled += len(part)
        return filled

    def close(self) -> None:
        if not self.closed:
            self._packed.close()
        super().close()

    def _unpack(self) -> Iterator[bytes]:
        """What all members unpack to, in pieces."""
        rest, is_first = b"", True
        while rest := self._next_member(rest):
            if not is_first and not self._form.mark.match(rest):
                self._say("is followed by bytes that are no part of it: left out")
                return
            member, is_first = self._form.begin(self._path), False
            yield from self._unpack_member(member, rest)
            if not member.ended:
                return  # Cut or damaged: where another one begins is anybody's guess.
            rest = member.rest

    def _unpack_member(self, member: _Member, data: bytes) -> Iterator[bytes]:
        while True:
            try:
                found = member.take(data, 1 << 16)
            except member.damage as error:
                problem = f"is damaged ({visible(error)})"
                self._stop(problem, "copy it again", "what comes before is read, and may be wrong in places")
                return
            data = b""
            if found:
                self._given += len(found)
                if self._given > self._limit:
                    raise self._too_much()
                yield found
            if member.ended:
                return
            if not found and not (data := self._packed.read(PIECE)):
                self._stop("ends early", "is the run still starting, or was the file cut?", "what is there is read")
                return

    def _too_much(self) -> UnreadableRun:
        size = f"{self._limit >> 20:,} MB, {self._limit // self._size:,} times its size"
        return UnreadableRun(self._path, f"unpacks to more than {size}", "if this is a log after all, unpack it first")

    def _next_member(self, rest: bytes) -> bytes:
        """The beginning of the next member, behind zeros that fill up a block of a disk or a tape."""
        if self._given or rest:
            rest = rest.lstrip(b"\0")
        while len(rest) < 16 and (more := self._packed.read(PIECE)):
            rest = (rest + more).lstrip(b"\0")
        return rest

    def _stop(self, problem: str, cure: str, consequence: str) -> None:
        if not self._given:
            raise UnreadableRun(self._path, f"is a packed file that {problem} before anything in it", cure)
        self._say(f"{problem}: {consequence}")

    def _say(self, what: str) -> None:
        if self._note is not None:
            self._note(f"the packed file {what}")
