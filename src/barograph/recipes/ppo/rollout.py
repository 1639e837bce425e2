"""A rollout of PPO: prompts are answered, the answers scored, and policy and reference asked how likely they hold them.

Each process of a team answers prompts of its own, and asks no other one anything meanwhile.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor
from transformers import GenerationConfig

from barograph.core.errors import ConfigurationError
from barograph.recipes.ppo.checks import ends_of
from barograph.recipes.ppo.state import Run, Seen, look
from barograph.recipes.score import scores_of
from barograph.recipes.scoring import heard, said

__all__ = ["Rollout", "batch", "roll_out"]


class Rollout(NamedTuple):
    """Prompts with sampled answers, and all that is known of them before the policy moves."""

    tokens: Tensor
    attention: Tensor
    mask: Tensor
    scores: Tensor
    logp: Tensor
    reference_logp: Tensor
    values: Tensor
    entropy: Tensor
    #: How many answers have ended by themselves.
    ended: int


def roll_out(run: Run) -> Rollout:
    """Answer the prompts of the step, score the answers, and note how likely policy and reference hold them."""
    options, device = run.options, run.policy.device
    first = (run.step - 1) * run.size + run.team.rank * run.share
    rows = batch(run.prompts, first, run.share, options.seed)
    ids = [_asked(run, row["prompt"]) for row in rows]
    widest = max(map(len, ids))
    ends, pad = ends_of(run.policy, run.tokenizer), _pad(run.tokenizer)
    asked = torch.tensor([[pad] * (widest - len(one)) + one for one in ids], device=device)
    is_asked = torch.tensor([[0] * (widest - len(one)) + [1] * len(one) for one in ids], device=device)
    with torch.no_grad():
        tokens = _sampled(run, asked, is_asked, ends, pad)
        answers = tokens[:, widest:]
        length = answers.shape[1]
        # The end token is part of the answer, since ending is a choice to learn; what follows it is filling.
        is_end = torch.isin(answers, torch.tensor(ends, device=device))
        mask = (is_end.cumsum(dim=1) - is_end.long()) == 0
        attention = torch.cat([is_asked, mask.long()], dim=1)
        texts = [
            heard(run.tokenizer, one, answer[held].tolist())
            for one, answer, held in zip(ids, answers, mask, strict=True)
        ]
        scores = torch.tensor(scores_of(run.score, texts, rows), device=device)
        scores = scores - options.missing_eos_penalty * (~is_end.any(dim=1)).float()
        run.said = said(rows, texts, scores.tolist())
        mine, its = list[Seen](), list[Tensor]()
        with run.reference_model() as reference:
            for part in torch.arange(len(rows), device=device).split(options.batch_size):
                its.append(look(run, reference, tokens[part], attention[part], length).logp)
        for part in torch.arange(len(rows), device=device).split(options.batch_size):
            mine.append(look(run, run.policy, tokens[part], attention[part], length, run.head))
    logp, spread, values = (torch.cat(parts) for parts in zip(*mine, strict=True))
    ended = int(is_end.any(dim=1).sum())
    return Rollout(tokens, attention, mask, scores, logp, torch.cat(its), values, spread, ended)


def batch(prompts: Sequence[Mapping[str, Any]], first: int, count: int, seed: int) -> list[Mapping[str, Any]]:
    """The prompts from number `first` on, in an order that is new in each epoch: so a step is its place in the data."""
    many, chosen = len(prompts), list[Mapping[str, Any]]()
    for epoch in range(first // many, (first + count - 1) // many + 1):
        order = list(range(many))
        random.Random(f"{seed} {epoch}").shuffle(order)  # noqa: S311 - the order of data, no secret
        within = range(max(first, epoch * many), min(first + count, (epoch + 1) * many))
        chosen += [prompts[order[number - epoch * many]] for number in within]
    return chosen


def _asked(run: Run, prompt: str | list[Mapping[str, Any]]) -> list[int]:
    """The tokens of a prompt, a text or the messages of a chat; of one that is too long the end."""
    if isinstance(prompt, str):
        ids = run.tokenizer(prompt)["input_ids"]
    else:
        # A template brings the special tokens itself: added once more, there would be two beginnings.
        ids = run.tokenizer(_as_chat(run.tokenizer, prompt), add_special_tokens=False)["input_ids"]
    if not len(ids):
        raise ConfigurationError(f"step {run.step}: the prompt {prompt!r} holds no token")
    room = run.options.max_length - run.options.response_length
    return list(ids)[-room:]


def _as_chat(tokenizer: Any, messages: list[Mapping[str, Any]]) -> str:
    """The messages as the model knows them, up to where its answer begins."""
    from jinja2 import TemplateError

    try:
        return str(tokenizer.apply_chat_template(messages, add_generation_prompt=True, tokenize=False))
    except TemplateError as error:
        raise ConfigurationError(f"the chat template does not take the prompt {messages!r} ({error})") from None


def _pad(tokenizer: Any) -> int:
    """What fills up; masked wherever it stands, so that the end token does as well."""
    return int(tokenizer.eos_token_id if tokenizer.pad_token_id is None else tokenizer.pad_token_id)


def _sampled(run: Run, asked: Tensor, is_asked: Tensor, ends: list[int], pad: int) -> Tensor:
    """Prompts with answers. Many a model brings a top-k or a penalty for repetition of its own: set aside meanwhile."""
    options, own = run.options, run.policy.generation_config
    run.policy.generation_config = GenerationConfig(
        do_sample=True,
        max_new_tokens=options.response_length,
        temperature=options.temperature,
        top_k=options.top_k,
        top_p=options.top_p,
        eos_token_id=ends,
        pad_token_id=pad,
    )
    try:
        with run.precision():
            return run.policy.generate(input_ids=asked, attention_mask=is_asked)
    finally:
        run.policy.generation_config = own
