"""What must not be overlooked: a finding with its advice, and what the guard decided, in a box."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from barograph.console.terminal import Terminal, clean
from barograph.core.decision import Decision, Deed
from barograph.core.finding import Finding, Severity

__all__ = ["decision_box", "finding_box", "wrapped"]

#: As wide as the border of a box is; its text may be wider, as far as it reads well.
BORDER = 61
READABLE = 100

_COLOURS = {Severity.CRITICAL: ("red", "bold"), Severity.WARNING: ("yellow", "bold"), Severity.INFO: ("dim",)}
_DEEDS = {Deed.ADVISE: ("yellow", "bold"), Deed.STOP: ("red", "bold"), Deed.RESCUE: ("cyan", "bold")}


def finding_box(finding: Finding, terminal: Terminal) -> Iterator[str]:
    """A finding in a box, with what to do; a remark or a consequence of another in one line."""
    says, title = clean(finding.says), f"{finding.code} {finding.name}"
    if finding.severity is Severity.INFO or finding.follows:
        because = f" (a consequence of {finding.follows})" if finding.follows else ""
        yield from wrapped(f"step {finding.last_step:,}  {title}: {says}{because}", "  ", "    ", terminal, "dim")
        return
    border = terminal.paint("!" * min(BORDER, terminal.width), *_COLOURS[finding.severity])
    sign = terminal.glyph("⚠", "!")
    yield border
    yield from wrapped(f"{sign} {says[:1].upper() + says[1:] if _begins_plainly(says) else says}", "  ", "    ",
                        terminal, *_COLOURS[finding.severity])  # fmt: skip
    for number, advice in enumerate(finding.advice):
        yield from wrapped(clean(advice), "  Consider: " if number == 0 else " " * 12, " " * 12, terminal)
    where = f"{title}, {finding.severity}, step {finding.last_step:,}"
    yield from wrapped(where, "  ", "    ", terminal, "dim")
    yield border


def decision_box(decision: Decision, terminal: Terminal) -> Iterator[str]:
    """What the guard decided."""
    colours = _DEEDS[decision.deed]
    border = terminal.paint("=" * min(BORDER, terminal.width), *colours)
    yield border
    yield from wrapped(f"GUARD, step {decision.step:,}: {clean(decision.says)}", "  ", "    ", terminal, *colours)
    if decision.path and decision.deed is not Deed.STOP:
        yield from wrapped(clean(decision.path), "  Checkpoint: ", "    ", terminal)
    yield border


def _begins_plainly(text: str) -> bool:
    """Whether the first word is one of the language, and no name of a metric."""
    return "_" not in text.partition(" ")[0]


def wrapped(text: str, lead: str, hang: str, terminal: Terminal, *styles: str) -> Iterator[str]:
    """Lines of a text that is broken between words, painted alike."""
    width = max(20, min(terminal.width, READABLE))
    lines = textwrap.wrap(
        text, width, initial_indent=lead, subsequent_indent=hang, break_long_words=True, break_on_hyphens=False
    )
    for line in lines:
        yield terminal.paint(line, *styles)
