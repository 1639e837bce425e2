"""What does logging a row cost the training? Every tracker that can be had, beside json.dumps and os.write.

    python benchmarks/bench_log.py                            # some three minutes, with what is installed
    python benchmarks/bench_log.py --quick                    # a fifth of the rows
    python benchmarks/bench_log.py --python PATH --python PATH   # interpreters that have rivals installed

One process for each tracker and round; the ratio is that of the medians, to json.dumps and one os.write of the same
round. "back to back" calls without a pause, "paced" does about a millisecond of arithmetic between two calls, as a
training would: the caches are cold then.
A row is a step and twelve floats of full precision, as a DPO trainer logs them.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

KEYS = {
    "loss": 0.6, "grad_norm": 5.0, "learning_rate": 5e-7, "rewards/chosen": 0.1, "rewards/rejected": -0.1,
    "rewards/margins": 0.2, "rewards/accuracies": 0.6, "logps/chosen": -120.0, "logps/rejected": -130.0,
    "logits/chosen": -2.0, "logits/rejected": -2.0, "entropy": 1.0,
}  # fmt: skip
Log = Callable[[int, dict[str, float]], object]


def write_json(folder: Path) -> Log:
    file = os.open(folder / "log.jsonl", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    return lambda step, row: os.write(file, (json.dumps({"step": step, **row}) + "\n").encode())


def write_orjson(folder: Path) -> Log:
    import orjson

    file = os.open(folder / "fast.jsonl", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    return lambda step, row: os.write(file, orjson.dumps({"step": step, **row}, option=orjson.OPT_APPEND_NEWLINE))


def barograph(folder: Path) -> Log:
    import barograph as tool

    return tool.start(folder / "run", method="dpo", config={"max_steps": 20_000}, console=False).log


def wandb_offline(folder: Path) -> Log:
    os.environ.update(WANDB_MODE="offline", WANDB_SILENT="true", WANDB_DIR=str(folder), WANDB_CONSOLE="off")
    import wandb

    settings = wandb.Settings(x_disable_stats=True, x_disable_meta=True)
    run = wandb.init(project="bench", settings=settings)
    return lambda step, row: run.log(row, step=step)


def tensorboard(folder: Path) -> Log:
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.summary_pb2 import Summary
    from tensorboard.summary.writer.event_file_writer import EventFileWriter

    writer = EventFileWriter(str(folder))

    def log(step: int, row: dict[str, float]) -> None:
        values = [Summary.Value(tag=key, simple_value=value) for key, value in row.items()]
        writer.add_event(Event(step=step, wall_time=time.time(), summary=Summary(value=values)))

    return log


def tensorboardx(folder: Path) -> Log:
    from tensorboardX import SummaryWriter

    writer = SummaryWriter(str(folder))

    def log(step: int, row: dict[str, float]) -> None:
        for key, value in row.items():
            writer.add_scalar(key, value, step)

    return log


def trackio(folder: Path) -> Log:
    os.environ["TRACKIO_DIR"] = str(folder)
    import trackio as tool

    run = tool.init(project="bench", embed=False, auto_log_gpu=False)
    return lambda step, row: run.log(row, step=step)


def swanlab_offline(folder: Path) -> Log:
    import swanlab

    run = swanlab.init(project="bench", logdir=str(folder), mode="offline")
    return lambda step, row: run.log(row, step=step)


def mlflow_file(folder: Path) -> Log:
    os.environ["MLFLOW_ALLOW_FILE_STORE"] = "true"
    import mlflow

    mlflow.set_tracking_uri((folder / "mlruns").as_uri())
    mlflow.start_run()
    return lambda step, row: mlflow.log_metrics({key.replace(" ", "_"): value for key, value in row.items()}, step=step)


TRACKERS: dict[str, Callable[[Path], Log]] = {
    "json.dumps + os.write": write_json,
    "orjson + os.write": write_orjson,
    "barograph, all rules": barograph,
    "trackio": trackio,
    "tensorboard EventFileWriter": tensorboard,
    "tensorboardX": tensorboardx,
    "wandb offline": wandb_offline,
    "swanlab offline": swanlab_offline,
    "mlflow file store": mlflow_file,
}


def row_of(chance: random.Random) -> dict[str, float]:
    return {key: level * (1.0 + chance.gauss(0, 0.02)) for key, level in KEYS.items()}


def work() -> float:
    """About a millisecond of arithmetic."""
    total = 0.0
    numbers = list(range(4_000))
    for number in numbers:
        total += number * 0.5
    return sum(x * x for x in numbers) + total


def measure(name: str, rows: int, *, paced: bool, most: float = 4.0) -> dict[str, float]:
    chance = random.Random(0)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as place:
        log = TRACKERS[name](Path(place))
        spent: list[int] = []
        clock, until = time.perf_counter_ns, time.monotonic() + most
        for step in range(rows):
            row = row_of(chance)
            if paced:
                work()
            begun = clock()
            log(step, row)
            spent.append(clock() - begun)
            if time.monotonic() > until:
                break
        # The first rows pay for what is imported and compiled once.
        spent = spent[len(spent) // 10 :]
        answer = {
            "median": statistics.median(spent) / 1e3, "p99": statistics.quantiles(spent, n=100)[-1] / 1e3,
            "most": max(spent) / 1e3, "rows": len(spent),
        }  # fmt: skip
        print(json.dumps(answer), flush=True)
        os._exit(0)  # Whatever a tracker still wants to do is no part of the question.


def found(pythons: list[str], name: str) -> str | None:
    """The first interpreter in which a tracker can be had."""
    needs = {"orjson + os.write": "orjson", "barograph, all rules": "barograph"}.get(name, name.split(maxsplit=1)[0])
    if name == "json.dumps + os.write":
        return pythons[0]
    for python in pythons:
        code = f"import importlib.util as u, sys; sys.exit(u.find_spec({needs!r}) is None)"
        if subprocess.run([python, "-c", code], check=False).returncode == 0:
            return python
    return None


def table(title: str, pythons: dict[str, str], rows: int, rounds: int, flags: list[str]) -> None:
    answers: dict[str, list[dict[str, Any]]] = {name: [] for name in pythons}
    for _ in range(rounds):
        for name, python in pythons.items():
            command = [python, __file__, "--measure", name, "--rows", str(rows), *flags]
            done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
            lines = [line for line in done.stdout.splitlines() if line.startswith('{"median"')]
            if lines:
                answers[name].append(json.loads(lines[-1]))
            else:
                print(f"  {name}: {done.stderr.strip().splitlines()[-1:] or 'no answer'}")
    floors = [one["median"] for one in answers["json.dumps + os.write"]]
    for given in answers.values():
        for one, floor in zip(given, floors, strict=False):
            one["ratio"] = one["median"] / floor
    print(f"{title}: microseconds, and the median beside that of json.dumps + os.write")
    print(f"  {'':30}{'median':>9}{'p99':>9}{'most':>10}{'ratio':>8}{'rows':>8}")
    for name, given in answers.items():
        if given:
            cells = [statistics.median(one[key] for one in given) for key in ("median", "p99", "most", "ratio", "rows")]
            print(f"  {name:30}{cells[0]:9.1f}{cells[1]:9.1f}{cells[2]:10.0f}{cells[3]:8.2f}{cells[4]:8,.0f}")


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--quick", action="store_true", help="a fifth of the rows, one round")
    arguments.add_argument("--python", action="append", default=[], help="one more interpreter to look for rivals in")
    arguments.add_argument("--measure", help=argparse.SUPPRESS)
    arguments.add_argument("--rows", type=int, default=10_000, help=argparse.SUPPRESS)
    arguments.add_argument("--paced", action="store_true", help=argparse.SUPPRESS)
    given = arguments.parse_args()
    if given.measure:
        measure(given.measure, given.rows, paced=given.paced)
        return
    pythons = {name: python for name in TRACKERS if (python := found([sys.executable, *given.python], name))}
    rounds, part = (1, 5) if given.quick else (2, 1)
    table("back to back", pythons, 10_000 // part, rounds, [])
    table("paced", pythons, 2_000 // part, rounds, ["--paced"])


if __name__ == "__main__":
    main()
