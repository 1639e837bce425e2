"""The tiny world: what is drawn is what it says, and the same each time."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from barograph.recipes import tasks


@given(st.integers(0, 1_000))
def test_good_answers_are_right_and_bad_ones_are_not(seed: int) -> None:
    for claim, row in zip(tasks.claims(seed, 20), tasks.pairs(seed, 20), strict=True):
        a, b, said = map(int, re.findall(r"\d+", row["prompt"]))
        assert (a, b, said) == claim
        assert tasks.reward(row["chosen"], a, b, said) == 1.0
        assert tasks.reward(row["rejected"], a, b, said) < 1.0
        assert tasks.agrees(row["chosen"]) is (a + b == said)
        assert set(f"{row['prompt']}{row['chosen']}{row['rejected']}".split()) <= set(tasks.WORDS)


def test_half_of_the_claims_are_true() -> None:
    claims = tasks.claims(1, 4_000)
    assert 0.47 < sum(claim.is_true for claim in claims) / 4_000 < 0.53


def test_noise_turns_so_many_pairs_round() -> None:
    clean, noisy = tasks.pairs(1, 2_000), tasks.pairs(1, 2_000, noise=0.1)
    turned = sum(one["chosen"] == other["rejected"] for one, other in zip(clean, noisy, strict=True))
    assert 150 < turned < 250


def test_single_answers_are_both_sides_of_the_pairs_mixed() -> None:
    rows = tasks.pairs(1, 200)
    single = tasks.unpaired(rows, 1)
    assert len(single) == 400
    assert {row["completion"] for row in single if row["label"]} == {row["chosen"] for row in rows}
    # Sixteen of one kind on end would be a batch without a margin: 1 in 32,768 at each place, were they shuffled.
    kinds = "".join("+" if row["label"] else "-" for row in single)
    assert "+" * 16 not in kinds
    assert "-" * 16 not in kinds


def test_a_step_is_right_where_its_sum_is() -> None:
    wrong = 0
    for row in tasks.solutions(1, 500):
        before = None
        for step, is_right in zip(row["completions"], row["labels"], strict=True):
            value, sign, change, result = re.fullmatch(r" (\d+) ([+-]) (\d+) = (\d+) ;", step).groups()  # type: ignore[union-attr]
            assert (int(value) + (1 if sign == "+" else -1) * int(change) == int(result)) is is_right
            assert before is None or before == value  # It goes on from what stands there, right or wrong.
            before = result
            wrong += not is_right
    assert 0.3 < wrong / 1_500 < 0.4


def test_the_same_seed_draws_the_same() -> None:
    assert tasks.solutions(5, 10) == tasks.solutions(5, 10)
    assert tasks.pairs(5, 10) == tasks.pairs(5, 10) != tasks.pairs(6, 10)
