"""How often are the checks of data right? Faults are planted in honest sets, at known rows, and looked for.

    python benchmarks/bench_data_checks.py                          # some five minutes
    python benchmarks/bench_data_checks.py --gsm8k example_model_solutions.jsonl
    python benchmarks/bench_data_checks.py --rows 300 --seeds 2     # a first look
    python benchmarks/bench_data_checks.py --write                  # into docs/data-measured.md

The honest sets are made by rules (benchmarks/data_checks/honest.py). With `--gsm8k`, faults are planted among real ones
too: the solutions of four models to 1,319 problems of GSM8K, as openai/grade-school-math has them (MIT), each right one
beside each wrong one to the same problem.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).parent.parent
sys.path[:0] = [str(PROJECT / "src"), str(PROJECT / "benchmarks" / "data_checks")]

from faults import FAULTS, Fault, edited  # noqa: E402 - from the folder of this benchmark
from honest import HONEST, Row, labelled, pairs, talks, transcripts  # noqa: E402
from measured_blocks import write  # noqa: E402
from strengths import TRENDS, judged_twice, told_by_words, turned_round  # noqa: E402

from barograph.core.finding import Severity  # noqa: E402
from barograph.data.catalogue import by_code, select  # noqa: E402
from barograph.data.finding import DataReport  # noqa: E402
from barograph.data.judge import judge  # noqa: E402
from barograph.data.reading import open_data  # noqa: E402

PAGE = PROJECT / "docs" / "data-measured.md"
RATES = (0.01, 0.05, 0.2)
EDITS = (0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3)
NOISE = (0.0, 0.05, 0.1, 0.2, 0.3)
SOLVERS = ("6b_finetuning", "6b_verification", "175b_finetuning", "175b_verification")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rows", type=int, default=2_000, help="examples of each set")
    parser.add_argument("--seeds", type=int, default=10, help="sets for each figure about whole sets")
    parser.add_argument("--gsm8k", type=Path, help="example_model_solutions.jsonl of openai/grade-school-math")
    parser.add_argument(
        "--only", nargs="+", metavar="TABLE", help="only these tables, by the names they are printed under"
    )
    parser.add_argument("--write", action="store_true", help="put the tables into docs/data-measured.md")
    arguments = parser.parse_args()
    tables: dict[str, Callable[[], str]] = {
        "honest": lambda: honest_table(arguments.rows, arguments.seeds),
        "planted": lambda: fault_table(made_sets(arguments.rows)),
        "near": lambda: near_table(arguments.rows),
        "whole": lambda: trend_table(arguments.seeds),
        "noise": lambda: noise_table(arguments.seeds),
        "words": lambda: words_table(arguments.rows),
    }
    if arguments.gsm8k:
        real = solutions(arguments.gsm8k)
        tables |= {"gsm8k-alone": lambda: real_words(real), "gsm8k": lambda: fault_table(real)}
    told = {name: make() for name, make in tables.items() if name in (arguments.only or tables)}
    for name, block in told.items():
        print(f"\n## {name}\n\n{block}")
    if arguments.write:
        write(PAGE, told)


# Sets


def made_sets(count: int) -> dict[str, list[Row]]:
    return {
        "pairs": pairs(count),
        "labelled": labelled(count),
        "talks": talks(count),
        "transcripts": transcripts(count),
    }


def solutions(path: Path) -> dict[str, list[Row]]:
    """Each right solution beside each wrong one to the same problem, and all of them with their labels."""
    both: list[Row] = []
    each: list[Row] = []
    for line in path.read_text("utf-8").splitlines():
        problem = json.loads(line)
        told = [(problem[solver]["solution"], problem[solver]["is_correct"]) for solver in SOLVERS]
        told = list(dict.fromkeys(told))
        right, wrong = ([text for text, is_right in told if is_right is wanted] for wanted in (True, False))
        both += [{"prompt": problem["question"], "chosen": a, "rejected": b} for a in right for b in wrong]
        each += [{"prompt": problem["question"], "completion": text, "label": is_right} for text, is_right in told]
    return {"pairs": both, "labelled": each}


def judged(
    rows: Sequence[Any], held_out: Sequence[Row] | None = None, codes: Sequence[str] = (), **options: Any
) -> DataReport:
    """What is said of some rows, from a file as anybody has one."""
    with tempfile.TemporaryDirectory() as folder:
        files = []
        for name, part in (("train.jsonl", rows), ("held.jsonl", held_out)):
            if part is not None:
                path = Path(folder) / name
                lines = (row if isinstance(row, str) else json.dumps(row) for row in part)
                path.write_text("".join(f"{line}\n" for line in lines), "utf-8")
                files.append(open_data(str(path)).train)
        return judge(*files, checks=select(codes), **options)


def named(report: DataReport, code: str) -> set[int]:
    """The rows that a check names."""
    return {number for finding in report.findings if finding.code == code for number in finding.rows}


# Tables


def fault_table(sets: dict[str, list[Row]]) -> str:
    """Recall and precision of each planted fault, rate by rate."""
    rows = []
    for fault in FAULTS:
        if fault.base in sets:
            recalls, precisions, already = measured(fault, sets[fault.base])
            check = by_code()[fault.code]
            where = "" if fault.base == "pairs" else f" ({fault.base})"
            cells = (*(shown(recall) for recall in recalls), shown(min(precisions)), str(already))
            rows.append((f"{fault.code} {check.name}", f"{fault.what}{where}", *cells))
    rates = [f"recall at {rate:.0%}" for rate in RATES]
    return table(("check", "planted", *rates, "lowest precision", "named before"), rows)


def measured(fault: Fault, rows: list[Row], rates: Sequence[float] = RATES) -> tuple[list[float], list[float], int]:
    """Recall and precision at each rate, and how many rows are named before anything is planted.

    What is named before counts neither way: in real data it may well be a fault that nobody planted.
    """
    recalls, precisions = [], []
    before = named(judged(rows, codes=[fault.code], **fault.options), fault.code)
    texts = {_key(rows[number - 1]) for number in before}
    for rate in rates:
        dice = random.Random(f"{fault.code}{fault.what}{rate}")
        planted = fault.plant(rows, dice, max(1, round(rate * len(rows))))
        report = judged(planted.rows, planted.held_out, [fault.code], **fault.options)
        found = named(report, fault.code)
        beside = planted.held_out if planted.held_out is not None else planted.rows
        wrong = {n for n in found - planted.numbers if _key(beside[n - 1]) not in texts}
        hits = len(found & planted.numbers)
        recalls.append(hits / len(planted.numbers))
        precisions.append(hits / (hits + len(wrong)) if hits + len(wrong) else 1.0)
    return recalls, precisions, len(before)


def _key(row: Any) -> str:
    return row if isinstance(row, str) else json.dumps(row, sort_keys=True)


def near_table(count: int) -> str:
    """How many near repeats are found, by how much of them was changed."""
    rows = pairs(count)
    found = []
    for share in EDITS:
        dice = random.Random(round(100 * share))
        twins = [{name: edited(text, dice, share) for name, text in row.items()} for row in rows[: count // 5]]
        there = {*range(count + 1, count + 1 + len(twins))}
        report = judged([*rows, *twins], codes=["DATA10"])
        asked = [{**pairs(1, 9_000 + n)[0], "prompt": row["prompt"]} for n, row in enumerate(twins)]
        held = judged(rows, asked, ["DATA12"])
        found.append((f"{share:.0%}", shown(len(named(report, "DATA10") & there) / len(there)),
                      shown(len(named(held, "DATA12")) / len(twins))))  # fmt: skip
    return table(("words changed", "repeats found", "prompts of held-out rows found"), found)


def honest_table(count: int, seeds: int) -> str:
    """What is said of sets in which nothing is wrong."""
    rows = []
    for name, make in HONEST.items():
        alarms, remarks = 0, Counter[str]()
        for seed in range(seeds):
            for size in (60, 300, count):
                held_out = make(300, seed + 1_000) if size == count else None
                report = judged(make(size, seed), held_out)
                alarms += report.worst is not None and report.worst > Severity.INFO
                remarks.update(one.code for one in report.findings if one.severity is Severity.INFO)
        told = ", ".join(f"{code} {by_code()[code].name} ({n})" for code, n in remarks.most_common()) or "none"
        rows.append((name, str(3 * seeds), str(alarms), told))
    return table(("set", "judged", "with a warning", "remarks, and in how many"), rows)


def trend_table(seeds: int) -> str:
    """What is said of sets that are bent more and more."""
    rows = []
    for trend in TRENDS:
        for strength in trend.at:
            told = Counter(severity_of(*trend.bend(strength, seed), trend.code) for seed in range(seeds))
            cells = [str(told[word]) if told[word] else "" for word in ("nothing", "info", "warning", "critical")]
            rows.append((trend.code, trend.what, trend.shown_as.format(strength), *cells))
    return table(("check", "set", "at", "nothing", "remark", "warning", "critical"), rows)


def severity_of(rows: list[Row], held_out: list[Row] | None, code: str) -> str:
    report = judged(rows, held_out, [code])
    return str(max((one.severity for one in report.findings), default="nothing"))


def noise_table(seeds: int) -> str:
    """The estimate of wrong labels from what was judged twice, beside the truth."""
    rows = []
    for wrong in NOISE:
        estimates, covered = [], 0
        for seed in range(seeds):
            report = judged(judged_twice(wrong, seed), codes=["DATA32"])
            estimates.append(report.figures["label_noise"])
            intervals = [one.evidence for one in report.findings]
            covered += all(one["low"] <= wrong <= one["high"] for one in intervals)
        spread = f"{min(estimates):.1%} to {max(estimates):.1%}"
        rows.append((f"{wrong:.0%}", f"{statistics.fmean(estimates):.1%}", spread, f"{covered} of {seeds}"))
    return table(("wrong labels", "estimate", "over the sets", "within its interval"), rows)


def words_table(count: int) -> str:
    """Of labels turned where words tell, how many are named, and how many that are named were turned."""
    rows = []
    for telling in (0.9, 1.0):
        for wrong in (0.01, 0.05, 0.1):
            whole, _ = told_by_words(telling, 3, count)
            rows.append((f"{telling:.0%}", *named_of_turned(whole, wrong)))
    return table(("words are right in", "labels turned", "named", "recall", "precision"), rows)


def named_of_turned(rows: list[Row], wrong: float) -> tuple[str, str, str, str]:
    dice = random.Random(7)
    turned = set(dice.sample(range(len(rows)), round(wrong * len(rows))))
    there = [turned_round(row) if n in turned else row for n, row in enumerate(rows)]
    found = named(judged(there, codes=["DATA33"], sample=len(rows)), "DATA33")
    hits = len({number - 1 for number in found} & turned)
    return (f"{wrong:.0%}", f"{len(found):,}", shown(hits / len(turned)), shown(hits / len(found)) if found else "")


def real_words(sets: dict[str, list[Row]]) -> str:
    """What is said of the real solutions as they are."""
    told = []
    for name, rows in sets.items():
        report = judged(rows)
        found = "; ".join(f"{one.code} {one.says}" for one in report.findings) or "nothing"
        told.append((f"{len(rows):,} {name}", report.verdict.value, found))
    return table(("solutions", "verdict", "remarks"), told)


def shown(share: float) -> str:
    """A share, in which nearly all is not all.

    >>> shown(0.9996), shown(1.0)
    ('99.9%', '100%')
    """
    if share == 1:
        return "100%"
    return f"{min(share, 0.999):.1%}" if share > 0.99 else f"{share:.0%}"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    return "\n".join(_lines([head, ["---"] * len(head), *rows]))


def _lines(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    for row in rows:
        yield "| " + " | ".join(cell.replace("|", "\\|").replace("<", "&lt;") for cell in row) + " |"


if __name__ == "__main__":
    main()
