"""From a path to runs: every log in it read, and what it holds put in order."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TypeVar

from barograph.core.errors import UnreadableRun
from barograph.core.methods import Method
from barograph.core.run import Run
from barograph.sources.base import Document, GrowingSource, RawRun, unreadable
from barograph.sources.cache import entry_for
from barograph.sources.catalogue import SOURCES, failed, guarded
from barograph.sources.checkpoints import saved_beside
from barograph.sources.locate import Log, Place, find
from barograph.sources.naming import as_method, tells_something
from barograph.sources.normalise import normalise
from barograph.sources.remote import is_copy
from barograph.sources.wording import listed, visible

__all__ = [
    "How", "as_sentences", "begins_like_training", "facts_beside", "read_each", "read_place", "read_run",
    "read_with_doubt",
]  # fmt: skip

T = TypeVar("T")

#: So many bytes show whether a file that nobody named is a log.
ENOUGH = 1 << 20


@dataclass(frozen=True, slots=True)
class How:
    """What a reader was told: it wins over what the log says.

    `method` overrides what the log looks like, `config` what it says of its settings, `metrics` what a raw key means.
    """

    method: Method | str | None = None
    config: Mapping[str, object] = field(default_factory=dict)
    metrics: Mapping[str, str] = field(default_factory=dict)


def read_each(path: str | os.PathLike[str], how: How) -> Iterator[Run | UnreadableRun]:
    """Every run that a path stands for, and an error for each that cannot be read: one broken log hides no other.

    Raises `UnreadableRun` where there is none at all, and for an unknown method `ConfigurationError`.
    """
    as_method(how.method)
    places = find(path)
    doubtful: list[Run | UnreadableRun] = []
    any_read = False
    for place in places:
        # Of several places that a name was asked of, some may be the wrong ones.
        is_sure = not (place.only and len(places) > 1)
        for found, is_log in read_with_doubt(place, how):
            if is_log and (is_sure or isinstance(found, Run)):
                any_read = True
                yield found
            else:
                doubtful.append(found)
    if not any_read:
        yield from doubtful if len(places) == 1 or not places[0].only else doubtful[:1]


def read_with_doubt(place: Place, how: How) -> Iterator[tuple[Run | UnreadableRun, bool]]:
    """The runs in a place, or why there are none, each with whether it is a log: what nobody named may be none."""
    for found in _read(place, how):
        yield found, not place.is_guess or (isinstance(found, Run) and _looks_like_training(found))


def _read(place: Place, how: How) -> Iterator[Run | UnreadableRun]:
    """The runs in a place, or why there are none. What nobody named is looked into before it is read as a whole."""
    try:
        if place.is_guess and not begins_like_training(place, how):
            return
        yield from read_place(place, how)
    except UnreadableRun as error:
        yield error


def begins_like_training(place: Place, how: How) -> bool:
    """Whether the beginning of a large file promises a run: a folder may hold data sets of gigabytes."""
    log = place.logs[0]
    if not isinstance(log.source, GrowingSource) or log.document.place.stat().st_size <= ENOUGH:
        return True
    beginning = Document(log.document.path, log.document.head(ENOUGH).rpartition(b"\n")[0] + b"\n")
    try:
        return any(map(_looks_like_training, read_place(replace(place, logs=(Log(log.source, beginning),)), how)))
    except UnreadableRun:
        return log.source.looks_deep


def _looks_like_training(run: Run) -> bool:
    """Whether a file in some folder is a log after all, and no table of data with a column called `score`."""
    telling = sum(tells_something(series) for series in run.columns)
    return len(run) > 1 and ("loss" in run.columns or telling > 2 or not run.config.get("steps_are_counted"))


def read_run(
    path: str | os.PathLike[str],
    method: Method | str | None = None,
    config: Mapping[str, object] | None = None,
    metrics: Mapping[str, str] | None = None,
) -> Run:
    """The one run at a path. Of runs that follow each other in one log it is the last.

    Raises `UnreadableRun`, also where several runs lie side by side, and for an unknown method `ConfigurationError`.
    """
    found = list(read_each(path, How(method, config or {}, metrics or {})))
    runs = [run for run in found if isinstance(run, Run)]
    if not runs:
        raise next(error for error in found if isinstance(error, UnreadableRun))
    if len(runs) > 1 and all(run.attempt for run in runs):
        return runs[-1].noting(f"the log holds {len(runs)} runs one after the other; this is the last")
    if len(runs) > 1:
        names = ", ".join(visible(run.path, 300) for run in runs[:4]) + (", ..." if len(runs) > 4 else "")
        raise unreadable(os.fspath(path), f"holds {len(runs)} runs", f"name one of {names}")
    return runs[0]


def read_place(place: Place, how: How) -> list[Run]:
    """The runs in one place, from the first of its logs that can be read."""
    errors: list[UnreadableRun] = []
    for log in place.logs:
        try:
            return _read_log(place, log, how, errors)
        except UnreadableRun as error:
            errors.append(error)
    raise errors[0]


def _read_log(place: Place, log: Log, how: How, errors: Sequence[UnreadableRun]) -> list[Run]:
    """The runs in one log. `errors` are those of logs that should have told of the same run."""
    raws = _raw_runs(log)
    if place.only in (names := {raw.name: raw for raw in raws}):
        raws = [names[place.only]]
    beside = {**facts_beside(log), **saved_beside(log.document.place)} if log.document.data is None else {}
    runs: dict[str, Run] = {}
    failures: list[UnreadableRun] = []
    for raw in raws:
        raw.config = {**raw.config, **beside}
        if log.document.path != place.path:
            raw.notes.insert(0, f"read from {visible(os.path.relpath(log.document.path, place.path))}")
        raw.notes += [f"could not be read: {error}" for error in errors]
        path = f"{place.path}#{raw.name}" if raw.name and (len(raws) > 1 or place.only) else place.path
        try:
            found = normalise(raw, path=path, source=log.source.name, method=how.method, config=how.config,
                              metrics=how.metrics, is_one=log.source.one_run_a_log)  # fmt: skip
        except UnreadableRun as error:
            failures.append(error)
        else:
            runs.update((run.path.removeprefix(f"{place.path}#"), run) for run in found)
    if not runs:
        raise failures[0] if failures else unreadable(place.path, "holds no run", "is it still starting?")
    return _named(place, runs) if place.only else list(runs.values())


def _named(place: Place, found: Mapping[str, T]) -> list[T]:
    """What was asked for by its name."""
    if place.only not in found:
        problem = f"holds no run named '{visible(place.only)}'"
        has_names = len(found) > 1 or place.path not in found
        raise unreadable(
            place.path, problem, f"it holds {listed(found, 6)}" if has_names else "it holds one, without a name"
        )
    return [found[place.only]]


def facts_beside(log: Log) -> dict[str, object]:
    """What stands beside a log about its run."""
    place = str(log.document.place)
    return guarded(log.source, lambda: log.source.facts_beside(place), {})


@contextmanager
def as_sentences(log: Log) -> Iterator[None]:
    """Whatever goes wrong while a log is read is one sentence."""
    path = log.document.path
    try:
        yield
    except OSError as error:
        raise failed(path, error) from None
    except MemoryError:
        raise unreadable(path, "is too large for the memory of this machine") from None
    except UnreadableRun as error:
        raise _without_copies(error, log.document) from None
    except Exception as error:
        if log.source in SOURCES:
            raise
        problem = f"could not be read by the plugin {log.source.name} ({type(error).__name__}: {visible(error)})"
        raise unreadable(path, problem, "BAROGRAPH_PLUGINS=off does without plugins") from None


def _without_copies(error: UnreadableRun, document: Document) -> UnreadableRun:
    """The same error, naming what lies beside a remote log by its URL, not by the copy of it."""
    if not is_copy(document.place):
        return error
    here, there = str(document.place.parent), document.path.rpartition("/")[0]
    return UnreadableRun(*(said.replace(here, there) for said in (error.path, error.problem, error.cure)))


def _raw_runs(log: Log) -> list[RawRun]:
    """What a log holds, from its kept columns where there are any."""
    document = log.document
    may_be_kept = log.source.may_be_cached and document.data is None and not is_copy(document.place)
    entry = entry_for(str(document.place), log.source.name) if may_be_kept else None
    kept = entry.load() if entry is not None else None
    if kept is not None:
        return [kept]
    with as_sentences(log):
        raws = list(log.source.read(document))
        if not all(isinstance(raw, RawRun) for raw in raws):
            raise TypeError("what it gives are no RawRuns")
    for raw in raws:
        raw.notes += document.notes
    if entry is not None and len(raws) == 1:
        entry.store(raws[0])
    return raws
