"""All dialects, in the order in which they are asked."""

from __future__ import annotations

from barograph.config.dialects.base import Dialect, Found
from barograph.config.dialects.llama_factory import LLAMA_FACTORY
from barograph.config.dialects.openrlhf import OPENRLHF
from barograph.config.dialects.recipe import RECIPE
from barograph.config.dialects.trl import TRL
from barograph.config.dialects.verl import VERL

__all__ = ["DIALECTS", "dialect_of"]

DIALECTS: tuple[Dialect, ...] = (VERL, RECIPE, OPENRLHF, LLAMA_FACTORY, TRL)


def dialect_of(found: Found) -> Dialect:
    """The dialect of which most is there; that of trainers where there is nothing of another.

    >>> dialect_of({"micro_train_batch_size": 2, "pretrain": "x"}).name, dialect_of({"beta": 0.1}).name
    ('OpenRLHF', 'transformers and TRL')
    """
    return max(DIALECTS[:-1], key=lambda one: len(one.marks & found.keys()), default=TRL) if _any(found) else TRL


def _any(found: Found) -> bool:
    return any(not one.marks.isdisjoint(found) for one in DIALECTS)
