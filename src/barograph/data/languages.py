"""In which language a text is written, by its script or its commonest words. Good enough to see a mixture."""

from __future__ import annotations

import re
from collections import Counter

__all__ = ["language_of"]

LONGEST = 600
#: Scripts that tell a language, or a group of them, by themselves.
_SCRIPTS = {
    "Japanese": re.compile(r"[\u3040-\u30ff]"),
    "Korean": re.compile(r"[\uac00-\ud7af]"),
    "Chinese": re.compile(r"[\u4e00-\u9fff]"),
    "Cyrillic": re.compile(r"[\u0400-\u04ff]"),
    "Arabic": re.compile(r"[\u0600-\u06ff]"),
    "Hebrew": re.compile(r"[\u0590-\u05ff]"),
    "Greek": re.compile(r"[\u0370-\u03ff]"),
    "Devanagari": re.compile(r"[\u0900-\u097f]"),
    "Thai": re.compile(r"[\u0e00-\u0e7f]"),
}
_WORDS = {
    "English": "the and of to is in that it was for with this are not have you his on be at by as has how many if an "
    "or from they we she he what which each more per come do me son",
    "German": "der die und das ist nicht ein eine zu mit den von sich auf dem für als auch es werden wird",
    "French": "le la les des et est une que dans pour pas sur qui au avec ce sont il elle du vous",
    "Spanish": "el los las que es una por con para del se no como más pero su al lo y está son",
    "Italian": "il che di non è per una sono con del della gli le anche come più ma nel alla questo si",
    "Portuguese": "o os as que não uma é para com em do da se mais como mas ao dos das você isso",
    "Dutch": "de het een en van is niet dat op te zijn met voor aan er ook als maar wordt die",
    "Polish": "nie się jest na że w z jak ale po tak za od przez może dla są już tylko być",
    "Swedish": "och att det är som en på för av med inte den till ett om har de jag kan vi",
    "Turkish": "ve bir bu için ile da de çok ne gibi daha olarak var mı ama kadar değil olan sonra şey",  # noqa: RUF001 - its own letters
}
#: The languages that a word is one of the commonest of.
_SPOKEN: dict[str, list[str]] = {}
for _name, _words in _WORDS.items():
    for _common in _words.split():
        _SPOKEN.setdefault(_common, []).append(_name)
_WORD = re.compile(r"[^\W\d_]+")


def language_of(text: str) -> str | None:
    """The language of a text; None where it cannot be told, as for sums, code, or a few words.

    >>> language_of("The cat is on the mat, and it was not for you.")
    'English'
    >>> language_of("Die Katze ist nicht auf dem Dach, und das ist auch gut.")
    'German'
    >>> language_of("3 + 4 = 7")
    """
    text = text[:LONGEST]
    if not text.isascii():
        letters = sum(map(str.isalpha, text))
        for name, script in _SCRIPTS.items():
            if len(script.findall(text)) > (0.1 if name == "Japanese" else 0.3) * max(1, letters):
                return name
    words = _WORD.findall(text.lower())
    if len(words) < 6:
        return None
    counts = Counter(name for word in words if word in _SPOKEN for name in _SPOKEN[word])
    (name, most), (_, second), *_ = [*counts.most_common(2), ("", 0), ("", 0)]
    if most < 3 or most < 0.1 * len(words) or most < 1.5 * second:
        return None
    # One word that comes again and again, as "as" or "die", may be one of another language.
    return name if len({word for word in words if name in _SPOKEN.get(word, ())}) >= 3 else None
