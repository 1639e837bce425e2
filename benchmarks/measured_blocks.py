"""What benchmarks measure stands in pages of docs between marks of a name; each writes its own, and leaves the rest."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

__all__ = ["write"]


def write(page: Path, blocks: Mapping[str, str]) -> None:
    """Put each block between its marks; those that were not measured stay."""
    text = page.read_text("utf-8")
    for name, block in blocks.items():
        begin, mark, rest = text.partition(f"<!-- measured: {name} -->\n")
        _, end, after = rest.partition("<!-- /measured -->")
        if not (mark and end):
            raise SystemExit(f"{page}: there is no place for {name!r}")
        text = f"{begin}{mark}{block}\n{end}{after}"
    page.write_text(text, "utf-8")
