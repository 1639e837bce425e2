"""Names that nobody knows, and values that cannot be."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from barograph.config.check import CRITICAL, SettingCheck
from barograph.config.plan import Plan
from barograph.core.finding import Finding

__all__ = ["CHECKS"]


class UnknownSetting(SettingCheck):
    """A name that the framework does not have, and that is nearly one that it has.

    Why: parsers that ignore what they do not know train with the usual value instead, and nobody sees it.
    False alarm: a setting of your own script whose name resembles one of the framework.
    Sources: the arguments of transformers, TRL and peft, and those of our recipes [S].
    """

    code, name = "CFG01", "unknown-setting"
    about = "model"
    says = "{stranger} is no setting of {dialect}; {near} is one"
    do = ("Write {near} if that is what was meant",)

    def findings(self, plan: Plan) -> Iterator[Finding]:
        for stranger in plan.strangers:
            told = {"stranger": stranger.name, "near": stranger.near, "dialect": plan.dialect.name}
            yield replace(self.found(plan, told=told), metric=stranger.name)


#: Where numbers of a setting may lie: from, to, and whether the ends may be taken.
POSSIBLE: Mapping[str, tuple[float, float]] = {
    "learning_rate": (0.0, 1e3), "value_learning_rate": (0.0, 1e3), "warmup_share": (0.0, 1.0),
    "weight_decay": (0.0, 1e3), "max_grad_norm": (0.0, 1e9), "epochs": (0.0, 1e6), "per_device_batch": (1.0, 1e7),
    "accumulation": (1.0, 1e7), "max_length": (1.0, 1e8), "prompt_limit": (1.0, 1e8), "answer_limit": (1.0, 1e8),
    "beta": (0.0, 1e6), "label_smoothing": (0.0, 0.5), "desirable_weight": (0.0, 1e6), "undesirable_weight": (0.0, 1e6),
    "temperature": (0.0, 100.0), "top_p": (0.0, 1.0), "min_p": (0.0, 1.0), "lora_rank": (0.0, 1e5),
    "clip_low": (0.0, 1e6), "num_iterations": (1.0, 1e4), "save_steps": (-1.0, 1e12), "eval_steps": (-1.0, 1e12),
}  # fmt: skip
#: Settings of which zero is as impossible as what lies below.
ABOVE_ZERO = frozenset({"learning_rate", "epochs", "clip_low"})


class ImpossibleValue(SettingCheck):
    """A value that the setting cannot have: no number, or one out of its range.

    Why: a minus or a digit too many, a share in per cent, or an exponent that was read as text; most of these fail in
    the first seconds, some only turn the objective round.
    False alarm: none known.
    Sources: what the settings mean [M].
    """

    code, name, severity = "CFG02", "impossible-value", CRITICAL
    about = "learning_rate"
    says = "{setting} is {value}: {range} belongs there"
    do = ("Write {setting} as {range}",)

    def findings(self, plan: Plan) -> Iterator[Finding]:
        for setting, (low, high) in POSSIBLE.items():
            if not plan.has(setting) or plan.text(setting).lower() in {"auto", "none", "null"}:
                continue
            number = plan.number(setting)
            is_wrong = number is None or not low <= number <= high or (number == 0 and setting in ABOVE_ZERO)
            if is_wrong and not plan.text(setting).startswith(("$", "?")):
                yield self.found(plan, about=setting, told={"range": _range(setting, low, high)})


def _range(setting: str, low: float, high: float) -> str:
    if setting in ABOVE_ZERO:
        return "a number above 0"
    if high <= 1.0:
        return f"a number from {low:g} to {high:g}"
    return f"a number from {low:g} on"


CHECKS: tuple[type[SettingCheck], ...] = (UnknownSetting, ImpossibleValue)
