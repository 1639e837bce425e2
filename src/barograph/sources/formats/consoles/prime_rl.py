"""prime-rl: `Step 5 | 12.41s | Loss 0.0003 | Entropy 0.4012 | ...`, of its trainer and of its orchestrator."""

from __future__ import annotations

import re
from collections.abc import Iterator
from types import MappingProxyType
from typing import ClassVar

from barograph.sources.formats.consoles.base import Console, Parser, Row
from barograph.sources.formats.consoles.printed import NUMBER
from barograph.sources.late import late

__all__ = ["PRIME_RL", "PrimeRlConsole"]

#: After the level of a record, or as the message of a record that is written as JSON.
_STEP = late(
    r"(?:\b(?:SUCCESS|INFO|WARNING)\s+(?:\[[\w.-]+\] )?|\"message\": ?\")"
    r"Step (\d{1,15}) \|\s+(?:Time:? )?(\d[\w. ]{0,20}) \|"
)
_SECONDS = late(r"(\d+(?:\.\d+)?)s")
#: `Loss 0.0003`, `Loss: 0.0003`, `Throughput 21034 tokens/s`, `Truncation 1.6%`.
_PART = late(rf"([A-Z][^|:]*?):?\s+({NUMBER})\s*(%?)(?![\w.])")
#: `Trainable 120/128 (93.8%)`
_SHARE = late(rf"([A-Z][^|:]*?):?\s+[\d.]+/[\d.]+[^|(]*\(({NUMBER})%\)")
LONGEST_PART = 200
#: What is measured on held-out data.
_EVALUATED = MappingProxyType({"Val. Reward": "val/reward", "Val. Loss": "val/loss"})


class PrimeRlConsole(Console):
    """What prime-rl's processes print after each step."""

    name: ClassVar[str] = "prime_rl_console"
    describes: ClassVar[str] = "The console of prime-rl: `Step 5 | 12.41s | Loss 0.0003 | Entropy 0.4012 | ...`."
    checked: ClassVar[str] = "a description only"
    hint: ClassVar[bytes] = b"Step "
    mark: ClassVar[re.Pattern[str]] = _STEP

    def parser(self) -> Parser:
        return _Rows()


class _Rows(Parser):
    def line(self, line: str) -> Iterator[Row]:
        if "Step " not in line or not (match := _STEP.search(line)):
            return
        row: Row = {"step": int(match[1])}
        if seconds := _SECONDS.fullmatch(match[2]):
            row["step_time"] = seconds[1]
        for part in line[match.end() :].split("|"):
            text = part.strip()[:LONGEST_PART]
            if share := _SHARE.match(text):
                row[f"{share[1]} %"] = share[2]
            elif found := _PART.match(text):
                name, value, percent = found.groups()
                row[f"{name} %" if percent else _EVALUATED.get(name, name)] = value
        yield row


PRIME_RL = PrimeRlConsole()
