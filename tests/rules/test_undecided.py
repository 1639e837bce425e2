"""A cause is not told as if it were certain where the log lacks what would tell it from another."""

from __future__ import annotations

import random

from barograph.core.methods import Method
from barograph.core.run import run_from_rows
from barograph.engine.judge import judge
from barograph.rules.causes import CAUSES, Weighed
from barograph.rules.undecided import left_open

NOT_TRAINED, ONE_TEXT = "nothing is trainable", "pairs are one text to the model"


def still(**more: float) -> object:
    """A DPO run whose loss stays at ln 2 within the scatter of its batches."""
    dice = random.Random(3)
    rows = [(step, {"loss": 0.6931 + dice.gauss(0, 0.002), **more}) for step in range(1, 301)]
    return judge(run_from_rows(rows, method=Method.DPO, config={"max_steps": 300, "beta": 0.1}))


def test_a_loss_alone_leaves_open_whether_anything_is_trained() -> None:
    first, *_ = still().causes
    assert {NOT_TRAINED, ONE_TEXT} <= {first.name, *first.left_open}


def test_rewards_that_move_and_gradients_rule_it_out() -> None:
    moved = {"reward_chosen": 0.004, "reward_rejected": 0.001, "reward_margin": 0.003, "grad_norm": 1.0,
             "logp_chosen": -20.0, "logp_rejected": -30.0}  # fmt: skip
    first, *_ = still(**moved).causes
    assert not {NOT_TRAINED, ONE_TEXT} & set(first.left_open)


def test_what_could_not_outweigh_the_first_is_not_left_open() -> None:
    """Identical log-probabilities would add 8, twice over for a critical finding, and a loss at its start 1."""
    one_text = next(cause for cause in CAUSES if cause.name == ONE_TEXT)
    first = next(cause for cause in CAUSES if cause.name == "learning rate too low")
    for score, is_open in ((17.0, True), (17.5, False)):
        weighed = [Weighed(score, first, ["LOSS01"]), Weighed(1.0, one_text, ["LOSS01"])]
        assert (ONE_TEXT in left_open(first.name, weighed, ["LOSS01"], ["LIK06"])) is is_open


def test_what_would_explain_a_finding_is_left_open_where_it_could_not_be_judged() -> None:
    """A gradient that has vanished may follow from pairs that are one text: LIK06 is not there to tell."""
    one_text = next(cause for cause in CAUSES if cause.name == ONE_TEXT)
    first = next(cause for cause in CAUSES if cause.name == NOT_TRAINED)
    weighed = [Weighed(6.0, first, ["GRAD04"]), Weighed(0.0, one_text, [])]
    assert left_open(first.name, weighed, ["GRAD04"], ["LIK06"]) == [ONE_TEXT]
    assert left_open(first.name, weighed, ["GRAD04"], []) == []
