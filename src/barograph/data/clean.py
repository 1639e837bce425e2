"""A copy of a data set without what the checks would leave out, and a log of what was dropped and why."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

import orjson

from barograph.core.errors import ConfigurationError
from barograph.data.finding import DataFinding
from barograph.data.formats.base import DataFile, UnreadableData
from barograph.data.formats.saved import SavedSet
from barograph.data.reading import LOG, DataSet

__all__ = ["Cleaned", "check_room", "clean", "log_of"]


class Cleaned(NamedTuple):
    """What was written."""

    out: Path
    log: Path
    kept: int
    dropped: int


def clean(data: DataSet, rows: int, findings: Iterable[DataFinding], out: str | Path) -> Cleaned:
    """Write `data`, of `rows` rows, without those that findings drop. What is there already is never written over."""
    out = Path(out)
    log = check_room(data, out)
    reasons: dict[int, list[DataFinding]] = {}
    for finding in findings:
        for number in finding.drops:
            reasons.setdefault(number, []).append(finding)
    begun = out.with_name(f".part-{out.name}")
    try:
        _write(data, begun, lambda number: number not in reasons)
        with log.open("xb") as target:
            for number, why in sorted(reasons.items()):
                place = data.place(number)
                line = {
                    "row": place.row,
                    "file": str(place.file),
                    "codes": [finding.code for finding in why],
                    "why": [finding.name for finding in why],
                    "twin": next((data.place(f.twins[number]).row for f in why if number in f.twins), None),
                }
                target.write(orjson.dumps(line) + b"\n")
        begun.rename(out)
    except OSError as error:
        raise UnreadableData(f"{error.filename or out}: {error.strerror or error}") from None
    finally:
        if begun.is_dir():
            shutil.rmtree(begun)
        else:
            begun.unlink(missing_ok=True)
    return Cleaned(out, log, rows - len(reasons), len(reasons))


def log_of(out: Path) -> Path:
    """Where it is said what was dropped."""
    return out.with_name(f"{out.name}{LOG}")


def check_room(data: DataSet, out: Path) -> Path:
    """Refuse a copy that could not be written, before anything is read for it; else say where its log will be."""
    log = log_of(out)
    for path in (out, log):
        if path.exists():
            raise ConfigurationError(f"{path}: is there already, and nothing is written over; name another file")
    if not out.parent.is_dir():
        raise ConfigurationError(f"{out.parent}: there is no such folder")
    first = data.files[0]
    if len(data.files) == 1 and not isinstance(first, SavedSet) and out.suffixes[-1:] != first.path.suffixes[-1:]:
        raise ConfigurationError(
            f"{out}: the copy is of the same format as {first.path.name}; let its name end in {first.path.suffix!r}"
        )
    if not os.access(out.parent, os.W_OK):
        raise ConfigurationError(f"{out.parent}: nothing may be written there; name another folder")
    return log


def _write(data: DataSet, out: Path, keeps: Callable[[int], bool]) -> None:
    """One file as one file, several as a folder of files of the same names."""
    if len(data.files) == 1:
        data.files[0].copy(out, keeps)
        return
    out.mkdir()
    for place, file in enumerate(data.files):
        start = data.start_of(place)
        target = out / _name_in(data, file)
        target.parent.mkdir(parents=True, exist_ok=True)
        file.copy(target, lambda number, start=start: keeps(start + number))  # type: ignore[misc]


def _name_in(data: DataSet, file: DataFile) -> Path:
    folder = Path(data.name).expanduser()
    return file.path.relative_to(folder) if folder.is_dir() else Path(file.path.name)
