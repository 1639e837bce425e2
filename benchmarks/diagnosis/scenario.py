"""What a setting, a fault and a scenario are, and the words that faults share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Setting:
    """A training that goes well: what its recipe is told, and what its examples are like."""

    name: str
    method: str
    says: str
    #: Options of the recipe (`barograph.recipes.options`); the rest is as usual for the tiny model.
    options: Mapping[str, Any]
    #: What examples are like, where it matters: see `examples.py`.
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Fault:
    """What is done to a setting, and what should be said of it."""

    kind: str
    setting: str
    says: str
    #: The causes that are right, by their names in docs/causes.md; none where there is no word for it.
    causes: tuple[str, ...]
    #: Rules that name it.
    codes: tuple[str, ...]
    #: The step from which on it is decidable from the log, and why; None if it never is.
    seen_from: int | None
    because: str
    #: The first step that it touches.
    since: int = 1
    options: Mapping[str, Any] = field(default_factory=dict)
    data: Mapping[str, Any] = field(default_factory=dict)
    #: What neither options nor examples can express: see `plant.py`.
    plant: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Scenario:
    """A setting, healthy or with a fault in it."""

    name: str
    setting: Setting
    fault: Fault | None = None
    #: Rules, thresholds and causes are not changed by looking at it.
    is_held_out: bool = False

    @property
    def method(self) -> str:
        return self.setting.method

    def options(self) -> dict[str, Any]:
        """What the recipe is told."""
        return {**self.setting.options, **(self.fault.options if self.fault else {})}

    def data(self) -> dict[str, Any]:
        """What its examples are like."""
        return {**self.setting.data, **(self.fault.data if self.fault else {})}

    def plant(self) -> Mapping[str, Any]:
        """What is done to the trainer."""
        return self.fault.plant if self.fault else {}


#: The causes that are right, by their names in docs/causes.md.
ONE_TEXT = ("pairs are one text to the model",)
BETA_SMALL = ("beta too small",)
BETA_LARGE = ("beta too large",)
COLLAPSED = ("scores have collapsed to one value",)
TOO_HIGH = ("learning rate too high",)
TOO_LOW = ("learning rate too low",)
NOTHING = ("nothing is trainable",)
SWAPPED = ("chosen and rejected swapped",)
LITTLE = ("labels carry little information",)
ELSEWHERE = ("reference is not the start policy",)
OVER = ("over-training on the pairs",)
ALIKE = ("pairs too alike: likelihood displacement",)
TRIVIAL = ("pairs told apart by something trivial",)
CUT = ("answers cut off by the length limit",)
EXPLOITED = ("reward is exploited",)
DEAD = ("reward is dead",)
MISMATCH = ("prompts do not match the model",)
NARROWED = ("sampling does not match the policy",)
SHARPENS = ("updates only ever sharpen the policy",)
OVERFLOWS = ("number range overflows",)
UNBALANCED = ("classes are unbalanced",)
TINY = ("batch too small for KTO",)
BONUS = ("entropy bonus too strong",)
CRITIC = ("critic does not keep up",)
NO_WORD = ()

PAIRS_DIVERGE = ("LOSS02", "LOSS07", "GRAD01", "GRAD02", "GRAD03", "PREF03", "PREF06", "LIK05", "LIK01", "KTO01")
PAIRS_STAND = ("LOSS01", "LOSS06", "PREF04", "PREF07", "LIK04", "RATE03", "GRAD05")
ONLINE_DIVERGE = ("RWD03", "KL01", "KL02", "CLIP01", "CLIP02", "CLIP03", "ENT02", "GRAD01", "GRAD02")
OVER_FITTED = ("FIT01", "FIT02", "FIT03", "FIT04", "FIT06", "LOSS04", "PREF06")
NO_SPREAD = ("RWD01", "GRP01", "GRP02")
