"""torchtune: `Step 5 | loss:0.65 lr:1e-05`, in the file of its DiskLogger and on its console alike."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

from barograph.sources.formats.consoles.base import Console, Parser, Row
from barograph.sources.formats.consoles.printed import unwrapped
from barograph.sources.late import late

__all__ = ["TORCHTUNE", "TorchtuneLog"]

#: A progress bar may stand before it on the same line.
_STEP = late(r"(?:^|[\s\]])Step (\d{1,15}) \| (?=[^\s:|]+:\S)")
#: `lr:1e-05`, `loss:tensor(0.65, device='cuda:0')`.
_PAIR = late(r"(?<!\S)([^\s:|]+):(\w+\([^()]*\)|\S+)")
#: Beside this key, `kl` is summed over each answer, unlike everybody else's.
_OF_PPO = "rlhf_reward"
_NAME = late(r"log_(\d{1,15})\.txt")


class TorchtuneLog(Console):
    """What torchtune's loggers write."""

    name: ClassVar[str] = "torchtune"
    describes: ClassVar[str] = "`log_<time>.txt` of torchtune and what it prints: `Step 5 | loss:0.65 lr:1e-05`."
    checked: ClassVar[str] = "files and consoles that the loggers of torchtune 0.6 wrote"
    landmarks: ClassVar[tuple[str, ...]] = ("logs/log_*.txt", "log_*.txt")
    #: Every start writes a file of its own.
    one_run_a_folder: ClassVar[bool] = False
    hint: ClassVar[bytes] = b"Step "
    mark: ClassVar[re.Pattern[str]] = _STEP

    def parser(self) -> Parser:
        return _Rows()

    def in_folder(self, folder: Path) -> list[Path]:
        return [path for path in super().in_folder(folder) if _NAME.fullmatch(path.name)]


class _Rows(Parser):
    def line(self, line: str) -> Iterator[Row]:
        if "Step " in line and (match := _STEP.search(line)):
            row: Row = {"step": int(match[1])}
            row.update((key, unwrapped(value)) for key, value in _PAIR.findall(line, match.end()))
            if "kl" in row and _OF_PPO in row:
                row["kl_per_answer"] = row.pop("kl")
            yield row


TORCHTUNE = TorchtuneLog()
