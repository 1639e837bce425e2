"""What an expression knows of the run besides its metrics: how long it is, and where the warm-up ends."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["WARMUP_SHARE", "WARMUP_STEPS", "Timeline"]

#: Warm-up when the log does not tell: a tenth of the run, or twenty steps when its length is unknown.
WARMUP_SHARE = 0.1
WARMUP_STEPS = 20.0


@dataclass(frozen=True, slots=True)
class Timeline:
    """The fixed frame of a run: both evaluators read phases and spans from here."""

    #: The step at which the run ends, or None while nobody knows.
    horizon: float | None = None
    #: The step at which the learning rate's warm-up ends, or None when the log does not tell.
    warmup: float | None = None
    #: Numbers of the configuration, such as `beta`.
    facts: Mapping[str, float] = field(default_factory=dict)

    def reach(self, share: float, steps: float) -> float:
        """The step at which a phase begins, given as a share of the run with steps to fall back on."""
        if share and self.horizon is not None:
            return share * self.horizon
        return steps

    def warmup_end(self) -> float:
        return self.warmup if self.warmup is not None else self.reach(WARMUP_SHARE, WARMUP_STEPS)
