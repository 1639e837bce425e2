"""A run as the one who prescribes looks at it: what it was told to do, and what its log says of that."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cached_property
from itertools import pairwise
from typing import NamedTuple

from barograph.core.finding import Finding, Severity
from barograph.core.methods import SUPERVISED_LOSS, Method
from barograph.core.run import Column, Run
from barograph.core.settings import CHECKPOINTS, SPELLINGS, as_number, numbers_of
from barograph.rules.usual import RATES, TINY, Span

__all__ = ["Case", "Checkpoint", "Jump"]

#: A learning rate that rises so many times from one row to the next, out of a level or falling course, has jumped.
JUMP = 3.0
#: Below this share of the highest rate it is still being raised.
WARM = 0.9
#: Series of held-out data that say how good the model is, the most trustworthy first, and whether more is better.
OUTCOMES = (("eval.task_accuracy", True), ("eval.score_mean", True), ("eval.cls_f1", True), ("eval.loss", False))


class Jump(NamedTuple):
    """A learning rate that changes at once."""

    step: int
    before: float
    after: float


class Checkpoint(NamedTuple):
    """A place to go on from. `is_sure` says whether it was seen, or settings say that it must be there."""

    step: int
    is_sure: bool


class Case:
    """A run, and the findings that one cause explains."""

    def __init__(self, run: Run, findings: Sequence[Finding]) -> None:
        self.run = run
        self.findings = findings

    @property
    def method(self) -> Method:
        return self.run.method

    @cached_property
    def numbers(self) -> dict[str, float]:
        return numbers_of(self.run.config)

    def number(self, name: str) -> float | None:
        """A number of the configuration."""
        return self.numbers.get(name)

    def is_on(self, name: str) -> bool | None:
        """A switch of the configuration; None if nothing is said of it."""
        value = self.run.config.get(name)
        return value if isinstance(value, bool) else None

    def spelling(self, name: str) -> str:
        """What this configuration calls a setting; else what it is called most often."""
        names = SPELLINGS.get(name, (name,))
        return next((one for one in names if one in self.run.config), names[0])

    def has(self, *codes: str) -> bool:
        """Whether one of these rules fired."""
        return any(finding.code in codes for finding in self.findings)

    @cached_property
    def onset(self) -> int:
        """The step at which the trouble began, by what is more than a remark."""
        loud = [finding for finding in self.findings if finding.severity > Severity.INFO] or self.findings
        begun = (int(finding.evidence.get("onset", finding.step)) for finding in loud)
        return min(begun, default=self.run.first_step)

    # The log

    def column(self, series: str) -> Column | None:
        column = self.run.columns.get(series)
        return column if column is not None and len(column) else None

    def mean(self, series: str, last: float = 1.0) -> float | None:
        """The mean of the last share of a series."""
        column = self.column(series)
        finite = column.finite() if column else []
        some = finite[-max(1, math.ceil(last * len(finite))) :]
        return sum(some) / len(some) if some else None

    def total(self, series: str) -> float | None:
        column = self.column(series)
        return sum(column.finite()) if column else None

    def before(self, series: str, step: int) -> float | None:
        """The last value of a series that was logged before a step."""
        column = self.column(series)
        found = None
        for row, value in zip(column.at, column.values, strict=True) if column else ():
            if self.run.steps[row] >= step:
                break
            found = value if math.isfinite(value) else found
        return found

    def rows_before(self, step: int) -> int:
        """How many rows were logged before a step."""
        return sum(1 for logged in self.run.steps if logged < step)

    @cached_property
    def cut_off(self) -> float | None:
        """The share of answers that did not end by themselves, over the second half of the run."""
        ended = self.mean("eos_frac", last=0.5)
        return self.mean("truncated_frac", last=0.5) if ended is None else 1 - ended

    @cached_property
    def best(self) -> int | None:
        """The step of the best evaluation, where there are at least two and the best is not the last."""
        for series, more_is_better in OUTCOMES:
            column = self.column(series)
            if column is None or len(column) < 2 or (series == "eval.loss" and self.method not in SUPERVISED_LOSS):
                continue
            sign = 1.0 if more_is_better else -1.0
            pairs = zip(column.at, column.values, strict=True)
            best = max(((sign * value, -row) for row, value in pairs if math.isfinite(value)), default=None)
            if best is not None and -best[1] != column.at[-1]:
                return self.run.steps[-best[1]]
        return None

    # The learning rate

    @cached_property
    def rate(self) -> float | None:
        """The learning rate that was asked for: what the configuration says, else the highest that was logged."""
        configured = self.number("learning_rate")
        return configured or self.highest_rate

    @cached_property
    def highest_rate(self) -> float | None:
        column = self.column("lr")
        highest = max(column.finite(), default=0.0) if column else 0.0
        return highest or None

    @cached_property
    def jump(self) -> Jump | None:
        """Where the logged rate jumps in the middle of the run, up to the trouble."""
        column = self.column("lr")
        if column is None or len(column) < 4:
            return None
        rising = True
        for (_, before), (row, after) in pairwise(zip(column.at, column.values, strict=True)):
            if after > JUMP * before > 0 and not rising and self.run.steps[row] <= self.onset:
                return Jump(self.run.steps[row], before, after)
            rising = after > before
        return None

    @cached_property
    def rate_in_warmup(self) -> float | None:
        """The rate at which the trouble began, where that was in the warm-up."""
        column = self.column("lr")
        before, then = self.before("lr", self.onset), self.before("lr", self.onset + 1)
        if column is None or self.rate is None or before is None or then is None:
            return None
        # It has only risen until then, and was to rise further.
        until = [
            value for row, value in zip(column.at, column.values, strict=True) if self.run.steps[row] <= self.onset
        ]
        rising = all(earlier <= later for earlier, later in pairwise(until))
        return then if rising and before < then < WARM * self.rate else None

    @cached_property
    def is_adapter(self) -> bool | None:
        """Whether adapters are trained and not the whole model; None where nobody says."""
        whole, trained = self.number("parameters"), self.number("trainable_parameters")
        switches = [self.is_on("lora"), self.is_on("use_peft")]
        if True in switches or (self.number("lora_rank") and False not in switches):
            return True
        if whole and trained:
            return trained < 0.5 * whole
        return False if False in switches else None

    @cached_property
    def is_tiny(self) -> bool:
        return 0 < self.numbers.get("parameters", 0.0) < TINY

    @cached_property
    def usual_rates(self) -> Span | None:
        """Rates that are usual here. Where nobody knows whether adapters are trained: for either."""
        known = RATES.get(self.method)
        if known is None or self.is_tiny:
            return None
        if self.is_adapter is None:
            return Span(known.full.low, known.adapters.high)
        return known.adapters if self.is_adapter else known.full

    # Checkpoints

    @cached_property
    def saved(self) -> tuple[Checkpoint, ...] | None:
        """The checkpoints to choose from, earliest first; None where nothing is known of any."""
        if self.run.config.get("steps_are_counted"):
            return None
        seen = self.run.config.get(CHECKPOINTS)
        if isinstance(seen, list | tuple) and seen:
            return tuple(Checkpoint(int(step), is_sure=True) for step in sorted(seen))
        strategy = str(self.run.config.get("save_strategy", "")).lower()
        every = as_number(self.run.config.get("save_steps"))
        if strategy.endswith("no") or every == 0:
            return ()
        if not every or every < 1 or strategy.endswith(("epoch", "best")):
            return None
        limit = int(self.numbers.get("save_total_limit") or self.numbers.get("keep_checkpoints") or 0)
        steps = range(int(every), self.run.last_step + 1, int(every))
        return tuple(Checkpoint(step, is_sure=strategy.endswith("steps")) for step in steps[-limit:])

    def checkpoint_before(self, step: int) -> Checkpoint | None:
        """The last one that was saved before a step."""
        return max((one for one in self.saved or () if one.step < step), default=None)
