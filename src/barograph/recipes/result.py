"""How a training ended, and the files in its folder that say so. To read them takes the standard library alone."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Self

from barograph.recipes.processes import is_first
from barograph.sinks.replace import write_whole

__all__ = ["RESULT", "TOLD", "Finished", "checkpoints_of", "result_of"]

#: What a run was told, for when it goes on.
TOLD = "recipe.json"
#: What came of a run, beside its record.
RESULT = "result.json"


@dataclasses.dataclass(frozen=True, slots=True)
class Finished:
    """How a training ended."""

    method: str
    folder: str
    steps: int
    #: `healthy`, `watch`, `unhealthy` or `unjudged`.
    verdict: str
    #: What was measured on held-out examples, before the training and after it.
    before: Mapping[str, float]
    after: Mapping[str, float]

    def kept(self) -> Self:
        """The same, written down in the folder; of several processes the first one writes."""
        if is_first():
            write_whole(Path(self.folder) / RESULT, json.dumps(dataclasses.asdict(self), indent=1).encode() + b"\n")
        return self


def result_of(folder: str | Path) -> Finished | None:
    """What came of the run in a folder; None if it has not ended, or nothing can be read of it."""
    try:
        return Finished(**json.loads((Path(folder) / RESULT).read_bytes()))
    except (OSError, ValueError, TypeError):
        return None


def checkpoints_of(folder: str | Path) -> Iterator[tuple[int, Path]]:
    """The checkpoints of a run, each with its step; those that are half written or set aside are called otherwise."""
    for path in Path(folder).glob("checkpoint-*"):
        step = path.name.removeprefix("checkpoint-")
        if step.isdigit():
            yield int(step), path
