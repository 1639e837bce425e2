"""Files that are written as a whole: each appears, or takes the place of the one before, only when it is complete."""

from __future__ import annotations

import errno
import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

__all__ = ["replacing", "write_whole", "writing"]


@contextmanager
def replacing(target: Path) -> Iterator[BinaryIO]:
    """A stream whose content becomes the file when the block is left, and is thrown away if that is by an error."""
    handle, name = tempfile.mkstemp(prefix=f".{target.name[:80]}.", suffix=".part", dir=target.parent)
    draft = Path(name)
    try:
        with os.fdopen(handle, "wb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        draft.chmod(_mode_for(target))
        draft.replace(target)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


@contextmanager
def writing(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """The same for what somebody may have named: a link stays one, and what is no file is written to as it is.

    Taking the place of a pipe or a device would do away with it: whoever may, as in many a container, would be left
    without /dev/stdout. What goes wrong goes by the name that was given.
    """
    named = Path(path)
    try:
        if named.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        if named.exists() and not named.is_file():
            with named.open("wb") as stream:
                yield stream
        else:
            with replacing(Path(os.path.realpath(named))) as stream:
                yield stream
    except OSError as error:
        error.filename, error.filename2 = str(path), None
        raise


def write_whole(path: str | os.PathLike[str], data: bytes) -> None:
    """Write a small file, and the folders that lead to it. Raises `OSError`."""
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    with writing(path) as stream:
        stream.write(data)


def _mode_for(target: Path) -> int:
    """The permissions of the file that is replaced, or those of any new file."""
    try:
        return stat.S_IMODE(target.stat().st_mode)
    except FileNotFoundError:
        mask = os.umask(0)
        os.umask(mask)
        return 0o666 & ~mask
