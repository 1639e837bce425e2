"""The tables on the page of a method: ranges, names, rules, causes; all of it from the package."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from markdown_parts import linked, plain, table

from barograph.charts.drawing import number
from barograph.charts.panels import panels_of
from barograph.cli.explain import peculiarity, range_words
from barograph.cli.rules import advice_text, cause_page
from barograph.console.explanation import Items, listed
from barograph.core.bands import BANDS, Band, Stage, bands_for
from barograph.core.cause import Cause
from barograph.core.methods import ALL, GENERATING, Method
from barograph.core.names import EVAL, catalogue, series_key, split_of
from barograph.core.run import Run
from barograph.rules.base import Rule
from barograph.rules.catalogue import RULES, by_code, rules_for
from barograph.rules.causes import CAUSES
from barograph.signals.expression import Param

__all__ = [
    "advised", "cause_link", "causes_left", "metric_link", "names_table", "number_of", "ranges_table", "remedies",
    "rules_tables",
]  # fmt: skip

#: Another rule's sources, by its name.
AS_FOR = re.compile(r"^as for `([\w-]+)`\.$")
#: A limit so high that it is off unless a profile sets it.
OFF = 1e9
FRAMEWORKS = ("TRL", "LLaMA-Factory", "verl", "OpenRLHF", "NeMo-RL", "torchtune", "SkyRL", "slime")
#: Where names come from that no current version of a framework prints.
OLD = "0.11 and earlier"
#: Names of one metric, so many at most.
MOST_NAMES = 5
SYMPTOMS = 4


# Metrics


def metric_link(name: str, page: str) -> str:
    """The name of a series, with a link to what its metric means."""
    return f"[`{name}`]({page}#{split_of(name)[1]})"


def ranges_table(methods: Sequence[Method], run: Run, page: str) -> Iterator[str]:
    """Where each metric lies at the beginning and at the end, by whose word; and where it lay in a run."""
    rows = list(_range_rows(methods, run, page))
    yield from table(("metric", "at the beginning", "at the end", "source", "the run above"), rows)


def _range_rows(methods: Sequence[Method], run: Run, page: str) -> Iterator[tuple[str, ...]]:
    lead = methods[0]
    told = set[tuple[str, str, str]]()
    for method in methods:
        for name in _banded(method):
            begin, end = (_bands(name, method, stage) for stage in (Stage.START, Stage.LATE))
            row = split_of(name)[1], _ranges(begin), _ranges(end)
            if not (begin or end) or row in told:
                continue
            told.add(row)
            yield (
                metric_link(name, page) + ("" if method is lead else f", {method.value}"),
                *row[1:],
                "; ".join(dict.fromkeys(f"{band.source} ({band.tag})" for band in (*begin, *end))),
                _course(name, run) if method is lead else "",
            )


def _ranges(bands: Sequence[Band]) -> str:
    """Ranges that do not agree stand beside each other, each with its tag; the first is that which charts show."""
    return "; ".join(dict.fromkeys(f"{range_words(band)} ({band.tag})" for band in bands))


def _banded(method: Method) -> list[str]:
    """The series with a range of their own, in the order in which charts show them."""
    names = [band.metric for band in BANDS if method in band.methods]
    order = [name for panel in panels_of(method, names) for name in panel.metrics]
    return sorted(dict.fromkeys(names), key=lambda name: (order.index(split_of(name)[1]), name))


def _bands(name: str, method: Method, stage: Stage) -> list[Band]:
    """The ranges of a stage, or else those for any; held-out data without one of its own is not told twice."""
    own = [band for band in bands_for(name, method) if band.metric == name]
    return [band for band in own if band.stage is stage] or [band for band in own if band.stage is Stage.ANY]


def _course(name: str, run: Run) -> str:
    column = run.columns.get(name) or run.columns.get(series_key(name, EVAL))
    values = column.finite() if column is not None else []
    return f"{number(values[0])} to {number(values[-1])}" if values else ""


def names_table(leading: Sequence[str], method: Method, page: str) -> Iterator[str]:
    """The names that frameworks give to leading metrics and to those with a range, the best known frameworks first."""
    names = dict.fromkeys(split_of(key)[1] for key in (*leading, *_banded(method)))
    telling = (name for name in names if _is_telling(name, method))
    rows = ((metric_link(name, page), said) for name in telling if (said := _names(name, method)))
    yield from table(("metric", "as it is called"), rows)


def _is_telling(name: str, method: Method) -> bool:
    """Loss, rate and gradient go by the same name nearly everywhere, but where there is an actor and a critic."""
    return method in GENERATING or catalogue()[name].group != "common"


def _names(name: str, method: Method) -> str:
    by_key: dict[str, list[str]] = {}
    for framework in FRAMEWORKS:
        fitting = [
            alias
            for alias in catalogue()[name].aliases
            if re.search(rf"\b{framework}\b", alias.where)
            and (not alias.methods or method in alias.methods)
            and _is_of(alias.where, method)
            and OLD not in alias.where
        ]
        # What is said of this method's trainer counts before what is said of all.
        for alias in sorted(fitting, key=lambda alias: not _trainers(alias.where))[:1]:
            by_key.setdefault(f"`{alias.key.removeprefix('*/')}`{peculiarity(alias)}", []).append(framework)
    return "; ".join(f"{key} {', '.join(where)}" for key, where in list(by_key.items())[:MOST_NAMES])


#: Trainers that a name may be confined to.
_TRAINERS = ("KTO", "BCO", "DPO", "ORPO", "CPO", "OnlineDPO", "PPO", "RLOO", "GRPO", "SDPO", "SFT", "XPO", "NashMD")


def _trainers(where: str) -> set[str]:
    """The trainers that a place names."""
    return {trainer.upper() for trainer in _TRAINERS if re.search(rf"\b{trainer}\b", where)}


def _is_of(where: str, method: Method) -> bool:
    """Whether a name that belongs to single trainers belongs to this method's."""
    named = _trainers(where)
    return not named or method.value.upper().replace("-", "") in named


# Rules


def number_of(rule: type[Rule], name: str, method: Method) -> float:
    """A number of a rule as it is for a method."""
    return rule.params()[name].value(method)


def rules_tables(methods: Sequence[Method], folder: str) -> Iterator[str]:
    """Every rule that judges a method: its own first, then what only its kin have, then what all have."""
    lead, *kin = methods
    own = rules_for(lead, RULES)
    general = [rule for rule in own if rule.methods == ALL]
    yield from _rules([rule for rule in own if rule not in general], lead, kin, folder)
    by_kin: dict[tuple[Method, ...], list[type[Rule]]] = {}
    for rule in RULES:
        if rule not in own and (judged := tuple(method for method in kin if method in rule.methods)):
            by_kin.setdefault(judged, []).append(rule)
    for judged, of_kin in by_kin.items():
        yield f"For {listed(judged)} alone:\n"
        yield from _rules(of_kin, judged[0], judged, folder)
    yield "For every method:\n"
    yield from _rules(general, lead, (), folder)


def _rules(rules: Iterable[type[Rule]], method: Method, kin: Sequence[Method], folder: str) -> Iterator[str]:
    rows = (
        (_head(rule, method, kin, folder), plain(rule.summary()), _numbers(rule, method, kin), plain(sources_of(rule)))
        for rule in rules
    )
    yield from table(("rule", "what it sees", "its numbers here", "sources"), rows)


def _head(rule: type[Rule], method: Method, kin: Sequence[Method], folder: str) -> str:
    """Code, name, severity, and which of the kin it does not judge."""
    severity = rule.severity_for.get(method, rule.severity)
    missing = [one for one in kin if one not in rule.methods]
    without = f", not {listed(missing)}" if missing else ""
    return f"{linked(rule.code, folder)} {rule.name} ({severity}{without})"


def _numbers(rule: type[Rule], method: Method, kin: Sequence[Method]) -> str:
    judged = [one for one in kin if one in rule.methods]
    said = (_said(param, method, judged) for param in rule.params().values())
    return "; ".join(words for words in said if words) or "none"


def _said(param: Param, method: Method, kin: Sequence[Method]) -> str:
    """A number with what it means, and what it is elsewhere; nothing where it is off."""
    value, meaning = param.value(method), plain(param.doc)
    others = [f"{one.value} {param.value(one):g}" for one in kin if param.value(one) != value]
    if param.guide is not None and param.guide != value:
        others.append(f"`guide` profile {param.guide:g}")
    elsewhere = f" ({', '.join(others)})" if others else ""
    if value >= OFF:
        return f"off: {meaning}{elsewhere}" if others else ""
    return f"**{value:g}** {meaning}{elsewhere}"


def sources_of(rule: type[Rule]) -> str:
    """Where its numbers come from, each with its tag; those of another rule are fetched from there."""
    text = rule.sections().get("Sources", "")
    if found := AS_FOR.match(text):
        return sources_of(next(other for other in RULES if other.name == found[1]))
    return text


# Causes


def cause_link(name: str, page: str) -> str:
    """The name of a cause, with a link to it."""
    anchor = re.sub(r"[^\w -]", "", name.lower()).replace(" ", "-")
    return f"[{name}]({page}#{anchor})"


def remedies(name: str) -> list[str]:
    """What to do about a cause."""
    cause = next(cause for cause in CAUSES if cause.name == name)
    blocks = (block for block in cause_page(cause).sections[0].blocks if isinstance(block, Items))
    return [advice_text(text) for block in blocks for text, _ in block.items]


def advised(cause: Cause) -> list[str]:
    """What is said to be done about the cause of one run: with that run's numbers where they are known."""
    return [cause.prescription.says] if cause.prescription is not None else list(cause.advice)


def causes_left(method: Method, told: set[str], page: str, folder: str) -> Iterator[tuple[str, ...]]:
    """The causes that a run of a method may have, but for those that are told elsewhere."""
    judging = {rule.code for rule in rules_for(method, RULES)}
    for cause in CAUSES:
        strongest = sorted(cause.speaks, key=lambda code: -cause.speaks[code])
        # What speaks loudest for it must be there, else it cannot be told from its neighbours.
        if cause.name in told or strongest[0] not in judging:
            continue
        symptoms = [code for code in strongest if code in judging][:SYMPTOMS]
        named = ", ".join(f"{linked(code, folder)} {by_code()[code].name}" for code in symptoms)
        yield cause_link(cause.name, page), named, plain("; ".join(remedies(cause.name)))
