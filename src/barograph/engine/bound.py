"""A rule with its numbers filled in for one run, and how its finding is worded."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TypeVar, cast

from barograph.core.errors import ConfigurationError
from barograph.core.finding import Finding, Severity
from barograph.core.methods import Method
from barograph.core.names import COMPONENT
from barograph.engine.settings import Settings
from barograph.rules.base import Rule
from barograph.rules.catalogue import rules_for
from barograph.signals.expression import Condition, Param, Signal
from barograph.signals.timeline import Timeline
from barograph.signals.words import check, highest, metric

__all__ = ["HIGHEST_RATE", "BoundRule", "Episode", "bind", "for_each_component", "rate_to_lower"]

S = TypeVar("S", bound=Signal)

#: The learning rate that advice refers to.
HIGHEST_RATE = highest(metric("lr"))


@dataclass(frozen=True, slots=True)
class BoundRule:
    """The expressions of a rule as they are evaluated on this run."""

    rule: type[Rule]
    severity: Severity
    when: Condition
    escalates: tuple[tuple[Severity, Condition], ...]
    shows: Mapping[str, Signal]
    numbers: Mapping[str, float]
    #: The reward function that it looks at, where it looks at each by itself.
    component: str = ""

    @property
    def pointers(self) -> tuple[str, ...]:
        """The series that its finding may point at."""
        return tuple(_of_component(pointer, self.component) for pointer in self.rule.pointers())

    @property
    def is_for_each_component(self) -> bool:
        """Whether it is to be asked of every reward function by itself, and has none yet."""
        return not self.component and any(key.endswith(f"{COMPONENT}*") for key in self.when.series())

    def signals(self) -> tuple[Signal, ...]:
        return (self.when, *(condition for _, condition in self.escalates), *self.shows.values())

    def lasting(self) -> tuple[Signal, ...]:
        """The parts of the condition that must last: they tell when the trouble began."""
        return tuple(dict.fromkeys(part for part in self.when.walk() if part.word == "sustained"))


@dataclass(slots=True)
class Episode:
    """A stretch during which a rule held, as either evaluator saw it."""

    first_row: int
    last_row: int
    step: int
    last_step: int
    severity: Severity
    rows: int
    metric: str
    #: The step at which the trouble began: earlier than `step` for what must last before it counts.
    onset: int
    #: Values of what the rule shows, at the last row at which it held.
    shown: dict[str, float]
    #: The metric pointed at: at the first and last row, and its extremes in between.
    value: float | None = None
    first_value: float | None = None
    peak: float | None = None
    peak_step: int = 0
    low: float | None = None


def bind(method: Method, settings: Settings) -> list[BoundRule]:
    """The rules for a method, with the numbers of these settings."""
    return [_bind(rule, method, settings) for rule in rules_for(method, settings.rules)]


def for_each_component(rules: Iterable[BoundRule], series: Iterable[str]) -> list[BoundRule]:
    """The rules, each that is asked of every reward function (`reward_component/*`) once for each of these series."""
    names = [key.removeprefix(COMPONENT) for key in series if key.startswith(COMPONENT)]
    return [one for rule in rules for one in (_each(rule, names) if rule.is_for_each_component else (rule,))]


def _each(rule: BoundRule, names: Iterable[str]) -> Iterator[BoundRule]:
    for name in names:
        yield replace(
            rule,
            component=name,
            when=_about(rule.when, name),
            escalates=tuple((grade, _about(condition, name)) for grade, condition in rule.escalates),
            shows={word: _about(signal, name) for word, signal in rule.shows.items()},
        )


def _about(signal: S, component: str) -> S:
    """The same expression about one reward function."""
    renamed = (
        _about(part, component) if isinstance(part, Signal)
        else _of_component(part, component) if isinstance(part, str)
        else part
        for part in signal.arguments
    )  # fmt: skip
    return type(signal)(signal.word, *renamed)


def _of_component(series: str, component: str) -> str:
    return series.removesuffix("*") + component if component and series.endswith("/*") else series


def _bind(rule: type[Rule], method: Method, settings: Settings) -> BoundRule:
    own = settings.numbers.get(rule.code, {})
    numbers = {name: own.get(name, param.value(method, settings.profile)) for name, param in rule.params().items()}
    by_param = {id(param): numbers[name] for name, param in rule.params().items()}

    def number_of(param: Param) -> float:
        return by_param[id(param)]

    bound = BoundRule(
        rule=rule,
        severity=rule.severity_for.get(method, rule.severity),
        when=cast("Condition", rule.when.bind(number_of)),
        escalates=tuple(
            (grade, cast("Condition", condition.bind(number_of))) for grade, condition in rule.escalates.items()
        ),
        shows={name: cast("Signal", signal.bind(number_of)) for name, signal in rule.shows.items()},
        numbers=numbers,
    )
    if own:
        for signal in bound.signals():
            try:
                check(signal)
            except ConfigurationError as error:
                raise ConfigurationError(f"{rule.code}, as set: {error}") from None
    return bound


class _Unknown:
    """A number that the run does not have, in a sentence."""

    def __format__(self, spec: str) -> str:
        return "?"


class _Rows(int):
    """A number of rows that words itself: `1 row`, `12 rows`."""

    def __format__(self, spec: str) -> str:
        return "1 row" if self == 1 else f"{int(self)} rows"


class _Quoted(dict[str, object]):
    def __missing__(self, key: str) -> object:
        return _Unknown()


def rate_to_lower(timeline: Timeline, highest_logged: float | None) -> float | None:
    """The rate that advice quotes: the one that was asked for, not what it was in the warm-up or after a decay."""
    return max(timeline.facts.get("learning_rate", 0.0), highest_logged or 0.0) or None


def word(bound: BoundRule, episode: Episode, rate: float | None = None) -> Finding:
    """The finding that an episode amounts to, in words and numbers. `rate` is the learning rate to be lowered."""
    rule = bound.rule
    numbers = {
        "onset": episode.onset,
        "rows": episode.rows,
        "value": episode.value,
        "first": episode.first_value,
        "peak": episode.peak,
        "low": episode.low,
        **bound.numbers,
        **episode.shown,
    }
    quoted = _Quoted({name: value for name, value in numbers.items() if value is not None})
    quoted["rows"] = _Rows(episode.rows)
    quoted["component"] = bound.component
    quoted["peak_step"] = episode.peak_step or episode.step
    earlier = f"Go back to the last checkpoint from before step {episode.onset}"
    quoted["earlier"] = earlier if episode.onset > 1 else "Start again: no checkpoint is older than the trouble"
    quoted.update(step=episode.step, last_step=episode.last_step, metric=episode.metric, onset=episode.onset)
    new_rate = f" ({rate:.2g} to {rate / 2:.2g})" if rate else ""
    quoted["new_rate"] = new_rate
    evidence = {name: value for name, value in numbers.items() if value is not None and not math.isnan(value)}
    return Finding(
        code=rule.code,
        name=rule.name,
        severity=episode.severity,
        step=episode.step,
        last_step=episode.last_step,
        metric=episode.metric,
        says=_say(rule.says, quoted),
        evidence=evidence,
        advice=tuple(_say(advice.text, quoted) for advice in rule.do),
        action=rule.action(),
        first_row=episode.first_row,
        last_row=episode.last_row,
    )


def _say(template: str, quoted: _Quoted) -> str:
    return re.sub(r"\s+", " ", template.format_map(quoted)).strip()
