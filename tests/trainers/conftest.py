"""Test modules here import `tiny_preferences` by plain name; what trains starts from one small model."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny language model that answers in whole sentences."""
    import tiny_preferences

    return tiny_preferences.make_base(tmp_path_factory.mktemp("base"))
