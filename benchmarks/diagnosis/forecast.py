"""Measure forecasts against what came, and write docs/forecast.md.

python benchmarks/diagnosis/forecast.py [LOGS]    # LOGS: a folder of real logs, as tools/real_logs.py takes it
python benchmarks/diagnosis/forecast.py --cost    # how much longer judging takes

Each recorded log is cut at many points. What is forecast there from what lies before is laid beside what lies behind.
"""

from __future__ import annotations

import csv
import sys
import time
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

PROJECT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(Path(__file__).parent), str(PROJECT / "src")]

from judging import run_of, undisturbed  # noqa: E402 - after the paths
from recorded import MANIFEST, Manifest, read_log  # noqa: E402
from scenarios import SCENARIOS  # noqa: E402
from scoring import Share  # noqa: E402

from barograph.core.errors import UnreadableRun  # noqa: E402
from barograph.core.forecast import Forecast  # noqa: E402
from barograph.core.run import Column, Run  # noqa: E402
from barograph.engine import forecast as engine  # noqa: E402
from barograph.engine.bound import bind  # noqa: E402
from barograph.engine.frame import frame_of, frame_of_run  # noqa: E402
from barograph.engine.judge import judge, step_run  # noqa: E402
from barograph.engine.settings import Settings  # noqa: E402
from barograph.rules.critic import ValueLossDiverges  # noqa: E402
from barograph.rules.divergence import KlHighPerAnswer, KlHighPerToken  # noqa: E402
from barograph.rules.forecasts import COURSES, Course  # noqa: E402
from barograph.rules.groups import GroupsWithoutSpread  # noqa: E402
from barograph.rules.length import LengthGrowth, Truncation  # noqa: E402
from barograph.rules.likelihood import BothFalling  # noqa: E402
from barograph.rules.margin import MarginTooLarge  # noqa: E402
from barograph.rules.policy import EntropyCollapse, EntropyExplosion  # noqa: E402
from barograph.rules.series import beta  # noqa: E402
from barograph.signals.words import maximum, minimum  # noqa: E402

PAGE = PROJECT / "docs" / "forecast.md"
#: Where a log is cut, in shares of its rows.
CUTS = tuple(number / 20 for number in range(3, 20))
#: A quantity is there when the mean of so many rows, as many before as after, is.
ROWS = 5

#: What was tried besides. None is told, for the table says how often it would have been right.
TRIED = (
    Course(EntropyCollapse, "entropy",
           minimum(EntropyCollapse.nats, EntropyCollapse.share * EntropyCollapse.shows["start"]), ""),
    Course(EntropyExplosion, "entropy",
           maximum(EntropyExplosion.nats, EntropyExplosion.times * EntropyExplosion.shows["start"]), "", falls=False),
    Course(KlHighPerAnswer, "kl_ref_sequence", KlHighPerAnswer.nats, "", falls=False),
    Course(KlHighPerToken, "kl_ref", KlHighPerToken.nats, "", falls=False),
    Course(MarginTooLarge, "reward_margin", MarginTooLarge.nats * beta, "", falls=False, by_shares=False),
    Course(BothFalling, "reward_chosen", -BothFalling.nats * beta, "", by_shares=False),
    Course(Truncation, "truncated_frac", Truncation.share, "", falls=False, by_shares=False),
    Course(LengthGrowth, "len_mean", LengthGrowth.times * LengthGrowth.shows["start"], "", falls=False),
    Course(GroupsWithoutSpread, "zero_std_frac", GroupsWithoutSpread.most, "", falls=False, by_shares=False),
    Course(ValueLossDiverges, "value_loss", ValueLossDiverges.times * ValueLossDiverges.shows["start"], "",
           falls=False),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Made:
    """One forecast, and in how many steps it came true; None if it never did."""

    run: str
    forecast: Forecast
    came: int | None

    @property
    def is_within(self) -> bool:
        return self.came is not None and self.forecast.earliest <= self.came <= self.forecast.latest

    @property
    def error(self) -> float | None:
        return None if self.came is None else abs(self.came - self.forecast.steps) / self.forecast.steps


def made(name: str, run: Run, courses: Iterable[Course]) -> Iterator[tuple[Course, Made]]:
    """Each forecast that is made of a run where it is cut, while its rule has found nothing."""
    timeline = frame_of(run.method, run.config)
    rules = {rule.rule: rule for rule in bind(run.method, Settings())}
    watched = [course for course in courses if course.rule in rules and course.metric in run.columns]
    if not watched:
        return
    found, _ = step_run(run, [rules[course.rule] for course in watched], frame_of_run(run))
    for course in watched:
        first = min((finding.step for finding in found if finding.code == course.rule.code), default=run.last_step + 1)
        for share in CUTS:
            before = _cut(run, int(share * len(run)))
            if not len(before) or before.last_step >= first:
                continue
            one = engine.forecast(before, course, rules[course.rule], timeline.facts)
            if one is None:
                continue
            came = _came(run, course, one.limit, before.last_step)
            if came is None and timeline.horizon is None and before.last_step + one.latest > run.last_step:
                continue  # The log ends before anybody could know.
            yield course, Made(name, one, came)


def _cut(run: Run, rows: int) -> Run:
    columns = {}
    for key, column in run.columns.items():
        if count := bisect_right(column.at, rows - 1):
            columns[key] = Column(column.at[:count], column.values[:count], column.raw)
    return replace(run, steps=run.steps[:rows], columns=columns)


def _came(run: Run, course: Course, limit: float, since: int) -> int | None:
    """Steps from there to the first at which the quantity is past its limit: a mean, not a single row."""
    column, half = run.columns[course.metric], ROWS // 2
    for place in range(len(column)):
        step = run.steps[column.at[place]]
        around = column.values[max(0, place - half) : place + half + 1]
        mean = sum(around) / len(around)
        if step > since and (mean <= limit if course.falls else mean >= limit):
            return step - since
    return None


# The logs


def recorded_runs() -> Iterator[tuple[str, str, Run]]:
    """Part, name and run of each recorded log."""
    manifest = Manifest.read(MANIFEST)
    parts = {scenario.name: "held out" if scenario.is_held_out else "tuned" for scenario in SCENARIOS}
    for name, seed, path in manifest.logs():
        if name in parts and path.is_file():
            yield parts[name], f"{name}-{seed}", run_of(read_log(path), manifest.entries[name])


def real_runs(folder: Path) -> Iterator[tuple[str, str, Run]]:
    """The same of real logs."""
    from barograph.sources.runs import How, read_each

    with (folder / "INDEX.tsv").open(encoding="utf-8") as file:
        entries = list(csv.DictReader(file, delimiter="\t"))
    for entry in entries:
        for run in read_each(folder / entry["id"] / entry["file"], How()):
            if not isinstance(run, UnreadableRun):
                yield "real", entry["id"], run


# The page

HEAD = """\
# Forecasts

<!-- Written by benchmarks/diagnosis/forecast.py from the recorded logs. Change the code, then run it again. -->

Where a quantity is on its way to the limit of a rule that has found nothing yet, `check`, `watch`, the page and JSON
say when it will be there: "the loss reaches 0.01, practically zero, in about 40 steps (16 to 100) if it goes on like
this". It is a remark: no forecast is a finding, and none changes a verdict or an exit code.

How it is done: the longest stretch of the log up to now is taken over which the quantity moved in a straight line, on a
scale of shares for what decays. Both halves must agree, and the trend must stand twelve standard errors from none. Time
is counted in learning rate spent, not in steps, so that a rate that falls to nought is known to end it. The bounds come
from the steeper and the flatter half and the scatter, and never lie nearer than 0.4 and 2.5 times the number. There is
no forecast where the late bound lies past the planned end, or where it is further ahead than there is log behind.

How it is measured: {runs} runs, the recorded ones of [measured](measured.md){real}, are cut at {cuts} points each.

- **came**: forecasts whose limit was reached before the run ended, by the mean of {rows} rows; the others are false.
- **within**: it came within the bounds that were stated.
- **error**: from the number that was said to what came, as a share of what was said; the median of those that came.
- Forecasts of one run are not independent, so the number of runs stands beside them.
- The method was chosen on the tuned part, also for which of the quantities it is told.

"""
TOLD = """\
## What is told

{table}
"""
DROPPED = """\
## What was tried and is not told

By the same method: too seldom right, or too seldom there to know. Nothing is said of them. Entropy slows down on its
way: most of what was said of it came, but far later than said. Other ways did no better on the tuned part: straight
lines over the last third or half of the log, by least squares and by Theil and Sen, with and without slackening, and on
scales of shares, of amounts, and of the logarithm of time.

{table}
Of evaluations, such as a rising loss on held-out data, there are too few in a run: a trend needs twelve of them.
"""


def page(results: Mapping[Course, Mapping[str, Sequence[Made]]], runs: int, *, with_real: bool) -> str:
    """docs/forecast.md."""
    head = HEAD.format(runs=runs, real=" and real ones" if with_real else "", cuts=len(CUTS), rows=ROWS)
    return head + TOLD.format(table=_table(results, COURSES)) + "\n" + DROPPED.format(table=_table(results, TRIED))


def _table(results: Mapping[Course, Mapping[str, Sequence[Made]]], courses: Iterable[Course]) -> str:
    lines = ["| towards | rule | part | forecasts | runs | came | within | error |", "|" + " --- |" * 8]
    for course in courses:
        parts = results.get(course, {})
        for part in ("tuned", "held out", "real") if parts else ("all",):
            all_of = parts.get(part, ())
            errors = [one.error for one in all_of if one.error is not None]
            cells = [
                f"`{course.metric}`", course.rule.code, part, len(all_of), len({one.run for one in all_of}),
                Share(sum(one.came is not None for one in all_of), len(all_of)),
                Share(sum(one.is_within for one in all_of), len(all_of)),
                f"{median(errors):.0%}" if errors else "-",
            ]  # fmt: skip
            if all_of or part == "all":
                lines.append("| " + " | ".join(map(str, cells)) + " |")
    return "\n".join(lines) + "\n"


def cost(runs: Sequence[Run]) -> None:
    """Print how long judging takes, and how long the forecasts in it."""
    begun = time.perf_counter()
    for run in runs:
        judge(run, Settings())
    whole = time.perf_counter() - begun
    begun = time.perf_counter()
    for run in runs:
        engine.forecasts(run, bind(run.method, Settings()), frame_of(run.method, run.config).facts, ())
    forecasting = time.perf_counter() - begun
    begun = time.perf_counter()
    for run in runs:
        bind(run.method, Settings()), frame_of(run.method, run.config)
    forecasting -= time.perf_counter() - begun
    print(
        f"{len(runs)} runs: judged in {whole:.2f} s, of which forecasts {forecasting:.3f} s: {forecasting / whole:.1%}"
    )


def main() -> None:
    undisturbed()
    folders = [Path(argument) for argument in sys.argv[1:] if not argument.startswith("--")]
    runs = [*recorded_runs(), *(one for folder in folders for one in real_runs(folder))]
    if "--cost" in sys.argv:
        cost([run for _, _, run in runs])
        return
    results: dict[Course, dict[str, list[Made]]] = {}
    for part, name, run in runs:
        for course, one in made(name, run, (*COURSES, *TRIED)):
            results.setdefault(course, {}).setdefault(part, []).append(one)
    text = page(results, len(runs), with_real=bool(folders))
    PAGE.write_text(text, "utf-8")
    print(text.partition("## What is told")[2])


if __name__ == "__main__":
    main()
