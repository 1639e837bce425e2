"""Databases that cannot be looked into where they are: from standard input, packed, or damaged."""

from __future__ import annotations

from typing import ClassVar

from barograph.sources.base import Document, RawRun, Source, unreadable
from barograph.sources.formats.mlflow import MLFLOW_DATABASE, TABLES, is_mlflow
from barograph.sources.formats.trackio import TABLE, TRACKIO, is_trackio
from barograph.sources.storage.sqlite import MAGIC, columns_in, opened

__all__ = ["PACKED_DATABASE", "PackedDatabase"]


class PackedDatabase(Source):
    """A database whose tables tell what it is, once it is unpacked."""

    name: ClassVar[str] = "sqlite"
    is_general: ClassVar[bool] = True
    describes: ClassVar[str] = "A database of trackio or MLflow that is packed, or comes from standard input."
    checked: ClassVar[str] = "the databases that trackio 0.43 and MLflow 3.17 wrote"
    may_be_cached: ClassVar[bool] = False

    def recognises(self, path: str, head: bytes) -> bool:
        return head.startswith(MAGIC) and columns_in(path, TABLES) is None

    def read(self, document: Document) -> list[RawRun]:
        with opened(document) as database:
            columns = {table: database.columns(table) for table in {TABLE, *TABLES}}
        if is_trackio(columns):
            return TRACKIO.read(document)
        if is_mlflow(columns):
            return MLFLOW_DATABASE.read(document)
        raise unreadable(document.path, "is a database without the tables of trackio or MLflow", "what wrote it?")


PACKED_DATABASE = PackedDatabase()
