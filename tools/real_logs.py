"""Judge a collection of real logs, and write what was said beside what a reader thought: docs/real-logs.md.

    python tools/real_logs.py FOLDER [--check]

FOLDER holds `INDEX.tsv` (id, repo, licence, format, algorithm, label, confidence, note, file) and a folder for each
id. The logs are not part of this project; their repositories are named in the table.
"""

from __future__ import annotations

import csv
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "src"))

from barograph.core.errors import UnreadableRun  # noqa: E402
from barograph.core.finding import Diagnosis, Severity  # noqa: E402
from barograph.engine.judge import judge  # noqa: E402
from barograph.sources.runs import How, read_each  # noqa: E402

PAGE = ROOT / "docs" / "real-logs.md"
INTRO = """\
# Real logs

<!-- Written by tools/real_logs.py from a collection of logs that is not part of this project. -->

What barograph says of {count} real runs from public repositories, beside the label that a reader gave each after
looking at its series alone. Labels vary in how sure they are; `suspicious` ones have no right answer. The rules'
thresholds were set while looking at these runs among others, so this table shows that formats are read and that
nothing absurd is said; it is no held-out score.

{summary}

"""
SURE = {"high", "medium"}


class Judged(NamedTuple):
    """One run of the collection, and what was said of it."""

    entry: dict[str, str]
    diagnosis: Diagnosis | None
    error: str

    @property
    def is_alarm(self) -> bool:
        return self.diagnosis is not None and (self.diagnosis.worst or Severity.INFO) > Severity.INFO


def main() -> int:
    """Write the page, or say whether it is up to date."""
    arguments = [argument for argument in sys.argv[1:] if argument != "--check"]
    if len(arguments) != 1:
        print(__doc__, file=sys.stderr)
        return 2
    text = page_of(Path(arguments[0]))
    if "--check" not in sys.argv:
        PAGE.write_text(text, "utf-8")
    elif not PAGE.is_file() or PAGE.read_text("utf-8") != text:
        print(f"{PAGE.relative_to(ROOT)} is not up to date")
        return 1
    return 0


def page_of(folder: Path) -> str:
    """The whole page."""
    judged = list(judge_all(folder))
    lines = [INTRO.format(count=len(judged), summary=summary_of(judged)).rstrip(), ""]
    lines += ["| run | rows | label | verdict | findings |", "| --- | --- | --- | --- | --- |"]
    lines += [row_of(one) for one in sorted(judged, key=lambda one: one.entry["id"])]
    return "\n".join(lines) + "\n"


def judge_all(folder: Path) -> Iterator[Judged]:
    """Every run of the collection. Nothing is kept between runs of this script."""
    os.environ["BAROGRAPH_CACHE"] = "off"
    with (folder / "INDEX.tsv").open(encoding="utf-8") as file:
        entries = list(csv.DictReader(file, delimiter="\t"))
    for entry in entries:
        found = list(read_each(folder / entry["id"] / entry["file"], How()))
        (run,) = found
        if isinstance(run, UnreadableRun):
            yield Judged(entry, None, run.problem)
        else:
            yield Judged(entry, judge(run), "")


def summary_of(judged: list[Judged]) -> str:
    """How many of those that are labelled with some certainty were judged alike."""
    sure = [one for one in judged if one.entry["confidence"] in SURE]
    healthy = [one for one in sure if one.entry["label"] == "healthy"]
    unhealthy = [one for one in sure if one.entry["label"] == "unhealthy"]
    return (
        f"Of {len(healthy)} runs labelled healthy with high or medium confidence, "
        f"{sum(one.is_alarm for one in healthy)} raise a warning. "
        f"Of {len(unhealthy)} labelled unhealthy, {sum(one.is_alarm for one in unhealthy)} do."
    )


def row_of(one: Judged) -> str:
    """One line of the table."""
    entry, diagnosis = one.entry, one.diagnosis
    label = f"{entry['label']} ({entry['confidence']}): {entry['note'].split(';')[0]}".removesuffix(": -")
    name = f"{entry['id']}<br>{entry['repo']}"
    if diagnosis is None:
        return f"| {name} |  | {label} | not read | {one.error} |"
    said = [f"{finding.code} {finding.name} ({finding.step})" for finding in diagnosis.findings]
    return f"| {name} | {diagnosis.rows} | {label} | {diagnosis.verdict.value} | {'<br>'.join(said)} |"


if __name__ == "__main__":
    raise SystemExit(main())
