"""`run.json`: what a run is, how it was set, and how it ended. It is always replaced as a whole."""

from __future__ import annotations

import dataclasses
import json
import os
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from barograph.sinks.lines import strict
from barograph.sinks.replace import write_whole

__all__ = ["RUN", "RunFile", "settings_of"]

RUN = "run.json"


def settings_of(config: object) -> dict[str, object]:
    """The settings of a run by their names, from a mapping, parsed arguments, a dataclass or any object that has some.

    What JSON has no word for becomes text, so that no setting is lost and none can break the file.
    """
    if config is None:
        return {}
    if dataclasses.is_dataclass(config) and not isinstance(config, type):
        config = {field.name: getattr(config, field.name) for field in dataclasses.fields(config)}
    elif not isinstance(config, Mapping):
        config = dict(getattr(config, "__dict__", {}))
    return {str(key): strict(value) for key, value in config.items() if not str(key).startswith("_")}


class RunFile:
    """The file of one run. One that is there already belongs to an earlier part of the same run."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / RUN
        self.started = time.time()
        self.parts = 1
        self.method = ""
        #: What the earlier part was set to.
        self.config: dict[str, object] = {}
        #: What the owner of the run wrote beside its metrics.
        self.summary: dict[str, object] = {}
        with suppress(OSError, ValueError, TypeError, AttributeError):
            found = json.loads(self.path.read_bytes())
            self.parts = int(found.get("parts", 1)) + 1
            self.started = float(found["started"])
            self.method = str(found.get("method") or "")
            self.config = dict(found.get("config") or {})
        with suppress(OSError):
            for draft in folder.glob(f".{RUN}.*.part"):  # Left by a process that was killed at it.
                draft.unlink()

    def write(self, facts: Mapping[str, object], config: Mapping[str, object]) -> None:
        """Replace the file. Raises `OSError`."""
        from barograph import __version__

        whole = {
            "schema": 1,
            **facts,
            "started": self.started,
            "updated": time.time(),
            "parts": self.parts,
            "process": os.getpid(),
            "versions": {"barograph": __version__, "python": sys.version.split()[0]},
            "config": dict(config),
            "summary": self.summary,
        }
        write_whole(self.path, json.dumps(strict(whole), indent=1, allow_nan=False).encode() + b"\n")
