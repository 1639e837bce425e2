"""What a report, plots and a comparison cost beside judging alone: whole processes, in turn.

python benchmarks/bench_charts.py            # 1,000 to 1,000,000 rows of 12 metrics; some minutes
python benchmarks/bench_charts.py --quick    # up to 100,000 rows
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from bench_check import compare, write_log


def main() -> None:
    """A table for each size; every row is divided by `check -q`."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--quick", action="store_true", help="no million rows")
    given = arguments.parse_args()
    barograph = [sys.executable, "-m", "barograph"]
    with tempfile.TemporaryDirectory() as spare:
        folder = Path(spare)
        kept = {"BAROGRAPH_CACHE": str(folder / "cache")}
        for rows in (1_000, 100_000, *(() if given.quick else (1_000_000,))):
            log, other = folder / f"{rows}.jsonl", folder / f"{rows}-again.jsonl"
            write_log(log, rows)
            write_log(other, rows)
            compare(
                f"{rows:,} rows",
                {
                    "check -q": ([*barograph, "check", str(log), "-q"], kept),
                    "report": ([*barograph, "report", str(log), "-o", str(folder / "report.html")], kept),
                    "plot": ([*barograph, "plot", str(log), "-o", str(folder / "plots")], kept),
                    "compare, two runs, page": (
                        [*barograph, "compare", str(log), str(other), "-o", str(folder / "both.html")], kept,
                    ),
                },
                rounds=3,
            )  # fmt: skip
            print(f"report.html: {(folder / 'report.html').stat().st_size / 1e3:,.0f} kB\n")


if __name__ == "__main__":
    main()
