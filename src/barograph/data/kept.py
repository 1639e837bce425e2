"""Where a run keeps the margins of its examples, and whether it did: asked of every run, so nothing heavy is loaded."""

from __future__ import annotations

from pathlib import Path

__all__ = ["FILE", "has_looks", "is_run"]

#: Below the folder of the run.
FILE = "logs/examples.npz"


def has_looks(path: str | Path) -> bool:
    """Whether margins of examples lie in a folder."""
    return (Path(path) / FILE).is_file()


def is_run(path: str | Path) -> bool:
    """Whether a folder is a run, with margins of examples or a reason why there are none."""
    return has_looks(path) or (Path(path) / "run.json").is_file()
