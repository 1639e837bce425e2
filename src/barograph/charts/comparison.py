"""Several runs side by side: what sets them apart, how far each came, and which is to be preferred.

A run that is sick is never preferred to one that is well, however good its numbers look: what is wrong with it may be
just what makes them look good.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from statistics import fmean, variance

import numpy as np

from barograph.core.errors import ConfigurationError
from barograph.core.finding import Diagnosis, Verdict
from barograph.core.methods import CLASSIFIER, ONLINE, PREFERENCE, REWARD_MODEL, Method
from barograph.core.metric import Better, Unit
from barograph.core.names import COUNTERS, catalogue, split_of
from barograph.core.run import Column, Run
from barograph.core.settings import CHECKPOINTS

__all__ = [
    "MOST",
    "Comparison",
    "Contestant",
    "Difference",
    "Measure",
    "check_how_many",
    "compared",
    "direction_of",
    "goal_of",
    "interval",
    "scale_of",
    "short_names",
]

#: The better verdict first.
TRUST = (Verdict.HEALTHY, Verdict.WATCH, Verdict.UNJUDGED, Verdict.UNHEALTHY)
RULE = "a healthier verdict first, then {goal} at the end (the mean of its last tenth), {better}"
NO_GOAL = "a healthier verdict first; they share nothing else that could rank them"
#: What a method is after, the better witness first.
GOALS: tuple[tuple[frozenset[Method], tuple[str, ...]], ...] = (
    (PREFERENCE, ("eval.reward_accuracy", "eval.reward_margin", "reward_accuracy", "reward_margin")),
    (ONLINE, ("eval.score_mean", "eval.task_accuracy", "score_mean", "reward_total")),
    (REWARD_MODEL, ("eval.rm_accuracy", "eval.loss", "rm_accuracy")),
    (CLASSIFIER, ("eval.cls_f1", "eval.cls_accuracy", "eval.loss", "cls_f1")),
)
#: Where nothing better is known.
FALLBACK = ("eval.loss", "loss")
#: So many runs fit into one look.
MOST = 50
#: Squares of larger values are more than a number can hold.
LARGE = 1e150
#: The share of a series that its end is the mean of.
END = 0.1
#: Settings that differ between any two runs and set none of them apart.
NOISE = frozenset(
    {"output_dir", "run_name", "logging_dir", "resume_from", "resume_from_checkpoint", "state", CHECKPOINTS}
)
SEEDS = frozenset({"seed", "data_seed"})
#: Two-sided 95 % points of Student's distribution for 1 to 30 degrees of freedom.
STUDENT = (
    12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131, 2.120,
    2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Measure:
    """How far one series of one run came."""

    last: float
    #: None where neither more nor less of it is better.
    best: float | None
    best_step: int
    #: The value at the step that was asked for, or the last one before it; None where the run did not come so far.
    there: float | None = None


@dataclass(frozen=True, slots=True)
class Contestant:
    """One run of a comparison."""

    name: str
    run: Run
    diagnosis: Diagnosis
    #: The settings in which it differs from another.
    differs: Mapping[str, object]
    measures: Mapping[str, Measure]

    @property
    def group(self) -> tuple[tuple[str, str], ...]:
        """What it shares with runs that differ in the seed alone."""
        return tuple(sorted((name, str(value)) for name, value in self.differs.items() if name not in SEEDS))

    def to_dict(self) -> dict[str, object]:
        return {
            "path": self.run.path,
            "name": self.name,
            "verdict": self.diagnosis.verdict.value,
            "codes": [found.code for found in self.diagnosis.findings],
            "differs": dict(self.differs),
            "series": {
                key: {"end": one.last, "best": one.best, "best_step": one.best_step, "at": one.there}
                for key, one in self.measures.items()
            },
        }


@dataclass(frozen=True, slots=True)
class Difference:
    """Of two groups of runs that differ in their seeds alone: how much better one is, and how sure that is."""

    better: str
    other: str
    #: The difference of the means at the goal, and the ends of its 95 % interval; all alike where no seed differs.
    by: float
    low: float
    high: float

    @property
    def is_sure(self) -> bool:
        return self.low < self.high and (self.low > 0 or self.high < 0)


@dataclass(frozen=True, slots=True, repr=False)
class Comparison:
    """Several runs, the one that is to be preferred first."""

    contestants: Sequence[Contestant]
    settings: Sequence[str]
    #: The series that more than one run has, those that matter first.
    series: Sequence[str]
    goal: str | None
    rule: str
    differences: Sequence[Difference]
    in_nats: bool = False
    #: The step at which the values were asked for.
    at: int | None = None

    def __repr__(self) -> str:
        """What matters, in a line."""
        runs = ", ".join(f"{one.name} ({one.diagnosis.verdict.value})" for one in self.contestants)
        return f"<Comparison of {runs}; to be preferred: {self.winner.name if self.winner else 'none'}>"

    @property
    def tied(self) -> Sequence[Contestant]:
        """The first, and those that nothing tells from it."""
        first, *others = self.contestants
        if first.diagnosis.verdict in {Verdict.UNHEALTHY, Verdict.UNJUDGED}:
            return []
        return [first, *(one for one in others if _standing(one, self.goal) == _standing(first, self.goal))]

    @property
    def winner(self) -> Contestant | None:
        """The first, unless it is sick, or nothing tells it from another."""
        return self.tied[0] if len(self.tied) == 1 else None

    def to_dict(self) -> dict[str, object]:
        """The object that `barograph compare --json` prints."""
        return {
            "schema": 1,
            "preferred": self.winner.run.path if self.winner else None,
            "rule": self.rule,
            "goal": self.goal,
            "in_nats": self.in_nats,
            "at": self.at,
            "runs": [one.to_dict() for one in self.contestants],
            "differences": [
                {"better": one.better, "other": one.other, "by": one.by, "low": one.low, "high": one.high}
                for one in self.differences
            ],
        }


def compared(judged: Sequence[tuple[Diagnosis, Run]], *, at: int | None = None, in_nats: bool = False) -> Comparison:
    """Put runs side by side. In nats, rewards are divided by beta: only so do runs with another beta compare."""
    names = short_names([run.path for _, run in judged])
    if in_nats:
        _check_betas(names, [run for _, run in judged])
    settings = _differing([run.config for _, run in judged])
    contestants = [
        Contestant(
            name,
            run,
            diagnosis,
            {key: run.config.get(key) for key in settings},
            {
                key: measure
                for key, column in run.columns.items()
                if split_of(key)[1] not in COUNTERS
                and (measure := _measure(key, column, run, at, scale_of(key, run) if in_nats else 1.0)) is not None
            },
        )
        for name, (diagnosis, run) in zip(names, judged, strict=True)
    ]
    shared = [key for key in _series(contestants) if sum(key in one.measures for one in contestants) > 1]
    goal = _goal(contestants, shared, in_nats=in_nats)
    better = "higher is better" if goal is None or direction_of(goal) > 0 else "lower is better"
    rule = RULE.format(goal=goal, better=better) if goal else NO_GOAL
    if goal and (without := [one.name for one in contestants if goal not in one.measures]):
        rule += f"; without it: {', '.join(without)}"
    ranked = sorted(contestants, key=lambda one: _standing(one, goal))
    return Comparison(ranked, settings, shared, goal, rule, list(_differences(ranked, goal)), in_nats, at)


def check_how_many(runs: int) -> None:
    """Refuse to put too few or too many side by side."""
    if not 2 <= runs <= MOST:
        raise ConfigurationError(f"{runs} run{'' if runs == 1 else 's'}: two to {MOST} can be compared")


def _check_betas(names: Sequence[str], runs: Sequence[Run]) -> None:
    """Nats are had of rewards by beta alone: a run that keeps it to itself cannot be put beside others."""
    for name, run in zip(names, runs, strict=True):
        if any(map(_is_scaled, run.columns)) and not isinstance(run.config.get("beta"), int | float):
            raise ConfigurationError(f"{name}: does not tell its beta, so that its rewards cannot be had in nats")


def _goal(contestants: Sequence[Contestant], shared: Sequence[str], *, in_nats: bool) -> str | None:
    """The series that ranks the runs: one that means the same in all, and that all have which could win."""
    runs = [one.run for one in contestants]
    methods = {run.method for run in runs}
    trusted = min(TRUST.index(one.diagnosis.verdict) for one in contestants)
    could_win = [one for one in contestants if TRUST.index(one.diagnosis.verdict) == trusted]
    usable = [key for key in shared if not _is_scaled(key) or in_nats or len({scale_of(key, run) for run in runs}) == 1]
    if len(methods) > 1 or len({str(run.config.get("loss_type")) for run in runs}) > 1:
        usable = [key for key in usable if split_of(key)[1] != "loss"]  # Of two losses the lower one tells nothing.
    for candidates in ([key for key in usable if all(key in one.measures for one in could_win)], usable):
        goals = {goal_of(method, candidates) for method in methods}
        if len(goals) == 1 and (goal := goals.pop()) is not None:
            return goal
    return None


def goal_of(method: Method, series: Sequence[str]) -> str | None:
    """The series by which runs of a method are ranked.

    >>> goal_of(Method.DPO, ["loss", "reward_margin", "eval.reward_accuracy"]), goal_of(Method.SFT, ["loss"])
    ('eval.reward_accuracy', 'loss')
    """
    for methods, goals in GOALS:
        if method in methods:  # The loss of an online method says nothing of how far it has come.
            return next((goal for goal in (*goals, *(() if method in ONLINE else FALLBACK)) if goal in series), None)
    return next((goal for goal in FALLBACK if goal in series), None)


def short_names(paths: Sequence[str]) -> list[str]:
    """As little of each path as tells them apart.

    >>> short_names(["runs/a/kto", "runs/b/kto"]), short_names(["runs/dpo", "runs/kto"]), short_names(["x", "x"])
    (['a/kto', 'b/kto'], ['dpo', 'kto'], ['x', 'x (2)'])
    """
    parts = [PurePath(path).parts or (path,) for path in paths]
    taken = 1
    while taken < max(map(len, parts)) and len({part[-taken:] for part in parts}) < len({*parts}):
        taken += 1
    names = list[str]()
    for part in parts:
        name = plain = "/".join(part[-taken:])
        number = 1
        while name in names:
            number += 1
            name = f"{plain} ({number})"
        names.append(name)
    return names


def interval(mine: Sequence[float], others: Sequence[float]) -> tuple[float, float, float] | None:
    """The difference of two means and its 95 % interval, after Welch; None where either has but one value.

    >>> interval([0.90, 0.92, 0.94], [0.80, 0.82, 0.84])  # 0.1 with a standard error of 0.0163 and 4 degrees of freedom
    (0.1, 0.0547, 0.1453)
    """
    if len(mine) < 2 or len(others) < 2 or max(map(abs, (*mine, *others))) > LARGE:
        return None
    first, second = variance(mine) / len(mine), variance(others) / len(others)
    by, error = fmean(mine) - fmean(others), math.sqrt(first + second)
    if error == 0.0:
        return by, by, by
    degrees = (first + second) ** 2 / (first**2 / (len(mine) - 1) + second**2 / (len(others) - 1))
    # A whole number of degrees below, so that the interval is too wide rather than too narrow.
    reach = error * STUDENT[min(len(STUDENT), max(1, math.floor(degrees + 1e-9))) - 1]
    return by, by - reach, by + reach


def _mean(values: Sequence[float]) -> float:
    """Divided before they are added, for the sum may be more than a number can hold."""
    return math.fsum(value / len(values) for value in values)


def _differing(configs: Sequence[Mapping[str, object]]) -> list[str]:
    """The settings of which any two runs say something else. What a run does not say sets it apart from none."""
    names = dict.fromkeys(name for config in configs for name in config)
    said = {name: {str(config[name]) for config in configs if config.get(name) is not None} for name in names}
    return [name for name in names if name not in NOISE and len(said[name]) > 1]


def scale_of(key: str, run: Run) -> float:
    """What makes a reward nats: one over beta, where the series is one and beta is known."""
    beta = run.config.get("beta")
    return 1.0 / beta if _is_scaled(key) and isinstance(beta, int | float) and beta > 0 else 1.0


def _is_scaled(key: str) -> bool:
    metric = catalogue().get(split_of(key)[1])
    return metric is not None and metric.unit is Unit.IMPLICIT_REWARD


def _measure(key: str, column: Column, run: Run, at: int | None, scale: float) -> Measure | None:
    """The end of a series, its best value, and its value at a step."""
    values = np.frombuffer(column.values, dtype=np.float64)
    is_finite = np.isfinite(values)
    values = values[is_finite] * scale
    if not len(values):
        return None
    steps = np.frombuffer(run.steps, dtype=np.int64)[np.frombuffer(column.at, dtype=np.int64)[is_finite]]
    end = values[-max(1, round(END * len(values))) :]
    best = int(np.argmax(direction_of(key) * values))
    metric = catalogue().get(split_of(key)[1])
    has_best = metric is not None and metric.better is not Better.NEITHER
    # What a run was like at a step that it never came to is not known.
    before = np.flatnonzero(steps <= at) if at is not None and at <= run.last_step else np.empty(0, np.int64)
    return Measure(
        _mean(end.tolist()),
        float(values[best]) if has_best else None,
        int(steps[best]),
        float(values[before[-1]]) if len(before) else None,
    )


def direction_of(key: str) -> int:
    """Of what sign a change for the better is; up where nothing is known."""
    metric = catalogue().get(split_of(key)[1])
    return -1 if metric is not None and metric.better is Better.DOWN else 1


def _standing(one: Contestant, goal: str | None) -> tuple[int, float]:
    """The less, the better: the verdict first, then how far it is from the goal."""
    trust = TRUST.index(one.diagnosis.verdict)
    if goal is None or goal not in one.measures:
        return trust, math.inf
    return trust, -direction_of(goal) * one.measures[goal].last


def _series(contestants: Sequence[Contestant]) -> list[str]:
    """Every series, in the order of what a method is after, then as logged."""
    logged = list(dict.fromkeys(key for one in contestants for key in one.measures))
    goals = [goal for methods, goals in GOALS for goal in goals if contestants[0].run.method in methods]
    return [*(goal for goal in dict.fromkeys(goals) if goal in logged), *(key for key in logged if key not in goals)]


def _differences(ranked: Sequence[Contestant], goal: str | None) -> Iterator[Difference]:
    """The best group of seeds against each other one."""
    if goal is None:
        return
    groups: dict[tuple[tuple[str, str], ...], list[Contestant]] = {}
    for one in ranked:
        # What a sick run reaches is no evidence for its settings.
        if goal in one.measures and one.diagnosis.verdict is not Verdict.UNHEALTHY:
            groups.setdefault(one.group, []).append(one)
    sign = direction_of(goal)
    means = {group: _mean([sign * one.measures[goal].last for one in ones]) for group, ones in groups.items()}
    ordered = sorted(groups, key=lambda group: -means[group])
    for other in ordered[1:]:
        mine, others = ([one.measures[goal].last for one in groups[group]] for group in (ordered[0], other))
        if (found := interval(mine, others)) is not None:
            yield Difference(_called(ordered[0]), _called(other), *found)


def _called(group: tuple[tuple[str, str], ...]) -> str:
    return ", ".join(f"{name} {value}" for name, value in group) or "the same settings"
