"""Databases of trackio and MLflow, made with nothing but `sqlite3` from the description of their tables."""

from __future__ import annotations

import json
import math
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

#: What trackio 0.24 and later create.
TRACKIO = """
CREATE TABLE metrics (id INTEGER PRIMARY KEY AUTOINCREMENT, run_id TEXT NOT NULL, timestamp TEXT NOT NULL,
    run_name TEXT NOT NULL, step INTEGER NOT NULL, metrics TEXT NOT NULL, log_id TEXT, space_id TEXT);
CREATE TABLE configs (id INTEGER PRIMARY KEY AUTOINCREMENT, run_id TEXT NOT NULL, run_name TEXT NOT NULL,
    config TEXT NOT NULL, created_at TEXT NOT NULL, UNIQUE(run_id));
"""
#: What the first versions created.
OLD_TRACKIO = """
CREATE TABLE metrics (id INTEGER PRIMARY KEY, timestamp TEXT, run_name TEXT, step INTEGER, metrics TEXT);
"""
MLFLOW = """
CREATE TABLE experiments (experiment_id INTEGER PRIMARY KEY, name TEXT, lifecycle_stage VARCHAR(32));
CREATE TABLE runs (run_uuid VARCHAR(32) PRIMARY KEY, name VARCHAR(250), status VARCHAR(9),
    lifecycle_stage VARCHAR(20), experiment_id INTEGER);
CREATE TABLE metrics ("key" VARCHAR(250) NOT NULL, value FLOAT NOT NULL, timestamp BIGINT NOT NULL,
    run_uuid VARCHAR(32) NOT NULL, step BIGINT DEFAULT '0' NOT NULL, is_nan BOOLEAN DEFAULT '0' NOT NULL);
CREATE TABLE params ("key" VARCHAR(250) NOT NULL, value VARCHAR(8000) NOT NULL, run_uuid VARCHAR(32) NOT NULL);
CREATE TABLE tags ("key" VARCHAR(250) NOT NULL, value VARCHAR(8000), run_uuid VARCHAR(32) NOT NULL);
"""
#: Of these, what an old database has for certain.
FEW_TABLES = """
CREATE TABLE runs (run_uuid, name, lifecycle_stage);
CREATE TABLE metrics ("key", value FLOAT, timestamp BIGINT, run_uuid, step BIGINT, is_nan BOOLEAN);
"""
LARGEST = 1.7976931348623157e308


def create(path: Path, schema: str, rows: dict[str, list[tuple[Any, ...]]], page_size: int = 4096) -> None:
    """A database with these tables and rows."""
    path.unlink(missing_ok=True)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(f"PRAGMA page_size = {page_size}")
        connection.executescript(schema)
        for table, cells in rows.items():
            marks = ", ".join("?" for _ in cells[0])
            connection.executemany(f"INSERT INTO {table} VALUES ({marks})", cells)


def as_trackio_json(row: dict[str, Any]) -> bytes:
    """JSON as trackio stores it, in which NaN and the infinities are words."""
    words = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}
    special = {
        key: words[str(value)] if isinstance(value, float) and not math.isfinite(value) else value
        for key, value in row.items()
    }
    return json.dumps(special).encode()


def write_trackio(path: Path, rows: list[dict[str, Any]]) -> None:
    """One run, whose logger was told its steps."""
    cells = [
        (None, "", "run", int(row.get("step", call)), as_trackio_json({k: v for k, v in row.items() if k != "step"}))
        for call, row in enumerate(rows)
    ]
    create(path, OLD_TRACKIO, {"metrics": cells}, 512)


def points(rows: list[dict[str, Any]]) -> list[tuple[str, float, int, int]]:
    """Key, value, milliseconds and step of every number, in the order in which it is logged."""
    return [
        (key, value, 1_700_000_000_000 + 10 * number, row.get("step", 0))
        for number, row in enumerate(rows)
        for key, value in row.items()
        if key != "step"
    ]


def stored(rows: list[dict[str, Any]], run: str) -> list[tuple[Any, ...]]:
    """The numbers of a run as MLflow stores them: it has no NaN and no infinities."""
    cells = []
    for key, value, time, step in points(rows):
        number = 0.0 if math.isnan(value) else max(-LARGEST, min(LARGEST, value))
        cells.append((key, number, time, run, step, int(math.isnan(value))))
    return cells


def write_mlflow(path: Path, rows: list[dict[str, Any]]) -> None:
    """One run, in no more tables than are needed, so that the file is small."""
    create(path, FEW_TABLES, {"runs": [("a1", "quiet-fox-1", "active")], "metrics": stored(rows, "a1")}, 512)
