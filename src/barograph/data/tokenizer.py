"""A tokenizer from disk."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from barograph.core.errors import ConfigurationError, MissingExtra

__all__ = ["tokenizer_at"]


def tokenizer_at(where: str) -> Any:
    """A tokenizer from disk; nothing is ever downloaded."""
    try:
        from transformers import AutoTokenizer
    except ImportError:
        raise MissingExtra("--tokenizer", "transformers", "train") from None
    if not Path(where).exists():
        raise ConfigurationError(f"--tokenizer {where}: there is no such file or folder; name one on disk")
    try:
        words = AutoTokenizer.from_pretrained(where, local_files_only=True)
    except Exception as error:  # noqa: BLE001 - a damaged folder fails in many ways, all of which come to this
        said = str(error).splitlines()[0][:120] if str(error) else type(error).__name__
        raise ConfigurationError(f"--tokenizer {where}: holds no tokenizer that can be read ({said})") from None
    # Long texts are counted and not trained on: there is nothing to warn of.
    words.model_max_length = sys.maxsize
    return words
