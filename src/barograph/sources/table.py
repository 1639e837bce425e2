"""Rows in, columns out: the raw table of a log, whatever its format.

Rows of one shape (the same keys) are turned into columns together, which is what makes a log of 100,000 rows a
matter of a third of a second. Only a column that holds something other than numbers is looked at value by value.
How the rows were cut into portions never shows in the result.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from operator import lt
from typing import NamedTuple, TypeAlias, cast

from barograph.core.vocabulary import STEP_KEYS
from barograph.sources.numbers import Kind, progress, to_number
from barograph.sources.wording import visible

__all__ = ["MOST_COLUMNS", "Gatherer", "RawColumn", "RawTable", "TooManyColumns", "plain", "sharing"]

MOST_COLUMNS = 10_000
#: Rows per portion. Large enough to make the work per portion vanish, small enough to stay in the cache.
PORTION = 8192
#: A portion with more shapes than this is gathered value by value.
MOST_SHAPES = 64
#: Objects inside a row are laid flat to this depth.
DEEPEST = 4
#: Names that only wrap the metrics of a row, as in `{"step": 1, "data": {...}}`; they do not enter the key.
WRAPPERS = frozenset({"data", "log", "logs", "metrics", "scalars", "values"})


class RawColumn(NamedTuple):
    """One raw key: the rows that carry a number for it, rising, and the numbers."""

    at: array[int]
    values: array[float]


@dataclass(frozen=True, slots=True)
class RawTable:
    """A log in columns, under the keys its framework wrote. Columns of the same rows share one `at` array."""

    rows: int
    columns: Mapping[str, RawColumn]
    #: Keys whose values are no numbers, or not always: what they are, and in how many rows.
    left_out: Mapping[str, tuple[str, int]] = field(default_factory=dict)
    #: Keys that had to be cleaned of what a terminal might obey.
    cleaned: Sequence[str] = ()
    #: The number of steps that a run aims at, from steps written as `12/1000`.
    target: int | None = None
    #: Of keys that say which run a row belongs to: the rows of each run, rising.
    labels: Mapping[str, Mapping[str, array[int]]] = field(default_factory=dict)

    def only(self, rows: Sequence[int]) -> RawTable:
        """The table of some of its rows, which rise; they are numbered anew."""
        place = {row: index for index, row in enumerate(rows)}
        moved: dict[int, tuple[array[int], list[int]]] = {}
        columns: dict[str, RawColumn] = {}
        for key, (at, values) in self.columns.items():
            if id(at) not in moved:
                order = [index for index, row in enumerate(at) if row in place]
                moved[id(at)] = array("q", (place[at[index]] for index in order)), order
            new_at, order = moved[id(at)]
            if order:
                columns[key] = RawColumn(new_at, array("d", map(values.__getitem__, order)))
        return RawTable(len(rows), columns, self.left_out, self.cleaned, self.target)

    def followed_by(self, *later: RawTable) -> RawTable:
        """The rows of this table, and then those of others."""
        columns = {key: RawColumn(column.at[:], column.values[:]) for key, column in self.columns.items()}
        left_out = dict(self.left_out)
        labels = {key: {name: rows[:] for name, rows in names.items()} for key, names in self.labels.items()}
        before = self.rows
        for table in later:
            moved: dict[int, array[int]] = {}
            for key, (at, values) in table.columns.items():
                if id(at) not in moved:
                    moved[id(at)] = array("q", (before + row for row in at))
                column = columns.setdefault(key, RawColumn(array("q"), array("d")))
                column.at.extend(moved[id(at)])
                column.values.extend(values)
            for key, (kind, rows) in table.left_out.items():
                known, count = left_out.get(key, (kind, 0))
                left_out[key] = (known if known == kind else "no number", count + rows)
            for key, names in table.labels.items():
                for name, its_rows in names.items():
                    known_rows = labels.setdefault(key, {}).setdefault(name, array("q"))
                    known_rows.extend(before + row for row in its_rows)
            before += table.rows
        together = dict(sharing(columns.items()))
        cleaned = tuple(dict.fromkeys(key for table in (self, *later) for key in table.cleaned))
        targets = [table.target for table in (self, *later) if table.target is not None]
        return RawTable(before, together, left_out, cleaned, max(targets, default=None), labels)


class TooManyColumns(Exception):
    """More different keys than any log of metrics has."""

    def __init__(self, number: int) -> None:
        self.number = number
        super().__init__(number)


def plain(key: str) -> str:
    """One spelling for a key that is looked up in a set: `train/Global Step` is `global_step`."""
    return key.strip().lower().replace(" ", "_").removeprefix("train/")


#: Keys that say which run a row belongs to.
_RUN_NAMES = frozenset({"run", "run_id", "run_name", "run_uuid", "experiment_name"})
#: More different names than this are no names of runs.
MOST_RUNS = 1_000
_STEP_NAMES = frozenset(plain(key) for key in STEP_KEYS)


#: Rows, and the objects found in them under one key.
_Inside: TypeAlias = tuple[list[int], list[dict[str, object]]]
#: By the keys of a shape: its rows, and the values of each key there.
_Shapes: TypeAlias = dict[tuple[str, ...], tuple[Sequence[int], Iterable[Sequence[object]]]]


class Gatherer:
    """Takes rows as they come and gives the table at the end."""

    def __init__(self) -> None:
        self.rows = 0
        self._segments: dict[str, list[tuple[array[int], array[float]]]] = {}
        self._left_out: dict[str, tuple[str, int]] = {}
        self._labels: dict[str, dict[str, array[int]]] = {}
        self._target: int | None = None

    def extend(self, rows: Sequence[dict[str, object]]) -> None:
        """Add rows, each a mapping of raw keys to whatever the log holds."""
        for begin in range(0, len(rows), PORTION):
            portion = rows[begin : begin + PORTION] if len(rows) > PORTION else rows
            self._gather(range(self.rows, self.rows + len(portion)), portion, "", 0)
            self.rows += len(portion)

    def extend_cells(self, keys: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Add rows of text cells, each exactly as long as `keys`."""
        if not rows:
            return
        at = array("q", range(self.rows, self.rows + len(rows)))
        for key, cells in zip(keys, zip(*rows, strict=True), strict=True):
            self._add(key, at, cells, {})
        self.rows += len(rows)

    def extend_columns(self, keys: Sequence[str], columns: Sequence[Sequence[object]]) -> None:
        """Add rows that come as columns, all of one length; None stands for an empty cell."""
        rows = len(columns[0]) if columns else 0
        at = array("q", range(self.rows, self.rows + rows))
        for key, values in zip(keys, columns, strict=True):
            self._add(key, at, values, {})
        self.rows += rows

    def add_column(self, key: str, values: Sequence[object]) -> None:
        """Add a whole column of plain values that begins at the first row."""
        self._add(key, array("q", range(len(values))), values, {})
        self.rows = max(self.rows, len(values))

    def _gather(self, at: Sequence[int], rows: Sequence[dict[str, object]], prefix: str, depth: int) -> None:
        """Gather rows shape by shape, then what lies in objects inside them.

        Each is done in an order that depends on the row alone: if a row gives a key twice, the inner one counts.
        """
        inside: dict[str, _Inside] = {}
        shapes = _by_shape(at, rows) or _by_key(at, rows)
        for keys, (numbers, columns) in shapes.items():
            if len(keys) > MOST_COLUMNS:
                raise TooManyColumns(len(keys))
            shared = array("q", numbers)
            for key, values in zip(keys, columns, strict=True):
                self._add(prefix + key, shared, values, inside)
        for key, (inner_at, inner) in sorted(inside.items()):
            if depth == DEEPEST:
                self._leave_out(key, Kind.NESTED, len(inner))
                continue
            parent, _, last = f"/{key}".rpartition("/")
            # They were found shape by shape, and are wanted in the order of rows.
            order = sorted(range(len(inner_at)), key=inner_at.__getitem__)
            rising, ordered = [inner_at[index] for index in order], [inner[index] for index in order]
            self._gather(rising, ordered, f"{parent if last in WRAPPERS else '/' + key}/"[1:], depth + 1)

    def _add(self, key: str, at: array[int], values: Sequence[object], inside: dict[str, _Inside]) -> None:
        """Add the values of one key in some rows: as numbers at once if they all are, else one by one."""
        try:
            numbers: array[float] = array("d", cast("Sequence[float]", values))  # What is no number raises.
        except (TypeError, OverflowError):
            try:
                numbers = array("d", map(float, cast("Sequence[float]", values)))
            except (TypeError, ValueError, OverflowError):
                self._add_with_care(key, at, values, inside)
                return
        self._keep(key, at, numbers)

    def _keep(self, key: str, at: array[int], numbers: array[float]) -> None:
        self._segments.setdefault(key, []).append((at, numbers))
        if len(self._segments) > MOST_COLUMNS:
            raise TooManyColumns(len(self._segments))

    def _add_with_care(self, key: str, at: array[int], values: Sequence[object], inside: dict[str, _Inside]) -> None:
        is_step = plain(key) in _STEP_NAMES
        labels = self._labels.setdefault(key, {}) if plain(key) in _RUN_NAMES else None
        kept_at, kept = array("q"), array("d")
        for row, value in zip(at, values, strict=True):
            number = to_number(value)
            if number is Kind.TEXT and is_step:
                number = self._step_of(str(value))
            if isinstance(number, float):
                kept_at.append(row)
                kept.append(number)
            elif isinstance(value, dict):
                inner_at, inner = inside.setdefault(key, ([], []))
                inner_at.append(row)
                inner.append(value)
            elif number is Kind.TEXT and labels is not None and len(labels) <= MOST_RUNS:
                labels.setdefault(visible(value), array("q")).append(row)
            elif number is not Kind.NOTHING:
                self._leave_out(key, number)
        if kept:
            self._keep(key, kept_at, kept)

    def _step_of(self, text: str) -> float | Kind:
        found = progress(text)
        if found is None:
            return Kind.TEXT
        self._target = max(self._target or 0, found[1])
        return float(found[0])

    def _leave_out(self, key: str, kind: Kind, rows: int = 1) -> None:
        known, count = self._left_out.get(key, (kind.value, 0))
        self._left_out[key] = (known if known == kind.value else "no number", count + rows)
        if len(self._left_out) > MOST_COLUMNS:
            raise TooManyColumns(len(self._left_out))

    def finish(self) -> RawTable:
        """The table of all rows so far."""
        columns: dict[str, RawColumn] = {}
        cleaned: list[str] = []
        for raw_key, column in sharing(_joined(self._segments)):
            key = visible(raw_key, 500)
            if key != raw_key:
                cleaned.append(key)
            columns.setdefault(key, column)
        left_out = {visible(key, 500): what for key, what in self._left_out.items()}
        labels = {key: rows for key, rows in self._labels.items() if len(rows) <= MOST_RUNS}
        return RawTable(self.rows, columns, left_out, tuple(cleaned), self._target, labels)


def _by_shape(at: Sequence[int], rows: Sequence[dict[str, object]]) -> _Shapes | None:
    """The rows sorted by their keys; None if hardly two are alike."""
    shapes: dict[tuple[str, ...], _Inside] = {}
    begin = 0
    for keys, neighbours in groupby(rows, tuple):
        if len(shapes) > MOST_SHAPES:
            return None
        numbers, alike = shapes.setdefault(keys, ([], []))
        alike.extend(neighbours)
        length = len(alike) - len(numbers)
        numbers.extend(at[begin : begin + length])
        begin += length
    return {keys: (numbers, zip(*map(dict.values, alike), strict=True)) for keys, (numbers, alike) in shapes.items()}


def _by_key(at: Sequence[int], rows: Sequence[dict[str, object]]) -> _Shapes:
    """The rows taken apart key by key."""
    loose: dict[str, tuple[list[int], list[object]]] = {}
    for number, row in zip(at, rows, strict=True):
        for key, value in row.items():
            numbers, values = loose.setdefault(key, ([], []))
            numbers.append(number)
            values.append(value)
        if len(loose) > MOST_COLUMNS:
            raise TooManyColumns(len(loose))
    return {(key,): (numbers, [values]) for key, (numbers, values) in loose.items()}


def _joined(segments: Mapping[str, list[tuple[array[int], array[float]]]]) -> Iterator[tuple[str, RawColumn]]:
    """Every key with its segments made one column, in the order of rows."""
    orders: dict[tuple[int, ...], tuple[array[int], list[int] | None]] = {}
    for key, parts in segments.items():
        values = parts[0][1] if len(parts) == 1 else array("d")
        if len(parts) > 1:
            for _, part in parts:
                values.extend(part)
        same_rows = tuple(id(at) for at, _ in parts)
        if same_rows not in orders:
            orders[same_rows] = _order([at for at, _ in parts])
        at, order = orders[same_rows]
        yield key, RawColumn(at, values if order is None else array("d", map(values.__getitem__, order)))


def _order(parts: list[array[int]]) -> tuple[array[int], list[int] | None]:
    """The rows of several segments in rising order, and where in the segments each is found (None: as they come).

    Where a row gives a key twice (once itself, once in an object inside it), the later one counts.
    """
    if len(parts) == 1:
        return parts[0], None
    at = array("q")
    for part in parts:
        at.extend(part)
    if all(map(lt, at, at[1:])):
        return at, None
    order = sorted(range(len(at)), key=at.__getitem__)
    last = [
        index
        for index, following in zip(order, [*order[1:], None], strict=True)
        if following is None or at[index] != at[following]
    ]
    return array("q", map(at.__getitem__, last)), last


def sharing(columns: Iterable[tuple[str, RawColumn]]) -> Iterator[tuple[str, RawColumn]]:
    """The columns, with one `at` array for all that occur in the same rows."""
    known: dict[int, list[array[int]]] = {}
    for key, column in columns:
        alike = known.setdefault(len(column.at), [])
        for at in alike:
            if at is column.at:
                break
        else:
            at = next((at for at in alike if at == column.at), column.at)
            if at is column.at:
                alike.append(at)
        yield key, RawColumn(at, column.values)
