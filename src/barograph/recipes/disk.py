"""The disk that a training writes to: is there room, asked before it starts; and what to do when there is none."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from barograph.core.errors import BarographError, ConfigurationError
from barograph.recipes.memory import FULL, GIGA
from barograph.recipes.result import checkpoints_of
from barograph.recipes.weights import is_tiny, shape_of

__all__ = ["check_room", "says_when_full"]

#: A checkpoint holds the trained weights and Adam's two averages.
COPIES = 3
#: Bytes that are as good as none.
LITTLE = 1_000_000


def check_room(options: Any) -> None:
    """Refuse a training whose checkpoints find no room; the options are settled ones."""
    if is_tiny(options):
        return
    shape = shape_of(options)
    one = FULL * (shape.ends * options.lora_rank if options.lora else shape.weights)
    # A new checkpoint is written before the oldest one goes, and the weights of the end come last.
    least = (COPIES * 2 + 1) * one
    free = _free(Path(options.output_dir))
    if free < least:
        raise ConfigurationError(
            f"{options.output_dir}: {free / GIGA:.1f} GB are free there, and two checkpoints with the weights of the "
            f"end take {least / GIGA:.1f} GB; name another --output-dir, or add --lora"
        )


@contextmanager
def says_when_full(folder: Path, method: str) -> Iterator[None]:
    """What libraries say in many ways when there is no room left, said in one sentence."""
    try:
        yield
    except Exception as error:
        if isinstance(error, BarographError) or not _is_full(error, folder):
            raise
        whole = _newest_whole(folder)
        cure = f"then go on: barograph train {method} --resume-from {whole}" if whole else "then start again"
        raise BarographError(f"{folder}: there is no room left on this disk; make some, {cure}") from None


def _free(folder: Path) -> int:
    """Bytes that are free where the folder is, or will be."""
    there = folder.absolute()
    while not there.exists():
        there = there.parent
    return shutil.disk_usage(there).free


def _is_full(error: Exception, folder: Path) -> bool:
    if isinstance(error, OSError) and error.errno is not None:
        return error.errno in {errno.ENOSPC, errno.EDQUOT}
    # safetensors hands on what the system says; torch tells of the archive that it could not write, in many ways.
    said = str(error)
    return "os error 28" in said or ("inline_container" in said and _free(folder) < LITTLE)


def _newest_whole(folder: Path) -> Path | None:
    """The newest checkpoint that was written to its end: a trainer writes its state last."""
    marks = ("trainer_state.json", "ppo.pt")
    whole = [(step, path) for step, path in checkpoints_of(folder) if any((path / mark).is_file() for mark in marks)]
    return max(whole)[1] if whole else None
