"""How steadfast the diagnosis is: every tuned log, logged in other ways, against what is said of all its rows.

python benchmarks/diagnosis/habits.py                       # prints the table, and writes docs/logging-habits.md
python benchmarks/diagnosis/habits.py --wrong               # prints every wrong answer, and the table
python benchmarks/diagnosis/habits.py --habit "no loss"     # one habit alone
python benchmarks/diagnosis/habits.py --log 'grpo.*-2$'     # some of the logs, of any seed

With some of the logs or habits, no page is written. The page is of the first seed of each scenario.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(Path(__file__).parent), str(PROJECT / "src")]

from judging import undisturbed  # noqa: E402 - after the paths
from recorded import MANIFEST, Manifest, read_log  # noqa: E402
from resampling import HABITS, Log  # noqa: E402
from scenarios import SCENARIOS, Scenario  # noqa: E402
from steadfast import Outcome, answer_to, outcome  # noqa: E402

PAGE = PROJECT / "docs" / "logging-habits.md"

HEAD = """\
# Logging habits

<!-- Written by benchmarks/diagnosis/habits.py from the recorded logs. Change the code, then run it again. -->

The same run may be logged at every step or every fifty, with means or single values, without some of its keys, under
the names of another framework, or from the middle on. What is said of it should stay the same, or become less; it
should never become wrong. The first log of each of the
{logs} scenarios in the tuned part of the [benchmark](measured.md) was logged anew in each of these ways
(`benchmarks/diagnosis/resampling.py`) and judged again. Faults that no log can show are left out.

A healthy run must stay without an alarm. Of a fault that is named rightly from all rows:

- **kept**: the likeliest cause is still a right one;
- **open**: another cause comes first, and the answer says that this log cannot exclude the right one, or that the
  right one is nearly as likely;
- **unjudged**: no alarm, and the answer says so: the verdict is *unjudged*, or a rule that had warned of it is listed
  as one that could not be judged, with what it lacks; or an alarm without any cause, or a remark by such a rule;
- **other**: another cause comes first, as if it were certain. This is wrong;
- **missed**: no alarm, and nothing says why. This is wrong, too.

Faults of which the cause is not told rightly from all rows count as *other* where a new wrong one is told, and are
else left out.

"""

REST = """
## What is still wrong

Two kinds are left. Means and sparse rows smooth away what is brief: a jump, a drop within the first steps, labels that
turn round; the rule that would have seen it has rows enough and sees nothing in them. And a log of little else than
losses or evaluations shows a symptom that two causes share, where the rule that tells them apart was judged and silent.
Rows of one step that are logged key by key are read as rows of their own, so that what must stand in one row does not.

| scenario | wrong | logged |
| --- | --- | --- |
"""

COLUMNS: Mapping[str, tuple[Outcome, ...]] = {
    "healthy: silent": (Outcome.SILENT,),
    "unjudged": (Outcome.UNJUDGED_HEALTHY,),
    "**false alarm**": (Outcome.FALSE_ALARM,),
    "faults: kept": (Outcome.KEPT,),
    "open": (Outcome.LEFT_OPEN,),
    "unjudged ": (Outcome.UNJUDGED, Outcome.SEEN, Outcome.REMARKED),
    "**other**": (Outcome.OTHER_CAUSE,),
    "**missed**": (Outcome.MISSED,),
}


def tuned_logs() -> Iterator[tuple[Scenario, int, Log]]:
    """What rules may be changed by looking at, without the faults that no log can show."""
    manifest = Manifest.read(MANIFEST)
    by_name = {scenario.name: scenario for scenario in SCENARIOS}
    for name, seed, path in manifest.logs():
        scenario = by_name[name]
        if scenario.is_held_out or (scenario.fault is not None and scenario.fault.seen_from is None):
            continue
        entry = manifest.entries[name]
        yield scenario, seed, Log(read_log(path), entry["config"], entry["method"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--wrong", action="store_true", help="show every wrong answer")
    parser.add_argument("--habit", action="append", choices=sorted(HABITS), help="this habit, and others so named")
    parser.add_argument("--log", default="-1$", metavar="PATTERN", help="logs whose name and seed match")
    parser.add_argument("--jobs", type=int, default=1, help="so many logs at a time")
    asked = parser.parse_args()
    undisturbed()
    sums = {name: Counter[Outcome]() for name in HABITS if name in (asked.habit or HABITS)}
    wrong: dict[str, list[str]] = {}
    logs = [one for one in tuned_logs() if re.search(asked.log, f"{one[0].name}-{one[1]}")]
    with ProcessPoolExecutor(asked.jobs) as pool:
        for (scenario, seed, _), results in zip(logs, pool.map(partial(_results, tuple(sums)), logs), strict=True):
            for name, result, words in results:
                sums[name][result] += 1
                if result.is_wrong:
                    wrong.setdefault(scenario.name, []).append(f"{name} ({result.value})")
                    if asked.wrong:
                        print(f"{result.value:14} {scenario.name}-{seed} | {name} | {words}", flush=True)
    table = _table(sums)
    print(table)
    if not asked.habit and asked.log == parser.get_default("log"):
        PAGE.write_text(page(len(logs), table, wrong), "utf-8")


def page(logs: int, table: str, wrong: Mapping[str, Sequence[str]]) -> str:
    """The whole page."""
    lines = [f"| {name} | {len(habits)} | {', '.join(habits)} |" for name, habits in sorted(wrong.items())]
    return HEAD.format(logs=logs) + table + REST + "\n".join(lines) + "\n"


def _results(names: Sequence[str], one: tuple[Scenario, int, Log]) -> list[tuple[str, Outcome, str]]:
    scenario, _, log = one
    full = answer_to(log)
    results = []
    for name in names:
        less = HABITS[name](log)
        if less is not None:
            answer = answer_to(less)
            results.append((name, outcome(scenario, full, answer), f"{answer} | full {full}"))
    return results


def _table(sums: Mapping[str, Counter[Outcome]]) -> str:
    lines = ["| logged | " + " | ".join(COLUMNS) + " |", "| --- |" + " --- |" * len(COLUMNS)]
    total = Counter[Outcome]()
    for name, counts in sums.items():
        total += counts
        lines.append(f"| {name} | {_cells(counts)} |")
    lines.append(f"| all | {_cells(total)} |")
    return "\n".join(lines) + "\n"


def _cells(counts: Counter[Outcome]) -> str:
    return " | ".join(str(sum(counts[outcome] for outcome in outcomes)) for outcomes in COLUMNS.values())


if __name__ == "__main__":
    main()
