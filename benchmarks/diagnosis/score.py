"""Judge the recorded logs, and write docs/measured.md.

python benchmarks/diagnosis/score.py                    # prints the sums, and writes the page
python benchmarks/diagnosis/score.py --check            # fails if the page is not what the logs give
python benchmarks/diagnosis/score.py --tuned            # every log of the tuned part: what is said of it, and when
python benchmarks/diagnosis/score.py --rivals PYTHON    # asks the tools that this Python has installed, too
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from multiprocessing import Pool
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(Path(__file__).parent), str(PROJECT / "src")]
os.environ |= {"BAROGRAPH_CACHE": "off", "BAROGRAPH_PLUGINS": "off"}

from judging import said_of  # noqa: E402 - after the paths
from page import page, sums  # noqa: E402
from recorded import LOGS, MANIFEST, Manifest, read_log  # noqa: E402
from rivals import answers, names, versions  # noqa: E402
from scenarios import SCENARIOS, Scenario  # noqa: E402
from scoring import Score, score  # noqa: E402

PAGE = PROJECT / "docs" / "measured.md"
#: What rivals said when they were asked last, for whoever has none.
RIVALS = LOGS / "rivals.json"
#: The sums by earlier rules.
HISTORY = LOGS / "history.json"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="only say whether the page is up to date")
    parser.add_argument("--tuned", action="store_true", help="show each log of the tuned part")
    parser.add_argument("--rivals", type=Path, metavar="PYTHON", help="a Python in which rivals are installed")
    parser.add_argument("--note", metavar="NAME", help="keep the sums under this name")
    asked = parser.parse_args()
    manifest = Manifest.read(MANIFEST)
    if asked.rivals:
        RIVALS.write_text(json.dumps(_ask(asked.rivals, manifest), indent=1, sort_keys=True) + "\n")
    scores = scored(manifest)
    if asked.tuned:
        for one in scores:
            if not one.scenario.is_held_out:
                print(_line(one))
        return
    rivals = json.loads(RIVALS.read_bytes()) if RIVALS.is_file() else {}
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
    print(text.partition("## By method")[0].partition("## In short")[2])


def scored(manifest: Manifest) -> list[Score]:
    """A score of each recorded log, in the order of the plan; every processor judges a part of them."""
    recorded = {(name, seed): path for name, seed, path in manifest.logs()}
    asked = [
        (scenario, seed, recorded[scenario.name, seed], manifest.entries[scenario.name])
        for scenario in SCENARIOS
        if scenario.name in manifest.entries
        for seed in sorted(int(seed) for seed in manifest.entries[scenario.name]["rows"])
    ]
    with Pool() as judges:
        return judges.starmap(_scored, asked, chunksize=8)


def _scored(scenario: Scenario, seed: int, log: Path, entry: dict[str, Any]) -> Score:
    return score(scenario, seed, said_of(read_log(log), entry))


def _ask(python: Path, manifest: Manifest) -> dict[str, Any]:
    """What the rivals say of every log that they have not been asked about in these versions."""
    found = versions(python)
    known = json.loads(RIVALS.read_bytes()) if RIVALS.is_file() else {}
    given = known["answers"] if known.get("versions") == found else {}
    kinds = {scenario.name: scenario.fault.kind if scenario.fault else None for scenario in SCENARIOS}
    for name, seed, path in manifest.logs():
        if (key := f"{name}-seed{seed}") in given:
            continue
        texts = answers(python, list(found), read_log(path))
        kind = kinds[name]
        given[key] = {
            rival: said and {"alarm": True, "named": bool(kind and names(said, kind))}
            if said != []
            else {"alarm": False, "named": False}
            for rival, said in texts.items()
        }
        print(f"{len(given)} asked", end="\r", file=sys.stderr)
    return {"versions": found, "answers": given}


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
