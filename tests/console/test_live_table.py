"""The tables of a run while it goes on, compared with those of the guides on KTO and DPO."""

from __future__ import annotations

import math

import pytest

from barograph.console.live_table import STYLES, LiveTable, style_of
from barograph.console.terminal import Terminal

NARROW, WIDE = Terminal(width=80), Terminal(width=120)

KTO_OF_THE_GUIDE = """\
Step     Loss    Chosen  Reject  Margin
5        0.650   -0.045  0.033   -0.078
10       0.620   0.012   -0.015  0.027
145      0.420   0.678   -0.445  1.123
"""
DPO_HEADER_OF_THE_GUIDE = "Step  Training Loss  Rewards/Margins  Rewards/Chosen  Rewards/Rejected  Rewards/Accuracies"


def preference(loss: float, chosen: float, rejected: float, margin: float) -> dict[str, float]:
    return {"loss": loss, "reward_chosen": chosen, "reward_rejected": rejected, "reward_margin": margin}


def table(style: str, rows: list[tuple[int, dict[str, float]]], terminal: Terminal, left: str = "") -> list[str]:
    live = LiveTable(style)
    lines = []
    for step, values in rows:
        live.absorb(values)
        lines += live.lines(step, terminal, left)
    return lines


def test_kto_looks_as_in_the_guide() -> None:
    rows = [
        (5, preference(0.65, -0.045, 0.033, -0.078)),
        (10, preference(0.62, 0.012, -0.015, 0.027)),
        (145, preference(0.42, 0.678, -0.445, 1.123)),
    ]
    assert table("kto", rows, NARROW) == KTO_OF_THE_GUIDE.splitlines()


def test_dpo_has_the_columns_of_the_guide() -> None:
    values = preference(0.6821, -0.0156, -0.0468, 0.0312) | {"reward_accuracy": 0.52}
    header, row = table("dpo", [(5, values)], WIDE)
    assert header == DPO_HEADER_OF_THE_GUIDE
    assert row.split() == ["5", "0.6821", "0.0312", "-0.0156", "-0.0468", "0.52"]
    assert row.index("0.6821") + len("0.6821") == header.index("Training Loss") + len("Training Loss")


def test_dpo_fits_eighty_columns_by_shorter_titles() -> None:
    values = preference(0.6821, -0.0156, -0.0468, 0.0312) | {"reward_accuracy": 0.52, "lr": 5e-7}
    header, row = table("dpo", [(5, values)], NARROW, "12:30")
    assert header.split() == ["Step", "Loss", "Margin", "Chosen", "Rejected", "Accuracy", "LR", "Left"]
    assert len(header) == len(row) <= 80
    assert row.endswith("12:30")


@pytest.mark.parametrize("style", sorted(STYLES))
@pytest.mark.parametrize("width", [40, 60, 80, 120])
def test_no_table_is_wider_than_the_terminal(style: str, width: int) -> None:
    everything = {series: -12.5 for column in STYLES[style] for series in column.series}
    for line in table(style, [(100_000, everything), (100_005, everything)], Terminal(width=width), "1:02:03"):
        assert len(line) <= width


def test_columns_come_with_their_values() -> None:
    rows = [(5, {"score_mean": 0.5}), (10, {"score_mean": 0.6, "truncated_frac": 0.25})]
    first, _, second, row = table("online", rows, NARROW)
    assert "Cut off" not in first
    assert "Cut off" in second
    assert "0.25" in row.split()


def test_what_a_row_lacks_is_a_dash_and_what_is_no_number_is_said() -> None:
    row = table("kto", [(5, {"loss": math.nan, "reward_chosen": math.inf})], NARROW)[-1]
    assert row.split() == ["5", "nan", "inf", "-", "-"]


def test_the_last_value_between_two_rows_counts() -> None:
    live = LiveTable("kto")
    live.absorb({"loss": 0.7, "reward_margin": 0.1})
    live.absorb({"loss": 0.6})
    assert live.lines(2, NARROW)[-1].split() == ["2", "0.600", "-", "-", "0.100"]
    assert live.lines(4, NARROW)[-1].split() == ["4", "-", "-", "-", "-"]


def test_the_header_comes_again() -> None:
    lines = table("kto", [(step, {"loss": 0.5}) for step in range(1, 42)], NARROW)
    assert [place for place, line in enumerate(lines) if line.startswith("Step")] == [0, 21, 42]


def test_names_that_only_the_log_knows_are_shown_and_cut() -> None:
    header, row = table("auto", [(5, {"scores/of/somebody/else/mean": 1e9, "y": -3e-7})], NARROW)
    assert header.split() == ["Step", "scores/...lse/mean", "y"]
    assert row.split() == ["5", "1.0e+09", "-3.0e-07"]


def test_escapes_in_a_name_do_not_reach_the_terminal() -> None:
    assert "\x1b" not in "".join(table("auto", [(5, {"a\x1b[31mb": 1.0})], NARROW))


def test_margins_below_zero_are_coloured() -> None:
    line = table("kto", [(5, preference(0.65, -0.045, 0.033, -0.078))], Terminal(colour=True))[-1]
    assert "\x1b[33m-0.078\x1b[0m" in line


@pytest.mark.parametrize(
    ("method", "seen", "style"),
    [
        ("kto", [], "kto"),
        ("orpo", [], "dpo"),
        ("grpo", [], "online"),
        ("prm", [], "classifier"),
        ("reward", [], "reward"),
        ("unknown", ["loss", "reward_margin", "reward_accuracy"], "dpo"),
        ("unknown", ["loss", "reward_margin", "kto_z0"], "kto"),
        ("unknown", ["loss"], "plain"),
    ],
)
def test_the_method_chooses_the_table_and_else_what_was_logged(method: str, seen: list[str], style: str) -> None:
    assert style_of(method, dict.fromkeys(seen)) == style


def test_an_unknown_table_is_refused() -> None:
    with pytest.raises(ValueError, match="there is no table 'kt0': take one of auto, kto, dpo"):
        LiveTable("kt0")
