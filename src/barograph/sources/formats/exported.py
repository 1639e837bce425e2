"""Tables that TensorBoard and Weights & Biases give out of their web pages: few columns, with the metric elsewhere.

TensorBoard writes a file for each curve, and run and tag are in the name of the file only. W&B writes the curves of a
chart side by side, several runs in one table.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import ClassVar

from barograph.core.methods import Method
from barograph.core.names import resolve
from barograph.sources.base import Document, RawRun, Source, decoded, table_of
from barograph.sources.formats.csv_table import CSV_TABLE, cells_of
from barograph.sources.steps import is_step_key
from barograph.sources.table import RawTable
from barograph.sources.wording import counted

__all__ = ["TENSORBOARD_CSV", "WANDB_CSV", "TensorBoardCsv", "WandBCsv"]


def _header(head: bytes) -> list[str]:
    """The names in the first line of a table."""
    return cells_of(decoded(head.lstrip().partition(b"\n")[0])[0].strip(), ",")


def _with(table: RawTable, names: Mapping[str, str]) -> RawTable:
    """The table of some columns under new names."""
    columns = {names[key]: column for key, column in table.columns.items() if key in names}
    left_out = {names[key]: what for key, what in table.left_out.items() if key in names}
    return replace(table, columns=columns, left_out=left_out)


class TensorBoardCsv(Source):
    """One curve, as TensorBoard's page downloads it, or all those in a folder."""

    name: ClassVar[str] = "tensorboard_csv"
    describes: ClassVar[str] = (
        "The CSV of a curve that TensorBoard's page downloads, `run-NAME-tag-TAG.csv`. Those of one run "
        "in a folder are put together."
    )
    checked: ClassVar[str] = "files that TensorBoard 2.21 wrote"

    def recognises(self, path: str, head: bytes) -> bool:
        if not head:
            return Path(path).is_dir() and bool(_curves_in(Path(path)))
        return _header(head) == _CURVE

    def read(self, document: Document) -> list[RawRun]:
        if document.data is None and document.place.is_dir():
            curves = _curves_in(document.place)
            return [
                _together(document, run, [file for file in curves if _run_of(file) == run]) for run in _runs_of(curves)
            ]
        (raw,) = CSV_TABLE.read(document)
        tag = _tag_of(Path(document.path).name)
        table = _with(raw.table, {"Step": "step", "Value": tag or "Value"})
        note = f"the tag is taken from the name of the file: {tag}" if tag else "the name of the file tells no tag"
        return [RawRun(table, notes=[*raw.notes, note])]

    def in_folder(self, folder: Path) -> list[Path]:
        return [folder] if len(_curves_in(folder)) > 1 else []


_CURVE = ["Wall time", "Step", "Value"]
_NAME = re.compile(r"run-(.+)-tag-.+\.csv")


def _curves_in(folder: Path) -> list[Path]:
    """The downloaded curves that really lie in a folder."""
    home = folder.resolve()
    return [
        file
        for file in sorted(folder.glob("run-*-tag-*.csv"))
        if file.is_file() and file.resolve().parent == home and _header(Document(str(file)).head()) == _CURVE
    ]


def _run_of(curve: Path) -> str:
    found = _NAME.fullmatch(curve.name)
    return found[1] if found else ""


def _runs_of(curves: Sequence[Path]) -> list[str]:
    return list(dict.fromkeys(map(_run_of, curves)))


def _together(document: Document, run: str, curves: Sequence[Path]) -> RawRun:
    """The curves of a run as rows again, in the order in which they were logged: their times tell it."""
    points: list[tuple[float, float, str, float]] = []
    for curve in curves:
        (raw,) = CSV_TABLE.read(document.part(curve))
        tag = _tag_of(curve.name)
        if tag == "step" or not raw.table.columns.keys() >= set(_CURVE):
            continue
        times, steps, values = (dict(zip(*raw.table.columns[name], strict=True)) for name in _CURVE)
        points += [
            (time, steps[row], tag, values[row]) for row, time in times.items() if row in steps and row in values
        ]
    points.sort(key=lambda point: point[0])
    rows: list[dict[str, object]] = []
    for _, step, tag, value in points:
        if not rows or rows[-1]["step"] != step or tag in rows[-1]:
            rows.append({"step": step})
        rows[-1][tag] = value
    notes = [f"put together from {counted(len(curves), 'downloaded curve')}"]
    return RawRun(table_of(document.path, rows), notes=notes, name=run)


#: What the page calls its files; a browser adds a number to the second of one name.
_DOWNLOAD = re.compile(r"(?:.*-tag-)?(.+?)(?:[ _]?\(\d+\))?\.csv")
#: More underscores than this are not tried as slashes.
MOST_UNDERSCORES = 8


def _tag_of(name: str) -> str:
    """The tag in the name of a file; the page writes `_` for `/`, so the spelling that is a known metric is taken.

    >>> _tag_of("run-dpo-tag-train_rewards_chosen.csv"), _tag_of("run-.-tag-eval_loss (1).csv"), _tag_of("x.csv")
    ('train/rewards/chosen', 'eval/loss', '')
    """
    found = _DOWNLOAD.fullmatch(name)
    tag = found[1] if found else ""
    split, mark, rest = tag.partition("_")
    if mark and split in {"train", "eval", "val", "test"}:
        spelt = _known_spelling(rest, f"{split}/")
        return f"{split}/{spelt or rest}" if spelt or "-tag-" in name else ""
    return _known_spelling(tag, "") or (tag if "-tag-" in name else "")


def _known_spelling(tag: str, prefix: str) -> str:
    """The spelling with the fewest slashes that is a metric; nothing if none is."""
    parts = tag.split("_")
    if len(parts) > MOST_UNDERSCORES:
        return ""
    for slashes in range(len(parts)):
        for places in combinations(range(1, len(parts)), slashes):
            spelt = _joined(parts, places)
            if resolve(prefix + spelt, Method.UNKNOWN) is not None:
                return spelt
    return ""


def _joined(parts: Sequence[str], places: Sequence[int]) -> str:
    """The parts with a slash in front of those at some places, and an underscore in front of the others."""
    return "".join(("/" if place in places else "_" if place else "") + part for place, part in enumerate(parts))


class WandBCsv(Source):
    """The curves of a chart, as the page of Weights & Biases exports them."""

    name: ClassVar[str] = "wandb_csv"
    describes: ClassVar[str] = (
        "The CSV that a chart of Weights & Biases is exported to: for each run a column `RUN - KEY`, with its `__MIN` "
        "and `__MAX`."
    )
    checked: ClassVar[str] = "a description, with values that wandb 0.31 logged"
    may_be_cached: ClassVar[bool] = False

    def recognises(self, path: str, head: bytes) -> bool:
        header = _header(head)
        return any(_is_curve(name, header) for name in header[1:])

    def read(self, document: Document) -> list[RawRun]:
        (raw,) = CSV_TABLE.read(document)
        header = _header(document.head())
        steps = {header[0]: header[0]} if is_step_key(header[0]) else {}
        runs: dict[str, dict[str, str]] = {}
        for name in raw.table.columns:
            run, mark, key = name.rpartition(_BETWEEN)
            if mark and not name.endswith(_BOUNDS):
                runs.setdefault(run, {})[name] = key
        return [
            RawRun(_with(raw.table, {**steps, **keys}), notes=list(raw.notes), name=run) for run, keys in runs.items()
        ]


_BETWEEN = " - "
_BOUNDS = ("__MIN", "__MAX")


def _is_curve(name: str, header: Sequence[str]) -> bool:
    """Whether a column is the curve of a run: its bounds stand beside it."""
    return _BETWEEN in name and all(f"{name}{bound}" in header for bound in _BOUNDS)


TENSORBOARD_CSV = TensorBoardCsv()
WANDB_CSV = WandBCsv()
