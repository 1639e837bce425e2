"""Quantities that are extrapolated to the limit of a rule, as data; how it is done stands in `engine/forecast.py`.

Only those are here whose forecasts were right on recorded runs in the clear majority of cases; docs/forecast.md shows
which were tried besides and what became of them.
"""

from __future__ import annotations

from dataclasses import dataclass

from barograph.rules.base import Rule
from barograph.rules.loss import LossCollapsed
from barograph.signals.expression import Signal

__all__ = ["COURSES", "Course"]


@dataclass(frozen=True, slots=True)
class Course:
    """A quantity that moves towards the limit of a rule."""

    rule: type[Rule]
    metric: str
    #: The rule's own numbers, in the rule's own words: of a number in a rule there is one definition.
    limit: Signal
    #: What is said of it, with the `limit`.
    says: str
    falls: bool = True
    #: Whether it moves by shares of itself, as what decays does, or by amounts.
    by_shares: bool = True


COURSES = (Course(LossCollapsed, "loss", LossCollapsed.floor, "the loss reaches {limit:.2g}, practically zero,"),)
