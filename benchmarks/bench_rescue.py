"""What a guard is worth, and what it costs: tiny DPO and KTO runs on the processor, with and without it.

    python benchmarks/bench_rescue.py            # a few minutes; needs the `train` extra

Three tables: runs at 100 times the sane rate under every guard; a weight made NaN at a step; healthy runs over five
seeds, with the cost of the callback as the ratio of step times, measured in turns in the same process.
"""

from __future__ import annotations

import json
import math
import statistics
import sys
import tempfile
import time
import warnings
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).parent.parent
sys.path[:0] = [str(PROJECT / "tests" / "trainers"), str(PROJECT / "src")]
warnings.filterwarnings("ignore")

import torch  # noqa: E402
from tiny_preferences import make, make_base  # noqa: E402
from transformers import TrainerCallback  # noqa: E402

from barograph.trainers.callback import BarographCallback  # noqa: E402

STEPS = 100
SAVES: dict[str, Any] = {"save_strategy": "steps", "save_steps": 10}


class Clock(TrainerCallback):
    """The time from the beginning of a step to the beginning of the next, so that logging is within."""

    def __init__(self) -> None:
        self.times: list[float] = []
        self._last = 0.0

    def on_step_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        now = time.perf_counter()
        if self._last:
            self.times.append(now - self._last)
        self._last = now


class Poisons(TrainerCallback):
    """Makes weights NaN before a step, once."""

    def __init__(self, step: int) -> None:
        self.step = step

    def on_step_begin(self, args: Any, state: Any, control: Any, model: Any = None, **kwargs: Any) -> None:
        if state.global_step + 1 == self.step:
            self.step = -1
            with torch.no_grad():
                next(model.parameters()).view(-1)[:200] = math.nan


def late(trainer: Any, key: str) -> float:
    values = [row[key] for row in trainer.state.log_history if key in row][-20:]
    return statistics.fmean(values) if values else math.nan


def last(trainer: Any, key: str) -> float:
    return next((row[key] for row in reversed(trainer.state.log_history) if key in row), math.nan)


def notes(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "logs" / "findings.jsonl").read_text().splitlines()]


def verdict(folder: Path) -> str:
    from barograph.monitor import check

    return str(check(folder).verdict)


def too_fast(base: Path, work: Path) -> None:
    print("\nat 100 times the sane rate, 100 steps, means of the last 20")
    print("method guard    verdict    ends  rescues  rate x  1st critical  margin  eval loss  eval margin  accuracy")
    for method in ("dpo", "kto"):
        for guard, times in (("(sane)", 1), ("advise", 100), ("stop", 100), ("rescue", 100)):
            folder = work / f"{method}-{guard}"
            named = "advise" if guard == "(sane)" else guard
            callback = BarographCallback(guard=named, most_rescues=10, console=False)
            more = {"steps": STEPS, "times": times, "eval_strategy": "steps", "eval_steps": STEPS, **SAVES}
            trainer = make(method, base, folder, callback, **more)
            trainer.train()
            first = next((note["at"] for note in notes(folder) if note.get("severity") == "critical"), None)
            print(
                f"{method:6} {guard:8} {verdict(folder):10} {trainer.state.global_step:4}  {callback.rescues:7}"
                f"  {callback.rate:6.4g}  {first or '-':>12}  {late(trainer, 'rewards/margins'):6.2f}"
                f"  {last(trainer, 'eval_loss'):9.3f}  {last(trainer, 'eval_rewards/margins'):11.2f}"
                f"  {late(trainer, 'rewards/accuracies'):8.2f}",
                flush=True,
            )


def poisoned(base: Path, work: Path) -> None:
    print("\na NaN at a step, guard=rescue, a checkpoint every 5 steps, 30 steps")
    print("method  at  said at  code    back to  ends  loss finite")
    for method in ("dpo", "kto", "sft", "reward"):
        for step in (7, 18):
            folder = work / f"nan-{method}-{step}"
            callback = BarographCallback(guard="rescue", console=False)
            trainer = make(method, base, folder, callback, Poisons(step), steps=30, save_strategy="steps", save_steps=5)
            trainer.train()
            made = next((note for note in notes(folder) if note["kind"] == "decision"), {})
            is_finite = all(math.isfinite(row["loss"]) for row in trainer.state.log_history if "loss" in row)
            print(
                f"{method:6} {step:3}  {made.get('step', '-'):>7}  {','.join(made.get('codes', ['-'])):7}"
                f" {made.get('checkpoint', '-'):>7}  {trainer.state.global_step:4}  {is_finite}",
                flush=True,
            )


def healthy(base: Path, work: Path) -> None:
    print("\nhealthy runs over 5 seeds, guard=rescue: actions, and step time against the same run without the callback")
    print("method seed  decisions  critical  step time x")
    for method in ("dpo", "kto"):
        ratios = []
        for seed in range(1, 6):
            medians: dict[bool, list[float]] = {True: [], False: []}
            callback = BarographCallback(guard="rescue", console=False)
            for turn in range(4):  # In turns, for the load of the machine changes.
                is_watched = turn in {0, 3}
                clock = Clock()
                watched = BarographCallback(guard="rescue", console=False)
                callback = watched if is_watched else callback
                folder = work / f"ok-{method}-{seed}-{turn}"
                callbacks = [clock, *([watched] if is_watched else [])]
                make(method, base, folder, *callbacks, steps=STEPS, seed=seed).train()
                medians[is_watched].append(statistics.median(clock.times[10:]))
            ratios.append(min(medians[True]) / min(medians[False]))
            monitor = callback.monitor
            assert monitor is not None
            critical = sum(str(finding.severity) == "critical" for finding in monitor.findings)
            print(
                f"{method:6} {seed:4}  {len(monitor.guard.decisions):9}  {critical:8}  {ratios[-1]:11.3f}", flush=True
            )
        print(f"{method:6}  all                        {statistics.median(ratios):9.3f} (median)")


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        base = make_base(work / "base")
        too_fast(base, work)
        poisoned(base, work)
        healthy(base, work)


if __name__ == "__main__":
    main()
