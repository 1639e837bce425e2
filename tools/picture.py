"""A terminal's output as a picture: text with ANSI colours in, SVG out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from html import escape

__all__ = ["terminal_svg"]

COLUMN, LINE, MARGIN = 8.4, 19, 20
COLOURS = {"31": "#ff7b72", "32": "#7ee787", "33": "#e3b341", "34": "#79c0ff", "36": "#76e3ea", "2": "#8b949e"}
ESCAPE = re.compile(r"\x1b\[([0-9;]*)m")


def terminal_svg(lines: Iterable[str], columns: int) -> str:
    """The picture, with one text element for each stretch of a style."""
    rows = list(lines)
    width, height = columns * COLUMN + 2 * MARGIN, len(rows) * LINE + 2 * MARGIN
    body = "\n".join(
        element for number, row in enumerate(rows) for element in _elements(row, MARGIN + (number + 0.8) * LINE)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:g}" height="{height:g}" '
        f'viewBox="0 0 {width:g} {height:g}" role="img">\n'
        f'<rect width="100%" height="100%" rx="8" fill="#0d1117"/>\n'
        f'<g font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, DejaVu Sans Mono, monospace" '
        f'font-size="14" fill="#e6edf3" style="white-space: pre">\n{body}\n</g>\n</svg>\n'
    )


def _elements(row: str, y: float) -> Iterator[str]:
    style: list[str] = []
    column = 0
    for number, part in enumerate(ESCAPE.split(row)):
        if number % 2:
            style = [] if part in {"", "0"} else part.split(";")
            continue
        text = part.strip()
        if text:
            x = MARGIN + (column + len(part) - len(part.lstrip())) * COLUMN
            yield (
                f'<text x="{x:g}" y="{y:g}" textLength="{len(text) * COLUMN:g}"{_attributes(style)}>'
                f"{escape(text, quote=False)}</text>"
            )
        column += len(part)


def _attributes(style: list[str]) -> str:
    colour = next((COLOURS[code] for code in style if code in COLOURS), "")
    return (f' fill="{colour}"' if colour else "") + (' font-weight="bold"' if "1" in style else "")
