"""From the raw table of any format to a `Run`: one spelling, one unit, one step axis.

With `naming` and `steps`, this is the only place that knows about methods, aliases and totals, so that no reader has
to.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from math import isfinite
from operator import sub

from barograph.core.errors import UnreadableRun
from barograph.core.lead import Lead, is_percent
from barograph.core.methods import Method
from barograph.core.names import EVAL, TRAIN, nearest
from barograph.core.run import Column, Run
from barograph.sources.base import RawRun, unreadable
from barograph.sources.naming import (
    TRAIN_LOSS,
    Entry,
    as_method,
    choose,
    groups_of,
    is_bookkeeping,
    method_of,
    tells_something,
)
from barograph.sources.numbers import Kind
from barograph.sources.steps import Axis, arrange, beginnings, is_step_key, step_key, steps_of_rows
from barograph.sources.table import RawColumn, RawTable, plain, sharing
from barograph.sources.wording import counted, listed, visible

__all__ = ["normalise", "without_totals"]

#: The trainer's last row, with totals of the whole run, holds these two together.
_TOTALS_ROW = ("train_runtime", "train_samples_per_second")


def normalise(
    raw: RawRun,
    *,
    path: str,
    source: str,
    method: Method | str | None = None,
    config: Mapping[str, object] | None = None,
    metrics: Mapping[str, str] | None = None,
    is_one: bool = False,
) -> list[Run]:
    """The runs that a raw log tells of: one, unless a column names several or one follows the other.

    Of a log that `is_one` run by its nature, what begins anew is that run once more: it was rescued, or started again.

    `method` and `config` win over what the log says. `metrics` maps raw keys to series by hand, over whatever we would
    take them for.
    """
    way = _Way(source, as_method(method), {**raw.config, **(config or {})}, metrics or {})
    by_name = _by_name(raw.table)
    if not by_name:
        return way.runs(raw.table, path, raw.notes, is_part=is_one)
    runs: list[Run] = []
    failures: list[UnreadableRun] = []
    for name, table in by_name.items():
        try:
            runs += way.runs(table, f"{path}#{name}", raw.notes)
        except UnreadableRun as error:
            failures.append(error)
    if not runs:
        raise failures[0]
    return runs


@dataclass(frozen=True, slots=True)
class _Way:
    """What all runs of a log have in common: what is known before their rows are looked at."""

    source: str
    method: Method | None
    config: Mapping[str, object]
    by_hand: Mapping[str, str]

    def runs(self, whole: RawTable, path: str, notes: Sequence[str], *, is_part: bool = False) -> list[Run]:
        """The runs that follow each other in a table, nearly always one."""
        settings = dict(self.config)
        if whole.target is not None:
            settings.setdefault("max_steps", whole.target)
        table = without_totals(whole)
        logged = {key: column for key, column in table.columns.items() if column.at}
        known_method, sentence = method_of(logged, path, self.method, settings, self.by_hand)
        chosen = choose(logged, known_method, self.by_hand)
        if not any(tells_something(series) for series in chosen.series):
            raise _nothing_known(table, chosen.unknown, path, notes)
        if (planned := chosen.series.get("max_steps")) and isfinite(planned.column.values[-1]):
            settings.setdefault("max_steps", int(planned.column.values[-1]))
        groups = groups_of(chosen.series.values())
        telling = groups_of(entry for series, entry in chosen.series.items() if tells_something(series))
        train_rows = set().union(
            *groups_of(
                entry for series, entry in chosen.series.items() if entry.split == TRAIN and tells_something(series)
            )
        )
        steps, said = steps_of_rows(table, groups, train_rows, settings, path)
        if step_key({key: len(column.at) for key, column in table.columns.items()}) is None:
            settings.setdefault("steps_are_counted", "logging_steps" not in settings)
        if not is_part and (borders := beginnings(steps, telling)):
            return self._one_by_one(table, borders, path, notes)
        axis = arrange(steps, groups, telling)
        columns, scaled = _columns(chosen.series, axis)
        _derive_margin(columns)
        said = [*notes, *_notes_on(whole), *sentence, *chosen.notes, *said, *axis.notes, *scaled]
        return [
            Run(
                path=path,
                source=self.source,
                method=known_method,
                steps=axis.steps,
                columns=columns,
                config=settings,
                notes=said,
                unknown_keys=sorted(chosen.unknown),
            )
        ]

    def _one_by_one(self, table: RawTable, borders: Sequence[int], path: str, notes: Sequence[str]) -> list[Run]:
        """The runs between the borders, each read for itself; what tells nothing is left out."""
        runs: list[Run] = []
        for number, (begin, end) in enumerate(pairwise([0, *borders, table.rows]), 1):
            try:
                (run,) = self.runs(table.only(range(begin, end)), path, notes, is_part=True)
            except UnreadableRun:
                continue
            order = f"run {number} of the {len(borders) + 1} that follow each other in the log"
            runs.append(replace(run, path=f"{path}#{number}", attempt=number).noting(order))
        return runs


def _by_name(table: RawTable) -> dict[str, RawTable]:
    """The runs of a table that says of each row which run it belongs to; nothing if it names less than two."""
    several = [names for names in table.labels.values() if len(names) > 1]
    if not several:
        return {}
    names = max(several, key=lambda names: sum(map(len, names.values())))
    if 2 * sum(map(len, names.values())) < table.rows:
        return {}
    return {name: table.only(rows) for name, rows in names.items()}


# Rows and keys that are no metrics


def without_totals(table: RawTable) -> RawTable:
    """The table without the trainer's closing row of totals, which is no data point.

    Where a format keeps all of one step in one row, the totals stand beside the last metrics: then these stay.
    """
    marks = [
        {row for key, column in table.columns.items() if plain(key) == mark for row in column.at}
        for mark in _TOTALS_ROW
    ]
    with_totals = set.intersection(*marks)
    if not with_totals:
        return table
    telling = (column.at for key, column in table.columns.items() if not _is_total(key))
    closing = with_totals.difference(*telling)
    columns: dict[str, RawColumn] = {}
    for key, (at, values) in table.columns.items():
        gone = with_totals if plain(key) == TRAIN_LOSS else closing
        order = [index for index, row in enumerate(at) if row not in gone]
        whole = len(order) == len(at)
        columns[key] = RawColumn(
            at if whole else array("q", map(at.__getitem__, order)),
            values if whole else array("d", map(values.__getitem__, order)),
        )
    return replace(table, columns={key: column for key, column in sharing(columns.items()) if column.at})


def _is_total(key: str) -> bool:
    """Whether a raw key may stand in the closing row without making it a data point."""
    return is_bookkeeping(key) or is_step_key(key) or plain(key) in {TRAIN_LOSS, "epoch"}


def _notes_on(table: RawTable) -> list[str]:
    """What had to be left out of the raw table, in a sentence each."""
    left_out = {key: what for key, what in table.left_out.items() if not is_bookkeeping(key) and not is_step_key(key)}
    notes = [
        f"`{visible(key)}` is {kind} in {counted(rows, 'row')}: left out"
        for key, (kind, rows) in sorted(left_out.items())[:5]
    ]
    if len(left_out) > 5:
        notes.append(f"{len(left_out) - 5:,} more keys hold no numbers: left out")
    if table.cleaned:
        notes.append(f"keys with control characters are shown escaped: {listed(table.cleaned, 3)}")
    return notes


# Names


def _on(entry: Entry, lead: Lead, axis: Axis) -> Column:
    """A raw column on the step axis and in our unit, but for percent."""
    at, order = axis.moved[id(entry.column.at)]
    values = entry.column.values
    if order is not None:
        values = array("d", map(values.__getitem__, order))
    return Column(at, values if lead.is_as_it_is else array("d", map(lead.in_unit, values)), entry.raw)


def _columns(series: Mapping[str, Entry], axis: Axis) -> tuple[dict[str, Column], list[str]]:
    """The columns on the step axis and in their units, and a note on those that were logged in percent."""
    columns: dict[str, Column] = {}
    notes: list[str] = []
    for key, entry in series.items():
        lead = Lead.to(key, entry.alias)
        column = _on(entry, lead, axis)
        if lead.is_share and is_percent(column.values):
            column = Column(column.at, array("d", (value / 100.0 for value in column.values)), column.raw)
            notes.append(f"`{visible(entry.raw)}` is in percent: divided by 100")
        columns[key] = column
    return columns, notes


def _derive_margin(columns: dict[str, Column]) -> None:
    """Some frameworks log the rewards of both sides only; the margin is their difference."""
    for prefix in ("", f"{EVAL}."):
        chosen, rejected = columns.get(f"{prefix}reward_chosen"), columns.get(f"{prefix}reward_rejected")
        name = f"{prefix}reward_margin"
        if chosen is None or rejected is None or name in columns:
            continue
        at, values = chosen.at, array("d", map(sub, chosen.values, rejected.values))
        if chosen.at != rejected.at:  # Batches of one kind only: KTO may log one side alone.
            other = dict(zip(rejected.at, rejected.values, strict=True))
            both = [(row, value) for row, value in zip(chosen.at, chosen.values, strict=True) if row in other]
            at, values = array("q", (row for row, _ in both)), array("d", (value - other[row] for row, value in both))
        if at:
            columns[name] = Column(at, values, f"{chosen.raw} - {rejected.raw}")


def _nothing_known(table: RawTable, unknown: Iterable[str], path: str, notes: Sequence[str]) -> Exception:
    """The error for rows that hold no metric we know, with the keys found and the nearest known ones."""
    keys = sorted(unknown)
    if not table.rows:
        if left_out := next((note for note in notes if "left out" in note), ""):
            return unreadable(path, f"holds no rows that could be read ({left_out})")
        return unreadable(path, "holds no rows", "is the run still starting?")
    if not keys and table.left_out:
        kinds = {kind for kind, _ in table.left_out.values()}
        only = Kind.TEXT.value if kinds == {Kind.TEXT.value} else "text, lists and the like"
        where = listed(key for key, _ in sorted(table.left_out.items()))
        return unreadable(path, f"holds no numbers, only {only} under {where}", "is this a data set?")
    if not keys:
        what = "only bookkeeping" if table.columns else "for nothing stands in them"
        return unreadable(path, f"holds {counted(table.rows, 'row')} but no metrics, {what}")
    near = sorted({word for key in keys[:20] for word in nearest(key)})
    hint = f"the nearest known names are {listed(near)}" if near else "known names are loss, reward, kl and the like"
    return unreadable(path, f"holds {counted(table.rows, 'row')} but no known metric, only {listed(keys)}", hint)
