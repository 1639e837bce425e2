"""A data set by its name: a file, a folder of files, a folder saved by `datasets`, or a data set of the hub."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from barograph.core.errors import ConfigurationError, suggest
from barograph.data.formats.array import ArrayFile, splits_of
from barograph.data.formats.base import PACKED, DataFile, Row, UnreadableData, bare_suffix, check_encoding, reading
from barograph.data.formats.lines import LinesFile
from barograph.data.formats.parquet import ParquetFile
from barograph.data.formats.saved import hub_splits, is_saved, saved_splits
from barograph.data.formats.table import TableFile

__all__ = ["LOG", "SUFFIXES", "DataSet", "Place", "Splits", "open_data"]

FORMATS: Mapping[str, type[DataFile]] = {
    ".jsonl": LinesFile,
    ".ndjson": LinesFile,
    ".json": ArrayFile,
    ".csv": TableFile,
    ".tsv": TableFile,
    ".parquet": ParquetFile,
}
SUFFIXES = tuple(FORMATS)
#: How the log of a cleaned copy ends, which lies beside it.
LOG = ".dropped.jsonl"
#: What a split that is held out is called, and so are files of it.
HELD_OUT = ("test", "eval", "evaluation", "validation", "valid", "val", "dev", "held_out", "heldout")
#: How a data set of the hub is named.
_HUB = re.compile(r"[\w.-]+/[\w.-]+")
#: What lies beside data and is none: what `datasets` writes of a set, and the log of a cleaned copy.
BESIDE = frozenset({"dataset_info.json", "dataset_infos.json", "dataset_dict.json", "state.json"})


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
        return Place(self.files[file].known_as, number - self._starts[file])

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


def open_data(where: str, split: str | None = None) -> Splits:
    """The data set under a name, and of several splits the one that is named. Nothing but its beginning is read."""
    path = Path(where).expanduser()
    with reading(path):
        if path.is_dir():
            if is_saved(path):
                return _named(where, saved_splits(path), split)
            _refuse_split(where, split)
            return _folder(path, where)
        if path.exists():
            return _file(path, where, split)
    if bare_suffix(path) in FORMATS or where.startswith((".", "/", "~")) or not _HUB.fullmatch(where):
        near = sorted(one.name for one in path.parent.iterdir()) if path.parent.is_dir() else []
        hub = "" if _HUB.fullmatch(where) or len(path.parts) > 1 or path.suffix else "; a set of the hub is OWNER/NAME"
        raise UnreadableData(f"{where}: there is no such file or folder{suggest(path.name, near) or hub}")
    return _named(where, hub_splits(where), split)


def _file(path: Path, where: str, split: str | None) -> Splits:
    if path.is_file() and path.stat().st_size == 0:
        raise UnreadableData(f"{where}: is empty")
    made = _format_of(path)
    if made is None:
        raise UnreadableData(
            f"{where}: is no {', '.join(SUFFIXES)} file (also packed: {', '.join(PACKED)}); rename or convert it"
        )
    if made is not ParquetFile:
        check_encoding(path)
    names = splits_of(path) if made is ArrayFile else []
    if not names:
        _refuse_split(where, split)
        return Splits(DataSet(where, [made(path)]))
    return _named(where, {name: ArrayFile(path, name) for name in names}, split)


def _refuse_split(where: str, split: str | None) -> None:
    if split is not None:
        raise ConfigurationError(f"--split {split}: {where} has no splits with names; name the file that you mean")


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
    files = (path for path in sorted(folder.rglob("*")) if not _is_beside(path.relative_to(folder)))
    found = [(path, made) for path in files if path.is_file() and (made := _format_of(path))]
    if not found:
        raise UnreadableData(f"{where}: holds no {', '.join(SUFFIXES)} file")
    kinds = {made.describes for _, made in found}
    if len(kinds) > 1:
        raise UnreadableData(f"{where}: holds files of several kinds ({', '.join(sorted(kinds))}); name one of them")
    for path, made in found:
        if made is not ParquetFile:
            check_encoding(path)
    held_out = [made(path) for path, made in found if _is_held_out(path.relative_to(folder).as_posix())]
    train = [made(path) for path, made in found if not _is_held_out(path.relative_to(folder).as_posix())]
    if not train:
        return Splits(DataSet(where, held_out))
    return Splits(DataSet(where, train), DataSet(where, held_out) if held_out else None)


def _is_held_out(name: str) -> bool:
    return not _words(name).isdisjoint(HELD_OUT)


def _is_beside(path: Path) -> bool:
    """Whether it is no data, or hidden."""
    return path.name in BESIDE or path.name.endswith(LOG) or any(part.startswith(".") for part in path.parts)


def _named(where: str, splits: Mapping[str, DataFile], wanted: str | None) -> Splits:
    """The split to be trained on, by its name or as it is asked for, and the one that is held out beside it."""
    if wanted is None:
        to_train = [name for name in splits if not _is_held_out(name)] or list(splits)
        to_train = [name for name in to_train if "train" in _words(name)] or to_train
        wanted = "train" if "train" in splits else to_train[0]
        if len(to_train) > 1 and wanted != "train":
            raise UnreadableData(f"{where}: has the splits {', '.join(splits)}; say which one by --split")
    elif wanted not in splits:
        raise ConfigurationError(f"--split {wanted}: {where} has {', '.join(splits)}{suggest(wanted, splits)}")
    # Beside `train_prefs` stands `test_prefs`, and not `test_sft`.
    about = _words(wanted) - {"train", *HELD_OUT}
    beside = [name for name in splits if _is_held_out(name) and name != wanted]
    beside = [name for name in beside if _words(name) - {*HELD_OUT} == about] or (beside if not about else [])
    held_out = DataSet(where, [splits[beside[0]]]) if beside and not _is_held_out(wanted) else None
    return Splits(DataSet(where, [splits[wanted]]), held_out)


def _words(name: str) -> set[str]:
    return set(re.split(r"[^a-z]+", name.lower())) - {""}
