"""Whether what is said of a log is right: one score for each log, and their sums."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from judging import Said
    from scenarios import Fault, Scenario

__all__ = ["Score", "Share", "score", "share"]


@dataclass(frozen=True, slots=True)
class Score:
    """One log: what was said of it, and what of that is right."""

    scenario: Scenario
    seed: int
    said: Said
    #: A warning or worse that stands in the end; none that came only before the fault.
    alarmed: bool
    #: A warning by a rule that names the fault.
    named: bool
    #: The likeliest cause is right; one of the two likeliest is.
    first: bool
    second: bool
    #: From the step at which it is decidable to the first alarm after the fault began; none if there is none.
    delay: int | None
    #: The same to the first alarm by a rule that names the fault.
    named_delay: int | None
    #: The step of that alarm.
    named_at: int | None
    #: The steps and rules of warnings that have no fault to warn of: all in a healthy log, those before the fault else.
    false_alarms: tuple[tuple[int, str], ...]

    @property
    def planned(self) -> int:
        """How many steps the run was meant to have."""
        return int(self.scenario.options()["max_steps"])


def score(scenario: Scenario, seed: int, said: Said) -> Score:
    """Lay what is said beside what is planted."""
    fault = scenario.fault
    alarms = tuple((alarm.step, alarm.code) for alarm in said.alarms)
    if fault is None:
        return Score(scenario, seed, said, said.verdict in ALARMED, False, False, False, None, None, None, alarms)
    since = [alarm for alarm in alarms if alarm[0] >= fault.since]
    # What warns in the end and had never been silent since before the fault says nothing of the fault.
    alarmed = said.verdict in ALARMED and bool(since)
    named_at = next((step for step, code in since if code in fault.codes), None)
    right = [cause in fault.causes for cause in said.causes]
    return Score(
        scenario, seed, said,
        alarmed=alarmed,
        named=alarmed and any(code in fault.codes for code in said.warned),
        first=alarmed and any(right[:1]),
        second=alarmed and any(right[:2]),
        delay=since[0][0] - _decidable(fault) if since else None,
        named_delay=None if named_at is None else named_at - _decidable(fault),
        named_at=named_at,
        false_alarms=tuple(alarm for alarm in alarms if alarm[0] < fault.since),
    )  # fmt: skip


ALARMED = frozenset({"watch", "unhealthy"})


def _decidable(fault: Fault) -> int:
    return fault.since if fault.seen_from is None else fault.seen_from


@dataclass(frozen=True, slots=True)
class Share:
    """So many of so many, with the interval in which the share lies with 95 %, by Wilson."""

    count: int
    of: int

    @property
    def interval(self) -> tuple[float, float]:
        """Its ends.

        >>> low, high = Share(8, 10).interval
        >>> round(low, 3), round(high, 3)
        (0.49, 0.943)
        """
        if not self.of:
            return 0.0, 1.0
        z, n, p = 1.959964, self.of, self.count / self.of
        middle, width = p + z * z / (2 * n), z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
        return max(0.0, (middle - width) / (1 + z * z / n)), min(1.0, (middle + width) / (1 + z * z / n))

    def __str__(self) -> str:
        if not self.of:
            return "-"
        low, high = self.interval
        return f"{self.count}/{self.of} = {self.count / self.of:.0%} ({low:.0%} to {high:.0%})"


def share(scores: Sequence[Score], flags: Iterable[bool]) -> Share:
    """How many of the scores have the flag."""
    return Share(sum(flags), len(scores))
