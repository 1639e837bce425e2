"""One row of a run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from barograph.core.names import TRAIN, series_key

__all__ = ["Record"]


@dataclass(frozen=True, slots=True)
class Record:
    """What was logged at one step for one split, under canonical names.

    Values may be NaN or infinite: that is evidence, not noise. `raw` keeps the framework's own names.
    """

    step: int
    metrics: Mapping[str, float]
    split: str = TRAIN
    raw: Mapping[str, object] = field(default_factory=dict)
    time: float | None = None

    def series(self) -> dict[str, float]:
        """The values by series key, as signals ask for them."""
        if self.split == TRAIN:
            return dict(self.metrics)
        return {series_key(name, self.split): value for name, value in self.metrics.items()}
