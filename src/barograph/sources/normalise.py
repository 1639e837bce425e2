"""From the raw table of any format to a `Run`: one spelling, one unit, one step axis.

This is the only place that knows about methods, aliases and totals, so that no reader has to.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from math import isfinite

from barograph.core.errors import ConfigurationError, UnreadableRun, suggest
from barograph.core.fingerprint import recognise_method
from barograph.core.methods import Method
from barograph.core.metric import Alias, Unit
from barograph.core.names import EVAL, TRAIN, catalogue, nearest, precedence, resolve, series_key, split_of
from barograph.core.run import Column, Run
from barograph.core.vocabulary import TOTALS
from barograph.sources.base import RawRun, unreadable
from barograph.sources.steps import Axis, arrange, beginnings, is_step_key, steps_of_rows
from barograph.sources.table import RawColumn, RawTable, plain
from barograph.sources.wording import counted, listed, visible

__all__ = ["as_method", "normalise"]

_TOTALS = frozenset(plain(key) for key in TOTALS)
#: The trainer's last row, with totals of the whole run, holds these two together.
_TOTALS_ROW = ("train_runtime", "train_samples_per_second")
#: A total in that row; in any other the loss of an epoch or of a hand-written loop.
_TRAIN_LOSS = "train_loss"


def as_method(method: Method | str | None) -> Method | None:
    """A method by its name; an unknown name is an error with a suggestion."""
    if method is None or isinstance(method, Method):
        return method
    try:
        return Method(method.strip().lower())
    except ValueError:
        known = [known.value for known in Method]
        raise ConfigurationError(f"unknown method {visible(method)!r}{suggest(method, known)}") from None


def normalise(
    raw: RawRun,
    *,
    path: str,
    source: str,
    method: Method | str | None = None,
    config: Mapping[str, object] | None = None,
    metrics: Mapping[str, str] | None = None,
) -> list[Run]:
    """The runs that a raw log tells of: one, unless a column names several or one follows the other.

    `method` and `config` win over what the log says. `metrics` maps raw keys to series by hand, over whatever we would
    take them for.
    """
    way = _Way(source, as_method(method), {**raw.config, **(config or {})}, metrics or {})
    by_name = _by_name(raw.table)
    if not by_name:
        return way.runs(raw.table, path, raw.notes)
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
        table = _without_totals(whole)
        logged = {key: column for key, column in table.columns.items() if column.at}
        known_method, sentence = _method_of(logged, path, self.method, settings)
        chosen = _choose(logged, known_method, self.by_hand)
        if not any(_tells_something(series) for series in chosen.series):
            raise _nothing_known(table, chosen.unknown, path)
        if (planned := chosen.series.get("max_steps")) and isfinite(planned.column.values[-1]):
            settings.setdefault("max_steps", int(planned.column.values[-1]))
        groups = _groups(chosen.series.values())
        telling = _groups(entry for series, entry in chosen.series.items() if _tells_something(series))
        train_rows = set().union(*_groups(entry for entry in chosen.series.values() if entry.split == TRAIN))
        steps, said = steps_of_rows(table, groups, train_rows, settings, path)
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


def _without_totals(table: RawTable) -> RawTable:
    """The table without the trainer's closing row of totals, which is no data point."""
    marks = [
        {row for key, column in table.columns.items() if plain(key) == mark for row in column.at}
        for mark in _TOTALS_ROW
    ]
    closing = set.intersection(*marks)
    if not closing:
        return table
    moved: dict[int, tuple[array[int], list[int] | None]] = {}
    columns: dict[str, RawColumn] = {}
    for key, (at, values) in table.columns.items():
        if id(at) not in moved:
            order = [index for index, row in enumerate(at) if row not in closing]
            moved[id(at)] = (at, None) if len(order) == len(at) else (array("q", map(at.__getitem__, order)), order)
        rows, kept = moved[id(at)]
        columns[key] = RawColumn(rows, values if kept is None else array("d", map(values.__getitem__, kept)))
    return RawTable(table.rows, {key: column for key, column in columns.items() if column.at}, table.left_out)


def _is_bookkeeping(key: str) -> bool:
    return plain(key) in _TOTALS and plain(key) != _TRAIN_LOSS


def _tells_something(series: str) -> bool:
    """Whether a series is more than a counter of how far the run is."""
    metric = catalogue().get(split_of(series)[1])
    return metric is None or metric.group != "progress"


def _notes_on(table: RawTable) -> list[str]:
    """What had to be left out of the raw table, in a sentence each."""
    left_out = {key: what for key, what in table.left_out.items() if not _is_bookkeeping(key) and not is_step_key(key)}
    notes = [
        f"`{visible(key)}` is {kind} in {counted(rows, 'row')}: left out"
        for key, (kind, rows) in sorted(left_out.items())[:5]
    ]
    if len(left_out) > 5:
        notes.append(f"{len(left_out) - 5:,} more keys hold no numbers: left out")
    if table.cleaned:
        notes.append(f"keys with control characters are shown escaped: {listed(table.cleaned, 3)}")
    return notes


# Method


def _method_of(
    columns: Mapping[str, RawColumn], path: str, method: Method | str | None, settings: Mapping[str, object]
) -> tuple[Method, list[str]]:
    """What was asked for, else what the run's own settings say, else what its keys look like."""
    if asked := as_method(method):
        return asked, []
    said = settings.get("method")
    if isinstance(said, str) and said in {known.value for known in Method} and said != Method.UNKNOWN:
        return Method(said), []
    first = {key: column.values[0] for key, column in columns.items()}
    recognised, sentence = recognise_method(list(columns), first, path)
    return recognised, [f"taken as {recognised.value}: {sentence}"] if sentence else []


# Names


@dataclass(frozen=True, slots=True)
class _Entry:
    """A raw column on its way to a series."""

    raw: str
    column: RawColumn
    split: str
    alias: Alias | None

    def on(self, axis: Axis) -> Column:
        at, order = axis.moved[id(self.column.at)]
        values = self.column.values
        if order is not None:
            values = array("d", map(values.__getitem__, order))
        alias = self.alias
        if alias is not None and (alias.scale != 1.0 or alias.complement):
            scale = alias.scale
            scaled = (value * scale for value in values)
            values = array("d", (1.0 - value for value in scaled) if alias.complement else scaled)
        return Column(at, values, self.raw)


def _columns(series: Mapping[str, _Entry], axis: Axis) -> tuple[dict[str, Column], list[str]]:
    """The columns on the step axis and in their units, and a note on those that were logged in percent."""
    columns: dict[str, Column] = {}
    notes: list[str] = []
    for key, entry in series.items():
        column = entry.on(axis)
        metric = catalogue().get(split_of(key)[1])
        if metric is not None and metric.unit is Unit.SHARE and _is_percent(column.values):
            column = Column(column.at, array("d", (value / 100.0 for value in column.values)), column.raw)
            notes.append(f"`{visible(entry.raw)}` is in percent: divided by 100")
        columns[key] = column
    return columns, notes


def _derive_margin(columns: dict[str, Column]) -> None:
    """Some frameworks log the rewards of both sides only; the margin is their difference."""
    for prefix in ("", f"{EVAL}."):
        chosen, rejected = columns.get(f"{prefix}reward_chosen"), columns.get(f"{prefix}reward_rejected")
        name = f"{prefix}reward_margin"
        if chosen is not None and rejected is not None and chosen.at == rejected.at and name not in columns:
            difference = array("d", (c - r for c, r in zip(chosen.values, rejected.values, strict=True)))
            columns[name] = Column(chosen.at, difference, f"{chosen.raw} - {rejected.raw}")


def _is_percent(values: Sequence[float]) -> bool:
    """Whether what should be a share of one can only be one of a hundred."""
    finite = list(filter(isfinite, values))
    return bool(finite) and 1.5 < max(finite) <= 100.0 and min(finite) >= 0.0


@dataclass(slots=True)
class _Chosen:
    series: dict[str, _Entry] = field(default_factory=dict)
    unknown: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def _groups(entries: Iterable[_Entry]) -> list[array[int]]:
    """The distinct rows of some columns."""
    return list({id(entry.column.at): entry.column.at for entry in entries}.values())


def _choose(columns: Mapping[str, RawColumn], method: Method, by_hand: Mapping[str, str]) -> _Chosen:
    """Which raw column becomes which series. Of two that mean the same, the first in the vocabulary wins."""
    chosen = _Chosen()
    rivals: dict[str, list[tuple[int, str, _Entry]]] = {}
    for key, column in columns.items():
        if key in by_hand:
            series = by_hand[key]
            rivals.setdefault(series, []).append((-1, key, _Entry(key, column, split_of(series)[0], None)))
            continue
        if _is_bookkeeping(key):
            continue
        found = resolve(key, method) or (resolve("loss", method) if plain(key) == _TRAIN_LOSS else None)
        if found is not None and found.name == "step":
            continue
        if found is None:
            if is_step_key(key):
                continue
            chosen.unknown.append(key)
            continue
        series = series_key(found.name, found.split)
        entry = _Entry(key, column, found.split, found.alias)
        rivals.setdefault(series, []).append((precedence(found), key, entry))
    losers: list[tuple[str, str, _Entry]] = []
    for series, entries in rivals.items():
        entries.sort(key=lambda entry: entry[:2])
        chosen.series[series] = entries[0][2]
        losers += [(key, series, entry) for _, key, entry in entries[1:]]
    for key, series, entry in losers:
        winner = chosen.series[series].raw
        chosen.notes.append(f"`{visible(key)}` means the same as `{visible(winner)}`: kept under its own name")
        chosen.series.setdefault(key, _Entry(key, entry.column, entry.split, None))
    return chosen


def _nothing_known(table: RawTable, unknown: Iterable[str], path: str) -> Exception:
    """The error for rows that hold no metric we know, with the keys found and the nearest known ones."""
    keys = sorted(unknown)
    if not table.rows:
        return unreadable(path, "holds no rows", "is the run still starting?")
    if not keys and table.left_out:
        texts = [key for key, _ in sorted(table.left_out.items())]
        return unreadable(path, f"holds no numbers, only text under {listed(texts)}", "is this a data set?")
    if not keys:
        return unreadable(path, f"holds {counted(table.rows, 'row')} but no metrics, only bookkeeping")
    near = sorted({word for key in keys[:20] for word in nearest(key)})
    hint = f"the nearest known names are {listed(near)}" if near else "known names are loss, reward, kl and the like"
    return unreadable(path, f"holds {counted(table.rows, 'row')} but no known metric, only {listed(keys)}", hint)
