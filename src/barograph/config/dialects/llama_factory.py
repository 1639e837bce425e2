"""LLaMA-Factory: the arguments of transformers, with some of its own beside them."""

from __future__ import annotations

from collections.abc import Mapping

from barograph.config.dialects.base import Dialect, Found, named_method
from barograph.config.dialects.trl import NAMES as OF_TRAINERS
from barograph.core.methods import Method

__all__ = ["LLAMA_FACTORY"]

NAMES: Mapping[str, tuple[str, ...]] = {
    **OF_TRAINERS,
    "lora": ("finetuning_type",),
    "lora_rank": ("lora_rank",),
    "max_length": ("cutoff_len",),
    "beta": ("pref_beta",),
    "loss_type": ("pref_loss",),
    "label_smoothing": ("dpo_label_smoothing",),
    "desirable_weight": ("kto_chosen_weight",),
    "undesirable_weight": ("kto_rejected_weight",),
    "reference": ("ref_model",),
}


def _method(found: Found) -> Method | None:
    loss = named_method(found.get("pref_loss"))
    if found.get("stage") == "dpo" and loss in {Method.ORPO, Method.CPO}:
        return loss
    return named_method(found.get("stage"))


def _made(found: Found) -> Mapping[str, object]:
    """Where nothing else is said, an adapter is trained."""
    bits = found.get("quantization_bit")
    made: dict[str, object] = {"quantized": f"{bits}bit"} if bits in {4, 8} else {}
    return made if "finetuning_type" in found else {**made, "lora": "lora"}


LLAMA_FACTORY = Dialect(
    "LLaMA-Factory",
    frozenset({"finetuning_type", "cutoff_len", "pref_beta", "pref_loss", "stage", "template", "lora_target"}),
    NAMES, _method, _made,
)  # fmt: skip
