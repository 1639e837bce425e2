"""The recorded logs, and the manifest that says what each of them is."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from scenarios import Scenario

__all__ = ["LOGS", "MANIFEST", "Manifest", "key_of", "log_of", "read_log", "write_log"]

LOGS = Path(__file__).parent / "logs"
MANIFEST = LOGS / "manifest.json"


def key_of(name: str, seed: int) -> str:
    """What a log is called where something is kept of it."""
    return f"{name}-seed{seed}"


def log_of(name: str, method: str, seed: int) -> Path:
    """Where the log of a scenario lies."""
    return LOGS / method / f"{key_of(name, seed)}.jsonl.gz"


def read_log(path: Path) -> list[dict[str, Any]]:
    """The rows as the trainer logged them, to five digits."""
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def write_log(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Compressed, and the same bytes for the same rows: no name and no time is in it."""
    text = "".join(json.dumps(row, separators=(",", ":")) + "\n" for row in rows)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(text.encode(), 9, mtime=0))


@dataclass
class Manifest:
    """Of each scenario that is recorded: method, configuration, planted step; and the rows of each seed."""

    entries: dict[str, dict[str, Any]]

    @classmethod
    def read(cls, path: Path) -> Self:
        return cls(json.loads(path.read_bytes()) if path.is_file() else {})

    def write(self, path: Path) -> None:
        text = json.dumps(dict(sorted(self.entries.items())), indent=1, sort_keys=True)
        path.write_text(text + "\n", encoding="utf-8")

    def note(self, scenario: Scenario, seed: int, method: str, config: Mapping[str, Any], rows: int) -> None:
        versions = {key: value for key, value in config.items() if key.endswith("_version")}
        settings = {key: value for key, value in config.items() if key not in versions}
        known = self.entries.setdefault(scenario.name, {})
        known |= {
            "method": method,
            "planted": scenario.fault.kind if scenario.fault else None,
            "since": scenario.fault.since if scenario.fault else None,
            "config": settings,
            "versions": versions,
        }
        known["rows"] = dict(sorted({**known.get("rows", {}), str(seed): rows}.items()))

    def logs(self) -> Iterator[tuple[str, int, Path]]:
        """The name, the seed and the place of each log."""
        for name, entry in sorted(self.entries.items()):
            for seed in entry["rows"]:
                yield name, int(seed), log_of(name, name.partition("-")[0], int(seed))
