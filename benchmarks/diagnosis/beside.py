"""What other tools say of the same logs, beside what is said here: the tables of the page."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from recorded import key_of
from scoring import Score, Share, share

__all__ = ["BY_FAMILY", "FAMILIES", "FAMILY_HEAD", "HEAD", "SAYS", "Tool", "by_family", "common", "rows", "tools"]

SAYS = """\
{logs} of the logs, tuned and held out, judged when they are complete, at default thresholds. A tool names a fault if a
warning of its holds a word for it (`rivals.py`); that is generous, since a text that offers five possible causes names
all of them. Most of these tools are made for other runs than these.

- losslint, rldoctor, runmedic, trainproof and trainspotter read a `trainer_state.json` by a command of their own.
- provenir, rlprobe and rlwatch watch a run of GRPO or PPO live, and their commands read no logs but their own. They are
  fed the rows of the training, by the names of their own interfaces (`rivals_live.py`), and what they said at any time
  counts, as it does in their own reports. provenir takes a spread that it is not given for nought, and nought for a
  collapse: where a log has none, it is given 1.
- provenir warns of a token entropy below 0.1 or half of its largest, rlwatch of one below 1.0. The tiny model is nearly
  certain of its answers from the start on, at about 0.1, so that both warn in healthy runs too. Larger models usually
  start between 0.3 and 1.
- Rules here are changed by looking at the tuned part, so that barograph has a row of what is held out, too.

"""

HEAD = ["tool", "healthy, silent at the end", "alarm", "named", "broke down"]

BY_FAMILY = """
The same by the kind of training: alarms in healthy runs, and faults that are named.

"""

FAMILIES = {
    "preferences (dpo, kto)": ("dpo", "kto"),
    "scoring models (reward, prm)": ("reward", "prm"),
    "online (grpo, ppo)": ("grpo", "ppo"),
}

FAMILY_HEAD = ["tool", *(f"{family}: {what}" for family in FAMILIES for what in ("false alarms", "named"))]

#: What is said where a tool broke down.
NOTHING = {"alarm": False, "named": False}


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool on the page: what it says of a log, and of which logs it is shown."""

    name: str
    alarmed: Callable[[Score], bool]
    named: Callable[[Score], bool]
    broke: Callable[[Score], bool] | None = None
    #: Shown of what is held out, alone.
    is_held_out: bool = False

    def shown(self, scores: Sequence[Score]) -> list[Score]:
        return [one for one in scores if one.scenario.is_held_out or not self.is_held_out]


def common(scores: Sequence[Score], rivals: Mapping[str, Any]) -> list[Score]:
    """The logs of which every rival was asked."""
    asked = {key for key, given in rivals["answers"].items() if set(given) >= set(rivals["versions"])}
    return [one for one in scores if _key(one) in asked]


def tools(rivals: Mapping[str, Any]) -> Iterator[Tool]:
    """Our own first."""
    yield Tool("barograph", lambda one: one.alarmed, lambda one: one.named)
    yield Tool("barograph, held out alone", lambda one: one.alarmed, lambda one: one.named, is_held_out=True)
    for name, version in rivals["versions"].items():
        yield _rival(name, version, rivals["answers"])


def _rival(name: str, version: str, answers: Mapping[str, Mapping[str, Any]]) -> Tool:
    def said(one: Score) -> Mapping[str, bool]:
        return answers[_key(one)][name] or NOTHING

    return Tool(
        f"{name} {version}",
        alarmed=lambda one: said(one)["alarm"],
        named=lambda one: said(one)["named"],
        broke=lambda one: answers[_key(one)][name] is None,
    )


def rows(scores: Sequence[Score], rivals: Mapping[str, Any]) -> Iterator[list[object]]:
    """A row for each tool, of all the logs that each was asked about."""
    for tool in tools(rivals):
        shown = tool.shown(common(scores, rivals))
        well, ill = _well(shown), _ill(shown)
        yield [
            tool.name,
            share(well, [not tool.alarmed(one) for one in well]),
            share(ill, map(tool.alarmed, ill)),
            share(ill, map(tool.named, ill)),
            "-" if tool.broke is None else sum(map(tool.broke, shown)),
        ]


def by_family(scores: Sequence[Score], rivals: Mapping[str, Any]) -> Iterator[list[object]]:
    """A row for each tool: of each family of methods, its false alarms and the faults that it names."""
    for tool in tools(rivals):
        row: list[object] = [tool.name]
        for methods in FAMILIES.values():
            shown = [one for one in tool.shown(common(scores, rivals)) if one.scenario.method in methods]
            well, ill = _well(shown), _ill(shown)
            row += [_brief(share(well, map(tool.alarmed, well))), _brief(share(ill, map(tool.named, ill)))]
        yield row


def _key(one: Score) -> str:
    return key_of(one.scenario.name, one.seed)


def _well(scores: Sequence[Score]) -> list[Score]:
    return [one for one in scores if one.scenario.fault is None]


def _ill(scores: Sequence[Score]) -> list[Score]:
    """Faulty ones, but for those that no log can show."""
    return [one for one in scores if one.scenario.fault is not None and one.scenario.fault.seen_from is not None]


def _brief(part: Share) -> str:
    return f"{part.count}/{part.of} = {part.count / part.of:.0%}" if part.of else "-"
