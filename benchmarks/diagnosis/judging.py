"""What barograph says of a recorded log: in the end, and to somebody who watches while it is written."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from barograph.core.finding import Severity
from barograph.core.run import Run
from barograph.engine.bound import bind
from barograph.engine.frame import frame_of
from barograph.engine.judge import judge
from barograph.engine.live import Engine
from barograph.engine.settings import Settings
from barograph.sources.runs import read_run

__all__ = ["HOLDS", "Alarm", "Said", "run_of", "said_of", "undisturbed"]

#: What says whether a model has learned what it should, as trainers log it, with a word for it.
OUTCOMES = {
    "eval_rewards/accuracies": "accuracy",
    "eval_accuracy": "accuracy",
    "eval_f1": "F1",
    "eval_rewards/margins": "margin",
    "eval_loss": "loss",
}

#: An alarm has held when it still stands after this share of the planned run.
HOLDS = 0.1
#: A cause is told; further ones are not the answer any more.
CAUSES_KEPT = 2


@dataclass(frozen=True, slots=True)
class Alarm:
    """A finding of warning or worse, at the row at which a watcher is told of it."""

    step: int
    code: str


@dataclass(frozen=True, slots=True)
class Said:
    """What is said of one log."""

    verdict: str
    #: Rules that warn or worse in the end, and those that remark.
    warned: tuple[str, ...]
    remarked: tuple[str, ...]
    #: The likeliest cause, and the next.
    causes: tuple[str, ...]
    #: In the order in which they come while the log is written.
    alarms: tuple[Alarm, ...]
    #: The steps at which the first critical finding comes, and at which the first alarm has held.
    critical_at: int | None = None
    held_at: int | None = None
    #: What was measured last on held-out examples, by name: no rule is asked for it.
    held_out: tuple[tuple[str, float], ...] = ()

    def to_list(self) -> list[Any]:
        """As JSON keeps it."""
        return [
            self.verdict, self.warned, self.remarked, self.causes,
            [[alarm.step, alarm.code] for alarm in self.alarms], self.critical_at, self.held_at, self.held_out,
        ]  # fmt: skip

    @classmethod
    def from_list(cls, parts: Sequence[Any]) -> Self:
        verdict, warned, remarked, causes, alarms, critical_at, held_at, held_out = parts
        return cls(
            verdict, tuple(warned), tuple(remarked), tuple(causes),
            tuple(Alarm(step, code) for step, code in alarms), critical_at, held_at,
            tuple((word, value) for word, value in held_out),
        )  # fmt: skip


def undisturbed() -> None:
    """Judge by what is ours alone: no plugin of this machine, and nothing that was kept of an earlier reading."""
    os.environ |= {"BAROGRAPH_CACHE": "off", "BAROGRAPH_PLUGINS": "off"}


def said_of(rows: Sequence[Mapping[str, Any]], entry: Mapping[str, Any]) -> Said:
    """Judge the rows of a log, with the configuration that the manifest has of it."""
    run = run_of(rows, entry)
    diagnosis = judge(run, Settings())
    grave = [finding for finding in diagnosis.findings if finding.severity >= Severity.WARNING]
    mild = [finding for finding in diagnosis.findings if finding.severity < Severity.WARNING]
    watched = _watched(run)
    return Said(
        verdict=diagnosis.verdict.value,
        warned=tuple(dict.fromkeys(finding.code for finding in grave)),
        remarked=tuple(dict.fromkeys(finding.code for finding in mild)),
        causes=tuple(cause.name for cause in diagnosis.causes[:CAUSES_KEPT]),
        alarms=tuple(watched.alarms),
        critical_at=watched.critical_at,
        held_at=watched.held_at,
        held_out=tuple(_held_out(rows)),
    )


def run_of(rows: Sequence[Mapping[str, Any]], entry: Mapping[str, Any]) -> Run:
    """By the reader of run folders, so that names, units and gaps are treated as in any run."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "logs").mkdir()
        facts = {"method": entry["method"], "config": entry["config"], "state": "finished"}
        (folder / "run.json").write_text(json.dumps(facts))
        (folder / "logs" / "training_metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        return read_run(folder)


@dataclass(slots=True)
class _Watched:
    """What somebody is told who watches, and when."""

    alarms: list[Alarm] = field(default_factory=list)
    critical_at: int | None = None
    held_at: int | None = None


def _watched(run: Run) -> _Watched:
    watched = _Watched()
    timeline = frame_of(run.method, run.config)
    engine = Engine(bind(run.method, Settings()), timeline)
    patience = HOLDS * (timeline.horizon or run.last_step)
    #: Of each episode, by its rule and first step: since when it has been an alarm.
    told: dict[tuple[str, int], int] = {}
    for record in run.records():
        for finding in engine.advance(record.step, record.series()):
            if finding.severity >= Severity.WARNING:
                watched.alarms.append(Alarm(record.step, finding.code))
                told.setdefault((finding.code, finding.step), record.step)
            if finding.severity is Severity.CRITICAL and watched.critical_at is None:
                watched.critical_at = record.step
        if watched.held_at is None and any(
            record.step - since >= patience for since in _standing(engine, told, record.step)
        ):
            watched.held_at = record.step
    return watched


def _standing(engine: Engine, told: Mapping[tuple[str, int], int], now: int) -> Iterator[int]:
    """Since when each of the alarms stands that hold at this step."""
    for watch in engine.watches:
        for episode in watch.episodes[-1:]:
            key = (watch.rule.rule.code, episode.step)
            if episode.last_step == now and key in told:
                yield told[key]


def _held_out(rows: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, float]]:
    for key, word in OUTCOMES.items():
        last = next((row[key] for row in reversed(rows) if key in row), None)
        if isinstance(last, int | float):
            yield word, float(last)
