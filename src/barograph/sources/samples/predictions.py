"""`prediction_samples.json` of a classifier: one list, with an entry for each evaluation and in it the rows."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from barograph.sources.base import decoded
from barograph.sources.samples.base import MOST_BYTES, MOST_ROWS, Row, row_of, whole_step
from barograph.sources.samples.folder import RunFolder
from barograph.sources.samples.notes import Notes

__all__ = ["shelf_in"]

NAME = "prediction_samples.json"
#: Under which of these an evaluation holds its rows.
_ROWS = ("samples", "predictions")


@dataclass(frozen=True, slots=True)
class _Shelf:
    path: Path
    steps: list[int]

    def read(self, steps: Iterable[int], notes: Notes) -> Iterator[tuple[int, list[Row]]]:
        known = _read(self.path, notes)  # One file holds all, so it is parsed once, however many steps are asked for.
        for step in steps:
            yield step, [row_of(step, row) for row in known.get(step, [])[:MOST_ROWS]]


def shelf_in(folder: RunFolder, notes: Notes) -> _Shelf | None:
    """The file, where a classifier has written one."""
    path = folder.file(NAME)
    return _Shelf(path, list(_read(path, notes))) if path is not None else None


def _read(path: Path, notes: Notes) -> dict[int, list[dict[str, object]]]:
    """The rows of each step, rising. A run that falls back was resumed: what it had predicted after that is no more."""
    found: dict[int, list[dict[str, object]]] = {}
    for number, entry in enumerate(_entries(path, notes)):
        rows = next((entry[name] for name in _ROWS if isinstance(entry.get(name), list)), None)
        step = whole_step(entry.get("step"))
        if step is None:
            step = 0 if rows is None else number  # Rows without a step are all of one; evaluations are counted.
        while found and next(reversed(found)) > step:
            found.popitem()
        if isinstance(rows, list):
            found[step] = [row for row in rows if isinstance(row, dict)]
        else:
            found.setdefault(step, []).append(entry)
    return {step: rows for step, rows in found.items() if rows}


def _entries(path: Path, notes: Notes) -> Iterator[dict[str, object]]:
    """The entries of the list one by one, so that of a file that was cut those before the cut remain."""
    try:
        with path.open("rb") as stream:
            text = decoded(stream.read(MOST_BYTES))[0].strip()
    except OSError as error:
        notes.say(f"{NAME}: cannot be read ({error.strerror})")
        return
    decoder, is_broken = json.JSONDecoder(), text.startswith("[")  # Until its end has come.
    at = int(is_broken)
    while at < len(text):
        if text[at].isspace() or text[at] == ",":
            at += 1
            continue
        if text[at] == "]":
            return
        try:
            entry, at = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            is_broken = True
            break
        if isinstance(entry, dict):
            yield entry
    if is_broken:
        notes.say(f"{NAME}: breaks off after {at:,} characters; what comes then is left out")
