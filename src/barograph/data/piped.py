"""A data set that comes through a pipe: it is looked at more than once, and so laid down on disk meanwhile."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from barograph.data.formats.base import UnreadableData, unpacked
from barograph.data.reading import Splits, open_data

__all__ = ["piped"]

#: What it is called in messages.
PIPED = "standard input"
#: How packed files begin, and Parquet.
_PACKED = {b"\x1f\x8b": ".gz", b"BZh": ".bz2", b"\xfd7zXZ": ".xz"}
_PARQUET = b"PAR1"


@contextmanager
def piped(stream: IO[bytes], split: str | None = None) -> Iterator[Splits]:
    """Inside, the data set that a stream holds."""
    with tempfile.TemporaryDirectory(prefix="barograph-") as folder:
        laid_down = Path(folder) / "piped"
        with laid_down.open("wb") as target:
            shutil.copyfileobj(stream, target, 1 << 20)
        if not laid_down.stat().st_size:
            raise UnreadableData(f"{PIPED}: is empty")
        path = laid_down.rename(laid_down.with_name(f"standard-input{_suffix_of(laid_down)}"))
        try:
            splits = open_data(str(path), split)
            for part in filter(None, splits):
                part.name = PIPED
                for file in part.files:
                    file.known_as = Path(PIPED)
            yield splits
        except UnreadableData as error:
            raise UnreadableData(str(error).replace(str(path), PIPED)) from None


def _suffix_of(path: Path) -> str:
    """The suffix that what is in a file deserves."""
    with path.open("rb") as stream:
        begin = stream.read(8)
    if begin.startswith(_PARQUET):
        return ".parquet"
    packed = next((suffix for sign, suffix in _PACKED.items() if begin.startswith(sign)), "")
    with unpacked(path, packed) as stream:
        first = stream.readline(1 << 16).removeprefix(b"\xef\xbb\xbf")
    if first.lstrip()[:1] in {b"{", b"["}:
        return f".json{packed}"
    has_tabs = first.count(b"\t") > first.count(b",")
    return f"{'.tsv' if has_tabs else '.csv'}{packed}"
