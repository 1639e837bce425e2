"""The text form: what it reads, and how it says what it cannot read."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from barograph.core.errors import ExpressionError
from barograph.rules.catalogue import RULES
from barograph.signals import words as w
from barograph.signals.expression import Condition, Signal
from barograph.signals.text import parse, parse_condition

loss = w.metric("loss")


@pytest.mark.parametrize(
    ("text", "signal"),
    [
        ("loss > 1", loss > 1),
        ("0 < loss < 1", Condition("lt", 0, loss) & (loss < 1)),  # Python itself would turn 0 < loss round
        ("not loss > 1 or eval.loss > 2", ~(loss > 1) | (w.metric("loss", "eval") > 2)),
        ("-loss + 2 * loss / 4", -loss + 2 * loss / 4),
        ("abs(loss - 0.5) < 1e-3", abs(loss - 0.5) < 1e-3),
        ("sustained(ema(loss, 5) < 0, steps=10)", w.sustained(w.ema(loss, 5) < 0, steps=10)),
        ("metric('reward_component/format') < 0.5", w.metric("reward_component/format") < 0.5),
        ("after(share=0.5, steps=20) and progress() < 0.9", w.after(0.5, 20) & (w.progress() < 0.9)),
    ],
)  # fmt: skip
def test_reads(text: str, signal: Signal) -> None:
    assert parse(text) == signal


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("los > 1", "did you mean 'loss'"),
        ("emma(loss, 5) > 1", "did you mean 'ema'"),
        ("loss >", "column"),
        ("loss == 1", "abs(a - b) < c"),
        ("loss + 1", "not a condition"),
        ("1 < 2", "a comparison needs a metric"),
        ("ema(loss) > ", "cannot be read"),
        ("ema(loss, 'x') > 1", "rows must be a number"),
        ("ema(loss > 1, 5) and 3", "a condition must stand here"),
        ("mean(loss) > 1", "missing a required argument: 'rows'"),
        ("mean(loss, 0) > 1", "0 rows is no window"),
        ("ema > 1", "needs its arguments in brackets"),
        ("loss > 1 / 0", "no value"),
        ("metric('nonsense') > 1", "no metric 'nonsense'"),
        ("__import__('os').system('true')", "only metrics, numbers"),
        ("(lambda: 1)() > loss", "only metrics, numbers"),
        ("loss.__class__ > 1", "only metrics, numbers"),
        ("[x for x in loss] > 1", "only metrics, numbers"),
        ("loss > True", "true and false are not values"),
        ("(" * 60 + "loss" + ")" * 60 + " > 1" + " + loss" * 60, "nested"),
        ("loss > 1 " * 500, "characters"),
    ],
)
def test_says_what_is_wrong(text: str, said: str) -> None:
    with pytest.raises(ExpressionError) as error:
        parse_condition(text)
    assert said in str(error.value)
    assert "\n" not in str(error.value)


@given(st.text(alphabet="loseva.()<>=+-*/ 0123456789,'andotr", max_size=60))
def test_no_text_does_worse_than_an_error(text: str) -> None:
    with contextlib.suppress(ExpressionError):
        parse_condition(text)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
def test_every_rule_can_be_written_as_text(rule: type) -> None:
    bound = rule.when.bind(lambda param: param.default)  # type: ignore[attr-defined]
    assert parse(str(bound)) == bound
