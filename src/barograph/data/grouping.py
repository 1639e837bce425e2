"""Rows that belong together, found by sorting their keys."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from barograph.data.example import PAIRS, Kind
from barograph.data.ledger import Ledger

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["comparison_keys", "example_keys", "groups", "verdicts"]

#: Odd numbers without a pattern, to mix fingerprints by.
_A, _B, _C, _D = (
    np.uint64(n) for n in (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0xD6E8FEB86659FD93)
)


def example_keys(ledger: Ledger) -> NDArray[np.uint64]:
    """One key for each example: the same for examples that are the same in all, its label too."""
    prompts, first, second = ledger.hashes
    keys: NDArray[np.uint64] = prompts * _A + first * _B + second * _C + ledger.labels.astype(np.uint64) * _D
    return keys


def comparison_keys(ledger: Ledger, kind: Kind) -> NDArray[np.uint64]:
    """One key for each question that was put to a judge, whatever the judge said."""
    prompts, first, second = ledger.hashes
    if kind in PAIRS:
        keys: NDArray[np.uint64] = prompts * _A + (first ^ second) * _B + (first + second) * _C
    else:
        keys = prompts * _A + first * _B
    return keys


def verdicts(ledger: Ledger, kind: Kind) -> NDArray[np.uint64]:
    """What the judge said, as a number that is the same for the same verdict."""
    _, first, second = ledger.hashes
    if kind in PAIRS:
        return (first < second).astype(np.uint64)
    if kind is Kind.UNPAIRED:
        return ledger.labels.astype(np.uint64)
    return second


def groups(keys: NDArray[np.uint64], least: int = 2) -> Iterator[NDArray[np.intp]]:
    """The places of equal keys, in groups of at least so many, each in the order of the rows."""
    order = np.argsort(keys, kind="stable")
    ordered = keys[order]
    ends = np.flatnonzero(np.append(ordered[1:] != ordered[:-1], True)) + 1
    starts = np.append(0, ends[:-1])
    large = ends - starts >= least
    for start, end in zip(starts[large], ends[large], strict=True):
        yield order[start:end]
