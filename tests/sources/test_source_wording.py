from __future__ import annotations

import doctest

import pytest

from barograph.sources import numbers, wording
from barograph.sources.wording import counted, listed, visible


@pytest.mark.parametrize("module", [wording, numbers])
def test_the_examples_in_the_docstrings_hold(module) -> None:
    assert doctest.testmod(module).failed == 0


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("loss", "loss"),
        ("a\nb", "a\\nb"),
        ("\x1b[31mred", "\\x1b[31mred"),
        ("\x9b31m", "\\x9b31m"),  # the one-byte form of the same escape
        ("\u202egnp", "\\u202egnp"),  # right-to-left override
        ("half \ud800", "half \\ud800"),
        ("naïve 损失", "naïve 损失"),
    ],
)
def test_what_does_not_print_is_written_out(text: str, shown: str) -> None:
    assert visible(text) == shown
    assert visible(text).isprintable()


def test_long_text_is_cut_to_eighty_characters() -> None:
    assert len(visible("x" * 10**6)) == 80
    assert len(visible("\x1b" * 10**6)) == 80


def test_counts_and_lists() -> None:
    assert counted(0, "row") == "0 rows"
    assert listed([]) == ""
    assert listed(["a\x1b"]) == "'a\\x1b'"
