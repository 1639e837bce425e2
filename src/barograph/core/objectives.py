"""The loss that each objective starts from.

Before the first update the policy is the reference: every log-ratio and so every implicit reward is zero, and the loss
is a constant that can be worked out by hand. A first row that is far from it says that something differs from
what the configuration claims: the reference, the precision, the template, beta.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from barograph.core.methods import CLASSIFIER, IMPLICIT_REWARD, Method

__all__ = ["starting_loss"]

_LN2 = math.log(2.0)
#: Losses of the log-ratios whose value at zero depends on no setting.
_CONSTANT = {
    "sigmoid": _LN2,  # -ln sigmoid(0), with any label smoothing
    "robust": _LN2,
    "sigmoid_norm": _LN2,
    "aot": _LN2,
    "aot_pair": _LN2,
    "aot_unpaired": _LN2,
    "hinge": 1.0,  # max(0, 1 - 0)
    "nca_pair": 2 * _LN2,  # ln 2 for the chosen, half of ln 2 for each of two terms
    "bco_pair": 2 * _LN2,
    "apo_zero": 1.0,  # (1 - sigmoid(0)) + sigmoid(0)
    "apo_down": 1.0,
    "discopop": (_LN2 + 1.0) / 2,  # the logistic and the exponential loss, mixed half and half at zero
}
_UNPAIRED = frozenset({"kto", "kto_pair", "apo_zero_unpaired"})


def starting_loss(method: Method, config: Mapping[str, object]) -> float | None:
    """The loss at the first step, or None where it depends on the data or the model.

    The configuration goes by the names of TRL (`loss_type`, `beta`, `label_smoothing`, `loss_weights`,
    `desirable_weight`, `undesirable_weight`, `simpo_gamma`, `num_labels`) or LLaMA-Factory (`pref_loss`, `pref_beta`).

    >>> round(starting_loss(Method.DPO, {}), 4)
    0.6931
    >>> round(starting_loss(Method.DPO, {"loss_type": "ipo", "beta": 0.1}), 6)  # (1 / 0.2) squared
    25.0
    >>> starting_loss(Method.KTO, {"desirable_weight": 1.0, "undesirable_weight": 1.5})  # half of 1.25
    0.625
    >>> starting_loss(Method.GRPO, {}) is None
    True
    """
    if method is Method.KTO:
        # 1 - sigmoid(0) for either class, taken as equally frequent.
        return 0.5 * (_number(config, 1.0, "desirable_weight") + _number(config, 1.0, "undesirable_weight")) / 2
    if method is Method.BCO or method is Method.REWARD:
        return _LN2
    if method in CLASSIFIER:
        classes = _number(config, 2.0, "num_labels")
        return math.log(classes) if classes >= 2 else _LN2
    if method is Method.CPO:
        return _reference_free(config)
    if method in IMPLICIT_REWARD:
        return _of_pairs(config)
    return None  # ORPO starts at its likelihood term, online methods near any value


def _of_pairs(config: Mapping[str, object]) -> float | None:
    """DPO and its relatives: one loss, or a weighted sum of several."""
    if _number(config, 0.0, "rpo_alpha", "pref_ftx") > 0.0:
        return None  # a likelihood term is added
    kinds = _kinds(config)
    if not kinds:
        return None
    weights = config.get("loss_weights")
    if not (isinstance(weights, Sequence) and len(weights) == len(kinds)):
        weights = [1.0] * len(kinds)
    parts = [_of_kind(kind, config) for kind in kinds]
    total = 0.0
    for part, weight in zip(parts, weights, strict=True):
        if part is None:
            return None
        total += part * float(weight)
    return total


def _of_kind(kind: str, config: Mapping[str, object]) -> float | None:
    if kind in _CONSTANT:
        return _CONSTANT[kind]
    beta = _number(config, 0.1, "beta", "pref_beta")
    if kind == "ipo":
        return (1 / (2 * beta)) ** 2 if beta > 0 else None
    if kind == "sppo_hard":
        return 2 * (0.5 / beta) ** 2 if beta > 0 else None
    if kind in {"exo", "exo_pair"}:
        smoothing = _number(config, 1e-3, "label_smoothing")
        if not 0 < smoothing < 1:
            return None  # without smoothing it has no finite value
        # The divergence of one half from the smoothed label, in both directions of the pair.
        return -_LN2 - 0.5 * math.log(smoothing * (1 - smoothing))
    if kind == "simpo":
        return _reference_free({**config, "loss_type": kind})
    if kind in _UNPAIRED:
        return 0.5
    return None


def _reference_free(config: Mapping[str, object]) -> float | None:
    """SimPO between answers of equal likelihood; CPO and ORPO depend on the likelihood itself."""
    if _kinds(config) != ["simpo"] or _number(config, 0.0, "cpo_alpha") != 0.0:
        return None
    return math.log1p(math.exp(_number(config, 0.5, "simpo_gamma")))


def _kinds(config: Mapping[str, object]) -> list[str]:
    kinds = config.get("loss_type") or config.get("pref_loss") or "sigmoid"
    if isinstance(kinds, str):
        return [kinds]
    return [str(kind) for kind in kinds] if isinstance(kinds, Sequence) else []


def _number(config: Mapping[str, object], default: float, *names: str) -> float:
    for name in names:
        value = config.get(name)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return float(value)
    return default
