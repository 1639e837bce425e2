"""A run in the making: raw rows go in as they are written, and come out under our names.

What it gives is what reading the whole log would give. Most rows bring nothing new but numbers and go a short way:
each key lead to the series that it led to before. Whatever may change what earlier rows meant (a new key, a step
that falls back, a share that turns out to be in percent) sends everything through `normalise` once more, and if the
earlier rows have really changed, the news says so.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from math import isfinite
from typing import NamedTuple, TypeAlias, overload

from barograph.core.errors import UnreadableRun
from barograph.core.lead import Lead, is_percent
from barograph.core.names import EVAL
from barograph.core.run import Column, Run
from barograph.sources.base import RawRun
from barograph.sources.naming import choose, tells_something
from barograph.sources.normalise import normalise, without_totals
from barograph.sources.runs import How
from barograph.sources.steps import LARGEST_STEP, step_key
from barograph.sources.table import RawTable

__all__ = ["Growth", "News", "Row", "RowsOf"]

#: A step, and what was logged there, by series.
Row: TypeAlias = tuple[int, dict[str, float]]

#: So many small tables are kept before they are put together.
MOST_PARTS = 64


class News(NamedTuple):
    """What has been written since one last looked."""

    rows: Sequence[Row] = ()
    #: Whether these rows replace all that came before: another run, or earlier rows that are now read differently.
    anew: bool = False


class RowsOf(Sequence[Row]):
    """The rows of a run from one row on, as they are now. Each is made when it is asked for: there may be millions."""

    #: So many are made at a time.
    BLOCK = 2_000

    def __init__(self, run: Run, first: int = 0) -> None:
        self._run = run
        self._range = range(first, len(run.steps))

    def __len__(self) -> int:
        return len(self._range)

    def __iter__(self) -> Iterator[Row]:
        for begin in range(self._range.start, self._range.stop, self.BLOCK):
            yield from self._made(range(begin, min(begin + self.BLOCK, self._range.stop)))

    @overload
    def __getitem__(self, place: int) -> Row: ...
    @overload
    def __getitem__(self, place: slice) -> list[Row]: ...
    def __getitem__(self, place: int | slice) -> Row | list[Row]:
        if isinstance(place, slice):
            return [self[index] for index in range(len(self))[place]]
        row = self._range[place]
        return self._made(range(row, row + 1))[0]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]  # as for a list

    def _made(self, rows: range) -> list[Row]:
        cells: list[dict[str, float]] = [{} for _ in rows]
        for name, column in self._run.columns.items():
            begin, end = (bisect_left(column.at, row) for row in (rows.start, rows.stop))
            for row, value in zip(column.at[begin:end], column.values[begin:end], strict=True):
                cells[row - rows.start][name] = value
        return list(zip(self._run.steps[rows.start : rows.stop], cells, strict=True))


class Growth:
    """One log, as far as it has been written."""

    def __init__(self, path: str, source: str, how: How, *, is_one: bool = False) -> None:
        """A log; `is_one` if it is one run by its nature, however often it begins anew."""
        self._is_one = is_one
        self.path = path
        self.source = source
        #: The run so far; none before there is a row with a metric.
        self.run: Run | None = None
        self._how = how
        self._config: Mapping[str, object] = {}
        self._parts: list[RawTable] = []
        self._rows_with: dict[str, int] = {}
        self._way: _ShortWay | None = None

    def extend(self, table: RawTable, config: Mapping[str, object] | None = None) -> News:
        """Take rows that were written, and settings that have become known. Raises `UnreadableRun`."""
        if not table.rows:
            return News()
        table = without_totals(table)
        new_facts = dict(config or {}) != dict(self._config)
        self._config = dict(config or {})
        self._parts.append(table)
        for key, column in table.columns.items():
            self._rows_with[key] = self._rows_with.get(key, 0) + len(column.at)
        way = self._way
        is_short = way is not None and not new_facts and step_key(self._rows_with) == way.step_key
        rows = way.rows(table) if way is not None and is_short else None
        if rows is None:
            return self._look_at_everything()
        self._append(rows)
        if len(self._parts) > MOST_PARTS:
            self._whole()
        return News(rows)

    def extend_by_another_file(self, table: RawTable, config: Mapping[str, object] | None = None) -> News:
        """Take the first rows of a file that has come under the log's name.

        It goes on with the run, as a rotated log does, or begins it once more, from the start or as another run.
        """
        key = step_key(self._rows_with)
        column = table.columns.get(key) if key is not None else None
        if self.run is None or (column and column.values[0] > self.run.first_step):
            return self.extend(table, config)
        return self.replace(table, config)

    def replace(self, table: RawTable, config: Mapping[str, object] | None = None) -> News:
        """Take the whole log again, for formats that are written anew each time."""
        table = without_totals(table)
        self._config = dict(config or {})
        self._parts = [table]
        self._rows_with = {key: len(column.at) for key, column in table.columns.items()}
        return self._look_at_everything()

    def _whole(self) -> RawTable:
        first, *others = self._parts
        whole = first.followed_by(*others) if others else first
        self._parts = [whole]
        return whole

    # The long way

    def _look_at_everything(self) -> News:
        self._way = None
        before = self.run
        whole = self._whole()
        how = self._how
        raw = RawRun(whole, dict(self._config))
        try:
            runs = normalise(
                raw,
                path=self.path,
                source=self.source,
                method=how.method,
                config=how.config,
                metrics=how.metrics,
                is_one=self._is_one,
            )
        except UnreadableRun:
            if before is not None:
                raise
            return News()  # Nothing but a header, settings, bookkeeping: the metrics are still to come.
        run = self.run = _on_its_own(runs[-1])
        key = step_key(self._rows_with)  # Where there is none, rows are counted, and that takes all of them.
        if key is not None and len(runs) == 1 and not whole.labels:
            self._way = _ShortWay(key, whole, run, how)
        if before is not None and not _continues(before, run):
            return News(RowsOf(run), anew=True)
        return News(RowsOf(run, len(before) if before is not None else 0))

    def _append(self, rows: list[Row]) -> None:
        run = self.run
        assert run is not None  # noqa: S101 - for the type checker
        for step, row in rows:
            number = len(run.steps)
            run.steps.append(step)
            for name, value in row.items():
                column = run.columns[name]
                column.at.append(number)
                column.values.append(value)


class _ShortWay:
    """The way that rows go while nothing changes what they mean."""

    def __init__(self, key: str, table: RawTable, run: Run, how: How) -> None:
        """The way that the rows of a table went to become a run."""
        self.step_key = key
        #: The step that a row without one belongs to.
        self._step = int(table.columns[key].values[-1])
        #: The last step of the run. A row of an earlier one belongs before it, even if none of its series came so far.
        self._reached = run.last_step
        #: The last step of each series.
        self._last = {name: run.steps[column.at[-1]] for name, column in run.columns.items() if column.at}
        #: The last step of which a row had nothing but counters.
        self._alone = run.last_step
        chosen = choose(table.columns, run.method, how.metrics)
        self._series = {entry.raw: Lead.to(name, entry.alias) for name, entry in chosen.series.items()}
        #: Raw keys that lead nowhere.
        self._ignored = frozenset(table.columns) - frozenset(self._series)
        named = {lead.series for lead in self._series.values()}
        self._derived = [
            prefix for prefix in ("", f"{EVAL}.")
            if {f"{prefix}reward_chosen", f"{prefix}reward_rejected"} <= named and f"{prefix}reward_margin" not in named
        ]  # fmt: skip
        #: The range of each share, before it is known whether it is in percent.
        self._range = {
            raw: _range_of(map(lead.in_unit, table.columns[raw].values))
            for raw, lead in self._series.items()
            if lead.is_share
        }

    def rows(self, table: RawTable) -> list[Row] | None:
        """The rows under our names, or None where that takes a look at everything."""
        steps = self._steps(table)
        if table.labels or steps is None or steps != sorted(steps) or steps[0] < self._reached:
            return None
        cells: list[dict[str, float]] = [{} for _ in steps]
        for key, (at, values) in table.columns.items():
            if key in self._ignored:
                continue
            lead = self._series.get(key)
            if lead is None or not self._keeps_its_unit(key, lead, values):
                return None
            divisor = 100.0 if lead.is_share and is_percent(self._range[key]) else 1.0
            for row, value in zip(at, values, strict=True):
                cells[row][lead.series] = lead.in_unit(value) / divisor
        rows = [(step, self._with_margin(row)) for step, row in zip(steps, cells, strict=True) if row]
        self._step = self._reached = steps[-1]
        return rows if self._go_on(rows) else None

    def _steps(self, table: RawTable) -> list[int] | None:
        """The step of every row, a row without one belonging to the row before; None where something is odd."""
        steps = [-1] * table.rows
        column = table.columns.get(self.step_key)
        for row, value in zip(column.at, column.values, strict=True) if column else ():
            if not (0 <= value <= LARGEST_STEP and value.is_integer()):
                return None
            steps[row] = int(value)
        current = self._step
        for row, step in enumerate(steps):
            current = steps[row] = current if step < 0 else step
        return steps

    def _keeps_its_unit(self, key: str, lead: Lead, values: array[float]) -> bool:
        """Whether a share is still what it was taken for: in percent or not."""
        if not lead.is_share:
            return True
        before = self._range[key]
        after = self._range[key] = _range_of([*before, *map(lead.in_unit, values)])
        return is_percent(before) == is_percent(after)

    def _with_margin(self, row: dict[str, float]) -> dict[str, float]:
        for prefix in self._derived:
            chosen, rejected = row.get(f"{prefix}reward_chosen"), row.get(f"{prefix}reward_rejected")
            if chosen is not None and rejected is not None:
                row[f"{prefix}reward_margin"] = chosen - rejected
        return row

    def _go_on(self, rows: list[Row]) -> bool:
        """Remember where the series are. False for a new one, a resume, or a value that is given again."""
        for step, row in rows:
            counters = [name for name in row if not tells_something(name)]
            for name in row:
                last = self._last.get(name)
                if last is None or step < last or (step == last and name not in counters):
                    return False
            if any(self._last[name] == step for name in counters):
                # An epoch stands in the training row of a step and in its evaluation; one of them is enough.
                if len(counters) == len(row) or self._alone == step:
                    return False
                for name in counters:
                    if self._last[name] == step:
                        del row[name]
            self._last.update(dict.fromkeys(row, step))
            self._alone = step if len(counters) == len(row) else self._alone
        return True


def _range_of(values: Iterable[float]) -> tuple[float, ...]:
    """The smallest and the largest of the finite values."""
    finite = list(filter(isfinite, values))
    return (min(finite), max(finite)) if finite else ()


def _on_its_own(run: Run) -> Run:
    """The run in arrays that nothing else shares, so that rows can be added."""
    columns = {name: Column(column.at[:], column.values[:], column.raw) for name, column in run.columns.items()}
    return replace(run, steps=run.steps[:], columns=columns)


def _continues(before: Run, after: Run) -> bool:
    """Whether a run begins with all the rows of another one, unchanged."""
    size = len(before)
    if before.method is not after.method or before.steps != after.steps[:size]:
        return False
    for name, column in after.columns.items():
        known = before.columns.get(name, _NOTHING)
        length = len(known.at)
        if known.at != column.at[:length] or known.values.tobytes() != column.values[:length].tobytes():
            return False
        if len(column.at) > length and column.at[length] < size:
            return False
    return before.columns.keys() <= after.columns.keys()


_NOTHING = Column(array("q"), array("d"))
