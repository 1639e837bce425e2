"""A screen that is drawn again and again in its place."""

from __future__ import annotations

import re
import shutil
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from types import FrameType
from typing import Self, TextIO

from barograph.console.terminal import Terminal

__all__ = ["Screen", "clipped"]

_ENTER, _LEAVE = "\x1b[?1049h\x1b[?25l", "\x1b[?25h\x1b[?1049l"
#: Terminals that know it show all that lies between these at once; the others ignore them.
_TOGETHER, _SHOWN = "\x1b[?2026h", "\x1b[?2026l"
_PAINT = re.compile(r"(\x1b\[[0-9;]*m)")
#: A change of size is noticed after at most this many seconds.
SLICE = 0.1


def clipped(line: str, width: int) -> str:
    r"""A painted line cut to a width, its colours closed.

    >>> clipped("\x1b[31mabcdef\x1b[0m", 3)
    '\x1b[31mabc\x1b[0m'
    """
    kept, room = [], width
    for number, part in enumerate(_PAINT.split(line)):
        if number % 2:
            kept.append(part)
        else:
            kept.append(part[:room])
            room -= len(kept[-1])
    return "".join(kept)


class Screen:
    """Takes over the terminal, and gives it back as it was, with the last picture below what stood there.

    Only lines that have changed are written, in one piece.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._base = Terminal.of(stream)
        self._drawn: list[str] | None = None
        self._was_resized = False
        self._before: object = None
        self._is_open = False
        self._measure()

    def _measure(self) -> None:
        size = shutil.get_terminal_size((80, 24))
        self.width, self.height = size.columns, size.lines
        # Narrower pictures are cut at the edge, so that no line ever breaks.
        self.terminal = replace(self._base, width=max(40, size.columns))

    def __enter__(self) -> Self:
        if hasattr(signal, "SIGWINCH"):
            self._before = signal.signal(signal.SIGWINCH, self._note_resize)
        self._is_open = True
        self._write(_ENTER)
        return self

    def __exit__(self, *error: object) -> None:
        if hasattr(signal, "SIGWINCH"):
            signal.signal(signal.SIGWINCH, self._before)  # type: ignore[arg-type]
        self.leave()

    def leave(self) -> None:
        """Give the terminal back."""
        if self._is_open:
            self._is_open = False
            self._write(_LEAVE)

    def show(self, lines: Sequence[str]) -> None:
        """Draw a picture where the last one stands."""
        lines = [clipped(line, self.width) for line in lines[: self.height]]
        drawn = self._drawn
        out = [] if drawn is not None else ["\x1b[2J"]
        for number in range(max(len(lines), len(drawn or ()))):
            new = lines[number] if number < len(lines) else ""
            if drawn is None or number >= len(drawn) or drawn[number] != new:
                out.append(f"\x1b[{number + 1};1H{new}\x1b[K")
        self._drawn = lines
        if out:
            self._write(_TOGETHER + "".join(out) + _SHOWN)

    def wait(self, seconds: float, meanwhile: Callable[[float], None]) -> None:
        """Do something else for a while, but no longer than until the window changes its size."""
        end = time.monotonic() + seconds
        while not self._was_resized and (left := end - time.monotonic()) > 0:
            meanwhile(min(SLICE, left))
            time.sleep(max(0.0, min(SLICE, end - time.monotonic())))
        if self._was_resized:
            self._was_resized = False
            self._measure()
            self._drawn = None

    def _note_resize(self, number: int, frame: FrameType | None) -> None:
        self._was_resized = True

    def _write(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()
