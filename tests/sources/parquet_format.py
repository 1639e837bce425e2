"""A Parquet file of a run, written with pyarrow as pandas does: a column for each key, nulls where nothing is."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def write_parquet(path: Path, rows: list[dict[str, Any]]) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    keys = dict.fromkeys(key for row in rows for key in row)
    table = pa.table({key: _column([row.get(key) for row in rows]) for key in keys})
    parquet.write_table(table, path)


def _column(values: list[Any]) -> Any:
    import pyarrow as pa

    kinds = {type(value) for value in values} - {type(None)}
    if str in kinds:
        return pa.array([value if value is None else str(value) for value in values], pa.string())
    return pa.array(values, pa.int64() if kinds == {int} else pa.float64(), from_pandas=False)
