"""What verl dumps of rollouts and validations: `{step}.jsonl` in the folders that its settings name.

`trainer.rollout_data_dir` and `trainer.validation_data_dir` may lie anywhere; those in the run's folder are found by
how people call them. A row has `input`, `output`, `gts`, `score`, `step`, and what the reward function adds.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from barograph.core.samples import Cell
from barograph.sources.samples.base import MOST_BYTES, MOST_ROWS, Row, row_of
from barograph.sources.samples.folder import RunFolder
from barograph.sources.samples.lines import object_of, whole_lines
from barograph.sources.samples.notes import Notes

__all__ = ["shelf_in"]

_FOLDER = re.compile(r"(rollout|val|generation).*", re.IGNORECASE)
_ANY = re.compile(r"[^.].*")
_NAME = re.compile(r"(\d{1,18})\.jsonl")
#: Dumps may lie in folders of a project and an experiment inside.
DEEPEST, MOST_FOLDERS = 3, 100


@dataclass(frozen=True, slots=True)
class _Shelf:
    #: The files of each step, with the folder that each lies in.
    files: Mapping[int, list[tuple[str, Path]]]
    #: Whether a row has to say which folder it is from.
    has_several: bool

    @property
    def steps(self) -> list[int]:
        return sorted(self.files)

    def read(self, steps: Iterable[int], notes: Notes) -> Iterator[tuple[int, list[Row]]]:
        for step in steps:
            rows: list[Row] = []
            for name, path in self.files[step]:
                more: dict[str, Cell] = {"from": name} if self.has_several else {}
                rows += _rows(path, f"{name}/{path.name}", step, more, notes)
            yield step, rows[:MOST_ROWS]


def shelf_in(folder: RunFolder, notes: Notes) -> _Shelf | None:
    """All dumps in the run's folder; the names of the files are their steps."""
    level, files, names = folder.folders(_FOLDER), dict[int, list[tuple[str, Path]]](), set[str]()
    for _ in range(DEEPEST):
        below: list[str] = []
        for inside in level[:MOST_FOLDERS]:
            for match, path in folder.files(_NAME, inside):
                names.add(inside)
                files.setdefault(int(match[1]), []).append((inside, path))
            below += folder.folders(_ANY, inside)
        level = below
    for those in files.values():
        those.sort()
    return _Shelf(files, len(names) > 1) if files else None


def _rows(path: Path, shown: str, step: int, more: Mapping[str, Cell], notes: Notes) -> list[Row]:
    rows: list[Row] = []
    try:
        with path.open("rb") as stream:
            for line in whole_lines(stream, MOST_BYTES):
                found = object_of(line) if line else None
                if found is not None:
                    rows.append(row_of(step, found, more))
                elif line is None or line.strip():
                    notes.say(f"{shown}: lines that are no whole objects were left out")
                if len(rows) >= MOST_ROWS:
                    break
            if stream.read(1):
                notes.say(f"{shown}: is very large; of its rows the first {len(rows):,} are shown")
    except OSError as error:
        notes.say(f"{shown}: cannot be read ({error.strerror})")
    return rows
