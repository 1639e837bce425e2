"""The blocks of 32 KB in which W&B and SwanLab write their logs: LevelDB's log format with a header and a plain CRC-32.

The beginning of the file counts as part of the first block.
"""

from __future__ import annotations

import struct
import zlib

from barograph.sources.wording import counted

__all__ = ["HEADER", "MARK", "Blocks"]

MARK = b":W&B"
#: Mark, magic number, version. It counts as part of the first block.
HEADER = 7
BLOCK = 32_768
#: Checksum, length and kind of a chunk. A block with less room at its end is filled with zeros.
_CHUNK = struct.Struct("<IHB")
_FULL, _FIRST, _MIDDLE, _LAST = 1, 2, 3, 4
#: No record that tells of metrics is longer; one that claims to be is left out.
LONGEST = 64 << 20


class Blocks:
    """Joins chunks to records, wherever the bytes were cut.

    Behind damage, records are looked for from the next block on, as LevelDB does it.
    """

    def __init__(self) -> None:
        #: Blocks that were left at a damaged chunk, and where the first such chunk is.
        self.damaged = 0
        self.damaged_at = 0
        self._offset = 0
        self._skip = HEADER
        self._begun: list[bytes] = []
        self._size = 0
        self._wanted = 1
        self._parts: list[bytes] = []
        self._parts_size = 0

    @property
    def is_torn(self) -> bool:
        """Whether a record has begun and has not ended."""
        return self._size > 0 or bool(self._parts)

    def notes(self) -> list[str]:
        """What had to be left out of a log that has ended."""
        notes = []
        if self.damaged:
            notes.append(
                f"{counted(self.damaged, 'block')} of 32 KB damaged, the first at byte {self.damaged_at:,}: "
                "what follows it in the block is left out"
            )
        if self.is_torn:
            notes.append("the last record is cut short: left out")
        return notes

    def take(self, data: bytes) -> list[bytes]:
        """The records that have become whole."""
        self._begun.append(data)
        self._size += len(data)
        if self._size < self._wanted:
            return []
        data, records, at = b"".join(self._begun), [], 0
        while True:
            if self._skip:
                skipped = min(self._skip, len(data) - at)
                at, self._skip, self._offset = at + skipped, self._skip - skipped, self._offset + skipped
            room = BLOCK - self._offset % BLOCK
            if room < _CHUNK.size:
                self._skip = room
            elif len(data) - at < _CHUNK.size:
                self._wanted = _CHUNK.size
                break
            else:
                size, record = self._chunk(data, at, room)
                if size > len(data) - at:
                    self._wanted = size
                    break
                at, self._offset = at + size, self._offset + size
                if record is not None:
                    records.append(record)
            if self._skip and at == len(data):
                self._wanted = 1
                break
        self._begun, self._size = ([data[at:]], len(data) - at) if at < len(data) else ([], 0)
        return records

    def _chunk(self, data: bytes, at: int, room: int) -> tuple[int, bytes | None]:
        """The size of the chunk that begins there, and the record that ends with it, if it is whole and one does."""
        checksum, length, kind = _CHUNK.unpack_from(data, at)
        size = _CHUNK.size + length
        if not (checksum or length or kind):
            self._skip = room  # Zeros to the end of the block.
            return 0, None
        if size > room or not _FULL <= kind <= _LAST:
            return self._damage(room)
        if size > len(data) - at:
            return size, None
        content = data[at + _CHUNK.size : at + size]
        if zlib.crc32(content, zlib.crc32(data[at + 6 : at + 7])) != checksum:
            return self._damage(room)
        return size, self._join(kind, content)

    def _damage(self, room: int) -> tuple[int, None]:
        self.damaged_at = self.damaged_at if self.damaged else self._offset
        self.damaged += 1
        self._skip = room
        self._forget()
        return 0, None

    def _forget(self) -> None:
        self._parts, self._parts_size = [], 0

    def _join(self, kind: int, content: bytes) -> bytes | None:
        """Add a chunk to the record that has begun; the record if it is whole now."""
        if kind in {_FULL, _FIRST}:
            self._forget()
        elif not self._parts:
            return None  # Its beginning is lost.
        self._parts.append(content)
        self._parts_size += len(content)
        if self._parts_size > LONGEST:
            self._forget()
        if kind in {_FIRST, _MIDDLE} or not self._parts:
            return None
        record = b"".join(self._parts)
        self._forget()
        return record
