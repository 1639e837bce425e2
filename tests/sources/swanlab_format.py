"""`.swanlab` files written from the description of their format: LevelDB's log, and `swanlab.record.v1` by numbers."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

from tensorboard_format import field
from wandb_format import HEADER as WANDB_HEADER
from wandb_format import in_blocks

HEADER = b":SWL\xd6\xe1\x02"


def scalar(key: str, step: int, value: float) -> bytes:
    """A record with one number; a step or a value of zero is not written."""
    inner = field(1, float(value)) if value or str(value) == "-0.0" else b""
    return field(13, field(1, key.encode()) + (field(2, step) if step else b"") + field(5, inner))


def as_file(records: list[bytes], header: bytes = HEADER) -> bytes:
    whole = in_blocks(records)
    assert len(header) == len(WANDB_HEADER)
    return header + whole[len(header) :]


def start(name: str) -> bytes:
    return field(1, (1 << 64) - 1) + field(10, field(1, b"align") + field(4, name.encode()))


def finish(state: int = 1) -> bytes:
    return field(11, field(1, state))


def column(key: str, kind: int) -> bytes:
    return field(12, field(1, kind) + field(2, 1) + field(3, key.encode()))


def write_swanlab(path: Path, rows: list[dict[str, Any]]) -> None:
    numbers = [scalar(key, row["step"], value) for row in rows for key, value in row.items() if key != "step"]
    path.write_bytes(as_file([start("run"), *numbers, finish()]))


assert struct.calcsize("<4sHB") == len(HEADER)
