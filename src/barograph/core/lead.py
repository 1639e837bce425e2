"""Where a raw key leads, and what makes its values ours: the same for a whole log, a growing one, and a live row."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite
from typing import NamedTuple

from barograph.core.metric import Alias, Unit
from barograph.core.names import catalogue, split_of

__all__ = ["IN_PERCENT", "Lead", "is_percent"]

#: A share of one past this is one of a hundred, as far as it goes.
IN_PERCENT = 1.5


class Lead(NamedTuple):
    """Where one raw key leads."""

    series: str
    scale: float = 1.0
    complement: bool = False
    #: Whether its values may turn out to be in percent.
    is_share: bool = False

    @classmethod
    def to(cls, series: str, alias: Alias | None) -> Lead:
        """To a series, by an alias, or by the canonical name itself."""
        metric = catalogue().get(split_of(series)[1])
        is_share = metric is not None and metric.unit is Unit.SHARE
        return cls(series, is_share=is_share) if alias is None else cls(series, alias.scale, alias.complement, is_share)

    @property
    def is_as_it_is(self) -> bool:
        """Whether values are in our unit already, but for percent."""
        return self.scale == 1.0 and not self.complement

    def in_unit(self, value: float) -> float:
        """A value in our unit, but for percent.

        >>> Lead("truncated_frac", complement=True).in_unit(0.75)
        0.25
        """
        scaled = value * self.scale
        return 1.0 - scaled if self.complement else scaled


def is_percent(values: Sequence[float]) -> bool:
    """Whether what should be a share of one can only be one of a hundred.

    >>> is_percent([50.0, 0.0, 99.5]), is_percent([0.5, 1.0]), is_percent([-1.0, 50.0])
    (True, False, False)
    """
    finite = list(filter(isfinite, values))
    return bool(finite) and IN_PERCENT < max(finite) <= 100.0 and min(finite) >= 0.0
