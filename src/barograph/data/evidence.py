"""What one pass over the data leaves behind for the checks."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from barograph.data.baseline import Baseline, baseline_of
from barograph.data.example import Kind
from barograph.data.finding import numbers
from barograph.data.ledger import Ledger, Sample
from barograph.data.sketch import Sketches

__all__ = ["Circumstances", "Evidence", "Seen"]


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What is known before the first example is looked at."""

    kind: Kind
    #: A tokenizer of transformers, if one was named.
    tokenizer: Any = None
    #: Tokens that the training will cut an example to, if that is known.
    max_length: int | None = None
    #: The columns of what chosen and rejected were scored, if there are any.
    score_columns: tuple[str, str] | tuple[()] = ()


class Seen:
    """One split, as far as it has been read."""

    def __init__(self, sample: int, like: Seen | None = None) -> None:
        self.rows = 0
        #: Rows that are no example, and how often each reason was met.
        self.broken, self.misfits = numbers(), numbers()
        self.reasons: Counter[str] = Counter()
        self.first_reasons: dict[int, str] = {}
        self.damaged = numbers()
        self.ledger = Ledger()
        self.sample = Sample(sample)
        self.sketches: Sketches = Sketches(like.sketches if like else None)

    @property
    def examples(self) -> int:
        return len(self.ledger)


@dataclass
class Evidence:
    """Everything that was seen."""

    circumstances: Circumstances
    train: Seen
    held_out: Seen | None = None
    #: Figures that checks leave for the report.
    figures: dict[str, float] = field(default_factory=dict)

    @cached_property
    def baseline(self) -> Baseline | None:
        """What words alone make of the sample."""
        examples = self.train.sample.examples()
        return baseline_of(examples) if examples else None
