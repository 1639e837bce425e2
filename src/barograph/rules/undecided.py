"""Causes that a log leaves open: what would tell them from the likeliest one is not in it.

A loss that stands still may be a rate that is too low, or weights that are not trained at all. Rewards of exactly zero
tell the second, where they are logged; a log of losses alone must not sound as if it knew.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from barograph.core.cause import Cause
from barograph.rules.catalogue import by_code
from barograph.rules.causes import CAUSES, CauseRule

__all__ = ["left_open"]

#: A rule of such weight tells a cause by itself.
TELLING = 4


def left_open(causes: Sequence[Cause], found: Collection[str], unjudged: Collection[str]) -> tuple[str, ...]:
    """The causes that may be the right one instead of the first.

    Either some of what was found speaks for them, and a rule that would tell them could not be judged. Or what was
    found may follow from something that could not be judged and would speak for them.

    >>> from barograph.core.cause import Cause
    >>> left_open([Cause("learning rate too low", 1.0, ["LOSS01"])], ["LOSS01"], ["LIK06"])
    ('pairs are one text to the model',)
    >>> left_open([Cause("nothing is trainable", 1.0, ["GRAD04"])], ["GRAD04"], ["LIK06"])
    ('pairs are one text to the model',)
    """
    if not causes:
        return ()
    behind = {code for code in _explanations(found) if code in unjudged}
    return tuple(
        rule.name
        for rule in CAUSES
        if rule.name != causes[0].name
        and (
            (any(code in rule.speaks for code in found) and any(code in unjudged for code in _telling(rule)))
            or not behind.isdisjoint(rule.speaks)
        )
    )


def _telling(cause: CauseRule) -> Iterator[str]:
    """The rules that this cause would make fire, and those that speak for hardly anything else."""
    yield from cause.expects
    yield from (code for code, weight in cause.speaks.items() if weight >= TELLING)


def _explanations(found: Collection[str]) -> Iterator[str]:
    """The rules whose findings would explain what was found."""
    rules = by_code()
    for code in found:
        yield from rules[code].follows if code in rules else ()
