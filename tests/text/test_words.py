from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from barograph.text.words import is_unspaced, spaceless_writing, tokens, words


@given(st.text(st.characters(max_codepoint=127)))
def test_in_ascii_words_are_runs_of_letters_and_digits(text: str) -> None:
    assert words(text) == re.findall("[a-z0-9]+", text.lower())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Привет, мир!", ["привет", "мир"]),
        ("naïve café", ["naïve", "café"]),
        ("हिन्दी में", ["हिन्दी", "में"]),  # Vowel signs are marks, and belong to their word.
        ("한국어 문장", ["한국어", "문장"]),
        ("我爱你,GPT4。", ["我", "爱", "你", "gpt4"]),
        ("マットの上", ["マ", "ッ", "ト", "の", "上"]),
        ("٣٤ שלום", ["٣٤", "שלום"]),
        ("", []),
        (" \n\t!?", []),
    ],
)
def test_words_of_any_script(text: str, expected: list[str]) -> None:
    assert words(text) == expected


def test_one_spelling_for_accents() -> None:
    assert words(unicodedata.normalize("NFD", "Café")) == words("Café") == ["café"]


def test_tokens_keep_signs_and_capitals() -> None:
    assert tokens("If x != 3:\n  f('ä')") == ["If", "x", "!", "=", "3", ":", "f", "(", "'", "ä", "'", ")"]


@given(st.text())
def test_no_character_but_blanks_and_oddities_is_lost_from_tokens(text: str) -> None:
    composed = unicodedata.normalize("NFC", text)
    assert "".join(tokens(text)) == "".join(c for c in composed if unicodedata.category(c)[0] in "LMNPS")


@pytest.mark.parametrize(
    ("text", "writing"),
    [
        ("plain words", None),
        ("", None),
        ("123 !?", None),
        ("한국어 문장", None),
        ("Текст", None),
        ("垫子上的猫", "zh"),
        ("猫がマットの上に座った", "ja"),
        ("แมวนั่งบนเสื่อ", "other"),
        ("print('垫子')  # plain code that names a mat", None),
    ],
)
def test_which_writing(text: str, writing: str | None) -> None:
    assert spaceless_writing([text]) == writing


def test_the_edges_of_ranges() -> None:
    assert is_unspaced("\u4e00")
    assert is_unspaced("\u9fff")
    assert not is_unspaced("\ua000")
    assert not is_unspaced("a")
