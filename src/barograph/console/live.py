"""A run as it is seen in the terminal where it is trained: table, warnings, progress, and the last word."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterable, Mapping
from time import monotonic
from typing import TextIO

from barograph.console.boxes import decision_box, finding_box, wrapped
from barograph.console.closing import closing
from barograph.console.epoch_summary import epoch_summary, rank
from barograph.console.live_table import LiveTable
from barograph.console.progress_bars import bar_lines, clock, facts_line
from barograph.console.screen import Screen
from barograph.console.terminal import clean
from barograph.core.decision import Decision
from barograph.core.epochs import Epoch, Epochs, is_of_evaluation, kinds_of
from barograph.core.finding import Diagnosis, Finding
from barograph.core.listener import Listener
from barograph.core.names import COUNTERS, catalogue, split_of
from barograph.core.run import Run

__all__ = ["LiveConsole"]

#: A bar is drawn again after so many seconds at the earliest.
REDRAW_EVERY = 0.1
#: What configurations call the number of epochs.
EPOCHS = ("num_train_epochs", "num_epochs", "total_epochs", "epochs")
#: So many numbers of an evaluation are shown in its line.
MOST_OF_EVALUATION = 6


class LiveConsole(Listener):
    """Shows a run on a stream, standard output unless another is named.

    A row of the table is shown every `every` steps. `style` is a table of `live_table.STYLES`, or `auto`: the one of
    the method. Where the stream is no terminal, the same lines are written, and no bars.
    """

    def __init__(
        self,
        stream: TextIO | None = None,
        every: int = 5,
        style: str = "auto",
        *,
        timer: Callable[[], float] = monotonic,
    ) -> None:
        self.screen = Screen(stream or sys.stdout)
        self.every = max(1, every)
        self._timer = timer
        self._table = LiveTable(style)
        self._epochs = Epochs()
        self._config: Mapping[str, object] = {}
        self._folder = ""
        self._decisions: list[Decision] = []
        self._first: tuple[int, float] | None = None
        self._last_step = 0
        self._shown_step = 0
        self._is_row_waiting = False
        self._drawn_at = -math.inf
        self._epoch_seconds: list[float] = []
        self._evaluating_since: float | None = None

    # What a listener hears

    def started(self, folder: str, method: str, config: Mapping[str, object]) -> None:
        self._folder, self._config = folder, config
        self._table.method = method

    def logged(self, step: int, raw: Mapping[str, object], values: Mapping[str, float]) -> None:
        if "train_runtime" in raw:  # The totals that a trainer logs at its end are no row of the run.
            return
        now = self._timer()
        if self._first is None or step < self._last_step:
            self._first = (step, now)
            self._shown_step = min(self._shown_step, step - 1)
        self._last_step = step
        over = self._epochs.add(step, values, now)
        if over is not None and "epoch_time" not in values:
            self._summarise(over)
        self._table.absorb(values)
        kinds = kinds_of(tuple(values))
        if kinds.is_training:
            self._is_row_waiting = True
        if self._is_row_waiting and step // self.every > self._shown_step // self.every:
            self._show_row(step)
        if over is not None and "epoch_time" in values:
            self._summarise(over)
        elif kinds.evaluation:
            self._show_evaluation(step, values)
        if self.screen.can_redraw and now - self._drawn_at >= REDRAW_EVERY:
            self._drawn_at = now
            self._draw_epoch(step, values, now)

    def went_back(self, step: int, run: Run) -> None:
        self._epochs.go_back(step, run)

    def found(self, finding: Finding) -> None:
        self._say(finding_box(finding, self.screen.terminal))

    def decided(self, decision: Decision) -> None:
        self._decisions.append(decision)
        self._say(decision_box(decision, self.screen.terminal))

    def told(self, sentence: str) -> None:
        self._say([self.screen.terminal.paint(f"barograph: {clean(sentence)}", "dim")])

    def ended(self, diagnosis: Diagnosis | None) -> None:
        self.screen.wipe()
        if self._is_row_waiting:
            self._show_row(self._last_step)
        over = self._epochs.close(self._timer())
        if over is not None and over.number:
            self._summarise(over)
        self._say(closing(self._folder, diagnosis, self._decisions, self.screen.measure()))

    # What a loop may show besides

    def evaluating(self, done: int, total: int, **facts: object) -> None:
        """How far an evaluation is: `evaluating(5, 20, processed=40, avg_reward=0.7)`."""
        now = self._timer()
        if self._evaluating_since is None:
            self._evaluating_since = now
        is_over = done >= total
        if is_over or now - self._drawn_at >= REDRAW_EVERY:
            self._drawn_at = now
            seconds = now - self._evaluating_since
            terminal = self.screen.measure()
            line = facts_line(facts) if facts else ""
            bar = bar_lines("Evaluating", done, total, seconds, terminal, facts=line)
            if is_over:  # The last state stays, as that of other bars does.
                self.screen.wipe()
                self.screen.say(bar)
            else:
                self.screen.draw(bar)
        if is_over:
            self._evaluating_since = None

    # The parts

    def _say(self, lines: Iterable[str]) -> None:
        self.screen.say(lines)

    def _show_row(self, step: int) -> None:
        self._is_row_waiting = False
        self._shown_step = step
        left = self._seconds_left()
        self._say(self._table.lines(step, self.screen.measure(), clock(left) if left is not None else ""))

    def _show_evaluation(self, step: int, values: Mapping[str, float]) -> None:
        """One line for each split that was evaluated."""
        by_split: dict[str, list[str]] = {}
        for series in sorted(values, key=rank):
            value = values[series]
            split, name = split_of(series)
            if is_of_evaluation(series) and name not in COUNTERS and not name.endswith("_per_second"):
                by_split.setdefault(split.removeprefix("eval").removeprefix("/"), []).append(_said(name, value))
        for split, said in by_split.items():
            which = f" of {clean(split)}" if split and split != "train" else ""
            more = f", and {len(said) - MOST_OF_EVALUATION} more" if len(said) > MOST_OF_EVALUATION else ""
            text = f"Evaluation{which} at step {step:,}: {', '.join(said[:MOST_OF_EVALUATION])}{more}"
            self._say(wrapped(text, "  ", "    ", self.screen.measure(), "cyan"))

    def _summarise(self, epoch: Epoch) -> None:
        if epoch.seconds is not None:
            self._epoch_seconds.append(epoch.seconds)
        pace = epoch.training.get("samples_per_second")
        if pace is None and epoch.seconds:
            samples = self._number("train_samples", "num_train_samples", "train_dataset_size")
            pace = samples / epoch.seconds if samples else None
        left = self._epochs_left(epoch)
        self._say(epoch_summary(epoch, self.screen.measure(), pace=pace, left=left))
        self._table.again()

    def _draw_epoch(self, step: int, values: Mapping[str, float], now: float) -> None:
        """The bar of the epoch, if it is known how long an epoch is; else that of the whole run."""
        total = self._number("max_steps")
        if not total or self._first is None:
            return
        epochs = self._number(*EPOCHS)
        title, done, of = "Training", step, int(total)
        if epochs and epochs >= 1 and "epoch" in values:
            each = total / math.ceil(epochs)
            number = min(math.ceil(epochs), max(1, math.ceil(values["epoch"] - 1e-6)))
            title = f"Epoch {number}/{math.ceil(epochs)}"
            done, of = round(step - (number - 1) * each), round(each)
        first, began = self._first
        steps = step - first
        spent = (now - began) / steps * done if steps > 0 else 0.0
        shown = {"loss": values.get("loss"), "reward": values.get("score_mean"),
                 "margin": values.get("reward_margin"), "lr": values.get("lr"),
                 "step": f"{step}/{total:.0f}"}  # fmt: skip
        terminal = self.screen.terminal
        self.screen.draw(bar_lines(title, max(0, done), of, spent, terminal, unit="step", facts=facts_line(shown)))

    # Time

    def _seconds_left(self) -> float | None:
        """By the pace since the run began or was resumed."""
        total = self._number("max_steps")
        if not total or self._first is None or self._last_step <= self._first[0]:
            return None
        step, began = self._first
        each = (self._timer() - began) / (self._last_step - step)
        return max(0.0, each * (total - self._last_step))

    def _epochs_left(self, epoch: Epoch) -> float | None:
        if self._number("max_steps"):
            return self._seconds_left()
        epochs = self._number(*EPOCHS)
        if not epochs or not self._epoch_seconds:
            return None
        mean = sum(self._epoch_seconds) / len(self._epoch_seconds)
        return max(0.0, mean * (epochs - epoch.number))

    def _number(self, *names: str) -> float | None:
        """A setting of the run that is a number above zero."""
        for name in names:
            value = self._config.get(name)
            if isinstance(value, int | float) and value > 0:
                return float(value)
        return None


def _said(name: str, value: float) -> str:
    metric = catalogue().get(name)
    title = metric.title.lower() if metric and metric.title[1:].islower() else metric.title if metric else clean(name)
    return f"{title} {value:.4g}"
