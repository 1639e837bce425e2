"""A large file of pairs looked at by `barograph data`, beside a plain pass over it: time, and memory at its peak.

    python benchmarks/bench_data.py                 # a million pairs, some 0.6 GB in a temporary folder
    python benchmarks/bench_data.py --pairs 100000
    python benchmarks/bench_data.py --write         # into docs/data-measured.md

Each is measured in a process of its own, one after the other in the same run: `json.loads` of every line, reading and
understanding alone, and all checks. Seconds are those of the processor, so that what else runs beside it counts little.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
from pathlib import Path

import measured_blocks

PAGE = Path(__file__).parent.parent / "docs" / "data-measured.md"
WORDS = [
    f"{a}{b}{c}" for a in ("ba", "de", "ki", "lo", "mu") for b in ("n", "r", "st", "l") for c in ("a", "e", "o", "um")
]

PLAIN = """
import json, sys
rows = 0
with open(sys.argv[1], "rb") as lines:
    for line in lines:
        json.loads(line)
        rows += 1
print(rows)
"""
READ = """
import sys
from barograph.data.form import form_of
from barograph.data.reading import open_data
from itertools import islice
data = open_data(sys.argv[1]).train
form = form_of((row.fields for _, row in islice(data.rows(), 1000)), data.name)
print(sum(1 for number, row in data.rows() if form.example(number, row.fields)))
"""
CHECK = """
import sys
from barograph.data.judge import judge
from barograph.data.reading import open_data
report = judge(*open_data(sys.argv[1]))
print(report.rows, report.verdict.value, *(f"{finding.code}:{finding.count}" for finding in report.findings))
"""
TAIL = """
import resource
used = resource.getrusage(resource.RUSAGE_SELF)
print(used.ru_maxrss, used.ru_utime + used.ru_stime)
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--pairs", type=int, default=1_000_000)
    parser.add_argument("--write", action="store_true", help="put the table into docs/data-measured.md")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "pairs.jsonl"
        write(path, arguments.pairs)
        print(f"{arguments.pairs:,} pairs, {path.stat().st_size / 1e6:,.0f} MB\n")
        lines = ["| what | seconds | beside the plain pass | peak memory | microseconds a pair |",
                 "| --- | --- | --- | --- | --- |"]  # fmt: skip
        first = 0.0
        for name, program in (("json.loads of every line", PLAIN), ("reading alone", READ), ("all checks", CHECK)):
            seconds, peak, said = measured(program, path)
            first = first or seconds
            each = 1e6 * seconds / arguments.pairs
            lines.append(f"| {name} | {seconds:.1f} | {seconds / first:.1f} | {peak / 1024:.0f} MB | {each:.0f} |")
        print("\n".join(lines))
        print(f"\nsaid: {said}")
        if arguments.write:
            measured_blocks.write(PAGE, {"million": "\n".join(lines)})


def write(path: Path, pairs: int) -> None:
    """Pairs of some thirty words on each side, one in a hundred of them a repeat of an earlier one."""
    dice = random.Random(0)
    before = ""
    with path.open("w", encoding="utf-8") as target:
        for number in range(pairs):
            if number % 100 == 99:
                target.write(before)
                continue
            prompt, chosen, rejected = (" ".join(dice.choices(WORDS, k=30)) for _ in range(3))
            line = json.dumps({"prompt": prompt, "chosen": chosen, "rejected": rejected}) + "\n"
            if number % 100 == 50:
                before = line
            target.write(line)


def measured(program: str, path: Path) -> tuple[float, int, str]:
    """Seconds, kilobytes at the peak, and what the program said."""
    done = subprocess.run([sys.executable, "-c", program + TAIL, str(path)], capture_output=True, text=True, check=True)
    *said, last = done.stdout.strip().splitlines()
    peak, seconds = last.split()
    return float(seconds), int(peak), " ".join(said)


if __name__ == "__main__":
    main()
