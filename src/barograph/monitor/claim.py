"""Whose run folder it is: two processes must not write one record, for their rows could not be told apart.

The claim is a lock of the operating system on a small file. It ends with the process, whatever kills it, and a forked
worker does not inherit it. Where a file system knows no locks, or the folder cannot be written, all goes on without.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from errno import EACCES, EAGAIN
from pathlib import Path

__all__ = ["Claim"]

LOCK = "logs/.lock"
#: So many folders are tried: `runs/kto`, `runs/kto-2` and on.
MOST_TRIED = 100
#: What this process holds, and how whoever holds it gives it up.
_held: dict[str, tuple[Claim, Callable[[], None]]] = {}


class Claim:
    """One folder for one monitor. `folder` is what was asked for, or the next free one beside it.

    In one process the later comes first, as when a cell of a notebook is run again: `give_up` of the one before is
    called.
    """

    def __init__(self, asked: Path, give_up: Callable[[], None]) -> None:
        self._file = -1
        self.folder = asked
        for number in range(1, MOST_TRIED):
            self.folder = asked if number == 1 else asked.with_name(f"{asked.name}-{number}")
            self._name = os.path.realpath(self.folder)
            if self._name in _held:
                _held[self._name][1]()
            if self._take():
                break
        _held[self._name] = (self, give_up)

    def release(self) -> None:
        """Let others have the folder."""
        if _held.get(self._name, (None,))[0] is self:
            del _held[self._name]
        if self._file >= 0:
            with suppress(OSError):
                os.close(self._file)
            self._file = -1

    def _take(self) -> bool:
        """Whether the folder is ours now; False if another process has it."""
        try:
            import fcntl
        except ImportError:
            return True
        path = self.folder / LOCK
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
            fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            is_taken = self._file >= 0 and error.errno in {EACCES, EAGAIN}
            if self._file >= 0:
                os.close(self._file)
                self._file = -1
            return not is_taken
        return True
