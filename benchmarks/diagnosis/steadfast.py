"""Whether what is said of a run stays the same, or becomes less, but never wrong, when the run is logged otherwise."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from barograph.core.cause import Cause
from barograph.core.errors import UnreadableRun
from barograph.core.finding import Severity, Verdict
from barograph.core.methods import Method
from barograph.engine.judge import judge
from barograph.engine.settings import Settings
from barograph.rules.causes import CAUSES
from barograph.sources.runs import read_run

if TYPE_CHECKING:
    from resampling import Log
    from scenarios import Scenario

__all__ = ["Answer", "Outcome", "answer_to", "outcome"]

SPEAKS = {cause.name: frozenset(cause.speaks) for cause in CAUSES}


@dataclass(frozen=True, slots=True)
class Answer:
    """What is said of a log."""

    verdict: Verdict
    #: The likeliest first.
    causes: tuple[str, ...]
    #: Causes that the log cannot exclude in place of the first.
    left_open: tuple[str, ...]
    #: Rules that warn or worse, those that remark, and those that could not be judged.
    warned: frozenset[str]
    remarked: frozenset[str]
    unjudged: frozenset[str]
    #: Whether it was recognised what is trained; if not, the rules for it are not asked, and the answer says so.
    knows_method: bool = True

    def __str__(self) -> str:
        causes = ", ".join(self.causes[:2]) or "no cause"
        return f"{self.verdict.value}: {causes}; {' '.join(sorted(self.warned))}; ({' '.join(sorted(self.remarked))})"

    @property
    def alarmed(self) -> bool:
        return self.verdict in {Verdict.WATCH, Verdict.UNHEALTHY}

    @property
    def first(self) -> str | None:
        return self.causes[0] if self.causes else None


def answer_to(log: Log) -> Answer:
    """Read and judge the rows, as of a file that somebody points at. What cannot be read is not judged."""
    with tempfile.TemporaryDirectory() as name:
        file = Path(name) / "log.jsonl"
        file.write_text("".join(json.dumps(row) + "\n" for row in log.rows))
        try:
            run = read_run(file, method=log.method, config=log.config)
        except UnreadableRun:
            return Answer(Verdict.UNJUDGED, (), (), frozenset(), frozenset(), frozenset())
    diagnosis = judge(run, Settings())
    return Answer(
        verdict=diagnosis.verdict,
        causes=tuple(cause.name for cause in diagnosis.causes),
        left_open=tuple(_left_open(diagnosis.causes)),
        warned=frozenset(found.code for found in diagnosis.findings if found.severity >= Severity.WARNING),
        remarked=frozenset(found.code for found in diagnosis.findings if found.severity < Severity.WARNING),
        unjudged=frozenset(entry.code for entry in diagnosis.not_judged),
        knows_method=diagnosis.method != Method.UNKNOWN.value,
    )


def _left_open(causes: Sequence[Cause]) -> Iterator[str]:
    """What the answer says may be the cause as well: it was not to be excluded, or is nearly as likely."""
    for cause in causes:
        yield from cause.left_open
        if cause.is_close:
            yield cause.name


class Outcome(StrEnum):
    """How an answer to fewer rows stands to that to all rows."""

    SILENT = "silent"
    KEPT = "cause kept"
    #: Another cause comes first, and the answer says that the log cannot exclude the right one.
    LEFT_OPEN = "cause left open"
    SEEN = "alarm, no cause told"
    UNJUDGED = "unjudged"
    #: No alarm any more, but a rule that had warned of it still remarks on it.
    REMARKED = "remarked on"
    UNJUDGED_HEALTHY = "unjudged, and healthy"
    FALSE_ALARM = "false alarm"
    OTHER_CAUSE = "another cause"
    MISSED = "missed"
    #: Already wrong, or silent, with all rows: fewer cannot be asked for more.
    AS_BEFORE = "as wrong as before"

    @property
    def is_wrong(self) -> bool:
        return self in {Outcome.FALSE_ALARM, Outcome.OTHER_CAUSE, Outcome.MISSED}


def outcome(scenario: Scenario, full: Answer, less: Answer) -> Outcome:
    """Lay the answer to a resampled log beside that to the whole.

    A fault that was rightly named may be missed without being wrong only where the answer says so: the verdict is
    unjudged, or a rule that had warned of that very cause is among those that could not be judged, or it is not even
    known what is trained.
    """
    fault = scenario.fault
    if fault is None:
        if less.alarmed:
            return Outcome.AS_BEFORE if full.alarmed else Outcome.FALSE_ALARM
        return Outcome.UNJUDGED_HEALTHY if less.verdict is Verdict.UNJUDGED else Outcome.SILENT
    if less.first in fault.causes:
        return Outcome.KEPT
    if not set(fault.causes).isdisjoint(less.left_open):
        return Outcome.LEFT_OPEN
    if less.first is not None:
        return (
            Outcome.AS_BEFORE if less.first in full.causes and full.first not in fault.causes else Outcome.OTHER_CAUSE
        )
    if full.first not in fault.causes:
        return Outcome.AS_BEFORE
    if less.alarmed:
        return Outcome.SEEN
    witnesses = full.warned & SPEAKS[full.first]
    if less.verdict is Verdict.UNJUDGED or witnesses & less.unjudged or not less.knows_method:
        return Outcome.UNJUDGED
    return Outcome.REMARKED if witnesses & less.remarked else Outcome.MISSED
