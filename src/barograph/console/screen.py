"""Where a live console writes: lines that stay, and a bar below them that is drawn again and again.

A trainer may have a bar of its own there. If tqdm draws it, lines go out through tqdm, which lifts its bars for them,
and ours stay away. tqdm is never imported for that: whoever draws with it has done so.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from contextlib import suppress
from time import monotonic
from typing import TextIO

from barograph.console.terminal import Terminal

__all__ = ["Screen", "plain_text"]

#: Stand-ins where only ASCII can be shown, for what our own sentences hold.
_STAND_INS = str.maketrans({
    "\u2192": "->", "\u2190": "<-", "\u00d7": "x", "\u2265": ">=", "\u2264": "<=", "\u2013": "-", "\u2014": "-",
    "\u2026": "...", "\u2018": "'", "\u2019": "'", "\u201c": '"', "\u201d": '"', "\u00b7": "-", "\u2713": "ok",
    "\u2717": "x", "\u26a0": "!",
})  # fmt: skip
#: Seconds between two looks at the width: that takes longer than a row of the table.
MEASURE_EVERY = 0.5
_LIFT = "\x1b[1A\x1b[2K"


def plain_text(text: str) -> str:
    """Text in ASCII alone.

    >>> plain_text("loss ≥ 3 → stop ☃")
    'loss >= 3 -> stop ?'
    """
    return text.translate(_STAND_INS).encode("ascii", "replace").decode("ascii")


class Screen:
    """One stream, whatever it is: a terminal, a file, a pipe that somebody closes."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream
        self.terminal = Terminal.of(stream)
        #: Whether what was drawn can be drawn over.
        self.can_redraw = stream.isatty() and os.environ.get("TERM", "") != "dumb" and _obeys_escapes()
        self._bar: list[str] = []
        self._is_gone = False
        self._measure_at = 0.0

    def measure(self) -> Terminal:
        """Look again how wide the terminal is: windows are resized."""
        now = monotonic()
        if now >= self._measure_at:
            self._measure_at = now + MEASURE_EVERY
            with suppress(ValueError):  # The stream was closed.
                self.terminal = Terminal.of(self.stream)
        return self.terminal

    def say(self, lines: Iterable[str]) -> None:
        """Write lines that stay, above the bar."""
        text = "".join(f"{line}\n" for line in lines)
        if not text:
            return
        bar, lift = self._bar, self._lift()
        self._put(lift + text + "\n".join(bar))

    def draw(self, bar: Sequence[str]) -> None:
        """Show a bar in the place of the one before, where that can be done and nobody else draws one."""
        if self.can_redraw and not _bars_of_others():
            lift = self._lift()
            self._bar = list(bar)
            self._put(lift + "\n".join(bar))

    def wipe(self) -> None:
        """Take the bar away."""
        lift = self._lift()
        self._bar = []
        if lift:
            self._put(lift)

    def _lift(self) -> str:
        return "\r\x1b[2K" + _LIFT * (len(self._bar) - 1) if self._bar else ""

    def _put(self, text: str) -> None:
        """Write, once and for all: a console that is gone is gone, and never the training's trouble."""
        if self._is_gone:
            return
        shown = text if self.terminal.unicode else plain_text(text)
        try:
            others = _bars_of_others()
            if others is not None:
                self._bar = []
                others.write(shown, file=self.stream, end="")  # type: ignore[attr-defined]
            else:
                self.stream.write(shown)
                self.stream.flush()
        except (OSError, ValueError):  # A closed pipe, a closed file, an encoding that lacks a character.
            self._is_gone = True


def _bars_of_others() -> object | None:
    """Tqdm's class, if somebody draws bars with it just now."""
    tqdm = getattr(sys.modules.get("tqdm"), "tqdm", None)
    return tqdm if tqdm is not None and len(getattr(tqdm, "_instances", ())) else None


def _obeys_escapes() -> bool:
    """Whether the terminal moves its cursor when told: old consoles of Windows print the code instead."""
    return os.name != "nt" or any(name in os.environ for name in ("WT_SESSION", "ANSICON", "TERM"))
