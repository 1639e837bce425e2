"""Synthetic logs of healthy runs, one builder per method, and the means to plant a fault in them.

The levels are those of the survey of healthy ranges and of the guides; noise is what batches of 32 pairs, 128 answers
and the like leave in a logged mean, smaller where a row averages over several steps.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Collection, Iterable
from statistics import NormalDist

from barograph.core.methods import Method
from barograph.core.run import Run, run_from_rows

Level = float | Callable[[int], float]


class Log:
    """A log under construction: for every series, its value by step."""

    def __init__(self, method: Method, steps: int, every: int = 1, seed: int = 0, **config: object) -> None:
        self.method = method
        self.last = steps
        self.every = every
        self.steps = list(range(every, steps + 1, every))
        self.random = random.Random(f"{method} {steps} {every} {seed}")
        self.config = config
        self.series: dict[str, dict[int, float]] = {}

    def put(
        self,
        name: str,
        level: Level,
        noise: Level = 0.0,
        *,
        since: float = 0,
        until: float = math.inf,
        at: Iterable[int] | None = None,
        low: float = -math.inf,
        high: float = math.inf,
    ) -> Log:
        """Write a series, or a stretch of it. Series that are there already keep the rows that they have."""
        there = self.series.setdefault(name, {})
        for step in at or list(there) or self.steps:
            if since <= step <= until:
                value = _at(level, step) + _at(noise, step) * self.random.gauss(0.0, 1.0) if noise else _at(level, step)
                there[step] = min(max(value, low), high) if math.isfinite(value) else value
        return self

    def drop(self, name: str, steps: Collection[int]) -> Log:
        """Take the series out of these rows."""
        self.series[name] = {step: value for step, value in self.series[name].items() if step not in steps}
        return self

    def with_gaps(self, names: Iterable[str], keep: Collection[int] = (), nan_rows: int = 2) -> Log:
        """A third of the rows without these series, and NaN in two more; rows to keep are left alone."""
        for name in names:
            chance = random.Random("gaps")  # the same rows for each series: a row comes whole or not at all
            values = self.series[name]
            free = [step for step in values if step not in keep]
            gone = set(chance.sample(free, len(values) // 3)) if len(free) > len(values) // 3 else set()
            left = [step for step in free if step not in gone]
            spoilt = set(chance.sample(left, min(nan_rows, len(left))))
            self.series[name] = {
                step: math.nan if step in spoilt else value for step, value in values.items() if step not in gone
            }
        return self

    def run(self) -> Run:
        rows: dict[int, dict[str, float]] = {step: {} for step in self.steps}
        for name, values in self.series.items():
            for step, value in values.items():
                rows.setdefault(step, {})[name] = value
        ordered = [(step, cells) for step, cells in sorted(rows.items()) if cells]
        return run_from_rows(ordered, method=self.method, config=self.config)

    @property
    def smoothing(self) -> float:
        """By how much less the mean over a row's steps scatters than one step does."""
        return 1 / math.sqrt(self.every)

    def evaluations(self, number: int) -> list[int]:
        """Steps of evaluations, evenly spread, the last at the end."""
        return sorted({round(self.last * (i + 1) / number) for i in range(number)})


def _at(level: Level, step: int) -> float:
    return level(step) if callable(level) else level


def ramp(begin: float, end: float, since: float, until: float) -> Callable[[int], float]:
    """From one level to another, straight, and level outside."""

    def level(step: int) -> float:
        share = min(max((step - since) / (until - since), 0.0), 1.0)
        return begin + (end - begin) * share

    return level


def learning(steps: int, begin: float, end: float, speed: float = 3.0) -> Callable[[int], float]:
    """The usual course: slow during the warm-up, then quick, then flat."""
    learnt = _learnt(steps, speed)
    return lambda step: begin + (end - begin) * learnt(step) / learnt(steps)


def _learnt(steps: int, speed: float = 3.0) -> Callable[[int], float]:
    def share(step: int) -> float:
        done = step / steps
        return 1 - math.exp(-speed * done * min(1.0, done / 0.1))

    return share


def _schedule(log: Log, peak: float) -> None:
    """Warm-up over a tenth of the run, then a straight fall that the last row has not quite ended."""
    end = log.last
    log.put("lr", lambda step: peak * min(step / (0.1 * end), (1.02 - step / end) / 0.92))


def _grad(log: Log, level: float, scatter: float = 0.25) -> None:
    log.put("grad_norm", lambda step: level * math.exp(log.random.gauss(0.0, scatter * log.smoothing)))


_NODES = [NormalDist().inv_cdf((i + 0.5) / 15) for i in range(15)]


def _expected(loss: Callable[[float], float], mean: float, spread: float) -> float:
    """The mean of a loss over normally distributed rewards."""
    return sum(loss(mean + spread * node) for node in _NODES) / len(_NODES)


def softplus(x: float) -> float:
    return math.log1p(math.exp(x))


def _pairs(log: Log, beta: float, pairs: int) -> Callable[[int], tuple[float, float]]:
    """Rewards of pairs: margin grows, its spread more slowly, so that accuracy rises from a half to 0.8."""
    # A small beta lets the policy go far in nats, a large one lets the reward grow with few: 26, 12 and 3.5 nats at
    # the end for 0.01, 0.1 and 0.5, so margins of 0.26, 1.2 and 1.8.
    final = 24 * beta / (12 * beta + 0.8)
    learnt = _learnt(log.last)

    def margin(step: int) -> tuple[float, float]:
        return final * learnt(step), 1.2 * final * math.sqrt(learnt(step))

    for step in log.steps:
        mean, spread = margin(step)
        error = spread / math.sqrt(pairs * log.every)
        drawn = mean + error * log.random.gauss(0, 1)
        chosen = 0.35 * mean + 0.6 * error * log.random.gauss(0, 1)
        if step == 1:
            drawn = chosen = 0.0  # the first row comes before the first update
        log.put("reward_chosen", chosen, at=[step])
        log.put("reward_rejected", chosen - drawn, at=[step])
        log.put("reward_margin", drawn, at=[step])
    return margin


def healthy_dpo(steps: int = 300, every: int = 1, seed: int = 0, beta: float = 0.1, evaluations: int = 0) -> Log:
    log = Log(Method.DPO, steps, every, seed, beta=beta)
    pairs = 32
    margin = _pairs(log, beta, pairs)
    normal = NormalDist()

    def accuracy(step: int) -> float:
        mean, spread = margin(step)
        return normal.cdf(mean / spread)

    def loss(step: int) -> float:
        return _expected(lambda x: softplus(-x), *margin(step))

    log.put("loss", loss, lambda step: 0.4 * margin(step)[1] / math.sqrt(pairs * every), low=0.02)
    log.put("reward_accuracy", accuracy, 0.45 / math.sqrt(pairs * every), low=0.0, high=1.0)
    if every == 1:
        log.series["loss"][1], log.series["reward_accuracy"][1] = math.log(2), 0.0  # ties count as lost
    _grad(log, 50 * beta)
    _schedule(log, 5e-6)
    if evaluations:
        at = log.evaluations(evaluations)
        log.put("eval.loss", lambda step: 0.02 + 0.98 * loss(step), 0.004, at=at)
        log.put("eval.reward_accuracy", lambda step: accuracy(step) - 0.02, 0.015, at=at)
    return log


def healthy_kto(steps: int = 300, every: int = 1, seed: int = 0, beta: float = 0.1) -> Log:
    log = Log(Method.KTO, steps, every, seed, beta=beta)
    examples = 16
    margin = _pairs(log, beta, examples)

    def loss(step: int) -> float:
        mean, spread = margin(step)
        chosen = _expected(lambda x: 1 / (1 + math.exp(x)), 0.35 * mean, 0.7 * spread)
        rejected = _expected(lambda x: 1 / (1 + math.exp(x)), 0.65 * mean, 0.7 * spread)
        return (chosen + rejected) / 2

    log.put("loss", loss, lambda step: 0.25 * margin(step)[1] / math.sqrt(2 * examples * every), low=0.02)
    log.put("kto_z0", lambda step: 0.3 + 0.1 * margin(step)[0] / beta, 0.6 * log.smoothing, low=0.0)
    log.put("kto_z0", 0.0, at=[1])  # before the first update the policy is its reference
    _grad(log, 50 * beta)
    _schedule(log, 5e-7)
    return log


def healthy_orpo(steps: int = 300, every: int = 1, seed: int = 0) -> Log:
    """No reference: rewards are 0.1 times the mean log-probability of a token, always negative."""
    log = Log(Method.ORPO, steps, every, seed, beta=0.1)
    s = log.smoothing
    log.put("reward_chosen", learning(steps, -0.135, -0.110), 0.004 * s)
    log.put("reward_rejected", learning(steps, -0.145, -0.165), 0.004 * s)
    chosen, rejected = log.series["reward_chosen"], log.series["reward_rejected"]
    log.put("reward_margin", lambda step: chosen[step] - rejected[step])
    log.put("reward_accuracy", learning(steps, 0.58, 0.78), 0.08 * s, low=0.0, high=1.0)
    log.put("loss", learning(steps, 1.60, 1.28), 0.08 * s)
    _grad(log, 2.0)
    _schedule(log, 8e-6)
    return log


def healthy_sft(steps: int = 300, every: int = 1, seed: int = 0) -> Log:
    log = Log(Method.SFT, steps, every, seed)
    log.put("loss", learning(steps, 1.60, 1.15), 0.07 * log.smoothing)
    log.put("step_time", 12.0, 0.5 * log.smoothing)
    _grad(log, 1.0)
    _schedule(log, 2e-5)
    return log


def _answers(log: Log, score: tuple[float, float], scatter: float, length: tuple[float, float]) -> None:
    s = log.smoothing
    log.put("score_mean", learning(log.last, *score), scatter * s)
    log.put("len_mean", learning(log.last, *length), 12 * s)
    log.put("entropy", learning(log.last, 0.45, 0.28), 0.03 * s, low=0.01)


def healthy_grpo(steps: int = 300, every: int = 1, seed: int = 0, **config: object) -> Log:
    """The loss is about 0 and of either sign, and rises a little with the KL: no sign of anything."""
    log = Log(Method.GRPO, steps, every, seed, **config)
    s = log.smoothing
    _answers(log, (0.30, 0.65), 0.05, (220, 260))
    log.put("score_std", learning(steps, 0.42, 0.36), 0.03 * s, low=0.01)
    log.put("zero_std_frac", learning(steps, 0.22, 0.38), 0.08 * s, low=0.0, high=1.0)
    log.put("truncated_frac", 0.02, 0.012 * s, low=0.0)
    log.put("kl_ref", learning(steps, 0.0005, 0.06), lambda step: 0.01 * s * step / steps, low=0.0)
    kl = log.series["kl_ref"]
    log.put("loss", lambda step: 0.04 * kl[step], 0.004 * s)
    log.put("clip_frac", 0.0)
    log.put("step_time", 14.0, 1.0 * s)
    _grad(log, 0.3, 0.3)
    _schedule(log, 1e-6)
    return log


def healthy_ppo(steps: int = 300, every: int = 1, seed: int = 0) -> Log:
    log = Log(Method.PPO, steps, every, seed)
    s = log.smoothing
    _answers(log, (-0.4, 1.4), 0.15, (50, 60))
    log.put("kl_ref_sequence", learning(steps, 0.02, 5.5), lambda step: 0.1 + 0.8 * s * step / steps)
    log.put("approx_kl", 0.010, 0.003 * s, low=0.0)
    log.put("clip_frac", 0.08, 0.02 * s, low=0.0)
    log.put("ratio_mean", 1.0, 0.004 * s)
    log.put("policy_loss", -0.01, 0.01 * s)
    log.put("value_loss", learning(steps, 0.50, 0.12), lambda step: 0.02 * s, low=0.01)
    log.put("value_clip_frac", 0.05, 0.02 * s, low=0.0)
    log.put("explained_var", learning(steps, 0.05, 0.65), 0.06 * s)
    log.put("eos_frac", 0.93, 0.03 * s, high=1.0)
    _schedule(log, 3e-6)
    return log


def healthy_reward(steps: int = 300, every: int = 1, seed: int = 0, evaluations: int = 15) -> Log:
    log = Log(Method.REWARD, steps, every, seed)
    s = log.smoothing
    log.put("loss", learning(steps, 0.70, 0.53), 0.05 * s)
    log.put("rm_accuracy", learning(steps, 0.51, 0.76), 0.06 * s, low=0.0, high=1.0)
    log.put("rm_margin", learning(steps, 0.0, 1.1), lambda step: (0.05 + 0.15 * step / steps) * s)
    log.put("rm_mean", 0.1, 0.15 * s)
    log.put("rm_max", learning(steps, 0.8, 2.8), 0.3 * s)
    log.put("rm_min", learning(steps, -0.8, -2.6), 0.3 * s)
    at = log.evaluations(evaluations)
    log.put("eval.loss", learning(steps, 0.70, 0.56), 0.004, at=at)
    log.put("eval.rm_accuracy", learning(steps, 0.52, 0.73), 0.008, at=at)
    _grad(log, 3.0)
    _schedule(log, 1e-5)
    return log


def healthy_classifier(steps: int = 300, every: int = 1, seed: int = 0, evaluations: int = 15) -> Log:
    log = Log(Method.CLASSIFIER, steps, every, seed)
    log.put("loss", learning(steps, 0.69, 0.36), 0.05 * log.smoothing)
    at = log.evaluations(evaluations)
    log.put("eval.loss", learning(steps, 0.66, 0.38), 0.006, at=at)
    for name, end in (("accuracy", 0.87), ("precision", 0.86), ("recall", 0.85), ("f1", 0.855), ("specificity", 0.88)):
        log.put(f"eval.cls_{name}", learning(steps, 0.55, end), 0.006, at=at)
    _grad(log, 2.0)
    _schedule(log, 2e-5)
    return log
