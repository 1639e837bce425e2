from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from barograph.text.score import Pair
from barograph.text.variety import shape_of, variety
from barograph.text.words import tokens


def pairs(*said: str) -> list[Pair]:
    return [Pair(text, ("one two three four",)) for text in said]


def test_by_hand() -> None:
    found = variety(pairs("a b a b", "a b c", ""))
    assert (found.texts, found.empty) == (3, 1)
    # Seven tokens, of which a, b, c; five pairs: ab ba ab, ab bc; three triples: aba bab, abc.
    assert found.distinct == (3 / 7, 3 / 5, 1.0)
    assert found.repetition == 0.0
    assert found.tokens == pytest.approx(7 / 3)
    assert found.characters == pytest.approx(12 / 3)
    assert found.length_ratio == pytest.approx(7 / 12)
    assert (found.longest_loop, found.loops_in) == (0, None)


def test_one_answer_to_everything_is_varied_in_itself_alone() -> None:
    found = variety(pairs(*["I cannot help with that"] * 100))
    assert found.repetition == 0.0
    assert found.distinct[2] == pytest.approx(0.01)


def test_of_several_references_the_one_closest_in_length_counts() -> None:
    found = variety([Pair("a b c", ("a", "a b c d", "a b")), Pair("a", ())])
    assert found.length_ratio == 4 / 2  # of equals the shorter one; the pair without a reference has none to add


def test_nothing_at_all() -> None:
    found = variety([])
    assert found.distinct == (None, None, None)
    assert found.tokens is found.repetition is found.length_ratio is None


@pytest.mark.parametrize(
    ("text", "repetition", "loop"),
    [
        ("", None, 0),
        ("one two three", None, 0),
        ("one two three four", 0.0, 0),
        ("no no no no no", 1 / 2, 5),
        ("!!!!!!!!", 4 / 5, 8),
        # A phrase of three that is said three times: nine tokens, six fours of which three are new.
        ("one two three " * 3, 3 / 6, 9),
        # Said again later, and not on the spot.
        ("one two three four x one two three four y z", 1 / 8, 0),
        # The loop need not be whole, nor begin the text.
        ("well then one two one two one two one", 2 / 6, 7),
    ],
)
def test_repetition(text: str, repetition: float | None, loop: int) -> None:
    found = shape_of(text)
    assert found.repetition == (None if repetition is None else pytest.approx(repetition))
    assert found.loop == loop


@given(st.lists(st.sampled_from("abc"), max_size=30).map(" ".join))
def test_repetition_and_loops_the_slow_way(text: str) -> None:
    said = tokens(text)
    fours = [tuple(said[i : i + 4]) for i in range(len(said) - 3)]
    found = shape_of(text)
    assert found.repetition == (pytest.approx(1 - len(set(fours)) / len(fours)) if fours else None)
    longest = 0
    for period in range(1, len(said)):
        for first in range(len(said) - period):
            same = 0
            while first + same + period < len(said) and said[first + same] == said[first + same + period]:
                same += 1
            if same >= max(period, 4):
                longest = max(longest, same + period)
    assert found.loop == longest


def test_the_text_with_the_longest_loop_is_named() -> None:
    found = variety(pairs("fine", "ha " * 20, "ha " * 9))
    assert (found.longest_loop, found.loops_in) == (20, 1)
