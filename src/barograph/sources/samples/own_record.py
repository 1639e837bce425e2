"""Our own record, `logs/completions.jsonl`: one flat object a line, in the order in which they came."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from barograph.core.samples import COMPLETIONS, Places, add_place, step_of
from barograph.sources.samples.base import MOST_ROWS, Row, row_of, whole_step
from barograph.sources.samples.folder import RunFolder
from barograph.sources.samples.lines import object_of, whole_lines
from barograph.sources.samples.notes import Notes
from barograph.sources.wording import counted

__all__ = ["shelf_in"]

#: What is beyond is not read: our own writer keeps far below.
MOST_READ = 512 << 20


@dataclass(frozen=True, slots=True)
class _Shelf:
    path: Path
    places: Places

    @property
    def steps(self) -> list[int]:
        return list(self.places)

    def read(self, steps: Iterable[int], notes: Notes) -> Iterator[tuple[int, list[Row]]]:
        try:
            with self.path.open("rb") as stream:
                for step in steps:
                    yield step, self._rows(stream, step, notes)
        except OSError as error:
            notes.say(f"{self.path.name}: cannot be read ({error.strerror})")

    def _rows(self, stream: BinaryIO, step: int, notes: Notes) -> list[Row]:
        rows: list[Row] = []
        for begin, end in self.places.get(step, ()):
            stream.seek(begin)
            for line in whole_lines(stream, end - begin):
                found = object_of(line) if line else None
                # A file that was written anew meanwhile has other lines in these places.
                if found is None or whole_step(found.get("step")) != step:
                    notes.say(f"{self.path.name}: lines of step {step:,} that are no whole objects were left out")
                elif len(rows) < MOST_ROWS:
                    rows.append(row_of(step, found))
        return rows


def shelf_in(folder: RunFolder, notes: Notes) -> _Shelf | None:
    """The record, whether the run's folder was named or that of its logs."""
    path = folder.file(COMPLETIONS) or folder.file(Path(COMPLETIONS).name)
    if path is None:
        return None
    places: Places = {}
    lost = 0
    try:
        with path.open("rb") as stream:
            begin = 0
            for line in whole_lines(stream, MOST_READ):
                end = stream.tell()
                step = _step_of(line)
                if step is None:
                    lost += line is None or bool(line.strip())
                else:
                    add_place(places, step, begin, end)
                begin = end
    except OSError as error:
        notes.say(f"{path.name}: cannot be read ({error.strerror})")
    if lost:
        notes.say(f"{path.name}: {counted(lost, 'line')} without a step, or not whole, left out")
    return _Shelf(path, places)


def _step_of(line: bytes | None) -> int | None:
    if line is None:
        return None
    if (step := step_of(line)) is not None:
        return step
    found = object_of(line)  # The last line may be half written yet.
    return None if found is None else whole_step(found.get("step"))
