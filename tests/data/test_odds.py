"""How all looks are put together: against made-up trainings of which everything is known."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pytest

from barograph.data.looks import Look, Looks
from barograph.data.odds import odds_of

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Made(NamedTuple):
    """A training, and which labels are wrong."""

    looks: Looks
    is_wrong: NDArray[np.bool_]
    margins: NDArray[np.float64]


def made(learned: list[float], by_heart: list[float], *, wrong: float = 0.1, examples: int = 2_000) -> Made:
    """A training of as many epochs as `by_heart` has numbers.

    What is learned of the others rises evenly within each epoch, from one number of `learned` to the next. What is
    learned by heart, the same for wrong labels, comes with each new epoch, and differs from example to example as much
    as it amounts to. What else margins have in them has a variance of about 1, half of it the same at every look.
    """
    dice = np.random.default_rng(0)
    is_wrong = np.arange(examples) < wrong * examples
    signs = np.where(is_wrong, -1.0, 1.0)
    own, memory = dice.normal(0, 0.7, examples), dice.exponential(1.0, examples)
    looks, margins = Looks(examples), np.empty((len(by_heart), examples))
    for epoch, heart in enumerate(by_heart):
        order = dice.permutation(examples)
        general = np.empty(examples)
        general[order] = np.linspace(learned[epoch], learned[epoch + 1], examples)
        margins[epoch] = general * signs + heart * memory + own + dice.normal(0, 0.7, examples)
        for part in np.array_split(order, 20):
            looks.add(Look(part, margins[epoch, part]))
    looks.settle()
    return Made(looks, is_wrong, margins)


def found(score: NDArray[np.float64], is_wrong: NDArray[np.bool_]) -> float:
    """The share of wrong labels among as many ranked highest."""
    return float(is_wrong[np.argsort(-score)[: is_wrong.sum()]].mean())


def test_one_look_ranks_by_the_margin_of_its_time() -> None:
    looks = Looks(100)
    margins = np.linspace(-1.0, 3.0, 100)
    looks.add(Look(np.arange(100), margins))
    odds = odds_of(looks)
    assert np.argsort(-odds.score).tolist() == list(range(100))
    assert odds.by_heart is None


def test_what_was_learned_by_heart_is_read_off_the_steps_between_epochs() -> None:
    by_heart = odds_of(made([1.0] * 4, [0.0, 0.0, 0.0], examples=8_000).looks).by_heart
    assert by_heart == pytest.approx(0.0, abs=0.1)
    # In the end the mean margin is 0.8 of what is known of others (one in ten is wrong), and 2.4 by heart.
    by_heart = odds_of(made([1.0] * 4, [0.0, 1.2, 2.4], examples=8_000).looks).by_heart
    assert by_heart == pytest.approx(2.4 / 3.2, abs=0.1)


def test_where_labels_are_learned_by_heart_early_looks_count() -> None:
    one = made([1.5] * 4, [0.0, 3.0, 6.0])
    score = odds_of(one.looks).score
    late, every = -one.margins[-1], -one.margins.mean(axis=0)
    assert found(score, one.is_wrong) > found(every, one.is_wrong) + 0.1
    assert found(every, one.is_wrong) > found(late, one.is_wrong)
    assert found(score, one.is_wrong) > found(-one.margins[0], one.is_wrong) - 0.05


def test_where_the_model_only_learns_late_looks_count() -> None:
    one = made([0.0, 0.1, 0.5, 2.0], [0.0, 0.0, 0.0])
    score = odds_of(one.looks).score
    assert found(score, one.is_wrong) > found(-one.margins.mean(axis=0), one.is_wrong) + 0.1
    assert found(score, one.is_wrong) > found(-one.margins[-1], one.is_wrong) - 0.02


def test_labels_that_stand_apart_are_told() -> None:
    one = made([3.0] * 4, [0.0, 0.0, 0.0])
    odds = odds_of(one.looks)
    assert odds.chance.sum() == pytest.approx(200, rel=0.1)
    likely = odds.chance > 0.5
    assert one.is_wrong[likely].mean() > 0.95
    assert likely[one.is_wrong].mean() > 0.95


@pytest.mark.parametrize("learned", [3.0, 1.0, 0.2, 0.0])
def test_where_all_labels_are_right_none_stands_apart(learned: float) -> None:
    assert (odds_of(made([learned] * 4, [0.0, 0.5, 1.0], wrong=0.0).looks).chance < 0.5).all()


def test_odds_of_two_looks_by_hand() -> None:
    """Of two looks that vary independently, log-odds add up: 2 x m / v each."""
    dice = np.random.default_rng(0)
    margins = dice.normal(2.0, 1.0, (2, 4_000))
    looks = Looks(4_000)
    for one in margins:
        looks.add(Look(np.arange(4_000), one))
    looks.settle()
    expected = -2 * 2.0 * margins.sum(axis=0)
    score = odds_of(looks).score
    assert np.corrcoef(score, expected)[0, 1] > 0.97  # Of 256 looks at a time, mean and spread are known to a tenth.
    # What varies together is taken to vary a tenth by itself; else the slope would be 1.
    assert 0.8 < np.polyfit(expected, score, 1)[0] < 1.2


def test_examples_that_were_looked_at_less_often_are_comparable() -> None:
    one = made([1.0] * 4, [0.0, 0.0, 0.0], wrong=0.0)
    one.looks.add(Look(np.arange(1_000), one.margins[0, :1_000]))  # A fourth epoch, half done.
    one.looks.settle()
    score = odds_of(one.looks).score
    # More looks, more is known: but nobody is suspected because of how often it was looked at.
    for part in (score[:1_000], score[1_000:]):
        assert part.mean() < 0
    assert abs(np.median(score[:1_000]) - np.median(score[1_000:])) < 0.5 * abs(np.median(score))


def test_nothing_seen_and_nothing_known() -> None:
    odds = odds_of(Looks(3))
    assert odds.score.tolist() == [-math.inf] * 3
    assert not odds.chance.any()
    looks = Looks(3)
    looks.add(Look(np.array([0, 1]), np.zeros(2)))
    looks.settle()
    assert odds_of(looks).score.tolist() == [0.0, 0.0, -math.inf]
