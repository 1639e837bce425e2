"""`metrics.jsonl` of tinker-cookbook: JSON lines, with the run's settings in `config.json` beside them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import ClassVar

from barograph.sources.base import STANDARD_INPUT, Reading, neighbour
from barograph.sources.facts import facts_in_text
from barograph.sources.formats.jsonl import JsonLines, JsonLinesReading

__all__ = ["OF_THE_STEP", "TINKER_METRICS", "TinkerMetrics"]

CONFIG = "config.json"
#: What others count since the beginning of the run, and its DPO for each step.
OF_THE_STEP: Mapping[str, str] = MappingProxyType({"num_tokens": "tokens_in_step"})
#: A `config.json` of a megabyte holds more than a run's settings.
LARGEST_CONFIG = 1 << 20
#: Keys that nobody else logs; of a group all of them.
_SIGNS = ((b'"env/all/',), (b'"optim/kl_sample_train_v1"',), (b'"dpo_loss"', b'"num_pairs"'), (b'"train_mean_nll"',))


class TinkerMetrics(JsonLines):
    """The metrics of a recipe of tinker-cookbook."""

    name: ClassVar[str] = "tinker"
    is_general: ClassVar[bool] = False
    describes: ClassVar[str] = "`metrics.jsonl` of tinker-cookbook, with the settings from `config.json` beside it."
    checked: ClassVar[str] = "files that the loggers of tinker-cookbook 0.6 wrote"
    landmarks: ClassVar[tuple[str, ...]] = ("metrics.jsonl",)
    suffixes: ClassVar[tuple[str, ...]] = ()

    def recognises(self, path: str, head: bytes) -> bool:
        has_sign = any(all(sign in head for sign in signs) for signs in _SIGNS)
        return has_sign and super().recognises(path, head)

    def reading(self, path: str) -> Reading:
        return _Reading(path)

    def facts_beside(self, path: str) -> dict[str, object]:
        facts = _settings(path)
        if isinstance(beta := facts.get("dpo_beta"), int | float):
            facts["beta"] = beta
        if isinstance(rank := facts.get("lora_rank"), int) and rank > 0:
            facts["lora"] = True
        return facts


class _Reading(JsonLinesReading):
    def add(self, rows: Sequence[dict[str, object]]) -> None:
        super().add([{OF_THE_STEP.get(key, key): value for key, value in row.items()} for row in rows])


def _settings(path: str) -> dict[str, object]:
    """The settings of a recipe, which say where it logs to; nothing if the file is missing or somebody else's."""
    if path == STANDARD_INPUT:
        return {}
    place = Path(path).parent / CONFIG
    try:
        if not place.is_file() or place.stat().st_size > LARGEST_CONFIG:
            return {}
        facts = facts_in_text(neighbour(place))
    except OSError:
        return {}
    return facts if "log_path" in facts else {}


TINKER_METRICS = TinkerMetrics()
