"""Models and their tokenizers, by name, size or folder; with an adapter, in fewer bits, or as they are."""

from __future__ import annotations

import functools
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    AutoModelForSequenceClassification,
    AutoModelForTokenClassification,
    AutoTokenizer,
)

from barograph.core.errors import ConfigurationError, MissingExtra
from barograph.recipes.memory import Shape
from barograph.recipes.options import TINY, Options
from barograph.recipes.shapes import TINY_FOLDER

__all__ = [
    "TINY_FOLDER",
    "adapter",
    "causal",
    "classifier",
    "context_of",
    "is_tiny",
    "precision",
    "shape_of",
    "source_of",
    "step_classifier",
    "tokenizer",
]

#: The usual model of a size: instruction-tuned, open, and known to every library here.
SIZES = {size: f"Qwen/Qwen2.5-{size.upper()}-Instruct" for size in ("0.5b", "1.5b", "3b", "7b", "14b")}
_DTYPES = {"bf16": torch.bfloat16, "fp16": torch.float16, "fp32": torch.float32}


def is_tiny(options: Options) -> bool:
    """Whether the model that ships with the package is meant."""
    return source_of(options) == str(TINY_FOLDER)


def source_of(options: Options) -> str:
    """Where the weights come from: a folder, or an id of the hub."""
    if options.model_size and options.model_size != TINY:
        return SIZES[options.model_size]
    named = options.model or TINY
    return str(TINY_FOLDER) if named == TINY else named


def precision(options: Options) -> str:
    """`bf16`, `fp16` or `fp32`: what was asked for, or the best that the device has."""
    if options.precision not in {None, "auto"}:
        return str(options.precision)
    return "bf16" if torch.cuda.is_available() and torch.cuda.is_bf16_supported() else "fp32"


def tokenizer(options: Options) -> Any:
    """The tokenizer of the model. One without padding pads with its end of text."""
    made = _loaded(AutoTokenizer, options)
    if made.pad_token is None:
        made.pad_token = made.eos_token
    return made


def causal(options: Options) -> Any:
    """A model that goes on with a text."""
    return _loaded(AutoModelForCausalLM, options, **_held(options))


def classifier(options: Options, labels: int) -> Any:
    """A model that gives a whole text `labels` scores."""
    made = _loaded(AutoModelForSequenceClassification, options, num_labels=labels, **_held(options))
    made.config.pad_token_id = tokenizer(options).pad_token_id
    return made


def step_classifier(options: Options) -> Any:
    """A model that scores every token: right or wrong up to here."""
    return _loaded(AutoModelForTokenClassification, options, num_labels=2, **_held(options))


def shape_of(options: Options) -> Shape:
    """How large the model is, and how it is built; its weights are not loaded for it."""
    return _shape(source_of(options))


def context_of(options: Options) -> int | None:
    """How many tokens the model takes at most, if it says so."""
    most = getattr(_config(source_of(options)), "max_position_embeddings", None)
    return most if isinstance(most, int) and most > 0 else None


def adapter(options: Options, task: str) -> Any | None:
    """The adapter that is to be trained, if one is; `task` as peft calls it."""
    if not options.lora:
        return None
    try:
        from peft import LoraConfig
    except ImportError:
        raise MissingExtra("--lora", "peft", "train") from None
    rank = options.lora_rank or 16
    # A head that is new is trained whole.
    head = ["score", "classifier"] if task.endswith("CLS") else None
    return LoraConfig(
        r=rank,
        lora_alpha=2 * rank,
        lora_dropout=0.05,
        target_modules="all-linear",
        exclude_modules=head,
        task_type=task,
    )


@functools.lru_cache(maxsize=4)
def _config(source: str) -> Any:
    return _from(source, AutoConfig.from_pretrained).get_text_config()


@functools.lru_cache(maxsize=4)
def _shape(source: str) -> Shape:
    config = _config(source)
    with torch.device("meta"):  # Shapes without memory.
        model = AutoModelForCausalLM.from_config(config)
    head = model.get_output_embeddings()
    linear = [
        part.weight
        for part in model.modules()
        if part is not head and type(part).__name__ in {"Linear", "Conv1D"} and part.weight.ndim == 2
    ]
    heads = config.num_attention_heads
    width = getattr(config, "head_dim", None) or config.hidden_size // heads
    return Shape(
        weights=sum(weight.numel() for weight in model.parameters()),
        linear=sum(weight.numel() for weight in linear),
        head=0 if head is None or config.tie_word_embeddings else head.weight.numel(),
        ends=sum(sum(weight.shape) for weight in linear),
        layers=config.num_hidden_layers,
        hidden=config.hidden_size,
        feed_forward=getattr(config, "intermediate_size", None) or 4 * config.hidden_size,
        keys_and_values=2 * (getattr(config, "num_key_value_heads", None) or heads) * width,
        vocabulary=config.vocab_size,
    )


def _held(options: Options) -> dict[str, Any]:
    """In what the weights are held."""
    if options.quantize in {None, "no"}:
        # Trained whole, weights are held in full, and computed with in fewer bits: steps of 1e-7 would be lost in bf16.
        return {"dtype": _DTYPES[precision(options)] if options.lora else torch.float32}
    if not options.lora:
        raise ConfigurationError(f"quantize = {options.quantize!r}: weights in few bits cannot be trained; add --lora")
    if find_spec("bitsandbytes") is None:
        raise ConfigurationError(f"quantize = {options.quantize!r} needs bitsandbytes: pip install bitsandbytes")
    from transformers import BitsAndBytesConfig

    few = {"load_in_4bit": True, "bnb_4bit_compute_dtype": torch.bfloat16, "bnb_4bit_quant_type": "nf4"}
    return {
        "quantization_config": BitsAndBytesConfig(**(few if options.quantize == "4bit" else {"load_in_8bit": True}))
    }


def _loaded(kind: Any, options: Options, **how: Any) -> Any:
    return _from(source_of(options), kind.from_pretrained, **how)


def _from(source: str, load: Callable[..., Any], **how: Any) -> Any:
    """What is loaded from a folder or the hub; what keeps it from being loaded is one sentence."""
    if not Path(source).is_dir() and (source.startswith((".", "/", "~")) or source.count("/") > 1):
        raise ConfigurationError(f"{source}: there is no such model folder")
    if Path(source).is_dir() and not (Path(source) / "config.json").is_file():
        raise ConfigurationError(f"{source}: holds no config.json, so it is no folder of a model")
    try:
        return load(source, **how)
    except (OSError, ValueError) as error:
        said = str(error).strip().splitlines()[0][:200]
        raise ConfigurationError(f"{source}: the model cannot be loaded ({said})") from None
