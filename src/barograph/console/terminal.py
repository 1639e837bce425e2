"""What the terminal can show: colour, width, and characters beyond ASCII."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TextIO

__all__ = ["Terminal", "clean"]

_CODES = {"red": 31, "green": 32, "yellow": 33, "blue": 34, "cyan": 36, "dim": 2, "bold": 1}


def clean(text: str) -> str:
    r"""Text from a log without control characters: an escape sequence in a name must never reach the terminal.

    >>> clean("loss\x1b[31m")
    'loss\\x1b[31m'
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


@dataclass(frozen=True, slots=True)
class Terminal:
    """How to write for one reader."""

    width: int = 80
    colour: bool = False
    unicode: bool = True

    @classmethod
    def of(cls, stream: TextIO, environ: Mapping[str, str] = os.environ) -> Terminal:
        """What a stream can show: NO_COLOR, FORCE_COLOR, TERM, COLUMNS and the encoding decide."""
        interactive = stream.isatty()
        if environ.get("NO_COLOR"):
            colour = False
        elif environ.get("FORCE_COLOR", "0") not in {"", "0"}:
            colour = True
        else:
            colour = interactive and environ.get("TERM") != "dumb"
        columns = environ.get("COLUMNS", "")
        fallback = shutil.get_terminal_size((100, 24)).columns if interactive else 100
        width = int(columns) if columns.isdigit() and int(columns) else fallback
        encoding = (getattr(stream, "encoding", None) or "ascii").lower().replace("-", "")
        return cls(width=max(40, min(width, 120)), colour=colour, unicode=encoding.startswith("utf"))

    def paint(self, text: str, *styles: str) -> str:
        """The text in a colour or weight, if the terminal shows any."""
        if not self.colour or not styles:
            return text
        codes = ";".join(str(_CODES[style]) for style in styles)
        return f"\x1b[{codes}m{text}\x1b[0m"

    def glyph(self, fancy: str, plain: str) -> str:
        """A character, or its stand-in where only ASCII can be shown."""
        return fancy if self.unicode else plain
