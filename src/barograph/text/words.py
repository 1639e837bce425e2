"""What a word is in any script, and which scripts set no spaces between words."""

from __future__ import annotations

import unicodedata
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable

__all__ = ["is_unspaced", "spaceless_writing", "tokens", "words"]

#: Ranges of characters that are written without spaces between words, with the writing they belong to, in their order.
_UNSPACED: tuple[tuple[int, int, str], ...] = (
    (0x0E00, 0x0E7F, "thai"),
    (0x0E80, 0x0EFF, "lao"),
    (0x1000, 0x109F, "myanmar"),
    (0x1780, 0x17FF, "khmer"),
    (0x1950, 0x19DF, "tai"),
    (0x1A20, 0x1AAF, "tai"),
    (0x1B00, 0x1B7F, "balinese"),
    (0x3005, 0x3007, "han"),
    (0x3040, 0x30FF, "kana"),
    (0x3100, 0x312F, "han"),
    (0x31A0, 0x31BF, "han"),
    (0x31F0, 0x31FF, "kana"),
    (0x3400, 0x4DBF, "han"),
    (0x4E00, 0x9FFF, "han"),
    (0xA980, 0xA9DF, "javanese"),
    (0xF900, 0xFAFF, "han"),
    (0xFF66, 0xFF9F, "kana"),
    (0x20000, 0x3FFFF, "han"),
)
_BEGINNINGS = [first for first, _, _ in _UNSPACED]
#: From this share of kana among its characters on, a text of Chinese characters is Japanese.
JAPANESE = 0.1


def _writing_of(code: int) -> str | None:
    place = bisect_right(_BEGINNINGS, code) - 1
    if place < 0:
        return None
    _, last, writing = _UNSPACED[place]
    return writing if code <= last else None


def is_unspaced(character: str) -> bool:
    """Whether it belongs to a script that sets no spaces between words.

    >>> is_unspaced("猫"), is_unspaced("가")
    (True, False)
    """
    return _writing_of(ord(character)) is not None


def spaceless_writing(texts: Iterable[str]) -> str | None:
    """Which writing without spaces most letters of the texts belong to: zh, ja or other; None where most have spaces.

    >>> spaceless_writing(["垫子上的猫"]), spaceless_writing(["マットの上の猫"]), spaceless_writing(["the 猫 sat"])
    ('zh', 'ja', None)
    """
    letters = Counter[str]()
    for text in texts:
        if not text.isascii():
            letters.update(text)
        else:
            letters["a"] += len(text) - text.count(" ")
    spaced, writings = 0, Counter[str]()
    for character, count in letters.items():
        writing = _writing_of(ord(character))
        if writing is not None:
            writings[writing] += count
        elif character.isalpha():
            spaced += count
    if writings.total() <= spaced:
        return None
    eastern = writings["han"] + writings["kana"]
    if eastern <= writings.total() / 2:
        return "other"
    return "ja" if writings["kana"] >= JAPANESE * eastern else "zh"


class _Spread(dict[int, str]):
    """What each character becomes before a text is split at its spaces; filled as characters are met."""

    def __init__(self, *, signs: bool) -> None:
        super().__init__()
        self.signs = signs

    def __missing__(self, code: int) -> str:
        character = chr(code)
        kind = unicodedata.category(character)[0]
        if kind not in "LMN":
            kept = f" {character} " if self.signs and kind in "PS" else " "
        elif is_unspaced(character):
            kept = f" {character} "
        else:
            kept = character
        self[code] = kept
        return kept


_WORDS, _WORDS_AND_SIGNS = _Spread(signs=False), _Spread(signs=True)


def words(text: str) -> list[str]:
    """The words of a text in lower case: letters, marks and digits; each character where no spaces are written.

    In ASCII these are the tokens of ROUGE as the field computes it.

    >>> words("The cat's mat_1, 3.5")
    ['the', 'cat', 's', 'mat', '1', '3', '5']
    >>> words("Кошка сидит"), words("हिन्दी"), words("垫子 top上")
    (['кошка', 'сидит'], ['हिन्दी'], ['垫', '子', 'top', '上'])
    """
    return _composed(text).lower().translate(_WORDS).split()


def tokens(text: str) -> list[str]:
    """The words of a text as they are written, and each sign by itself.

    >>> tokens("Stop!! x_1")
    ['Stop', '!', '!', 'x', '_', '1']
    """
    return _composed(text).translate(_WORDS_AND_SIGNS).split()


def _composed(text: str) -> str:
    """One spelling for letters with accents, in whatever way they were typed."""
    return text if text.isascii() else unicodedata.normalize("NFC", text)
