"""Sparklines: nothing that matters may be lost in them."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from barograph.console.terminal import Terminal, clean
from barograph.console.trace import mark, sparkline


def test_a_single_spike_is_never_averaged_away() -> None:
    values = [1.0] * 1000
    values[617] = 140.0
    assert sparkline(values, 40).count("█") == 1
    assert sparkline(values, 40).index("█") == 617 * 40 // 1000


def test_a_dip_is_as_visible_as_a_spike() -> None:
    values = [5.0 + i % 2 for i in range(300)]
    values[30] = -50.0
    assert sparkline(values, 30)[3] == "▁"


def test_ascii_stands_in_for_blocks() -> None:
    assert sparkline([0, 1, 2, 3, 4, 5, 6, 7], 8, unicode=False) == "_.-~=+*#"


@given(st.lists(st.one_of(st.floats(), st.sampled_from([math.nan, math.inf])), max_size=60), st.integers(1, 80))
def test_any_numbers_fit(values: list[float], width: int) -> None:
    assert len(sparkline(values, width)) == min(width, len(values))


def test_the_mark_stands_under_the_rows_that_held() -> None:
    rows = list(range(0, 200, 2))
    line = mark(rows, first=100, last=140, width=10)
    assert line == " " * 5 + "▔" * 3


def test_control_characters_are_shown_not_obeyed() -> None:
    assert clean("a\x1b[31mb\r\nc\u202e") == "a\\x1b[31mb\\r\\nc\\u202e"


def test_environment_decides_about_colour() -> None:
    class Screen:
        encoding = "utf-8"

        def isatty(self) -> bool:
            return True

    screen = Screen()
    assert Terminal.of(screen, {}).colour  # type: ignore[arg-type]
    assert not Terminal.of(screen, {"NO_COLOR": "1"}).colour  # type: ignore[arg-type]
    assert not Terminal.of(screen, {"TERM": "dumb"}).colour  # type: ignore[arg-type]
    assert Terminal.of(screen, {"COLUMNS": "72"}).width == 72  # type: ignore[arg-type]
