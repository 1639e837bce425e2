"""What a metric is: one quantity, its unit, its good direction, and every name it goes by."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from barograph.core.methods import Method

__all__ = ["Alias", "Better", "Metric", "Unit"]


class Unit(StrEnum):
    """What a number is measured in. Two numbers of different unit never share a threshold."""

    NONE = ""
    STEPS = "steps"
    SECONDS = "seconds"
    TOKENS = "tokens"
    SHARE = "share, 0 to 1"
    NATS = "nats"
    NATS_PER_TOKEN = "nats per token"
    NATS_PER_SEQUENCE = "nats per sequence"
    REWARD = "reward units"
    IMPLICIT_REWARD = "implicit reward: beta times nats per sequence"
    RATIO = "ratio"
    COUNT = "count"


class Better(StrEnum):
    """The direction in which a metric improves, all else being equal."""

    UP = "up"
    DOWN = "down"
    NEITHER = "neither"


class Alias(NamedTuple):
    """A key as some framework writes it, without `train/`, `eval/` or `eval_` in front.

    A key that begins with `*/` is found under any path: `*/reward/mean` is `agg/all/reward/mean`.
    """

    key: str
    where: str
    #: The methods for which the key means this metric; empty: whatever the method.
    methods: frozenset[Method] = frozenset()
    #: How it is estimated or aggregated there, when that differs: `k1`, `k3`, `sum`, `mean` ...
    estimator: str = ""
    #: What is logged times this is the canonical value (0.01 for percent).
    scale: float = 1.0
    #: What is logged is one minus the canonical value.
    complement: bool = False

    def canonical(self, logged: float) -> float:
        """The value in the metric's own unit.

        >>> Alias("pct_mixed", "NeMo-RL", scale=0.01, complement=True).canonical(75.0)
        0.25
        """
        value = logged * self.scale
        return 1.0 - value if self.complement else value


@dataclass(frozen=True, slots=True)
class Metric:
    """One quantity: what it is, in which unit, and every name it goes by."""

    name: str
    title: str
    group: str
    meaning: str
    unit: Unit = Unit.NONE
    better: Better = Better.NEITHER
    aliases: tuple[Alias, ...] = ()
    #: How it should behave, and what misleads; shown by `barograph explain`.
    reading: str = ""
