"""What a file of examples is: rows, counted from 1 on, read one after another and never all at once."""

from __future__ import annotations

import bz2
import codecs
import gzip
import lzma
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, BinaryIO, ClassVar, NamedTuple, cast

from barograph.core.errors import BarographError

__all__ = [
    "LONGEST_ROW",
    "PACKED",
    "DataFile",
    "Row",
    "UnreadableData",
    "bare_suffix",
    "check_encoding",
    "opened",
    "reading",
    "unpacked",
]

#: A row of more bytes than this is no example: nobody trains on answers of a million words.
LONGEST_ROW = 16 << 20

_OPENERS: Mapping[str, Callable[[BinaryIO, str], object]] = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}
PACKED = tuple(_OPENERS)


class UnreadableData(BarographError):
    """A data set that cannot be read: one sentence that says where, and what to do."""


class Row(NamedTuple):
    """One row of a file."""

    number: int
    #: None where it cannot be understood.
    fields: Mapping[str, Any] | None
    #: Why not, in a few words.
    flaw: str = ""
    #: Whether its bytes were no UTF-8; what is lost stands there as U+FFFD.
    is_damaged: bool = False


class DataFile(ABC):
    """One file of examples."""

    #: What it is called in messages.
    describes: ClassVar[str]

    def __init__(self, path: Path) -> None:
        self.path = path
        #: What it is called where a row is named.
        self.known_as = path
        #: How far it has been read, from 0 to 1.
        self.share_read = 0.0

    @abstractmethod
    def rows(self) -> Iterator[Row]:
        """Every row, also those that cannot be understood. May be asked for again."""

    @abstractmethod
    def copy(self, out: Path, keeps: Callable[[int], bool]) -> None:
        """Write the rows whose numbers `keeps` agrees to into a file of the same kind."""


def bare_suffix(path: Path) -> str:
    """The suffix below that of a packer.

    >>> bare_suffix(Path("pairs.JSONL.gz"))
    '.jsonl'
    """
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if suffixes and suffixes[-1] in _OPENERS:
        suffixes.pop()
    return suffixes[-1] if suffixes else ""


@contextmanager
def opened(file: DataFile) -> Iterator[tuple[IO[bytes], Callable[[], None]]]:
    """The bytes of a file, unpacked, and a function that notes how far they have been read."""
    size = max(1, file.path.stat().st_size)
    with reading(file.path), file.path.open("rb") as raw:
        opener = _OPENERS.get(file.path.suffix.lower())
        stream = cast("IO[bytes]", opener(raw, "rb")) if opener else cast("IO[bytes]", raw)

        def note() -> None:
            file.share_read = min(1.0, raw.tell() / size)

        yield stream, note
        file.share_read = 1.0


@contextmanager
def unpacked(path: Path, packer: str) -> Iterator[IO[bytes]]:
    """The bytes of a file that was packed by what this suffix stands for; by nothing, if it stands for nothing."""
    opener = _OPENERS.get(packer)
    with reading(path), path.open("rb") as raw:
        yield cast("IO[bytes]", opener(raw, "rb")) if opener else raw


def check_encoding(path: Path) -> None:
    """Refuse text whose first bytes say that it is no UTF-8."""
    with unpacked(path, path.suffix.lower()) as stream:
        begin = stream.read(64)
    if begin.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or b"\0" in begin:
        raise UnreadableData(
            f"{path}: is UTF-16 or binary, where UTF-8 belongs; if it is text, iconv -f UTF-16 -t UTF-8 makes it so"
        )


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Inside, what an archive or the disk says against a file is one sentence."""
    try:
        yield
    except (EOFError, lzma.LZMAError, gzip.BadGzipFile) as error:
        raise UnreadableData(f"{path}: is damaged or was cut ({error}); fetch or write it again") from None
    except OSError as error:
        raise UnreadableData(f"{path}: {error.strerror or error}") from None


@contextmanager
def written(path: Path) -> Iterator[IO[bytes]]:
    """A new file to be filled, packed if its name says so."""
    opener = _OPENERS.get(path.suffix.lower())
    with path.open("xb") as raw:
        if opener is None:
            yield raw
            return
        with cast("IO[bytes]", opener(raw, "wb")) as packed:
            yield packed
