"""Protocol buffers without a schema: a message taken apart, field by field.

Lengths are checked against what is there before anything is taken.
"""

from __future__ import annotations

from collections.abc import Iterator

__all__ = ["Malformed", "bits32", "bits64", "encoded", "fields", "signed", "stretch", "varint", "whole"]

_VARINT, _BITS64, _STRETCH, _BITS32 = 0, 1, 2, 5
#: No number takes more bytes than this.
LONGEST_VARINT = 10


class Malformed(ValueError):
    """Bytes that are no message."""


def whole(field: int) -> int:
    """How a field begins that holds a whole number."""
    return field << 3 | _VARINT


def bits64(field: int) -> int:
    """How a field begins that holds a double."""
    return field << 3 | _BITS64


def stretch(field: int) -> int:
    """How a field begins that holds bytes, text, a message, or several numbers."""
    return field << 3 | _STRETCH


def bits32(field: int) -> int:
    """How a field begins that holds a float."""
    return field << 3 | _BITS32


def fields(message: bytes) -> Iterator[tuple[int, int, bytes]]:
    r"""The fields of a message: how each begins, and the number or the bytes that it holds.

    >>> list(fields(b"\x08\x96\x01\x12\x02hi"))
    [(8, 150, b''), (18, 0, b'hi')]
    """
    at, size = 0, len(message)
    while at < size:
        key, at = varint(message, at)
        if not key >> 3:
            raise Malformed
        kind = key & 7
        if kind == _VARINT:
            number, at = varint(message, at)
            yield key, number, b""
            continue
        if kind == _STRETCH:
            length, at = varint(message, at)
        elif kind in {_BITS32, _BITS64}:
            length = 4 if kind == _BITS32 else 8
        else:
            raise Malformed
        if length > size - at:
            raise Malformed
        yield key, 0, message[at : at + length]
        at += length


def varint(data: bytes, at: int) -> tuple[int, int]:
    """The whole number that begins there, of 64 bits, and where it ends."""
    number = 0
    for place, byte in enumerate(data[at : at + LONGEST_VARINT]):
        number |= (byte & 0x7F) << 7 * place
        if byte < 0x80:
            return number & 0xFFFFFFFFFFFFFFFF, at + place + 1
    raise Malformed


def encoded(number: int) -> bytes:
    """A whole number as it is written."""
    parts = bytearray()
    while number > 0x7F:
        parts.append(number & 0x7F | 0x80)
        number >>= 7
    parts.append(number)
    return bytes(parts)


def signed(number: int) -> int:
    """A number of 64 bits that may be negative."""
    return number - (1 << 64) if number >> 63 else number
