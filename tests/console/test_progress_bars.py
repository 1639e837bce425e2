"""Progress bars, compared with those of the guide on RLHF metrics."""

from __future__ import annotations

import pytest

from barograph.console.progress_bars import bar_lines, facts_line
from barograph.console.terminal import Terminal


def test_the_bar_of_an_epoch_is_that_of_the_guide() -> None:
    facts = facts_line({"loss": 2.3456, "reward": 0.7821, "lr": 1e-5, "step": "300/1000"})
    assert bar_lines("Epoch 3/10", 100, 100, 332.0, Terminal(width=80), facts=facts) == [
        "Epoch 3/10 |████████████████████| 100/100 [05:32<00:00, 3.32s/batch]",
        "  loss: 2.3456  reward: 0.7821  lr: 1.00e-05  step: 300/1000",
    ]


def test_the_bar_of_an_evaluation() -> None:
    facts = facts_line({"processed": 160, "avg_reward": 0.7234})
    assert bar_lines("Evaluating", 20, 20, 135.0, Terminal(width=100), facts=facts) == [
        "Evaluating |████████████████████| 20/20 [02:15<00:00, 6.75s/batch]",
        "  processed: 160  avg_reward: 0.7234",
    ]


def test_half_way_in_ascii() -> None:
    (line,) = bar_lines("Epoch 1/2", 10, 20, 5.0, Terminal(unicode=False), unit="step")
    assert line == "Epoch 1/2 |##########----------| 10/20 [00:05<00:05, 2.00step/s]"


def test_nothing_done_yet() -> None:
    (line,) = bar_lines("Evaluating", 0, 20, 0.0, Terminal(unicode=False))
    assert line == "Evaluating |--------------------| 0/20 [00:00<?, ?s/batch]"


@pytest.mark.parametrize("width", [40, 50, 80, 200])
def test_a_line_never_reaches_the_edge_where_it_would_break(width: int) -> None:
    facts = facts_line({"a" * 300: 1.0})
    for line in bar_lines("Epoch 300/1000", 123_456, 1_000_000, 1e6, Terminal(width=width), facts=facts):
        assert len(line) < width


def test_more_done_than_was_planned_is_full() -> None:
    assert "| 12/12 [" in bar_lines("Training", 12, 10, 5.0, Terminal())[0]


def test_what_is_no_number_is_said_and_what_is_missing_left_out() -> None:
    assert facts_line({"loss": float("nan"), "reward": None, "kl": 1e-7}) == "  loss: nan  kl: 1.00e-07"
