"""The files by epoch: `training_metrics.csv` and `training_metrics.json`, one row for each pass over the data.

Both are views: what they hold is gathered from the record, and can be gathered again. The CSV grows by one line for
each epoch, at once, so that `tail` shows it; the JSON is always whole.
"""

from __future__ import annotations

import csv
import io
import json
import math
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from time import monotonic

from barograph.core.epochs import Epoch, Epochs, rows_by_step
from barograph.core.finding import Diagnosis
from barograph.core.listener import Listener
from barograph.core.names import split_of
from barograph.core.run import Run
from barograph.sinks.replace import write_whole

__all__ = ["CSV", "JSON", "EpochFiles", "EpochTable", "epochs_of", "row_of", "rows_of_epochs"]

CSV = "training_metrics.csv"
JSON = "training_metrics.json"
#: The columns that are always there, in the order in which people know them.
ALWAYS = (
    "epoch", "loss", "reward", "kl_divergence", "entropy", "learning_rate", "epoch_time", "samples_per_second",
)  # fmt: skip
#: What our names are called in these files.
CALLED = {
    "score_mean": "reward", "kl_ref": "kl_divergence", "kl_ref_sequence": "kl_divergence", "lr": "learning_rate",
}  # fmt: skip
#: Drawing takes no larger share of a run's time than this, if the first time takes so many seconds.
MOST_DRAWING = 0.01
FIRST_DRAWN = 1.0
#: What only counts, and stands in no column of its own.
LEFT_OUT = frozenset({"epoch", "episode", "max_steps", "tokens_seen"})

Cells = dict[str, float | None]


def row_of(epoch: Epoch) -> Cells:
    """An epoch as one row: evaluations are `eval_loss`, scores of text go by their own names."""
    row: Cells = dict.fromkeys(ALWAYS)
    row["epoch"] = epoch.number
    for series, value in epoch.training.items():
        if series not in LEFT_OUT:
            row[CALLED.get(series, series)] = float(f"{value:.12g}")  # A mean, without the dust of adding up.
    if epoch.seconds is not None:
        row["epoch_time"] = round(epoch.seconds, 3)
    for series, value in epoch.evaluation.items():
        split, name = split_of(series)
        if name not in LEFT_OUT:
            name = CALLED.get(name, name)
            row[name if split == "train" else f"{split.replace('/', '_')}_{name}"] = value
    row["step"] = epoch.last_step
    return row


class EpochTable:
    """The two files in one folder. An epoch that is given again replaces its row and drops those after it."""

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.folder = Path(folder)
        self.rows: list[Cells] = []
        self._columns: tuple[str, ...] = ()
        self._in_csv = 0

    def read(self) -> None:
        """Take up what lies in the folder already, as after a resume. What cannot be read begins anew."""
        try:
            rows = json.loads((self.folder / JSON).read_bytes())
        except (OSError, ValueError):
            return
        if isinstance(rows, list):
            self.rows = [_read_row(row) for row in rows if isinstance(row, dict) and "epoch" in row]

    def add(self, row: Mapping[str, float | None]) -> None:
        """Take the row of an epoch, without writing it yet."""
        number = row.get("epoch") or 0
        kept = [known for known in self.rows if (known.get("epoch") or 0) < number]
        if len(kept) < len(self.rows):
            self._columns = ()  # The CSV holds lines that are no more.
        self.rows = [*kept, dict(row)]

    def write(self) -> None:
        """Bring both files up to date. Raises `OSError`."""
        if not self.rows:
            return
        columns = tuple(dict.fromkeys(name for row in self.rows for name in row))
        if columns != self._columns or not (self.folder / CSV).is_file():
            write_whole(self.folder / CSV, _lines([list(columns), *(_cells(row, columns) for row in self.rows)]))
        elif len(self.rows) > self._in_csv:
            with (self.folder / CSV).open("ab", buffering=0) as stream:
                stream.write(_lines([_cells(row, columns) for row in self.rows[self._in_csv :]]))
        self._columns, self._in_csv = columns, len(self.rows)
        write_whole(self.folder / JSON, json.dumps([_strict(row) for row in self.rows], indent=2).encode() + b"\n")


class EpochFiles(Listener):
    """Keeps `RUN/metrics/` while a run goes on. `draw` makes plots of the rows, where they can be made.

    Plots are drawn after an epoch and at the end, but never so often that a run of short epochs waits for them.
    """

    def __init__(
        self,
        draw: Callable[[Sequence[Mapping[str, float | None]], Path], object] | None = None,
        *,
        timer: Callable[[], float] = monotonic,
    ) -> None:
        self._draw = draw
        self._timer = timer
        self._epochs = Epochs()
        self._table: EpochTable | None = None
        self._draw_at: float | None = None
        self._is_undrawn = False

    def started(self, folder: str, method: str, config: Mapping[str, object]) -> None:
        self._table = EpochTable(Path(folder, "metrics"))
        self._table.read()

    def logged(self, step: int, raw: Mapping[str, object], values: Mapping[str, float]) -> None:
        if "train_runtime" in raw:
            return
        now = self._timer()
        if self._draw_at is None:
            self._draw_at = now + FIRST_DRAWN / MOST_DRAWING
        epoch = self._epochs.add(step, values, now)
        if epoch is not None:
            self._keep(epoch)
            if now >= self._draw_at:
                self._draw_now()

    def went_back(self, step: int, run: Run) -> None:
        self._epochs.go_back(step, run)

    def ended(self, diagnosis: Diagnosis | None) -> None:
        epoch = self._epochs.close(self._timer())
        if epoch is not None:
            self._keep(epoch)
        if self._is_undrawn:
            self._draw_now()

    def _keep(self, epoch: Epoch) -> None:
        if not epoch.number or self._table is None:
            return
        self._is_undrawn = True
        self._table.add(row_of(epoch))
        # A full disk is told by the record; this view is made again with the next epoch.
        with suppress(OSError):
            self._table.write()

    def _draw_now(self) -> None:
        if self._draw is None or self._table is None:
            return
        self._is_undrawn = False
        begun = self._timer()
        try:
            self._draw(self._table.rows, self._table.folder / "plots")
        except Exception:  # noqa: BLE001 - whatever a library for plots does, the training goes on without them
            self._draw = None
        now = self._timer()
        self._draw_at = now + (now - begun) / MOST_DRAWING


def epochs_of(run: Run) -> list[Epoch]:
    """The epochs of a run as its record tells them."""
    epochs = Epochs()
    found = [epochs.add(step, values) for step, values in rows_by_step(run)]
    found.append(epochs.close())
    return [epoch for epoch in found if epoch is not None and epoch.number]


def rows_of_epochs(run: Run) -> list[Cells]:
    """The rows of a run by epoch, made from its record."""
    return [row_of(epoch) for epoch in epochs_of(run)]


def _cells(row: Mapping[str, float | None], columns: Sequence[str]) -> list[object]:
    return [row.get(name) for name in columns]


def _lines(table: Sequence[Sequence[object]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(table)
    return text.getvalue().encode()


def _strict(row: Mapping[str, float | None]) -> dict[str, object]:
    """A row in strict JSON: what is no finite number is text that every reader of numbers takes back."""
    return {name: _word(value) for name, value in row.items()}


def _word(value: float | None) -> object:
    if value is None or math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def _read_row(row: Mapping[str, object]) -> Cells:
    return {str(name): _number(value) for name, value in row.items()}


def _number(value: object) -> float | None:
    if isinstance(value, float | int) or value is None:
        return value
    try:
        return float(str(value))
    except ValueError:
        return None
