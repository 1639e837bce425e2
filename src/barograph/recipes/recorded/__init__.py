"""Two runs of the DPO recipe on the tiny model, as they were recorded: a sick one, and its healthy twin.

They differ in one setting. The twin's loss counts the likelihood of the chosen answer too (`sft_weight`); that of the
sick run asks for a margin alone, and gets it: it grows to several times the twin's while the chosen answers become ever
less likely. `python tools/record.py` trains both anew.

Beside the log of each lie its settings, and what its answers were worth before and after.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

__all__ = ["HEALTHY", "SICK", "Recording", "recording"]

SICK, HEALTHY = "sick", "healthy"
FOLDER = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Recording:
    """One run: what the recipe was told, what the trainer made of it, the rows of its log, what came of it."""

    name: str
    method: str
    #: What was not left at its usual value.
    told: dict[str, object]
    config: dict[str, object]
    before: dict[str, float]
    after: dict[str, float]
    rows: tuple[tuple[int, dict[str, float]], ...]


@cache
def recording(name: str) -> Recording:
    """The recorded run of that name, `sick` or `healthy`.

    >>> recording("sick").told["sft_weight"], recording("healthy").told["sft_weight"]
    (0.0, 0.2)
    >>> step, row = recording("sick").rows[0]
    >>> step, row["rewards/margins"]
    (1, 0.0)
    """
    facts = json.loads((FOLDER / f"{name}.json").read_bytes())
    lines = (FOLDER / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
    return Recording(name=name, rows=tuple(_row(json.loads(line)) for line in lines), **facts)


def _row(found: dict[str, float]) -> tuple[int, dict[str, float]]:
    """The step, and what was logged there."""
    return int(found.pop("step")), {key: float(value) for key, value in found.items()}
