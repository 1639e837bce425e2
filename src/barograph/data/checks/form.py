"""Whether every row is an example at all."""

from __future__ import annotations

from collections.abc import Iterator

from barograph.data.check import CRITICAL, Check, Graded, limit
from barograph.data.evidence import Evidence
from barograph.data.finding import DataFinding

__all__ = ["CHECKS"]


class UnreadableRow(Check):
    """Rows that cannot be read: broken JSON, too many or too few cells, a line far too long.

    Why: most loaders stop at such a row, hours into a job at worst; others skip it without a word.
    False alarm: none known.
    Sources: the JSON reader of `datasets` raises at the first broken line [S].
    """

    code, name = "DATA01", "unreadable-row"
    severity = CRITICAL
    says = "{count:,} of {of:,} rows cannot be read"
    do = ("Write the file again by a library that escapes texts, or leave these rows out",)
    cleans = True

    def findings(self, evidence: Evidence) -> Iterator[DataFinding]:
        for split, seen in (("train", evidence.train), ("eval", evidence.held_out)):
            if seen is not None and seen.broken:
                yield self.found(rows=seen.broken, of=seen.rows, split=split)


class OtherForm(Graded):
    """Rows of another form than the rest: a column is missing or null, or holds a number or a list where texts belong.

    Why: a column of mixed types fails in the middle of the preparation, or is turned into text: `None` as an answer.
    False alarm: a column that may be empty, under a name that means something here.
    Sources: Arrow tables, and so `datasets`, know one type for each column [D].
    """

    code, name = "DATA02", "other-form"
    says = "{count:,} of {of:,} rows do not have the form of the others"
    do = ("Bring these rows into the form of the others, or leave them out",)
    cleans = True
    grave_from = limit(0.01, "share of rows from which it is critical")

    def findings(self, evidence: Evidence) -> Iterator[DataFinding]:
        for split, seen in (("train", evidence.train), ("eval", evidence.held_out)):
            if seen is not None and seen.misfits:
                grade = self.grade(len(seen.misfits) / seen.rows)
                yield self.found(grade, rows=seen.misfits, of=seen.rows, split=split)


CHECKS: tuple[type[Check], ...] = (UnreadableRow, OtherForm)
