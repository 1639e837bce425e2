"""Where examples lie on the map, and which are suspected."""

from __future__ import annotations

import numpy as np

from barograph.data.looks import Look, Looks
from barograph.data.map import Region, map_of


def looks_of(*courses: list[float]) -> Looks:
    """Looks at several examples, epoch by epoch."""
    looks = Looks(len(courses) + 1)  # And one that is never seen.
    for margins in zip(*courses, strict=True):
        looks.add(Look(np.arange(len(courses)), np.array(margins)))
    looks.settle()
    return looks


def test_several_looks() -> None:
    found = map_of(looks_of([1, 2, 3, 4], [-1, -2, -3, -4], [1, -1, 1, -1], [-1, 1, 1, 1], [-1, -1, -1, 1]))
    assert [Region(one) for one in found.region] == [
        Region.EASY, Region.HARD, Region.AMBIGUOUS, Region.EASY, Region.HARD, Region.UNSEEN,
    ]  # fmt: skip
    assert found.counts() == {"unseen": 1, "easy": 2, "ambiguous": 1, "hard": 2}
    assert found.forgotten.tolist() == [0, 0, 2, 0, 0, 0]
    assert found.ranked()[0] == 1
    assert found.ranked()[-1] == 0
    assert len(found.ranked()) == found.seen == 5
    assert found.wavering() == [2]
    assert found.looks == 4.0
    assert found.mean.tolist() == [2.5, -2.5, 0.0, 0.5, -0.5, 0.0]
    assert found.spread[2] == 1.0


def test_one_look_is_enough_for_a_map() -> None:
    found = map_of(looks_of([2.0], [-2.0], [0.1], [-0.1], [2.0]))
    assert [Region(one).name for one in found.region] == [
        "EASY", "HARD", "AMBIGUOUS", "AMBIGUOUS", "EASY", "UNSEEN",
    ]  # fmt: skip
    assert found.ranked() == [1, 3, 2, 0, 4]


def test_of_wavering_examples_the_one_that_was_forgotten_most_comes_first() -> None:
    assert map_of(looks_of([1, -1, 1, -1], [-9, -9, 9, 9], [-1, -1, 1, 1])).wavering() == [0, 1, 2]


def test_nothing_seen() -> None:
    found = map_of(Looks(3))
    assert found.ranked() == []
    assert found.seen == 0
    assert found.counts() == {"unseen": 3, "easy": 0, "ambiguous": 0, "hard": 0}
