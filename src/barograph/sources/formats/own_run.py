"""The run folder that barograph's own monitor writes: the log of every step, and the settings beside it."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from barograph.sources.base import neighbour
from barograph.sources.formats.jsonl import JsonLines
from barograph.sources.storage.json_text import Broken, loads

__all__ = ["OWN_RUN", "OwnRun"]

LOG = "logs/training_metrics.jsonl"
SETTINGS = "run.json"


class OwnRun(JsonLines):
    """`logs/training_metrics.jsonl` with `run.json` beside the `logs` folder."""

    name: ClassVar[str] = "barograph"
    is_general: ClassVar[bool] = False
    describes: ClassVar[str] = "A run folder of barograph's own monitor: `logs/training_metrics.jsonl` and `run.json`."
    checked: ClassVar[str] = "logs that barograph wrote"
    landmarks: ClassVar[tuple[str, ...]] = (LOG,)
    suffixes: ClassVar[tuple[str, ...]] = ()
    one_run_a_log: ClassVar[bool] = True

    def recognises(self, path: str, head: bytes) -> bool:
        is_own = Path(path).absolute().as_posix().endswith(f"/{LOG}") and _settings_file(path).is_file()
        return is_own and super().recognises(path, head)

    def in_folder(self, folder: Path) -> list[Path]:
        return super().in_folder(folder) if (folder / SETTINGS).is_file() else []

    def facts_beside(self, path: str) -> dict[str, object]:
        """The settings of the run, with the method it was started for. What cannot be read is as good as absent."""
        try:
            found = loads(neighbour(_settings_file(path)))
        except Broken:
            return {}
        if not isinstance(found, dict):
            return {}
        config = found.get("config")
        facts: dict[str, object] = dict(config) if isinstance(config, dict) else {}
        if isinstance(found.get("method"), str):
            facts["method"] = found["method"]
        return facts


def _settings_file(path: str) -> Path:
    return Path(path).absolute().parent.parent / SETTINGS


OWN_RUN = OwnRun()
