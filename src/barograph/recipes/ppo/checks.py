"""What can be said of a PPO run before anything is computed: what cannot work, and what makes its numbers wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from barograph.core.errors import ConfigurationError
from barograph.recipes.options import PPOOptions, settled

__all__ = ["ends_of", "refuse", "sampling_warning", "whole"]


def whole(options: PPOOptions) -> Any:
    """Every setting at its value, each looked at once more: in Python nobody has done so yet.

    Of the type Any, since a field's own type cannot say that none is None any more.
    """
    return PPOOptions.made(settled(options).said())


def sampling_warning(options: PPOOptions) -> str:
    """A sentence if the way of sampling biases the KL estimate; nothing for pure sampling.

    >>> sampling_warning(PPOOptions(top_k=0))
    ''
    >>> sampling_warning(PPOOptions(top_k=50))
    'top_k 50 biases the KL estimate, which may go below zero and be rewarded for it: set top_k 0'
    """
    known = whole(options)
    cures, biased = [], []
    if known.top_k:
        biased, cures = [f"top_k {known.top_k}"], ["top_k 0"]
    if known.top_p < 1.0:
        biased, cures = [*biased, f"top_p {known.top_p:g}"], [*cures, "top_p 1"]
    if biased:
        verb = "biases" if len(biased) == 1 else "bias"
        tempered = f", and temperature {known.temperature:g} distorts it" if known.temperature != 1.0 else ""
        told = f"{verb} the KL estimate, which may go below zero and be rewarded for it{tempered}"
        says = f"{' and '.join(biased)} {told}"
    elif known.temperature != 1.0:
        # Log-probabilities are taken at the same temperature, so that the estimate is right, but of another policy.
        says = f"temperature {known.temperature:g} biases the KL estimate: it is that of the tempered policies"
    else:
        return ""
    return f"{says}: set {', '.join([*cures, *(['temperature 1'] if known.temperature != 1.0 else [])])}"


def refuse(options: Any, policy: Any, reference: Any, tokenizer: Any, prompts: Sequence[Mapping[str, Any]]) -> None:
    """Say what cannot work before anything is computed."""
    problem = (
        _problem_of_prompts(prompts, tokenizer)
        or _problem_of_models(policy, reference, tokenizer)
        or _problem_of_options(options)
    )
    if problem:
        raise ConfigurationError(problem)


def _problem_of_prompts(prompts: Sequence[Mapping[str, Any]], tokenizer: Any) -> str:
    """What is wrong with them; nothing if they will do."""
    if not len(prompts):
        return "there are no prompts: PPO needs at least one to answer"
    for number, row in enumerate(prompts):
        if "prompt" not in row:
            return f"row {number} has no column 'prompt': it holds {', '.join(map(repr, row))}"
        prompt = row["prompt"]
        if isinstance(prompt, str):
            continue
        if not isinstance(prompt, list) or not prompt or not all(map(_is_message, prompt)):
            return f"row {number}: the prompt {prompt!r} is neither a text nor a list of messages with role and content"
        if not getattr(tokenizer, "chat_template", None):
            return (
                f"row {number}: the prompt is a list of messages, and the tokenizer has no chat template:"
                " write the prompts as texts, or take a model that was made for chats"
            )
    return ""


def _is_message(found: object) -> bool:
    return isinstance(found, Mapping) and {"role", "content"} <= found.keys()


def _problem_of_models(policy: Any, reference: Any, tokenizer: Any) -> str:
    if reference is policy:
        return "the reference is the policy itself, so the KL would always be 0: load the model a second time"
    if reference is None and not hasattr(policy, "disable_adapter"):
        return "there is no reference, and the policy has no adapter whose absence would make one"
    if not ends_of(policy, tokenizer):
        return "the tokenizer has no end token (eos_token), so that no answer could end"
    return ""


def _problem_of_options(options: Any) -> str:
    if options.precision == "fp16":
        return "precision = 'fp16': PPO computes in bf16 or fp32 here"
    if not options.output_dir:
        return "output_dir is not said: checkpoints go there"
    if options.max_length <= options.response_length:
        return f"max_length {options.max_length} leaves no room for a prompt before {options.response_length} tokens"
    for name in ("temperature", "top_p"):
        if not getattr(options, name) > 0:
            return f"{name} = {getattr(options, name)!r}: a number above 0 belongs there"
    return ""


def ends_of(policy: Any, tokenizer: Any) -> list[int]:
    """The tokens that end an answer: chat models have several, and their tokenizer names but one."""
    own = getattr(policy.generation_config, "eos_token_id", None)
    named = own if isinstance(own, list) else [own]
    return sorted({int(token) for token in [tokenizer.eos_token_id, *named] if token is not None})
