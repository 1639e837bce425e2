"""The run in a notebook: one block that is drawn anew as the run goes on, in place of lines that scroll away.

A row costs as good as nothing: it is put aside until the block is drawn. Drawing takes the longer the more there is, so
the next one waits as long as keeps all of them within a small share of the training.
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from time import monotonic
from typing import Any

from barograph.charts.block import Moment, block, in_words
from barograph.charts.drawing import View, charts_of, panels_by_need
from barograph.console.watch_view import duration
from barograph.core.bands import stage_at
from barograph.core.decision import Decision
from barograph.core.finding import Diagnosis, Finding
from barograph.core.growing_run import GrowingRun
from barograph.core.listener import Listener
from barograph.core.methods import Method
from barograph.core.run import Run
from barograph.monitor.watcher import planned_steps, share_done

__all__ = ["NotebookBlock"]

#: The block is drawn again after so many seconds at the earliest, and so that drawing takes no more than this share.
REDRAW_EVERY, SHARE = 0.5, 0.02
#: What must not wait, as a finding, is drawn at once, unless the next drawing is so many seconds away already.
AHEAD = 10.0
#: So many rows are put aside at most.
MOST_WAITING = 1_000
#: So many charts are drawn, each with about two places for three pixels.
CHARTS, PLACES = 4, 200
EVENTS = ("wants_rows", "logged", "went_back", "found", "decided", "told", "ended")


class NotebookBlock(Listener):
    """Shows a run below the cell where it was started.

    Where that fails, `otherwise` hears of the run from then on.
    """

    def __init__(self, otherwise: Listener, *, timer: Callable[[], float] = monotonic) -> None:
        self._otherwise = otherwise
        self._timer = timer
        self._due = -math.inf
        self._handle: Any = None
        self._so_far: Callable[[Run], Diagnosis] | None = None
        self._folder, self._method = "", Method.UNKNOWN.value
        self._config: Mapping[str, object] = {}
        self._waiting: list[tuple[int, Mapping[str, float]]] = []
        self._run = GrowingRun()
        #: The step and the time from which the pace is taken.
        self._first: tuple[int, float] | None = None
        self._decisions: list[Decision] = []
        self._remarks: list[str] = []
        self._is_over = False

    # What a listener hears

    def introduced(self, so_far: Callable[[Run], Diagnosis]) -> None:
        self._so_far = so_far

    def started(self, folder: str, method: str, config: Mapping[str, object]) -> None:
        self._folder, self._method, self._config = folder, method, config
        self._draw()

    def logged(self, step: int, raw: Mapping[str, object], values: Mapping[str, float]) -> None:
        self._waiting.append((step, values))
        now = self._timer()
        if self._first is None:
            self._first = (step, now)
        if now >= self._due:
            self._draw()
        elif len(self._waiting) >= MOST_WAITING:
            self._take_rows()

    def went_back(self, step: int, run: Run) -> None:
        self._waiting.clear()
        self._run.go_back(step, run)
        self._first = None

    def found(self, finding: Finding) -> None:
        self._draw_at_once("found", finding)

    def decided(self, decision: Decision) -> None:
        self._decisions.append(decision)
        self._draw_at_once("decided", decision)

    def told(self, sentence: str) -> None:
        self._remarks.append(sentence)
        self._draw_at_once("told", sentence)

    def ended(self, diagnosis: Diagnosis | None) -> None:
        self._is_over = True
        self._due = -math.inf
        self._draw_at_once("ended", diagnosis, last=diagnosis)

    # Drawing

    def _draw_at_once(self, event: str, about: object, last: Diagnosis | None = None) -> None:
        """Draw what must not wait for the next row, which may be long in coming."""
        if self._due - self._timer() > AHEAD:
            return
        try:
            self._draw(last)
        except Exception:
            getattr(self._otherwise, event)(about)
            raise

    def _draw(self, last: Diagnosis | None = None) -> None:
        began = self._timer()
        try:
            moment = self._moment(began, last)
            self._show({"text/html": block(moment), "text/plain": in_words(moment)})
        except Exception:
            self._hand_over()
            raise  # The monitor counts it and tells it, which is heard then.
        spent = self._timer() - began
        self._due = max(self._due, began) + spent + max(REDRAW_EVERY, spent / SHARE)

    def _show(self, data: Mapping[str, str]) -> None:
        if self._handle is None:
            display = importlib.import_module("IPython.display")
            self._handle = display.display(data, raw=True, display_id=True)
        else:
            self._handle.update(data, raw=True)

    def _hand_over(self) -> None:
        self._otherwise.started(self._folder, self._method, self._config)
        for event in EVENTS:
            setattr(self, event, getattr(self._otherwise, event))

    # What there is to see

    def _take_rows(self) -> None:
        for step, values in self._waiting:
            self._run.add(step, values)
        self._waiting.clear()

    def _moment(self, now: float, last: Diagnosis | None) -> Moment:
        self._take_rows()
        run = self._run.run(self._folder, Method(self._method), self._config)
        told = Moment(folder=self._folder, decisions=self._decisions, remarks=self._remarks, is_over=self._is_over)
        diagnosis = last
        if not self._is_over and self._so_far is not None and len(run):
            diagnosis = self._so_far(run)
        if diagnosis is None:
            return replace(told, progress=["no rows" if told.is_over else "waiting for the first row"])
        run = replace(run, method=Method(diagnosis.method))
        names = [panel.name for panel in panels_by_need(run, diagnosis)[:CHARTS]]
        share = share_done(run)
        return replace(
            told,
            diagnosis=diagnosis,
            charts=charts_of(run, diagnosis, View(PLACES), only=names),
            share=share,
            progress=self._progress(run, share, now),
        )

    def _progress(self, run: Run, share: float | None, now: float) -> list[str]:
        """How far the run is, in words."""
        planned = planned_steps(run)
        words = [run.method.value, f"step {run.last_step:,}" + (f" of {planned:,}" if planned else "")]
        if self._is_over:
            return words
        if share is not None:
            words.append(f"{stage_at(share).value} stage")
        if planned and self._first is not None and run.last_step > self._first[0]:
            step, began = self._first
            left = (now - began) / (run.last_step - step) * (planned - run.last_step)
            words.append(f"{duration(left)} left")
        return words
