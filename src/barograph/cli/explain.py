"""`barograph explain`: what a metric, a rule, a cause or a word means."""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import click

from barograph.cli.check_pages import check_data, check_page, checks_named, checks_page, every_check
from barograph.cli.options import METHOD
from barograph.cli.rules import (
    by_family,
    cause_page,
    family_page,
    rule_data,
    rule_entries,
    rule_page,
    signature,
    word_meaning,
    word_page,
    word_users,
)
from barograph.console.explanation import (
    Block,
    Entries,
    Entry,
    Facts,
    Page,
    Section,
    Table,
    Text,
    lay_out,
    listed,
    method_words,
)
from barograph.console.terminal import Terminal, clean
from barograph.core.bands import BANDS, STAGES, Band, Stage
from barograph.core.errors import ConfigurationError
from barograph.core.methods import Method
from barograph.core.metric import Alias, Better, Metric, Unit
from barograph.core.names import COMPONENT, COMPONENT_STD, Resolved, catalogue, resolve, series_key, split_of

if TYPE_CHECKING:
    from barograph.core.check import Declared
    from barograph.rules.base import Rule
    from barograph.rules.causes import CauseRule
    from barograph.sources.base import Source

__all__ = ["Explained", "explain", "explained", "metric_of", "metric_page", "peculiarity", "range_words"]

#: How well founded a healthy range is.
TAGS = {
    "P": "published paper",
    "D": "documentation",
    "S": "source code or shipped default",
    "I": "practice of maintainers",
    "M": "mathematical identity",
    "G": "estimate",
}
DIRECTIONS = {
    Better.UP: "higher is better",
    Better.DOWN: "lower is better",
    Better.NEITHER: "neither is better as such",
}
#: Names in one row of the list of names, at most so wide together.
WIDE = 44


class Explained(NamedTuple):
    """One thing explained: for people, and as plain data."""

    page: Page
    data: dict[str, object]


@click.command(short_help="Say what a metric, rule, cause or word means.")
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@click.option("--method", type=METHOD, help="Only what it means for this method.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of text.")
def explain(names: Sequence[str], method: str | None, *, as_json: bool) -> None:
    """Say what NAME means, how it should behave, and what to do when it does not.

    NAME is a metric under any name that a framework gives it, a rule (its code, name, or the letters of its family),
    a check of data or of settings (DATA03, CFG03; DATA or CFG for all of them), a cause, a word of the language that
    rules are written in, or `formats`: what logs may look like.

    \b
      barograph explain rewards/margins
      barograph explain kl --method grpo
      barograph explain PREF03
      barograph explain margin-inverted
      barograph explain DATA03 CFG03
      barograph explain learning rate too high
      barograph explain ema
      barograph explain formats
    """  # noqa: D301 - click looks for the backspace itself
    chosen = Method(method) if method else None
    pages = _all_of(names, chosen)
    if as_json:
        import json

        click.echo(json.dumps({"schema": 1, "explained": [entry.data for entry in pages]}, indent=2, allow_nan=False))
        return
    terminal = Terminal.of(sys.stdout)
    for number, entry in enumerate(pages):
        if number:
            line = terminal.glyph("─", "-") * min(terminal.width, 100)
            click.echo(f"\n{terminal.paint(line, 'dim')}\n", color=terminal.colour)
        click.echo("\n".join(lay_out(entry.page, terminal)), color=terminal.colour)


def _all_of(names: Sequence[str], method: Method | None) -> list[Explained]:
    """The names one by one, unless all together they are one: `learning rate too high`."""
    if len(names) > 1:
        whole = " ".join(names)
        if found := [*_metrics(whole, method), *_causes(whole)]:
            return found
    return [entry for name in names for entry in explained(name, method)]


def explained(name: str, method: Method | None = None) -> list[Explained]:
    """Everything that goes by a name: one thing, or each meaning of a metric's ambiguous name.

    >>> [entry.page.name for entry in explained("PREF03")], [entry.page.name for entry in explained("Training Loss")]
    (['PREF03'], ['loss'])
    """
    word = name.strip()
    found = _rules(word) or _metrics(word, method) or _words(word) or _causes(word) or _formats(word) or _checks(word)
    if not found and not _metrics(word, None):
        found = _rules(word.upper()) or _checks(word.upper())
    if not found:
        raise ConfigurationError(_unknown(word, method))
    if found[-1].data["kind"] == "metric" and (hint := _also(word)):
        last = found[-1]
        found[-1] = Explained(
            replace(last.page, sections=(*last.page.sections, Section("Also", (Text(hint),)))), last.data
        )
    return found


def _also(name: str) -> str:
    """What else goes by the name of a metric."""
    hints = [f"`{name}()` is a word of the rules' language: barograph explain '{name}()'."] if _words(name) else []
    if name.upper() != name and (families := _rules(name.upper())) and families[0].data["kind"] == "family":
        hints.append(f"{name.upper()} is a family of rules: barograph explain {name.upper()}.")
    return " ".join(hints)


def _unknown(name: str, method: Method | None) -> str:
    """One sentence on a name that means nothing, with the nearest that do."""
    import difflib

    from barograph.rules.catalogue import every_rule
    from barograph.rules.causes import CAUSES
    from barograph.signals.words import WORDS

    asked = clean(name)
    if method is not None and (others := [m.value for m in Method if resolve(name, m)]):
        return f"{asked!r} means nothing in {method.value} runs; it does in {', '.join(others)}"
    keys = (alias.key.removeprefix("*/") for metric in catalogue().values() for alias in metric.aliases)
    known = {key.lower(): key for key in keys}
    rules: tuple[type[Rule | Declared], ...] = (*every_rule(), *every_check())
    for words in (catalogue(), WORDS, (c.name for c in CAUSES), (r.name for r in rules), (r.code for r in rules)):
        known |= {word.lower(): word for word in words}
    near = [known[key] for key in difflib.get_close_matches(name.lower(), list(known), n=3, cutoff=0.6)]
    hint = f"did you mean {' or '.join(repr(word) for word in near)}?" if near else "`barograph rules` lists the rules"
    return f"there is no metric, rule, cause or word called {asked!r}; {hint}"


# Rules, words and causes


def _rules(name: str) -> list[Explained]:
    """The rule of a code or name, or the family of a prefix in capitals."""
    from barograph.rules.catalogue import every_rule

    exact = [rule for rule in every_rule() if name.upper() == rule.code or name.lower() == rule.name]
    if exact:
        return [Explained(rule_page(rule), {"kind": "rule", **rule_data(rule)}) for rule in exact]
    if not name.isalnum() or name != name.upper():
        return []
    families = by_family([rule for rule in every_rule() if rule.code.startswith(name)])
    return [
        Explained(family_page(members), {"kind": "family", "name": family, "rules": [rule_data(r) for r in members]})
        for family, members in families.items()
    ]


def _checks(name: str) -> list[Explained]:
    """The check of data or settings of a code or name, or all of them."""
    found = checks_named(name)
    if len(found) > 1:
        return [Explained(checks_page(found), {"kind": "checks", "checks": [check_data(check) for check in found]})]
    return [Explained(check_page(check), {"kind": "check", **check_data(check)}) for check in found]


def _words(name: str) -> list[Explained]:
    from barograph.signals.words import WORDS

    word = name.removesuffix("()").lower()
    return [_of_word(word)] if word in WORDS else []


def _of_word(word: str) -> Explained:
    data: dict[str, object] = {"kind": "word", "name": word, "signature": signature(word)}
    data |= {"meaning": word_meaning(word), "rules": [rule.code for rule in word_users(word)]}
    return Explained(word_page(word), data)


def _formats(name: str) -> list[Explained]:
    """The formats of logs, or one of them by its name."""
    from barograph.sources.catalogue import sources

    word = name.lower().replace("-", "_")
    everything = sources()
    if word in {"format", "formats", "source", "sources"}:
        entries = Entries(tuple(Entry((source.name,), (source.describes,)) for source in everything))
        lead = Text("A run is recognised by the content of its log, not by the log's name. These formats are read:")
        page = Page("formats", "what logs may look like", "", (lead, entries))
        return [Explained(page, {"kind": "formats", "formats": [_format_data(source) for source in everything]})]
    return [_of_format(source) for source in everything if source.name == word]


def _of_format(source: Source) -> Explained:
    lead = (Text(source.describes), *([Text(f"Checked against {source.checked}.")] if source.checked else []))
    return Explained(Page(source.name, "a format of logs", "", lead), {"kind": "format", **_format_data(source)})


def _format_data(source: Source) -> dict[str, object]:
    return {"name": source.name, "describes": source.describes, "checked": source.checked}


def _causes(name: str) -> list[Explained]:
    """The cause of that name; its beginning will do where it is plain which one is meant."""
    from barograph.rules.causes import CAUSES

    plain = " ".join(name.lower().replace("-", " ").split())
    found = [cause for cause in CAUSES if _plain(cause) == plain]
    if not found and len(plain) > 5:
        found = [cause for cause in CAUSES if _plain(cause).startswith(plain)]
    return [_of_cause(cause) for cause in found if len(found) == 1]


def _plain(cause: CauseRule) -> str:
    return cause.name.lower().replace("-", " ")


def _of_cause(cause: CauseRule) -> Explained:
    data: dict[str, object] = {"kind": "cause", "name": cause.name, "advice": list(cause.advice)}
    data |= {"speaks": dict(cause.speaks), "against": dict(cause.against)}
    data |= {"expects": list(cause.expects), "settles": cause.settles}
    return Explained(cause_page(cause), data)


# Metrics


def _metrics(name: str, method: Method | None) -> list[Explained]:
    """What a metric's name means: one thing, or different things for different methods."""
    meanings: dict[str, tuple[Resolved, list[Method]]] = {}
    for asked in (method,) if method else Method:
        if found := resolve(name, asked) or resolve(f"*/{name}", asked):
            meanings.setdefault(series_key(found.name, found.split), (found, []))[1].append(asked)
    if not meanings:
        return []
    general = [found for found, methods in meanings.values() if Method.UNKNOWN in methods]
    if len(meanings) == 1 or not general:
        # Where no meaning is the usual one, each is told in turn.
        each = [_of_metric(found, method, name, methods) for found, methods in meanings.values()]
        if len(meanings) > 1:
            intro = Page(name, "means different things", "", (_meanings_table(meanings),))
            each.insert(0, Explained(intro, {"kind": "ambiguous", "name": name, "metrics": list(meanings)}))
        return each
    key = series_key(general[0].name, general[0].split)
    main = _of_metric(general[0], method, name, meanings.pop(key)[1])
    section = Section("The same name elsewhere", (_meanings_table(meanings),))
    elsewhere = {key: _values(methods) for key, (_, methods) in meanings.items()}
    page = replace(main.page, sections=(*main.page.sections, section))
    return [Explained(page, {**main.data, "elsewhere": elsewhere})]


def _meanings_table(meanings: dict[str, tuple[Resolved, list[Method]]]) -> Table:
    rows = ((key, listed(methods), metric_of(found.name).title) for key, (found, methods) in meanings.items())
    return Table(tuple(rows), ("name here", "in", "what it is"))


def metric_of(name: str) -> Metric:
    """The metric of a canonical name; a single reward function is one as well."""
    if name in catalogue():
        return catalogue()[name]
    function = name.removeprefix(COMPONENT_STD).removeprefix(COMPONENT)
    if name.startswith(COMPONENT_STD):
        return Metric(name, f"Spread of the reward function '{function}'", "scores",
                      "Standard deviation of what one of several reward functions gives.", Unit.REWARD)  # fmt: skip
    return Metric(
        name, f"Reward function '{function}'", "scores", "Mean of what one of several reward functions gives.",
        Unit.REWARD, Better.UP,
        reading="The score is the weighted sum of such parts. Look at each: a part that rises while another falls is "
        "how a reward is exploited, and a part that never moves teaches nothing.",
    )  # fmt: skip


def _of_metric(found: Resolved, method: Method | None, asked: str, methods: Sequence[Method]) -> Explained:
    metric = metric_of(found.name)
    data: dict[str, object] = {"kind": "metric", "asked": asked, "split": found.split, "methods": _values(methods)}
    page = metric_page(metric, method, series_key(found.name, found.split))
    if method is None and Method.UNKNOWN not in methods:
        page = replace(page, mark=f"in {listed(methods)}")
    return Explained(page, data | metric_data(metric, method))


def metric_data(metric: Metric, method: Method | None) -> dict[str, object]:
    """Everything about a metric as plain data."""
    pointing, reading = _rules_on(metric.name, method)
    return {
        "name": metric.name,
        "title": metric.title,
        "group": metric.group,
        "meaning": metric.meaning,
        "unit": metric.unit.value,
        "better": metric.better.value,
        "reading": metric.reading,
        "aliases": [{**alias._asdict(), "methods": _values(alias.methods)} for alias in metric.aliases],
        "ranges": [
            {**band._asdict(), "methods": _values(band.methods), "low": _finite(band.low), "high": _finite(band.high)}
            for band in _bands_of(metric.name, method)
        ],
        "rules": [rule.code for rule in pointing],
        "read_by": [rule.code for rule in reading],
    }


def _values(methods: Collection[Method]) -> list[str]:
    return [method.value for method in Method if method in methods]


def _finite(bound: float) -> float | None:
    """An end of a range, or nothing where it is open."""
    return bound if bound - bound == 0.0 else None


def metric_page(metric: Metric, method: Method | None = None, name: str = "") -> Page:
    """Everything about a metric as a page."""
    lead = (
        Text(metric.meaning),
        Facts((("Unit", metric.unit.value or "none"), ("Direction", DIRECTIONS[metric.better]))),
    )
    sections: list[Section] = []
    if metric.reading:
        sections.append(Section("How to read it", (Text(metric.reading),)))
    if bands := _bands_of(metric.name, method):
        sections.append(Section("Where it should lie", _bands_blocks(bands)))
    pointing, reading = _rules_on(metric.name, method)
    if pointing or reading:
        blocks: list[Block] = [Entries(rule_entries(pointing))] if pointing else []
        if reading:
            blocks.append(Text(f"{'Also read' if pointing else 'Read'} by {', '.join(r.code for r in reading)}."))
        sections.append(Section("What goes wrong, and what to do", tuple(blocks)))
    if aliases := [a for a in metric.aliases if not (method and a.methods) or method in a.methods]:
        sections.append(Section("Names it goes by", (Table(tuple(_names(aliases)), of_names=True),)))
    return Page(name or metric.name, metric.title, "", lead, tuple(sections))


def _rules_on(name: str, method: Method | None) -> tuple[list[type[Rule]], list[type[Rule]]]:
    """The rules that point at a metric, and those that only read it."""
    from barograph.rules.catalogue import every_rule, rules_for

    pointing, reading = [], []
    for rule in rules_for(method) if method else every_rule():
        if name in {split_of(series)[1] for series in rule.pointers()}:
            pointing.append(rule)
        elif name in {split_of(key)[1] for signal in rule.signals() for key in signal.series()}:
            reading.append(rule)
    return pointing, reading


def _bands_of(name: str, method: Method | None) -> list[Band]:
    return [band for band in BANDS if split_of(band.metric)[1] == name and (method is None or method in band.methods)]


def _bands_blocks(bands: Sequence[Band]) -> tuple[Block, ...]:
    """The ranges in one table for each set of methods, and what their marks stand for."""
    by_methods: dict[str, list[tuple[str, ...]]] = {}
    for band in bands:
        held_out = ", held out" if band.metric.startswith("eval.") else ""
        row = (band.stage.value + held_out, range_words(band), f"{band.source} ({band.tag})")
        by_methods.setdefault(listed(band.methods), []).append(row)
    blocks = [block for words, rows in by_methods.items() for block in (Text(words), Table(tuple(rows), indent="  "))]
    return (*blocks, Text(_legend(bands)))


def range_words(band: Band) -> str:
    """A range in words."""
    low, high = _finite(band.low), _finite(band.high)
    if low is None:
        return f"up to {high:g}"
    return f"from {low:g}" if high is None else f"{low:g} to {high:g}"


def _legend(bands: Sequence[Band]) -> str:
    tags = "; ".join(f"{tag} {TAGS[tag]}" for tag in TAGS if any(band.tag == tag for band in bands))
    if all(band.stage is Stage.ANY for band in bands):
        return f"{tags}."
    *ends, _ = (f"{stage.value} to {share:.0%}" for stage, share in STAGES)
    return f"{tags}. Stages of the run: {', '.join(ends)}, then {STAGES[-1][0].value}."


def _names(aliases: Sequence[Alias]) -> Iterator[tuple[str, str]]:
    """Names as frameworks write them, those of one framework together."""
    keys: list[str] = []
    for number, alias in enumerate(aliases):
        keys.append(alias.key + peculiarity(alias))
        following = aliases[number + 1] if number + 1 < len(aliases) else None
        if following and following.where == alias.where and len(", ".join((*keys, following.key))) <= WIDE:
            continue
        yield ", ".join(keys), alias.where
        keys = []


def peculiarity(alias: Alias) -> str:
    """How a framework's number differs from ours."""
    said = [
        "in percent" if alias.scale == 0.01 else f"times {alias.scale:g}" if alias.scale != 1.0 else "",
        "one minus this" if alias.complement else "",
        f"in {method_words(alias.methods)}" if 0 < len(alias.methods) <= 3 else "",
    ]
    words = ", ".join(word for word in said if word)
    return f" ({words})" if words else ""
