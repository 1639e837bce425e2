"""Every form in which a run can be written, and the way into a file that is never half written."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from barograph.core.errors import ConfigurationError
from barograph.sinks.csv_table import write_csv
from barograph.sinks.json_list import write_json
from barograph.sinks.jsonl import write_jsonl
from barograph.sinks.parquet import write_parquet
from barograph.sinks.replace import writing
from barograph.sinks.rows import Rows

__all__ = ["SINKS", "Sink", "sink_for", "write_file"]


@dataclass(frozen=True, slots=True)
class Sink:
    """One form."""

    name: str
    #: Endings of file names that ask for it.
    suffixes: tuple[str, ...]
    write: Callable[[Rows, BinaryIO], None]
    #: Whether it is text that may go to standard output.
    is_text: bool = True


SINKS: dict[str, Sink] = {
    sink.name: sink
    for sink in (
        Sink("jsonl", (".jsonl", ".ndjson"), write_jsonl),
        Sink("csv", (".csv",), write_csv),
        Sink("json", (".json",), write_json),
        Sink("parquet", (".parquet", ".pq"), write_parquet, is_text=False),
    )
}


def sink_for(name: str | None, path: str | None) -> Sink:
    """The form that was asked for by name, else by the ending of the file; JSON lines for standard output.

    >>> sink_for(None, "run.CSV").name, sink_for("json", "run.csv").name, sink_for(None, None).name
    ('csv', 'json', 'jsonl')
    """
    if name is not None:
        return SINKS[name]
    if path is None:
        return SINKS["jsonl"]
    for sink in SINKS.values():
        if path.lower().endswith(sink.suffixes):
            return sink
    known = ", ".join(suffix for sink in SINKS.values() for suffix in sink.suffixes[:1])
    raise ConfigurationError(f"{path}: the ending names no format; take one of {known}, or say --format")


def write_file(sink: Sink, rows: Rows, path: str) -> None:
    """Write a file as a whole: it appears, or replaces the one before, only when it is complete."""
    target = Path(path)
    if target.is_dir():
        raise ConfigurationError(f"{path}: is a folder; name a file in it")
    if not target.parent.is_dir():
        raise ConfigurationError(f"{path}: there is no folder {target.parent}; make it first")
    with writing(path) as stream:
        sink.write(rows, stream)
