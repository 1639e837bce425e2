"""Judge the recorded logs, and write docs/measured.md.

python benchmarks/diagnosis/score.py                    # prints the sums, and writes the page
python benchmarks/diagnosis/score.py --added            # judges logs that were added; no rule has changed since then
python benchmarks/diagnosis/score.py --check            # fails if the page is not what the logs give, as far as is seen
                                                        # by what is held out, and by each tenth log of the others
python benchmarks/diagnosis/score.py --tuned            # every log of the tuned part: what is said of it, and when
python benchmarks/diagnosis/score.py --rivals PYTHON    # asks the tools that this Python has installed, too
python benchmarks/diagnosis/score.py --rivals PYTHON --ask     # only asks them; stopped and called again, it goes on
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from multiprocessing import Pool
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(Path(__file__).parent), str(PROJECT / "src")]

from asking import ANSWERS, ask  # noqa: E402 - after the paths
from judging import Said, said_of, undisturbed  # noqa: E402
from page import page, sums  # noqa: E402
from recorded import LOGS, MANIFEST, Manifest, key_of, read_log  # noqa: E402
from scenarios import SCENARIOS, Scenario  # noqa: E402
from scoring import Score, score  # noqa: E402

PAGE = PROJECT / "docs" / "measured.md"
#: The sums by earlier rules.
HISTORY = LOGS / "history.json"
#: What was said of each tuned log when the page was written.
KEPT = LOGS / "said.json"
#: Of so many tuned logs one is judged anew to see whether the page is up to date.
ONE_OF = 10


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="only say whether the page is up to date")
    parser.add_argument("--added", action="store_true", help="believe what is kept of tuned logs, and judge the others")
    parser.add_argument("--tuned", action="store_true", help="show each log of the tuned part")
    parser.add_argument("--rivals", type=Path, metavar="PYTHON", help="a Python in which rivals are installed")
    parser.add_argument("--ask", action="store_true", help="ask the rivals, and leave the page as it is")
    parser.add_argument("--note", metavar="NAME", help="keep the sums under this name")
    asked = parser.parse_args()
    undisturbed()
    manifest = Manifest.read(MANIFEST)
    if asked.rivals:
        ask(asked.rivals, manifest)
    if asked.ask:
        return
    kept = json.loads(KEPT.read_bytes()) if KEPT.is_file() and (asked.check or asked.added) else {}
    if asked.check:
        kept = {name: said for number, (name, said) in enumerate(kept.items()) if number % ONE_OF}
    scores = scored(manifest, kept)
    if asked.tuned:
        for one in scores:
            if not one.scenario.is_held_out:
                print(_line(one))
        return
    rivals = json.loads(ANSWERS.read_bytes()) if ANSWERS.is_file() else {}
    history = json.loads(HISTORY.read_bytes()) if HISTORY.is_file() else []
    if asked.note:
        history = [then for then in history if then["says"] != asked.note]
        history.append({"says": asked.note, "sums": sums(scores)})
        HISTORY.write_text(json.dumps(history, indent=1) + "\n")
    text = page(scores, rivals, history)
    if asked.check:
        if not PAGE.is_file() or PAGE.read_text("utf-8") != text:
            raise SystemExit(f"{PAGE.relative_to(PROJECT)} is stale: python benchmarks/diagnosis/score.py")
        return
    PAGE.write_text(text, "utf-8")
    keep(scores)
    print(text.partition("## By method")[0].partition("## In short")[2])


def keep(scores: Sequence[Score]) -> None:
    """Of tuned logs a line each, so that a comparison shows what a rule changes. Held-out ones are not looked at."""
    lines = (
        f" {json.dumps(key_of(one.scenario.name, one.seed))}: {json.dumps(one.said.to_list(), separators=(',', ':'))}"
        for one in scores
        if not one.scenario.is_held_out
    )
    KEPT.write_text("{\n" + ",\n".join(lines) + "\n}\n")


def scored(manifest: Manifest, believed: Mapping[str, list[Any]]) -> list[Score]:
    """A score of each recorded log, in the order of the plan; every processor judges a part of them.

    Of some it is believed what was said of them before.
    """
    recorded = {(name, seed): path for name, seed, path in manifest.logs()}
    asked = [
        (
            scenario,
            seed,
            recorded[scenario.name, seed],
            manifest.entries[scenario.name],
            believed.get(key_of(scenario.name, seed)),
        )
        for scenario in SCENARIOS
        if scenario.name in manifest.entries
        for seed in sorted(int(seed) for seed in manifest.entries[scenario.name]["rows"])
    ]
    with Pool() as judges:
        return judges.starmap(_scored, asked, chunksize=8)


def _scored(scenario: Scenario, seed: int, log: Path, entry: dict[str, Any], kept: list[Any] | None) -> Score:
    return score(scenario, seed, said_of(read_log(log), entry) if kept is None else Said.from_list(kept))


def _line(one: Score) -> str:
    fault, said = one.scenario.fault, one.said
    marks = "".join(
        letter if flag else "."
        for letter, flag in (("A", one.alarmed), ("N", one.named), ("1", one.first), ("2", one.second))
    )
    alarms = " ".join(f"{alarm.code}@{alarm.step}" for alarm in said.alarms[:8])
    planted = f"since {fault.since}, seen {fault.seen_from}" if fault else "healthy"
    return f"{one.scenario.name}-{one.seed} [{marks}] {said.verdict}; {planted}; {alarms or '-'}; {list(said.causes)}"


if __name__ == "__main__":
    main()
