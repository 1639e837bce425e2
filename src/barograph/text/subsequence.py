"""The longest common subsequence of two lists of words, and its union over lines: what ROUGE-L and ROUGE-Lsum count."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence

from barograph.core.errors import MissingExtra

__all__ = ["common_length", "union_hits"]

#: What a comparison may cost, in pairs of words. Sixty-four are compared at once: two texts of 1 MB take ten seconds.
MOST_PAIRS = 40_000_000_000
#: The same for the union over lines, which keeps a bit for every pair: 125 MB.
MOST_KEPT = 1_000_000_000


def common_length(one: Sequence[str], other: Sequence[str]) -> int | None:
    """How many words the longest common subsequence has; None where finding out would take too long.

    >>> common_length("the cat sat on the mat".split(), "a cat was sitting on the mat".split())
    4
    """
    if len(one) * len(other) > MOST_PAIRS:
        return None
    try:
        from rapidfuzz.distance import LCSseq
    except ImportError:
        raise MissingExtra("ROUGE-L", "rapidfuzz", "eval") from None
    # As characters of a text, each word has a number of its own and no two can be taken for each other.
    numbers: dict[str, str] = {}
    if len({*one, *other}) > sys.maxunicode:
        return None
    left = "".join([numbers.setdefault(word, chr(len(numbers))) for word in one])
    right = "".join([numbers.setdefault(word, chr(len(numbers))) for word in other])
    found: int = LCSseq.similarity(left, right)
    return found


def union_hits(reference: Sequence[Sequence[str]], prediction: Sequence[Sequence[str]]) -> int | None:
    """How many words of the reference's lines are in a common subsequence with some line of the prediction.

    No word counts more often than either side has it. None where finding out would take too long.
    """
    words = sum(map(len, reference))
    if words * sum(map(len, prediction)) > MOST_KEPT:
        return None
    spare = Counter(word for line in prediction for word in line)
    page = _Page(prediction)
    hits = 0
    for line in reference:
        for place in sorted(page.union_with(line)):
            word = line[place]
            if spare[word] > 0:
                spare[word] -= 1
                hits += 1
    return hits


class _Page:
    """All lines of a prediction as one row of bits, so that a word is compared with all of them at once.

    The bits are those of Crochemore's and Hyyrö's algorithm: in the table of subsequence lengths, 0 where a row grows
    from one column to the next. Above the bits of each line is one more, which stops the carry into the next line.
    """

    def __init__(self, lines: Sequence[Sequence[str]]) -> None:
        self.lines = [line for line in lines if line]
        self.begins: list[int] = []
        self.where: dict[str, int] = {}
        self.all = 0
        bit = 0
        for line in self.lines:
            self.begins.append(bit)
            for word in line:
                self.where[word] = self.where.get(word, 0) | 1 << bit
                bit += 1
            self.all |= (1 << len(line)) - 1 << bit - len(line)
            bit += 1

    def union_with(self, line: Sequence[str]) -> set[int]:
        """The places in a line whose words are in its common subsequence with at least one line of the page."""
        grows_down = []
        row = self.all
        for word in line:
            matches = row & self.where.get(word, 0)
            summed = row + matches
            # A carry passes a column where the table grows from this row to the next.
            grows_down.append(summed ^ row ^ matches)
            row = (summed | row - matches) & self.all
        found: set[int] = set()
        untouched = self.all ^ row
        for begin, other in zip(self.begins, self.lines, strict=True):
            if untouched >> begin & (1 << len(other)) - 1:
                found |= _way_back(line, other, [bits >> begin for bits in grows_down])
        return found


def _way_back(line: Sequence[str], other: Sequence[str], grows_down: Sequence[int]) -> set[int]:
    """The places in a line that its longest common subsequence takes: of several, the one that rouge-score finds."""
    places = set()
    row, column = len(line), len(other)
    while row and column:
        if line[row - 1] == other[column - 1]:
            row -= 1
            column -= 1
            places.add(row)
        elif grows_down[row - 1] >> column & 1:
            column -= 1
        else:
            row -= 1
    return places
