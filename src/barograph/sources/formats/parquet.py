"""Tables in Parquet files: what `barograph export` writes, pandas data frames, what trackers export.

They are read through pyarrow, in portions, and only the columns that may hold numbers: a table of answers is known by
the names and lengths of its columns, and its texts are not read.
"""

from __future__ import annotations

import io
import re
from array import array
from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import Any, BinaryIO, ClassVar

from barograph.sources.base import Document, RawRun, Source, unreadable
from barograph.sources.numbers import Kind
from barograph.sources.storage.compressed import is_packed
from barograph.sources.storage.json_text import Broken, loads
from barograph.sources.table import MOST_COLUMNS, Gatherer, RawColumn, RawTable
from barograph.sources.wording import counted, listed, visible

__all__ = ["PARQUET", "Parquet"]

MARK = b"PAR1"
#: Rows that are unpacked at once.
PORTION = 16_384
#: A file has no more rows than bytes, unless it is made to fill the memory of whoever reads it.
MOST_ROWS = 1_000_000
#: Cells, empty ones too, that a file may have whatever its size, and for each of its bytes.
FREE_CELLS, CELLS_PER_BYTE = 50_000_000, 200
#: Numbers that it may hold, likewise.
FREE_NUMBERS, NUMBERS_PER_BYTE = 16_000_000, 10
#: Cells of all columns that are unpacked at once.
CELLS_AT_ONCE = 4_000_000
#: What is longer, on average, is no number and no name of a run.
LONGEST_TEXT = 200
#: Columns that together make a table of answers, which is no log although it has numbers.
_ANSWERS = ({"prompt", "completion"}, {"prompt", "chosen", "rejected"}, {"prompt", "response"})
#: How pandas calls an index that has no name.
_INDEX = re.compile(r"__index_level_\d+__")
#: Columns that the tables have to which trackio exports a project; there `step` counts the calls of the logger.
_TRACKIO = frozenset({"timestamp", "run_name", "step", "log_id"})


class Parquet(Source):
    """A table with a column for each metric."""

    name: ClassVar[str] = "parquet"
    is_general: ClassVar[bool] = True
    describes: ClassVar[str] = (
        "A Parquet file with a column for each metric: barograph's own export, a pandas data frame, a tracker's export."
    )
    checked: ClassVar[str] = "files that barograph, pandas 3.1 and trackio 0.43 wrote"
    suffixes: ClassVar[tuple[str, ...]] = (".parquet", ".pq")

    def recognises(self, path: str, head: bytes) -> bool:
        return head.startswith(MARK)

    def read(self, document: Document) -> list[RawRun]:
        with _opened(document) as (file, size):
            table = _Table(document.path, file, size)
            return [RawRun(table.read(), {}, table.notes())]


@contextmanager
def _opened(document: Document) -> Iterator[tuple[Any, int]]:
    """The file, and how many bytes it has. Whatever is wrong with it, also later on, is `UnreadableRun`."""
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ImportError:
        raise unreadable(document.path, "needs pyarrow", "pip install 'barograph[parquet]'") from None
    with ExitStack() as closing:
        stream: BinaryIO = closing.enter_context(document.open())
        if document.data is not None or is_packed(document.place):
            stream = io.BytesIO(stream.read())
        size = stream.seek(0, io.SEEK_END)
        try:
            stream.seek(0)
            texts = [field.name for field in parquet.ParquetFile(stream).schema_arrow if _is_text(field.type)]
            stream.seek(0)
            # As a dictionary, each different text is unpacked once, however often it stands there.
            yield parquet.ParquetFile(stream, read_dictionary=texts), size
        except (pa.ArrowException, OSError, ValueError) as error:
            if isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno):
                raise
            said = visible(str(error).split("\n", 1)[0], 150)
            raise unreadable(document.path, f"is a damaged Parquet file ({said})", "was it cut, or is it not whole yet?"
                             ) from None  # fmt: skip


def _is_text(kind: Any) -> bool:
    from pyarrow import types

    if types.is_dictionary(kind):
        kind = kind.value_type
    return bool(types.is_string(kind) or types.is_large_string(kind))


def _is_number(kind: Any) -> bool:
    from pyarrow import types

    if types.is_dictionary(kind):
        kind = kind.value_type
    tests = (types.is_integer, types.is_floating, types.is_boolean, types.is_decimal)
    return any(test(kind) for test in tests)


def _is_empty(kind: Any) -> bool:
    from pyarrow import types

    return bool(types.is_null(kind))


def _kind_of(kind: Any) -> str:
    """What a column holds that is no number, in words."""
    from pyarrow import types

    if _is_text(kind):
        return Kind.TEXT.value
    if types.is_struct(kind) or types.is_map(kind):
        return Kind.NESTED.value
    if types.is_temporal(kind):
        return "a date or time"
    return Kind.LIST.value if types.is_nested(kind) else "no number"


class _Table:
    """The state of reading one file."""

    def __init__(self, path: str, file: Any, size: int) -> None:
        self._path = path
        self._file = file
        self._rows = file.metadata.num_rows
        self._numbers_left = FREE_NUMBERS + NUMBERS_PER_BYTE * size
        self._check_size(size)
        self._columns: dict[str, RawColumn] = {}
        self._texts: dict[str, list[str | None]] = {}
        self._left_out: dict[str, tuple[str, int]] = {}
        self._taken: list[str] = []

    def _check_size(self, size: int) -> None:
        columns = self._file.metadata.num_columns
        if columns > MOST_COLUMNS:
            raise unreadable(self._path, f"has {columns:,} columns", "is the table transposed?")
        if self._rows > max(MOST_ROWS, size) or self._rows * columns > FREE_CELLS + CELLS_PER_BYTE * size:
            raise unreadable(self._path, f"claims {counted(self._rows, 'row')} of {counted(columns, 'column')}, "
                             "far more than its size explains", "is this a log?")  # fmt: skip

    def read(self) -> RawTable:
        self._sort_columns()
        wanted = [*self._columns, *self._texts]
        # Nested columns of the same name would come along; what is not wanted is passed over.
        portion = max(256, min(PORTION, CELLS_AT_ONCE // max(1, len(wanted))))
        first = 0
        for batch in self._file.iter_batches(portion, columns=wanted) if wanted else ():
            self._take(batch, first)
            first += batch.num_rows
        return self._table()

    def _sort_columns(self) -> None:
        """Tell which columns are read as numbers, which as text that may be numbers, and which are left out."""
        schema = self._file.schema_arrow
        texts = {field.name for field in schema if _is_text(field.type)}
        if any(answers <= texts for answers in _ANSWERS):
            raise unreadable(self._path, "holds no known metric, only a table of prompts and answers",
                             "name the log of the run")  # fmt: skip
        lengths = self._lengths(texts)
        for field in schema:
            if _INDEX.fullmatch(field.name) or _is_empty(field.type):
                continue
            if field.name in self._columns or field.name in self._texts or field.name in self._left_out:
                self._taken.append(field.name)
            elif _is_number(field.type):
                self._columns[field.name] = RawColumn(array("q"), array("d"))
            elif field.name in texts and lengths.get(field.name, 0) <= LONGEST_TEXT:
                self._texts[field.name] = []
            else:
                self._left_out[field.name] = (_kind_of(field.type), self._rows)

    def _lengths(self, names: Collection[str]) -> dict[str, float]:
        """The bytes that a value takes in some columns, on average."""
        sizes: Counter[str] = Counter()
        metadata = self._file.metadata
        for index in range(metadata.num_columns):
            if (name := metadata.schema.column(index).path) in names:
                groups = range(metadata.num_row_groups)
                sizes[name] += sum(metadata.row_group(group).column(index).total_uncompressed_size for group in groups)
        return {name: size / max(1, self._rows) for name, size in sizes.items()}

    def _take(self, batch: Any, first: int) -> None:
        seen: set[str] = set()
        for name, column in zip(batch.schema.names, batch.columns, strict=True):
            if name in seen:
                continue
            if name in self._columns and _is_number(column.type):
                self._take_numbers(self._columns[name], column, first)
                seen.add(name)
            elif name in self._texts and _is_text(column.type):
                self._texts[name] += _texts_of(column)
                seen.add(name)

    def _take_numbers(self, known: RawColumn, column: Any, first: int) -> None:
        import pyarrow as pa
        from pyarrow import compute, types

        if types.is_dictionary(column.type):
            column = column.dictionary_decode()
        if types.is_boolean(column.type):
            column = column.cast(pa.int8())
        self._numbers_left -= len(column) - column.null_count
        if self._numbers_left < 0:
            raise unreadable(self._path, "unpacks to far more numbers than its size explains", "is this a log?")
        if column.null_count:
            at = compute.indices_nonzero(column.is_valid()).cast(pa.int64())
            known.at.frombytes(_eight_bytes_each(compute.add(at, first)))
        else:
            known.at.extend(range(first, first + len(column)))
        known.values.frombytes(_eight_bytes_each(column.drop_null().cast(pa.float64(), safe=False)))

    def _table(self) -> RawTable:
        gatherer = Gatherer()
        for name, texts in self._texts.items():
            gatherer.add_column(name, texts)
        text = gatherer.finish()
        cleaned = list(text.cleaned)
        columns = dict(text.columns)
        shared: dict[bytes, array[int]] = {}
        for raw_key, (at, values) in self._columns.items():
            key = visible(raw_key, 500)
            if key != raw_key:
                cleaned.append(key)
            if at:
                columns.setdefault(key, RawColumn(shared.setdefault(at.tobytes(), at), values))
        names = self._file.schema_arrow.names
        order = {visible(name, 500): index for index, name in reversed(list(enumerate(names)))}
        columns |= {key: column for key, column in self._index().items() if key not in order}
        columns = {key: columns[key] for key in sorted(columns, key=lambda key: order.get(key, len(order)))}
        left_out = {**text.left_out, **{visible(key, 500): what for key, what in self._left_out.items()}}
        table = RawTable(self._rows, columns, left_out, cleaned, text.target, text.labels)
        return _of_trackio(table) if set(names) >= _TRACKIO else table

    def _index(self) -> dict[str, RawColumn]:
        """The named index of a data frame whose values lie evenly: pandas does not store it, but says how it goes."""
        said = (self._file.schema_arrow.metadata or {}).get(b"pandas", b"{}")
        try:
            (found,) = loads(said)["index_columns"]
            values = range(found["start"], found["stop"], found["step"])
            if not isinstance(found["name"], str) or len(values) != self._rows:
                return {}
            column = RawColumn(array("q", range(self._rows)), array("d", values))
        except (Broken, TypeError, KeyError, ValueError, OverflowError):
            return {}
        return {visible(found["name"], 500): column}

    def notes(self) -> list[str]:
        if not self._taken:
            return []
        return [f"columns with a name that is taken, left out: {listed(self._taken)}"]


def _eight_bytes_each(numbers: Any) -> bytes | memoryview:
    """The numbers of a column without nulls as they lie in memory."""
    if not len(numbers):
        return b""
    begin = 8 * numbers.offset
    return memoryview(numbers.buffers()[1])[begin : begin + 8 * len(numbers)]


def _texts_of(column: Any) -> list[str | None]:
    """The texts of a column, those that are too long for a number or a name cut short."""
    from pyarrow import compute

    used = compute.unique(column.indices.drop_null())
    texts = compute.utf8_slice_codeunits(column.dictionary.take(used), 0, LONGEST_TEXT)
    by_index = dict(zip(used.to_pylist(), texts.to_pylist(), strict=True))
    return [by_index.get(index) for index in column.indices.to_pylist()]


def _of_trackio(table: RawTable) -> RawTable:
    """The table of a project of trackio: its steps count calls, and of two names of each run one is enough."""
    columns = {("_step" if key == "step" else key): column for key, column in table.columns.items() if key != "id"}
    labels = dict(table.labels)
    if len(labels.get("run_name", ())) >= len(labels.get("run_id", ())):
        labels.pop("run_id", None)
    left_out = {key: what for key, what in table.left_out.items() if key not in {"log_id", "space_id"}}
    return replace(table, columns=columns, labels=labels, left_out=left_out)


PARQUET = Parquet()
