"""What is written out and compiled for one row: readable, made of our own words only, and no different when hot."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from barograph.core.run import run_from_rows
from barograph.signals import words as w
from barograph.signals.scan import Scanner
from barograph.signals.step import Stepper, course, source_of
from barograph.signals.timeline import Timeline

loss, margin = w.metric("loss"), w.metric("reward_margin")


def test_a_newcomer_can_read_what_is_written() -> None:
    source = source_of(w.sustained(w.ema(loss, 5) < 0, 10), ["loss"])
    assert source.splitlines()[3:] == [
        "        m0, = values.values()",
        "        if not hypot(m0) < 1e+30: return None",
        "        c0 = m0",
        "        # ema(loss, 5)",
        "        if c1 is None:",
        "            c1 = m0",
        "        else:",
        "            c1_mass, weight = among_few(c1_mass, 0.3333333333333333)",
        "            c1 = c1 + weight * (m0 - c1)",
        "        # sustained(ema(loss, 5) < 0, 10)",
        "        if (c1 < 0.0):",
        "            if c3_since is None:",
        "                c3_since = step if c3_then is None else c3_then",
        "                c3_onset = step",
        "            c3_begun = c3_begun + 1.0",
        "            c3 = c3_begun >= 10.0 and step - c3_since >= 0.0",
        "        else:",
        "            c3_then = step",
        "            c3 = False",
        "            c3_begun = 0.0",
        "            c3_since = None",
        "        holding = ()",
        "        # sustained(ema(loss, 5) < 0, 10)",
        "        if c3: holding += (0,)",
        "        else: failed0 = True",
        "        return holding",
    ]


def test_what_cannot_be_is_not_written() -> None:
    """A series that never comes, a fact that is not known: nothing that hangs on them costs anything."""
    assert (
        "c" not in source_of(w.ema(margin, 5) > w.fact("none"), ["loss"]).split("holding = ()")[1].replace("#", "")[:0]
    )
    source = source_of((w.ema(margin, 5) > 1) | (w.ema(loss, 5) > w.fact("none")), ["loss"])
    assert "among_few(c1" not in source
    assert "holding +=" not in source


def test_logs_cannot_smuggle_code_in() -> None:
    """Keys come from files of strangers; they stand in the source as quoted text only."""
    key = '\'] or exit() #\n"""'
    signal = w.present(key) & (w.metric(key) > 1)
    assert course(signal, [(1, {key: 2.0}), (2, {"loss": 1.0}), (3, {key: 0.5})], Timeline()) == {0: 1, 1: 0, 2: 0}


huge = st.sampled_from([0.5, -3.0, 1e29, -1e29, 1e31, 1e160, -1e200, 1e308, -1.7e308, 1e-300, math.nan, math.inf])


@given(
    rows=st.lists(st.fixed_dictionaries({"loss": huge, "reward_margin": huge}), min_size=1, max_size=30),
    often=st.sampled_from([0, 2, 1000]),
)
def test_numbers_of_any_size_agree_with_the_scanner(rows: list[dict[str, float]], often: int) -> None:
    """Small numbers are not asked whether their products are finite; the first large one changes that for good."""
    signal = w.lowest(abs(loss * margin * margin) + loss * margin)
    log = list(enumerate(rows, 1))
    scanner = Scanner([signal], Timeline())
    cell = scanner.cell(signal)
    scanned: dict[int, float] = {}
    for _block in scanner.scan(run_from_rows(log), 1000):
        scanned.update(zip(cell.at.tolist(), cell.values.tolist(), strict=True))
    assert course(signal, log, Timeline(), often) == pytest.approx(scanned)


def test_rows_of_a_common_kind_and_rows_of_any_kind_share_what_they_remember() -> None:
    """Rows with gaps and NaN in between take the slow way; the quick one goes on where they left off."""
    rng = random.Random(1)
    signal = w.sustained(w.ema(loss, 5) + w.delta(margin, 3) > w.median(loss, 7), 2) | (w.spike(margin, 9) > 2)
    log = [(step, {"loss": rng.gauss(0, 1), "reward_margin": rng.gauss(0, 1)}) for step in range(400)]
    for step in range(0, 400, 7):
        log[step][1].pop("loss")
        log[step + 1 if step < 399 else step][1]["reward_margin"] = math.nan
    slow, quick = (course(signal, log, Timeline(), often) for often in (10_000, 5))
    assert slow == quick
    assert set(slow.values()) == {0.0, 1.0}


def test_a_word_that_has_nothing_left_to_do_leaves_no_empty_block() -> None:
    """The beginning is fixed by then; a new key has all functions written again."""
    log = [(step, {"loss": 1.0 + step, "reward_margin": 1.0}) for step in range(9)]
    log += [(9, {"loss": 5.0, "new": 1.0}), (10, {"reward_margin": 2.0})]
    begun = dict.fromkeys(range(9), 1.0) | {9: 1.0}
    assert course(w.first(loss, 1), log, Timeline()) == begun


def test_no_more_functions_than_there_are_common_kinds_of_rows() -> None:
    rng = random.Random(2)
    stepper = Stepper([w.ema(w.metric("k0"), 5) > 0], Timeline(), often=2)
    for step in range(5000):
        stepper.advance(step, {f"k{n}": 1.0 for n in range(12) if rng.random() < 0.5})
    assert len(stepper._own) <= 16
    assert len(stepper._counted) <= 1000
