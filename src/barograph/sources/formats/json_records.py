"""JSON documents: a list of records, an object that holds one, or an object of columns."""

from __future__ import annotations

from typing import Any, ClassVar

from barograph.sources.base import Document, RawRun, Source, decoded, table_of, unreadable
from barograph.sources.storage.json_text import Broken, parser
from barograph.sources.table import Gatherer, RawTable, TooManyColumns
from barograph.sources.wording import counted, listed, visible

__all__ = ["JSON_RECORDS", "JsonRecords", "parsed", "table_of_records"]

#: Where an object keeps its records, most telling name first.
HOLDERS = ("log_history", "history", "metrics", "logs", "records", "rows", "data")


class JsonRecords(Source):
    """A JSON document that holds the rows of a run, as records or as columns."""

    name: ClassVar[str] = "json"
    is_general: ClassVar[bool] = True
    describes: ClassVar[str] = (
        "A JSON list of records, an object with such a list (under `history`, `metrics`, `logs` or the like), or an "
        "object with a list for each metric."
    )
    checked: ClassVar[str] = "five real runs"
    landmarks: ClassVar[tuple[str, ...]] = (
        "metrics/training_metrics.json",
        "training_metrics.json",
        "metrics_history.json",
        "log_history.json",
        "trajectory.json",
    )
    suffixes: ClassVar[tuple[str, ...]] = (".json",)

    def recognises(self, path: str, head: bytes) -> bool:
        start = head.lstrip()
        if start.startswith(b"{"):
            return start[1:].lstrip()[:1] in (b'"', b"}", b"")
        return start.startswith(b"[") and start[1:].lstrip()[:1] in (b"{", b"]", b"[", b"")

    def read(self, document: Document) -> list[RawRun]:
        found = parsed(document, (dict, list))
        notes: list[str] = []
        if isinstance(found, list):
            table, notes = table_of_records(document.path, found)
            return [RawRun(table, {}, notes)]
        facts: dict[str, object] = {key: value for key, value in found.items() if isinstance(value, str | int | float)}
        for holder in (key for key in (*HOLDERS, *found) if isinstance(found.get(key), list | dict)):
            inner = found[holder]
            if isinstance(inner, list) and inner and all(isinstance(record, dict) for record in inner):
                table, notes = table_of_records(document.path, inner)
                return [RawRun(table, facts, notes)]
            if isinstance(inner, dict) and (columns := _columns(inner)):
                return [RawRun(*_table_of_columns(document.path, columns, facts))]
        columns = _columns(found)
        # One row may hold a list among its numbers; a table of columns has at least two, or nothing else.
        if len(columns) > 1 or (columns and not any(isinstance(fact, int | float) for fact in facts.values())):
            return [RawRun(*_table_of_columns(document.path, columns, facts))]
        table, notes = table_of_records(document.path, [found] if found else [])
        return [RawRun(table, {}, notes)]


def parsed(document: Document, kinds: tuple[type, ...] = (dict,)) -> Any:
    """The value of a whole JSON document, which must be an object (or what `kinds` says)."""
    data = document.read()
    if not data.strip():
        problem = "holds nothing but white space" if data else "is empty"
        raise unreadable(document.path, problem, "is the run still starting?")
    try:
        found = parser(len(data))(data)
    except Broken as broken:
        found = _several_documents(data) if broken.problem == "Extra data" else None
        if not found:
            place = f"line {broken.line:,} column {broken.column:,}"
            if broken.at_the_end:
                raise unreadable(
                    document.path, f"the JSON ends too early, at {place}", "the file was cut: copy or save it again"
                ) from None
            raise unreadable(
                document.path, f"is no valid JSON: {visible(broken.problem)} at {place}", "was it edited or cut?"
            ) from None
    if not isinstance(found, kinds):
        wanted = " or a list" if list in kinds else ""
        raise unreadable(document.path, f"holds a JSON {type(found).__name__}", f"expected an object{wanted}")
    return found


def _several_documents(data: bytes) -> list[Any] | None:
    """Objects written one after the other, each over several lines."""
    import json

    decoder, text = json.JSONDecoder(), decoded(data)[0]
    found, position = [], 0
    try:
        while position < len(text):
            value, position = decoder.raw_decode(text, position)
            found.append(value)
            while position < len(text) and text[position].isspace():
                position += 1
    except (ValueError, RecursionError):
        return None
    return found if all(isinstance(value, dict) for value in found) else None


def table_of_records(path: str, records: list[Any]) -> tuple[RawTable, list[str]]:
    """The table of a list of records, and a note on entries that are none."""
    rows = [record for record in records if isinstance(record, dict)]
    others = len(records) - len(rows)
    if others > len(rows):
        raise unreadable(
            path, f"holds a list with {counted(others, 'entry', 'entries')} that are no records", "expected objects"
        )
    table = table_of(path, rows)
    notes = [f"{counted(others, 'entry', 'entries')} of the list left out: no records"] if others else []
    return table, notes


def _columns(found: dict[str, Any]) -> dict[str, list[Any]]:
    """The columns of an object like `{"step": [1, 2], "loss": [0.7, 0.6]}`, or of pandas' `{"loss": {"0": 0.7}}`."""
    columns: dict[str, list[Any]] = {}
    for key, held in found.items():
        value = held
        if isinstance(held, dict) and held and all(index.isdecimal() and len(index) < 19 for index in held):
            value = [held[index] for index in sorted(held, key=int)]
        if isinstance(value, list) and value and not any(isinstance(entry, dict | list) for entry in value):
            columns[key] = value
    return columns


def _table_of_columns(
    path: str, columns: dict[str, list[Any]], facts: dict[str, object]
) -> tuple[RawTable, dict[str, object], list[str]]:
    gatherer = Gatherer()
    try:
        for key, values in columns.items():
            gatherer.add_column(key, values)
    except TooManyColumns as many:
        raise unreadable(path, f"has {many.number:,} columns or more", "is the table transposed?") from None
    short = sorted(key for key, values in columns.items() if len(values) < gatherer.rows)
    notes = [f"columns of unequal length, aligned at their beginning: {listed(short)} shorter"] if short else []
    return gatherer.finish(), facts, notes


JSON_RECORDS = JsonRecords()
