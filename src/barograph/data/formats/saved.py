"""What the library `datasets` knows: a folder that it saved, or a data set of the hub."""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies

from barograph.core.errors import MissingExtra
from barograph.data.formats.base import DataFile, Row, UnreadableData

__all__ = ["SavedSet", "hub_splits", "is_saved", "saved_splits"]


#: Seconds that the hub has to answer.
PATIENCE = 5.0


class SavedSet(DataFile):
    """One split of a data set, row by row."""

    describes = "a data set"

    def __init__(self, path: Path, found: Any) -> None:
        super().__init__(path)
        self._found = found

    def rows(self) -> Iterator[Row]:
        total = getattr(self._found, "num_rows", None) or 0  # a stream of the hub does not know its length
        for number, fields in enumerate(self._found, 1):
            yield Row(number, fields)
            self.share_read = number / total if total else 0.0

    def copy(self, out: Path, keeps: Callable[[int], bool]) -> None:
        if not hasattr(self._found, "save_to_disk"):
            raise UnreadableData(
                f"{self.path}: a data set of the hub is read as a stream and cannot be written cleaned; "
                "save it by `datasets` first, and name the folder"
            )
        self._found.select([place for place in range(len(self._found)) if keeps(place + 1)]).save_to_disk(str(out))


def is_saved(folder: Path) -> bool:
    """Whether `datasets` wrote a folder."""
    return (folder / "dataset_info.json").is_file() or (folder / "dataset_dict.json").is_file()


def saved_splits(folder: Path) -> dict[str, DataFile]:
    """The splits of a folder that `datasets` saved."""
    datasets = _library(f"reading {folder}")
    try:
        found = datasets.load_from_disk(str(folder))
    except Exception as error:  # noqa: BLE001 - a damaged folder fails in many ways, all of which come to this
        raise UnreadableData(f"{folder}: is no whole data set ({_said(error)}); save it again") from None
    return _splits(folder, found)


def hub_splits(name: str) -> dict[str, DataFile]:
    """The splits of a data set of the hub, as streams: nothing is copied to this disk."""
    datasets = _library(f"reading {name}, which is no file here and may be a data set of the hub,")
    absent = f"{name}: is no file or folder here, and could not be had from the hub"
    if (host := _unreachable_hub()) is not None:
        raise UnreadableData(
            f"{absent} ({host} cannot be reached); check its name, or load it by `datasets` where there is a "
            "connection and name the folder that `save_to_disk` writes"
        )
    try:
        with _quiet():
            found = datasets.load_dataset(name, streaming=True)
    except Exception as error:  # noqa: BLE001 - a hub fails in many ways, all of which come to this
        raise UnreadableData(f"{absent} ({_said(error)}); check its name and the connection") from None
    return _splits(Path(name), found)


def _unreachable_hub() -> str | None:
    """The host of the hub if there is no way to it. Its own client would try for half a minute to find that out."""
    from huggingface_hub import constants

    address = urlsplit(constants.ENDPOINT)
    if constants.HF_HUB_OFFLINE or getproxies():
        return None  # What is in the cache may do, or it is the proxy that knows the way.
    host = address.hostname or ""
    try:
        socket.create_connection((host, address.port or 443), timeout=PATIENCE).close()
    except OSError:
        return host
    return None


@contextmanager
def _quiet() -> Iterator[None]:
    """Inside, the client of the hub does not tell of each of its trials."""
    log = logging.getLogger("huggingface_hub")
    level = log.level
    log.setLevel(logging.ERROR)
    try:
        yield
    finally:
        log.setLevel(level)


def _splits(where: Path, found: Any) -> dict[str, DataFile]:
    if isinstance(found, Mapping):
        return {str(name): SavedSet(where, part) for name, part in found.items()}
    return {"train": SavedSet(where, found)}


def _said(error: Exception) -> str:
    first = str(error).splitlines()[0][:120] if str(error) else ""
    return f"{type(error).__name__}: {first}".rstrip(": .")


def _library(what: str) -> Any:
    try:
        import datasets
    except ImportError:
        raise MissingExtra(what, "datasets", "train") from None
    return datasets
