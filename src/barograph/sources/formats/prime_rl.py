"""`metrics.jsonl` of prime-rl: several rows for each step, without what was not finite."""

from __future__ import annotations

import math
from collections.abc import Sequence
from types import MappingProxyType
from typing import ClassVar

from barograph.sources.base import Reading
from barograph.sources.formats.jsonl import JsonLines, JsonLinesReading
from barograph.sources.wording import counted

__all__ = ["PRIME_RL_METRICS", "PrimeRlMetrics"]

_SIGNS = (b'"mismatch_kl/', b'"optim/grad_norm"', b'"progress/total_problems"')
#: Of two keys that are logged together: where the first one is missing, it was not finite.
_TOGETHER = MappingProxyType({
    "optim/grad_norm": ("optim/lr",),
    "loss/mean": ("entropy/all/mean", "entropy/mean"),
})  # fmt: skip


class PrimeRlMetrics(JsonLines):
    """The metrics of prime-rl's trainer or orchestrator."""

    name: ClassVar[str] = "prime_rl"
    is_general: ClassVar[bool] = False
    describes: ClassVar[str] = (
        "`metrics.jsonl` of prime-rl, which leaves out what is not finite: a gradient norm that is missing beside "
        "the learning rate is read as NaN."
    )
    checked: ClassVar[str] = "a description only"
    landmarks: ClassVar[tuple[str, ...]] = ("metrics.jsonl",)
    suffixes: ClassVar[tuple[str, ...]] = ()

    def recognises(self, path: str, head: bytes) -> bool:
        has_signs = b'"time"' in head and any(sign in head for sign in _SIGNS)
        return has_signs and super().recognises(path, head)

    def reading(self, path: str) -> Reading:
        return _Reading(path)


class _Reading(JsonLinesReading):
    def __init__(self, path: str) -> None:
        super().__init__(path)
        self._seen: set[str] = set()
        self._filled: dict[str, int] = {}

    def add(self, rows: Sequence[dict[str, object]]) -> None:
        for row in rows:
            for key, others in _TOGETHER.items():
                if key in row:
                    self._seen.add(key)
                elif key in self._seen and any(other in row for other in others):
                    row[key] = math.nan
                    self._filled[key] = self._filled.get(key, 0) + 1
        super().add(rows)

    def notes(self) -> list[str]:
        filled = [
            f"`{key}` is missing in {counted(rows, 'row')}: read as NaN, since prime-rl leaves out what is not finite"
            for key, rows in self._filled.items()
        ]
        return [*super().notes(), *filled]


PRIME_RL_METRICS = PrimeRlMetrics()
