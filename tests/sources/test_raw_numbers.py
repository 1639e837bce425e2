from __future__ import annotations

import math

import pytest

from barograph.sources.numbers import Kind, progress, to_number


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (1, 1.0), (0.5, 0.5), (True, 1.0), (False, 0.0),
        ("0.6931", 0.6931), ("2.433e+04", 24330.0), (" 5 ", 5.0), ("15.6%", 0.156), ("100 %", 1.0),
        ("true", 1.0), ("False", 0.0), (10**400, math.inf), (-(10**400), -math.inf),
        ("inf", math.inf), ("-Infinity", -math.inf), ("1e999", math.inf),
    ],
)  # fmt: skip
def test_numbers_in_all_their_spellings(value: object, number: float) -> None:
    found = to_number(value)
    assert isinstance(found, float)
    assert found == pytest.approx(number, rel=1e-15)


def test_the_sign_of_zero_and_nan_are_kept() -> None:
    assert math.copysign(1.0, to_number("-0.0")) == -1.0
    assert math.isnan(to_number("nan"))
    assert math.isnan(to_number("NaN"))


@pytest.mark.parametrize("value", [None, "", "  ", "None", "null", "N/A", "-"])
def test_absent(value: object) -> None:
    assert to_number(value) is Kind.NOTHING


@pytest.mark.parametrize(
    ("value", "kind"),
    [("hello", Kind.TEXT), ("12/1000", Kind.TEXT), ("%", Kind.TEXT), ([1], Kind.LIST), ({"a": 1}, Kind.NESTED)],
)
def test_what_is_no_number(value: object, kind: Kind) -> None:
    assert to_number(value) is kind


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("12/1000", (12, 1000)),
        ("12 / 1000", (12, 1000)),
        (" 12%|###   | 120/1000 [02:00<14:40,  1.0it/s]", (120, 1000)),
        ("2024/01/02", None),
        ("1.5/3", None),
        ("", None),
        ("9" * 400 + "/1", None),
    ],
)
def test_progress(text: str, found: tuple[int, int] | None) -> None:
    assert progress(text) == found
