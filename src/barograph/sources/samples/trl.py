"""What TRL writes with `log_completions=True`: `completions/completions_00010.parquet`, a table for a logged step."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from barograph.core.errors import MissingExtra
from barograph.sources.samples.base import MOST_BYTES, MOST_ROWS, Row, row_of
from barograph.sources.samples.folder import RunFolder
from barograph.sources.samples.notes import Notes
from barograph.sources.wording import visible

__all__ = ["shelf_in"]

FOLDER = "completions"
_NAME = re.compile(r"completions_(\d{1,18})\.parquet")
#: Rows that are unpacked at once: one may hold a long talk.
PORTION = 64
#: Bytes that all of a table unpacks to; of more it says, it is not opened.
LARGEST = 4 * MOST_BYTES


@dataclass(frozen=True, slots=True)
class _Shelf:
    files: Mapping[int, Path]

    @property
    def steps(self) -> list[int]:
        return sorted(self.files)

    def read(self, steps: Iterable[int], notes: Notes) -> Iterator[tuple[int, list[Row]]]:
        for step in steps:
            yield step, _rows(self.files[step], step, notes)


def shelf_in(folder: RunFolder, notes: Notes) -> _Shelf | None:
    """The tables; their names tell the steps, so that none is opened."""
    files = {int(match[1]): path for match, path in folder.files(_NAME, FOLDER)}
    if not files:
        return None
    try:
        import pyarrow.parquet  # noqa: F401 - asked whether it is there
    except ImportError:
        notes.say(str(MissingExtra(f"{FOLDER}/*.parquet, which holds what the model said,", "pyarrow", "parquet")))
        return None
    return _Shelf(files)


def _rows(path: Path, step: int, notes: Notes) -> list[Row]:
    from pyarrow import parquet

    rows: list[Row] = []
    size = 0
    try:
        with path.open("rb") as stream:
            file = parquet.ParquetFile(stream)
            groups = (file.metadata.row_group(number) for number in range(file.metadata.num_row_groups))
            if sum(group.total_byte_size for group in groups) > LARGEST:
                notes.say(f"{FOLDER}/{path.name}: is too large to be shown")
                return []
            for batch in file.iter_batches(PORTION):
                rows += (row_of(step, row) for row in batch.to_pylist())
                size += batch.nbytes
                if size > MOST_BYTES or len(rows) >= MOST_ROWS:
                    notes.say(f"{FOLDER}/{path.name}: is very large; of its rows the first {len(rows):,} are shown")
                    break
    except Exception as error:  # noqa: BLE001 - a damaged file may fail anywhere inside the library
        said = visible(str(error).split("\n", 1)[0], 150)
        notes.say(f"{FOLDER}/{path.name}: cannot be read ({said}); is it not whole yet?")
    return rows[:MOST_ROWS]
