"""A Parquet file: a column for each name, with nulls where nothing was logged."""

from __future__ import annotations

from typing import BinaryIO

from barograph.core.errors import MissingExtra
from barograph.sinks.rows import STEP, Rows

__all__ = ["write_parquet"]


def write_parquet(rows: Rows, stream: BinaryIO) -> None:
    """The table. NaN and the infinities are kept as they are."""
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ImportError:
        raise MissingExtra("writing Parquet", "pyarrow", "parquet") from None
    columns = {STEP: pa.array([step for step, _ in rows], pa.int64())}
    for name in rows.names:
        columns[name] = pa.array([values.get(name) for _, values in rows], pa.float64(), from_pandas=False)
    parquet.write_table(pa.table(columns), stream)
