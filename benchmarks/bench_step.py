"""What does a live row cost? Every rule, stepped, beside writing the same row down.

    python benchmarks/bench_step.py            # about a minute
    python benchmarks/bench_step.py --quick    # a tenth of the rows

Ratios within one table are what counts: each row is stepped, put into JSON and written, one right after the other.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import random
import statistics
import tempfile
import time
from collections.abc import Callable

from barograph.core.methods import Method
from barograph.engine.bound import bind
from barograph.engine.frame import frame_of
from barograph.engine.live import Engine
from barograph.engine.settings import Settings

PAIRED = ("loss", "grad_norm", "lr", "reward_chosen", "reward_rejected", "reward_margin", "reward_accuracy",
          "logp_chosen", "logp_rejected", "logits_chosen", "logits_rejected", "entropy")  # fmt: skip
ONLINE = ("loss", "grad_norm", "lr", "score_mean", "score_std", "kl_ref", "entropy", "len_mean", "truncated_frac",
          "zero_std_frac", "clip_frac", "step_time")  # fmt: skip
#: The keys that a row of each method usually has.
KEYS = {
    Method.DPO: PAIRED,
    Method.KTO: ("loss", "grad_norm", "lr", "reward_chosen", "reward_rejected", "reward_margin", "kto_z0",
                 "logp_chosen", "logp_rejected", "logits_chosen", "logits_rejected"),
    Method.GRPO: ONLINE,
    Method.PPO: ("policy_loss", "value_loss", "lr", "score_mean", "kl_ref_sequence", "entropy", "len_mean",
                 "ratio_mean", "approx_kl", "clip_frac"),
    Method.REWARD: ("loss", "grad_norm", "lr", "rm_accuracy", "rm_margin", "score_mean"),
    Method.PRM: ("loss", "grad_norm", "lr", "cls_accuracy"),
}  # fmt: skip
#: Healthy levels: at the start, and by how much they move over the run.
LEVELS = {
    "loss": (0.69, -0.25), "grad_norm": (5.0, 0.0), "lr": (5e-7, 0.0), "reward_chosen": (0.05, 0.5),
    "reward_rejected": (-0.05, -0.5), "reward_margin": (0.1, 1.0), "reward_accuracy": (0.55, 0.3),
    "logp_chosen": (-120.0, 0.0), "logp_rejected": (-130.0, 0.0), "logits_chosen": (-2.0, 0.0),
    "logits_rejected": (-2.0, 0.0), "entropy": (1.0, 0.0), "score_mean": (0.3, 0.3), "score_std": (0.2, 0.0),
    "kl_ref": (0.02, 0.02), "kl_ref_sequence": (1.0, 1.0), "len_mean": (100.0, 10.0), "step_time": (2.0, 0.0),
    "value_loss": (0.1, -0.05), "ratio_mean": (1.0, 0.0), "rm_accuracy": (0.6, 0.1), "rm_margin": (0.1, 1.0),
    "cls_accuracy": (0.6, 0.2),
}  # fmt: skip


def timed(function: Callable[[], object], spent: list[int]) -> None:
    begun = time.perf_counter_ns()
    function()
    spent.append(time.perf_counter_ns() - begun)


def measure(method: Method, rows: int, file: int) -> None:
    rng = random.Random(0)
    rules = bind(method, Settings())
    begun = time.perf_counter()
    engine = Engine(rules, frame_of(method, {"max_steps": rows}))
    starting = (time.perf_counter() - begun) * 1e3
    stepped: list[int] = []
    put: list[int] = []
    written: list[int] = []
    for step in range(1, rows + 1):
        row = {}
        for key in KEYS[method]:
            level, drift = LEVELS.get(key, (0.1, 0.0))
            row[key] = (level + drift * step / rows) * (1.0 + rng.gauss(0, 0.02))
        whole = {"step": step, **row}
        timed(lambda: engine.advance(step, row), stepped)  # noqa: B023 - called at once
        timed(lambda: json.dumps(whole), put)  # noqa: B023
        timed(lambda: os.write(file, json.dumps(whole).encode()), written)  # noqa: B023
    starting += stepped[0] / 1e6
    cells = ""
    unit = statistics.median(put)
    for spent in (stepped, put, written):
        middle, high = statistics.median(spent), statistics.quantiles(spent, n=100)[-1]
        cells += f"{middle / 1e3:9.1f}{high / 1e3:7.1f}{middle / unit:7.2f}"
    found = f"  ({', '.join(finding.code for finding in engine.findings())})" if engine.findings() else ""
    print(f"  {method.value:8}{len(rules):5}{len(KEYS[method]):6}{starting:10.0f}{cells}{found}")


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--quick", action="store_true", help="a tenth of the rows")
    rows = 2_000 if arguments.parse_args().quick else 20_000
    gc.collect()
    print(f"{rows:,} rows of each method; microseconds: median, 99th percentile, and the median beside json.dumps")
    titles = "".join(f"{title:>23}" for title in ("step, all rules", "json.dumps", "dumps + os.write"))
    print(f"  {'':8}{'rules':>5}{'keys':>6}{'start ms':>10}{titles}")
    with tempfile.TemporaryFile() as log:
        for method in KEYS:
            measure(method, rows, log.fileno())


if __name__ == "__main__":
    main()
