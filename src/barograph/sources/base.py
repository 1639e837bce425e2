"""What a log is to us, and what each format has to offer.

To add a format, write one file with one `Source` in it and name it in `catalogue.SOURCES`: say which bytes are yours
(`recognises`), where such files lie in a folder (`landmarks`), and gather their rows (`read`). Names, steps, resumes
and methods are not a reader's business; `normalise` sees to them for every format alike.
"""

from __future__ import annotations

import codecs
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import BinaryIO, ClassVar

from barograph.core.errors import UnreadableRun
from barograph.sources.table import RawTable
from barograph.sources.wording import visible

__all__ = ["HEAD", "STANDARD_INPUT", "Document", "RawRun", "Source", "decoded", "first_lines", "unreadable"]

#: How much of a file decides what it is.
HEAD = 64 * 1024
STANDARD_INPUT = "-"


def unreadable(path: object, problem: str, cure: str = "") -> UnreadableRun:
    """The error for a log, with its name made safe to print."""
    return UnreadableRun("standard input" if str(path) == STANDARD_INPUT else visible(path, 500), problem, cure)


@dataclass(frozen=True, slots=True)
class Document:
    """The bytes of one log as UTF-8: a file, or what came from standard input.

    A byte order mark is taken off, and UTF-16 (what a Windows shell writes when it redirects) is recoded.
    """

    path: str
    data: bytes | None = None

    def open(self) -> BinaryIO:
        stream: BinaryIO = BytesIO(self.data) if self.data is not None else Path(self.path).open("rb")  # noqa: SIM115 - closed by the caller
        mark = stream.read(3)
        if mark.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            with stream:
                return BytesIO((mark + stream.read()).decode("utf-16", "replace").encode("utf-8", "replace"))
        if mark != codecs.BOM_UTF8:
            stream.seek(0)
        return stream

    def read(self) -> bytes:
        with self.open() as stream:
            return stream.read()

    def head(self) -> bytes:
        with self.open() as stream:
            return stream.read(HEAD)


@dataclass(slots=True)
class RawRun:
    """What a reader found: raw columns, what the file says of the run's settings, and what had to be left out."""

    table: RawTable
    config: dict[str, object] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


class Source(ABC):
    """One format that somebody's log may have."""

    #: A word for `--json` and messages.
    name: ClassVar[str]
    #: One sentence for the documentation.
    describes: ClassVar[str]
    #: Where such a log lies in a run's folder, as patterns, surest first.
    landmarks: ClassVar[tuple[str, ...]] = ()
    #: Endings of files of this format that may have any name.
    suffixes: ClassVar[tuple[str, ...]] = ()

    @abstractmethod
    def recognises(self, path: str, head: bytes) -> bool:
        """Whether the file that begins with `head` (64 KB) is of this format. The content decides, not the name."""

    @abstractmethod
    def read(self, document: Document) -> RawRun:
        """The rows of the log. Raises `UnreadableRun` and nothing else."""

    def in_folder(self, folder: Path) -> list[Path]:
        """Files of this format at the places where a run's folder keeps them, best first."""
        return [path for pattern in self.landmarks for path in sorted(folder.glob(pattern)) if path.is_file()]

    def facts_beside(self, path: str) -> dict[str, object]:
        """Settings found in files next to the log. Never cached with it, for they change on their own."""
        return {}


def decoded(data: bytes) -> tuple[str, bool]:
    """The text, and whether bytes that are not UTF-8 had to be replaced."""
    try:
        return data.decode("utf-8"), False
    except UnicodeDecodeError:
        return data.decode("utf-8", "replace"), True


def first_lines(head: bytes, limit: int = 10) -> tuple[list[bytes], bool]:
    """The first lines that are not blank, and whether the last of them may be cut by the end of `head`."""
    lines = head.split(b"\n")
    filled = [(number, line.strip()) for number, line in enumerate(lines) if line.strip()][:limit]
    cut = bool(filled) and len(head) >= HEAD and filled[-1][0] == len(lines) - 1
    return [line for _, line in filled], cut
