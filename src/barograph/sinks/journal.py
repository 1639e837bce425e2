"""The record of a run while it goes on: a file to which every row is added at once, as one line by one write.

There is no buffer and no thread, so a row whose `write` has returned survives whatever kills the process. And there is
nothing that stops a training: when the disk is full or the folder is gone, lines wait in memory, are tried again
later, and the trouble is told once.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from time import monotonic

__all__ = ["Journal"]

#: Seconds between two looks whether the file is still there, and before a write that failed is tried again.
LOOK_EVERY = 1.0
FIRST_RETRY = 1.0
LAST_RETRY = 30.0
#: Bytes that wait at most; beyond, the oldest lines are given up, and counted.
MOST_WAITING = 64 << 20


class Journal:
    """An append-only file of lines.

    `tell` is called with one sentence when lines cannot be written, and with one when they are again.
    """

    def __init__(self, path: str | os.PathLike[str], tell: Callable[[str], None]) -> None:
        self.path = Path(path)
        #: Lines that had to be given up, because too many were waiting.
        self.lost = 0
        self._tell = tell
        self._file = -1
        self._waiting: deque[bytes] = deque()
        self._waiting_size = 0
        self._retry_at = 0.0
        self._retry_after = FIRST_RETRY
        self._look_at = 0.0
        #: Whether lines could not be written when last tried.
        self.is_troubled = False
        #: Whether the first waiting line has its beginning in the file already.
        self._is_torn = False
        self._needs_break = False
        with suppress(OSError):
            self._open()

    def write(self, line: bytes) -> None:
        """Add a line, which ends in a line break. Never raises `OSError`."""
        now = monotonic()
        if now >= self._look_at:
            self._look_at = now + LOOK_EVERY
            self._look()
        if not self._waiting and self._file >= 0:
            try:
                written = os.write(self._file, line)
            except OSError as error:
                self._failed(error, now)
            else:
                if written == len(line):
                    return
                line = line[written:]  # A disk that is nearly full takes a part.
                self._is_torn = written > 0
        self._wait(line)
        if now >= self._retry_at:
            self._try_again(now)

    @property
    def waiting(self) -> int:
        """How many lines have not been written yet."""
        return len(self._waiting)

    def close(self) -> None:
        """Try once more to write what waits, and let go of the file."""
        if self._waiting:
            self._try_again(monotonic())
        if self._file >= 0:
            with suppress(OSError):
                os.close(self._file)
            self._file = -1

    def _open(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
        self._file = os.open(self.path, flags, 0o644)
        size = os.fstat(self._file).st_size
        if size > 0 and os.pread(self._file, 1, size - 1) != b"\n":
            os.write(self._file, b"\n")  # The last writer was killed in the middle of a line.

    def _wait(self, line: bytes) -> None:
        self._waiting.append(line)
        self._waiting_size += len(line)
        while self._waiting_size > MOST_WAITING and len(self._waiting) > 1:
            self._waiting_size -= len(self._waiting.popleft())
            self.lost += 1
            if self._is_torn:  # Its beginning is in the file: what comes next must not be glued to it.
                self._is_torn, self._needs_break = False, True

    def _try_again(self, now: float) -> None:
        """Write what waits, in order, as far as it goes."""
        try:
            if self._file < 0:
                self._open()
            if self._needs_break:
                os.write(self._file, b"\n")
                self._needs_break = False
            while self._waiting:
                written = os.write(self._file, self._waiting[0])
                self._waiting_size -= written
                self._waiting[0] = self._waiting[0][written:]
                self._is_torn = bool(self._waiting[0]) and (self._is_torn or written > 0)
                if not self._waiting[0]:
                    self._waiting.popleft()
        except OSError as error:
            self._failed(error, now)
            return
        self._retry_after = FIRST_RETRY
        if self.is_troubled:
            self.is_troubled = False
            gone = f"; {self.lost:,} had to be given up" if self.lost else ""
            self._tell(f"{self.path}: rows are written again{gone}")

    def _failed(self, error: OSError, now: float) -> None:
        self._retry_at = now + self._retry_after
        self._retry_after = min(2 * self._retry_after, LAST_RETRY)
        if not self.is_troubled:
            self.is_troubled = True
            problem = error.strerror or str(error)
            self._tell(f"{self.path}: rows cannot be written ({problem}); they are kept in memory and tried again")

    def _look(self) -> None:
        """If the file was deleted or replaced, begin it anew with all that it held."""
        if self._file < 0:
            return
        try:
            there, here = os.stat(self.path), os.fstat(self._file)  # noqa: PTH116 - this is done while training
            if (there.st_dev, there.st_ino) == (here.st_dev, here.st_ino):
                return
            is_gone = False
        except FileNotFoundError:
            is_gone = True
        except OSError:
            return
        old = self._file
        self._file = -1
        try:
            self._open()
            if is_gone:
                _copy(old, self._file)
            else:
                self._is_torn = False
            self._tell(f"{self.path}: was {'deleted' if is_gone else 'replaced'} while the run goes on; written anew")
        except OSError as error:
            if self._file >= 0:
                os.close(self._file)
                if is_gone:
                    self.path.unlink(missing_ok=True)
            self._file = old  # Better an unnamed file than none: its content is copied when the folder is back.
            self._failed(error, monotonic())
            return
        os.close(old)


def _copy(old: int, new: int) -> None:
    """What one open file holds, added to another."""
    position = 0
    while piece := os.pread(old, 1 << 20, position):
        position += len(piece)
        while piece:
            piece = piece[os.write(new, piece) :]
