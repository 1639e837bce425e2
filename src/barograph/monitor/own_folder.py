"""What our own monitor writes beside the log of a run: how the run stands, and what its guard has decided."""

from __future__ import annotations

import json
from pathlib import Path

from barograph.monitor.live import FINDINGS, LOG, RUN

__all__ = ["OwnFolder"]

#: The state that a run has until it is over.
RUNNING = "running"
#: So much of the end of the file of findings is read for decisions.
LOOKED_AT = 65_536


class OwnFolder:
    """The folder that a log of ours lies in; of another log, one that says nothing."""

    def __init__(self, log: Path | None) -> None:
        name = Path(LOG)
        is_ours = log is not None and log.parts[-len(name.parts) :] == name.parts
        self._folder = log.parents[len(name.parts) - 1] if log is not None and is_ours else None

    def facts(self) -> dict[str, object]:
        """What `run.json` holds. Nothing where there is none, or where it is just being written."""
        if self._folder is None:
            return {}
        try:
            facts = json.loads((self._folder / RUN).read_bytes())
        except (OSError, ValueError):
            return {}
        return facts if isinstance(facts, dict) else {}

    def decisions(self) -> list[str]:
        """What the guard has decided lately, in its own words."""
        if self._folder is None:
            return []
        try:
            with (self._folder / FINDINGS).open("rb") as file:
                file.seek(0, 2)
                file.seek(max(0, file.tell() - LOOKED_AT))
                lines = file.read().splitlines()
        except OSError:
            return []
        said = []
        for line in lines:
            try:
                fact = json.loads(line)
            except ValueError:
                continue
            if isinstance(fact, dict) and fact.get("kind") == "decision":
                said.append(f"step {fact.get('step')}: {fact.get('says')}")
        return said
