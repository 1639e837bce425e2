"""Metrics over many pairs: in several processes where that is worth it, with the same values for any number of them."""

from __future__ import annotations

import multiprocessing
import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass

from barograph.core.errors import BarographError
from barograph.text.interval import Difference, Interval, bootstrap, paired_test
from barograph.text.score import Metric, Pair, Score
from barograph.text.variety import Variety, variety

__all__ = ["Evaluation", "Progress", "Result", "compare", "evaluate"]

#: Pairs that are handed to a process at once.
CHUNK = 50
#: Pairs that a model is given at once: it puts those of a like length together.
CHUNK_FOR_A_MODEL = 512
#: With fewer seconds left to do, other processes are not asked: they take a second or two to begin.
WORTH_PROCESSES = 6.0


@dataclass(frozen=True, slots=True)
class Progress:
    """How far it has come."""

    metrics: tuple[str, ...]
    done: int
    total: int
    #: The corpus value of each metric over the pairs so far.
    so_far: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Result:
    """One metric over all pairs."""

    metric: Metric
    score: Score
    interval: Interval | None
    #: Of each pair, in their order.
    scores: tuple[Score, ...]

    @property
    def applied(self) -> int:
        """How many pairs the metric applies to."""
        return sum(score.value is not None for score in self.scores)


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Every metric over all pairs, and what the predictions are like by themselves."""

    pairs: tuple[Pair, ...]
    results: tuple[Result, ...]
    variety: Variety


def evaluate(
    pairs: Sequence[Pair],
    metrics: Sequence[Metric],
    *,
    workers: int = 1,
    progress: Callable[[Progress], None] | None = None,
) -> Evaluation:
    """Score each pair by each metric, and all of them together.

    With more than one worker, call it under `if __name__ == "__main__":` in a script, as all of `multiprocessing`.
    """
    references = [pair.references for pair in pairs]
    ready = [metric.prepared(references) for metric in metrics]
    light = [metric for metric in ready if not metric.holds_a_model]
    found: dict[str, list[Score]] = {}
    if light:
        found.update(_gathered(light, pairs, _chunks_scored(light, pairs, workers), progress))
    for metric in ready:
        if metric.holds_a_model:
            chunks = ([metric.scores(chunk)] for chunk in _chunks(pairs, CHUNK_FOR_A_MODEL))
            found.update(_gathered([metric], pairs, chunks, progress))
    results = tuple(
        Result(
            metric,
            metric.corpus_of(found[metric.name]),
            bootstrap(metric, found[metric.name]),
            tuple(found[metric.name]),
        )
        for metric in ready
    )
    return Evaluation(tuple(pairs), results, variety(pairs))


def compare(ours: Evaluation, theirs: Evaluation) -> dict[str, Difference | None]:
    """By how much one system is better than the other, by each metric."""
    return {
        one.metric.name: paired_test(one.metric, one.scores, other.scores)
        for one, other in zip(ours.results, theirs.results, strict=True)
    }


def _gathered(
    metrics: Sequence[Metric],
    pairs: Sequence[Pair],
    chunks: Iterator[list[list[Score]]],
    progress: Callable[[Progress], None] | None,
) -> dict[str, list[Score]]:
    """The scores of each metric, as chunk after chunk comes in."""
    found: dict[str, list[Score]] = {metric.name: [] for metric in metrics}
    totals: dict[str, list[float]] = {}
    for columns in chunks:
        for metric, scores in zip(metrics, columns, strict=True):
            found[metric.name] += scores
            if progress is not None:
                counts = [metric.counts_of(score) for score in scores]
                before = totals.get(metric.name, [0.0] * len(counts[0]))
                totals[metric.name] = [sum(column) for column in zip(before, *counts, strict=True)]
        if progress is not None:
            values = {metric.name: metric.value_of(totals[metric.name]) for metric in metrics}
            known = {name: value for name, value in values.items() if value is not None}
            progress(Progress(tuple(found), len(found[metrics[0].name]), len(pairs), known))
    return found


def _chunks(pairs: Sequence[Pair], size: int) -> Iterator[Sequence[Pair]]:
    for first in range(0, len(pairs), size):
        yield pairs[first : first + size]


def _chunks_scored(metrics: Sequence[Metric], pairs: Sequence[Pair], workers: int) -> Iterator[list[list[Score]]]:
    """Chunk after chunk in order: begun here, so that little work and first errors need no other process."""
    chunks = list(_chunks(pairs, CHUNK))
    begun = time.monotonic()
    for done, chunk in enumerate(chunks):
        spent = time.monotonic() - begun
        if workers > 1 and done and spent / done * (len(chunks) - done) > WORTH_PROCESSES:
            yield from _in_processes(metrics, chunks[done:], workers)
            return
        yield [metric.scores(chunk) for metric in metrics]


def _in_processes(
    metrics: Sequence[Metric], chunks: Sequence[Sequence[Pair]], workers: int
) -> Iterator[list[list[Score]]]:
    # Started anew and not forked: a fork beside the threads of other libraries may hang.
    fresh = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(min(workers, len(chunks)), fresh, initializer=_begin, initargs=(tuple(metrics),))
    try:
        yield from pool.map(_scored, chunks)
    except BrokenProcessPool:
        raise BarographError(
            "a process that was scoring has ended, most often for want of memory; use fewer with --workers"
        ) from None
    finally:
        pool.shutdown(cancel_futures=True)


#: What a process scores by: sent once, when it begins.
_OURS: list[Metric] = []


def _begin(metrics: Sequence[Metric]) -> None:
    # Ctrl-C is for the process that a person talks to; it ends the others.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _OURS[:] = metrics


def _scored(chunk: Sequence[Pair]) -> list[list[Score]]:
    return [metric.scores(chunk) for metric in _OURS]
