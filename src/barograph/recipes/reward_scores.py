"""A reward model as a score: what `barograph train reward` has learned, or any that gives a text one number.

One with a single output gives its number; a classifier of bad and good answers how much more it holds one for good. A
text is put together as in training: prompt and answer, and where a single output was learned from pairs the end token,
which TRL adds there; of a chat what the model's own template makes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from transformers import AutoConfig, AutoModelForSequenceClassification, AutoTokenizer
from transformers.utils import find_adapter_config_file

from barograph.core.errors import ConfigurationError, MissingExtra
from barograph.recipes.options import GRPOOptions, PPOOptions
from barograph.recipes.score import Score
from barograph.recipes.weights import precision

__all__ = ["of_model"]


def of_model(options: PPOOptions | GRPOOptions, device: Any) -> Score:
    """The reward model that the options name, on a device."""
    named = str(options.reward_model)
    _look_at(named)
    model, words = _model(named, precision(options)).to(device).eval(), _tokenizer(named)
    labels = int(model.config.num_labels)
    model.config.pad_token_id = words.pad_token_id  # It judges at the last token that does not fill up.
    end = str(words.eos_token or "") if labels == 1 else ""
    longest = min(int(options.max_length or 0), words.model_max_length)

    def tokens(answer: str, row: Mapping[str, Any]) -> list[int]:
        text = _text(words, row["prompt"], answer, end, named)
        is_plain = isinstance(row["prompt"], str)
        return list(words(text, add_special_tokens=is_plain, truncation=True, max_length=longest)["input_ids"])

    def score(answers: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> list[float]:
        ids, given = [tokens(*one) for one in zip(answers, rows, strict=True)], list[float]()
        size = int(options.batch_size or 1)
        for begin in range(0, len(ids), size):
            part = words.pad({"input_ids": ids[begin : begin + size]}, return_tensors="pt").to(device)
            with torch.inference_mode():
                logits = model(input_ids=part["input_ids"], attention_mask=part["attention_mask"]).logits.float()
            given += (logits[:, 0] if labels == 1 else logits[:, 1] - logits[:, 0]).tolist()
        return given

    return score


def _text(words: Any, prompt: Any, answer: str, end: str, named: str) -> str:
    """Prompt and answer as the model was trained on them."""
    if isinstance(prompt, str):
        return f"{prompt}{answer}{end}"
    if not words.chat_template:
        raise ConfigurationError(
            f"reward_model = {named!r}: the prompts are chats, and its tokenizer has no chat template:"
            " write the prompts as texts, or take a model that was made for chats"
        )
    return str(words.apply_chat_template([*prompt, {"role": "assistant", "content": answer}], tokenize=False))


def _look_at(named: str) -> None:
    """Say what is missing in a folder; of the hub nothing is known yet."""
    folder, problem = Path(named), ""
    if not folder.is_dir():
        if named.startswith((".", "/", "~")) or named.count("/") > 1:
            problem = "there is no such folder"
    elif not any((folder / name).is_file() for name in ("config.json", "adapter_config.json")):
        problem = "holds neither config.json nor adapter_config.json, so it is no folder of a model"
    if problem:
        raise ConfigurationError(f"reward_model = {named!r}: {problem}")


def _tokenizer(named: str) -> Any:
    words = _loaded(
        AutoTokenizer, named, "its tokenizer cannot be loaded, which belongs in the same folder",
        padding_side="right", truncation_side="left",  # Of what is too long the answer stays.
    )  # fmt: skip
    if words.pad_token is None:
        words.pad_token = words.eos_token
    return words


def _model(named: str, held_in: str) -> Any:
    how = {"dtype": torch.bfloat16 if held_in == "bf16" else torch.float32}
    if _loaded(find_adapter_config_file, named) is not None:
        return _adapted(named, how)
    config = _loaded(AutoConfig, named)
    kinds = list(config.architectures or ["nothing that is known"])
    if not any(kind.endswith("ForSequenceClassification") for kind in kinds):
        # It would be loaded all the same, with a head of random numbers.
        raise ConfigurationError(f"reward_model = {named!r}: is a {kinds[0]}, which gives a text no score")
    _check(config.num_labels, named)
    return _loaded(AutoModelForSequenceClassification, named, **how)


def _adapted(named: str, how: Mapping[str, Any]) -> Any:
    """The model under an adapter, with the head that was saved with it. How many outputs there are, the head tells."""
    try:
        from peft import AutoPeftModelForSequenceClassification
        from peft.utils import load_peft_weights
    except ImportError:
        raise MissingExtra("an adapter as the reward model", "peft", "train") from None
    saved: Mapping[str, Any] = _loaded(load_peft_weights, named, device="cpu")
    outputs = [
        weight.shape[0]
        for name, weight in saved.items()
        if {"score", "classifier"} & set(name.split(".")) and name.endswith(".weight") and "lora_" not in name
    ]
    if not outputs:
        raise ConfigurationError(f"reward_model = {named!r}: is an adapter without a head that scores")
    _check(min(outputs), named)
    return _loaded(AutoPeftModelForSequenceClassification, named, num_labels=min(outputs), **how)


def _check(labels: int, named: str) -> None:
    if labels not in {1, 2}:
        raise ConfigurationError(
            f"reward_model = {named!r}: gives a text {labels} numbers, where a reward model gives one,"
            " and a classifier of bad and good answers two"
        )


def _loaded(kind: Any, named: str, problem: str = "it cannot be loaded", **how: Any) -> Any:
    """By a class of the libraries, or one of their functions."""
    try:
        return getattr(kind, "from_pretrained", kind)(named, **how)
    except (OSError, ValueError) as error:
        said = str(error).strip().splitlines()[0][:200]
        raise ConfigurationError(f"reward_model = {named!r}: {problem} ({said})") from None
