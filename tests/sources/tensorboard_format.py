"""Event files written from the description of their format: TFRecord, and `event.proto` by its field numbers."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

CASTAGNOLI = 0x82F63B78


def _crc_of_byte(crc: int) -> int:
    for _ in range(8):
        crc = (crc >> 1) ^ (CASTAGNOLI * (crc & 1))
    return crc


TABLE = [_crc_of_byte(byte) for byte in range(256)]


def masked_crc(data: bytes) -> bytes:
    crc = 0xFFFFFFFF
    for byte in data:
        crc = TABLE[(crc ^ byte) % 256] ^ (crc >> 8)
    crc ^= 0xFFFFFFFF
    return struct.pack("<I", (((crc >> 15) | (crc << 17)) + 0xA282EAD8) % 2**32)


def record(data: bytes, length: int | None = None) -> bytes:
    """A record; `length` is what it claims to be long."""
    head = struct.pack("<Q", len(data) if length is None else length)
    return head + masked_crc(head) + data + masked_crc(data)


def varint(number: int) -> bytes:
    number %= 2**64
    digits = []
    while number >= 128:
        digits.append(number % 128 + 128)
        number //= 128
    return bytes([*digits, number])


def field(number: int, value: float | bytes) -> bytes:
    """A field: a whole number as varint, a float as double, bytes with their length."""
    if isinstance(value, int):
        return varint(number * 8) + varint(value)
    if isinstance(value, float):
        return varint(number * 8 + 1) + struct.pack("<d", value)
    return varint(number * 8 + 2) + varint(len(value)) + value


def float32(number: int, value: float) -> bytes:
    return varint(number * 8 + 5) + struct.pack("<f", value)


def event(*parts: bytes, step: int = 0, time: float = 1.7e9) -> bytes:
    """An event with values, as a record. As in every proto3 message, a zero is not written."""
    summary = b"".join(field(1, part) for part in parts)
    return record(field(1, time) + (field(2, step) if step else b"") + field(5, summary))


def version(time: float = 1.7e9) -> bytes:
    return record(field(1, time) + field(3, b"brain.Event:2"))


def simple(tag: str, value: float) -> bytes:
    """As torch and tensorboardX write a number."""
    return field(1, tag.encode("utf-8", "surrogatepass")) + float32(2, value)


def tensor(tag: str, content: bytes, plugin: str = "scalars") -> bytes:
    """As TensorFlow 2 writes it; `content` are the fields of the tensor."""
    return field(1, tag.encode()) + field(8, content) + (
        field(9, field(1, field(1, plugin.encode()))) if plugin else b""
    )  # fmt: skip


def double(tag: str, value: float) -> bytes:
    return tensor(tag, field(1, 2) + field(2, b"") + varint(6 * 8 + 2) + b"\x08" + struct.pack("<d", value))


def write_doubles(path: Path, rows: list[dict[str, Any]]) -> None:
    """Rows as tensors of doubles, which hold every value exactly."""
    parts = [version()]
    for row in rows:
        parts += [
            event(double(key, float(value)), step=row.get("step", 0)) for key, value in row.items() if key != "step"
        ]
    path.write_bytes(b"".join(parts))
