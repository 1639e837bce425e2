"""The data of a trainer, looked at before its first step: quickly, and of a large set only the beginning."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from barograph.core.errors import BarographError
from barograph.core.finding import Severity
from barograph.data.finding import DataReport
from barograph.data.formats.base import DataFile, Row, UnreadableData
from barograph.data.judge import judge
from barograph.data.reading import DataSet

__all__ = ["Held", "look_before", "sentences"]

#: Rows that are looked at, and examples that the dearer checks draw of them: some two seconds.
MOST, SAMPLE = 10_000, 2_000
#: So many findings are told one by one.
TOLD = 3


class Held(DataFile):
    """Rows that are in memory already: a list of them, or a data set of the library `datasets`."""

    describes = "a data set in memory"

    def __init__(self, rows: Sequence[Any], name: str) -> None:
        super().__init__(Path(name))
        self._rows = rows

    def rows(self) -> Iterator[Row]:
        for place in range(min(len(self._rows), MOST)):
            yield Row(place + 1, self._rows[place])

    def copy(self, out: Path, keeps: Callable[[int], bool]) -> None:
        raise UnreadableData(f"{self.path}: is in memory, and no file that could be cleaned")


def look_before(
    train: Sequence[Any], held_out: Sequence[Any] | None = None, *, tokenizer: Any = None, max_length: int | None = None
) -> DataReport | None:
    """What is said of the rows that a trainer learns from; None where they are no texts, as once they are tokens.

    >>> look_before([{"input_ids": [1, 2, 3]}]) is None
    True
    """
    sets = [DataSet(name, [Held(rows, name)]) for name, rows in (("training", train), ("evaluation", held_out)) if rows]
    try:
        return judge(*sets, tokenizer=tokenizer, max_length=max_length, sample=SAMPLE)
    except BarographError:
        return None


def sentences(report: DataReport) -> Iterator[str]:
    """The warnings of a report, the gravest first, each as one sentence."""
    grave = [finding for finding in report.findings if finding.severity > Severity.INFO]
    for finding in grave[:TOLD]:
        row = f", row {finding.rows[0]} first" if finding.rows else ""
        yield f"data: {finding.says} ({finding.code}{row}; barograph explain {finding.code})"
    if len(grave) > TOLD:
        yield f"data: {len(grave) - TOLD} more warnings, which barograph data tells of the file"
