"""What the callback says on the terminal: the live console, or plain lines where there is none.

Lines go through `tqdm.write`, so that the trainer's own progress bar is not torn.
"""

from __future__ import annotations

import importlib
import sys
from typing import Any

from barograph.core.decision import Decision
from barograph.core.finding import Diagnosis, Finding
from barograph.core.listener import Listener

__all__ = ["Voice", "console_of", "say"]


def say(text: str) -> None:
    """Write lines to stderr, above a progress bar if one is shown."""
    tqdm = sys.modules.get("tqdm")
    if tqdm is not None:
        tqdm.tqdm.write(text, file=sys.stderr)
    else:
        sys.stderr.write(text + "\n")


class Voice(Listener):
    """Says findings, decisions and the verdict in plain lines."""

    wants_rows = False

    def found(self, finding: Finding) -> None:
        say(f"barograph: {finding.severity} {finding.code} {finding.name} at step {finding.step:,}: {finding.says}")
        for advice in finding.advice[:3]:
            say(f"    {advice}")

    def decided(self, decision: Decision) -> None:
        say(f"barograph: {decision.says}")

    def told(self, sentence: str) -> None:
        say(f"barograph: {sentence}")

    def ended(self, diagnosis: Diagnosis | None) -> None:
        if diagnosis is not None:
            say(f"barograph: {diagnosis.verdict.value} after {diagnosis.rows:,} rows")


def console_of(state: Any) -> Listener:
    """The live console if this installation has it."""
    try:
        console = importlib.import_module("barograph.console.live")
        made = console.LiveConsole()
    except (ImportError, AttributeError, TypeError):
        return Voice()
    return made if isinstance(made, Listener) else Voice()
