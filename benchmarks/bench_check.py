"""How quick is judging? Whole processes, in turn, beside plain Python and the rivals that are installed.

    python benchmarks/bench_check.py            # about two minutes
    python benchmarks/bench_check.py --quick    # a tenth of the rows

Peers that read the same log are timed when they are installed: pip install losslint trainspotter
Ratios within one call are what counts: every round runs all commands once, and the median of the rounds is shown.
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
from collections.abc import Callable, Sequence
from pathlib import Path

LOOP = "import json,sys\nfor line in open(sys.argv[1]): json.loads(line)"
KEYS = ("loss", "grad_norm", "learning_rate", "rewards/chosen", "rewards/rejected", "rewards/margins",
        "rewards/accuracies", "logps/chosen", "logps/rejected", "logits/chosen", "logits/rejected",
        "entropy")  # fmt: skip


def write_log(path: Path, rows: int) -> None:
    """A healthy DPO run of so many rows, with 12 metrics of full precision each."""
    rng = random.Random(0)
    with path.open("w") as file:
        for step in range(1, rows + 1):
            done = step / rows
            chosen, rejected = 0.5 * done + rng.gauss(0, 0.05), -0.5 * done + rng.gauss(0, 0.05)
            values = (0.69 - 0.25 * done + rng.gauss(0, 0.02), abs(rng.gauss(5, 1)), 5e-7, chosen, rejected,
                      chosen - rejected, min(1.0, 0.55 + 0.3 * done + rng.gauss(0, 0.03)), rng.gauss(-120, 5),
                      rng.gauss(-130, 5), rng.gauss(-2, 0.1), rng.gauss(-2, 0.1), rng.gauss(1, 0.02))  # fmt: skip
            file.write(json.dumps({"step": step, **dict(zip(KEYS, values, strict=True))}) + "\n")


def cpu_and_wall(command: Sequence[str], environment: dict[str, str]) -> tuple[float, float, float]:
    """One process: CPU seconds, wall seconds, peak memory in MB, by the system's own account."""
    begun = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in {0, 1, 2, 3}:  # diagnosers say their findings by exit codes of their own
        raise SystemExit(f"{' '.join(command)} failed with exit code {process.returncode}")
    return usage.ru_utime + usage.ru_stime, time.perf_counter() - begun, usage.ru_maxrss / 1024


def compare(title: str, commands: dict[str, tuple[list[str], dict[str, str]]], rounds: int) -> None:
    """A table of commands, each run once a round; the first row is what the others are divided by."""
    samples: dict[str, list[tuple[float, float, float]]] = {name: [] for name in commands}
    for command, environment in commands.values():
        cpu_and_wall(command, {**os.environ, **environment})  # one to warm up
    for _ in range(rounds):
        for name, (command, environment) in commands.items():
            samples[name].append(cpu_and_wall(command, {**os.environ, **environment}))
    base = next(iter(samples.values()))
    print(f"\n{title}\n  {'':38}{'CPU s':>8}{'wall s':>8}{'MB':>7}{'CPU ratio':>11}")
    for name, measured in samples.items():
        ratio = statistics.median(m[0] / b[0] for m, b in zip(measured, base, strict=True))
        cpu, wall, memory = (statistics.median(column) for column in zip(*measured, strict=True))
        print(f"  {name:38}{cpu:8.3f}{wall:8.3f}{memory:7.0f}{ratio:11.2f}")


def best(function: Callable[[], object], times: int = 3) -> float:
    """Seconds of the quickest of some calls."""
    spent = []
    for _ in range(times):
        begun = time.perf_counter()
        function()
        spent.append(time.perf_counter() - begun)
    return min(spent)


def start_up(folder: Path) -> None:
    small = folder / "small.jsonl"
    write_log(small, 100)
    barograph = [sys.executable, "-m", "barograph"]
    compare(
        "Start-up",
        {
            "python -c pass": ([sys.executable, "-c", "pass"], {}),
            "barograph --help": ([*barograph, "--help"], {}),
            "barograph check small.jsonl (100 rows)": ([*barograph, "check", str(small)], {}),
            "barograph explain rewards/margins": ([*barograph, "explain", "rewards/margins"], {}),
        },
        9,
    )


def whole_log(folder: Path, rows: int) -> None:
    log = folder / "log.jsonl"
    write_log(log, rows)
    barograph = [sys.executable, "-m", "barograph", "check", str(log)]
    commands: dict[str, tuple[list[str], dict[str, str]]] = {
        "json.loads loop over the file": ([sys.executable, "-c", LOOP, str(log)], {}),
        "barograph check, first time": (barograph, {"BAROGRAPH_CACHE": "off"}),
        "barograph check, again": (barograph, {"BAROGRAPH_CACHE": str(folder / "cache")}),
    }
    for peer, arguments in (("losslint", ["check"]), ("trainspotter", ["analyze"])):
        script = Path(sys.executable).with_name(peer)
        if script.exists():
            commands[f"{peer} {arguments[0]}"] = ([str(script), *arguments, str(log)], {})
    compare(f"Whole process over {rows:,} rows x 12 metrics (JSONL, {log.stat().st_size / 1e6:.0f} MB)", commands, 5)


def in_memory(folder: Path, rows: int) -> None:
    import orjson

    from barograph.engine.bound import bind
    from barograph.engine.frame import frame_of_run
    from barograph.engine.judge import judge
    from barograph.engine.live import Engine
    from barograph.engine.settings import Settings
    from barograph.sources.runs import read_run

    os.environ["BAROGRAPH_CACHE"] = "off"
    log = folder / "million.jsonl"
    write_log(log, rows)
    lines = log.read_bytes().splitlines()
    parsing = best(lambda: list(map(orjson.loads, lines)))
    lines.clear()
    run = read_run(log)
    reading = best(lambda: read_run(log), 2)
    judging = best(lambda: judge(run, evaluator="scan"))
    print(f"\nIn memory, {rows:,} rows x 12 metrics")
    print(f"  orjson.loads of every line   {parsing:8.3f} s    1.00")
    print(f"  read into columns            {reading:8.3f} s {reading / parsing:7.2f}")
    shares = f"{judging / parsing:7.2f}  (of reading: {judging / reading:.2f})"
    print(f"  judge by all rules           {judging:8.3f} s {shares}")
    rules = bind(run.method, Settings())
    wanted = list(run.records())[: min(rows, 20_000)]
    values = [record.series() for record in wanted]
    engine = Engine(rules, frame_of_run(run))
    begun = time.perf_counter()
    for step, row in enumerate(values):
        engine.advance(step, row)
    each = (time.perf_counter() - begun) / len(values) * 1e6
    print(f"  step one row, {len(rules)} rules      {each:8.1f} us")


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--quick", action="store_true", help="a tenth of the rows")
    tenth = 10 if arguments.parse_args().quick else 1
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # an installed program has its bytecode
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        start_up(folder)
        whole_log(folder, 100_000 // tenth)
        in_memory(folder, 1_000_000 // tenth)


if __name__ == "__main__":
    main()
