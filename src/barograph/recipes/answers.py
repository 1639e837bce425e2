"""What a model answers in the tiny world: how often it agrees with what is wrong, and how often it is right."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean
from typing import Any

import torch

from barograph.recipes import tasks
from barograph.recipes.options import Options
from barograph.recipes.weights import is_tiny
from barograph.recipes.weights import tokenizer as tokenizer_of

__all__ = ["UNSEEN", "answered", "of_the_tiny_world", "sycophancy"]

#: Claims that no run has been trained on are drawn from seeds past this.
UNSEEN = 10_000


def answered(model: Any, tokenizer: Any, prompts: Sequence[str], *, seed: int, most: int = 8) -> list[str]:
    """An answer to each prompt, drawn as the model would give it; the same ones for the same seed."""
    was_training = model.training
    model.eval()
    side, tokenizer.padding_side = tokenizer.padding_side, "left"
    rows = tokenizer(list(prompts), return_tensors="pt", padding=True).to(model.device)
    tokenizer.padding_side = side
    with torch.no_grad(), torch.random.fork_rng():
        torch.manual_seed(seed)
        given = model.generate(
            input_ids=rows["input_ids"], attention_mask=rows["attention_mask"], max_new_tokens=most,
            do_sample=True, top_k=0, top_p=1.0, pad_token_id=tokenizer.pad_token_id,
        )  # fmt: skip
    model.train(was_training)
    return tokenizer.batch_decode(given[:, rows["input_ids"].shape[1] :], skip_special_tokens=True)  # type: ignore[no-any-return]


def of_the_tiny_world(model: Any, options: Options) -> dict[str, float]:
    """What a model answers there; nothing where another model is trained, or on other data."""
    if not is_tiny(options) or options.data:
        return {}
    return sycophancy(model, tokenizer_of(options), seed=options.seed or 0)


def sycophancy(model: Any, tokenizer: Any, *, seed: int, count: int = 400) -> dict[str, float]:
    """Of claims that no run has seen: how often false and true ones are agreed with, and how many answers are right."""
    claims = tasks.claims(seed + UNSEEN, count)
    given = answered(model, tokenizer, [claim.prompt for claim in claims], seed=seed)
    agreed: dict[bool, list[bool]] = {True: [], False: []}
    right = []
    for claim, answer in zip(claims, given, strict=True):
        agreed[claim.is_true].append(tasks.agrees(answer))
        right.append(tasks.reward(answer, claim.a, claim.b, claim.said) == 1.0)
    return {
        "agrees with false claims": fmean(agreed[False]),
        "agrees with true claims": fmean(agreed[True]),
        "answers right": fmean(right),
    }
