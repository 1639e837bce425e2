from __future__ import annotations

import math
import random
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from barograph.core.errors import MissingExtra
from barograph.text import bleu as module
from barograph.text.bleu import Bleu, bleu, tokeniser_for
from barograph.text.score import Pair

sacrebleu = pytest.importorskip("sacrebleu")

SAID, RIGHT = "the cat sat on the mat", "a cat was sitting on the mat"
WORDS = st.lists(st.sampled_from(["a", "b", "c", "d", "e", "cat", "dog", "."]), min_size=1, max_size=12).map(" ".join)


def test_by_hand() -> None:
    # Matches: the, cat, on, mat of six words (the second "the" has no partner); two pairs of five, one triple of four,
    # none of three fours, which is smoothed to half of one. Six words beside seven.
    by_hand = math.exp(1 - 7 / 6) * (4 / 6 * 2 / 5 * 1 / 4 * 0.5 / 3) ** 0.25
    found = bleu(SAID, [RIGHT])
    assert found.value == pytest.approx(by_hand)
    assert found.parts["precision_2"] == pytest.approx(2 / 5)
    assert found.parts["brevity_penalty"] == pytest.approx(math.exp(1 - 7 / 6))
    assert found.parts["length_ratio"] == pytest.approx(6 / 7)


def corpus(seed: int, size: int, several: bool = False) -> list[Pair]:
    rng = random.Random(seed)

    def text() -> str:
        return " ".join(
            rng.choice(["the", "a", "cat", "dog", "sat", "ran", "on", "mat", ".", ",", "red", "big"])
            for _ in range(rng.randrange(20))
        )

    return [Pair(text(), tuple(text() for _ in range(rng.randint(1, 3) if several else 1))) for _ in range(size)]


@pytest.mark.parametrize("seed", range(5))
def test_a_corpus_scores_as_in_sacrebleu(seed: int) -> None:
    pairs = corpus(seed, 60)
    theirs = sacrebleu.corpus_bleu([p.prediction for p in pairs], [[p.references[0] for p in pairs]])
    found = Bleu().corpus(pairs)
    assert found.value == pytest.approx(theirs.score / 100, abs=1e-12)
    assert [found.parts[f"precision_{n}"] for n in range(1, 5)] == pytest.approx([p / 100 for p in theirs.precisions])
    assert found.parts["brevity_penalty"] == pytest.approx(theirs.bp)


def test_several_references_whose_number_differs_score_as_in_sacrebleu() -> None:
    pairs = corpus(7, 60, several=True)
    streams = [[p.references[n] if n < len(p.references) else None for p in pairs] for n in range(3)]
    theirs = sacrebleu.corpus_bleu([p.prediction for p in pairs], streams)
    metric = Bleu().prepared([p.references for p in pairs])
    assert metric.corpus(pairs).value == pytest.approx(theirs.score / 100, abs=1e-12)
    assert metric.signature.startswith("nrefs:var|")


@pytest.mark.parametrize(
    ("said", "right"),
    [
        (SAID, [RIGHT]),
        ("x", ["x"]),
        ("Hello, world's end.", ["Hello world end", "Hello, world!"]),
        ("垫子上的猫很大", ["猫坐在大垫子上的角落"]),
        ("nothing alike", ["of the kind"]),
        ("def f(x):\n    return x", ["def f(y):\n    return y"]),
    ],
)
def test_a_sentence_scores_as_in_sacrebleu(said: str, right: Sequence[str]) -> None:
    tokeniser = tokeniser_for(right)
    theirs = sacrebleu.BLEU(effective_order=True, tokenize=tokeniser).sentence_score(said, right)
    assert bleu(said, right).value == pytest.approx(min(1.0, theirs.score / 100), abs=1e-12)


def test_the_signature_is_that_of_sacrebleu() -> None:
    pairs = [Pair("垫子上的猫", ("猫坐在垫子上",))]
    metric = Bleu().prepared([p.references for p in pairs])
    theirs = sacrebleu.BLEU(tokenize="zh")
    theirs.corpus_score([pairs[0].prediction], [[pairs[0].references[0]]])
    assert metric.signature == str(theirs.get_signature())


def test_chinese_is_not_worth_nothing() -> None:
    right = "垫子上的猫很大"
    assert bleu("垫子上的猫很小", [right]).value > 0.5  # type: ignore[operator]
    assert Bleu("13a").score("垫子上的猫很小", [right]).value == 0.0


def test_one_tokeniser_for_all_pairs() -> None:
    metric = Bleu().prepared([["垫子上的猫很大"], ["short"]])
    assert metric.tokeniser == "zh"


@pytest.mark.parametrize(
    ("texts", "tokeniser"),
    [(["one"], "13a"), (["垫子上的猫"], "zh"), (["แมวนั่ง"], "char"), ([], "13a"), (["한국어 문장"], "13a")],
)
def test_tokenisers(texts: list[str], tokeniser: str) -> None:
    assert tokeniser_for(texts) == tokeniser


def test_japanese_by_words_where_there_is_a_dictionary_else_by_characters(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    assert tokeniser_for(["猫がマットの上に座った"]) == "char"
    monkeypatch.setattr(module, "find_spec", lambda name: object())
    assert tokeniser_for(["猫がマットの上に座った"]) == "ja-mecab"


@given(WORDS)
def test_the_same_is_one_and_nothing_is_zero(text: str) -> None:
    assert bleu(text, [text]).value == pytest.approx(1.0)
    assert bleu("", [text]).value == 0.0


@given(WORDS, st.randoms(use_true_random=False))
def test_each_spoiled_word_costs_or_changes_nothing(text: str, rng: random.Random) -> None:
    words, before = text.split(), 1.0
    for place in rng.sample(range(len(words)), len(words)):
        words[place] = "spoiled"
        after = bleu(" ".join(words), [text]).value
        assert after is not None
        assert after <= before + 1e-12
        before = after
    assert before == 0.0


def test_nothing_beside_nothing_does_not_apply() -> None:
    found = bleu(" ", [""])
    assert found.value is None
    assert found.notes
    assert Bleu().corpus([Pair("", ("",))]).value is None
    assert Bleu().corpus([]).value is None


def test_a_corpus_of_short_texts_says_why_it_has_no_score() -> None:
    found = Bleu().corpus([Pair("yes", ("yes",))] * 3)
    assert found.value == 0.0 == sacrebleu.corpus_bleu(["yes"] * 3, [["yes"] * 3]).score
    assert "no prediction has four words" in found.notes[0]


def test_a_missing_library_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "sacrebleu.metrics", None)
    module._scorer.cache_clear()
    with pytest.raises(MissingExtra, match=r"BLEU needs sacrebleu, which is not installed: .*barograph\[eval\]"):
        bleu("a", ["a"])
