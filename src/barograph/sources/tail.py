"""Following a log while it is written, without reading anything twice.

A file that only grows is read on from where one has come to. It may be rotated (renamed, and begun anew under its old
name), replaced, cut, or written over in place: all of that is noticed, and what the old file still held is read
first. A format whose files are written anew each time (a trainer's state, a database) is read again when it has
changed, and only what is new in it is passed on.
"""

from __future__ import annotations

import codecs
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, Self

from barograph.core.errors import UnreadableRun
from barograph.core.run import Run
from barograph.sources.base import (
    BLOCK,
    LOOKED_AT,
    STANDARD_INPUT,
    Document,
    GrowingSource,
    RawRun,
    Reading,
    opened,
    unreadable,
    utf16_of,
)
from barograph.sources.growth import Growth, News
from barograph.sources.locate import Log, Place, find
from barograph.sources.naming import as_method
from barograph.sources.remote import fetched, is_elsewhere, is_remote
from barograph.sources.runs import How, as_sentences, facts_beside
from barograph.sources.storage.compressed import is_packed

__all__ = ["Tail", "stamps"]

#: So many bytes before the place one has come to must still be what they were.
MEMORY = 256
#: Of a folder that is a log, so many files are looked at for changes.
MOST_FILES = 10_000


class Tail:
    """A run that is followed: `poll` gives what has been written since it was last called.

        tail = Tail("outputs/kto")
        while not done:
            for step, values in tail.poll().rows: ...

    The log need not be there yet. `trouble` says why there is nothing to read, if that is so.
    """

    def __init__(self, path: str | os.PathLike[str], how: How | None = None) -> None:
        self.path = os.fspath(path)
        self.how = how or How()
        self.trouble = ""
        #: How many other runs lie where the one that is followed does.
        self.others = 0
        self.growth: Growth | None = None
        self._follower: _Follower | None = None
        as_method(self.how.method)
        if self.path == STANDARD_INPUT:
            raise unreadable(self.path, "cannot be followed", "name the file that is piped in")
        if is_elsewhere(self.path):
            raise unreadable(self.path, "is a remote path, which cannot be followed", "follow a copy on this machine")
        #: Where it lies: what a `file://` URL names is on this machine.
        self._place = fetched(self.path) if is_remote(self.path) else Path(self.path)

    @property
    def run(self) -> Run | None:
        """The run as far as it is known."""
        return self.growth.run if self.growth is not None else None

    @property
    def log(self) -> Path | None:
        """The file or folder that is followed; None before there is one."""
        return self._follower.log.document.place if self._follower is not None else None

    def poll(self) -> News:
        """What is new. Where nothing can be read the news is empty, and `trouble` says why."""
        self.trouble = ""
        try:
            follower = self._found()
            with as_sentences(follower.log):
                news = follower.poll()
        except UnreadableRun as error:
            self.trouble = str(error)
            return News()
        except OSError as error:
            self.trouble = f"{self.path}: {error.strerror or error}"
            return News()
        return news

    def close(self) -> None:
        """Let go of the log."""
        if self._follower is not None:
            self._follower.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _found(self) -> _Follower:
        """The log to follow. Of a folder it is the one that tells most now, for a newer checkpoint may have come.

        A file is settled once it has given a row: its first bytes alone may look like another format.
        """
        follower = self._follower
        if follower is not None and self.run is not None and not self._place.is_dir():
            return follower
        place, log = self._newest(find(self.path))
        if follower is None or not follower.follows(log):
            self.close()
            if self.growth is None or self.growth.run is None:
                self.growth = Growth(place.path, log.source.name, self.how, is_one=log.source.one_run_a_log)
            follower = self._follower = _follower_of(log, place, self.growth)
        return follower

    def _newest(self, places: list[Place]) -> tuple[Place, Log]:
        """Of several runs the one that was written last."""
        self.others = len(places) - 1
        return max(((place, place.logs[0]) for place in places), key=lambda found: _changed(found[1].document.place))


def _changed(path: Path) -> float:
    return max((stamp[2] for stamp in stamps(path)), default=0)


def stamps(path: Path) -> Iterator[tuple[str, int, int]]:
    """Size and time of every file of a log."""
    files = [path]
    if path.is_dir():
        files = [file for _, file in zip(range(MOST_FILES), sorted(path.rglob("*")), strict=False)]
    else:
        # A database writes ahead into files beside it.
        files += [path.with_name(f"{path.name}-wal")]
    for file in files:
        with suppress(OSError):
            state = file.stat()
            yield str(file), state.st_size, state.st_mtime_ns


class _Follower:
    """Follows one log."""

    def __init__(self, log: Log, place: Place, growth: Growth) -> None:
        self.log = log
        self.place = place
        self.growth = growth

    def follows(self, log: Log) -> bool:
        return log.document.place == self.log.document.place and log.source is self.log.source

    def poll(self) -> News:
        raise NotImplementedError

    def close(self) -> None:
        """Nothing is held open."""


def _follower_of(log: Log, place: Place, growth: Growth) -> _Follower:
    file = log.document.place
    if isinstance(log.source, GrowingSource) and file.is_file() and not is_packed(file) and not _is_utf16(file):
        return _Growing(log, place, growth)
    return _Rewritten(log, place, growth)


def _is_utf16(file: Path) -> bool:
    with opened(file) as stream:
        return bool(utf16_of(stream.read(LOOKED_AT)))


class _Rewritten(_Follower):
    """A log that is read as a whole whenever it has changed."""

    _seen: tuple[tuple[str, int, int], ...] = ()

    def poll(self) -> News:
        seen = tuple(stamps(self.log.document.place))
        if seen == self._seen:
            return News()
        raws = self.log.source.read(Document(self.log.document.path, copy=self.log.document.copy))
        raw = self._wanted(raws)
        config = {**raw.config, **facts_beside(self.log)}
        news = self.growth.replace(raw.table, config)
        self._seen = seen  # Only now: what could not be read, because its writer is at it, is tried again.
        return news

    def _wanted(self, raws: list[RawRun]) -> RawRun:
        """Of several runs the one that was asked for, else the last."""
        if not raws:
            raise unreadable(self.place.path, "holds no run", "is it still starting?")
        if not self.place.only:
            return raws[-1]
        for raw in raws:
            if raw.name == self.place.only:
                return raw
        raise unreadable(self.place.path, f"holds no run named '{self.place.only}'")


class _Growing(_Follower):
    """A file that is read on from where one has come to."""

    def __init__(self, log: Log, place: Place, growth: Growth) -> None:
        super().__init__(log, place, growth)
        self._stream: BinaryIO | None = None
        self._reading: Reading | None = None
        self._position = 0
        self._memory = b""
        #: Whether no row of this file has been read yet.
        self._is_new = True

    def close(self) -> None:
        if self._stream is not None:
            self._stream.close()
            self._stream = None

    def poll(self) -> News:
        news = News()
        if self._stream is not None and self._is_another():
            news = self._read_on()  # What was written before it was put aside.
            self._begin()
        elif self._stream is None or self._is_overwritten():
            self._begin()
        later = self._read_on()
        return later if later.anew or not news.rows else News([*news.rows, *later.rows], news.anew)

    def _begin(self) -> None:
        self.close()
        self._stream = opened(self.log.document.place)
        source = self.log.source
        assert isinstance(source, GrowingSource)  # noqa: S101 - for the type checker
        self._reading = source.reading(self.log.document.path)
        self._position, self._memory = 0, b""
        self._is_new = True
        if self._stream.read(3) == codecs.BOM_UTF8:
            self._position = 3

    def _is_another(self) -> bool:
        """Whether the name now stands for another file, or for none."""
        assert self._stream is not None  # noqa: S101 - for the type checker
        try:
            now, then = self.log.document.place.stat(), os.fstat(self._stream.fileno())
        except FileNotFoundError:
            return False  # Put aside, and not begun anew yet: the old one may still be written to.
        return (now.st_dev, now.st_ino) != (then.st_dev, then.st_ino)

    def _is_overwritten(self) -> bool:
        """Whether what was read is no longer what stands there."""
        assert self._stream is not None  # noqa: S101 - for the type checker
        if os.fstat(self._stream.fileno()).st_size < self._position:
            return True
        self._stream.seek(self._position - len(self._memory))
        return self._stream.read(len(self._memory)) != self._memory

    def _read_on(self) -> News:
        """The rows that are complete now."""
        assert self._stream is not None  # noqa: S101 - for the type checker
        assert self._reading is not None  # noqa: S101 - for the type checker
        self._stream.seek(self._position)
        begun = self._position
        while piece := self._stream.read(BLOCK):
            self._position += len(piece)
            self._memory = (self._memory + piece)[-MEMORY:]
            self._reading.take(piece)
        if self._position == begun:
            return News()
        table = self._reading.drain()
        config = {**self._reading.config, **facts_beside(self.log)}
        if table.rows and self._is_new:
            self._is_new = False
            return self.growth.extend_by_another_file(table, config)
        return self.growth.extend(table, config)
