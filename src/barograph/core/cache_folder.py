"""Where things are kept that can be made again: columns of large logs, what reference models say of examples."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["cache_folder"]


def cache_folder() -> Path | None:
    """The folder, which need not be there yet; None where nothing is to be kept.

    `BAROGRAPH_CACHE` names another one, or is `off`.
    """
    named = os.environ.get("BAROGRAPH_CACHE", "")
    if named.lower() in {"off", "0", "no", "false"}:
        return None
    if named:
        return Path(named)
    home = os.environ.get("XDG_CACHE_HOME", "")
    try:
        # A relative path there is to be ignored, says the specification.
        return (Path(home) if Path(home).is_absolute() else Path.home() / ".cache") / "barograph"
    except RuntimeError:  # No home.
        return None
