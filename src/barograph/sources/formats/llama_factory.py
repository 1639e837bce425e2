"""`trainer_log.jsonl` of LLaMA-Factory, and what only the trainer's state beside it tells.

The log holds the loss, the rate and little else; margins, the gradient norm and the extras of evaluations stand only
in `trainer_state.json`. Runs into one folder are appended to one log, while the state is that of the last one: so a
row of the state is joined to the last row of the log that is of its step and kind, and has its loss.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from math import isclose, isnan
from pathlib import Path
from types import MappingProxyType
from typing import ClassVar

from barograph.core.errors import UnreadableRun
from barograph.sources.base import BLOCK, Document, RawRun, Source
from barograph.sources.formats.json_records import parsed, table_of_records
from barograph.sources.formats.jsonl import JSONL, JsonLinesReading
from barograph.sources.formats.trainer_state import FACTS, TRAINER_STATE
from barograph.sources.numbers import to_number
from barograph.sources.wording import counted

__all__ = ["LLAMA_FACTORY", "LlamaFactoryLog"]

_Row = dict[str, object]

LOG = "trainer_log.jsonl"
_SIGNS = (b'"current_steps"', b'"total_steps"')
_TOKENS = "num_input_tokens_seen"
#: What the log calls otherwise than the state, which it was copied from.
_NAMES = MappingProxyType({
    "accuracy": "rewards/accuracies",
    "lr": "learning_rate",
    "total_tokens": _TOKENS,
})  # fmt: skip
#: Of so many runs in one log the last ones are compared with the state.
MOST_RUNS = 20


class LlamaFactoryLog(Source):
    """The log of LLaMA-Factory, joined with the state of its trainer."""

    name: ClassVar[str] = "llama_factory"
    describes: ClassVar[str] = (
        "`trainer_log.jsonl` of LLaMA-Factory, joined with `trainer_state.json` beside it or in its newest checkpoint."
    )
    checked: ClassVar[str] = "the log, the states and the checkpoints of a DPO run of LLaMA-Factory 0.9.5"
    landmarks: ClassVar[tuple[str, ...]] = (LOG,)
    #: The state may change while the log does not.
    may_be_cached: ClassVar[bool] = False

    def recognises(self, path: str, head: bytes) -> bool:
        return all(sign in head for sign in _SIGNS) and JSONL.recognises(path, head)

    def read(self, document: Document) -> list[RawRun]:
        reading = _Rows(document.path)
        with document.open() as stream:
            while piece := stream.read(BLOCK):
                reading.take(piece)
        reading.finish()
        rows, notes, config = reading.rows, reading.notes(), dict[str, object]()
        if document.data is None and (states := TRAINER_STATE.in_folder(document.place.parent)):
            joined = _join(document.place.parent, rows, states[0])
            rows, config = joined.rows, joined.config
            notes += joined.notes
        table, more = table_of_records(document.path, rows)
        return [RawRun(table, config, notes + more)]

    def facts_beside(self, path: str) -> dict[str, object]:
        return TRAINER_STATE.facts_beside(path)


class _Rows(JsonLinesReading):
    """The rows of the log as they are."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.rows: list[_Row] = []

    def add(self, rows: Sequence[_Row]) -> None:
        self.rows += rows


@dataclass(slots=True)
class _Joined:
    """The rows of the log with what the state knows of them, and what has to be said about it."""

    rows: list[_Row]
    config: dict[str, object] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def _join(folder: Path, log: list[_Row], path: Path) -> _Joined:
    shown = path.relative_to(folder).as_posix()
    try:
        state = parsed(Document(shown, copy=path))
    except (UnreadableRun, OSError) as error:
        return _Joined(log, notes=[f"without what only {shown} tells: {error}"])
    history = state.get("log_history")
    records = [record for record in history if isinstance(record, dict)] if isinstance(history, list) else []
    rows = [_named_as_in_state(row) for row in log]
    if any("num_tokens" in record for record in records):  # TRL's own count of the same.
        rows, records = _without(_TOKENS, rows), _without(_TOKENS, records)
    known, alone, differing = _partners(rows, records)
    if differing and not known:
        return _Joined(log, notes=[f"{shown} is of another run, for its losses differ: not read"])
    for place, record in known.items():
        rows[place] = {**record, **rows[place]}
    facts = {name: state[name] for name in FACTS if isinstance(state.get(name), int | float)}
    notes = [f"joined with {shown}, which tells what this log does not"] if known or alone else []
    if differing:
        notes.append(f"{counted(differing, 'row')} of {shown} with another loss than the log: left out")
    return _Joined(_with_rows_between(rows, alone), facts, notes)


def _partners(log: Sequence[_Row], records: Sequence[_Row]) -> tuple[dict[int, _Row], list[tuple[float, _Row]], int]:
    """The rows of the state by their places in the log, those that the log lacks, and how many say something else."""
    places: dict[tuple[str, float], list[int]] = {}
    for place, row in enumerate(log):
        if (key := _key(row, "current_steps")) is not None:
            places.setdefault(key, []).append(place)
    known: dict[int, _Row] = {}
    alone: list[tuple[float, _Row]] = []
    differing = 0
    for record in records:
        if (key := _key(record, "step")) is None:
            continue
        inner = {name: value for name, value in record.items() if name != "step"}
        candidates = places.get(key, [])[: -MOST_RUNS - 1 : -1]
        fitting = next((place for place in candidates if _agree(log[place], record)), None)
        if fitting is not None:
            known[fitting] = inner
        elif candidates:
            differing += 1
        else:
            alone.append((key[1], {"current_steps": key[1], **inner}))
    return known, alone, differing


def _key(row: Mapping[str, object], name: str) -> tuple[str, float] | None:
    """What kind of row this is, and of which step; None for the closing row, which is no data point."""
    step = to_number(row.get(name))
    if not isinstance(step, float) or isnan(step) or "train_loss" in row:
        return None
    if "loss" in row:
        return "train", step
    return ("eval", step) if any(key.startswith("eval_") for key in row) else None


def _agree(row: Mapping[str, object], record: Mapping[str, object]) -> bool:
    """Whether both tell the same loss, as far as both tell one: the log's was copied from the state."""
    for name in ("loss", "eval_loss"):
        one, other = to_number(row.get(name)), to_number(record.get(name))
        if isinstance(one, float) and isinstance(other, float) and not (isnan(one) and isnan(other)):
            return isclose(one, other, rel_tol=1e-6)
    return True


def _named_as_in_state(row: _Row) -> _Row:
    return {_NAMES.get(key, key): value for key, value in row.items()}


def _without(name: str, rows: Sequence[_Row]) -> list[_Row]:
    return [{key: value for key, value in row.items() if key != name} for row in rows]


def _with_rows_between(rows: list[_Row], alone: list[tuple[float, _Row]]) -> list[_Row]:
    """All rows, each of those that stand alone behind the last one whose step is not beyond its own."""
    if not alone:
        return rows
    steps = [to_number(row.get("current_steps")) for row in rows]
    numbers = [step if isinstance(step, float) and not isnan(step) else float("inf") for step in steps]
    lowest_from_here = list(accumulate(reversed(numbers), min))[::-1]
    behind: dict[int, list[_Row]] = {}
    for step, row in sorted(alone, key=lambda entry: entry[0]):
        behind.setdefault(bisect_right(lowest_from_here, step), []).append(row)
    together = list(behind.get(0, []))
    for place, row in enumerate(rows, 1):
        together += [row, *behind.get(place, [])]
    return together


LLAMA_FACTORY = LlamaFactoryLog()
