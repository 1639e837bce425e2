"""What is kept of every example: a few numbers each, so that a million of them take some forty megabytes."""

from __future__ import annotations

import random
from array import array
from functools import cached_property
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from barograph.data.example import PAIRS, Example, Kind

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Ledger", "Sample", "fingerprint"]

#: Characters that a sample holds at most, and of one text.
MOST_CHARACTERS = 64_000_000
LONGEST = 100_000


def fingerprint(text: str) -> int:
    """Sixty-four bits that stand for a text, the same in every process. Blanks around it do not count."""
    return int.from_bytes(blake2b(text.strip().encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")


class Ledger:
    """The fingerprints, lengths and labels of a split, column by column."""

    def __init__(self) -> None:
        self._numbers = array("I")
        self._hashes = tuple(array("Q") for _ in range(3))
        self._lengths = tuple(array("I") for _ in range(3))
        self._labels = array("b")

    def __len__(self) -> int:
        return len(self._numbers)

    def add(self, example: Example) -> None:
        first, second = _answers(example)
        self._numbers.append(example.number)
        for column, text in zip(self._hashes, (example.prompt, first, second), strict=True):
            column.append(fingerprint(text) if text else 0)
        for column, text in zip(self._lengths, (example.prompt, first, second), strict=True):
            column.append(len(text))
        self._labels.append(-1 if example.label is None else example.label)

    @cached_property
    def numbers(self) -> NDArray[np.uint32]:
        """The numbers of the rows."""
        column: NDArray[np.uint32] = _column(self._numbers)
        return column

    @cached_property
    def hashes(self) -> tuple[NDArray[np.uint64], ...]:
        """The fingerprints of the prompts, of the first answers, and of the second ones."""
        return tuple(_column(column) for column in self._hashes)

    @cached_property
    def lengths(self) -> tuple[NDArray[np.int64], ...]:
        """The characters of the same."""
        return tuple(_column(column).astype("int64") for column in self._lengths)

    @cached_property
    def labels(self) -> NDArray[np.int8]:
        """1 for good, 0 for bad, -1 for none."""
        column: NDArray[np.int8] = _column(self._labels)
        return column


def _answers(example: Example) -> tuple[str, str]:
    """What stands for the two answers."""
    if example.kind in PAIRS:
        return example.chosen, example.rejected
    if example.kind is Kind.STEPS:
        return "\n".join(example.steps), "".join("+" if label else "-" for label in example.labels)
    return example.completion, ""


def _column(values: array[int]) -> Any:
    import numpy as np

    return np.frombuffer(values, dtype=values.typecode) if values else np.zeros(0, values.typecode)


class Sample:
    """Examples drawn evenly from a split of unknown length, for what is too dear to be done with all of them."""

    def __init__(self, size: int, seed: int = 0) -> None:
        self._size, self._dice = size, random.Random(seed)  # noqa: S311 - a draw, no secret
        self._held: list[Example] = []
        self._offered = self._characters = 0

    def __len__(self) -> int:
        return len(self._held)

    @property
    def is_whole(self) -> bool:
        """Whether it holds every example."""
        return self._offered == len(self._held)

    def offer(self, example: Example) -> None:
        self._offered += 1
        if len(self._held) < self._size:
            self._held.append(example)
        elif (place := self._dice.randrange(self._offered)) < self._size:
            self._characters -= _weight(self._held[place])
            self._held[place] = example
        else:
            return
        self._characters += _weight(example)
        if self._characters > MOST_CHARACTERS:
            self._dice.shuffle(self._held)
            self._size = max(1, len(self._held) // 2)
            del self._held[self._size :]
            self._characters = sum(map(_weight, self._held))

    def examples(self) -> list[Example]:
        """What was drawn, in the order of its rows."""
        return sorted(self._held, key=lambda example: example.number)


def _weight(example: Example) -> int:
    return sum(map(len, example.texts()))
