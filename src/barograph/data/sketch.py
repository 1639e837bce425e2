"""Near repeats by MinHash: a sketch of each example, in which alike texts are alike.

A text is cut into overlapping pieces of eight bytes. Each piece is hashed once; the hashes fall into bins, and the
smallest of each bin stays (one permutation hashing, Li, Owen and Zhang 2012; empty bins take from their neighbour,
Shrivastava and Li 2014). The share of bins that two sketches have in common estimates the share of pieces that the
texts have in common. Half of the bins sketch the prompt and half the answers, so that neither hides the other.
Candidates are those that agree in all bins of a band (locality-sensitive hashing), and in their numbers: exercises
from one mould, in which a number makes all the difference, are no repeats.

What many examples share word for word, as an instruction that stands before each of them, says nothing: pieces within
passages of `PASSAGE` bytes that are common are left out.
Texts of fewer than `SHORT` bytes are alike only if they are the same: one word makes another question of them.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator
from functools import cached_property
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, NamedTuple
from zlib import crc32

import numpy as np

from barograph.data.example import Example

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Sketches", "Twins"]

#: Bins of each half; how many of either make a band of the whole, and of the prompt alone; and how many bands.
BINS = 32
BAND, PROMPT_BAND, BANDS, PROMPT_BANDS = 3, 4, 8, 8
WIDTH = 8
SHORT = 96
#: Bytes of a half that are looked at.
LONGEST = 20_000
#: Bytes whose pieces one changed word takes along: short texts in which more than that is the same are alike too.
ONE_WORD, LEAST_ALIKE = 25, 0.55
#: Examples that are worked on together.
BATCH = 128
#: Passages of so many bytes that so large a share of the first texts have are left out.
PASSAGE = 48
COMMON = 0.1
#: Texts by which nothing can be called common.
FEW = 50
#: Bits by which a common passage is known.
TABLE = 20
#: Pairs of examples that are compared at most.
MOST_PAIRS = 2_000_000
PORTION = 1 << 16
#: All bytes but digits.
_NO_DIGITS = bytes(set(range(256)) - set(b"0123456789"))
_MIX = np.uint64(0x9E3779B97F4A7C15)
_MORE = np.uint64(0xBF58476D1CE4E5B9)
_EMPTY = np.uint64(0xFFFFFFFFFFFFFFFF)
#: Capitals become small letters, and every blank the same one. Letters beyond ASCII stay as they are.
_LOWER = bytes(
    32 if chr(byte).isspace() and byte < 128 else ord(chr(byte).lower()) if byte < 128 else byte for byte in range(256)
)


class Twins(NamedTuple):
    """Two places whose texts are alike, and how alike the prompts and the answers are, by estimate."""

    one: int
    other: int
    prompts: float
    answers: float


class Sketches:
    """The sketches of a split, in the order of its ledger. The common pieces are those of another split, if given."""

    def __init__(self, like: Sketches | None = None) -> None:
        self._like = like
        self._waiting: list[bytes] = []
        # In eight bits of each bin, and the hashes of the bands; plain bytes grow without being copied at the end.
        self._bins, self._bands = bytearray(), bytearray()
        #: Which passages are common, by some bits of their hashes; nothing where there are none.
        self._common: NDArray[np.bool_] | None = None
        self._is_settled = False
        #: Whether a half is long enough to be compared by pieces.
        self._long = array("b")
        self._lengths = array("i")

    def add(self, example: Example) -> None:
        """Sketch one example."""
        self._waiting.append(_plain(example.prompt))
        self._waiting.append(_plain("\n".join(example.answers())))
        if len(self._waiting) >= 2 * BATCH:
            self._work()

    def within(self, places: NDArray[np.intp], alike: float) -> Iterator[Twins]:
        """Pairs of near repeats among the examples at these places: both halves alike, the earlier one first."""
        bins, bands = self._kept
        for pairs in _candidates(bands[places, :BANDS]):
            ones, others = places[pairs[:, 0]], places[pairs[:, 1]]
            same = _in_common(bins[ones], bins[others])
            enough = _enough(np.minimum(self._sizes[ones], self._sizes[others]), alike)
            yield from _twins(ones, others, same, (same >= enough).all(axis=1))

    def against(self, other: Sketches, alike: float) -> Iterator[Twins]:
        """Examples of this split whose prompt is nearly that of one of the other split, which comes first."""
        bins, bands = self._kept
        theirs, their_bands = other._kept
        own, foreign = bands[:, BANDS:], their_bands[:, BANDS:]
        is_long = np.frombuffer(self._long, np.int8).reshape(-1, 2)[:, 0] > 0
        for pairs in _candidates(np.vstack([foreign, own])):
            crossing = (pairs[:, 0] < len(foreign)) & (pairs[:, 1] >= len(foreign))
            ones, others = pairs[crossing, 0], pairs[crossing, 1] - len(foreign)
            same = _in_common(theirs[ones], bins[others])
            enough = _enough(np.minimum(other._sizes[ones, 0], self._sizes[others, 0]), alike)
            yield from _twins(ones, others, same, is_long[others] & (same[:, 0] >= enough))

    @property
    def _sizes(self) -> NDArray[np.int32]:
        """The bytes of both halves, of each example."""
        return np.frombuffer(self._lengths, np.int32).reshape(-1, 2)

    @cached_property
    def _kept(self) -> tuple[NDArray[np.uint8], NDArray[np.uint32]]:
        """All sketches, and their bands."""
        if self._waiting:
            self._work()
        bins = np.frombuffer(self._bins, np.uint8).reshape(-1, 2 * BINS)
        return bins, np.frombuffer(self._bands, np.uint32).reshape(-1, BANDS + PROMPT_BANDS)

    def _work(self) -> None:
        """Sketch what waits, all at once."""
        halves, self._waiting = self._waiting, []
        pieces = _pieces(halves)
        if not self._is_settled:
            self._is_settled = True
            self._common = self._like._common if self._like else _common_passages(dict.fromkeys(halves))  # noqa: SLF001
        hashes, kept = pieces.hashes, pieces.inside
        if self._common is not None:
            kept &= ~_covered(pieces, self._common)
        # The upper bits choose the bin, so that what is kept of a hash says nothing of its bin.
        bins = np.full(len(halves) * BINS, _EMPTY)
        places = np.repeat(np.arange(len(halves)) * BINS, pieces.lengths)
        places += (hashes >> np.uint64(59)).astype(np.int64)
        hashes <<= np.uint64(5)
        hashes[~kept] = _EMPTY
        np.minimum.at(bins, places, hashes)
        sketch = _filled(bins.reshape(len(halves), BINS))
        counted = np.concatenate(([0], np.cumsum(kept)))
        ends = np.cumsum(pieces.lengths)
        is_long = counted[ends] - counted[ends - pieces.lengths] >= SHORT - WIDTH
        self._long.extend(is_long.tolist())
        self._lengths.extend(pieces.lengths.tolist())
        for place in np.flatnonzero(~is_long):
            # Too few pieces say too little: such a text is one piece.
            whole_text = np.frombuffer(blake2b(halves[place], digest_size=64).digest(), np.uint64)
            sketch[place] = np.resize(whole_text, BINS)
        whole = sketch.reshape(len(halves) // 2, 2, BINS)
        self._bins += (whole >> np.uint64(40)).astype(np.uint8).tobytes()
        figures = np.array([crc32(half.translate(None, _NO_DIGITS)) for half in halves], np.uint64).reshape(-1, 2)
        bands = [_hashed(whole[:, :, BAND * n : BAND * (n + 1)].reshape(len(whole), -1), figures) for n in range(BANDS)]
        bands += [
            _hashed(whole[:, 0, PROMPT_BAND * n : PROMPT_BAND * (n + 1)], figures[:, :1]) for n in range(PROMPT_BANDS)
        ]
        self._bands += np.stack(bands, axis=1).tobytes()


def _plain(text: str) -> bytes:
    """A text without capitals, and with one blank between words."""
    data = text[:LONGEST].encode("utf-8", "replace").translate(_LOWER)
    return b" ".join(data.split()) if b"  " in data else data.strip()


class Pieces(NamedTuple):
    """The pieces of several texts, one that begins at each of their bytes."""

    #: So many bytes has each text.
    lengths: NDArray[np.int64]
    hashes: NDArray[np.uint64]
    #: Whether a piece ends within its text.
    inside: NDArray[np.bool_]


def _pieces(halves: list[bytes]) -> Pieces:
    whole = np.frombuffer(b"".join(halves) + bytes(2 * WIDTH), np.uint8)
    lengths = np.array([len(half) for half in halves])
    ends = np.cumsum(lengths)
    size = int(ends[-1])
    hashes = np.empty(size, np.uint64)
    for first in range(WIDTH):  # every eighth piece is one number after another in memory
        each = hashes[first::WIDTH]
        each[:] = whole[first : first + WIDTH * len(each)].view(np.uint64)
    inside = np.ones(size, np.bool_)
    late = ends[:, None] - np.arange(1, WIDTH)
    inside[late[late >= (ends - lengths)[:, None]]] = False
    hashes *= _MIX
    hashes ^= hashes >> np.uint64(29)
    hashes *= _MORE
    hashes ^= hashes >> np.uint64(32)
    return Pieces(lengths, hashes, inside)


def _passages(pieces: Pieces) -> tuple[NDArray[np.uint32], NDArray[np.bool_]]:
    """Some bits of the hash of the passage that begins at each byte, and whether it ends within its text."""
    size = len(pieces.hashes)
    passages, inside = pieces.hashes.copy(), pieces.inside.copy()
    for step in range(WIDTH, PASSAGE, WIDTH):
        rest = max(0, size - step)
        passages *= _MORE
        passages[:rest] ^= pieces.hashes[step:]
        inside[:rest] &= pieces.inside[step:]
    ends = np.repeat(np.cumsum(pieces.lengths), pieces.lengths)
    inside &= ends - np.arange(size) >= PASSAGE
    return (passages >> np.uint64(64 - TABLE)).astype(np.uint32), inside


def _common_passages(texts: Iterable[bytes]) -> NDArray[np.bool_] | None:
    """A table of the passages that many of some texts have; None if there are none."""
    pieces = _pieces(list(texts))
    count = len(pieces.lengths)
    if count < FEW:
        return None
    passages, inside = _passages(pieces)
    owners = np.repeat(np.arange(count), pieces.lengths)[inside]
    each = np.unique(owners << TABLE | passages[inside])
    table: NDArray[np.bool_] = np.bincount(each & ((1 << TABLE) - 1), minlength=1 << TABLE) >= COMMON * count
    return table if table.any() else None


def _covered(pieces: Pieces, common: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Whether a piece lies within a common passage."""
    passages, inside = _passages(pieces)
    begins = (inside & common[passages]).astype(np.int32)
    # So many passages have begun in the last PASSAGE - WIDTH bytes, each of which holds the piece that begins here.
    begun = np.cumsum(begins)
    before = np.zeros_like(begun)
    reach = PASSAGE - WIDTH + 1
    before[reach:] = begun[:-reach]
    covered: NDArray[np.bool_] = begun > before
    return covered


def _filled(bins: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Empty bins take what their neighbour has, changed by how far it is away."""
    empty = bins == _EMPTY
    filled = bins
    for step in range(1, BINS):
        if not empty.any():
            break
        neighbour = np.roll(bins, -step, axis=1)
        takes = empty & (neighbour != _EMPTY)
        filled = np.where(takes, neighbour + np.uint64(step * int(_MORE) % (1 << 64)), filled)
        empty = empty & ~takes
    return filled


def _in_common(ones: NDArray[np.uint8], others: NDArray[np.uint8]) -> NDArray[np.float64]:
    """The share of bins that sketches have in common, of prompts and of answers."""
    shares: NDArray[np.float64] = (ones == others).reshape(-1, 2, BINS).mean(axis=2)
    return shares


def _twins(
    ones: NDArray[np.intp], others: NDArray[np.intp], same: NDArray[np.float64], alike: NDArray[np.bool_]
) -> Iterator[Twins]:
    for place in np.flatnonzero(alike).tolist():
        yield Twins(int(ones[place]), int(others[place]), float(same[place, 0]), float(same[place, 1]))


def _enough(size: Any, alike: float) -> Any:
    """The share from which texts of so many bytes are alike: the given one, or what one changed word leaves."""
    return np.clip((size - ONE_WORD) / (size + ONE_WORD), min(LEAST_ALIKE, alike), alike)


def _hashed(bins: NDArray[np.uint64], figures: NDArray[np.uint64]) -> NDArray[np.uint32]:
    """One number for the bins of a band, and the figures that must be the same too."""
    value = np.zeros(len(bins), np.uint64)
    for columns in (bins, figures):
        for place in range(columns.shape[1]):
            value = (value ^ columns[:, place]) * _MIX
            value ^= value >> np.uint64(31)
    return (value >> np.uint64(32)).astype(np.uint32)


def _candidates(bands: NDArray[np.uint32]) -> Iterator[NDArray[np.intp]]:
    """Places that agree in a band, two by two, each pair once, the earlier place first; in portions."""
    found = []
    for band in bands.T:
        order = np.argsort(band, kind="stable")
        is_same = band[order[1:]] == band[order[:-1]]
        later = np.flatnonzero(is_same) + 1
        begins = np.flatnonzero(np.append(True, ~is_same))
        first = begins[np.searchsorted(begins, later, "right") - 1]
        # Each is compared with the first of its bucket, and with the one before it.
        one, two = (order[places].astype(np.uint64) << np.uint64(32) for places in (first, later - 1))
        found += [one | order[later].astype(np.uint64), two | order[later].astype(np.uint64)]
    pairs = np.unique(np.concatenate(found))[:MOST_PAIRS] if found else np.zeros(0, np.uint64)
    for start in range(0, len(pairs), PORTION):
        portion = pairs[start : start + PORTION]
        yield np.stack([portion >> np.uint64(32), portion & np.uint64(0xFFFFFFFF)], axis=1).astype(np.intp)
