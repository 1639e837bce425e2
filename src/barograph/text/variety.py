"""What predictions are like by themselves: how varied, how repetitive, how long.

A model that has lost its balance says the same to everything, or the same over and over; no comparison with references
shows that as plainly.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import NamedTuple

from barograph.text.score import Pair
from barograph.text.words import tokens

__all__ = ["Shape", "Variety", "shape_of", "variety"]

#: What counts as a repetition: so many tokens in a row that the same text had before.
REPEATED = 4


class Shape(NamedTuple):
    """One text: words and signs are its tokens."""

    tokens: int
    characters: int
    #: The share of its sequences of four tokens that it had before. None where it has no four tokens.
    repetition: float | None
    #: The longest stretch, in tokens, that says one thing over and over on the spot; 0 where none does.
    loop: int


@dataclass(frozen=True, slots=True)
class Variety:
    """All predictions together."""

    texts: int
    empty: int
    #: Different sequences of one, two and three tokens, as a share of all of them. Falls as a corpus grows.
    distinct: tuple[float | None, float | None, float | None]
    #: Means over texts.
    repetition: float | None
    tokens: float | None
    characters: float | None
    #: Tokens of all predictions to those of their references, of several the one that is closest in length.
    length_ratio: float | None
    longest_loop: int
    #: The place of the text with that loop, from 0.
    loops_in: int | None


def shape_of(text: str) -> Shape:
    """How long and how repetitive a text is.

    >>> shape_of("ha ha ha ha ha ha")
    Shape(tokens=6, characters=17, repetition=0.6666666666666666, loop=6)
    >>> shape_of("the cat sat on the mat").repetition
    0.0
    """
    return _shape(text, tokens(text))


def _shape(text: str, said: Sequence[str]) -> Shape:
    seen: dict[tuple[str, ...], int] = {}
    repeated = loop = period = streak = 0
    for place, run in enumerate(_runs(said, REPEATED)):
        distance = place - seen.get(run, place)
        seen[run] = place
        repeated += distance > 0
        # A stretch loops while each sequence was last seen as far back as the one before it was.
        streak = streak + 1 if distance == period else 1
        period = distance
        again = streak + REPEATED - 1
        if 0 < period <= again:
            loop = max(loop, again + period)
    total = len(said) - REPEATED + 1
    return Shape(len(said), len(text), repeated / total if total > 0 else None, loop)


def variety(pairs: Sequence[Pair]) -> Variety:
    """What the predictions of some pairs are like."""
    said = [tokens(prediction) for prediction, _ in pairs]
    shapes = [_shape(prediction, own) for (prediction, _), own in zip(pairs, said, strict=True)]
    lengths = [
        min((len(tokens(reference)) for reference in references), key=lambda size: (abs(size - len(own)), size))
        for (_, references), own in zip(pairs, said, strict=True)
        if references
    ]
    longest = max((shape.loop for shape in shapes), default=0)
    return Variety(
        texts=len(pairs),
        empty=sum(not own for own in said),
        distinct=(_distinct(said, 1), _distinct(said, 2), _distinct(said, 3)),
        repetition=_mean([shape.repetition for shape in shapes if shape.repetition is not None]),
        tokens=_mean([shape.tokens for shape in shapes]),
        characters=_mean([shape.characters for shape in shapes]),
        length_ratio=sum(map(len, said)) / sum(lengths) if sum(lengths) else None,
        longest_loop=longest,
        loops_in=next((place for place, shape in enumerate(shapes) if shape.loop == longest), None)
        if longest
        else None,
    )


def _distinct(said: Sequence[Sequence[str]], length: int) -> float | None:
    """Counted over the whole corpus, for a model that says the same to everything is varied in each single text."""
    total = sum(max(0, len(own) - length + 1) for own in said)
    return len(set(chain.from_iterable(_runs(own, length) for own in said))) / total if total else None


def _runs(said: Sequence[str], length: int) -> zip[tuple[str, ...]]:
    return zip(*(islice(said, first, None) for first in range(length)), strict=False)


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None
