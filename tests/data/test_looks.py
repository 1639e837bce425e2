"""What is kept of each example equals what a full log of all looks would give."""

from __future__ import annotations

import random
import statistics
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from barograph.core.errors import UnreadableRun
from barograph.data.looks import KEPT, SLOTS, WINDOW, Look, Looks, width_of


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


def test_what_a_look_tells_by_hand() -> None:
    # 100 looks of one time: 80 margins of 2 and 20 of -1, so a mean of 1.4 and a variance of 1.44.
    margins = np.array([2.0] * 80 + [-1.0] * 20)
    looks = Looks(100)
    looks.add(Look(np.arange(100), margins))
    told = looks.kept["told"]
    assert told[0, 0] == pytest.approx(2 * 2.0 * 1.4 / 1.44, rel=1e-3)
    assert told[99, 0] == pytest.approx(2 * -1.0 * 1.4 / 1.44, rel=1e-3)
    assert not told[:, 1:].any()


def test_a_model_that_knows_nothing_tells_next_to_nothing() -> None:
    margins = np.tile([0.3, -0.3], 50)  # A mean of nought, known to within 0.3 / 10.
    looks = Looks(100)
    looks.add(Look(np.arange(100), margins))
    assert looks.kept["told"][0, 0] == pytest.approx(2 * 0.3 * 0.03 / 0.09, rel=1e-3)


def test_margins_that_are_all_alike_tell_nothing() -> None:
    looks = Looks(100)
    looks.add(Look(np.arange(100), np.zeros(100)))  # As of a policy that still is its reference.
    assert not looks.kept["told"].any()


@pytest.mark.parametrize("count", [1, 5, 8, 9, 16, 17, 40, 100])
def test_of_many_looks_neighbours_are_merged(count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    dice = random.Random(count)
    given = [dice.gauss(0.0, 1.0) for _ in range(count)]
    monkeypatch.setattr(Looks, "_told", lambda _, nth, beside: beside)
    looks = looked(1, [[(0, one)] for one in given])
    width = 1
    while count > width * SLOTS:
        width *= 2
    expected = [statistics.fmean(given[start : start + width]) for start in range(0, count, width)]
    slots = looks.kept["told"][0].tolist()
    assert slots[: len(expected)] == pytest.approx(expected, abs=5e-3)
    assert not any(slots[len(expected) :])
    assert width_of(count) == width


def test_how_an_epoch_begins_and_ends_is_known() -> None:
    looks, dice = Looks(400), np.random.default_rng(0)
    for epoch in range(3):
        order = dice.permutation(400)
        margins = epoch + np.linspace(0.0, 0.4, 400)  # It rises by 0.4 in an epoch, and by 0.6 in between.
        for start in range(0, 400, 20):
            looks.add(Look(order[start : start + 20], margins[start : start + 20]))
    looks.settle()
    begin, _, end, _ = looks.course[:3].T
    assert begin.tolist() == pytest.approx([0.03, 1.03, 2.03], abs=0.03)
    assert end.tolist() == pytest.approx([0.37, 1.37, 2.37], abs=0.04)
    assert not looks.course[3:].any()


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
    assert looks.kept["mean"].tolist() == looks.kept["beside"].tolist()
    assert looks.kept["last"].tolist() == (scores * signs).tolist()  # As the field knows it.


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
    assert again.course.tolist() == looks.course.tolist()


def test_an_example_takes_fifty_four_bytes() -> None:
    assert sum(numbers.nbytes for numbers in Looks(1).kept.values()) == 54


def test_of_several_labels_the_last_look_says_which() -> None:
    looks = Looks(3)
    looks.add(Look(np.array([0, 1]), np.array([-1.0, 2.0]), places=np.array([2, 1])))
    looks.add(Look(np.array([0, 2]), np.array([-1.0, float("nan")]), places=np.array([3, 1])))
    looks.settle()
    assert looks.kept["place"].tolist() == [3, 1, 0]


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
