"""Which of our series each raw key is: the method a log comes from, and of two keys that mean the same the better.

Shared by what reads a whole log and by what follows one row by row, so that both give a key the same name.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from barograph.core.errors import ConfigurationError, suggest
from barograph.core.fingerprint import recognise_method
from barograph.core.methods import Method
from barograph.core.metric import Alias
from barograph.core.names import catalogue, precedence, resolve, series_key, split_of
from barograph.core.vocabulary import TOTALS
from barograph.sources.steps import is_step_key
from barograph.sources.table import RawColumn, plain
from barograph.sources.wording import visible

__all__ = [
    "TRAIN_LOSS",
    "Chosen",
    "Entry",
    "as_method",
    "choose",
    "groups_of",
    "is_bookkeeping",
    "method_of",
    "tells_something",
]

_TOTALS = frozenset(plain(key) for key in TOTALS)
#: A total in the trainer's closing row; in any other the loss of an epoch or of a hand-written loop.
TRAIN_LOSS = "train_loss"


def as_method(method: Method | str | None) -> Method | None:
    """A method by its name; an unknown name is an error with a suggestion."""
    if method is None or isinstance(method, Method):
        return method
    try:
        return Method(method.strip().lower())
    except ValueError:
        known = [known.value for known in Method]
        raise ConfigurationError(f"unknown method {visible(method)!r}{suggest(method, known)}") from None


def is_bookkeeping(key: str) -> bool:
    """Whether a raw key is a total or a figure of the machine, and no metric."""
    return plain(key) in _TOTALS and plain(key) != TRAIN_LOSS


def tells_something(series: str) -> bool:
    """Whether a series is more than a counter of how far the run is."""
    metric = catalogue().get(split_of(series)[1])
    return metric is None or metric.group != "progress"


def method_of(
    columns: Mapping[str, RawColumn],
    path: str,
    method: Method | str | None,
    settings: Mapping[str, object],
    by_hand: Mapping[str, str],
) -> tuple[Method, list[str]]:
    """What was asked for, else what the run's own settings say, else what its keys look like, or are said to mean."""
    if asked := as_method(method):
        return asked, []
    said = settings.get("method")
    if isinstance(said, str) and said in {known.value for known in Method} and said != Method.UNKNOWN:
        return Method(said), []
    first = {by_hand.get(key, key): column.values[0] for key, column in columns.items()}
    recognised, sentence = recognise_method(list(first), first, path)
    return recognised, [f"taken as {recognised.value}: {sentence}"] if sentence else []


@dataclass(frozen=True, slots=True)
class Entry:
    """A raw column on its way to a series."""

    raw: str
    column: RawColumn
    split: str
    alias: Alias | None


@dataclass(slots=True)
class Chosen:
    """What the raw keys of a log stand for."""

    series: dict[str, Entry] = field(default_factory=dict)
    unknown: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def groups_of(entries: Iterable[Entry]) -> list[array[int]]:
    """The distinct rows of some columns."""
    return list({id(entry.column.at): entry.column.at for entry in entries}.values())


def choose(columns: Mapping[str, RawColumn], method: Method, by_hand: Mapping[str, str]) -> Chosen:
    """Which raw column becomes which series. Of two that mean the same, the first in the vocabulary wins."""
    chosen = Chosen()
    rivals: dict[str, list[tuple[int, str, Entry]]] = {}
    for key, column in columns.items():
        if key in by_hand:
            series = by_hand[key]
            rivals.setdefault(series, []).append((-1, key, Entry(key, column, split_of(series)[0], None)))
            continue
        if is_bookkeeping(key):
            continue
        found = resolve(key, method) or (resolve("loss", method) if plain(key) == TRAIN_LOSS else None)
        if found is not None and found.name == "step":
            continue
        if found is None:
            if is_step_key(key):
                continue
            chosen.unknown.append(key)
            continue
        series = series_key(found.name, found.split)
        entry = Entry(key, column, found.split, found.alias)
        rivals.setdefault(series, []).append((precedence(found), key, entry))
    losers: list[tuple[str, str, Entry]] = []
    for series, entries in rivals.items():
        entries.sort(key=lambda entry: entry[:2])
        chosen.series[series] = entries[0][2]
        losers += [(key, series, entry) for _, key, entry in entries[1:]]
    for key, series, entry in losers:
        winner = chosen.series[series].raw
        chosen.notes.append(f"`{visible(key)}` means the same as `{visible(winner)}`: kept under its own name")
        chosen.series.setdefault(key, Entry(key, entry.column, entry.split, None))
    return chosen
