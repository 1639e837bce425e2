"""Things side by side: a column for each, as many at once as the terminal holds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from barograph.console.terminal import Terminal

__all__ = ["blocks"]


def blocks(lines: Sequence[tuple[str, ...]], terminal: Terminal) -> Iterator[str]:
    """The lines of a table whose first column says what stands in the others; an empty line before each block.

    >>> list(blocks([("", "a", "b"), ("loss", "0.5", "0.25")], Terminal(width=40)))
    ['', '          a     b', '  loss  0.5  0.25']
    """
    first, *widths = (max(map(len, column)) for column in zip(*lines, strict=True))
    room, begin = terminal.width - first - 2, 0
    while begin < len(widths):
        end, used = begin + 1, widths[begin] + 2
        while end < len(widths) and used + widths[end] + 2 <= room:
            used, end = used + widths[end] + 2, end + 1
        yield ""
        for name, *cells in lines:
            shown = (f"  {cell:>{width}}" for cell, width in zip(cells[begin:end], widths[begin:end], strict=True))
            yield f"  {name:{first}}{''.join(shown)}"
        begin = end
