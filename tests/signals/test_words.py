"""What each word means, by hand calculation or by another library's answer."""

from __future__ import annotations

import math
import random
import statistics
from collections.abc import Sequence

import numpy as np
import pytest

from barograph.core.errors import ExpressionError
from barograph.core.methods import Method
from barograph.signals import step
from barograph.signals import words as w
from barograph.signals.expression import Param, Signal
from barograph.signals.timeline import Timeline

loss = w.metric("loss")


def course(signal: Signal, values: Sequence[float], every: int = 1, **frame: float | None) -> list[float | None]:
    """The value after each row, None where there was no update."""
    rows = [(number * every, {"loss": value}) for number, value in enumerate(values, 1)]
    seen = step.course(signal, rows, Timeline(**frame))  # type: ignore[arg-type]
    return [seen.get(row) for row in range(len(values))]


def noise(n: int) -> list[float]:
    rng = random.Random(3)
    return [rng.gauss(0, 1) for _ in range(n)]


def test_a_row_average_is_the_weighted_mean_of_all_values() -> None:
    """The definition, written out: weights shrink by 1 - 2 / (rows + 1) with each row, and are divided by their sum."""
    values, keep = noise(40), 1 - 2 / 6
    by_hand = [
        sum(keep ** (i - j) * values[j] for j in range(i + 1)) / sum(keep ** (i - j) for j in range(i + 1))
        for i in range(40)
    ]
    assert course(w.ema(loss, 5), values) == pytest.approx(by_hand)


def test_an_average_over_a_share_forgets_by_steps_not_rows() -> None:
    """Twice as many rows of the same course, at half the distance, end at the same level."""
    horizon = 400.0
    coarse = course(w.ema(loss, share=0.1), [i / 100 for i in range(0, 400, 4)], every=4, horizon=horizon)
    fine = course(w.ema(loss, share=0.1), [i / 100 for i in range(400)], horizon=horizon)
    assert coarse[-1] == pytest.approx(fine[-1], abs=0.03)
    # A steady rise is followed at a distance of the span: 40 steps of 0.01.
    assert fine[-1] == pytest.approx(3.99 - 0.40, abs=0.02)


@pytest.mark.parametrize(
    ("word", "reference"),
    [
        (w.mean, statistics.fmean),
        (w.median, statistics.median),
        (w.std, statistics.stdev),
        (w.slope, lambda window: np.polyfit(range(len(window)), window, 1)[0]),
        (w.lowest, min),
        (w.highest, max),
    ],
    ids=["mean", "median", "std", "slope", "lowest", "highest"],
)
def test_windows(word: object, reference: object) -> None:
    values = noise(30)
    least = {"std": 2, "slope": 3}.get(word.__name__, 1)  # type: ignore[attr-defined]
    expected = [
        reference(values[max(0, i - 6) : i + 1]) if i + 1 >= least else None  # type: ignore[operator]
        for i in range(30)
    ]
    assert course(word(loss, 7), values) == pytest.approx(expected)  # type: ignore[operator]


def test_looking_back() -> None:
    values = [5.0, 3.0, 4.0, 1.0, 2.0]
    assert course(w.delta(loss), values) == [None, -2, 1, -3, 1]
    assert course(w.delta(loss, 3), values) == [None, None, None, -4, -1]
    assert course(w.first(loss, 3), values) == [5, 4, 4, 4, 4]
    assert course(w.lowest(loss), values) == [5, 3, 3, 1, 1]
    assert course(w.highest(loss), values) == [5, 5, 5, 5, 5]
    assert course(w.settled(loss, 3), values) == [None, None, 4, 1, 2]
    assert course(w.count(loss), values) == [1, 2, 3, 4, 5]


def test_a_spike_is_measured_in_robust_deviations_and_must_be_a_record() -> None:
    values = [1.0, 2.0, 3.0, 4.0, 5.0, 11.0, 6.0]
    # Median 3, deviations 2 1 0 1 2 with median 1: (11 - 3) / 1.4826. Afterwards 6 is below the record.
    assert course(w.spike(loss, 5), values) == pytest.approx([None, None, None, 4 - 2, 5 - 2.5, 8 / 1.4826, 0], abs=2)
    assert course(w.spike(loss, 5), values)[5] == pytest.approx(8 / 1.4826)
    assert course(w.spike(loss, 5), values)[6] == 0


def test_noise_is_the_standard_deviation_whatever_the_trend() -> None:
    rng = random.Random(1)
    values = [0.05 * i + rng.gauss(0, 2) for i in range(4000)]
    assert course(w.noise(loss, 2000), values)[-1] == pytest.approx(2.0, rel=0.05)


def test_lasting() -> None:
    high = loss > 0
    values = [1.0, -1.0, 1.0, 1.0, 1.0, -1.0, 1.0]
    assert course(w.streak(high), values) == [1, 0, 1, 2, 3, 0, 1]
    assert course(w.total(high), values) == [1, 1, 2, 3, 4, 4, 5]
    assert course(w.ever(loss > 0.5), [0, 1, 0]) == [0, 1, 1]
    assert course(w.fraction(high, 4), values) == [None, None, None, 0.75, 0.75, 0.75, 0.75]
    assert course(w.sustained(high, 2), values) == [0, 0, 0, 1, 1, 0, 0]


def test_ten_steps_in_a_row_are_two_rows_of_a_log_written_every_five() -> None:
    lasting = w.sustained(loss > 0, steps=10)
    assert course(lasting, [-1, 1, 1, 1], every=5) == [0, 0, 1, 1]
    assert course(lasting, [-1.0] + [1.0] * 11, every=1) == [0] * 10 + [1, 1]


def test_a_share_of_the_run_is_a_share_of_its_length() -> None:
    lasting = w.sustained(loss > 0, share=0.1)
    assert course(lasting, [-1.0] + [1.0] * 5, every=2, horizon=40.0) == [0, 0, 1, 1, 1, 1]


def test_nan_is_no_update_and_a_gap_neither() -> None:
    average = w.mean(loss, 3)
    assert course(average, [1.0, math.nan, 3.0, math.inf, 5.0]) == [1, None, 2, None, 3]
    assert course(w.nonfinite("loss"), [1.0, math.nan, -math.inf, 2.0]) == [0, 1, 1, 0]


def test_phases_have_no_value_before_their_time() -> None:
    assert course(w.after(share=0.5), [1.0] * 4, every=10, horizon=40.0) == [None, 1, 1, 1]
    assert course(w.after(share=0.5, steps=30), [1.0] * 4, every=10) == [None, None, 1, 1]
    assert course(w.before(share=0.5), [1.0] * 4, every=10, horizon=40.0) == [1, 1, 0, 0]
    assert course(w.after_warmup(), [1.0] * 4, every=10, horizon=200.0) == [None, 1, 1, 1]
    assert course(w.after_warmup(), [1.0] * 4, every=10, warmup=35.0) == [None, None, None, 1]
    assert course(w.progress(), [1.0] * 2, every=10, horizon=40.0) == [0.25, 0.5]


def test_and_needs_both_sides_or_needs_one() -> None:
    missing = w.metric("entropy") > 0
    assert course((loss > 0) & missing, [1.0, -1.0]) == [None, None]
    assert course((loss > 0) | missing, [1.0, -1.0]) == [1, 0]
    assert course(~(loss > 0), [1.0, -1.0]) == [0, 1]


def test_division_by_zero_and_the_logarithm_of_nothing_are_no_updates() -> None:
    assert course(loss / (loss - 1), [2.0, 1.0, 3.0]) == [2, None, 1.5]
    assert course(w.log(loss), [math.e, 0.0, 1.0]) == [1, None, 0]
    assert course(w.exp(loss), [0.0, 1.0, -800.0]) == [1, math.e, 0]
    # Beyond the range of floats there is no number: no alarm comes of it, and no error.
    assert course(w.exp(loss), [710.0, 1.0]) == [None, math.e]


def test_a_fact_that_nobody_knows_leaves_the_condition_open() -> None:
    assert course((loss > 0) & (w.fact("beta") > 0), [1.0, 1.0]) == [None, None]


def test_truth_cannot_be_tested_by_accident() -> None:
    with pytest.raises(TypeError, match="join conditions with"):
        bool(loss > 0)


def test_a_parameter_takes_its_number_by_method_and_profile() -> None:
    limit = Param(10, "nats", by_method={Method.KTO: 5}, guide=1)
    assert [limit.value(), limit.value(Method.KTO), limit.value(Method.KTO, "guide")] == [10, 5, 1]
    assert str((loss > 2 * limit).bind(lambda param: param.value(Method.KTO))) == "loss > 10"


@pytest.mark.parametrize(
    "signal",
    [w.mean(loss, 0), w.std(loss, 1), w.slope(loss, 2), w.ema(loss, -3), w.median(loss, 2.5), w.mean(w.step(), 3)],
    ids=str,
)
def test_windows_that_are_none_are_refused(signal: Signal) -> None:
    with pytest.raises(ExpressionError):
        w.check(signal)
