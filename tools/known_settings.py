"""Write down what transformers, TRL and peft call their settings, so that slips are seen without these libraries.

python tools/known_settings.py    # adds the names of the installed versions; names of older ones stay
"""

from __future__ import annotations

import dataclasses
import importlib
import os
from collections.abc import Iterator

from barograph.config.dialects.trl import KNOWN

#: Where dataclasses of settings are. What is not there in a version is left out.
CLASSES = (
    ("transformers", "TrainingArguments"), ("peft", "LoraConfig"), ("trl", "ModelConfig"), ("trl", "ScriptArguments"),
    ("trl", "SFTConfig"), ("trl", "DPOConfig"), ("trl", "KTOConfig"), ("trl", "RewardConfig"), ("trl", "GRPOConfig"),
    ("trl", "RLOOConfig"), ("trl.experimental.bco", "BCOConfig"), ("trl.experimental.cpo", "CPOConfig"),
    ("trl.experimental.orpo", "ORPOConfig"), ("trl.experimental.online_dpo", "OnlineDPOConfig"),
    ("trl.experimental.prm", "PRMConfig"), ("trl.experimental.ppo", "PPOConfig"), ("trl.experimental.tpo", "TPOConfig"),
)  # fmt: skip
os.environ.setdefault("TRL_EXPERIMENTAL_SILENCE", "1")
HEAD = "# What transformers, TRL and peft call their settings, older names too. Written by tools/known_settings.py.\n"


def names() -> Iterator[str]:
    """The fields of all classes that are there."""
    for module, name in CLASSES:
        try:
            kind = getattr(importlib.import_module(module), name)
        except (ImportError, AttributeError):
            continue
        yield from (field.name for field in dataclasses.fields(kind))


def main() -> None:
    """Write the list."""
    before = [line for line in KNOWN.read_text("utf-8").splitlines() if not line.startswith("#")]
    KNOWN.write_text(HEAD + "\n".join(sorted({*before, *names()})) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
