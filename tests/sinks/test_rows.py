from __future__ import annotations

import math

import pytest

from barograph.core.errors import ConfigurationError
from barograph.core.methods import Method
from barograph.core.run import Run, run_from_rows
from barograph.sinks.rows import rows_of, splits_of


def run(*rows: tuple[int, dict[str, float]], method: Method = Method.DPO) -> Run:
    return run_from_rows(rows, method=method)


def test_one_row_for_each_step_and_split() -> None:
    rows = rows_of(
        run((1, {"loss": 0.7}), (2, {"loss": 0.6, "eval.loss": 0.65}), (2, {"eval/b.loss": 0.8, "lr": 1e-5}))
    )
    assert rows.rows == (
        (1, {"loss": 0.7}),
        (2, {"loss": 0.6, "lr": 1e-5}),
        (2, {"eval.loss": 0.65}),
        (2, {"eval/b.loss": 0.8}),
    )
    assert rows.names == ("loss", "eval.loss", "eval/b.loss", "lr")


def test_the_order_of_the_run_is_kept() -> None:
    rows = rows_of(run((1, {"loss": 1.0}), (2, {"loss": 2.0}), (1, {"loss": 3.0})))
    assert [step for step, _ in rows] == [1, 2, 1]


def test_an_empty_run_and_rows_without_a_value() -> None:
    assert len(rows_of(run())) == 0
    assert rows_of(run((1, {}), (2, {"loss": 1.0}), (3, {}))).rows == ((2, {"loss": 1.0}),)


def test_values_are_kept_as_they_are() -> None:
    ((_, values),) = rows_of(run((1, {"a": math.nan, "b": -math.inf, "c": -0.0, "d": 5e-324}))).rows
    assert math.isnan(values["a"])
    assert [repr(values[name]) for name in "bcd"] == ["-inf", "-0.0", "5e-324"]


def test_splits() -> None:
    several = run((1, {"eval/a.loss": 1.0, "eval.loss": 2.0, "loss": 3.0}))
    assert splits_of(several) == ("train", "eval/a", "eval")
    assert rows_of(several, splits=["train"]).names == ("loss",)
    assert rows_of(several, splits=["eval"]).names == ("eval/a.loss", "eval.loss")
    assert rows_of(several, splits=["eval/a"]).rows == ((1, {"eval/a.loss": 1.0}),)
    with pytest.raises(ConfigurationError, match="it has train, eval/a, eval"):
        rows_of(several, splits=["test"])


def test_raw_names_come_with_their_own_units() -> None:
    from array import array

    from barograph.core.run import Column

    column = Column(array("q", [0]), array("d", [0.25]), "baseline_reward/pct_mixed")
    one = Run("", "", Method.GRPO, array("q", [7]), {"zero_std_frac": column})
    ((_, canonical),) = rows_of(one).rows
    ((_, raw),) = rows_of(one, raw=True).rows
    assert canonical == {"zero_std_frac": 0.25}
    assert raw == {"baseline_reward/pct_mixed": 75.0}
