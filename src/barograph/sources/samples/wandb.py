"""Tables that were logged to W&B, as they lie on the disk: `files/media/table/completions_12_HASH.table.json`.

The number in the name counts the calls of `wandb.log`. Where a table has a column `step`, as those of TRL, that tells
the step of the training; it is read from the first bytes of the file.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from barograph.core.samples import Cell
from barograph.sources.samples.base import MOST_BYTES, MOST_ROWS, Row, row_of, whole_step
from barograph.sources.samples.folder import RunFolder
from barograph.sources.samples.notes import Notes
from barograph.sources.storage.json_text import Broken, loads
from barograph.sources.wording import visible

__all__ = ["shelf_in"]

_NAME = re.compile(r"(.+)_(\d{1,18})_[0-9a-f]{6,64}\.table\.json")
_ANY = re.compile(r"[^.].*")
_RUN = re.compile(r"(?:offline-)?run-(.+)")
#: How a table begins: the names of its columns, and the first cell of the first row.
_HEAD = re.compile(r'\s*\{\s*"columns"\s*:\s*(\[[^\]]*\])\s*(?:,\s*"data"\s*:\s*\[\s*\[\s*"?(\d{1,18})"?\s*[,\]])?')
HEAD = 4_096
#: Tables are logged of many things; one with such a column holds what a model said.
_SAID = re.compile(r"prompt|completion|response|output|answer|quer|question|generat|policy|text|chosen", re.IGNORECASE)
#: A key with slashes is a path.
DEEPEST, MOST_FOLDERS, MOST_TABLES = 4, 200, 20_000


class _Table(NamedTuple):
    key: str
    step: int
    path: Path
    #: Whether it holds rows of other steps too, which are not meant.
    is_shared: bool = False


@dataclass(frozen=True, slots=True)
class _Shelf:
    tables: Mapping[int, list[_Table]]
    #: Whether a row has to say which table it is from.
    has_several: bool

    @property
    def steps(self) -> list[int]:
        return sorted(self.tables)

    def read(self, steps: Iterable[int], notes: Notes) -> Iterator[tuple[int, list[Row]]]:
        shared: dict[Path, list[dict[str, object]]] = {}  # Read once, however many steps are asked for.
        for step in steps:
            rows: list[Row] = []
            for table in self.tables[step]:
                more: dict[str, Cell] = {"table": table.key} if self.has_several else {}
                if table.is_shared:
                    known = shared[table.path] if table.path in shared else _rows(table.path, notes)
                    shared[table.path] = known
                    found = [row for row in known if whole_step(row.get("step")) == step]
                else:
                    found = _rows(table.path, notes)
                rows += (row_of(step, row, more) for row in found[:MOST_ROWS])
            yield step, rows[:MOST_ROWS]


def shelf_in(folder: RunFolder, notes: Notes) -> _Shelf | None:
    """The tables of the run that was logged last."""
    for place in _media_in(folder):
        by_key: dict[str, list[_Table]] = {}
        for table in _tables_in(folder, place):
            by_key.setdefault(table.key, []).append(table)
        tables: dict[int, list[_Table]] = {}
        for table in (one for those in by_key.values() for one in _told_apart(those, notes)):
            tables.setdefault(table.step, []).append(table)
        if tables:
            return _Shelf(tables, len(by_key) > 1)
    return None


def _media_in(folder: RunFolder) -> Iterator[str]:
    """Where tables may lie: in the folder of a run of W&B, or below the folder of a training, the newest run first."""
    yield "files/media/table"
    yield "media/table"
    runs = [name for inside in ("", "wandb") for name in folder.folders(_RUN, inside)]
    for run in sorted(runs, key=lambda name: name.rpartition("run-")[2], reverse=True):
        yield f"{run}/files/media/table"


def _tables_in(folder: RunFolder, place: str) -> Iterator[_Table]:
    level, left = [place], MOST_TABLES
    for _ in range(DEEPEST):
        below: list[str] = []
        for inside in level[:MOST_FOLDERS]:
            for match, path in folder.files(_NAME, inside):
                left -= 1
                key = f"{inside[len(place) :]}/{match[1]}".strip("/")
                if left >= 0 and (table := _begun(path, key, int(match[2]))):
                    yield table
            below += folder.folders(_ANY, inside)
        level = below


def _begun(path: Path, key: str, counted: int) -> _Table | None:
    """What the beginning of a table tells of it; None if it does not hold what a model said."""
    try:
        with path.open("rb") as stream:
            head = _HEAD.match(stream.read(HEAD).decode("utf-8", "replace"))
        columns = loads(head[1].encode()) if head else []
    except (OSError, Broken):
        return None
    names = [str(name) for name in columns]
    if head is None or not any(_SAID.search(name) for name in names):
        return None
    has_step = names[0].lower() in {"step", "global_step"} and head[2]
    return _Table(key, int(head[2]) if has_step else counted, path)


def _told_apart(tables: list[_Table], notes: Notes) -> list[_Table]:
    """A table that grows from step to step begins with the same row each time: its last form holds all."""
    if len(tables) < 2 or len({table.step for table in tables}) > 1:
        return tables
    newest = max(tables, key=lambda table: int((_NAME.fullmatch(table.path.name) or [0, 0, 0])[2]))
    steps = {whole_step(row.get("step")) for row in _rows(newest.path, notes)} - {None}
    return [newest._replace(step=step, is_shared=True) for step in steps if step is not None]


def _rows(path: Path, notes: Notes) -> list[dict[str, object]]:
    try:
        with path.open("rb") as stream:
            text = stream.read(MOST_BYTES + 1)
        if len(text) > MOST_BYTES:
            notes.say(f"{path.name}: is too large to be shown")
            return []
        table = loads(text)
        names = [str(name) for name in table["columns"]]
        names[:1] = ["step" if name.lower() == "global_step" else name for name in names[:1]]
        return [dict(zip(names, row, strict=False)) for row in table["data"] if isinstance(row, list)]
    except OSError as error:
        notes.say(f"{path.name}: cannot be read ({error.strerror})")
    except (Broken, TypeError, KeyError) as error:
        problem = error.problem if isinstance(error, Broken) else "no columns and rows"
        notes.say(f"{path.name}: is no table ({visible(problem)}); is it not whole yet?")
    return []
