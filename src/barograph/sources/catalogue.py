"""Every format in the order in which they are asked whose a log is."""

from __future__ import annotations

import os

from barograph.core.errors import UnreadableRun
from barograph.core.plugins import SOURCES as PLUGIN_GROUP
from barograph.core.plugins import additions
from barograph.sources.base import HEAD, Document, Source, unreadable
from barograph.sources.csv_table import CSV_TABLE
from barograph.sources.json_records import JSON_RECORDS
from barograph.sources.jsonl import JSONL
from barograph.sources.own_run import OWN_RUN
from barograph.sources.trainer_state import TRAINER_STATE
from barograph.sources.wording import visible

__all__ = ["SOURCES", "claims", "failed", "recognise", "sources"]

#: The first that recognises a log reads it, so the particular stand before the general.
SOURCES: tuple[Source, ...] = (
    OWN_RUN,
    TRAINER_STATE,
    JSONL,
    JSON_RECORDS,
    CSV_TABLE,
)

#: How far into a text is looked where its beginning tells nothing.
DEEP = 8 << 20


def sources() -> tuple[Source, ...]:
    """All formats: those that other packages add, then our own."""
    return (*additions(PLUGIN_GROUP, Source), *SOURCES)  # type: ignore[type-abstract]


def recognise(document: Document) -> Source:
    """The format of a log, by its content."""
    place = str(document.place)
    try:
        head = document.head()
        if source := _claimant(place, head):
            return source
        if not head and document.data is None and document.place.is_dir():
            raise unreadable(document.path, "is a folder in no format known here")
        if not head:
            raise unreadable(document.path, "is empty", "is the run still starting?")
        is_text = b"\0" not in head and _share_of_control(head) <= 0.1
        if is_text and len(head) >= HEAD and (source := _claimant(place, document.head(DEEP), deep=True)):
            return source
    except OSError as error:
        raise failed(document.path, error) from None
    if not head.strip():
        raise unreadable(document.path, "holds nothing but white space", "is the run still starting?")
    if not is_text:
        raise unreadable(document.path, "is a binary file in no format known here", f"known are {_known()}")
    line = head.lstrip().split(b"\n", 1)[0].decode("utf-8", "replace").strip()
    raise unreadable(document.path, f"is in no format known here; it begins with '{visible(line)}'",
                     f"known are {_known()}")  # fmt: skip


def claims(source: Source, document: Document) -> bool:
    """Whether a log is of a format. What cannot be opened is of none."""
    try:
        return source.recognises(str(document.place), document.head())
    except (OSError, UnreadableRun):
        return False


def failed(path: str, error: OSError) -> UnreadableRun:
    """The sentence for a log that the machine does not give out."""
    if isinstance(error, PermissionError):
        return unreadable(path, "may not be read (permission denied)", "check its owner and mode")
    return unreadable(path, f"cannot be read ({os.strerror(error.errno or 5)})")


def _claimant(place: str, head: bytes, *, deep: bool = False) -> Source | None:
    asked = (source for source in sources() if source.looks_deep or not deep)
    return next((source for source in asked if source.recognises(place, head)), None)


def _known() -> str:
    return ", ".join(source.name for source in sources())


def _share_of_control(head: bytes) -> float:
    text = head.translate(None, delete=bytes(byte for byte in range(32) if byte not in b"\t\n\r\f\b\x1b"))
    return 1.0 - len(text) / len(head) if head else 0.0
