"""A run that grows row by row, in columns: what is drawn of a training while it goes on."""

from __future__ import annotations

import math
from array import array
from collections.abc import Mapping

from barograph.core.epochs import rows_by_step
from barograph.core.methods import Method
from barograph.core.run import Column, Run

__all__ = ["GrowingRun"]

#: A series that has grown beyond so many values is thinned to half of them: more than a chart could ever show.
MOST_VALUES = 20_000


class GrowingRun:
    """Takes rows, and gives the run they make.

    >>> growing = GrowingRun()
    >>> growing.add(1, {"loss": 0.7})
    >>> growing.add(2, {"loss": 0.6, "eval.loss": 0.65})
    >>> run = growing.run("runs/dpo", Method.DPO, {})
    >>> list(run.steps), list(run.columns["loss"].values), list(run.columns["eval.loss"].at)
    ([1, 2], [0.7, 0.6], [1])
    """

    def __init__(self, most: int = MOST_VALUES) -> None:
        self._most = most
        self._steps = array("q")
        #: Of each series, the rows that carry it, and its values there.
        self._series: dict[str, tuple[array[int], array[float]]] = {}

    def __len__(self) -> int:
        return len(self._steps)

    def add(self, step: int, values: Mapping[str, float]) -> None:
        """Take a row."""
        row = len(self._steps)
        self._steps.append(step)
        for key, value in values.items():
            known = self._series.get(key)
            if known is None:
                known = self._series[key] = (array("q"), array("d"))
            known[0].append(row)
            known[1].append(value)
            if len(known[1]) > self._most:
                self._series[key] = _thinned(*known)

    def run(self, path: str, method: Method, config: Mapping[str, object]) -> Run:
        """The run so far. It is a copy, and stays as it is."""
        columns = {key: Column(at=at[:], values=values[:], raw=key) for key, (at, values) in self._series.items()}
        return Run(path=path, source="live", method=method, steps=self._steps[:], columns=columns, config=config)

    def go_back(self, step: int, run: Run) -> None:
        """Be as after the rows before a step, as a run holds them."""
        self._steps, self._series = array("q"), {}
        for before, values in rows_by_step(run):
            if before < step:
                self.add(before, values)


def _thinned(at: array[int], values: array[float]) -> tuple[array[int], array[float]]:
    """Every other value, and whatever must not get lost: the lowest, the highest, the first that is no number."""
    rows, kept = at[::2], values[::2]
    for before, place in enumerate(sorted(place for place in _notable(values) if place % 2)):
        rows.insert(place // 2 + 1 + before, at[place])
        kept.insert(place // 2 + 1 + before, values[place])
    return rows, kept


def _notable(values: array[float]) -> set[int]:
    """Where the lowest and the highest value are, and the first that is no number."""
    if math.isfinite(sum(values)):
        return {values.index(min(values)), values.index(max(values))}
    finite = [place for place, value in enumerate(values) if math.isfinite(value)]
    odd = next((place for place, value in enumerate(values) if not math.isfinite(value)), 0)
    return {odd, *(pick(finite, key=values.__getitem__) for pick in (min, max) if finite)}
