"""What early warning is worth: how much of a faulty run is left when it is told, and what stopping there saves.

A run is given in shares of its planned steps, so that runs of all lengths weigh the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

from scenarios import SETTINGS

if TYPE_CHECKING:
    from scoring import Score

__all__ = ["HEAD", "SAYS", "Stopped", "left_when_named", "rows", "share_left", "steps_left", "stopped"]

SAYS = """\
How much of a faulty run is still to come when it is told, and what stopping would have saved. Every run counts the
same, whatever its length; faults that no log can show are left out.

- **Named**: runs of which a rule names the fault. **left**: the share of the planned steps that is still to come at the
  first alarm by such a rule, after the fault began, and the same in **steps**; the median of these runs. **left, cause
  right**: likewise, of those whose likeliest cause is the right one in the end.
- **Stop at critical**: somebody stops at the first critical finding. **Stop at held**: at the first alarm, a warning or
  worse, that still holds when a tenth of the planned run has gone by since it came; the stop is then, not when it came.
- **Saved**: the share of all planned steps of the faulty runs that is not spent. A stop before the fault began saves
  nothing: it is wrong.
- **Healthy, stopped**: healthy runs that this stops, and the share of the planned steps of all healthy runs that they
  **lose** by it. That is what it costs where nobody looks before stopping.

"""

HEAD = (
    "runs", "named", "left", "steps", "left, cause right",
    "stop at critical: saved", "healthy, stopped", "lose", "stop at held: saved", "healthy, stopped", "lose",
)  # fmt: skip


def left_when_named(one: Score) -> float | None:
    """The share of the run that is left at the first alarm that names the fault."""
    steps = steps_left(one)
    return None if steps is None else steps / one.planned


def steps_left(one: Score) -> int | None:
    """The same in steps."""
    return one.planned - one.named_at if one.named and one.named_at is not None else None


@dataclass(frozen=True, slots=True)
class Stopped:
    """What comes of stopping runs at the steps of one kind of alarm."""

    #: Of each run that is stopped, the share of it that is not spent.
    shares: tuple[float, ...]
    of: int

    @property
    def share(self) -> float:
        """The share of all runs together that is not spent."""
        return sum(self.shares) / self.of if self.of else 0.0

    def __str__(self) -> str:
        return f"{self.share:.0%}" if self.of else "-"


def stopped(scores: Sequence[Score], *, at: str) -> Stopped:
    """Runs stopped at their first alarm that is "critical", or that has "held"; too early is no stop for the fault."""
    shares = []
    for one in scores:
        step = one.said.critical_at if at == "critical" else one.said.held_at
        if step is not None and (one.scenario.fault is None or step >= one.scenario.fault.since):
            shares.append(1 - step / one.planned)
    return Stopped(tuple(shares), len(scores))


def rows(healthy: Sequence[Score], shown: Sequence[Score]) -> Iterator[list[str]]:
    """One line for each part of the plan, and for each method."""
    for part, is_held_out in (("tuned", False), ("held out", True)):
        well = [one for one in healthy if one.scenario.is_held_out == is_held_out]
        ill = [one for one in shown if one.scenario.is_held_out == is_held_out]
        yield [part, *_row(well, ill)]
    for method in dict.fromkeys(setting.method for setting in SETTINGS):
        well = [one for one in healthy if one.scenario.method == method]
        ill = [one for one in shown if one.scenario.method == method]
        yield [method, *_row(well, ill)]


def _row(well: Sequence[Score], ill: Sequence[Score]) -> list[str]:
    named = [one for one in ill if left_when_named(one) is not None]
    cells = [
        f"{len(named)}/{len(ill)}",
        share_left(named),
        _steps(named),
        share_left([one for one in named if one.first]),
    ]
    for at in ("critical", "held"):
        wrong = stopped(well, at=at)
        cells += [str(stopped(ill, at=at)), f"{len(wrong.shares)}/{wrong.of}", str(wrong)]
    return cells


def share_left(scores: Sequence[Score]) -> str:
    """The median share that is left when the fault is named, in words."""
    known = [left for left in map(left_when_named, scores) if left is not None]
    return f"{median(known):.0%}" if known else "-"


def _steps(scores: Sequence[Score]) -> str:
    known = [left for left in map(steps_left, scores) if left is not None]
    return f"{median(known):.0f}" if known else "-"
