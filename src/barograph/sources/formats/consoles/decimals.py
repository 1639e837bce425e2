"""Numbers that were printed with so few decimals that nothing is left of them."""

from __future__ import annotations

from barograph.sources.late import late

__all__ = ["LOST", "is_lost"]

LOST = "learning rates were printed with too few decimals to be read: left out"

_RATE = late(r"(?:^|[/_])(?:lr|learning_rate)$")
_ZERO = late(r"-?0?\.0+")


def is_lost(key: str, text: object) -> bool:
    """Whether a learning rate reads as zero because its decimals were cut off.

    >>> is_lost("policy/policy_lr", "0.0000"), is_lost("policy/policy_lr", "0.0001"), is_lost("loss", "0.0000")
    (True, False, False)
    """
    return isinstance(text, str) and bool(_ZERO.fullmatch(text)) and bool(_RATE.search(key))
