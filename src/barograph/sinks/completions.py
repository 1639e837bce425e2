"""What a model said, as it is kept while a run goes on: `logs/completions.jsonl`, one flat object a line.

Of a step 64 rows are kept at most. When the file has grown to 32 MB, every other step is let go, and so on: the record
of a long run is thin at its beginning and dense at its end, and never larger.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from barograph.core.samples import COMPLETIONS, Places, add_place, cell, step_of
from barograph.sinks.replace import replacing

__all__ = ["MOST_A_STEP", "MOST_BYTES", "Completions"]

MOST_A_STEP = 64
MOST_BYTES = 32 << 20


class Completions:
    """The record in the folder of a run. `tell` is called, once for each, with what keeps rows from being written."""

    def __init__(self, folder: str | os.PathLike[str], tell: Callable[[str], None]) -> None:
        self.path = Path(folder) / COMPLETIONS
        self._tell = tell
        self._step, self._rows_of_it = -1, 0
        self._is_full = False

    def write(self, step: int, rows: Iterable[Mapping[str, object]]) -> None:
        """Add rows of a step, all by one write. Never raises `OSError`."""
        if step != self._step:
            self._step, self._rows_of_it = step, 0
        lines = b"".join(self._lines(step, [rows] if isinstance(rows, Mapping) else rows))
        if not lines or self._is_full:
            return
        try:
            if _add(self.path, lines) > MOST_BYTES:
                self._thin_out()
        except OSError as error:
            problem = error.strerror or str(error)
            self._tell(f"{self.path}: what the model said cannot be written ({problem}), and is not kept")

    def _lines(self, step: int, rows: Iterable[object]) -> Iterator[bytes]:
        for row in rows:
            if not isinstance(row, Mapping):
                self._tell(f"samples() was given {type(row).__name__} where a row with named columns belongs: left out")
            elif self._rows_of_it >= MOST_A_STEP:
                self._tell(f"samples() was given more than {MOST_A_STEP} rows of one step: the first of them are kept")
                return
            else:
                self._rows_of_it += 1
                cells = {str(name): cell(value) for name, value in row.items() if name != "step"}
                yield f"{json.dumps({'step': step, **cells}, ensure_ascii=False)}\n".encode("utf-8", "replace")

    def _thin_out(self) -> None:
        """Write the file anew with every other step, the last one included."""
        places: Places = {}
        with self.path.open("rb") as stream:
            begin = 0
            for line in stream:
                if (step := step_of(line)) is not None:
                    add_place(places, step, begin, begin + len(line))
                begin += len(line)
            with replacing(self.path) as kept:
                for step in list(places)[::-2][::-1]:
                    for first, end in places[step]:
                        stream.seek(first)
                        kept.write(stream.read(end - first))
        if self.path.stat().st_size > MOST_BYTES // 4 * 3:  # Of a few steps of this size none is worth the others.
            self._is_full = True
            self._tell(f"{self.path}: holds as much as it may; what the model says from here on is not kept")


def _add(path: Path, lines: bytes) -> int:
    """Add lines to a file, and give its size then."""
    path.parent.mkdir(parents=True, exist_ok=True)
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0), 0o644)
    try:
        size = os.fstat(file).st_size
        if size and os.pread(file, 1, size - 1) != b"\n":  # A writer was killed, or the disk was full, within a line.
            lines = b"\n" + lines
        return size + os.write(file, lines)
    finally:
        os.close(file)
