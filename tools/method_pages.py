"""The pages under docs/methods: for each method what healthy runs look like, what goes wrong, and every rule.

What no code knows stands in method_pages.toml. Ranges, rules, causes, names and thresholds are those of the package;
pictures are drawn from recorded runs.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from markdown_parts import finished, linked, plain, table
from method_pictures import faulty_beside_healthy, healthy_picture
from method_tables import (
    advised,
    cause_link,
    causes_left,
    metric_link,
    names_table,
    number_of,
    ranges_table,
    remedies,
    rules_tables,
)
from recorded_runs import blind_spots, faults_of, recorded

from barograph.cli.explain import TAGS
from barograph.core.methods import Method
from barograph.core.names import catalogue, split_of
from barograph.core.objectives import starting_loss
from barograph.rules.catalogue import RULES, by_code, rules_for

if TYPE_CHECKING:
    from recorded_runs import Recorded

__all__ = ["Page", "method_files", "pages"]

TEXTS = Path(__file__).with_suffix(".toml")
RULES_AT, CAUSES_AT, METRICS_AT = "../rules/", "../causes.md", "../metrics.md"
CODE = re.compile(r"\b([A-Z]{2,4}\d\d)\b")
NUMBER = re.compile(r"\{([A-Z]{2,4}\d\d)\.(\w+)(?::g)?\}")

#: Of the alarms of one step, so many are told.
MOST_ALARMS = 2
ABOUT_RUNS = """\
Pictures are of real trainings of a [tiny model](../training.md) by TRL, or by the PPO of the recipes, always the first
seed of their setting. Read the shapes: rates, gradient norms and the number of steps are other ones in a large model.\
"""


@dataclass(frozen=True, slots=True)
class Picture:
    """A recorded run to be shown, and what to see in it."""

    scenario: str
    shows: tuple[str, ...]
    see: str

    @property
    def file(self) -> str:
        return f"pictures/{self.scenario}.svg"


@dataclass(frozen=True, slots=True)
class Page:
    """What is written by hand on one page."""

    name: str
    title: str
    #: The method that the page is named after, and its kin.
    methods: tuple[Method, ...]
    also: str
    in_short: str
    lead: str
    #: Metrics that tell, and those that mislead, each with what to make of it.
    counts: Sequence[tuple[str, str]]
    misleads: Sequence[tuple[str, str]]
    kin: str
    #: Objectives of which the first loss is known: words, method, settings.
    starts: Sequence[tuple[str, str, Mapping[str, Any]]]
    starts_after: str
    #: What no curve shows.
    hides: Sequence[str]
    healthy: Picture
    faults: Sequence[Picture]

    @property
    def method(self) -> Method:
        return self.methods[0]


def pages() -> list[Page]:
    """The pages as they stand in the file of texts."""
    return [_page_of(dict(table)) for table in tomllib.loads(TEXTS.read_text("utf-8"))["page"]]


def _page_of(words: dict[str, Any]) -> Page:
    healthy, faults = words.pop("healthy"), words.pop("fault")
    return Page(
        methods=tuple(map(Method, words.pop("methods"))),
        healthy=Picture(healthy["scenario"], tuple(healthy["panels"]), healthy["see"]),
        faults=[Picture(one["scenario"], tuple(one["series"]), one["see"]) for one in faults],
        **words,
    )


def method_files(folder: Path) -> Iterator[tuple[Path, str]]:
    """Every page and picture, and what it should hold."""
    every = pages()
    yield folder / "README.md", finished(_index(every))
    for page in every:
        yield folder / f"{page.name}.md", finished(_text(page))
        title = f"A healthy run of {page.method.value}"
        yield folder / page.healthy.file, healthy_picture(title, recorded(page.healthy.scenario), page.healthy.shows)
        for one in page.faults:
            run = recorded(one.scenario)
            title = f"{page.method.value}, {_spoken(run)}: {_unmarked(run.fault.says)}"
            healthy = recorded(f"{run.scenario.setting.name}--healthy")
            yield folder / one.file, faulty_beside_healthy(title, run, healthy, one.shows)


def _index(every: Sequence[Page]) -> Iterator[str]:
    yield "# What healthy looks like, method by method"
    yield (
        "One page for each family of methods: which curves count, what they look like in good runs and in runs that go "
        "wrong, what to do then, and every rule with its numbers and where they come from.\n"
    )
    rows = (
        (f"[{page.title}]({page.name}.md)", page.also, page.in_short, str(len(rules_for(page.method, RULES))))
        for page in every
    )
    yield from table(("page", "methods", "in short", "rules"), rows)
    yield f"{ABOUT_RUNS}\n"
    shared = ", ".join(linked(rule.code, RULES_AT) for rule in rules_for(Method.UNKNOWN, RULES))
    yield (
        "A run of another method, supervised fine-tuning for instance, or one whose method nothing tells, is judged by "
        f"the rules that hold for all: {shared}.\n"
    )
    yield f"{_tags()}\n"


def _tags() -> str:
    meanings = "; ".join(f"**{tag}** {meaning}" for tag, meaning in TAGS.items())
    return (
        f"Behind each source stands how well founded it is: {meanings}. Most thresholds are a G: papers say where "
        "things go, rarely how far. What a G rests on, beside judgement, is [measured](../measured.md)."
    )


# One page


def _text(page: Page) -> Iterator[str]:
    yield f"# {page.title}"
    yield f"{_with_links(page.lead, page)}\n"
    yield "Curves that count:\n"
    yield from (f"- {_metric(name)} {_with_links(says, page)}" for name, says in page.counts)
    yield "\nCurves that mislead:\n"
    yield from (f"- {_metric(name)} {_with_links(says, page)}" for name, says in page.misleads)
    if page.kin:
        yield "\nKin and neighbours:\n"
        yield f"{_with_links(page.kin, page)}\n"
    yield "\n## What healthy looks like\n"
    yield from _healthy(page)
    yield "## What goes wrong\n"
    yield from _faults(page)
    yield "## Every rule\n"
    yield from rules_tables(page.methods, RULES_AT)
    yield f"{_tags()}\n"
    yield "## What no curve shows\n"
    yield from (f"- {_with_links(says, page)}" for says in page.hides)
    for fault in blind_spots(page.method.value):
        yield f"- Planted in recorded runs, and counted nowhere: {fault.says}. {_capital(fault.because)}."


def _healthy(page: Page) -> Iterator[str]:
    one = recorded(page.healthy.scenario)
    yield f"![Lead curves of a healthy run of {page.method.value}]({page.healthy.file})\n"
    yield (
        f"{page.healthy.see} Setting: {one.scenario.setting.says}. Green is where such runs usually lie, by the table "
        "below; dots are held-out data.\n"
    )
    yield f"{ABOUT_RUNS}\n"
    if page.starts:
        yield "What the loss is before the first step:\n"
        rows = ((words, f"{starting_loss(Method(method), config):.4g}") for words, method, config in page.starts)
        yield from table(("objective", "loss"), rows)
        yield f"{page.starts_after}\n"
    yield "Usual ranges, and what the run above had in its first and last rows:\n"
    yield from ranges_table(page.methods, one.run, METRICS_AT)
    yield "The same metrics as frameworks print them:\n"
    yield from names_table([name for name, _ in page.counts], page.method, METRICS_AT)


def _faults(page: Page) -> Iterator[str]:
    yield (
        "Each picture: a run with a planted fault beside the healthy run that differs in the fault alone. The "
        "upright line is the first alarm, a warning or worse, that somebody who watches gets to see; a dotted one is "
        "where a fault begins that is not there from the start.\n"
    )
    for picture in page.faults:
        one = recorded(picture.scenario)
        yield f"### {_spoken(one).capitalize()}\n"
        yield f"![{_unmarked(one.fault.says)}, beside a healthy run]({picture.file})\n"
        yield f"{_planted(one)}. {picture.see}\n"
        yield from _what_was_said(one)
    yield "### All faults that were recorded\n"
    yield from table(
        ("cause", "planted as", "first alarm", "cause told in the end", "what to do"),
        (_row(recorded(scenario.name)) for scenario in faults_of(page.method.value)),
    )
    told = {name for scenario in faults_of(page.method.value) for name in scenario.fault.causes}
    rest = list(causes_left(page.method, told, CAUSES_AT, RULES_AT))
    if rest:
        yield "### Other causes\n"
        yield "Not planted in runs of this method, or only in those that rules are not tuned on.\n"
        yield from table(("cause", "first symptoms", "what to do"), rest)


def _spoken(one: Recorded) -> str:
    return one.fault.kind.replace("-", " ")


def _planted(one: Recorded) -> str:
    says, since = _capital(one.fault.says), one.fault.since
    if "from a step on" in says:
        return says.replace("from a step on", f"from step {since} on")
    return f"{says}, at step {since}" if since > 1 else says


def _what_was_said(one: Recorded) -> Iterator[str]:
    if not one.alarms:
        yield "- barograph raised no alarm."
    for found in one.alarms[:MOST_ALARMS]:
        yield f"- Step {one.alarmed_at}: {linked(found.code, RULES_AT)} {found.name}, “{plain(found.says)}”."
    if one.diagnosis.causes:
        cause = one.diagnosis.causes[0]
        is_right = cause.name in one.fault.causes
        right = "" if is_right else f" In truth it is {cause_link(one.fault.causes[0], CAUSES_AT)}."
        yield f"- In the end, the likeliest cause: {cause_link(cause.name, CAUSES_AT)}.{right}"
        todo = advised(cause) if is_right else remedies(one.fault.causes[0])
        yield f"- What to do here: {plain('; '.join(todo)).rstrip('.')}.\n"


def _row(one: Recorded) -> tuple[str, ...]:
    right = one.fault.causes[0] if one.fault.causes else ""
    first = ", ".join(f"{linked(found.code, RULES_AT)} {found.name}" for found in one.alarms[:MOST_ALARMS])
    told = one.diagnosis.causes[0].name if one.diagnosis.causes else "none"
    return (
        cause_link(right, CAUSES_AT) if right else one.fault.kind,
        _planted(one),
        f"step {one.alarmed_at}: {first}" if first else "none",
        "this one" if told in one.fault.causes else f"wrongly: {told}",
        plain("; ".join(remedies(right))) if right else "",
    )


def _unmarked(text: str) -> str:
    return text.replace("`", "")


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _metric(name: str) -> str:
    """A metric with a link to what it means; a held-out series leads to its metric."""
    return metric_link(name, METRICS_AT) if split_of(name)[1] in catalogue() else f"`{name}`"


def _with_links(text: str, page: Page) -> str:
    """Text by hand with the numbers of rules put in, and their codes as links."""
    text = NUMBER.sub(lambda found: f"{number_of(by_code()[found[1]], found[2], page.method):g}", text.strip())
    return CODE.sub(lambda found: linked(found[1], RULES_AT), text)
