"""Which charts there are, and in which order."""

from __future__ import annotations

import pytest

from barograph.charts.panels import levels, panels_of
from barograph.core.methods import Method
from barograph.core.names import catalogue


def names(method: Method, *series: str, first: tuple[str, ...] = ()) -> list[str]:
    return [panel.name for panel in panels_of(method, series, first=first)]


def test_what_cannot_be_judged_alone_stands_together() -> None:
    assert names(Method.DPO, "reward_chosen", "reward_rejected", "logp_rejected", "logp_chosen") == [
        "rewards", "log-probabilities",
    ]  # fmt: skip


def test_rewards_come_before_what_the_alphabet_would_put_first() -> None:
    assert names(Method.DPO, "entropy", "grad_norm", "lr", "loss", "reward_accuracy", "reward_margin") == [
        "margin", "accuracy", "loss", "gradient", "entropy", "learning-rate",
    ]  # fmt: skip


def test_counters_make_no_chart_and_what_is_unknown_comes_last() -> None:
    assert names(Method.GRPO, "epoch", "reward_component/format", "score_mean") == ["score", "reward_component-format"]


def test_held_out_data_alone_makes_a_chart() -> None:
    assert names(Method.DPO, "eval.loss") == ["loss"]


def test_whatever_is_named_first_leads_in_its_order() -> None:
    series = ("loss", "grad_norm", "lr", "eval.loss")
    assert names(Method.SFT, *series, first=("lr", "eval.loss")) == ["learning-rate", "loss", "gradient"]


@pytest.mark.parametrize("method", list(Method))
def test_every_metric_on_a_chart_is_one_and_stands_on_one_chart(method: Method) -> None:
    panels = panels_of(method, catalogue())
    shown = [name for panel in panels for name in panel.metrics]
    assert set(shown) <= set(catalogue())
    assert len(shown) == len(set(shown))
    assert len({panel.name for panel in panels}) == len(panels)


def test_levels_have_words() -> None:
    for method in Method:
        for panel in panels_of(method, catalogue()):
            assert all(level.says for level in levels(panel, method, {}))
