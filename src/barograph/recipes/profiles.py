"""`--profile`: from what a card holds, how to train on it; and what a training will take, said before it starts.

What the user has said stays as it is. The rest is chosen from the most thorough way down to the thriftiest: all
weights, then an adapter, then an adapter beside weights in four bits; within each, activations are rather kept than
computed again.
"""

from __future__ import annotations

import dataclasses
import math
import os
from collections.abc import Iterator
from typing import Any

import torch

from barograph.core.errors import ConfigurationError
from barograph.recipes.cards import CARDS, THIS, Card
from barograph.recipes.memory import GIGA, Needs, needs_of
from barograph.recipes.options import Chosen, Options, choices_of, settled
from barograph.recipes.processes import is_first, processes
from barograph.recipes.weights import is_tiny, precision, shape_of, source_of
from barograph.trainers.voice import say

__all__ = ["announce", "fitted", "needs_for"]

#: How the weights are trained, the most thorough way first.
WAYS: tuple[dict[str, Any], ...] = (
    {"lora": False, "quantize": "no"},
    {"lora": True, "quantize": "no"},
    {"lora": True, "quantize": "4bit"},
)
#: Whether activations are computed again, and the batch. A batch of eight is enough to keep a card busy.
PACES = ((False, 8), (False, 4), (True, 8), (True, 4), (True, 2), (True, 1))
LENGTHS = (1_024, 512)
#: KTO compares the answers of a batch with each other.
LEAST_BATCH = {"kto": 4}
#: Bytes below which nobody asks.
WORTH_A_LINE = 0.5 * GIGA
#: The share of a card that is counted on: the rest is for what an estimate does not see.
COUNTED_ON = 0.93


def fitted(options: Chosen, method: str) -> Chosen:
    """The options with what was not said chosen so that the training fits; as they are without a profile."""
    if not options.profile or is_tiny(options):
        return options
    card = _card_of(options.profile)
    capacity, tried = COUNTED_ON * _capacity(card), None
    for proposal in _proposals(options, method, card):
        made = dataclasses.replace(
            options, **{name: value for name, value in proposal.items() if _unsaid(options, name)}
        )
        if made.quantize not in {None, "no"} and not made.lora:
            continue
        tried = needs_for(settled(made), method, is_processor=card.is_processor)
        if tried.total <= capacity:
            return made
    said = f": it takes {tried}, and there are {_capacity(card) / GIGA:.0f} GB" if tried else ""
    raise ConfigurationError(
        f"{source_of(options)} does not fit {options.profile}{said}; name a smaller model, --max-length or --batch-size"
    )


def announce(options: Options, method: str) -> None:
    """Say what the training will take of what there is, where that is worth a line; the options are settled ones."""
    if is_tiny(options) or not is_first():
        return
    card = _card_of(options.profile or THIS)
    needs, there = needs_for(options, method, is_processor=card.is_processor), _capacity(card)
    if needs.total < WORTH_A_LINE:
        return
    more = ""
    if needs.total > there:
        more = f", which is more than the {there / GIGA:.0f} GB that there are; --profile {THIS} chooses what fits"
    say(f"barograph: memory on each device: {needs}{more or f' of {there / GIGA:.0f} GB'}")
    if card.count > processes():
        say(f"barograph: to use all {card.count} cards: torchrun --nproc-per-node {card.count} -m barograph train ...")


def _card_of(profile: str) -> Card:
    return CARDS.get(profile) or Card(0.0, is_processor=not torch.cuda.is_available())


def _capacity(card: Card) -> float:
    if card.gigabytes:
        return card.gigabytes * GIGA
    if card.is_processor:
        return float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")) if hasattr(os, "sysconf") else 16 * GIGA
    return float(torch.cuda.get_device_properties(torch.cuda.current_device()).total_memory)


def _unsaid(options: Options, name: str) -> bool:
    return getattr(options, name, ...) is None


def _proposals(options: Options, method: str, card: Card) -> Iterator[dict[str, Any]]:
    """What might be chosen, in the order in which it is preferred."""
    usual = settled(dataclasses.replace(options, batch_size=None, accumulate=None))
    together = (usual.batch_size or 1) * (usual.accumulate or 1)
    for length in LENGTHS:
        for way in WAYS[:2] if card.is_processor else WAYS:
            for recompute, batch in PACES:
                if batch < LEAST_BATCH.get(method, 1):
                    continue
                yield {
                    **way,
                    "recompute": recompute,
                    "batch_size": batch,
                    "accumulate": math.ceil(together / (batch * processes())),
                    "max_length": length,
                    "precision": "fp32" if card.is_processor else "bf16",
                }


def needs_for(options: Options, method: str, *, is_processor: bool) -> Needs:
    """What a training by settled options takes on each device."""
    known = dataclasses.replace(options, precision=precision(options))
    return needs_of(
        method, shape_of(options), known,
        on_a_card=not is_processor, holds_reference=_holds_reference(known, method),
        processes=processes(),
    )  # fmt: skip


def _holds_reference(options: Any, method: str) -> bool:
    """Whether a second model is in memory; an adapter makes one of the first."""
    if options.lora or "beta" not in choices_of(type(options)):
        return False
    if method in {"ppo", "grpo"}:
        return method == "ppo" or options.beta > 0
    # Where nothing is said, a run of few steps holds it rather than asking it of everything.
    return bool(options.keep_reference if options.keep_reference is not None else options.max_steps)
