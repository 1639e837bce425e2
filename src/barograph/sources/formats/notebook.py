"""Jupyter notebooks: the tables that the Trainer draws, and what was printed, in the outputs of their cells.

A table is drawn anew again and again and only its last state is kept. Its columns have names for people: `Training
Loss`, `rewards / chosen`, and for metrics of evaluations the name without `eval_` and with capitals.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from math import isclose, isfinite, isnan
from typing import ClassVar

from barograph.sources.base import Document, RawRun, Source, table_of, unreadable
from barograph.sources.formats.consoles.base import Console, Row, clean_lines
from barograph.sources.formats.consoles.hugging_face import HUGGING_FACE
from barograph.sources.formats.consoles.key_values import KEY_VALUES, is_telling
from barograph.sources.formats.consoles.verl import VERL
from barograph.sources.late import late
from barograph.sources.numbers import to_number
from barograph.sources.storage.json_text import Broken, parser
from barograph.sources.table import MOST_COLUMNS

__all__ = ["NOTEBOOK", "Notebook"]

#: What may be printed in a cell, the particular before the general.
_CONSOLES: tuple[Console, ...] = (VERL, HUGGING_FACE, KEY_VALUES)
#: So much of what a cell printed decides which of these it was.
ENOUGH = 1 << 20

_TAG = late(r"<(/?)(\w{1,20})\b[^<>]*>")
_BAR = late(r"\[\s*(\d{1,15})/(\d{1,15})\s[^\[\]]*?(?:Epoch\s+([\d.]{1,20})/(\d{1,10}))?\s*\]")
_MISSING = frozenset({"no log", "...", ""})
_STEP, _EPOCH = "step", "epoch"
#: Columns of the Trainer's table that have a name of their own.
_TRAINER_COLUMNS = {"step": "step", "epoch": "epoch", "training loss": "loss", "validation loss": "eval_loss"}


@dataclass(slots=True)
class _Table:
    """A table in some HTML, and what stood in front of it."""

    before: str
    header: list[str] = field(default_factory=list)
    rows: list[list[str]] = field(default_factory=list)


@dataclass(slots=True)
class _Found:
    """A training in a cell."""

    rows: list[Row]
    config: dict[str, object] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    #: Whether it is only a table that somebody had shown.
    is_frame: bool = False


class Notebook(Source):
    """The outputs of a notebook's cells."""

    name: ClassVar[str] = "notebook"
    is_general: ClassVar[bool] = True
    describes: ClassVar[str] = (
        "Jupyter notebooks: the tables that transformers' Trainer (TRL, Unsloth) draws, metrics that are printed as "
        "by verl, the Trainer or a hand-written loop, and data frames of metrics. Each training is a run, named by "
        "its cell."
    )
    checked: ClassVar[str] = "a notebook that was run with transformers 5.23 and TRL 1.16"
    suffixes: ClassVar[tuple[str, ...]] = (".ipynb",)
    one_run_a_folder: ClassVar[bool] = False

    def recognises(self, path: str, head: bytes) -> bool:
        text = head.lstrip()
        return text.startswith(b"{") and (b'"cell_type"' in text or (b'"nbformat"' in text and b'"cells"' in text)
                                          or (b'"nbformat"' in text and path.endswith(".ipynb")))  # fmt: skip

    def read(self, document: Document) -> list[RawRun]:
        data = document.read()
        try:
            whole = parser(len(data))(data)
        except Broken as error:
            cut = "is it still being saved?" if error.at_the_end else ""
            raise unreadable(
                document.path, f"is no whole notebook ({error.problem}, line {error.line:,})", cut
            ) from None
        found = [(name, run) for number, cell in enumerate(_cells(whole), 1) for name, run in _in_cell(number, cell)]
        if any(not run.is_frame for _, run in found):
            # What is shown of a training that stands here already is no other one.
            found = [(name, run) for name, run in found if not run.is_frame]
        if not found:
            problem = "holds no output of a training"
            raise unreadable(document.path, problem, "was the notebook saved with its outputs?")
        return [_raw_run(document.path, name, run) for name, run in found]


def _raw_run(path: str, name: str, found: _Found) -> RawRun:
    return RawRun(table_of(path, found.rows), found.config, found.notes, name)


# Cells


def _cells(whole: object) -> Iterator[dict[str, object]]:
    """The cells of a notebook; in the third version of the format they lie in worksheets."""
    if not isinstance(whole, dict):
        return
    lists = [whole.get("cells")]
    sheets = whole.get("worksheets")
    if isinstance(sheets, list):
        lists += [sheet.get("cells") for sheet in sheets if isinstance(sheet, dict)]
    for cells in lists:
        for cell in cells if isinstance(cells, list) else ():
            if isinstance(cell, dict):
                yield cell


def _in_cell(number: int, cell: dict[str, object]) -> Iterator[tuple[str, _Found]]:
    """The trainings in a cell and their names."""
    outputs = cell.get("outputs")
    if not isinstance(outputs, list):
        return
    printed: list[str] = []
    drawn: list[_Found] = []
    for output in outputs:
        if not isinstance(output, dict):
            continue
        if output.get("output_type") == "stream":
            printed.append(_text(output.get("text")))
        else:
            data = output.get("data")
            html = _text(data.get("text/html") if isinstance(data, dict) else output.get("html"))
            drawn += _drawn(html)
    trainings = _merged(drawn, _printed("".join(printed)))
    for order, training in enumerate(trainings, 1):
        yield f"cell-{number}" + (f"-{order}" if len(trainings) > 1 else ""), training


def _text(value: object) -> str:
    """Text as notebooks store it: whole, or as a list of lines."""
    if isinstance(value, str):
        return value
    return "".join(line for line in value if isinstance(line, str)) if isinstance(value, list) else ""


# What was printed


def _printed(text: str) -> list[_Found]:
    """The trainings that a cell printed, each with its rows in order."""
    beginning = text[:ENOUGH].encode("utf-8", "replace")
    console = next((console for console in _CONSOLES if text and console.recognises("", beginning)), None)
    if console is None:
        return []
    reader = console.parser()
    rows = [row for line in clean_lines(text) for row in reader.line(line)]
    rows += reader.end()
    by_run: dict[object, list[Row]] = {}
    for row in rows:
        by_run.setdefault(row.pop("run", ""), []).append(row)
    return [_Found(rows, reader.config(), reader.notes()) for rows in by_run.values()]


# What was drawn


def _drawn(html: str) -> list[_Found]:
    return [found for table in _tables(html) if (found := _training(table))] if "<t" in html else []


def _tables(html: str) -> Iterator[_Table]:
    """The tables in some HTML, with their texts only.

    Tags are looked for one by one rather than parsed, which takes time in proportion to any input, however broken.
    """
    from html import unescape

    table: _Table | None = None
    cells: list[str] | None = None
    begin = place = 0
    for tag in _TAG.finditer(html):
        closing, name = tag[1], tag[2].lower()
        if name == "table":
            if table is not None:
                yield table
            table = None if closing else _Table(html[max(place, tag.start() - 2_000) : tag.start()])
            cells, place = None, tag.end()
        elif table is None:
            continue
        elif name == "tr":
            cells = None if closing else _new_row(table)
        elif name in {"td", "th"}:
            if closing and cells is not None and len(cells) <= MOST_COLUMNS:
                cells.append(unescape(_TAG.sub("", html[begin : tag.start()])).strip())
            begin = tag.end()
    if table is not None:
        yield table


def _new_row(table: _Table) -> list[str]:
    """The list for the cells of the next row: the header's, if there is none yet."""
    if not table.header:
        return table.header
    table.rows.append([])
    return table.rows[-1]


def _training(table: _Table) -> _Found | None:
    """The training that a table shows, if it shows one: steps or epochs, and a metric that is known."""
    words = [word.lower() for word in table.header]
    counter = next((word for word in (_STEP, _EPOCH, "global_step") if word in words), None)
    if counter is None:
        return None
    bars = list(_BAR.finditer(re.sub(r"<[^<>]*>", " ", table.before)))
    is_trainers = words[0] == counter and bool(bars or {"training loss", "validation loss"} & set(words))
    if not is_trainers and not any(is_telling(column) for column in table.header if column):
        return None
    keys = [_key(column, is_trainers=is_trainers) for column in table.header]
    found = _Found([], is_frame=not is_trainers)
    if bars:
        found.config["max_steps"] = int(bars[-1][2])
    an_epoch = int(bars[-1][2]) / int(bars[-1][4]) if bars and bars[-1][4] and int(bars[-1][4]) else None
    for cells in table.rows:
        row: Row = {key: cell for key, cell in zip(keys, cells, strict=False) if key and cell.lower() not in _MISSING}
        number = to_number(row.get(counter))
        if not isinstance(number, float):
            continue  # The row of dots in the middle of a long data frame.
        if counter == _EPOCH and an_epoch is not None and is_trainers:
            row = {_STEP: round(number * an_epoch), **row}
        found.rows.append(row)
    return found if found.rows else None


def _key(column: str, *, is_trainers: bool) -> str:
    """The key behind the name of a column.

    The Trainer gives metrics of an evaluation a capital (`Rewards/chosen` was `eval_rewards/chosen`), and no others.
    """
    word = re.sub(r"\s*/\s*", "/", column.strip())
    if not is_trainers:
        return word
    if known := _TRAINER_COLUMNS.get(word.lower()):
        return known
    plain = word.lower().replace(" ", "_")
    return f"eval_{plain}" if word[:1].isupper() else word


# One training told twice


def _merged(drawn: Sequence[_Found], printed: Sequence[_Found]) -> list[_Found]:
    """The trainings of a cell, where what was printed of one may stand beside its table."""
    left = list(drawn)
    trainings: list[_Found] = []
    for told in printed:
        table = next((table for table in left if not table.is_frame and _same(table.rows, told.rows)), None)
        if table is None:
            trainings.append(told)
            continue
        left.remove(table)
        trainings.append(_Found(_together(table.rows, told.rows), {**told.config, **table.config}, told.notes))
    return [*left, *trainings] if not trainings or not all(table.is_frame for table in left) else trainings


def _losses(rows: Iterable[Row]) -> list[tuple[int, float]]:
    """The training losses, and the rows that they stand in."""
    losses = ((index, to_number(row.get("loss"))) for index, row in enumerate(rows))
    return [(index, loss) for index, loss in losses if isinstance(loss, float)]


def _same(table: Sequence[Row], printed: Sequence[Row]) -> bool:
    """Whether the losses of a table are found in what was printed, in their order."""
    printed_losses = iter(_losses(printed))
    losses = list(islice(_losses(table), 100))
    return bool(losses) and all(any(_close(loss, other) for _, other in printed_losses) for _, loss in losses)


def _close(one: float, other: float) -> bool:
    return isclose(one, other, rel_tol=2e-3, abs_tol=1e-4) or (isnan(one) and isnan(other))


def _together(table: Sequence[Row], printed: Sequence[Row]) -> list[Row]:
    """The rows of both, those that were printed without a step at the steps of the table."""
    if any(_STEP in row for row in printed):
        return sorted([*printed, *table], key=_step_of)
    losses = _losses(printed)
    anchors: list[tuple[int, int]] = []  # How many rows had been printed, and the step at which.
    count = 0
    for _, loss in _losses(table):
        while count < len(losses) and not _close(loss, losses[count][1]):
            count += 1
        count += 1
        anchors.append((count, _step_of(table[len(anchors)])))
    every = {step / count for count, step in anchors if count}
    if len(every) != 1:
        return list(table) if len(table) >= len(printed) else list(printed)
    (stride,) = every
    rows: list[Row] = []
    count = 0
    for row in printed:
        count += isinstance(to_number(row.get("loss")), float)
        rows.append({_STEP: round(count * stride), **row})
    return sorted([*rows, *table], key=_step_of)


def _step_of(row: Row) -> int:
    step = to_number(row.get(_STEP))
    return int(step) if isinstance(step, float) and isfinite(step) else 0


NOTEBOOK = Notebook()
