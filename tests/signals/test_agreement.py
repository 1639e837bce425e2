"""Stepping and scanning are two ways to say the same thing."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from barograph.core.run import run_from_rows
from barograph.signals import words as w
from barograph.signals.expression import Condition, Signal
from barograph.signals.scan import Passive, Scanner
from barograph.signals.step import OFTEN, Stepper, course, updated
from barograph.signals.text import parse
from barograph.signals.timeline import Timeline

KEYS = ["loss", "grad_norm", "reward_margin", "eval.loss"]

numbers = st.one_of(
    st.floats(-20, 20).map(lambda x: round(x, 3)),
    st.sampled_from([0.0, 1.0, math.nan, math.inf, -math.inf]),
)


@st.composite
def logs(draw: Callable[..., object]) -> list[tuple[int, dict[str, float]]]:
    """Rows with gaps, NaN, and steps that may stand still or fall back, as after a restart."""
    rows = []
    step = draw(st.integers(0, 30))
    for _ in range(draw(st.integers(1, 40))):
        cells = {key: draw(numbers) for key in KEYS if draw(st.integers(0, 3))}
        rows.append((step, cells))
        step = max(0, step + draw(st.sampled_from([1, 1, 1, 5, 10, 0, -7])))
    return rows


rows_of = st.integers(1, 7)
shares = st.sampled_from([0.05, 0.2, 0.5])
leaves = st.sampled_from(KEYS).map(lambda key: w.metric(key.removeprefix("eval."), "eval" if "." in key else "train"))


def _values(inner: st.SearchStrategy[Signal], conditions: st.SearchStrategy[Condition]) -> st.SearchStrategy[Signal]:
    windowed = st.sampled_from([w.mean, w.median, w.spike, w.delta, w.first, w.settled, w.lowest, w.highest])
    return st.one_of(
        st.builds(lambda f, x, n: f(x, n), st.sampled_from([w.std, w.slope]), inner, st.integers(3, 8)),
        st.builds(lambda f, x, n: f(x, n), windowed, inner, rows_of),
        st.builds(w.ema, inner, rows_of),
        st.builds(lambda x, n: w.ema(x, steps=n), inner, rows_of),
        st.builds(lambda x, n: w.ema(x, share=n), inner, shares),
        st.builds(lambda f, x: f(x), st.sampled_from([w.lowest, w.highest, w.count, abs, w.log, w.exp]), inner),
        st.builds(lambda a, b: a - b, inner, inner),
        st.builds(lambda a, b: a + b, inner, inner),
        st.builds(lambda a, b: a * b, inner, inner),
        st.builds(lambda a, b: a / b, inner, inner),
        st.builds(lambda a, b: 2.5 - a, inner, inner),
        st.builds(w.maximum, inner, st.floats(-3, 3).map(lambda x: round(x, 2))),
        st.builds(lambda a: a * w.fact("beta"), inner),
        st.builds(lambda a: a + w.progress(), inner),
        st.builds(w.noise, inner, rows_of),
        st.builds(lambda f, c: f(c), st.sampled_from([w.streak, w.total]), conditions),
        st.builds(w.fraction, conditions, rows_of),
    )


def _conditions(values: st.SearchStrategy[Signal], inner: st.SearchStrategy[Condition]) -> st.SearchStrategy[Condition]:
    phases = st.sampled_from(
        [w.after(0.3, 10), w.before(0.6, 20), w.after_warmup(), w.step() > 9, w.fact("beta") < 0.5, w.fact("none") < 1]
    )
    return st.one_of(
        st.builds(lambda a, b: a < b, values, st.floats(-5, 5).map(lambda x: round(x, 1))),
        st.builds(lambda a, b: a >= b, values, values),
        st.builds(lambda a, b: a & b, inner, inner),
        st.builds(lambda a, b: a | b, inner, inner),
        st.builds(lambda a, b: a & b, phases, inner),
        st.builds(lambda a, b: b | a, phases, inner),
        st.builds(lambda a: ~a, inner),
        st.builds(w.ever, inner),
        st.builds(lambda c, r, s: w.sustained(c, r, steps=s), inner, rows_of, st.integers(0, 12)),
        st.builds(lambda c, s: w.sustained(c, share=s), inner, shares),
    )


first_conditions = st.one_of(
    st.builds(lambda x, c: x > c, leaves, st.floats(-5, 5).map(lambda x: round(x, 1))),
    st.sampled_from([w.nonfinite("loss"), w.present("reward_margin"), w.present("loss", "eval")]),
)
values_1 = st.one_of(leaves, _values(leaves, first_conditions))
conditions_1 = st.one_of(first_conditions, _conditions(values_1, first_conditions))
values_2 = st.one_of(values_1, _values(values_1, conditions_1))
conditions_2 = st.one_of(conditions_1, _conditions(values_2, conditions_1))
signals = st.one_of(values_2, conditions_2)

timelines = st.builds(
    lambda horizon, warmup: Timeline(horizon=horizon, warmup=warmup, facts={"beta": 0.1}),
    st.sampled_from([None, 25.0, 100.0]),
    st.sampled_from([None, 0.0, 12.0]),
)


def stepped(
    signal: Signal, log: list[tuple[int, dict[str, float]]], timeline: Timeline, often: int = OFTEN
) -> dict[int, float]:
    return course(signal, log, timeline, often)


def scanned(
    signal: Signal, log: list[tuple[int, dict[str, float]]], timeline: Timeline, size: int = 1000
) -> dict[int, float]:
    scanner = Scanner([signal], timeline)
    cell = scanner.cell(signal)
    seen = {}
    for block in scanner.scan(run_from_rows(log), size):
        if isinstance(cell, Passive):
            values = [(row, cell.at_row(row)) for row in block.rows.tolist()]
            seen.update({row: value for row, value in values if value is not None})
        else:
            seen.update(zip(cell.at.tolist(), map(float, cell.values.tolist()), strict=True))
    return seen


def _near(a: float, b: float) -> bool:
    return math.isclose(a, b, rel_tol=1e-7, abs_tol=1e-7)


def _knife_edge(signal: Signal, log: list[tuple[int, dict[str, float]]], timeline: Timeline) -> bool:
    """Some comparison inside is so close that rounding decides it, or a spread or divisor is nothing but rounding."""
    for part in set(signal.walk()):
        if part.word in {"lt", "le", "gt", "ge"} and part.inputs:
            a, b = (x if isinstance(x, Signal) else w.maximum(w.metric("loss"), 1e9) * 0 + x for x in part.arguments)
            difference = stepped(a - b, log, timeline).values() if isinstance(a - b, Signal) else ()
            if any(abs(d) < 1e-6 for d in difference):
                return True
        if part.word in {"div", "spike", "log"}:
            divisor = part.inputs[-1]
            if any(abs(value) < 1e-6 for value in stepped(divisor, log, timeline).values()) or part.word == "spike":
                return any(inner.word in {"ema", "mean", "std", "slope"} for inner in part.walk())
    return False


@given(
    signal=signals,
    log=logs(),
    timeline=timelines,
    size=st.sampled_from([1, 2, 3, 7, 1000]),
    often=st.sampled_from([0, 1, 3, OFTEN]),
)
def test_stepping_and_scanning_agree(
    signal: Signal, log: list[tuple[int, dict[str, float]]], timeline: Timeline, size: int, often: int
) -> None:
    by_step, by_scan = stepped(signal, log, timeline, often), scanned(signal, log, timeline, size)
    agree = by_step.keys() == by_scan.keys() and all(_near(by_step[row], by_scan[row]) for row in by_step)
    assert agree or _knife_edge(signal, log, timeline), f"{signal}\n{by_step}\n{by_scan}"


@given(signal=signals)
def test_text_form_reads_back_equal(signal: Signal) -> None:
    assert parse(str(signal)) == signal


@pytest.mark.parametrize("parts", [1, 2, 5])
def test_sharing_a_stepper_changes_nothing(parts: int) -> None:
    log = [(i, {"loss": math.sin(i), "grad_norm": i % 5 + 0.5}) for i in range(30)]
    expressions = [w.ema(w.metric("loss"), n + 2) > w.metric("grad_norm") - 3 for n in range(parts)]
    conditions = [updated(expression) for expression in expressions]
    together = Stepper(conditions, Timeline(), expressions)
    readers = [together.reader(expression) for expression in expressions]
    seen: list[dict[int, float]] = [{} for _ in expressions]
    for step, values in log:
        for number in together.advance(step, values):
            seen[number][together.row] = float(readers[number]())
    assert together.row == 29
    assert seen == [stepped(expression, log, Timeline()) for expression in expressions]
