"""Parquet, through pyarrow."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from barograph.core.errors import MissingExtra
from barograph.data.formats.base import DataFile, Row, UnreadableData, reading

__all__ = ["ParquetFile"]

#: Rows that are in memory at a time.
BATCH = 1024


class ParquetFile(DataFile):
    """One Parquet file, read batch by batch."""

    describes = "Parquet"

    def rows(self) -> Iterator[Row]:
        number = 0
        with self._opened() as file:
            total = max(1, file.metadata.num_rows)
            for batch in file.iter_batches(batch_size=BATCH):
                for fields in batch.to_pylist():
                    number += 1
                    yield Row(number, fields)
                self.share_read = number / total

    def copy(self, out: Path, keeps: Callable[[int], bool]) -> None:
        import pyarrow as pa
        from pyarrow import parquet

        number = 0
        with self._opened() as file, out.open("xb") as raw, parquet.ParquetWriter(raw, file.schema_arrow) as target:
            for batch in file.iter_batches(batch_size=BATCH):
                kept = pa.array([keeps(number + place) for place in range(1, len(batch) + 1)], pa.bool_())
                number += len(batch)
                target.write_batch(batch.filter(kept))

    @contextmanager
    def _opened(self) -> Iterator[Any]:
        try:
            import pyarrow as pa
            from pyarrow import parquet
        except ImportError:
            raise MissingExtra("reading Parquet", "pyarrow", "parquet") from None
        try:
            with reading(self.path), self.path.open("rb") as stream:
                yield parquet.ParquetFile(stream)
        except (pa.ArrowException, OSError, ValueError) as error:
            if isinstance(error, UnreadableData):
                raise
            said = str(error).split("\n", 1)[0][:150].rstrip(". ")
            raise UnreadableData(
                f"{self.path}: is a damaged Parquet file ({said}); was it cut, or is it not whole yet?"
            ) from None
