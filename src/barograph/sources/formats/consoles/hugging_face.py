"""What transformers' Trainer prints: a dict for each log, between the states of a progress bar.

TRL, Axolotl, Unsloth, LLaMA-Factory and ms-swift print through the same Trainer. No dict says its step; the bar does.
The bar is drawn at most ten times a second and lags behind, except right after a dict: whatever is printed through the
bar draws it anew. So a row waits for the next line, which nearly always is the bar with the step of that row.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import isclose
from typing import ClassVar, NamedTuple

from barograph.core.vocabulary import STEP_KEYS
from barograph.sources.base import decoded
from barograph.sources.formats.consoles.base import Console, Parser, Row, clean_lines
from barograph.sources.formats.consoles.printed import dict_in, settings_in
from barograph.sources.late import late
from barograph.sources.numbers import to_number
from barograph.sources.table import plain

__all__ = ["HUGGING_FACE", "HuggingFaceConsole"]

#: A progress bar. Only the Trainer's own have no description, but for ms-swift's `Train:`.
_BAR = late(r"(?:^|[\]}])\s*(?:Train:\s*)?\d{1,3}%\|[^|{}]{0,400}\|\s*(\d{1,15})/(\d{1,15}) \[")
#: What may stand before a dict: nothing, a bar, or the head of a record that some logger writes.
_BEFORE = late(r"(?:^|[\]>|-]|\b(?:DEBUG|INFO|WARNING|ERROR)(?::[\w.]+)?:?)\s*\Z")
_PLANNED = late(r"\bTotal (?:optimization )?steps = ([\d,]{1,20})")
_EPOCHS = late(r"\bNum Epochs = ([\d,]{1,20})")
#: A line that dumps settings begins like this.
_DUMP = late(r"""\s*(?:\w+\(|["']?\w+["']?\s*[:=]\s*\S+,?\s*$)""")
_STEPS = frozenset(plain(key) for key in STEP_KEYS)
#: No trainer has bars of more different totals than it evaluates data sets.
MOST_BARS = 1_000


class _Bar(NamedTuple):
    at: int
    total: int


@dataclass(slots=True)
class _Waiting:
    """A row of training whose step the next bar may tell, and the bar before it."""

    row: Row
    before: _Bar
    #: Whether it was printed behind the bar rather than through it: then the bar is drawn anew with the next step.
    is_behind: bool


class HuggingFaceConsole(Console):
    """Dicts of metrics, with a bar or without."""

    name: ClassVar[str] = "hugging_face"
    describes: ClassVar[str] = (
        "What transformers' Trainer prints, and with it TRL, Axolotl (also its `debug.log`), Unsloth and others: "
        "`{'loss': 0.69, ..., 'epoch': 0.1}` between the states of a progress bar, which tells the step."
    )
    checked: ClassVar[str] = (
        "what transformers 4.46 and 5.23 print (TRL 1.16, Axolotl 0.19), with and without a progress bar, "
        "and the log of a real run"
    )
    landmarks: ClassVar[tuple[str, ...]] = ("debug.log",)

    def recognises(self, path: str, head: bytes) -> bool:
        if b"{'" not in head and b'{"' not in head:
            return False
        bar_seen = False
        for line in clean_lines(decoded(head)[0]):
            bar_seen = bar_seen or _BAR.search(line) is not None
            if (found := _row_in(line)) and (bar_seen or _has_sign(found[0])) and _has_number(found[0]):
                return True
        return False

    def parser(self) -> Parser:
        return _Rows()


def _row_in(line: str) -> tuple[Row, int] | None:
    """The dict at the end of a line, if nothing stands before it that makes it somebody else's, and its beginning."""
    if "}" not in line[-8:] or not (found := dict_in(line)):
        return None
    row, begin = found
    return (row, begin) if _BEFORE.search(line, max(0, begin - 40), begin) or not line[:begin].strip() else None


def _has_sign(row: Row) -> bool:
    """Whether these are keys of a Trainer, or of whoever prints like one, and not JSON of something else."""
    return bool({"epoch", "loss", "eval_loss"} & row.keys()) and not row.keys() & {"current_steps", "log_history"}


def _has_number(row: Row) -> bool:
    return any(isinstance(to_number(value), float) for value in row.values())


def _is_totals(row: Row) -> bool:
    return "train_runtime" in row and bool({"train_loss", "train_samples_per_second"} & row.keys())


def _is_evaluation(row: Row) -> bool:
    return any(key.startswith(("eval_", "test_")) for key in row)


class _Rows(Parser):
    """Rows with the step that the bar tells, or else with the training that they belong to."""

    def __init__(self) -> None:
        self._config: dict[str, object] = {}
        self._bar: _Bar | None = None
        #: The last state of the bars by their totals, in the order in which they came.
        self._bars: dict[int, int] = {}
        self._waiting: _Waiting | None = None
        #: The step of the last row of training, and how far its bar is by now.
        self._placed: _Bar | None = None
        self._stride = 1
        self._at = 0
        #: Whether a bar of the same total as that of the training is drawn, as for an evaluation.
        self._is_nested = False
        self._totals: set[int] = set()
        #: Rows come in bundles, so that the bars between them tell nothing.
        self._bars_lie = False
        self._last: Row = {}
        self._training = 1
        self._first_epoch: float | None = None
        self._epoch = 0.0
        self._is_over = False
        self._counted = 0

    def line(self, line: str) -> Iterator[Row]:
        found = _row_in(line) if "}" in line else None
        head = line if found is None else line[: found[1]]
        bars = [_Bar(int(bar[1]), int(bar[2])) for bar in _BAR.finditer(head)] if "%|" in head else []
        for bar in bars:
            yield from self._see(bar)
        if found is not None:
            yield from self._take(found[0], is_behind_bar=bool(bars))
        elif not bars:
            self._learn(line)

    def end(self) -> Iterator[Row]:
        yield from self._settle(None)

    def config(self) -> dict[str, object]:
        config = dict(self._config)
        if len(self._totals) == 1:
            config["max_steps"] = next(iter(self._totals))
        elif self._totals:
            config.pop("max_steps", None)
        if self._bars_lie and self._training == 1 and (every := self._steps_a_row()):
            config.setdefault("logging_steps", every)
        return config

    def _learn(self, line: str) -> None:
        """Settings, from what is printed before the training begins."""
        if " = " in line:
            for pattern, name in ((_PLANNED, "max_steps"), (_EPOCHS, "num_train_epochs")):
                if (match := pattern.search(line)) and (digits := match[1].replace(",", "")):
                    self._config[name] = int(digits)
        if _DUMP.match(line) and len(line) < 20_000:
            self._config.update(settings_in(line))

    # Bars

    def _see(self, bar: _Bar) -> Iterator[Row]:
        yield from self._settle(bar)
        self._bar = bar
        if len(self._bars) < MOST_BARS:
            self._bars[bar.total] = bar.at
        if self._placed is not None and bar.total == self._placed.total and not self._is_nested:
            if bar.at < self._at:
                self._is_nested = True
            else:
                self._at = bar.at

    def _settle(self, after: _Bar | None) -> Iterator[Row]:
        """Give the row that waits its step, now that it is known what came behind it."""
        waiting, self._waiting = self._waiting, None
        if waiting is not None:
            bar = _bar_of_row(waiting.before, None if waiting.is_behind else after, self._placed)
            yield self._place(waiting.row, bar)

    def _place(self, row: Row, bar: _Bar) -> Row:
        if self._placed is not None and bar.at > self._placed.at:
            self._stride = bar.at - self._placed.at
        self._placed, self._at, self._is_nested = bar, bar.at, False
        self._totals.add(bar.total)
        return {"step": bar.at, **row}

    # Dicts

    def _take(self, row: Row, *, is_behind_bar: bool) -> Iterator[Row]:
        if _is_echo(row, self._last):
            return
        is_training = not _is_totals(row) and not _is_evaluation(row)
        if self._waiting is not None and is_training and row.get("epoch") != self._waiting.row.get("epoch"):
            yield from self._without_a_bar_between()
        yield from self._settle(None)
        self._last = row
        if any(plain(key) in _STEPS for key in row):
            yield row
        elif self._bar is None or self._bars_lie:
            yield self._without_step(row, is_training=is_training)
        elif not is_training:
            yield {"step": self._step_of_evaluation(), **row}
        else:
            self._waiting = _Waiting(row, self._bar, is_behind_bar)

    def _without_a_bar_between(self) -> Iterator[Row]:
        """Two rows of training follow each other directly. What is printed through a bar never does.

        If these are the first, all rows come in bundles, as from a program whose output is kept back; else only a few
        bars are missing here.
        """
        waiting = self._waiting
        if waiting is None:
            return
        if self._placed is None:
            self._bars_lie, self._waiting = True, None
            yield self._without_step(waiting.row, is_training=True)
        elif waiting.before.at <= self._placed.at:
            self._waiting = None
            yield self._place(waiting.row, _Bar(self._placed.at + self._stride, self._placed.total))

    def _step_of_evaluation(self) -> int:
        if self._placed is not None:
            return self._at
        # Before the first row of training the training's bar is the first; alone, a bar is the evaluation's own.
        return 0 if len(self._bars) < 2 else next(iter(self._bars.values()))

    def _without_step(self, row: Row, *, is_training: bool) -> Row:
        """A row that can only be counted, with the training it belongs to: one ends with totals or starts over."""
        if is_training:
            epoch = to_number(row.get("epoch"))
            if self._is_over or (isinstance(epoch, float) and self._starts_over(epoch)):
                self._training += 1
                self._first_epoch = None
            if isinstance(epoch, float):
                self._first_epoch = epoch if self._first_epoch is None else self._first_epoch
                self._epoch = epoch
            self._is_over = False
            self._counted += 1
        self._is_over = self._is_over or _is_totals(row)
        return {"run": f"training-{self._training}", **row}

    def _starts_over(self, epoch: float) -> bool:
        return self._first_epoch is not None and epoch <= self._first_epoch and epoch < self._epoch

    def _steps_a_row(self) -> int | None:
        """How many steps a row of a bundle stands for, if the bar's total leaves only one possibility."""
        total, rows = max(self._bars, default=0), self._counted
        if not rows or self._bars.get(total) != total:
            return None
        every = total // rows
        fitting = [guess for guess in (every - 1, every, every + 1) if guess > 0 and total // guess == rows]
        return fitting[0] if len(fitting) == 1 else None


def _bar_of_row(before: _Bar, after: _Bar | None, placed: _Bar | None) -> _Bar:
    """Which of the bars around a row is the training's. An evaluation has one of its own, with another total."""
    if after is None or after.total == before.total:
        return after or before
    if placed is not None and after.total == placed.total:
        return after
    return before


def _is_echo(row: Row, last: Row) -> bool:
    """Whether a row says again, in part, what the last one said, as LLaMA-Factory's own records do."""
    said_again = [(to_number(row.get(key)), to_number(last.get(key))) for key in ("loss", "epoch")]
    return len(row) < len(last) and all(
        isinstance(new, float) and isinstance(old, float) and isclose(new, old, rel_tol=2e-3, abs_tol=1e-4)
        for new, old in said_again
    )


HUGGING_FACE = HuggingFaceConsole()
