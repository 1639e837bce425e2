"""Logs that were packed, unpacked as they are read: gzip, and Zstandard where its library is installed.

What a small file unpacks to may be far larger than any memory. A log repeats itself, so a packed one may well be a
hundredth of its size; beyond `MOST_TIMES` and `MOST_BYTES` it is taken for an attack, and refused.
"""

from __future__ import annotations

import gzip
import io
import os
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, cast

from barograph.core.errors import UnreadableRun
from barograph.sources.wording import visible

__all__ = ["ENDINGS", "is_packed", "unpacked"]

ENDINGS = (".gz", ".zst")
GZIP = b"\x1f\x8b\x08"
ZSTANDARD = b"\x28\xb5\x2f\xfd"
MOST_TIMES = 200
MOST_BYTES = 256 << 20


def is_packed(file: Path) -> bool:
    """Whether a file is of a kind that `unpacked` unpacks."""
    with file.open("rb") as stream:
        return stream.read(4).startswith((GZIP, ZSTANDARD))


def unpacked(stream: BinaryIO, path: str) -> io.BufferedReader:
    """The stream, which is at its beginning, or what it unpacks to. The content tells, not the name."""
    plain = stream if isinstance(stream, io.BufferedReader) else io.BufferedReader(cast("io.RawIOBase", stream))
    mark = plain.peek(4)[:4]
    if not mark.startswith((GZIP, ZSTANDARD)):
        return plain
    size = plain.seek(0, os.SEEK_END)
    plain.seek(0)
    read = gzip.GzipFile(fileobj=plain).read if mark.startswith(GZIP) else _zstandard(plain, path)
    return io.BufferedReader(_Guarded(read, plain, path, max(MOST_BYTES, MOST_TIMES * size)), 1 << 16)


def _zstandard(stream: BinaryIO, path: str) -> Callable[[int], bytes]:
    try:
        import zstandard
    except ImportError:
        raise UnreadableRun(
            visible(path, 500), "is packed with Zstandard, which needs zstandard", "pip install 'barograph[zst]'"
        ) from None
    reader = zstandard.ZstdDecompressor().stream_reader(stream, read_across_frames=True)

    def read(size: int) -> bytes:
        try:
            return bytes(reader.read(size))
        except zstandard.ZstdError as error:
            raise EOFError from error

    return read


class _Guarded(io.RawIOBase):
    """An unpacked stream that stops at a limit, and at a torn end gives what was there."""

    def __init__(self, read: Callable[[int], bytes], packed: BinaryIO, path: str, limit: int) -> None:
        self._read = read
        self._packed = packed
        self._path = visible(path, 500)
        self._limit = limit
        self._given = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        view = memoryview(cast("bytearray", buffer)).cast("B")
        try:
            data = self._read(len(view))
        except (EOFError, zlib.error, gzip.BadGzipFile):
            if self._given:
                return 0  # Its writer is at it, or was stopped: what came before is sound.
            raise UnreadableRun(
                self._path, "is a packed file that is cut or damaged at its beginning", "pack it again"
            ) from None
        self._given += len(data)
        if self._given > self._limit:
            raise UnreadableRun(
                self._path,
                f"unpacks to more than {self._limit >> 20} MB, {MOST_TIMES} times its size",
                "no log does; if this one is sound, unpack it first",
            )
        view[: len(data)] = data
        return len(data)

    def close(self) -> None:
        if not self.closed:
            self._packed.close()
        super().close()
