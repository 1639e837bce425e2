"""A data set by its name: a file, a folder of files, a folder saved by `datasets`, or a data set of the hub."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from barograph.core.errors import suggest
from barograph.data.formats.array import ArrayFile, splits_of
from barograph.data.formats.base import PACKED, DataFile, Row, UnreadableData, bare_suffix, reading
from barograph.data.formats.lines import LinesFile
from barograph.data.formats.parquet import ParquetFile
from barograph.data.formats.saved import hub_splits, is_saved, saved_splits
from barograph.data.formats.table import TableFile

__all__ = ["SUFFIXES", "DataSet", "Place", "Splits", "open_data"]

FORMATS: Mapping[str, type[DataFile]] = {
    ".jsonl": LinesFile,
    ".ndjson": LinesFile,
    ".json": ArrayFile,
    ".csv": TableFile,
    ".tsv": TableFile,
    ".parquet": ParquetFile,
}
SUFFIXES = tuple(FORMATS)
#: What a split that is held out is called, and so are files of it.
HELD_OUT = ("test", "eval", "evaluation", "validation", "valid", "val", "dev", "held_out", "heldout")
#: How a data set of the hub is named.
_HUB = re.compile(r"[\w.-]+(/[\w.-]+)?")


class Place(NamedTuple):
    """Where a row stands."""

    file: Path
    row: int


class DataSet:
    """One split: files whose rows are numbered through."""

    def __init__(self, name: str, files: Sequence[DataFile]) -> None:
        self.name = name
        self.files = tuple(files)
        self._starts = [0]

    def rows(self) -> Iterator[tuple[int, Row]]:
        """Every row under its number in the whole set; where there is one file, that is its number there."""
        start = 0
        for place, file in enumerate(self.files):
            last = 0
            for row in file.rows():
                last = row.number
                yield start + last, row
            start += last
            if len(self._starts) == place + 1:
                self._starts.append(start)

    def place(self, number: int) -> Place:
        """Where the row with a number stands, once it was read."""
        file = min(bisect_right(self._starts, number - 1), len(self.files)) - 1
        return Place(self.files[file].path, number - self._starts[file])

    def start_of(self, file: int) -> int:
        """The number that is added to the rows of a file."""
        return self._starts[file]

    def share_read(self) -> float:
        """How far the reading has come, from 0 to 1."""
        return sum(file.share_read for file in self.files) / len(self.files)

    @property
    def describes(self) -> str:
        return self.files[0].describes


class Splits(NamedTuple):
    """What is trained on, and what is held out, if the name stands for both."""

    train: DataSet
    held_out: DataSet | None = None


def open_data(where: str) -> Splits:
    """The data set under a name. Nothing but its beginning is read."""
    path = Path(where).expanduser()
    with reading(path):
        if path.is_dir():
            return _named(where, saved_splits(path)) if is_saved(path) else _folder(path, where)
        if path.exists():
            return _file(path, where)
    if bare_suffix(path) in FORMATS or where.startswith((".", "/", "~")) or not _HUB.fullmatch(where):
        near = sorted(one.name for one in path.parent.iterdir()) if path.parent.is_dir() else []
        raise UnreadableData(f"{where}: there is no such file or folder{suggest(path.name, near)}")
    return _named(where, hub_splits(where))


def _file(path: Path, where: str) -> Splits:
    if path.is_file() and path.stat().st_size == 0:
        raise UnreadableData(f"{where}: is empty")
    made = _format_of(path)
    if made is None:
        raise UnreadableData(
            f"{where}: is no {', '.join(SUFFIXES)} file (also packed: {', '.join(PACKED)}); rename or convert it"
        )
    if made is not ArrayFile:
        return Splits(DataSet(where, [made(path)]))
    names = splits_of(path)
    return _named(where, {name: ArrayFile(path, name) for name in names} or {"train": ArrayFile(path)})


def _format_of(path: Path) -> type[DataFile] | None:
    """By its suffix; a file called .json that holds a line for each example is one of lines."""
    made = FORMATS.get(bare_suffix(path))
    if made is ArrayFile and _holds_lines(path):
        return LinesFile
    return made


def _holds_lines(path: Path) -> bool:
    with reading(path):
        first = next((row for row in LinesFile(path).rows()), None)
    if first is None or first.fields is None:
        return False
    # One line may also hold everything: an object with a list for each split.
    return not first.fields or not all(isinstance(value, list) for value in first.fields.values())


def _folder(folder: Path, where: str) -> Splits:
    """The files of a folder; those that are called after a held-out split are held out."""
    found = [(path, made) for path in sorted(folder.rglob("*")) if path.is_file() and (made := _format_of(path))]
    if not found:
        raise UnreadableData(f"{where}: holds no {', '.join(SUFFIXES)} file")
    kinds = {made.describes for _, made in found}
    if len(kinds) > 1:
        raise UnreadableData(f"{where}: holds files of several kinds ({', '.join(sorted(kinds))}); name one of them")
    held_out = [made(path) for path, made in found if _is_held_out(path.relative_to(folder).as_posix())]
    train = [made(path) for path, made in found if not _is_held_out(path.relative_to(folder).as_posix())]
    if not train:
        return Splits(DataSet(where, held_out))
    return Splits(DataSet(where, train), DataSet(where, held_out) if held_out else None)


def _is_held_out(name: str) -> bool:
    return not set(HELD_OUT).isdisjoint(re.split(r"[^a-z]+", name.lower()))


def _named(where: str, splits: Mapping[str, DataFile]) -> Splits:
    """Splits by their names. One that is neither trained on nor held out is left alone if there is one that is."""
    held_out = [file for name, file in splits.items() if _is_held_out(name)]
    train = [file for name, file in splits.items() if "train" in re.split(r"[^a-z]+", name.lower())]
    train = train or [file for file in splits.values() if file not in held_out] or held_out
    return Splits(DataSet(where, train), DataSet(where, held_out) if held_out and held_out is not train else None)
