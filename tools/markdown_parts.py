"""The pieces of Markdown that generated pages are made of."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

__all__ = ["compact", "finished", "linked", "plain", "table"]

NOTE = "<!-- Written by tools/generate.py. Change the code, then run `make docs`. -->\n"


def finished(lines: Iterator[str]) -> str:
    """A page with its note, one blank line at most between paragraphs, and no blanks at the ends of lines."""
    title, *body = lines
    return compact([title, "", NOTE, *body]) + "\n"


def compact(lines: Iterable[str]) -> str:
    """Text with one blank line at most between paragraphs, and no blanks at the ends of lines."""
    text = "\n".join(line.rstrip() for line in "\n".join(lines).splitlines())
    return re.sub(r"\n{3,}", "\n\n", text).strip()


def table(header: Sequence[str], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    """A table, and a blank line after it."""
    yield f"| {' | '.join(header)} |"
    yield "|" + " --- |" * len(header)
    yield from (f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |" for row in rows)
    yield ""


def plain(text: str) -> str:
    """Text in which nothing is taken for markup: blanks to be filled, and products. What stands as code is code."""
    parts = text.split("`")
    parts[::2] = [part.replace("<", "&lt;").replace("*", "\\*") for part in parts[::2]]
    return "`".join(parts)


def linked(code: str, folder: str = "") -> str:
    """A link to the page of a rule."""
    return f"[{code}]({folder}{code}.md)"
