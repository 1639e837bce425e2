"""How a model is built, from its published configuration: arithmetic alone, with no library and no weights loaded."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from barograph.recipes.memory import Shape

__all__ = ["QWEN", "TINY_FOLDER", "context_in", "shape_from", "shape_named"]

#: The model that ships with the package.
TINY_FOLDER = Path(__file__).parent / "tiny"


class Layout(NamedTuple):
    """What makers of a model publish of it."""

    hidden: int
    layers: int
    feed_forward: int
    heads: int
    #: Heads of keys and values.
    keys: int
    vocabulary: int
    #: Whether the head shares the weights of the embedding.
    is_tied: bool


#: Qwen 2.5, as its makers publish it: usual shapes for models of these sizes in billions of weights.
QWEN = {
    0.5: Layout(896, 24, 4_864, 14, 2, 151_936, is_tied=True),
    1.5: Layout(1_536, 28, 8_960, 12, 2, 151_936, is_tied=True),
    3.0: Layout(2_048, 36, 11_008, 16, 2, 151_936, is_tied=True),
    7.0: Layout(3_584, 28, 18_944, 28, 4, 152_064, is_tied=False),
    14.0: Layout(5_120, 48, 13_824, 40, 8, 152_064, is_tied=False),
    32.0: Layout(5_120, 64, 27_648, 40, 8, 152_064, is_tied=False),
    72.0: Layout(8_192, 80, 29_568, 64, 8, 152_064, is_tied=False),
}
#: The largest number by which sizes differ that count as the same.
NEAR = 1.35


def shape_named(parameters: float) -> Shape | None:
    """The usual shape of a model with about so many weights; None where none is near.

    >>> round(shape_named(3e9).weights / 1e9, 1), shape_named(1e6)
    (3.1, None)
    """
    billions = parameters / 1e9
    size = min(QWEN, key=lambda one: max(one / billions, billions / one))
    return _shape(QWEN[size]) if max(size / billions, billions / size) <= NEAR else None


def shape_from(folder: Path) -> Shape | None:
    """The shape of a model that lies in a folder, where its configuration is of the usual kind."""
    config = _config(folder)
    names = ("hidden_size", "num_hidden_layers", "num_attention_heads", "vocab_size")
    if not all(isinstance(config.get(name), int) for name in names):
        return None
    hidden, layers, heads, vocabulary = (config[name] for name in names)
    feed_forward, keys = config.get("intermediate_size") or 4 * hidden, config.get("num_key_value_heads") or heads
    is_tied = bool(config.get("tie_word_embeddings", True))
    width = config.get("head_dim") or hidden // heads
    has_bias = str(config.get("model_type", "")).startswith("qwen2")
    return _shape(Layout(hidden, layers, feed_forward, heads, keys, vocabulary, is_tied), width, has_bias=has_bias)


def context_in(folder: Path) -> int | None:
    """How many tokens a model in a folder takes at most, if it says so."""
    most = _config(folder).get("max_position_embeddings")
    return most if isinstance(most, int) and most > 0 else None


def _config(folder: Path) -> Mapping[str, Any]:
    try:
        found = json.loads((folder / "config.json").read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    if not isinstance(found, dict):
        return {}
    inner = found.get("text_config")
    return {**found, **inner} if isinstance(inner, dict) else found


def _shape(layout: Layout, width: int = 0, *, has_bias: bool = True) -> Shape:
    """Attention, and a feed-forward part of three matrices in each layer."""
    hidden, layers, feed_forward, heads, keys, vocabulary, is_tied = layout
    width = width or hidden // heads
    inner, outer = heads * width, keys * width
    matrices = [(hidden, inner), (hidden, outer), (hidden, outer), (inner, hidden)]
    matrices += [(hidden, feed_forward), (hidden, feed_forward), (feed_forward, hidden)]
    linear = layers * sum(one * other for one, other in matrices)
    around = layers * (2 * hidden + (inner + 2 * outer if has_bias else 0)) + hidden
    head = 0 if is_tied else vocabulary * hidden
    return Shape(
        weights=linear + around + vocabulary * hidden + head,
        linear=linear,
        head=head,
        ends=layers * sum(one + other for one, other in matrices),
        layers=layers,
        hidden=hidden,
        feed_forward=feed_forward,
        keys_and_values=2 * outer,
        vocabulary=vocabulary,
    )
