"""Causes that a log leaves open: what would tell them from the likeliest one is not in it.

A loss that stands still may be a rate that is too low, or weights that are not trained at all. Rewards of exactly zero
tell the second, where they are logged; a log of losses alone must not sound as if it knew.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from barograph.rules.catalogue import by_code
from barograph.rules.causes import GRADE, CauseRule, Weighed

__all__ = ["left_open"]

#: A rule of such weight tells a cause by itself.
TELLING = 4


def left_open(first: str, weighed: Sequence[Weighed], found: Collection[str], unjudged: Collection[str]) -> list[str]:
    """The causes that could be the first one's equal, had the rules fired that could not be judged; likeliest first.

    These are rules that would explain what was found, and those that would tell a cause that is in question anyway.
    """
    behind = {code for code in _explanations(found) if code in unjudged}
    score_of_first = max((one.score for one in weighed if one.cause.name == first), default=0.0)
    possible = {}
    for score, cause, codes in weighed:
        telling = behind & cause.speaks.keys()
        if codes or telling:
            telling |= {code for code in _telling(cause) if code in unjudged}
        reach = score + sum(_weight(cause, code) for code in telling)
        if telling and cause.name != first and reach >= score_of_first:
            possible[cause.name] = reach
    return sorted(possible, key=lambda name: -possible[name])


def _telling(cause: CauseRule) -> Iterator[str]:
    """The rules that this cause would make fire, and those that speak for hardly anything else."""
    yield from cause.expects
    yield from (code for code, weight in cause.speaks.items() if weight >= TELLING)


def _explanations(found: Collection[str]) -> Iterator[str]:
    """The rules whose findings would explain what was found."""
    rules = by_code()
    for code in found:
        yield from rules[code].follows if code in rules else ()


def _weight(cause: CauseRule, code: str) -> float:
    """What a rule would add, if it fired at its own severity; a remark may grow into a warning."""
    rule = by_code().get(code)
    grades = [GRADE[rule.severity], *(GRADE[grade] for grade in rule.escalates)] if rule else [1.0]
    return cause.speaks.get(code, 0.0) * max(grades)
