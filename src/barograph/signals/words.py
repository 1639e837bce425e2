"""The vocabulary that every rule is written in.

Words speak of a signal's *own updates*: `ema(loss, 5)` looks back over five rows that carry a loss, however
many other rows lie between. Where a span must mean the same however often the run was logged, it is given in
`steps`, or as a `share` of the run. A row stands for the steps since the row before it.

`and` needs both sides to have a value, `or` at least one. Phase words (`after`, `after_warmup`) have no value
before their time, so a rule that waits for one is not judged on a run that never got there.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import cache
from typing import NamedTuple

from barograph.core.errors import ExpressionError
from barograph.core.names import TRAIN
from barograph.signals.expression import Condition, Number, Signal, Value

__all__ = [
    "WORDS",
    "absolute",
    "after",
    "after_warmup",
    "before",
    "count",
    "delta",
    "ema",
    "ever",
    "exp",
    "fact",
    "first",
    "fraction",
    "highest",
    "log",
    "lowest",
    "maximum",
    "mean",
    "median",
    "metric",
    "minimum",
    "noise",
    "nonfinite",
    "present",
    "progress",
    "settled",
    "slope",
    "spike",
    "std",
    "step",
    "streak",
    "sustained",
    "total",
]


# What a run says of itself


def metric(name: str, split: str = TRAIN) -> Signal:
    """The latest finite value of a metric; `eval.loss` is `metric('loss', 'eval')`."""
    return Signal("metric", name, split)


def nonfinite(name: str, split: str = TRAIN) -> Condition:
    """The metric is NaN or infinite in this row."""
    return Condition("nonfinite", name, split)


def present(name: str, split: str = TRAIN) -> Condition:
    """This row of its split carries the metric. No value before it has been seen once."""
    return Condition("present", name, split)


def fact(name: str) -> Signal:
    """A number of the run's configuration, such as `beta`; no value when the log does not tell."""
    return Signal("fact", name)


def step() -> Signal:
    """The step of the row."""
    return Signal("step")


def progress() -> Signal:
    """The share of the run that is done, 0 to 1; no value while the run's length is unknown."""
    return Signal("progress")


# Phases


def after(share: Number = 0, steps: Number = 0) -> Condition:
    """From that share of the run on, or from that step when the run's length is unknown. No value before."""
    return Condition("after", share, steps)


def before(share: Number = 0, steps: Number = 0) -> Condition:
    """Up to that share of the run, or up to that step when the run's length is unknown."""
    return Condition("before", share, steps)


def after_warmup() -> Condition:
    """The learning rate's warm-up is over: as configured, else the first tenth or twenty steps. No value before."""
    return Condition("after_warmup")


# Arithmetic that has no operator


def minimum(a: Value, b: Value) -> Signal:
    """The smaller of two."""
    return Signal("minimum", a, b)


def maximum(a: Value, b: Value) -> Signal:
    """The larger of two."""
    return Signal("maximum", a, b)


def absolute(x: Signal) -> Signal:
    """The size without the sign."""
    return Signal("abs", x)


def log(x: Signal) -> Signal:
    """The natural logarithm; no value at zero and below."""
    return Signal("log", x)


def exp(x: Signal) -> Signal:
    """The exponential."""
    return Signal("exp", x)


# Smoothing and spread


def ema(x: Signal, rows: Number = 0, *, steps: Number = 0, share: Number = 0) -> Signal:
    """Exponential moving average over about that many own updates, steps, or share of the run.

    While there are few values it is their mean: the first one weighs no more than its neighbours.
    """
    return Signal("ema", x, rows, steps, share)


def mean(x: Signal, rows: Number) -> Signal:
    """Mean of the last values, fewer at the beginning."""
    return Signal("mean", x, rows)


def median(x: Signal, rows: Number) -> Signal:
    """Median of the last values, fewer at the beginning."""
    return Signal("median", x, rows)


def std(x: Signal, rows: Number) -> Signal:
    """Standard deviation of the last values (n - 1), from two values on."""
    return Signal("std", x, rows)


def slope(x: Signal, rows: Number) -> Signal:
    """Least-squares rise per own update over the last values, from three values on."""
    return Signal("slope", x, rows)


def spike(x: Signal, rows: Number) -> Signal:
    """How many robust standard deviations x stands above the median of the values before it.

    Zero unless x exceeds every one of them; no value before half the window is filled.
    """
    return Signal("spike", x, rows)


def noise(x: Signal, rows: Number) -> Signal:
    """The scatter from row to row, as a standard deviation that a trend hardly moves."""
    # For independent normal values the mean absolute difference is 2 sigma / sqrt(pi).
    return ema(absolute(delta(x)), rows) * 0.886227


# Looking back


def delta(x: Signal, rows: Number = 1) -> Signal:
    """The change against that many own updates ago."""
    return Signal("delta", x, rows)


def first(x: Signal, rows: Number = 1) -> Signal:
    """Where it began: the median of its first values, fixed once there are so many."""
    return Signal("first", x, rows)


def settled(x: Signal, rows: Number) -> Signal:
    """The signal itself, but no value before it has been updated so often: for averages that begin unsteadily."""
    return Signal("settled", x, rows)


def lowest(x: Signal, rows: Number = 0) -> Signal:
    """The lowest of the last values; of all so far when no number is given."""
    return Signal("lowest", x, rows)


def highest(x: Signal, rows: Number = 0) -> Signal:
    """The highest of the last values; of all so far when no number is given."""
    return Signal("highest", x, rows)


def count(x: Signal) -> Signal:
    """How often it has been updated."""
    return Signal("count", x)


# Conditions over time


def sustained(condition: Condition, rows: Number = 0, *, steps: Number = 0, share: Number = 0) -> Condition:
    """True without a break for that many rows, steps and share of the run: all that are given must be reached."""
    return Condition("sustained", condition, rows, steps, share)


def streak(condition: Condition) -> Signal:
    """For how many rows in a row it has been true."""
    return Signal("streak", condition)


def fraction(condition: Condition, rows: Number) -> Signal:
    """In what share of the last rows it was true; no value before there are so many."""
    return Signal("fraction", condition, rows)


def total(condition: Condition) -> Signal:
    """In how many rows it has been true so far."""
    return Signal("total", condition)


def ever(condition: Condition) -> Condition:
    """It has been true at least once."""
    return Condition("ever", condition)


#: The shortest window over which a word means anything, where that is more than one row.
SHORTEST = {"std": 2, "slope": 3}
LONGEST = 100_000


def check(signal: Signal) -> None:
    """Refuse windows that are no windows, and words about things that are never updated."""
    for part in signal.walk():
        if part.word not in WORDS or part.word in {"metric", "nonfinite", "present"}:
            continue
        for parameter, argument in zip(parameters_of(part.word), part.arguments, strict=True):
            if parameter.takes != "Number" or not isinstance(argument, int | float):
                continue
            least = SHORTEST.get(part.word, 0 if parameter.optional else 1)
            if parameter.name == "rows" and not (least <= argument <= LONGEST and argument == int(argument)):
                raise ExpressionError(f"{part}: {argument:g} rows is no window; {least} to {LONGEST} whole rows are")
            if argument < 0:
                raise ExpressionError(f"{part}: {parameter.name} cannot be negative")
        if part.word not in PASSIVE and all(_passive(input_) for input_ in part.inputs):
            raise ExpressionError(f"{part}: {part.word} needs something that is logged, and this never is")


#: Words with a value in every row but no updates of their own; and words that make no updates out of none.
PASSIVE = frozenset(
    {"fact", "step", "progress", "after", "before", "after_warmup", "minimum", "maximum", "log", "exp", "abs"}
)


def _passive(signal: Signal) -> bool:
    if signal.word in {"metric", "nonfinite", "present"}:
        return False
    return all(_passive(input_) for input_ in signal.inputs)


class Parameter(NamedTuple):
    """One argument of a word, as its function declares it."""

    name: str
    optional: bool
    default: object
    by_name: bool
    takes: str


#: The words that the text form knows; operators aside.
WORDS: dict[str, Callable[..., Signal]] = {
    word.__name__: word
    for word in (
        metric, nonfinite, present, fact, step, progress,
        after, before, after_warmup,
        minimum, maximum, log, exp,
        ema, mean, median, std, slope, spike, noise,
        delta, first, settled, lowest, highest, count,
        sustained, streak, fraction, total, ever,
    )
}  # fmt: skip
WORDS["abs"] = absolute


@cache
def parameters_of(word: str) -> tuple[Parameter, ...]:
    """The arguments that a word takes, in order."""
    return tuple(
        Parameter(
            name=parameter.name,
            optional=parameter.default is not parameter.empty,
            default=parameter.default,
            # Phases read best with both named: after(share=0.1, steps=20).
            by_name=parameter.kind is parameter.KEYWORD_ONLY or word in {"after", "before"},
            takes=str(parameter.annotation),
        )
        for parameter in inspect.signature(WORDS[word]).parameters.values()
    )
