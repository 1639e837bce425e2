"""What is kept of each example equals what a full log of all looks would give."""

from __future__ import annotations

import random
import statistics
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from barograph.core.errors import UnreadableRun
from barograph.data.looks import KEPT, WINDOW, Look, Looks


def looked(examples: int, batches: list[list[tuple[int, float]]]) -> Looks:
    looks = Looks(examples)
    for batch in batches:
        looks.add(Look(np.array([row for row, _ in batch]), np.array([margin for _, margin in batch])))
    looks.settle()
    return looks


@pytest.mark.parametrize("seed", range(5))
def test_what_is_kept_equals_a_full_log(seed: int) -> None:
    dice = random.Random(seed)
    examples = dice.choice([3, 40, 700])  # Of three examples, each comes many times within one window.
    log: dict[int, list[float]] = {}
    batches = []
    for _ in range(dice.randrange(1, 200)):
        batch = [(dice.randrange(examples), dice.gauss(0.2, 1.0)) for _ in range(dice.randrange(1, 17))]
        batches.append(batch)
        for row, margin in batch:
            log.setdefault(row, []).append(margin)
    kept = looked(examples, batches).kept
    for row in range(examples):
        margins = log.get(row, [])
        lost = sum(before > 0 and after <= 0 for before, after in pairwise(margins))
        assert kept["count"][row] == len(margins)
        assert kept["right"][row] == sum(margin > 0 for margin in margins)
        assert kept["forgotten"][row] == lost
        if margins:
            assert kept["mean"][row] == pytest.approx(statistics.fmean(margins))
            assert kept["squares"][row] == pytest.approx(statistics.pvariance(margins) * len(margins), abs=1e-9)
            assert kept["last"][row] == pytest.approx(margins[-1], rel=1e-6)


def test_newer_looks_weigh_more() -> None:
    # By hand: the first look stands alone; the second weighs 0.7, and so does the third.
    kept = looked(1, [[(0, 1.0)], [(0, -1.0)], [(0, 2.0)]]).kept
    assert kept["trail"][0] == pytest.approx(0.3 * (0.3 * 1.0 - 0.7 * 1.0) + 0.7 * 2.0)


def test_margins_that_are_no_number_and_rows_that_are_none_are_left_out() -> None:
    kept = looked(2, [[(0, float("nan")), (1, 1.0), (2, 1.0), (-1, 1.0), (1, float("inf"))]]).kept
    assert kept["count"].tolist() == [0, 1]
    assert kept["mean"].tolist() == [0.0, 1.0]


def test_what_all_scores_have_in_common_says_nothing_about_a_label() -> None:
    # All rewards have drifted to about -10: good answers lie at -9, bad ones at -11, and one good answer at -11.
    scores = np.array([-9.0] * 9 + [-11.0] + [-11.0] * 10)
    signs = np.array([1.0] * 10 + [-1.0] * 10)
    looks = Looks(20)
    looks.add(Look(np.arange(20), scores * signs, signs))
    looks.settle()
    assert looks.kept["right"].tolist() == [1] * 9 + [0] + [1] * 10
    assert looks.kept["beside"].tolist() == [1.0] * 9 + [-1.0] + [1.0] * 10
    assert looks.kept["mean"].tolist() == (scores * signs).tolist()  # As the field knows it.


def test_an_early_middle_is_not_that_of_a_later_time() -> None:
    looks, signs = Looks(2 * WINDOW), np.tile([1.0, -1.0], WINDOW // 2)
    for start, middle in ((0, 0.0), (WINDOW, -50.0)):
        looks.add(Look(np.arange(start, start + WINDOW), (middle + signs) * signs, signs))
    assert (looks.kept["right"] == 1).all()


def test_what_was_written_is_read_again(tmp_path: Path) -> None:
    looks = looked(300, [[(row, row / 100 - 1) for row in range(300)]] * 2)
    looks.about["method"] = "dpo"
    path = tmp_path / "examples.npz"
    path.write_bytes(looks.to_bytes())
    again = Looks.read(path)
    assert again.examples == 300
    assert again.about["method"] == "dpo"
    for name in KEPT:
        assert again.kept[name].tolist() == looks.kept[name].tolist()


def test_an_example_takes_forty_bytes() -> None:
    assert sum(numbers.itemsize for numbers in Looks(1).kept.values()) == 40


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 cut off", b"no archive at all"])
def test_a_file_that_holds_none_is_said_in_a_sentence(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "examples.npz"
    path.write_bytes(content)
    with pytest.raises(UnreadableRun, match="holds no margins of examples"):
        Looks.read(path)


def test_half_of_a_file_is_said_in_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "examples.npz"
    whole = looked(50, [[(0, 1.0)]]).to_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UnreadableRun):
        Looks.read(path)
    with pytest.raises(UnreadableRun, match="there is no such file"):
        Looks.read(tmp_path / "none.npz")
