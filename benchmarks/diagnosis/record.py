"""Train what is planned and not there yet, and keep the logs.

    python benchmarks/diagnosis/record.py                      # all of it: hours on one core; needs the `train` extra
    python benchmarks/diagnosis/record.py --seeds 1            # the first seed of everything
    python benchmarks/diagnosis/record.py --only 'ppo-*' --seeds 2

What is there already is left alone, so that it may be stopped and called again.
"""

from __future__ import annotations

import argparse
import contextlib
import fnmatch
import io
import json
import logging
import sys
import tempfile
import time
import traceback
from pathlib import Path
from typing import Any

from recorded import LOGS, MANIFEST, Manifest, log_of, write_log
from scenarios import SCENARIOS, SEEDS, Scenario

#: Of how the machine was, and of no use to a reader of curves.
DROPPED = ("runtime", "per_second", "step_time", "eps", "time", "total_flos")
#: Settings that say where and how, not what was trained.
UNTOLD = ("dir", "path", "host", "user", "push_to", "hub", "report_to", "seed")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="*", help="scenarios whose name fits this pattern")
    parser.add_argument("--seeds", type=int, default=len(SEEDS), help="so many seeds of each")
    asked = parser.parse_args()
    # By seeds: what is stopped early has some of everything.
    planned = [
        (scenario, seed)
        for seed in SEEDS[: asked.seeds]
        for scenario in SCENARIOS
        if fnmatch.fnmatch(scenario.name, asked.only) and not log_of(scenario.name, scenario.method, seed).is_file()
    ]
    print(f"{len(planned)} to train", flush=True)
    begun = time.monotonic()
    for number, (scenario, seed) in enumerate(planned, 1):
        began = time.monotonic()
        rows = record(scenario, seed)
        took, left = time.monotonic() - began, (time.monotonic() - begun) / number * (len(planned) - number)
        print(
            f"{number:4} of {len(planned)}  {scenario.name}-seed{seed}: {rows} rows in {took:.0f} s; "
            f"about {left / 60:.0f} min left",
            flush=True,
        )


def record(scenario: Scenario, seed: int) -> int:
    """Train one, and keep its log. Gives its rows; none if it could not be trained."""
    from training import train

    with tempfile.TemporaryDirectory() as name:
        folder, said = Path(name), io.StringIO()
        logging.disable(logging.WARNING)
        try:
            with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
                train(scenario, seed, folder)
        except Exception:  # noqa: BLE001 - the others are to be trained all the same
            traceback.print_exc(limit=-4, file=sys.stdout)
            return 0
        facts = json.loads((folder / "run.json").read_bytes())
        lines = (folder / "logs" / "training_metrics.jsonl").read_text().splitlines()
        rows = [_kept(json.loads(line)) for line in lines]
    write_log(log_of(scenario.name, scenario.method, seed), rows)
    config = {key: value for key, value in facts["config"].items() if _is_told(key, value)}
    manifest = Manifest.read(MANIFEST)
    manifest.note(scenario, seed, facts["method"], config, len(rows))
    manifest.write(MANIFEST)
    return len(rows)


def _kept(row: dict[str, Any]) -> dict[str, Any]:
    return {key: _short(value) for key, value in row.items() if not key.endswith(DROPPED)}


def _short(value: Any) -> Any:
    """Five digits are more than any curve shows."""
    return float(f"{value:.5g}") if isinstance(value, float) else value


def _is_told(key: str, value: Any) -> bool:
    is_plain = isinstance(value, str | int | float | bool | list)
    return is_plain and not key.endswith(UNTOLD) and "/" not in str(value)


if __name__ == "__main__":
    LOGS.mkdir(exist_ok=True)
    main()
