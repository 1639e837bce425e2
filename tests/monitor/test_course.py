from __future__ import annotations

import math
import random
from array import array

from barograph.monitor.course import Course


def test_a_short_series_is_its_own_course() -> None:
    assert Course(most=10).follow([3.0, 1.0, 2.0]) == [3.0, 1.0, 2.0]


def test_a_spike_is_never_lost_however_long_the_series_grows() -> None:
    rng = random.Random(1)
    values = array("d")
    course = Course(most=64)
    for number in range(20_000):
        values.append(50.0 if number == 777 else rng.gauss(0, 1))
        if number % 97 == 0:
            points = course.follow(values)
            assert len(points) <= 64 or len(values) <= 64
    points = course.follow(values)
    assert max(points) == 50.0
    assert points.index(50.0) == 777 // course.stride


def test_following_bit_by_bit_gives_what_one_look_gives_for_a_monotonous_series() -> None:
    values = [float(number) for number in range(5000)]
    slow = Course(most=100)
    for end in range(0, 5001, 50):
        slowly = slow.follow(values[:end])
    at_once = Course(most=100).follow(values)
    assert len(slowly) == len(at_once) == math.ceil(5000 / 64)
    # Each point lies within the values it stands for.
    for number, value in enumerate(slowly):
        assert number * 64 <= value < (number + 1) * 64


def test_gaps_stay_gaps_and_infinity_is_no_extreme() -> None:
    values = [math.nan] * 8 + [1.0, math.inf, 2.0, math.nan] * 2
    points = Course(most=4).follow(values)
    assert all(map(math.isnan, points[:2]))
    assert all(map(math.isfinite, points[2:]))
