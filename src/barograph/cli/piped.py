"""Standard input as a file that can be followed: what comes in is written down as it comes."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import tempfile
import threading
from pathlib import Path
from typing import Self

from barograph.core.errors import UnreadableRun

__all__ = ["Piped"]

BLOCK = 65_536


class Piped:
    """Reads standard input beside everything else, for a pipe cannot be asked whether it has something to say."""

    def __init__(self) -> None:
        if sys.stdin is None or sys.stdin.closed:
            raise UnreadableRun("-", "is closed", "pipe a log into it, or name a file")
        self._descriptor = sys.stdin.fileno()
        self._folder = Path(tempfile.mkdtemp(prefix="piped-"))
        self.path = self._folder / "input"
        self.path.touch()
        self.has_ended = threading.Event()

    def __enter__(self) -> Self:
        threading.Thread(target=self._read, name="standard input", daemon=True).start()
        return self

    def __exit__(self, *error: object) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)

    def _read(self) -> None:
        # What cannot be read or written any more is the end of it; a folder that is gone means that nobody listens.
        with contextlib.suppress(OSError), self.path.open("ab", buffering=0) as file:
            while block := os.read(self._descriptor, BLOCK):
                file.write(block)
        self.has_ended.set()

    def named(self, text: str) -> str:
        """A text about the file as one about standard input."""
        return text.replace(str(self.path), "standard input")
