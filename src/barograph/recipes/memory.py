"""How much memory a training takes on each device, from the shape of the model and the settings: arithmetic alone.

What is counted, in bytes: the weights, and those of a reference that is held; the gradient and the two averages of Adam
for every weight that is trained; what the backward pass needs of the forward pass; and the room in which the largest
single operation works. `benchmarks/bench_memory.py` lays the figures beside what is measured.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

__all__ = ["GIGA", "Needs", "Shape", "needs_of"]

GIGA = 1e9
#: Bytes of a number in full precision: gradients and Adam's averages are kept in it.
FULL = 4
#: Bytes of a weight in few bits, with the scales of its blocks of 64.
FEW_BITS = {"8bit": 1.0 + 4 / 64, "4bit": 0.5 + 4 / 64}
#: Sequences that one example puts into a batch.
SEQUENCES = {"dpo": 2, "reward": 2}
#: Methods whose probabilities TRL finds in tiles of so many tokens and words, so that it never holds all logits.
TILED = frozenset({"dpo", "kto", "grpo"})
TILE_TOKENS, TILE_WORDS = 4_096, 32_768
#: Methods whose model judges instead of writing.
HEADLESS = frozenset({"reward", "prm"})
#: Methods whose adapters are in full, and so is what they are given; other trainers of TRL hold theirs in half.
FULL_ADAPTERS = frozenset({"prm", "grpo"})
#: A card works on a tile where it lies; on a processor each operation makes another one.
TILES_ON_A_PROCESSOR = 7
#: What stands beside a tile: final states, their gradients, in full and in half precision.
BESIDE_A_TILE = 18
#: PPO holds the logits of an answer in full precision: as they are, tempered, as probabilities, and their gradients.
BYTES_OF_A_LOGIT = 24
#: What CUDA takes for itself, and the share of memory that is lost between blocks.
CUDA_ITSELF, LOST = 0.6 * GIGA, 0.04


@dataclass(frozen=True, slots=True)
class Shape:
    """What is to be known of a model."""

    #: All weights; those of them that lie in linear layers; those of a head that does not share the embedding's.
    weights: int
    linear: int
    head: int
    #: Inputs and outputs of those layers together: the weights of an adapter of rank one.
    ends: int
    layers: int
    hidden: int
    feed_forward: int
    #: Width of the keys and of the values of a token together, in one layer.
    keys_and_values: int
    vocabulary: int


@dataclass(frozen=True, slots=True)
class Needs:
    """Bytes on each device, by what takes them."""

    weights: float
    reference: float
    averages: float
    gradients: float
    activations: float
    working: float
    spare: float = 0.0

    @property
    def total(self) -> float:
        return (
            self.weights
            + self.reference
            + self.averages
            + self.gradients
            + self.activations
            + self.working
            + self.spare
        )

    def __str__(self) -> str:
        """In gigabytes, and the parts that matter.

        >>> str(Needs(14e9, 0, 0.6e9, 0.3e9, 2e9, 1e9, 1e9))
        'about 18.9 GB (weights 14.0, averages 0.6, gradients 0.3, activations 2.0, working room 1.0, spare 1.0)'
        """
        named = {
            "weights": self.weights,
            "reference": self.reference,
            "averages": self.averages,
            "gradients": self.gradients,
            "activations": self.activations,
            "working room": self.working,
            "spare": self.spare,
        }
        parts = ", ".join(f"{name} {size / GIGA:.1f}" for name, size in named.items() if size >= 0.05 * GIGA)
        return f"about {self.total / GIGA:.1f} GB" + (f" ({parts})" if parts else "")


def needs_of(
    method: str, shape: Shape, options: Any, *, on_a_card: bool, holds_reference: bool, processes: int = 1
) -> Needs:
    """What is taken at the peak, if the examples are as long as they may be; the options are settled ones."""
    if method in HEADLESS:
        shape = replace(shape, weights=shape.weights - shape.head)
    number = 2 if options.precision in {"bf16", "fp16"} else FULL
    trained = shape.ends * options.lora_rank if options.lora else shape.weights
    weights = _held(shape, options, number)
    # Under torchrun the gradients that are being sent lie in buckets of their own.
    gradients = float(FULL * trained * (2 if processes > 1 else 1))
    activations, working = _passes(method, shape, options, number, on_a_card=on_a_card)
    if options.accumulate == 1 and processes == 1:
        # Gradients come as activations go: only the larger of the two is there at the peak.
        if gradients > activations + working:
            activations = working = 0.0
        else:
            gradients = 0.0
    made = Needs(
        weights + (FULL * trained if options.lora else 0.0),
        weights if holds_reference else 0.0,
        2 * FULL * trained,
        gradients,
        activations,
        working,
    )
    return replace(made, spare=LOST * made.total + (CUDA_ITSELF if on_a_card else 0.0))


def _held(shape: Shape, options: Any, number: int) -> float:
    """The weights as they lie in memory: in full where all are trained, else as they are computed with."""
    if options.quantize in FEW_BITS:
        return (shape.weights - shape.linear) * 2 + shape.linear * FEW_BITS[options.quantize]
    return shape.weights * (number if options.lora else FULL)


def _passes(method: str, shape: Shape, options: Any, number: int, *, on_a_card: bool) -> tuple[float, float]:
    """What the backward pass needs of the forward pass, and the room in which its largest operation works."""
    tokens = options.batch_size * SEQUENCES.get(method, 1) * options.max_length
    # What goes from layer to layer is in the precision of the embedding.
    between = number if options.lora else FULL
    layer = tokens * _of_layer(method, shape, number, between, lora=options.lora)
    if options.recompute:
        activations, working = float(shape.layers * tokens * shape.hidden * between), 1.5 * layer
    else:
        activations, working = shape.layers * layer, 0.5 * layer
    if method in TILED:
        room = min(tokens, TILE_TOKENS) * TILE_WORDS * number + BESIDE_A_TILE * tokens * shape.hidden
        if not on_a_card:
            room += TILES_ON_A_PROCESSOR * min(tokens, TILE_TOKENS) * min(shape.vocabulary, TILE_WORDS) * FULL
        if not options.lora:
            room += (
                FULL * shape.vocabulary * shape.hidden
            )  # The gradient of the head, before it is added to what is there.
        working = max(working, room)
    if method == "ppo":
        working = max(working, BYTES_OF_A_LOGIT * options.batch_size * options.response_length * shape.vocabulary)
    if not options.lora and number < FULL:
        working += number * shape.weights  # Weights in full are copied into half for the pass.
    drawn = _drawn_at_once(method, options) * options.max_length
    return activations, max(working, drawn * shape.layers * shape.keys_and_values * number - activations)


def _of_layer(method: str, shape: Shape, number: int, between: int, *, lora: bool) -> float:
    """Bytes that one layer keeps of each token; around its norms they are in the precision between layers."""
    around = shape.hidden * (6.5 * between + number)
    attention = shape.keys_and_values * (between + number)
    feed_forward = 4 * shape.feed_forward * number
    adapter = 0.0
    if lora:
        adapter = 8.5 * shape.hidden
        if method in FULL_ADAPTERS:
            adapter += FULL * (6 * shape.hidden + shape.feed_forward)
    return around + attention + feed_forward + adapter


def _drawn_at_once(method: str, options: Any) -> int:
    """Sequences whose keys and values are held while answers are drawn."""
    if method == "ppo":
        return int(options.batch_size * options.accumulate * options.minibatches)
    return int(options.batch_size * options.accumulate) if method == "grpo" else 0
