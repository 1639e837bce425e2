"""Asking the rivals about every log, and keeping what they say for whoever has none of them."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import rivals
from recorded import LOGS, Manifest, key_of, read_log
from scenarios import SCENARIOS

__all__ = ["ANSWERS", "Answers", "ask"]

ANSWERS = LOGS / "rivals.json"
#: So many logs are asked about before it is written down: it may be stopped, and called again.
KEEP_EVERY = 10


@dataclass
class Answers:
    """Of each log, what each rival says: whether it raises an alarm, and names the fault; None if it broke down."""

    versions: dict[str, str] = field(default_factory=dict)
    answers: dict[str, dict[str, dict[str, bool] | None]] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path) -> Self:
        return cls(**json.loads(path.read_bytes())) if path.is_file() else cls()

    def write(self, path: Path) -> None:
        """One line for each log."""
        lines = [f"{json.dumps(key)}: {json.dumps(self.answers[key], sort_keys=True)}" for key in sorted(self.answers)]
        told = json.dumps(dict(sorted(self.versions.items())))
        path.write_text(f'{{"versions": {told}, "answers": {{\n' + ",\n".join(lines) + "\n}}\n", "utf-8")

    def forget_other_versions(self, installed: dict[str, str]) -> None:
        """What another version has said is not what this one says."""
        changed = {rival for rival, version in installed.items() if self.versions.get(rival) != version}
        self.versions |= installed
        self.answers = {
            key: {rival: one for rival, one in given.items() if rival not in changed}
            for key, given in self.answers.items()
        }


def ask(python: Path, manifest: Manifest, path: Path = ANSWERS) -> None:
    """Ask the rivals of this Python about every log that they have not been asked about in these versions."""
    installed = rivals.versions(python)
    kept = Answers.read(path)
    kept.forget_other_versions(installed)
    kinds = {scenario.name: scenario.fault.kind if scenario.fault else None for scenario in SCENARIOS}
    missing = [
        (key, name, log, left)
        for name, seed, log in manifest.logs()
        if (left := [one for one in installed if one not in kept.answers.get(key := key_of(name, seed), {})])
    ]
    for number, (key, name, log, left) in enumerate(missing, 1):
        said = rivals.answers(python, left, read_log(log))
        kept.answers.setdefault(key, {}).update({rival: _judged(texts, kinds[name]) for rival, texts in said.items()})
        if number % KEEP_EVERY == 0 or number == len(missing):
            kept.write(path)
        print(f"{number} of {len(missing)} asked", end="\r", file=sys.stderr)


def _judged(texts: Sequence[str] | None, kind: str | None) -> dict[str, Any] | None:
    if texts is None:
        return None
    return {"alarm": bool(texts), "named": bool(texts and kind and rivals.names(texts, kind))}
