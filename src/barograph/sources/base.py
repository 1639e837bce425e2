"""What a log is to us, and what each format has to offer.

To add a format, write one file under `formats` with one `Source` in it and name it in `catalogue.SOURCES`: say which
bytes are yours (`recognises`), where such logs lie in a folder (`landmarks`), and gather their rows (`read`). Names,
steps, resumes and methods are not a reader's business; `normalise` sees to them for every format alike.

A format that only grows at its end is a `GrowingSource`: it is read by a `Reading`, which takes bytes in any cut, so
that the same code reads a finished file and follows one that is still written.
"""

from __future__ import annotations

import codecs
import errno
import os
import stat
from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import BinaryIO, ClassVar

from barograph.core.errors import UnreadableRun
from barograph.sources.storage.compressed import unpacked
from barograph.sources.table import Gatherer, RawTable, TooManyColumns
from barograph.sources.wording import visible

__all__ = [
    "BLOCK",
    "HEAD",
    "LOOKED_AT",
    "STANDARD_INPUT",
    "Document",
    "GrowingSource",
    "LineReading",
    "RawRun",
    "Reading",
    "Source",
    "decoded",
    "first_lines",
    "neighbour",
    "opened",
    "table_of",
    "unreadable",
    "utf16_of",
]

#: How much of a file decides what it is.
HEAD = 64 * 1024
#: Bytes read at a time: memory stays bounded, and whole blocks are parsed at once.
BLOCK = 1 << 20
#: No line of a log is longer than this; what claims to be is no log.
LONGEST_LINE = 64 << 20
STANDARD_INPUT = "-"
#: So many bytes tell how a text is encoded.
LOOKED_AT = 64


def unreadable(path: object, problem: str, cure: str = "") -> UnreadableRun:
    """The error for a log, with its name made safe to print."""
    return UnreadableRun("standard input" if str(path) == STANDARD_INPUT else visible(path, 500), problem, cure)


@dataclass(frozen=True, slots=True)
class Document:
    """The bytes of one log: a file, a folder that is one log, or what came from standard input.

    What is compressed is unpacked. Text comes as UTF-8: a byte order mark is taken off, and UTF-16 (what a Windows
    shell writes when it redirects) is recoded.
    """

    #: What the log is called in every message.
    path: str
    data: bytes | None = None
    #: Where it lies, if not at `path`: a remote log is read from a copy.
    copy: Path | None = None
    #: What reading it has brought up and its reader does not know of: that an archive ends early.
    notes: list[str] = field(default_factory=list, compare=False)
    #: Which file of a log the notes are about, where it has several.
    part_name: str = ""

    @property
    def place(self) -> Path:
        """The file or folder on this machine."""
        return self.copy or Path(self.path)

    def part(self, file: Path) -> Document:
        """A file inside this log if it is a folder, else beside it. Notes on it are notes on the log."""
        is_folder = self.place.is_dir()
        home, shown = (self.place, self.path) if is_folder else (self.place.parent, os.path.dirname(self.path))  # noqa: PTH120
        name = file.relative_to(home).as_posix()
        path = os.path.join(shown, name)  # noqa: PTH118 - what was typed stays as typed
        return Document(path, copy=file, notes=self.notes, part_name=name)

    def open(self) -> BinaryIO:
        with ExitStack() as closing:
            stored: BinaryIO = BytesIO(self.data) if self.data is not None else opened(self.place)
            stream = closing.enter_context(unpacked(closing.enter_context(stored), self.path, self._note))
            start = stream.peek(LOOKED_AT)[:LOOKED_AT]
            if encoding := utf16_of(start):
                return BytesIO(stream.read().decode(encoding, "replace").encode("utf-8", "replace"))
            if start.startswith(codecs.BOM_UTF8):
                stream.read(3)
            closing.pop_all()  # The caller closes it.
            return stream

    def _note(self, what: str) -> None:
        if self.part_name:
            what = f"{visible(self.part_name)}: {what}"
        if what not in self.notes:
            self.notes.append(what)

    def read(self) -> bytes:
        with self.open() as stream:
            return stream.read()

    def head(self, size: int = HEAD) -> bytes:
        """The first bytes; none of a folder."""
        if self.data is None and self.place.is_dir():
            return b""
        with self.open() as stream:
            return stream.read(size)


@dataclass(slots=True)
class RawRun:
    """What a reader found: raw columns, what the log says of the run's settings, and what had to be left out."""

    table: RawTable
    config: dict[str, object] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    #: What the log calls this run, where it holds several.
    name: str = ""


class Source(ABC):
    """One format that somebody's log may have."""

    #: A word for `--json` and messages.
    name: ClassVar[str]
    #: One sentence for the documentation.
    describes: ClassVar[str]
    #: What it was checked against, for the documentation: `TRL 1.16 (a real log)`, or `a description`.
    checked: ClassVar[str] = ""
    #: Where such a log lies in a run's folder, as patterns, surest first.
    landmarks: ClassVar[tuple[str, ...]] = ()
    #: Endings of files of this format that may have any name.
    suffixes: ClassVar[tuple[str, ...]] = ()
    #: Whether several such logs in one folder tell of one run (checkpoints do), or each of its own.
    one_run_a_folder: ClassVar[bool] = True
    #: Whether files of this format often are no logs at all: one that nobody named has to look like training then.
    is_general: ClassVar[bool] = False
    #: Whether what lies below a folder with such a log belongs to it.
    fills_its_folder: ClassVar[bool] = False
    #: Whether a log of this format is one run by its nature, however often it begins anew.
    one_run_a_log: ClassVar[bool] = False
    #: Whether what is telling may stand far behind the beginning of a file, as in what a program prints.
    looks_deep: ClassVar[bool] = False
    #: Whether each line but the first tells of itself alone, so that some of them give an idea of all.
    lines_stand_alone: ClassVar[bool] = False
    #: Whether the log is one file that says all there is to say, so that its columns may be kept.
    may_be_cached: ClassVar[bool] = True

    @abstractmethod
    def recognises(self, path: str, head: bytes) -> bool:
        """Whether the log that begins with `head` (64 KB) is of this format. The content decides, not the name.

        `path` is where it lies on this machine; the head of a folder is empty.
        """

    @abstractmethod
    def read(self, document: Document) -> list[RawRun]:
        """The runs in the log, nearly always one. Raises `UnreadableRun` and nothing else."""

    def in_folder(self, folder: Path) -> list[Path]:
        """Logs of this format at the places where a run's folder keeps them, best first. A log may be a folder."""
        return [path for pattern in self.landmarks for path in sorted(folder.glob(pattern)) if path.is_file()]

    def facts_beside(self, path: str) -> dict[str, object]:
        """Settings found in files next to the log. Never cached with it, for they change on their own."""
        return {}


def opened(file: Path) -> BinaryIO:
    """A file opened for reading, if it is one: a named pipe would be waited for, a device may do anything."""
    if not (stat.S_ISREG(file.stat().st_mode) or file.is_dir()):
        raise OSError(errno.EINVAL, "is no ordinary file", str(file))
    # It may have become a pipe just now.
    handle = os.open(file, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    return open(handle, "rb")  # noqa: PTH123 - the handle makes the difference


def neighbour(file: Path, most: int = 4 << 20) -> bytes:
    """What stands in a file beside a log, up to a length. Nothing, if it does not really lie in its folder."""
    try:
        if file.resolve().parent != file.parent.resolve():
            return b""
        with opened(file) as stream:
            return stream.read(most)
    except (OSError, RuntimeError, ValueError):  # A loop of links is a RuntimeError.
        return b""


def table_of(path: str, rows: Sequence[dict[str, object]]) -> RawTable:
    """The table of rows that are all there."""
    gatherer = Gatherer()
    try:
        gatherer.extend(rows)
    except TooManyColumns as many:
        raise _too_many_keys(path, many) from None
    return gatherer.finish()


def _too_many_keys(path: str, many: TooManyColumns) -> UnreadableRun:
    return unreadable(path, f"a row has {many.number:,} keys or more", "are these metrics?")


class Reading(ABC):
    """A log that is being read, up to wherever its writer has come."""

    def __init__(self, path: str) -> None:
        #: The name of the log, for messages.
        self.path = path
        #: What the log says of the run's settings.
        self.config: dict[str, object] = {}
        self.name = ""
        self._gatherer = Gatherer()

    @abstractmethod
    def take(self, data: bytes) -> None:
        """Read on. The bytes may end anywhere; what is not whole yet is kept for the next time."""

    @abstractmethod
    def finish(self) -> None:
        """There is no more: read what was kept as far as it can be read."""

    def notes(self) -> list[str]:
        """What had to be left out, or the error if that is most of the log."""
        return []

    def add(self, rows: Sequence[dict[str, object]]) -> None:
        """Gather rows: raw keys, and whatever values the log holds."""
        try:
            self._gatherer.extend(rows)
        except TooManyColumns as many:
            raise _too_many_keys(self.path, many) from None

    def add_cells(self, keys: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Gather rows of text cells, each exactly as long as `keys`."""
        try:
            self._gatherer.extend_cells(keys, rows)
        except TooManyColumns as many:
            raise unreadable(self.path, f"has {many.number:,} columns or more", "is the table transposed?") from None

    def add_columns(self, keys: Sequence[str], columns: Sequence[Sequence[object]]) -> None:
        """Gather rows that come as columns of equal length."""
        try:
            self._gatherer.extend_columns(keys, columns)
        except TooManyColumns as many:
            raise unreadable(self.path, f"has {many.number:,} columns or more", "is the table transposed?") from None

    def drain(self) -> RawTable:
        """The rows that were read since this was last asked."""
        table = self._gatherer.finish()
        self._gatherer = Gatherer()
        return table


class GrowingSource(Source):
    """A format whose files only grow at their end."""

    @abstractmethod
    def reading(self, path: str) -> Reading:
        """A reading of such a log from its beginning."""

    def read(self, document: Document) -> list[RawRun]:
        reading = self.reading(document.path)
        with document.open() as stream:
            while piece := stream.read(BLOCK):
                reading.take(piece)
        reading.finish()
        return [RawRun(reading.drain(), reading.config, reading.notes(), reading.name)]


class LineReading(Reading):
    """A reading of text, line by line."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self._begun: list[bytes] = []
        self._begun_size = 0

    @abstractmethod
    def take_lines(self, block: bytes) -> None:
        """Whole lines, the last one with its line break too."""

    @abstractmethod
    def take_last(self, line: bytes) -> None:
        """What stands behind the last line break. It may be cut short. Never empty."""

    def take(self, data: bytes) -> None:
        cut = data.rfind(b"\n") + 1
        if cut:
            block = b"".join([*self._begun, data[:cut]])
            self._begun, self._begun_size = [], 0
            self.take_lines(block)
        if rest := data[cut:]:
            self._begun.append(rest)
            self._begun_size += len(rest)
            if self._begun_size > LONGEST_LINE:
                raise unreadable(self.path, f"has a line of more than {LONGEST_LINE >> 20} MB", "is this a log?")

    def finish(self) -> None:
        last, self._begun, self._begun_size = b"".join(self._begun), [], 0
        if last:
            self.take_last(last)


def decoded(data: bytes) -> tuple[str, bool]:
    """The text, and whether bytes that are not UTF-8 had to be replaced."""
    try:
        return data.decode("utf-8"), False
    except UnicodeDecodeError:
        return data.decode("utf-8", "replace"), True


def utf16_of(start: bytes) -> str:
    """The encoding of text that begins so, if it is UTF-16.

    Without a mark, it is known by the zero in every second byte, which the letters of a log's keys have.

    >>> utf16_of("step,loss".encode("utf-16-le")), utf16_of("step,loss".encode("utf-16-be")), utf16_of(b"step,loss")
    ('utf-16-le', 'utf-16-be', '')
    """
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    start = start[: len(start[:LOOKED_AT]) & ~1]
    if len(start) >= 8:
        even, odd = start[::2], start[1::2]
        for encoding, letters, zeros in (("utf-16-le", even, odd), ("utf-16-be", odd, even)):
            if not any(zeros) and all(0x20 <= letter < 0x7F or letter in b"\t\r\n" for letter in letters):
                return encoding
    return ""


def first_lines(head: bytes, limit: int = 10) -> tuple[list[bytes], bool]:
    """The first lines that are not blank, and whether the last of them may be cut by the end of `head`."""
    lines = head.split(b"\n")
    filled = [(number, line.strip()) for number, line in enumerate(lines) if line.strip()][:limit]
    cut = bool(filled) and len(head) >= HEAD and filled[-1][0] == len(lines) - 1
    return [line for _, line in filled], cut
