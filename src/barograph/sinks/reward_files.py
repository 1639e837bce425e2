"""The files of a reward or classifier run: `metrics.log` for people, `metrics_history.json` for programs.

Both are views of the record, so they may be thinned and turned over: in a very long run the history keeps every
evaluation that it can and fewer of the rows between, and a log that has grown too large becomes `metrics.log.1`.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from barograph.core.finding import Diagnosis
from barograph.core.listener import Listener
from barograph.core.methods import CLASSIFIER, REWARD_MODEL, Method
from barograph.core.names import split_of
from barograph.core.run import Run
from barograph.sinks.replace import write_whole

__all__ = ["HISTORY", "LOG", "MetricsHistory", "RewardFiles", "add_text", "line_of", "now", "strict", "write_history"]

LOG = "metrics.log"
HISTORY = "metrics_history.json"
#: A log larger than this is turned over, and so many old ones are kept.
MOST_BYTES = 32 << 20
MOST_OLD = 3
#: The history is thinned beyond so many entries.
MOST_ENTRIES = 5_000
#: The history is written when it has grown by this share, and with every evaluation.
GROWTH = 0.02

#: So many rows wait for the method to become known, and what shows that it is another.
MOST_WAITING = 1_000
OF_OTHERS = frozenset({"reward_margin", "reward_chosen", "score_mean", "kl_ref"})

Entry = dict[str, object]


def line_of(entry: Mapping[str, object]) -> str:
    """An entry as one line of the log.

    >>> line_of({"step": 250, "epoch": 0.5, "train_loss": 0.4523, "learning_rate": 1.8e-05, "eval_loss": 0.4201})
    '[Step   250 | Epoch 0.50] Loss: 0.4523 LR: 1.80e-05 | Eval Loss: 0.4201'
    """
    step, epoch = entry.get("step", 0), _number(entry.get("epoch"))
    head = f"[Step {step:>5}" + (f" | Epoch {epoch:.2f}]" if epoch is not None else "]")
    loss, rate = _number(entry.get("train_loss")), _number(entry.get("learning_rate"))
    training = [f"Loss: {loss:.4f}"] if loss is not None else []
    training += [f"LR: {rate:.2e}"] if rate is not None else []
    known = (("Eval Loss", "eval_loss"), ("Acc", "eval_accuracy"), ("F1", "eval_f1"))
    numbers = [(name, _number(entry.get(key))) for name, key in known]
    evaluation = [f"{name}: {value:.4f}" for name, value in numbers if value is not None]
    return " ".join([head, " | ".join(" ".join(part) for part in (training, evaluation) if part)]).rstrip()


class MetricsHistory:
    """Gathers entries, one for each step, and keeps both files. What a disk refuses is tried again with the next."""

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.folder = Path(folder)
        self.entries: list[Entry] = []
        self._open: Entry | None = None
        self._written = 0

    def read(self) -> None:
        """Take up the history that lies in the folder."""
        with suppress(OSError, ValueError):
            known = json.loads((self.folder / HISTORY).read_bytes())
            self.entries = [entry for entry in known if isinstance(entry, dict) and "step" in entry]
            self._written = len(self.entries)

    def add(self, step: int, metrics: Mapping[str, object], when: str | None = None) -> None:
        """Take what was logged at a step: training and evaluation of one step make one entry."""
        if self._open is not None and self._open["step"] != step:
            self.flush()
        if self._open is None:
            self._open = {"step": step, "timestamp": when or now()}
        for key, value in metrics.items():
            if key != "step" and isinstance(value, float | int):
                self._open["train_loss" if key == "loss" else key] = value
        if any(key.startswith("eval_") for key in metrics):
            self.flush()

    def flush(self) -> None:
        """The step is over: its line is written, and the history when it is due."""
        entry = self._open
        if entry is None:
            return
        self._open = None
        ordered: Entry = {key: entry[key] for key in ("step", "epoch", "timestamp") if key in entry}
        self.keep({**ordered, **entry})
        with suppress(OSError):
            add_text(self.folder / LOG, line_of(entry) + "\n")
        has_evaluation = _is_evaluation(entry)
        if has_evaluation or len(self.entries) >= self._written * (1 + GROWTH) + 1 or len(self.entries) < 50:
            self.write()

    def keep(self, entry: Entry) -> None:
        """Put an entry at its place: of a step that was done again, the later one counts, and what followed is gone."""
        step = _step(entry)
        while self.entries and _step(self.entries[-1]) > step:
            self.entries.pop()
        if self.entries and _step(self.entries[-1]) == step:
            entry = {**self.entries.pop(), **entry}
        self.entries.append(entry)
        if len(self.entries) > MOST_ENTRIES:
            self.entries = thinned(self.entries)
            self._written = 0

    def write(self) -> None:
        """Write the history as a whole; a disk that refuses is asked again with the next entry."""
        self._written = len(self.entries)
        with suppress(OSError):
            data = json.dumps([strict(entry) for entry in self.entries], indent=2)
            write_whole(self.folder / HISTORY, data.encode() + b"\n")

    def close(self) -> None:
        """Write what is open."""
        self.flush()
        if self.entries:
            self.write()


class RewardFiles(Listener):
    """Keeps the files of a reward or classifier run while it goes on; of other methods it writes nothing.

    Where the method is not known, rows wait until one gives it away.
    """

    def __init__(self) -> None:
        self._history: MetricsHistory | None = None
        self._folder = ""
        self._waiting: list[tuple[int, dict[str, object]]] | None = None

    def started(self, folder: str, method: str, config: Mapping[str, object]) -> None:
        self._folder = folder
        self._history = self._waiting = None
        self.wants_rows = True
        if method in {one.value for one in CLASSIFIER | REWARD_MODEL}:
            self._begin()
        elif method == Method.UNKNOWN.value:
            self._waiting = []
        else:
            self.wants_rows = False

    def logged(self, step: int, raw: Mapping[str, object], values: Mapping[str, float]) -> None:
        if "train_runtime" in raw:
            return
        if self._history is not None:
            self._history.add(step, raw)
        elif self._waiting is not None:
            self._waiting.append((step, dict(raw)))
            if any(split_of(series)[1].startswith(("cls_", "rm_")) for series in values):
                self._begin()
            elif len(self._waiting) >= MOST_WAITING or not OF_OTHERS.isdisjoint(values):
                self._waiting, self.wants_rows = None, False

    def ended(self, diagnosis: Diagnosis | None) -> None:
        if self._history is not None:
            self._history.close()

    def _begin(self) -> None:
        history = self._history = MetricsHistory(self._folder)
        history.read()
        for step, raw in self._waiting or ():
            history.add(step, raw)
        self._waiting = None


def write_history(run: Run, folder: str | os.PathLike[str]) -> None:
    """Make both files anew from the record of a run. When each row was logged the record does not tell."""
    history = MetricsHistory(folder)
    for record in run.records():
        entry: Entry = {"step": record.step}
        entry.update({"train_loss" if key == "loss" else key: value for key, value in record.raw.items()})
        history.keep(entry)
    lines = "".join(f"{line_of(entry)}\n" for entry in history.entries)
    write_whole(Path(folder, LOG), lines.encode())
    history.write()


def now() -> str:
    """The time of day, as people write it in a log: local, and without a zone."""
    return datetime.now().astimezone().replace(tzinfo=None).isoformat()


def thinned(entries: list[Entry]) -> list[Entry]:
    """About half of the entries: of those without an evaluation every other one; of all, if that is not enough."""
    kept = [entry for place, entry in enumerate(entries[:-1]) if place % 2 == 0 or _is_evaluation(entry)]
    if len(kept) > 3 * len(entries) // 4:
        kept = entries[:-1:2]
    return [*kept, entries[-1]]


def add_text(path: Path, text: str) -> None:
    """Add to a log for people by one write, after turning it over if it has grown too large. Raises `OSError`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with suppress(FileNotFoundError):
        if path.stat().st_size > MOST_BYTES:
            for number in range(MOST_OLD - 1, 0, -1):
                with suppress(FileNotFoundError):
                    path.with_name(f"{path.name}.{number}").replace(path.with_name(f"{path.name}.{number + 1}"))
            path.replace(path.with_name(f"{path.name}.1"))
    with path.open("ab", buffering=0) as stream:
        stream.write(text.encode())


def strict(entry: Mapping[str, object]) -> dict[str, object]:
    """An entry in strict JSON: NaN and the infinities, which it does not know, become text.

    >>> strict({"step": 3, "eval_loss": float("nan")})
    {'step': 3, 'eval_loss': 'NaN'}
    """
    words = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}
    return {
        key: words.get(repr(value), value) if isinstance(value, float) and not math.isfinite(value) else value
        for key, value in entry.items()
    }


def _is_evaluation(entry: Mapping[str, object]) -> bool:
    return any(key.startswith("eval_") for key in entry)


def _step(entry: Mapping[str, object]) -> int:
    step = entry.get("step")
    return step if isinstance(step, int) else 0


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, float | int) else None
