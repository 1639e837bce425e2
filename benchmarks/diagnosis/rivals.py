"""Other tools on the same logs: the ones that a Python has installed.

Those that read a log by a command of their own get a `trainer_state.json`, which all of them read; the others are fed
its rows, by `rivals_live.py`. A finding of theirs that is graded warning or worse is an alarm; it names a fault if its
text holds one of the fault's words, wherever in it. That is generous: the text need not say that the word is the cause.
"""

from __future__ import annotations

import json
import math
import re
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["RIVALS", "WORDS", "Rival", "answers", "names", "versions"]

LIVE = Path(__file__).with_name("rivals_live.py")


@dataclass(frozen=True, slots=True)
class Rival:
    """How a tool is asked, and what it says that counts."""

    #: What it calls a warning or worse.
    alarms: frozenset[str]
    #: The arguments of its command; none where it has no command for a log.
    arguments: tuple[str, ...] | None = None

    def command(self, python: Path, name: str, log: Path) -> list[str]:
        if self.arguments is None:
            return [str(python), str(LIVE), name]
        return [str(python.with_name(name)), *(str(log) if word == "LOG" else word for word in self.arguments)]


RIVALS = {
    "losslint": Rival(frozenset({"warning", "error"}), ("check", "LOG", "--format", "json")),
    "trainspotter": Rival(frozenset({"warning", "error"}), ("analyze", "LOG", "--output", "json")),
    "rldoctor": Rival(frozenset({"warning", "critical"}), ("diagnose", "LOG", "--format", "json")),
    "runmedic": Rival(frozenset({"warning", "critical"}), ("diagnose", "LOG", "--json")),
    "trainproof": Rival(frozenset({"warn", "fail"}), ("doctor", "LOG", "--json")),
    "rlwatch": Rival(frozenset({"warning", "critical"})),
    "rlprobe": Rival(frozenset({"warn", "critical"})),
    "provenir": Rival(frozenset({"warn", "critical"})),
}

_DIVERGES = r"diverg|explo|learning rate (is )?too high|lower the (peak )?(learning rate|lr)|spike"
_STANDS = r"stuck|flat|plateau|not (learning|decreasing|improving)|no progress|stagnat|too low"
_OVER = r"overfit|over-fit|generali[sz]ation|memori"
_DEAD = r"zero.varian|zero.std|constant reward|reward (is )?(constant|flat)|dead|no (learning )?signal|advantage"
#: Of each kind of fault, what a text that names it holds.
WORDS = {
    "rate-too-high": _DIVERGES,
    "rate-jumps": _DIVERGES,
    "kl-blows-up": _DIVERGES + r"|\bkl\b",
    "rate-too-low": _STANDS,
    "rate-goes-out": r"learning rate|\blr\b|" + _STANDS,
    "nothing-trains": r"dead|frozen|trainable|zero.grad|vanish|" + _STANDS,
    "reference-elsewhere": r"reference",
    "overflow": r"\bnan\b|\binf\b|non-?finite|overflow",
    "labels-random": r"label|random|chance",
    "labels-noisy": r"label|nois",
    "labels-swapped": r"label|swap|invert",
    "labels-swapped-in-half": r"label|swap|invert|" + _OVER,
    "labels-swapped-midway": r"label|swap|invert|negative margin|data",
    "classes-unbalanced": r"imbalanc|class",
    "sorted-by-label": r"imbalanc|class|shuffl|order",
    "one-class": r"imbalanc|class|majority",
    "pairs-alike": r"displac|likelihood|both .*fall",
    "over-training": _OVER,
    "truncated-alike": r"truncat|cut off|identical",
    "told-apart-by-trivia": r"trivial|leak|shortcut|too (good|easy|fast)|collaps",
    "batch-tiny": r"batch",
    "beta-too-small": r"beta|drift",
    "beta-too-large": r"beta",
    "scores-collapse": r"collaps|weight decay|" + _DIVERGES,
    "reward-constant": _DEAD,
    "reward-too-hard": _DEAD + r"|hard|difficult",
    "reward-solved": _DEAD + r"|easy|solved|saturat",
    "reward-breaks": _DEAD + r"|reward (drop|fell|collaps)",
    "length-exploited": r"length|hack|gaming|exploit",
    "word-exploited": r"hack|gaming|exploit",
    "reward-upside-down": r"hack|gaming|exploit",
    "cut-off": r"truncat|clipped|cut off|length",
    "entropy-collapses": r"entropy",
    "entropy-explodes": r"entropy",
    "sampling-narrowed": r"negative kl|sampling",
    "critic-stands-still": r"critic|value (function|loss)|explained",
    "critic-explodes": r"critic|value (function|loss)|explained",
}  # fmt: skip


def versions(python: Path) -> dict[str, str]:
    """The rivals that this Python has, with their versions."""
    asked = (
        "import importlib.metadata as m, json, sys\n"
        "found = {}\n"
        "for name in sys.argv[1:]:\n"
        "    try: found[name] = m.version(name)\n"
        "    except m.PackageNotFoundError: pass\n"
        "print(json.dumps(found))"
    )
    done = subprocess.run([python, "-c", asked, *RIVALS], capture_output=True, text=True, check=True)
    return dict(json.loads(done.stdout))


def answers(python: Path, asked: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> dict[str, list[str] | None]:
    """What each says of a log that is an alarm; None where it breaks down."""
    history = [{key: _number(value) for key, value in row.items()} for row in rows]
    last = history[-1]["step"]
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "trainer_state.json"
        log.write_text(json.dumps({"log_history": history, "global_step": last, "max_steps": last}))
        said = {rival: _said(RIVALS[rival].command(python, rival, log), history) for rival in asked}
    return {
        rival: found if found is None else [json.dumps(one) for one in found if _grade(one) in RIVALS[rival].alarms]
        for rival, found in said.items()
    }


def names(texts: Sequence[str], kind: str) -> bool:
    """Whether one of them holds a word for this kind of fault."""
    return any(re.search(WORDS[kind], text, re.IGNORECASE) for text in texts)


def _number(value: Any) -> Any:
    words = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}
    return words.get(value, value) if isinstance(value, str) else value


def _said(command: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]] | None:
    try:
        done = subprocess.run(command, input=json.dumps(rows), capture_output=True, text=True, check=False, timeout=120)
        return _findings(json.loads(done.stdout))
    except (ValueError, subprocess.TimeoutExpired):
        return None


def _findings(found: Any) -> list[dict[str, Any]]:
    """The findings, wherever in the answer they are."""
    if isinstance(found, list):
        return [finding for one in found for finding in _findings(one)]
    if not isinstance(found, dict):
        return []
    own = found.get("findings")
    here = [one for one in own if isinstance(one, dict)] if isinstance(own, list) else []
    return here + [finding for key in ("reports", "runs") for finding in _findings(found.get(key))]


def _grade(finding: Mapping[str, Any]) -> str:
    return str(finding.get("severity") or finding.get("level") or "").lower()
