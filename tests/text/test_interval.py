from __future__ import annotations

import itertools
import random
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest

from barograph.text.bleu import Bleu
from barograph.text.interval import SEED, bootstrap, paired_test
from barograph.text.score import Metric, Pair, Score


@dataclass(frozen=True)
class Mean(Metric):
    """A metric whose scores are given."""

    name: ClassVar[str] = "mean"

    @property
    def signature(self) -> str:
        return ""

    def score(self, prediction: str, references: object) -> Score:
        return Score(float(prediction))


def scores(values: list[float | None]) -> list[Score]:
    return [Score(value) for value in values]


def drawn(seed: int, size: int, mean: float = 0.5) -> list[float]:
    rng = random.Random(seed)
    return [rng.gauss(mean, 0.1) for _ in range(size)]


def test_the_interval_of_a_mean_is_that_of_the_textbook() -> None:
    values = drawn(1, 500)
    found = bootstrap(Mean(), scores(values), resamples=4000)
    assert found is not None
    error = float(np.std(values, ddof=1)) / len(values) ** 0.5
    assert found.low == pytest.approx(np.mean(values) - 1.96 * error, abs=error / 5)
    assert found.high == pytest.approx(np.mean(values) + 1.96 * error, abs=error / 5)


def test_the_same_always_and_another_for_another_seed() -> None:
    values = scores(drawn(2, 50))
    assert bootstrap(Mean(), values) == bootstrap(Mean(), values)
    assert bootstrap(Mean(), values) != bootstrap(Mean(), values, seed=1)


def test_what_does_not_apply_is_left_out() -> None:
    values = drawn(3, 50)
    assert bootstrap(Mean(), scores([*values, None, None])) == bootstrap(Mean(), scores(values))


def test_one_pair_has_no_interval() -> None:
    assert bootstrap(Mean(), scores([0.5, None])) is None
    assert bootstrap(Mean(), []) is None


def test_bleu_of_corpora_drawn_again_is_that_of_sacrebleu() -> None:
    sacrebleu = pytest.importorskip("sacrebleu")
    rng = random.Random(0)

    def text() -> str:
        return " ".join(rng.choice(["the", "a", "cat", "dog", "sat", "ran"]) for _ in range(rng.randrange(1, 15)))

    pairs = [Pair(text(), (text(),)) for _ in range(40)]
    found = bootstrap(Bleu(), Bleu("13a").scores(pairs), resamples=25)
    assert found is not None
    numbers, values = np.random.default_rng(SEED), []
    for _ in range(25):
        corpus = [pairs[place] for place in numbers.integers(0, 40, 40)]
        theirs = sacrebleu.corpus_bleu([p.prediction for p in corpus], [[p.references[0] for p in corpus]])
        values.append(theirs.score / 100)
    assert [found.low, found.high] == pytest.approx(np.quantile(values, [0.025, 0.975]))


def test_p_is_that_of_the_exact_test() -> None:
    ours, theirs = drawn(4, 9, 0.55), drawn(5, 9)
    gaps = [a - b for a, b in zip(ours, theirs, strict=True)]
    observed = abs(sum(gaps))
    signs = list(itertools.product([1, -1], repeat=9))
    exact = sum(abs(sum(s * g for s, g in zip(sign, gaps, strict=True))) >= observed - 1e-12 for sign in signs)
    found = paired_test(Mean(), scores(ours), scores(theirs), swaps=20_000)
    assert found is not None
    assert found.value == pytest.approx(sum(gaps) / 9)
    assert found.p == pytest.approx(exact / len(signs), abs=0.015)


def test_two_that_are_one_do_not_differ() -> None:
    values = scores(drawn(6, 30))
    found = paired_test(Mean(), values, values)
    assert found is not None
    assert found.value == 0.0
    assert found.p == 1.0
    assert found.interval is not None
    assert found.interval.low == found.interval.high == 0.0


def test_a_clear_difference_is_seen_and_its_sign() -> None:
    better, worse = drawn(7, 200, 0.6), drawn(8, 200)
    found = paired_test(Mean(), scores(worse), scores(better))
    assert found is not None
    assert found.value == pytest.approx(-0.1, abs=0.03)
    assert found.p < 0.001
    assert found.interval is not None
    assert found.interval.low < found.value < found.interval.high < 0


def test_pairs_count_where_both_have_a_score() -> None:
    found = paired_test(Mean(), scores([0.5, None, 0.7]), scores([0.4, 0.9, None]))
    assert found is not None
    assert (found.pairs, found.value, found.interval) == (1, pytest.approx(0.1), None)
    assert paired_test(Mean(), scores([None]), scores([0.1])) is None


def test_where_nothing_differs_p_is_seldom_small() -> None:
    small = 0
    for seed in range(40):
        ours, theirs = scores(drawn(100 + seed, 40)), scores(drawn(200 + seed, 40))
        found = paired_test(Mean(), ours, theirs, resamples=10, swaps=300)
        assert found is not None
        small += found.p < 0.05
    assert small <= 6  # two are expected
