"""Starting losses, against values worked out by hand from each paper's formula at zero log-ratio."""

from __future__ import annotations

import math

import pytest

from barograph.core.methods import Method
from barograph.core.objectives import starting_loss

DPO, KTO = Method.DPO, Method.KTO
LN2 = 0.693147


@pytest.mark.parametrize(
    ("method", "config", "expected"),
    [
        (DPO, {}, LN2),
        (DPO, {"loss_type": "sigmoid", "beta": 0.5, "label_smoothing": 0.1}, LN2),
        (DPO, {"loss_type": ["sigmoid"]}, LN2),
        (DPO, {"loss_type": "robust", "label_smoothing": 0.2}, LN2),
        (DPO, {"loss_type": "sigmoid_norm"}, LN2),
        (DPO, {"loss_type": "aot"}, LN2),
        (DPO, {"loss_type": "aot_unpaired"}, LN2),
        (DPO, {"loss_type": "hinge"}, 1.0),
        (DPO, {"loss_type": "ipo", "beta": 0.1}, 25.0),
        (DPO, {"loss_type": "ipo", "beta": 0.01}, 2500.0),
        (DPO, {"loss_type": "exo_pair", "label_smoothing": 0.001}, 2.7612),
        (DPO, {"loss_type": "nca_pair"}, 1.386294),
        (DPO, {"loss_type": "bco_pair"}, 1.386294),
        (DPO, {"loss_type": "sppo_hard", "beta": 0.1}, 50.0),
        (DPO, {"loss_type": "sppo_hard", "beta": 0.001}, 500_000.0),
        (DPO, {"loss_type": "apo_zero"}, 1.0),
        (DPO, {"loss_type": "apo_down"}, 1.0),
        (DPO, {"loss_type": "discopop"}, 0.846574),
        (DPO, {"loss_type": ["sigmoid", "hinge"], "loss_weights": [0.5, 2.0]}, 0.346574 + 2.0),
        (DPO, {"loss_type": ["sigmoid", "bco_pair"]}, 3 * LN2),
        (DPO, {"pref_loss": "ipo", "pref_beta": 0.1}, 25.0),
        (DPO, {"pref_loss": "simpo", "simpo_gamma": 0.5}, 0.974077),
        (Method.ONLINE_DPO, {"loss_type": "ipo", "beta": 0.1}, 25.0),
        (KTO, {}, 0.5),
        (KTO, {"beta": 0.3}, 0.5),
        (KTO, {"loss_type": "apo_zero_unpaired"}, 0.5),
        (KTO, {"desirable_weight": 1.33, "undesirable_weight": 1.0}, 0.5825),
        (Method.BCO, {}, LN2),
        (Method.CPO, {"loss_type": "simpo", "simpo_gamma": 0.5, "cpo_alpha": 0.0}, 0.974077),
        (Method.CPO, {"loss_type": "simpo", "simpo_gamma": 1.6}, 1.783901),
        (Method.REWARD, {}, LN2),
        (Method.PRM, {}, LN2),
        (Method.CLASSIFIER, {"num_labels": 3}, 1.098612),
        (Method.CLASSIFIER, {"num_labels": 1}, LN2),
    ],
)
def test_the_loss_starts_where_the_formula_says(method: Method, config: dict[str, object], expected: float) -> None:
    assert starting_loss(method, config) == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize(
    ("method", "config"),
    [
        (Method.GRPO, {}),
        (Method.PPO, {}),
        (Method.RLOO, {}),
        (Method.SFT, {}),
        (Method.UNKNOWN, {}),
        (Method.ORPO, {"beta": 0.1}),  # the likelihood of the answers comes first
        (Method.CPO, {"loss_type": "sigmoid"}),
        (Method.CPO, {"loss_type": "simpo", "cpo_alpha": 1.0}),
        (DPO, {"loss_type": "sft"}),
        (DPO, {"loss_type": ["sigmoid", "sft"]}),
        (DPO, {"loss_type": "sigmoid", "rpo_alpha": 1.0}),
        (DPO, {"loss_type": "ipo", "beta": 0.0}),
        (DPO, {"loss_type": "exo_pair", "label_smoothing": 0.0}),  # infinite without smoothing
        (DPO, {"loss_type": "orpo"}),
        (DPO, {"loss_type": 7}),
    ],
)
def test_no_number_is_made_up(method: Method, config: dict[str, object]) -> None:
    assert starting_loss(method, config) is None


@pytest.mark.parametrize(
    ("by_formula", "expected"),
    [
        (-math.log(0.5), LN2),
        ((0 - 1 / (2 * 0.1)) ** 2, 25.0),
        (0.5 * math.log(0.5 / 0.999) + 0.5 * math.log(0.5 / 0.001), 2.7612),
        ((0 - 0.5 / 0.1) ** 2 + (0 + 0.5 / 0.1) ** 2, 50.0),
        (0.5 * math.log(2) + 0.5 * math.exp(0), 0.846574),
        (math.log(1 + math.exp(0.5)), 0.974077),
        (math.log(1 + math.exp(1.6)), 1.783901),
        ((1 - 0.5) * (1.33 + 1.0) / 2, 0.5825),
    ],
)
def test_the_expected_numbers_follow_from_their_formulas(by_formula: float, expected: float) -> None:
    assert by_formula == pytest.approx(expected, rel=1e-4)


def test_a_true_flag_is_no_number() -> None:
    assert starting_loss(KTO, {"desirable_weight": True}) == 0.5
