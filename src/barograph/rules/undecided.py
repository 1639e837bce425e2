"""Causes that a log leaves open: what would tell them from the likeliest one is not in it.

A loss that stands still may be a rate that is too low, or weights that are not trained at all. Rewards of exactly zero
tell the second, where they are logged; a log of losses alone must not sound as if it knew.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from barograph.core.cause import Cause
from barograph.rules.causes import CAUSES

__all__ = ["left_open"]


def left_open(causes: Sequence[Cause], found: Collection[str], unjudged: Collection[str]) -> tuple[str, ...]:
    """The causes that may be the right one instead of the first: some of what was found speaks for them, and a rule
    that they would make fire could not be judged.

    >>> from barograph.core.cause import Cause
    >>> left_open([Cause("learning rate too low", 1.0, ["LOSS01"])], ["LOSS01"], ["LIK06"])
    ('pairs are one text to the model',)
    """
    if not causes:
        return ()
    return tuple(
        rule.name
        for rule in CAUSES
        if rule.name != causes[0].name
        and any(code in rule.speaks for code in found)
        and any(code in unjudged for code in rule.expects)
    )
