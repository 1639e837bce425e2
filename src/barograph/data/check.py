"""What a check is: one thing that may be wrong with a data set, declared by itself.

A check looks at each example once and says at the end what it found. What a check declares is said in `core.check`.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping
from typing import ClassVar

from barograph.core.check import Declared, NotJudgeable, limit
from barograph.core.finding import Severity
from barograph.data.evidence import Circumstances, Evidence
from barograph.data.example import EVERY, PAIRS, Example, Kind
from barograph.data.finding import DataFinding, numbers
from barograph.data.implicit import shared_length

__all__ = [
    "CRITICAL",
    "INFO",
    "WARNING",
    "Check",
    "EachExample",
    "Graded",
    "NotJudgeable",
    "clipped",
    "limit",
    "percent",
]

INFO, WARNING, CRITICAL = Severity.INFO, Severity.WARNING, Severity.CRITICAL
#: Characters of one text that are shown.
CLIP = 160
#: So many characters stand before the place where two sides part.
AROUND = 24


class Check(Declared):
    """One thing that may be wrong with a data set. Subclasses declare, and say what they find."""

    kinds: ClassVar[frozenset[Kind]] = EVERY
    #: Whether a cleaned copy leaves out what it finds.
    cleans: ClassVar[bool] = False
    #: Whether what it finds stands at the beginning of the answers.
    shows_beginning: ClassVar[bool] = False

    def __init__(self, circumstances: Circumstances) -> None:
        self.circumstances = circumstances

    def see(self, example: Example) -> None:
        """Look at one example of what is trained on."""

    def findings(self, evidence: Evidence) -> Iterator[DataFinding]:
        """What was found, when everything was seen."""
        raise NotImplementedError

    def quote(self, example: Example) -> str:
        """What is shown of an example that it points at. Sides that begin alike are shown from where they part."""
        begin = 0
        if not self.shows_beginning and example.kind in PAIRS and example.chosen != example.rejected:
            begin = max(0, shared_length(example.chosen, example.rejected) - AROUND)
        return "\n".join(
            f"{name}: {'… ' if begin and name != 'prompt' else ''}{clipped(text[begin if name != 'prompt' else 0 :])}"
            for name, text in example.sides()
            if text or name != "prompt"
        )

    def found(  # noqa: PLR0913 - what a finding may have, each by its name
        self,
        severity: Severity | None = None,
        *,
        rows: array[int] | None = None,
        of: int = 0,
        split: str = "train",
        drops: array[int] | None = None,
        twins: Mapping[int, int] | None = None,
        count: int | None = None,
        told: Mapping[str, str] | None = None,
        **evidence: float,
    ) -> DataFinding:
        """A finding of this check. In its words stand `count`, `of`, `share`, the evidence, and what is `told`."""
        rows = numbers() if rows is None else rows
        count = len(rows) if count is None else count
        share = count / of if of else 0.0
        words = {**evidence, **(told or {}), "count": count, "of": of, "share": share}
        return DataFinding(
            self.code,
            self.name,
            self.severity if severity is None else severity,
            self.says.format(**words),
            count,
            of,
            split,
            rows,
            (rows if drops is None and split == "train" else drops or numbers()) if self.cleans else numbers(),
            dict(twins or {}),
            {**evidence, "share": share} if of else dict(evidence),
            tuple(advice.format(**words) for advice in self.do),
        )


class Graded(Check):
    """A check whose finding is the graver the more examples show it."""

    warns_from: float = limit(0.0, "share of examples from which it is more than a remark")
    grave_from: float = limit(2.0, "share of examples from which it is critical; above 1 for never")

    def grade(self, share: float) -> Severity:
        """How bad it is when so large a share shows it."""
        if share < self.warns_from:
            return INFO
        return CRITICAL if share >= self.grave_from else self.severity


class EachExample(Graded):
    """A check of single examples: it counts those that show something."""

    def __init__(self, circumstances: Circumstances) -> None:
        super().__init__(circumstances)
        self.rows, self.looked_at = numbers(), 0

    def shows(self, example: Example) -> bool:
        """Whether an example shows it."""
        raise NotImplementedError

    def see(self, example: Example) -> None:
        self.looked_at += 1
        if self.shows(example):
            self.rows.append(example.number)

    def findings(self, evidence: Evidence) -> Iterator[DataFinding]:
        if self.rows:
            yield self.found(self.grade(len(self.rows) / self.looked_at), rows=self.rows, of=self.looked_at)


def clipped(text: str, most: int = CLIP) -> str:
    """A text on one line, cut in its middle if it is long: answers differ at either end.

    >>> clipped("one two three four", 12)
    'one t … four'
    """
    line = (
        " ".join(text.split()) if len(text) <= 4 * most else " ".join((text[: 2 * most] + " " + text[-most:]).split())
    )
    if len(line) <= most:
        return line
    half = (most - 3) // 2
    return f"{line[: most - 3 - half].rstrip()} … {line[-half:].lstrip()}"


def percent(share: float) -> str:
    """A share as people read it.

    >>> percent(0.0004), percent(0.123), percent(0)
    ('0.04%', '12%', '0%')
    """
    return f"{share:.2%}" if 0 < share < 0.01 else f"{share:.0%}"
