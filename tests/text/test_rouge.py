from __future__ import annotations

import random
import sys
import warnings
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from barograph.core.errors import MissingExtra
from barograph.text import subsequence
from barograph.text.rouge import Rouge, rouge
from barograph.text.score import Pair
from barograph.text.subsequence import common_length, union_hits

pytest.importorskip("rapidfuzz")

KINDS = ["rouge1", "rouge2", "rougeL", "rougeLsum"]
WORDS = st.lists(st.sampled_from(["a", "b", "c", "Cat", "x_1", "3.5"]), min_size=1, max_size=14).map(" ".join)
PAGES = st.text(st.sampled_from("ab c\n.Z9_'"), max_size=60)


def value(said: str, right: str, kind: str = "rougeL") -> float:
    part = rouge(said, [right]).parts[kind]
    assert part is not None
    return part


def test_by_hand() -> None:
    found = rouge("the cat sat on the mat", ["a cat was sitting on the mat"])
    # Six and seven words with four in common, also in order; five and six pairs with "on the", "the mat" in common.
    assert found.value == pytest.approx(2 * 4 / 13)
    assert found.parts["rouge1"] == pytest.approx(2 * 4 / 13)
    assert found.parts["rouge2"] == pytest.approx(2 * 2 / 11)
    assert found.parts["precision"] == pytest.approx(4 / 6)
    assert found.parts["recall"] == pytest.approx(4 / 7)


def test_lines_in_another_order_are_forgiven_by_lsum_alone() -> None:
    assert value("c d\na b", "a b\nc d", "rougeLsum") == 1.0
    assert value("c d\na b", "a b\nc d", "rougeL") == 0.5


def test_the_example_of_the_paper() -> None:
    # Lin 2004, 3.2: w1 w2 w3 w4 w5 beside two lines has the union w1 w2 w3 w5.
    assert (
        union_hits([["w1", "w2", "w3", "w4", "w5"]], [["w1", "w2", "w6", "w7", "w8"], ["w1", "w3", "w8", "w9", "w5"]])
        == 4
    )


def scorer() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        rouge_scorer = pytest.importorskip("rouge_score.rouge_scorer")
    return rouge_scorer.RougeScorer(KINDS, use_stemmer=False)


def assert_equal(said: str, right: list[str], theirs: Any) -> None:
    found, expected = rouge(said, right), theirs.score_multi(right, said)
    if found.value is None:  # no word on either side: they call it 0
        assert expected["rougeL"].fmeasure == 0
        return
    for kind in KINDS:
        assert found.parts[kind] == pytest.approx(expected[kind].fmeasure, abs=1e-9), kind
    if len(right) == 1:
        assert found.parts["precision"] == pytest.approx(expected["rougeL"].precision, abs=1e-9)
        assert found.parts["recall"] == pytest.approx(expected["rougeL"].recall, abs=1e-9)


def test_ascii_scores_as_in_rouge_score() -> None:
    theirs = scorer()

    @given(PAGES, st.lists(PAGES, min_size=1, max_size=3))
    def check(said: str, right: list[str]) -> None:
        assert_equal(said, right, theirs)

    check()


@pytest.mark.parametrize("vocabulary", [2, 5, 30])
def test_longer_pages_score_as_in_rouge_score(vocabulary: int) -> None:
    theirs, rng = scorer(), random.Random(vocabulary)

    def page() -> str:
        return " ".join(rng.choice([f"w{rng.randrange(vocabulary)}"] * 6 + ["\n", ".\n\n"]) for _ in range(80))

    for _ in range(40):
        assert_equal(page(), [page()], theirs)


@pytest.mark.parametrize("text", ["Кошка сидит на ковре", "垫子上的猫", "แมวนั่งบนเสื่อ", "हिन्दी में बिल्ली", "naïve café"])
def test_any_script(text: str) -> None:
    assert rouge(text, [text]).value == 1.0
    assert 0 < value(text[: len(text) // 2], text) < 1
    assert value("something else", text) == 0.0


@given(WORDS)
def test_the_same_is_one_and_nothing_is_zero(text: str) -> None:
    found = rouge(text, [text])
    assert found.value == found.parts["rouge1"] == found.parts["rougeLsum"] == 1.0
    assert rouge("", [text]).value == rouge(text, [""]).value == 0.0


@given(WORDS, WORDS)
def test_both_sides_are_alike(one: str, other: str) -> None:
    for kind in ("rouge1", "rouge2", "rougeL"):
        assert value(one, other, kind) == value(other, one, kind)


@given(WORDS, st.randoms(use_true_random=False))
def test_each_spoiled_word_costs_or_changes_nothing(text: str, rng: random.Random) -> None:
    words, before = text.split(), {"rouge1": 1.0, "rouge2": 1.0, "rougeL": 1.0}
    for place in rng.sample(range(len(words)), len(words)):
        words[place] = "spoiled"
        for kind, earlier in before.items():
            after = value(" ".join(words), text, kind)
            assert after <= earlier + 1e-12
            before[kind] = after
    assert set(before.values()) == {0.0}


def test_nothing_beside_nothing_does_not_apply() -> None:
    found = rouge("?!", ["..."])
    assert found.value is None
    assert found.notes
    assert Rouge().corpus([Pair("", ("",)), Pair("a", ("a",))]).value == 1.0


def test_of_several_references_the_best_counts() -> None:
    assert rouge("a b c", ["x", "a b c", ""]).value == 1.0


def table(one: list[int], other: list[int]) -> int:
    """The length of a longest common subsequence, the slow way."""
    row = [0] * (len(other) + 1)
    for word in one:
        diagonal = 0
        for column, beside in enumerate(other, 1):
            diagonal, row[column] = row[column], diagonal + 1 if word == beside else max(row[column], row[column - 1])
    return row[-1]


@given(st.lists(st.integers(0, 5), max_size=90), st.lists(st.integers(0, 5), max_size=90))
def test_the_longest_common_subsequence(one: list[int], other: list[int]) -> None:
    length = table(one, other)
    left, right = [str(n) for n in one], [str(n) for n in other]
    assert common_length(left, right) == length
    assert union_hits([left], [right]) == length


def test_what_would_take_too_long_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subsequence, "MOST_PAIRS", 8)
    found = rouge("a b c", ["a b d"])
    assert found.value is None
    assert found.parts["rouge1"] == pytest.approx(2 / 3)
    assert found.notes == ("too long for a longest common subsequence",)
    monkeypatch.setattr(subsequence, "MOST_PAIRS", 9)
    assert rouge("a b c", ["a b d"]).value == pytest.approx(2 / 3)


def test_the_union_over_lines_has_a_limit_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subsequence, "MOST_KEPT", 3)
    found = rouge("a\nb", ["a\nb"])
    assert found.value == 1.0
    assert found.parts["rougeLsum"] is None


def test_a_megabyte_is_no_matter() -> None:
    text = "".join(f"word{number % 997} " for number in range(110_000))
    assert rouge(text, [text + "more"]).value == pytest.approx(1.0, abs=1e-4)


def test_a_missing_library_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "rapidfuzz.distance", None)
    with pytest.raises(MissingExtra, match=r"ROUGE-L needs rapidfuzz, .*barograph\[eval\]"):
        rouge("a", ["a"])
