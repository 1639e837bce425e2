"""TFRecord, the framing of TensorBoard's event files: length, checksum, data, checksum.

The checksum of a length is always verified: behind a wrong length nothing could be found again. That of the data is
slow to compute in Python. It is verified in the first megabyte, which is all of most logs; behind that, data that is
damaged is noticed where it no longer decodes.
"""

from __future__ import annotations

import struct
from functools import cache

__all__ = ["HEAD_SIZE", "Records", "intact", "length_of"]

#: The length and its checksum.
HEAD_SIZE = 12
TAIL_SIZE = 4
#: Up to here the checksum of every record is verified.
VERIFIED = 1 << 20
#: No event that tells of metrics is longer; what claims to be is damaged.
LONGEST = 256 << 20
#: Lengths below this are remembered with their checksums.
_USUAL = 4096
_MASK = 0xA282EAD8


class Records:
    """Cuts bytes into records, wherever the bytes were cut."""

    def __init__(self) -> None:
        #: Records whose data is not what was written, and where the first begins.
        self.spoilt = 0
        self.spoilt_at = 0
        #: Where the framing broke, and how many bytes lie behind.
        self.broken_at: int | None = None
        self.unread = 0
        self._offset = 0
        self._begun: list[bytes] = []
        self._size = 0
        self._wanted = HEAD_SIZE
        self._lengths: dict[bytes, int] = {}

    @property
    def is_torn(self) -> bool:
        """Whether a record has begun and has not ended."""
        return self._size > 0

    def take(self, data: bytes) -> list[bytes]:
        """The records that have become whole, each with the checksum behind it."""
        if self.broken_at is not None:
            self.unread += len(data)
            return []
        self._begun.append(data)
        self._size += len(data)
        if self._size < self._wanted:
            return []
        return self._cut(b"".join(self._begun))

    def _cut(self, data: bytes) -> list[bytes]:
        records: list[bytes] = []
        lengths = self._lengths
        at, size, self._wanted = 0, len(data), HEAD_SIZE
        while size - at >= HEAD_SIZE:
            head = data[at : at + HEAD_SIZE]
            length = lengths.get(head)
            if length is None:
                length = length_of(head)
                if length is None or length > LONGEST:
                    self.broken_at, self.unread = self._offset + at, size - at
                    at = size
                    break
                if length < _USUAL:
                    lengths[head] = length
            end = at + HEAD_SIZE + length + TAIL_SIZE
            if end > size:
                self._wanted = end - at
                break
            record = data[at + HEAD_SIZE : end]
            if self._offset + at > VERIFIED or intact(record):
                records.append(record)
            else:
                self.spoilt_at = self.spoilt_at if self.spoilt else self._offset + at
                self.spoilt += 1
            at = end
        self._offset += at
        self._begun, self._size = ([data[at:]], size - at) if at < size else ([], 0)
        return records


def length_of(head: bytes) -> int | None:
    """The length of the record that begins so, or None if its checksum is wrong."""
    length, checksum = struct.unpack("<QI", head)
    return length if _masked(head[:8]) == checksum else None


def intact(record: bytes) -> bool:
    """Whether a record, with the checksum behind it, is what was written."""
    return _masked(record[:-TAIL_SIZE]) == int.from_bytes(record[-TAIL_SIZE:], "little")


def _masked(data: bytes) -> int:
    """The CRC-32C, turned and shifted, so that the checksum of a checksum is not a constant."""
    table = _table()
    crc = 0xFFFFFFFF
    for byte in data:
        crc = table[(crc ^ byte) & 0xFF] ^ crc >> 8
    crc ^= 0xFFFFFFFF
    return (crc >> 15 | crc << 17 & 0xFFFFFFFF) + _MASK & 0xFFFFFFFF


@cache
def _table() -> tuple[int, ...]:
    """For each byte, its share in a CRC-32C (polynomial 0x1EDC6F41, bits reversed)."""
    table = []
    for byte in range(256):
        crc = byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
        table.append(crc)
    return tuple(table)
