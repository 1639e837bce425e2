"""The rows of a run gathered by epoch: what the summary on the screen and the files by epoch both show."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

from barograph.core.names import COUNTERS
from barograph.core.run import Run

__all__ = ["Epoch", "Epochs", "is_of_evaluation", "kinds_of", "rows_by_step"]

#: Scores of generated text: they are of an evaluation, whether or not their name says so.
TEXT_SCORES = frozenset({"bertscore", "codebleu", "bleu", "rouge", "ruby"})
#: What is not averaged over an epoch: the last value counts.
STATES = frozenset({"lr", "epoch_time", "samples_per_second", *COUNTERS})
#: So far may the number of an epoch, added up from fractions, lie beside the whole one.
NEAR = 1e-6


def is_of_evaluation(series: str) -> bool:
    """Whether a series was taken on held-out data.

    >>> is_of_evaluation("eval/helpful.loss"), is_of_evaluation("bleu"), is_of_evaluation("loss")
    (True, True, False)
    """
    return series.startswith(("eval.", "eval/")) or series in TEXT_SCORES


class Kinds(NamedTuple):
    """The series of a row, by what is done with them."""

    averaged: tuple[str, ...]
    states: tuple[str, ...]
    evaluation: tuple[str, ...]
    #: Whether it is a row of training, and not of an evaluation alone.
    is_training: bool


@lru_cache(maxsize=1_000)
def kinds_of(series: tuple[str, ...]) -> Kinds:
    """The kinds of a row's series. Worked out once for each shape of row, for this is asked at every step."""
    states = tuple(name for name in series if name in STATES)
    evaluation = tuple(name for name in series if name not in STATES and is_of_evaluation(name))
    averaged = tuple(name for name in series if name not in STATES and not is_of_evaluation(name))
    return Kinds(averaged, states, evaluation, bool(averaged) or any(name not in COUNTERS for name in states))


@dataclass(frozen=True, slots=True)
class Epoch:
    """One pass over the data."""

    #: Counted from 1.
    number: int
    first_step: int
    last_step: int
    #: The mean over its rows; of a learning rate and the like, the last value.
    training: Mapping[str, float] = field(default_factory=dict)
    #: The last value of each series of held-out data.
    evaluation: Mapping[str, float] = field(default_factory=dict)
    #: How long it took, if that is known.
    seconds: float | None = None


def rows_by_step(run: Run) -> Iterator[tuple[int, dict[str, float]]]:
    """What a run holds of each step, as one row: training and evaluation together."""
    step, values = -1, dict[str, float]()
    for record in run.records():
        if record.step != step:
            if values:
                yield step, values
            step, values = record.step, {}
        values.update(record.series())
    if values:
        yield step, values


class Epochs:
    """Takes rows, and gives each epoch when it is over.

    An epoch is over when a row of the next one comes, so that an evaluation at its end still counts; a row that says
    how long its epoch took (`epoch_time`) is the whole of it.
    """

    def __init__(self) -> None:
        self.number = 0
        self._counts_from_zero = False
        self._is_open = False
        self._begin(0, None)

    def _begin(self, step: int, now: float | None) -> None:
        self._first_step = self._last_step = step
        self._began = now
        self._sums: dict[str, float] = {}
        self._counts: dict[tuple[str, ...], int] = {}
        self._states: dict[str, float] = {}
        self._evaluation: dict[str, float] = {}

    def add(self, step: int, values: Mapping[str, float], now: float | None = None) -> Epoch | None:
        """Take a row. Gives the epoch that is over with it, or that it shows to be over."""
        reached = values.get("epoch")
        if reached is None and not self._is_open:
            return None  # Nothing tells which epoch the row is of.
        closed = None
        kinds = kinds_of(tuple(values))
        if reached is not None and math.isfinite(reached) and kinds.is_training:
            closed = self._move_to(reached, step, now)
        if self._began is None:
            self._began = now
        self._last_step = step
        sums, averaged = self._sums, kinds.averaged
        for series in averaged:
            sums[series] = sums.get(series, 0.0) + values[series]
        self._counts[averaged] = self._counts.get(averaged, 0) + 1
        for series in kinds.states:
            self._states[series] = values[series]
        for series in kinds.evaluation:
            self._evaluation[series] = values[series]
        if "epoch_time" in values and closed is None:
            closed = self.close(now)
        return closed

    def go_back(self, step: int, run: Run) -> None:
        """Be as after the rows before a step, as a run holds them. What they close has been given already."""
        number, began = self.number, self._began
        fresh = Epochs()
        for row, values in rows_by_step(run):
            if row < step:
                fresh.add(row, values)
        vars(self).update(vars(fresh))
        if self.number == number:
            self._began = began

    def close(self, now: float | None = None) -> Epoch | None:
        """The epoch so far; None if it holds no row of training, or has been given already."""
        if not self._is_open or not self._sums:
            return None
        self._is_open = False
        counts = Counter[str]()
        for averaged, rows in self._counts.items():
            counts.update(dict.fromkeys(averaged, rows))
        means = {series: total / counts[series] for series, total in self._sums.items()}
        seconds = self._states.get("epoch_time")
        if seconds is None and now is not None and self._began is not None and now > self._began:
            seconds = now - self._began
        epoch = Epoch(
            number=self.number + self._counts_from_zero,
            first_step=self._first_step,
            last_step=self._last_step,
            training={**means, **self._states},
            evaluation=self._evaluation,
            seconds=seconds,
        )
        self._begin(self._last_step, now)
        return epoch

    def _move_to(self, reached: float, step: int, now: float | None) -> Epoch | None:
        """Go on to the epoch that a row belongs to; gives the one before if it is over by that."""
        number = math.ceil(reached - NEAR)
        if self.number == 0 and not self._is_open:
            self._counts_from_zero = number == 0
            self._open(number, step, now)
            return None
        if number == self.number and self._is_open:
            return None
        if self._counts_from_zero and self.number == 0 and reached != number:
            self._counts_from_zero = False  # A row at the very start, before fractions of the first epoch.
            self.number = number
            return None
        closed = self.close(now) if number > self.number else None  # Gone back to a checkpoint: begun anew.
        self._open(number, step, now)
        return closed

    def _open(self, number: int, step: int, now: float | None) -> None:
        self._begin(step, now)
        self.number = number
        self._is_open = True
