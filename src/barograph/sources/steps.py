"""The step axis: which step each row belongs to, which rows a later attempt has replaced, and their order.

A log is written by machines that are stopped and started again. A step that falls back within one series is a
resume: what was logged beyond that point belongs to an attempt that was given up.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, compress
from math import isnan
from operator import ge, gt, le, lt, ne
from typing import cast

from barograph.core.vocabulary import STEP_KEYS
from barograph.sources.base import unreadable
from barograph.sources.table import RawColumn, RawTable, plain
from barograph.sources.wording import counted

__all__ = ["Axis", "arrange", "beginnings", "is_step_key", "step_key", "steps_of_rows"]

_PRIORITY = {plain(key): rank for rank, key in reversed(list(enumerate(STEP_KEYS)))}
#: Beyond this a float no longer holds every whole number.
LARGEST_STEP = 2.0**53
#: Two attempts of more rows than this are more likely two runs than a false start.
HANDFUL = 10


def is_step_key(key: str) -> bool:
    """Whether a raw key may hold the step."""
    return plain(key) in _PRIORITY


def steps_of_rows(
    table: RawTable, groups: Sequence[array[int]], train_rows: Collection[int], config: Mapping[str, object], path: str
) -> tuple[list[int], list[str]]:
    """The step of every raw row, and what has to be said about it.

    `groups` are the distinct rows of the columns that are kept, `train_rows` those that hold training metrics:
    where no step was logged, these are counted.
    """
    key = step_key({key: len(column.at) for key, column in table.columns.items()})
    if key is None:
        return _counted_steps(table.rows, groups, train_rows, config)
    column = table.columns[key]
    values = column.values
    if not all(map(float.is_integer, values)) or min(values) < 0 or max(values) > LARGEST_STEP:
        values, column = _checked(column, path)
    steps = list(map(int, values))
    if len(steps) == table.rows:
        return steps, []
    return _fill_gaps(column.at, steps, table.rows, groups)


def step_key(rows_with: Mapping[str, int]) -> str | None:
    """Of the raw keys, with the number of rows that have each, the one that holds the step.

    It is the first step key in order of priority that is there in at least half of the rows that have any.
    """
    found = {key: rows for key, rows in rows_with.items() if is_step_key(key)}
    most = max(found.values(), default=0)
    return min((key for key, rows in found.items() if 2 * rows >= most), key=_rank, default=None)


def _rank(key: str) -> tuple[int, str]:
    return _PRIORITY[plain(key)], key


def _checked(column: RawColumn, path: str) -> tuple[array[float], RawColumn]:
    """The column without empty (NaN) steps; anything else that is no step is an error that names its row."""
    at, values = array("q"), array("d")
    for row, value in zip(*column, strict=True):
        if isnan(value):  # How a table writes "no step here".
            continue
        if value < 0 or value > LARGEST_STEP or not value.is_integer():
            kind = "negative" if value < 0 else "too large" if value > LARGEST_STEP else "not a whole number"
            raise unreadable(
                path,
                f"row {row + 1:,} has the step {value:.12g}, which is {kind}",
                "a step counts optimizer steps from 0 up: give the column with these the name 'step'",
            )
        at.append(row)
        values.append(value)
    return values, RawColumn(at, values)


def _fill_gaps(
    at: array[int], steps: Sequence[int], rows: int, groups: Sequence[array[int]]
) -> tuple[list[int], list[str]]:
    """A row without a step belongs to the row before it, the first ones to the first row that has one."""
    if not steps:
        return list(range(1, rows + 1)), ["the step column is empty: rows are counted instead"]
    filled = [-1] * rows
    for row, step in zip(at, steps, strict=True):
        filled[row] = step
    current = steps[0]
    for row, step in enumerate(filled):
        if step < 0:
            filled[row] = current
        else:
            current = step
    without = len(set().union(*groups).difference(at))
    if not without:
        return filled, []
    return filled, [f"{counted(without, 'row')} without a step: taken to belong to the row before"]


def _counted_steps(
    rows: int, groups: Sequence[array[int]], train_rows: Collection[int], config: Mapping[str, object]
) -> tuple[list[int], list[str]]:
    """Training rows, counted; each stands for as many steps as the trainer was told to log once in.

    Evaluations stand between them and belong to the row before. A log of nothing else counts its evaluations.
    """
    counting: Collection[int] = train_rows or set().union(*groups)
    counts = accumulate(row in counting for row in range(rows))
    every = config.get("logging_steps")
    if isinstance(every, int | float) and every >= 1 and float(every).is_integer() and train_rows:
        steps = [count * int(every) for count in counts]
        return steps, [f"no step was logged: rows are counted, {counted(int(every), 'step')} each (logging_steps)"]
    return list(counts), ["no step was logged: rows are counted instead"]


@dataclass(frozen=True, slots=True)
class Axis:
    """The rows that are left, in the order of their steps, and how a column moves onto them."""

    steps: array[int]
    #: For the `at` of each column, by its id: the new `at`, and which of the old values stay (None: all, in order).
    moved: Mapping[int, tuple[array[int], list[int] | None]]
    notes: Sequence[str] = ()


def arrange(steps: list[int], groups: Sequence[array[int]], telling: Sequence[array[int]]) -> Axis:
    """Order the rows, drop what a later attempt repeats, and let the last of equal steps count within a series.

    `groups` are the distinct `at` arrays of the columns. Rows that no group holds are dropped. `telling` are those of
    columns that are more than counters: an epoch stands in rows of every kind, so its steps may repeat and fall.
    """
    notes: list[str] = []
    kept = sorted(set().union(*groups)) if not _covers(groups, len(steps)) else None
    if kept is None and _rises(steps):
        return Axis(array("q", steps), {id(at): (at, None) for at in groups})
    rows = kept if kept is not None else list(range(len(steps)))
    if _falls_all_the_way(steps, telling):
        notes.append("the rows stand in falling order of steps: read from the last to the first")
        rows.reverse()
    elif _shuffled(steps, telling):
        notes.append("the rows stand in no order of steps: sorted by step")
    else:
        rows, notes = _without_superseded(rows, steps, telling)
    rows.sort(key=steps.__getitem__)
    position = {row: index for index, row in enumerate(rows)}
    moved, gave_way = _move(groups, position, [steps[row] for row in rows])
    if repeats := len(set().union(*(gave_way[id(at)] for at in telling))):
        notes.append(f"{counted(repeats, 'row')} with a step that is given again: the last value counts")
    return _compact(array("q", map(steps.__getitem__, rows)), moved, notes)


def _covers(groups: Sequence[array[int]], rows: int) -> bool:
    return any(len(at) == rows for at in groups)


def _falls_all_the_way(steps: Sequence[int], groups: Sequence[array[int]]) -> bool:
    longest = max(groups, key=len)
    own = [steps[row] for row in longest]
    return len(own) > 2 and own[0] > own[-1] and all(map(ge, own, own[1:]))


def _shuffled(steps: Sequence[int], groups: Sequence[array[int]]) -> bool:
    """Whether steps fall so often that no resume explains it: in every fourth row and more, and hardly one twice."""
    own = [steps[row] for row in max(groups, key=len, default=array("q"))]
    falls = sum(map(gt, own, own[1:]))
    return len(own) > 4 and 4 * falls > len(own) and len(set(own)) > 0.9 * len(own)


def _without_superseded(
    rows: list[int], steps: Sequence[int], groups: Sequence[array[int]]
) -> tuple[list[int], list[str]]:
    """Drop the rows that a resume repeats: the earlier ones at its step or beyond."""
    starts = _resumes(steps, groups)
    if not starts:
        return rows, []
    kept: list[int] = []
    threshold = LARGEST_STEP + 1
    for row in reversed(rows):
        if steps[row] < threshold:
            kept.append(row)
        if row in starts:
            threshold = min(threshold, steps[row])
    kept.reverse()
    dropped = len(rows) - len(kept)
    to_steps = ", ".join(f"{steps[row]:,}" for row in sorted(starts)[:3]) + (", ..." if len(starts) > 3 else "")
    note = (
        f"the step falls back {'once' if len(starts) == 1 else f'{len(starts):,} times'} (to {to_steps}): "
        f"{counted(dropped, 'row')} of the earlier attempt{'s' if len(starts) > 1 else ''} dropped"
    )
    return kept, [note]


def _resumes(steps: Sequence[int], groups: Sequence[array[int]]) -> set[int]:
    """The rows at which a later attempt begins.

    Only a fall within one group of series counts: a log that writes evaluation or rollout rows a little late falls
    back from row to row all the time and repeats nothing. After a resume each group falls once, at its own next
    row; what falls across an attempt's beginning is explained by it.
    """
    falls: list[tuple[int, int]] = []
    for at in groups:
        own = [steps[row] for row in at]
        if not all(map(le, own, own[1:])):
            falls.extend((at[index], at[index - 1]) for index in range(1, len(own)) if own[index] < own[index - 1])
    starts: set[int] = set()
    latest = -1
    for row, before in sorted(falls):
        if latest <= before:
            starts.add(row)
            latest = row
    return starts


def beginnings(steps: Sequence[int], telling: Sequence[array[int]]) -> list[int]:
    """The rows at which another run begins, where a log holds several that follow each other.

    What begins anew, at the first step or before, is another run. What is given up after a handful of rows was a false
    start of the run that follows, and is dropped like any other.
    """
    if not steps or _falls_all_the_way(steps, telling) or _shuffled(steps, telling):
        return []
    rows = sorted(set().union(*telling))
    fresh = [row for row in sorted(_resumes(steps, telling)) if steps[row] <= steps[rows[0]]]
    borders: list[int] = []
    begin = 0
    for row in fresh:
        end = bisect_left(rows, row)
        if len({steps[other] for other in rows[begin:end]}) > HANDFUL:
            borders.append(row)
        begin = end
    return borders


def _move(
    groups: Sequence[array[int]], position: Mapping[int, int], steps: Sequence[int]
) -> tuple[dict[int, tuple[array[int], list[int] | None]], dict[int, set[int]]]:
    """Each group's rows in their new places; of several at one step, the last. Also the places that gave way."""
    moved: dict[int, tuple[array[int], list[int] | None]] = {}
    yielded: dict[int, set[int]] = {}
    for at in groups:
        yielded[id(at)] = set()
        places = list(map(position.get, at))
        if None not in places and _rises(own := [steps[place] for place in cast("list[int]", places)]):
            moved[id(at)] = array("q", cast("list[int]", places)), None
            continue
        left = [(place, index) for index, place in enumerate(places) if place is not None]
        left.sort()
        own = [steps[place] for place, _ in left]
        counts = [*map(ne, own, own[1:]), True]
        yielded[id(at)].update(place for (place, _), is_last in zip(left, counts, strict=False) if not is_last)
        left = list(compress(left, counts))
        moved[id(at)] = array("q", (place for place, _ in left)), [index for _, index in left]
    return moved, yielded


def _rises(numbers: Sequence[int]) -> bool:
    return all(map(lt, numbers, numbers[1:]))


def _compact(steps: array[int], moved: dict[int, tuple[array[int], list[int] | None]], notes: Sequence[str]) -> Axis:
    """Take out the rows that have lost all their values, and renumber the rest."""
    used: set[int] = set()
    for at, _ in moved.values():
        used.update(at)
    if len(used) == len(steps):
        return Axis(steps, moved, notes)
    renumbered = {row: index for index, row in enumerate(sorted(used))}
    left = array("q", (steps[row] for row in sorted(used)))
    return Axis(
        left, {key: (array("q", map(renumbered.__getitem__, at)), order) for key, (at, order) in moved.items()}, notes
    )
