"""Numbers that were printed with so few decimals that nothing is left of them."""

from __future__ import annotations

import re

__all__ = ["LOST", "is_lost"]

LOST = "learning rates were printed with too few decimals to be read: left out"

_RATE = re.compile(r"(?:^|[/_])(?:lr|learning_rate)$")
_ZERO = re.compile(r"-?0?\.0+")


def is_lost(key: str, text: object) -> bool:
    """Whether a learning rate reads as zero because its decimals were cut off.

    >>> is_lost("policy/policy_lr", "0.0000"), is_lost("policy/policy_lr", "0.0001"), is_lost("loss", "0.0000")
    (True, False, False)
    """
    return isinstance(text, str) and bool(_ZERO.fullmatch(text)) and bool(_RATE.search(key))
