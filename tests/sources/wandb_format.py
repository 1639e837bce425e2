"""`.wandb` files written from the description of their format: LevelDB's log, and `wandb_internal.proto` by numbers."""

from __future__ import annotations

import json
import struct
import zlib
from pathlib import Path
from typing import Any

from tensorboard_format import field

HEADER = b":W&B\xe1\xbe\x00"
BLOCK = 32_768


def chunk(kind: int, data: bytes, length: int | None = None, checksum: int | None = None) -> bytes:
    """A chunk; `length` and `checksum` are what it claims."""
    real = zlib.crc32(bytes([kind]) + data)
    return (
        struct.pack("<IHB", real if checksum is None else checksum, len(data) if length is None else length, kind)
        + data
    )


def in_blocks(records: list[bytes]) -> bytes:
    """A file of records, those that do not fit into a block in several chunks."""
    out = bytearray(HEADER)
    for record in records:
        kinds = {(True, True): 1, (True, False): 2, (False, False): 3, (False, True): 4}
        left, is_first = record, True
        while is_first or left:
            room = BLOCK - len(out) % BLOCK
            if room < 7:
                out += bytes(room)
                room = BLOCK
            part, left = left[: room - 7], left[room - 7 :]
            out += chunk(kinds[is_first, not left], part)
            is_first = False
    return bytes(out)


def item(key: str, value: object, *, nested: bool = False) -> bytes:
    """One item of a history or a configuration. Newer versions write every key as a nested one."""
    return field(2 if nested else 1, key.encode("utf-8", "surrogatepass")) + field(16, json.dumps(value).encode())


def history(row: dict[str, Any], *, nested: bool = False) -> bytes:
    return field(2, b"".join(field(1, item(key, value, nested=nested)) for key, value in row.items()))


def run(config: dict[str, Any], name: str = "my run") -> bytes:
    items = b"".join(field(1, item(key, value)) for key, value in config.items())
    return field(17, field(1, b"abc12345") + field(4, items) + field(8, name.encode()))


def exit_with(code: int) -> bytes:
    return field(18, field(1, code) if code else b"")


def write_log(path: Path, rows: list[dict[str, Any]], *, nested: bool = False) -> None:
    """Rows as a trainer logs them: `_step` counts the calls, the trainer's step is a metric beside the others."""
    records = [run({})]
    for call, row in enumerate(rows):
        named = {"train/global_step" if key == "step" else key: value for key, value in row.items()}
        records.append(history({**named, "_step": call, "_runtime": call / 8}, nested=nested))
    path.write_bytes(in_blocks([*records, exit_with(0)]))
