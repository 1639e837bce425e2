"""What is said before a recipe loads anything: what is wrong with its options."""

from __future__ import annotations

import sys

from barograph.config.judge import judge_settings
from barograph.console.boxes import finding_box
from barograph.console.terminal import Terminal
from barograph.core.finding import Severity
from barograph.recipes.options import Options
from barograph.recipes.planned import plan_of_options
from barograph.recipes.processes import is_first
from barograph.recipes.size import fitted_to
from barograph.trainers.before import said_already
from barograph.trainers.voice import say

__all__ = ["tell_before"]


def tell_before(options: Options, method: str) -> None:
    """Say what is more than a remark. The trainer's callback, which knows more, does not say it again."""
    if not is_first():
        return
    findings = judge_settings(fitted_to(plan_of_options(method, options), None)).findings
    loud = [finding for finding in findings if finding.severity > Severity.INFO]
    for finding in loud:
        say("\n".join(finding_box(finding, Terminal.of(sys.stderr))))
    said_already(loud)
