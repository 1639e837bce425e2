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
from tiny_preferences import accuracy, make, make_base  # noqa: E402
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
    print("\nat 100 times the sane rate, 100 steps; margin: mean of the last 20; accuracy: on 200 unseen pairs")
    print(
        "method seed guard    verdict    ends  rescues    rate x  critical at  margin  eval loss  eval margin  accuracy"
    )
    for method in ("dpo", "kto"):
        for seed in range(1, 6):
            for guard, times in (("(sane)", 1), ("advise", 100), ("stop", 100), ("rescue", 100)):
                folder = work / f"{method}-{seed}-{guard}"
                callback = BarographCallback(guard="advise" if guard == "(sane)" else guard, console=False)
                more = {"steps": STEPS, "times": times, "eval_strategy": "steps", "eval_steps": STEPS, "seed": seed}
                trainer = make(method, base, folder, callback, **more, **SAVES)
                trainer.train()
                first = next((note["at"] for note in notes(folder) if note.get("severity") == "critical"), None)
                print(
                    f"{method:6} {seed:4} {guard:8} {verdict(folder):10} {trainer.state.global_step:4}"
                    f"  {callback.rescues:7}  {callback.rate:8.4g}  {first or '-':>12}"
                    f"  {late(trainer, 'rewards/margins'):6.2f}  {last(trainer, 'eval_loss'):9.3f}"
                    f"  {last(trainer, 'eval_rewards/margins'):11.2f}  {accuracy(trainer.model, base, seed):8.2f}",
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


class Timed(BarographCallback):
    """Adds up the time that is spent in its events while the run goes on."""

    spent = 0.0

    def __getattribute__(self, name: str) -> Any:
        found = super().__getattribute__(name)
        if name not in {"on_log", "on_step_end", "on_epoch_end", "on_save"}:
            return found

        def clocked(*arguments: Any, **named: Any) -> None:
            begun = time.perf_counter()
            found(*arguments, **named)
            self.spent += time.perf_counter() - begun

        return clocked


def healthy(base: Path, work: Path) -> None:
    print("\nhealthy runs over 5 seeds, guard=rescue: actions; the share of the time of all steps that is spent in the")
    print("callback; and the step time against the same run without it, in turns in the same process")
    print("method seed  decisions  critical  in callback  step time x")
    for method in ("dpo", "kto"):
        ratios, shares = [], []
        for seed in range(1, 6):
            medians: dict[bool, list[float]] = {True: [], False: []}
            for turn in range(4):  # In turns, for the load of the machine changes.
                is_watched = turn in {0, 3}
                clock, watched = Clock(), Timed(guard="rescue", console=False)
                folder = work / f"ok-{method}-{seed}-{turn}"
                callbacks = [clock, *([watched] if is_watched else [])]
                make(method, base, folder, *callbacks, steps=STEPS, seed=seed).train()
                medians[is_watched].append(statistics.median(clock.times[10:]))
                if is_watched:
                    last_watched, share = watched, watched.spent / sum(clock.times)
            ratios.append(min(medians[True]) / min(medians[False]))
            shares.append(share)
            monitor = last_watched.monitor
            assert monitor is not None
            critical = sum(str(finding.severity) == "critical" for finding in monitor.findings)
            decisions = len(monitor.guard.decisions)
            print(f"{method:6} {seed:4}  {decisions:9}  {critical:8}  {share:11.2%}  {ratios[-1]:11.3f}", flush=True)
        print(f"{method:6}  all (median){statistics.median(shares):23.2%}  {statistics.median(ratios):11.3f}")


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        base = make_base(work / "base")
        too_fast(base, work)
        poisoned(base, work)
        healthy(base, work)


if __name__ == "__main__":
    main()
