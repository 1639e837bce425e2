"""What lies behind the addresses: the shelf, the desk, and what the page asks of them. Plain calls, plain data."""

from __future__ import annotations

import os
import threading
import time
from collections import OrderedDict
from collections.abc import Collection, Sequence
from contextlib import ExitStack
from typing import NamedTuple

from barograph.charts.comparison import Comparison, check_how_many, compared
from barograph.charts.drawing import View, charts_of, panels_by_need
from barograph.charts.overlay import overlay
from barograph.charts.report import report
from barograph.core.errors import ConfigurationError, UnreadableRun
from barograph.core.file_names import home_of, plain_name
from barograph.core.run import Run
from barograph.engine.settings import Settings
from barograph.pages import page_of
from barograph.sources.samples import Samples, samples_of
from barograph.web.answers import (
    about_card,
    about_chart,
    about_comparison,
    about_diagnosis,
    about_panel,
    about_scene,
)
from barograph.web.desk import Desk, OpenRun
from barograph.web.shelf import Shelf

__all__ = ["Asked", "NotHere", "Room"]

#: A run that is read and judged within so many seconds is told as a whole at once; of another what there is by then.
PATIENCE = 0.25
#: So long whoever asks for a run waits for the first of it.
LONGEST = 60.0
#: Comparisons that are kept while none of their runs changes.
KEPT = 4
#: What a model said is listed anew, while the run grows, when so many times as long has passed as listing it took.
LISTING_RESTS = 10.0
#: Rows of what a model said, on one page.
SAMPLES = 25


class NotHere(UnreadableRun):
    """A run that is not in this folder."""


class Asked(NamedTuple):
    """Which runs are to be compared, and how."""

    keys: tuple[str, ...]
    by: str = "step"
    at: int | None = None
    in_nats: bool = False


class Listed(NamedTuple):
    """What a model said, as it was listed: for which state of the run, when, and how long that took."""

    samples: Samples | None
    version: int
    at: float
    took: float


class Room:
    """Everything the page can ask for."""

    def __init__(self, root: str, settings: Settings) -> None:
        self.desk = Desk(settings)
        self.shelf = Shelf(root, settings, self.desk)
        self._settings = settings
        self._why = {rule.code: rule.sections().get("Why", "") for rule in settings.rules}
        self._compared: OrderedDict[tuple[object, ...], Comparison] = OrderedDict()
        self._comparing = threading.Lock()
        self._samples: dict[str, Listed] = {}
        self._sampling = threading.Lock()

    def close(self) -> None:
        """Let go of every log, and of whoever waits."""
        self.shelf.close()
        self.desk.close()

    # What the page asks for

    def runs(self) -> dict[str, object]:
        """The list."""
        self.shelf.refresh(PATIENCE)
        return {
            "root": self.shelf.root,
            "version": self.shelf.version,
            "trouble": self.shelf.trouble,
            "runs": [about_card(card) for card in self.shelf.cards()],
        }

    def run(self, key: str) -> dict[str, object]:
        """A run without its lines. Of one that takes long it is what is known by then."""
        opened = self._opened(key)
        opened.is_read.wait(PATIENCE)
        with opened.lock:
            run = _begun(key, opened)
            diagnosis = opened.diagnosis()
            return {
                "key": key,
                "version": opened.version,
                "is_read": opened.is_read.is_set(),
                "is_sketch": opened.is_sketch,
                "changed": opened.changed,
                "scene": about_scene(opened.scene()),
                "diagnosis": about_diagnosis(diagnosis, run, self._why),
                "panels": [about_panel(panel) for panel in panels_by_need(run, diagnosis)],
            }

    def charts(self, key: str, names: Collection[str], view: View) -> dict[str, object]:
        """Some charts of a run, with their lines."""
        opened = self._opened(key)
        with opened.lock:
            run = _begun(key, opened)
            charts = charts_of(run, opened.diagnosis(), view, only=names)
            span = [run.first_step, run.last_step]
            return {"version": opened.version, "span": span, "charts": [about_chart(chart) for chart in charts]}

    def compare(self, asked: Asked) -> dict[str, object]:
        """Several runs side by side, without their lines."""
        comparison = self._comparison(asked)
        keys = {self._path(key): key for key in asked.keys}
        return {**about_comparison(comparison, keys), "versions": self.versions(asked.keys)}

    def compared(self, asked: Asked, names: Collection[str], view: View) -> dict[str, object]:
        """Some charts of several runs, with their lines."""
        comparison = self._comparison(asked)
        with self._all_held(asked.keys):
            charts = overlay(comparison, asked.by, view, only=names)
        ends = [step for one in comparison.contestants for step in (one.run.first_step, one.run.last_step)]
        span = [min(ends), max(ends)] if asked.by == "step" else None
        return {"span": span, "charts": [about_chart(chart) for chart in charts]}

    def report(self, key: str) -> tuple[str, str]:
        """A run as one file: what it may be called, and what stands in it."""
        opened = self._read(key)
        with opened.lock:
            document = report(page_of(_begun(key, opened), opened.diagnosis(), self._settings))
        return f"{plain_name(key)}.html", document

    def samples(self, key: str, step: str, text: str, first: int) -> dict[str, object]:
        """What the model said: a page of the rows of a step that hold a text, `all` of the steps or the latest one."""
        opened = self._opened(key)
        with self._sampling:
            listed = self._samples.pop(key, None)
            wait = 0.0
            if listed is not None and listed.version != opened.version:
                wait = listed.at + LISTING_RESTS * listed.took - time.monotonic()
            if listed is None or (listed.version != opened.version and wait <= 0):
                listed = _listed(self._path(key), opened.version)
            self._samples[key] = listed
            while len(self._samples) > KEPT:
                self._samples.pop(next(iter(self._samples)))
        samples = listed.samples
        # Whoever was told of an older state may ask again then.
        again = {"again": wait} if wait > 0 else {}
        if samples is None or not samples.steps:
            notes = list(samples.notes) if samples else []
            return {"steps": [], "columns": [], "rows": [], "total": 0, "notes": notes, **again}
        at = None if step == "all" else _whole(step) if step else samples.steps[-1]
        rows, total = samples.find(text, at, first, SAMPLES)
        columns = list(dict.fromkeys([*samples.columns, *(name for row in rows for name in row)]))
        return {"steps": list(samples.steps), "columns": columns, "rows": rows, "total": total,
                "page": SAMPLES, "notes": list(samples.notes), **again}  # fmt: skip

    # What changes

    def look(self, key: str) -> None:
        """Take what has been written to a run since the last look."""
        path = self.shelf.path_of(key)
        if path is not None:
            self.desk.at(path).look()

    def versions(self, keys: Sequence[str]) -> dict[str, int]:
        """What has changed is known by its number having risen. What never was in the folder has none."""
        found = ((key, self.shelf.path_of(key)) for key in keys)
        return {key: self.desk.at(path).version for key, path in found if path is not None}

    # Within

    def _path(self, key: str) -> str:
        path = self.shelf.looked_up(key)
        if path is None:
            raise NotHere(key, "is no run in this folder", "has it been removed?")
        return path

    def _opened(self, key: str) -> OpenRun:
        opened = self.desk.at(self._path(key))
        opened.has_begun.wait(LONGEST)
        self._look_once(opened, PATIENCE)
        return opened

    def _read(self, key: str) -> OpenRun:
        opened = self.desk.at(self._path(key))
        opened.is_read.wait(LONGEST)
        self._look_once(opened, LONGEST)
        _begun(key, opened)
        return opened

    def _look_once(self, opened: OpenRun, longest: float) -> None:
        """Where no page looks all the time, whoever asks is told how it stands now."""
        if opened.is_read.is_set() and not self.desk.is_looked_at(opened.path):
            look = threading.Thread(target=opened.look, name=f"looks at {opened.path}", daemon=True)
            look.start()
            look.join(longest)

    def _comparison(self, asked: Asked) -> Comparison:
        check_how_many(len(asked.keys))
        for key in asked.keys:  # All of them begin to be read.
            self._look_once(self.desk.at(self._path(key)), LONGEST)
        with self.desk.looking([self._path(key) for key in asked.keys]):
            opened = [self._read(key) for key in asked.keys]
        known = (asked._replace(by=""), *(one.version for one in opened))
        with self._comparing:
            if known not in self._compared:
                with self._all_held(asked.keys):
                    pairs = [(one.diagnosis(), one.run) for one in opened if one.run is not None]
                    self._compared[known] = compared(pairs, at=asked.at, in_nats=asked.in_nats)
                while len(self._compared) > KEPT:
                    self._compared.popitem(last=False)
            return self._compared[known]

    def _all_held(self, keys: Sequence[str]) -> ExitStack:
        """None of these runs grows meanwhile."""
        stack = ExitStack()
        for path in sorted({self._path(key) for key in keys}):  # In one order, so that no two wait for each other.
            stack.enter_context(self.desk.at(path).lock)
        return stack


def _begun(key: str, opened: OpenRun) -> Run:
    """What there is of a run."""
    if opened.run is None:
        trouble = opened.trouble.removeprefix(f"{opened.path}: ")
        raise UnreadableRun(key, trouble or "is still being read")
    return opened.run


def _listed(path: str, version: int) -> Listed:
    begun = time.monotonic()
    samples = _samples_beside(path)
    now = time.monotonic()
    return Listed(samples, version, now, now - begun)


def _samples_beside(path: str) -> Samples | None:
    """What the model said, where the run still lies somewhere."""
    is_there = any(map(os.path.lexists, (path, path.rpartition("#")[0])))
    return samples_of(home_of(path)) if is_there else None


def _whole(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise ConfigurationError(f"step: {text!r} is no whole number") from None
