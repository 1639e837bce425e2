"""The page that shows the scores: docs/measured.md."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from statistics import fmean, median
from typing import Any

import beside
import early
from scenarios import SETTINGS
from scoring import Score, share

__all__ = ["page", "sums"]

HEAD = """\
# Measured

<!-- Written by benchmarks/diagnosis/score.py from the recorded logs. Change the code, then run it again. -->

How often the diagnosis is right, on runs of which the truth is known: {healthy} healthy settings and {faults} planted
faults, {logs} recorded runs in all. They are real trainings by TRL, transformers and the PPO of the recipes, of the
tiny model in its tiny world ([training](training.md)), 60 to 210 rows each. What is planted where stands in
`first_lot.py` to `sixth_lot.py` of `benchmarks/diagnosis/`; `record.py` beside them trains them anew, `score.py`
prints this page.

How to read it:

- **tuned** and **held out**: rules, thresholds and causes are changed by looking at the tuned part only; the other is
  what to expect of runs that nobody has looked at, and of it sums are told, no more. It is still the tiny model: large
  models differ more.
- There are six lots. Of the first, half of the settings of each method and a quarter of the kinds of faults were held
  out by lot before any run was recorded. After a round of changes it was opened, and a second lot was drawn up, with
  settings and kinds that the first lacks; and so on until the sixth, each after another round. Now the first
  five are tuned on, and the sixth is held out. What was measured on each lot while it was held out stands under "Over
  time".
- An **alarm** is a warning or worse. On a healthy run any alarm is false, also one that comes and goes while it trains.
- A rule **names** a fault if its sentence is about it. The **cause** is right if it is the likeliest one that is told;
  **in two**: or the second. What has no alarm has no cause. Faults for which no cause has a word count as missed.
- **After**: steps from where a careful reader of the log could know for sure, by the plan, to the first alarm, and to
  the first by a rule that names the fault; the median over seeds. Negative is earlier, and may be luck. **Left when
  named**: the share of the run that is still to come then.
- Faults that no log can show are in a table of their own and in no sum.
- Whether a fault does what it is planted for was checked by its curves, before anything was said of them: three were
  planted deeper then, and one set aside, as no log of this world can show it.
- Intervals are 95 %, by Wilson, as if runs were independent. Seeds of one scenario are not: read them as too narrow.
"""


def page(scores: Sequence[Score], rivals: Mapping[str, Any], history: Sequence[Mapping[str, Any]] = ()) -> str:
    """The whole page."""
    healthy = [one for one in scores if one.scenario.fault is None]
    faulty = [one for one in scores if one.scenario.fault is not None]
    shown = [one for one in faulty if _fault(one).seen_from is not None]
    hidden = [one for one in faulty if _fault(one).seen_from is None]
    kinds = {one.scenario.name for one in faulty}
    parts = [
        HEAD.format(healthy=len({one.scenario.name for one in healthy}), faults=len(kinds), logs=len(scores)),
        "## In short\n\n" + _in_short(sums(scores)),
        *(["## Over time\n\n" + _over_time(history)] if history else []),
        "## By method\n\n" + _by_method(healthy, shown),
        "## Early warning\n\n" + early.SAYS + _table(early.HEAD, early.rows(healthy, shown)),
        "## Healthy runs\n\n" + _healthy(_tuned(healthy)),
        "## Faults\n\n" + _faults(_tuned(shown)),
        "## What is held out\n\n" + _held_out([one for one in scores if one.scenario.is_held_out]),
        "## What no log can show\n\n" + _hidden(_tuned(hidden)),
        "## Alarms before there was a fault\n\n" + _early(_tuned(shown)),
        "## Beside other tools\n\n" + _beside(scores, rivals),
    ]
    return "\n\n".join(part.rstrip() for part in parts) + "\n"


def _tuned(scores: Sequence[Score]) -> list[Score]:
    return [one for one in scores if not one.scenario.is_held_out]


def _fault(one: Score) -> Any:
    return one.scenario.fault


def _table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines) + "\n"


HEALTHY_SILENT = "healthy runs without any alarm, at any time"
NAMED, FIRST, SECOND = "faults that a rule names", "right cause", "right cause, in two"
MEASURES: dict[str, Callable[[Score], bool]] = {
    "faults that raise an alarm": lambda one: one.alarmed,
    NAMED: lambda one: one.named,
    FIRST: lambda one: one.first,
    SECOND: lambda one: one.second,
}


def sums(scores: Sequence[Score]) -> dict[str, dict[str, str]]:
    """What stands under "In short": of each part of the plan, the measures."""
    return {
        part: _sums_of([one for one in scores if one.scenario.is_held_out == is_held_out])
        for part, is_held_out in (("tuned", False), ("held out", True))
    }


def _sums_of(scores: Sequence[Score]) -> dict[str, str]:
    healthy = [one for one in scores if one.scenario.fault is None]
    shown = [one for one in scores if one.scenario.fault is not None and _fault(one).seen_from is not None]
    return {
        HEALTHY_SILENT: str(share(healthy, [not one.false_alarms for one in healthy])),
        "healthy runs that end without one": str(share(healthy, [not one.alarmed for one in healthy])),
        **{name: str(share(shown, map(measure, shown))) for name, measure in MEASURES.items()},
        "first alarm, in steps after it is decidable (median)": _delay(shown),
        "first alarm by a rule that names it, likewise": _named_delay(shown),
    }


def _in_short(parts: Mapping[str, Mapping[str, str]]) -> str:
    names = list(next(iter(parts.values())))
    return _table(["", *parts], [[name, *(part[name] for part in parts.values())] for name in names])


def _over_time(history: Sequence[Mapping[str, Any]]) -> str:
    """The same sums by earlier rules, on the logs that there were then; what was held out then is what counts."""
    measures = {"healthy, silent": HEALTHY_SILENT, "named": NAMED, "right cause": FIRST, "right cause, in two": SECOND}
    told = [
        [then["says"], *(then["sums"]["held out"][name] for name in measures.values()), then["sums"]["tuned"][FIRST]]
        for then in history
    ]
    return _table(["held out", *measures, "right cause, tuned"], told)


def _delay(scores: Sequence[Score]) -> str:
    return _middle(one.delay for one in scores if one.alarmed)


def _named_delay(scores: Sequence[Score]) -> str:
    return _middle(one.named_delay for one in scores if one.named)


def _middle(delays: Iterable[int | None]) -> str:
    known = [delay for delay in delays if delay is not None]
    return f"{median(known):+.0f}" if known else "-"


def _by_method(healthy: Sequence[Score], shown: Sequence[Score]) -> str:
    rows = []
    for method in dict.fromkeys(setting.method for setting in SETTINGS):
        for part in ("tuned", "held out"):
            well = [one for one in healthy if one.scenario.method == method and _part(one) == part]
            ill = [one for one in shown if one.scenario.method == method and _part(one) == part]
            rows.append(
                [method, part, share(well, [not one.false_alarms for one in well])]
                + [share(ill, map(measure, ill)) for measure in MEASURES.values()]
                + [_delay(ill), _named_delay(ill)]
            )
    head = [
        "method", "part", "healthy, silent", "alarm", "named", "right cause", "right cause, in two", "after",
        "named after",
    ]  # fmt: skip
    return _table(head, rows)


def _by_scenario(scores: Sequence[Score]) -> list[list[Score]]:
    groups = defaultdict(list)
    for one in scores:
        groups[one.scenario.name].append(one)
    return list(groups.values())


def _part(one: Score) -> str:
    return "held out" if one.scenario.is_held_out else "tuned"


def _healthy(healthy: Sequence[Score]) -> str:
    rows = []
    for group in _by_scenario(healthy):
        setting = group[0].scenario.setting
        silent = sum(not each.false_alarms for each in group)
        rows.append(
            [setting.name, setting.says, _reached(group), f"{silent}/{len(group)}",
             f"{sum(each.alarmed for each in group)}/{len(group)}", _told(group)]
        )  # fmt: skip
    head = ["setting", "what", "held out", "silent", "alarm at the end", "alarms (seed: rule at step)"]
    says = "They are called healthy for what they reach on held-out examples, not for what any rule says of them.\n\n"
    return says + _table(head, rows)


def _reached(group: Sequence[Score]) -> str:
    """The first thing that says whether the model has learned, as a mean over the seeds."""
    words = [name for name, _ in group[0].said.held_out]
    word = next((word for word in ("accuracy", "margin") if word in words), None)
    return f"{word} {fmean(dict(one.said.held_out)[word] for one in group):.2f}" if word else "-"


def _told(group: Sequence[Score]) -> str:
    said = [
        f"{one.seed}: " + ", ".join(f"{code} at {step}" for step, code in _first_of_each(one.false_alarms))
        for one in group
        if one.false_alarms
    ]
    return "; ".join(said)


def _first_of_each(alarms: Iterable[tuple[int, str]]) -> list[tuple[int, str]]:
    first: dict[str, int] = {}
    for step, code in alarms:
        first.setdefault(code, step)
    return [(step, code) for code, step in first.items()]


def _faults(shown: Sequence[Score]) -> str:
    rows = []
    for group in _by_scenario(shown):
        fault, count = _fault(group[0]), len(group)
        since = f", from step {fault.since}" if fault.since > 1 else ""
        rows.append(
            [fault.kind, fault.setting, fault.says + since,
             *(f"{sum(map(measure, group))}/{count}" for measure in MEASURES.values()),
             _delay(group), _named_delay(group), early.share_left(group), _instead(group)]
        )  # fmt: skip
    head = [
        "fault",
        "setting",
        "what",
        "alarm",
        "named",
        "cause",
        "in two",
        "after",
        "named after",
        "left when named",
        "said instead (runs)",
    ]
    return _table(head, rows)


def _held_out(scores: Sequence[Score]) -> str:
    """What is planned there, and what healthy ones reach: nothing of what is said of them."""
    rows = []
    for group in _by_scenario(scores):
        scenario = group[0].scenario
        fault, setting = scenario.fault, scenario.setting
        kind, says = (fault.kind, fault.says) if fault else ("healthy", setting.says)
        rows.append([setting.name, kind, says, len(group), "-" if fault else _reached(group)])
    return _table(["setting", "fault", "what", "runs", "held-out examples"], rows)


def _instead(group: Sequence[Score]) -> str:
    """What is told where the right cause is not."""
    wrong: Counter[str] = Counter()
    for one in group:
        if one.first:
            continue
        if not one.alarmed:
            wrong["nothing"] += 1
        else:
            wrong[one.said.causes[0] if one.said.causes else "no cause: " + ", ".join(one.said.warned)] += 1
    told = "; ".join(f"{words} ({count})" for words, count in wrong.most_common())
    return told + (" - there is no word for it" if not _fault(group[0]).causes else "")


def _hidden(hidden: Sequence[Score]) -> str:
    rows = []
    for group in _by_scenario(hidden):
        fault = _fault(group[0])
        alarmed = f"{sum(one.alarmed for one in group)}/{len(group)}"
        rows.append([fault.kind, fault.setting, fault.says, fault.because, alarmed, _instead(group)])
    return _table(["fault", "setting", "what", "why not", "alarm", "said (runs)"], rows)


def _early(shown: Sequence[Score]) -> str:
    late = [one for one in shown if _fault(one).since > 1]
    false = [one for one in late if one.false_alarms]
    told = [f"- {one.scenario.name}, seed {one.seed}: {_told([one]).partition(': ')[2]}" for one in false]
    says = f"Of {len(late)} runs whose fault begins in the middle, {len(false)} raise an alarm before it."
    return "\n".join([says, "", *told])


def _beside(scores: Sequence[Score], rivals: Mapping[str, Any]) -> str:
    if not rivals:
        return "None was installed: `score.py --rivals PYTHON` asks those that this Python has."
    return (
        beside.SAYS.format(logs=len(beside.common(scores, rivals)))
        + _table(beside.HEAD, beside.rows(scores, rivals))
        + beside.BY_FAMILY
        + _table(beside.FAMILY_HEAD, beside.by_family(scores, rivals))
    )
