"""Progress bars, as text: how far an epoch or an evaluation is, and its numbers below."""

from __future__ import annotations

import math
from collections.abc import Mapping

from barograph.console.terminal import Terminal, clean

__all__ = ["bar_lines", "clock", "facts_line"]

#: As wide as a bar grows, and the least that still shows anything.
WIDEST = 20
NARROWEST = 4


def clock(seconds: float) -> str:
    """A time as people read it off a watch.

    >>> clock(332), clock(4000)
    ('05:32', '1:06:40')
    """
    if not math.isfinite(seconds):
        return "?"
    whole = max(0, int(seconds))
    hours, rest = divmod(whole, 3600)
    minutes, left = divmod(rest, 60)
    return f"{hours}:{minutes:02}:{left:02}" if hours else f"{minutes:02}:{left:02}"


def bar_lines(
    title: str, done: int, total: int, seconds: float, terminal: Terminal, *, unit: str = "batch", facts: str = ""
) -> list[str]:
    """A bar and the line below it, each narrower than the terminal.

    >>> bar_lines("Evaluating", 5, 20, 10.0, Terminal(unicode=False))
    ['Evaluating |#####---------------| 5/20 [00:10<00:30, 2.00s/batch]']
    """
    total = max(total, done, 1)
    is_known = done > 0 and seconds > 0
    each = seconds / done if is_known else math.nan
    pace = _pace(each, unit) if is_known else f"?s/{unit}"
    left = clock(each * (total - done)) if is_known else "?"
    tail = f"| {done}/{total} [{clock(seconds)}<{left}, {pace}]"
    room = terminal.width - 1 - len(title) - len(tail) - 2
    width = max(NARROWEST, min(WIDEST, room))
    full = width * done // total
    bar = terminal.glyph("█", "#") * full + terminal.glyph(" ", "-") * (width - full)
    lines = [f"{title} |{bar}{tail}", facts]
    return [line[: terminal.width - 1] for line in lines if line]


def _pace(each: float, unit: str) -> str:
    return f"{each:.2f}s/{unit}" if each >= 1 else f"{1 / each:.2f}{unit}/s"


def facts_line(facts: Mapping[str, object]) -> str:
    """Names and numbers in one line, as they stand below a bar.

    >>> facts_line({"loss": 2.3456, "lr": 1e-5, "step": "300/1000"})
    '  loss: 2.3456  lr: 1.00e-05  step: 300/1000'
    """
    shown = (f"{clean(str(name))}: {_fact(name, value)}" for name, value in facts.items() if value is not None)
    return "  " + "  ".join(shown)


def _fact(name: str, value: object) -> str:
    if not isinstance(value, float):
        return clean(str(value))
    if not math.isfinite(value):
        return str(value)
    return f"{value:.2e}" if name in {"lr", "learning_rate"} or 0 < abs(value) < 1e-4 else f"{value:.4f}"
