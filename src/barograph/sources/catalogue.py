"""Every format in the order in which they are asked whose a log is."""

from __future__ import annotations

import functools
import os
import re
from collections.abc import Callable
from typing import TypeVar

from barograph.core.errors import UnreadableRun
from barograph.core.plugins import SOURCES as PLUGIN_GROUP
from barograph.core.plugins import additions, leave_out
from barograph.sources.base import HEAD, Document, Source, unreadable
from barograph.sources.formats.consoles.areal import AREAL
from barograph.sources.formats.consoles.hugging_face import HUGGING_FACE
from barograph.sources.formats.consoles.key_values import KEY_VALUES
from barograph.sources.formats.consoles.nemo_rl import NEMO_RL
from barograph.sources.formats.consoles.openrlhf import OPENRLHF
from barograph.sources.formats.consoles.prime_rl import PRIME_RL
from barograph.sources.formats.consoles.skyrl import SKYRL
from barograph.sources.formats.consoles.slime import SLIME
from barograph.sources.formats.consoles.tinker import TINKER
from barograph.sources.formats.consoles.torchtune import TORCHTUNE
from barograph.sources.formats.consoles.verl import VERL
from barograph.sources.formats.csv_table import CSV_TABLE
from barograph.sources.formats.exported import TENSORBOARD_CSV, WANDB_CSV
from barograph.sources.formats.json_records import JSON_RECORDS
from barograph.sources.formats.jsonl import JSONL
from barograph.sources.formats.llama_factory import LLAMA_FACTORY
from barograph.sources.formats.mlflow import MLFLOW_DATABASE, MLFLOW_FILES
from barograph.sources.formats.notebook import NOTEBOOK
from barograph.sources.formats.own_run import OWN_RUN
from barograph.sources.formats.packed_database import PACKED_DATABASE
from barograph.sources.formats.parquet import PARQUET
from barograph.sources.formats.prime_rl import PRIME_RL_METRICS
from barograph.sources.formats.swanlab import SWANLAB
from barograph.sources.formats.tensorboard import TENSORBOARD
from barograph.sources.formats.tinker import TINKER_METRICS
from barograph.sources.formats.trackio import TRACKIO
from barograph.sources.formats.trainer_state import TRAINER_STATE
from barograph.sources.formats.wandb import WANDB, WANDB_SUMMARY
from barograph.sources.wording import visible

__all__ = ["SOURCES", "claimant_of", "claims", "failed", "guarded", "recognise", "sources"]

T = TypeVar("T")

#: The first that recognises a log reads it, so the particular stand before the general.
SOURCES: tuple[Source, ...] = (
    OWN_RUN,
    LLAMA_FACTORY,
    TRAINER_STATE,
    NOTEBOOK,
    WANDB_SUMMARY,
    TINKER_METRICS,
    PRIME_RL_METRICS,
    PRIME_RL,
    JSONL,
    JSON_RECORDS,
    TENSORBOARD,
    WANDB,
    SWANLAB,
    TRACKIO,
    MLFLOW_FILES,
    MLFLOW_DATABASE,
    PACKED_DATABASE,
    PARQUET,
    TENSORBOARD_CSV,
    WANDB_CSV,
    OPENRLHF,
    TORCHTUNE,
    SKYRL,
    SLIME,
    AREAL,
    NEMO_RL,
    TINKER,
    CSV_TABLE,
    VERL,
    HUGGING_FACE,
    KEY_VALUES,
)

#: Where a reader of an error finds all formats.
WHAT_IS_READ = "`barograph explain formats` lists what is read"

#: How a pickle begins: its protocol, and then a frame, a mark, an empty dictionary or tuple, or what torch writes.
_PICKLE = re.compile(rb"\x80[\x02-\x05][\x95(})\x8a\x8cc]")

#: How far into a text is looked where its beginning tells nothing.
DEEP = 8 << 20


@functools.cache
def sources() -> tuple[Source, ...]:
    """All formats: those that other packages add, then our own."""
    return (*filter(_is_fit, additions(PLUGIN_GROUP, Source)), *SOURCES)


def _is_fit(source: Source) -> bool:
    """Whether a format of another package says what every format has to say."""
    name, describes = getattr(source, "name", None), getattr(source, "describes", None)
    if not isinstance(name, str) or not isinstance(describes, str):
        leave_out(PLUGIN_GROUP, type(source).__name__, "it does not declare its name, and what it describes")
    elif not all(_are_texts(getattr(source, field, ())) for field in ("suffixes", "landmarks")):
        leave_out(PLUGIN_GROUP, type(source).__name__, "its suffixes and landmarks must be tuples of text")
    elif any(name == own.name for own in SOURCES):
        leave_out(PLUGIN_GROUP, type(source).__name__, f"the name {name} is taken")
    else:
        return True
    return False


def _are_texts(value: object) -> bool:
    return isinstance(value, tuple | list) and all(isinstance(text, str) for text in value)


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
    if _PICKLE.match(head):
        problem = "is a binary file of pickled Python objects (weights, arguments), which are never loaded"
        raise unreadable(document.path, problem, WHAT_IS_READ)
    if not is_text:
        raise unreadable(document.path, "is a binary file in no format known here", WHAT_IS_READ)
    line = head.lstrip().split(b"\n", 1)[0].decode("utf-8", "replace").strip()
    raise unreadable(document.path, f"is in no format known here; it begins with '{visible(line)}'",
                     WHAT_IS_READ)  # fmt: skip


def claims(source: Source, document: Document) -> bool:
    """Whether a log is of a format. What cannot be opened is of none."""
    try:
        return _recognises(source, str(document.place), document.head())
    except (OSError, UnreadableRun):
        return False


def claimant_of(document: Document) -> Source | None:
    """The format that a log is of; none of what cannot be opened."""
    try:
        return _claimant(str(document.place), document.head())
    except (OSError, UnreadableRun):
        return None


def _recognises(source: Source, place: str, head: bytes) -> bool:
    return bool(guarded(source, lambda: source.recognises(place, head), otherwise=False))


def guarded(source: Source, ask: Callable[[], T], otherwise: T) -> T:
    """What a source answers. Where one of another package makes a mistake, that is said, and stands in nobody's way."""
    if source in SOURCES:
        return ask()
    try:
        return ask()
    except Exception as error:  # noqa: BLE001 - as said
        leave_out(PLUGIN_GROUP, source.name, f"{type(error).__name__}: {error}")
        return otherwise


def failed(path: str, error: OSError) -> UnreadableRun:
    """The sentence for a log that the machine does not give out."""
    if isinstance(error, PermissionError):
        return unreadable(path, "may not be read (permission denied)", "check its owner and mode")
    return unreadable(path, f"cannot be read ({os.strerror(error.errno or 5)})")


def _claimant(place: str, head: bytes, *, deep: bool = False) -> Source | None:
    asked = (source for source in sources() if source.looks_deep or not deep)
    return next((source for source in asked if _recognises(source, place, head)), None)


def _share_of_control(head: bytes) -> float:
    text = head.translate(None, delete=bytes(byte for byte in range(32) if byte not in b"\t\n\r\f\b\x1b"))
    return 1.0 - len(text) / len(head) if head else 0.0
