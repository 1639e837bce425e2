"""How text from somebody's file may enter a sentence of ours: short, on one line, and harmless to a terminal."""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["counted", "listed", "visible"]

LONGEST_QUOTE = 80


def visible(text: object, limit: int = LONGEST_QUOTE) -> str:
    r"""The text with every character that does not print written out, cut to `limit` characters.

    A log is not ours: a key may hold terminal escapes, line breaks, or halves of surrogate pairs.

    >>> visible("lo\x1b[31mss")
    'lo\\x1b[31mss'
    >>> visible("a" * 100, limit=10)
    'aaaaaaa...'
    """
    # Cut first: the text may be a line of a gigabyte.
    whole = str(text)[: limit + 1]
    if not whole.isprintable():
        whole = "".join(character if character.isprintable() else _escape(character) for character in whole)
    return whole if len(whole) <= limit else whole[: limit - 3] + "..."


def _escape(character: str) -> str:
    return character.encode("unicode_escape", "surrogatepass").decode("ascii")


def counted(number: int, noun: str, plural: str = "") -> str:
    """A number and its noun.

    >>> counted(1, "row"), counted(20000, "row"), counted(2, "entry", "entries")
    ('1 row', '20,000 rows', '2 entries')
    """
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {plural or noun + 's'}"


def listed(words: Iterable[object], limit: int = 5) -> str:
    """The first few words, quoted, and how many more there are.

    >>> listed(["a", "b"]), listed("abcdefg", limit=2)
    ("'a', 'b'", "'a', 'b' and 5 more")
    """
    everything = list(words)
    shown = ", ".join(f"'{visible(word, 40)}'" for word in everything[:limit])
    rest = len(everything) - limit
    return f"{shown} and {rest:,} more" if rest > 0 else shown
