"""Columns of large logs, kept from one reading to the next.

An entry is the raw table as it lies in memory (64-bit numbers) behind a small JSON header. It counts only if the
log still has the size and the SHA-256 it had, so neither a clock nor a copy can mislead it. It may be deleted at
any time, and whatever goes wrong with it goes unnoticed: the log is read again.

`BAROGRAPH_CACHE` names another folder, or is `off`.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import zlib
from array import array
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from barograph.core.cache_folder import cache_folder
from barograph.sources.base import RawRun
from barograph.sources.table import RawColumn, RawTable

__all__ = ["SMALLEST", "Entry", "entry_for"]

#: Smaller logs are read faster than they are looked up.
SMALLEST = 1 << 20
#: All entries together; the oldest go first.
BUDGET = 512 << 20
#: Raise with every change in what readers gather, so that entries of older versions are not used.
VERSION = 2
MAGIC = b"barograph columns\n"
SUFFIX = ".columns"


@dataclass(frozen=True, slots=True)
class Entry:
    """Where the columns of one log are kept, and what the log must be for them to count."""

    log: Path
    file: Path
    source: str
    size: int
    digest: str

    def load(self) -> RawRun | None:
        """The raw run, or None if there is no entry or it is not of this very log."""
        try:
            with self.file.open("rb") as stream:
                return self._read(stream)
        except (OSError, ValueError, KeyError, TypeError, IndexError, EOFError, MemoryError, RecursionError):
            return None

    def store(self, raw: RawRun) -> None:
        """Keep a raw run; where that fails it is not kept."""
        import tempfile

        with contextlib.suppress(OSError, ValueError, TypeError, MemoryError):
            if self.log.stat().st_size != self.size:
                return  # It has grown since its digest was taken.
            self.file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            handle, temporary = tempfile.mkstemp(dir=self.file.parent, suffix=".tmp")
            try:
                with os.fdopen(handle, "wb") as stream:
                    self._write(stream, raw)
                Path(temporary).replace(self.file)
            except BaseException:
                Path(temporary).unlink(missing_ok=True)
                raise
            _prune(self.file.parent)

    def _identity(self) -> dict[str, Any]:
        return {"version": VERSION, "byteorder": sys.byteorder, "source": self.source, "size": self.size,
                "digest": self.digest}  # fmt: skip

    def _write(self, stream: BinaryIO, raw: RawRun) -> None:
        table = raw.table
        groups = list({id(column.at): column.at for column in table.columns.values()}.values())
        number = {id(at): index for index, at in enumerate(groups)}
        header = {
            **self._identity(),
            "rows": table.rows,
            "groups": [len(at) for at in groups],
            "columns": [[key, number[id(column.at)]] for key, column in table.columns.items()],
            "left_out": {key: list(what) for key, what in table.left_out.items()},
            "cleaned": list(table.cleaned),
            "target": table.target,
            "labels": {key: {name: list(rows) for name, rows in of.items()} for key, of in table.labels.items()},
            "config": raw.config,
            "notes": raw.notes,
            "name": raw.name,
        }
        text = json.dumps(header).encode("ascii")
        stream.write(MAGIC + len(text).to_bytes(8, "little") + text)
        check = 0
        for numbers in _arrays(groups, table.columns):
            stream.write(numbers)
            check = zlib.crc32(numbers, check)
        stream.write(check.to_bytes(4, "little"))

    def _read(self, stream: BinaryIO) -> RawRun | None:
        if stream.read(len(MAGIC)) != MAGIC:
            return None
        length = int.from_bytes(stream.read(8), "little")
        if length > os.fstat(stream.fileno()).st_size:
            return None
        header = json.loads(stream.read(length))
        if any(header[name] != value for name, value in self._identity().items()):
            return None
        body = 8 * (sum(header["groups"]) + sum(header["groups"][group] for _, group in header["columns"]))
        if os.fstat(stream.fileno()).st_size != stream.tell() + body + 4:
            return None
        groups = [_array("q", stream, size) for size in header["groups"]]
        columns = {
            str(key): RawColumn(groups[group], _array("d", stream, len(groups[group])))
            for key, group in header["columns"]
        }
        check = 0
        for numbers in _arrays(groups, columns):
            check = zlib.crc32(numbers, check)
        if check != int.from_bytes(stream.read(4), "little"):
            return None
        left_out = {str(key): (str(kind), int(rows)) for key, (kind, rows) in header["left_out"].items()}
        labels = {key: {name: array("q", rows) for name, rows in of.items()} for key, of in header["labels"].items()}
        table = RawTable(int(header["rows"]), columns, left_out, tuple(header["cleaned"]), header["target"], labels)
        return RawRun(table, dict(header["config"]), list(header["notes"]), str(header["name"]))


def _arrays(groups: Iterable[array[int]], columns: Mapping[str, RawColumn]) -> Iterator[array[Any]]:
    yield from groups
    for column in columns.values():
        yield column.values


def _array(typecode: str, stream: BinaryIO, size: int) -> array[Any]:
    numbers: array[Any] = array(typecode)
    numbers.fromfile(stream, size)
    return numbers


def entry_for(path: str, source: str) -> Entry | None:
    """The place for the columns of a log; None for a small one, and where nothing may be kept."""
    folder = cache_folder()
    try:
        file = Path(path).absolute()
        size = file.stat().st_size
        if folder is None or size < SMALLEST:
            return None
        import hashlib

        with file.open("rb") as stream:
            # SHA-256 has instructions of its own on today's processors: twice as fast as BLAKE2 in Python.
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
    except (OSError, ValueError):
        return None
    name = hashlib.sha256(os.fsencode(file)).hexdigest()[:32]
    return Entry(file, folder / f"{name}{SUFFIX}", source, size, digest)


def _prune(folder: Path) -> None:
    """Delete the oldest entries until the rest fits the budget."""
    left = BUDGET
    for _, size, path in sorted(_entries(folder), reverse=True):
        left -= size
        if left < 0:
            path.unlink(missing_ok=True)


def _entries(folder: Path) -> Iterator[tuple[float, int, Path]]:
    for path in folder.glob(f"*{SUFFIX}"):
        with contextlib.suppress(OSError):
            state = path.stat()
            yield state.st_mtime, state.st_size, path
