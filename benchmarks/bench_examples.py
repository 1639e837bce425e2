"""What does it cost to keep the margins of all examples? Per step beside the step itself, and for a million of them.

    python benchmarks/bench_examples.py                        # a tiny model on the processor; needs the `train` extra
    python benchmarks/bench_examples.py --size 0.5 --steps 40  # half a billion weights, as on a GPU
    python benchmarks/bench_examples.py --write                # into docs/data-map.md

The callback trains with `examples=True` and with `examples=False`, in turns. Told are the median time of a step, and
what of it is spent on examples: numbering and putting together batches, listening to the loss, fetching, writing.
"""

from __future__ import annotations

import argparse
import functools
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import bench_overhead
import measured_blocks
import numpy as np
import torch
import transformers
from bench_overhead import Clock

from barograph.data.looks import Look, Looks
from barograph.data.map import map_of
from barograph.trainers.callback import BarographCallback
from barograph.trainers.examples import Collated, ExampleWatch, Numbered

PAGE = Path(__file__).parent.parent / "docs/data-map.md"
MILLION, BATCH, EPOCHS = 1_000_000, 256, 3


class Stopwatch:
    """The time inside some methods, beside what these call of the training itself."""

    def __init__(self) -> None:
        self.spent = 0.0

    def on(self, owner: type, name: str) -> Callable[[], None]:
        """Time a method; gives what undoes it."""
        original = getattr(owner, name)

        @functools.wraps(original)
        def timed(*arguments: Any, **named: Any) -> Any:
            begun = time.perf_counter()
            try:
                return original(*arguments, **named)
            finally:
                self.spent += time.perf_counter() - begun

        setattr(owner, name, timed)
        return lambda: setattr(owner, name, original)


def inner(watch: Stopwatch) -> Callable[[], None]:
    """Time that listening to a loss, or putting a batch together, leaves to what did it before."""
    original = Collated.__init__, ExampleWatch.attach

    def collating(self: Collated, collate: Callable[[Any], Any]) -> None:
        original[0](self, _less(watch, collate))

    def attach(self: ExampleWatch, loader: Any) -> bool:
        can = original[1](self, loader)
        self._compute_loss = _less(watch, self._compute_loss)
        return can

    Collated.__init__, ExampleWatch.attach = collating, attach  # type: ignore[method-assign] - while it is timed

    def undo() -> None:
        Collated.__init__, ExampleWatch.attach = original  # type: ignore[method-assign] - put back

    return undo


def _less(watch: Stopwatch, call: Any) -> Any:
    def called(*arguments: Any, **named: Any) -> Any:
        begun = time.perf_counter()
        try:
            return call(*arguments, **named)
        finally:
            watch.spent -= time.perf_counter() - begun

    return called


def a_step(method: str, given: argparse.Namespace, base: Any) -> str:
    """A line of the table: steps with and without, in turns."""
    medians: dict[bool, list[float]] = {True: [], False: []}
    spent = []
    for keeps in (False, True, True, False):
        clock, watch = Clock(), Stopwatch()
        undo = [watch.on(Numbered, "__getitems__")] if keeps else []
        if keeps:
            undo += [watch.on(Collated, "__call__"), watch.on(ExampleWatch, "_listening")]
            undo += [watch.on(ExampleWatch, "step"), inner(watch)]
        with tempfile.TemporaryDirectory() as folder:
            callback = BarographCallback(console=False, examples=keeps)
            bench_overhead.trained(method, given, Path(folder), base, [clock, callback])
        for back in reversed(undo):
            back()
        medians[keeps].append(statistics.median(clock.times[5:]))
        if keeps:
            spent.append(watch.spent / given.steps)
    without, kept = (1e3 * statistics.fmean(medians[keeps]) for keeps in (False, True))
    own = 1e3 * statistics.fmean(spent)
    return f"| {method} | {without:.1f} | {kept:.1f} | {own:.3f} | {own / without:.2%} |"


def many() -> list[str]:
    """What a million examples take, as lines of a table."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    looks, dice = Looks(MILLION), np.random.default_rng(0)
    begun = time.perf_counter()
    for _ in range(EPOCHS):
        for part in np.array_split(dice.permutation(MILLION), MILLION // BATCH):
            looks.add(Look(part, dice.normal(0.5, 1.0, len(part))))
    looks.settle()
    added = time.perf_counter() - begun
    begun = time.perf_counter()
    content = looks.to_bytes()
    written = time.perf_counter() - begun
    begun = time.perf_counter()
    map_of(looks).ranked()
    ranked = time.perf_counter() - begun
    peak = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    return [
        f"| kept of one example, in memory | {sum(one.nbytes for one in looks.kept.values()) / MILLION:.0f} bytes |",
        f"| the file of a million, replaced as a whole | {len(content) / 1e6:.0f} MB |",
        f"| working in one look | {1e6 * added / EPOCHS / MILLION:.1f} µs |",
        f"| making the content of that file | {written:.1f} s |",
        f"| ranking a million | {ranked:.1f} s |",
        f"| memory at the peak of all that | {peak:,.0f} MB |",
    ]


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--size", type=float, choices=bench_overhead.SHAPES, default=0.0, help="billions of weights")
    arguments.add_argument("--steps", type=int, default=32)
    arguments.add_argument("--batch", type=int, default=4)
    arguments.add_argument("--length", type=int, default=64)
    arguments.add_argument("--write", action="store_true", help="put the tables into docs/data-map.md")
    given = arguments.parse_args()
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    torch.set_num_threads(2)
    million = ["| what | takes |", "| --- | --- |", *many()]
    print("\n".join(million), flush=True)
    base = bench_overhead.model(given.size)
    steps = [
        "| method | ms a step without | ms a step with | ms on examples | share of a step |", "| --- " * 5 + "|",
        *(a_step(method, given, base) for method in ("dpo", "kto")),
    ]  # fmt: skip
    print("\n".join(steps))
    if given.write:
        measured_blocks.write(PAGE, {"cost": "\n".join(steps), "million": "\n".join(million)})


if __name__ == "__main__":
    sys.exit(main())
