"""`barograph rules`: what is looked for."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import click

from barograph.core.methods import (
    ALL,
    CLASSIFIER,
    IMPLICIT_REWARD,
    ONLINE,
    PAIRED,
    PREFERENCE,
    SUPERVISED_LOSS,
    Method,
)

if TYPE_CHECKING:
    from barograph.console.terminal import Terminal
    from barograph.rules.base import Rule
    from barograph.signals.expression import Condition

__all__ = ["by_family", "family_of", "family_title", "method_words", "rule_data", "rules", "written", "written_by_name"]

#: Sets of methods that have a name of their own.
GROUPS = {
    "all": ALL,
    "preference": PREFERENCE,
    "implicit reward": IMPLICIT_REWARD,
    "pairs": PAIRED,
    "online": ONLINE,
    "classifiers": CLASSIFIER,
    "offline": SUPERVISED_LOSS,
}
#: A table narrower than this has its sentences on lines of their own.
ONE_LINE = 110
#: Nothing is wrapped for a program that reads along.
ENDLESS = 100_000


@click.command(short_help="List the rules, by code, prefix or name.")
@click.argument("selectors", nargs=-1, metavar="[SELECTOR...]")
@click.option("--method", type=click.Choice([m.value for m in Method]), help="Only rules that judge this method.")
@click.option("--family", is_flag=True, help="One line for each family of rules.")
@click.option("--json", "as_json", is_flag=True, help="Print everything about each rule as JSON.")
def rules(selectors: Sequence[str], method: str | None, *, family: bool, as_json: bool) -> None:
    """List the rules that runs are judged by.

    SELECTOR is a code (PREF03), the beginning of one (PREF) or a name (margin-inverted).

    \b
      barograph rules
      barograph rules PREF LIK --method dpo
      barograph rules --family
    """
    from barograph.console.terminal import Terminal
    from barograph.rules.catalogue import RULES, rules_for, select

    words = [word for part in selectors for word in part.split(",") if word]
    chosen = select(words)
    if method:
        chosen = rules_for(Method(method), chosen)
    if as_json:
        import json

        click.echo(json.dumps({"schema": 1, "rules": [rule_data(rule) for rule in chosen]}, indent=2, allow_nan=False))
        return
    terminal = Terminal.of(sys.stdout)
    if not sys.stdout.isatty():
        terminal = Terminal(ENDLESS, terminal.colour, terminal.unicode)
    click.echo("\n".join(_families(chosen, terminal) if family else _listing(chosen, terminal)))
    if sys.stdout.isatty():
        click.echo(f"\n{_counted(len(chosen), len(RULES))}. More of one: barograph explain CODE")


def _counted(number: int, of: int) -> str:
    return f"{number} rules" if number == of else f"{number} of {of} rules"


# Tables


def _families(chosen: Sequence[type[Rule]], terminal: Terminal) -> Iterator[str]:
    rows = [(family, str(len(members)), _joint_methods(members), family_title(members[0]))
            for family, members in by_family(chosen).items()]  # fmt: skip
    yield from _aligned(("family", "rules", "methods", "what it looks at"), rows, terminal)


def _joint_methods(members: Sequence[type[Rule]]) -> str:
    return method_words(frozenset[Method]().union(*(rule.methods for rule in members)))


def _listing(chosen: Sequence[type[Rule]], terminal: Terminal) -> Iterator[str]:
    rows = [(rule.code, rule.name, str(rule.severity), method_words(rule.methods), rule.summary()) for rule in chosen]
    yield from _aligned(("code", "name", "severity", "methods", "what it sees"), rows, terminal)
    used = [word for word in GROUPS if word != "all" and any(row[3] == word for row in rows)]
    if used and terminal.width < ENDLESS:
        yield ""
        for word in used:
            members = ", ".join(method.value for method in Method if method in GROUPS[word])
            yield terminal.paint(f"{word:15}  {members}", "dim")


def _aligned(header: tuple[str, ...], rows: Sequence[tuple[str, ...]], terminal: Terminal) -> Iterator[str]:
    """Cells in columns; the last one is wrapped, or put below where there is little room."""
    import textwrap

    if not rows:
        return
    widths = [max(map(len, column)) for column in zip(header[:-1], *(row[:-1] for row in rows), strict=True)]
    begin = sum(widths) + 2 * len(widths)
    below = terminal.width < ONE_LINE and terminal.width - begin < max(len(row[-1]) for row in rows)
    hang = " " * (widths[0] + 2 if below else begin)
    heads = "  ".join(f"{cell:{width}}" for cell, width in zip(header, widths, strict=False))
    yield terminal.paint(heads if below else f"{heads}  {header[-1]}", "dim")
    for row in rows:
        cells = "  ".join(_painted(cell, width, terminal) for cell, width in zip(row, widths, strict=False))
        text = textwrap.wrap(row[-1], terminal.width - len(hang), break_on_hyphens=False)
        if below:
            yield cells.rstrip()
        else:
            yield f"{cells}  {text.pop(0)}"
        yield from (hang + (terminal.paint(line, "dim") if below else line) for line in text)


_COLOURS = {"critical": ("red", "bold"), "warning": ("yellow",), "info": ("dim",)}


def _painted(cell: str, width: int, terminal: Terminal) -> str:
    style = _COLOURS.get(cell) or (("cyan",) if cell.isupper() else ())
    return terminal.paint(cell, *style) + " " * (width - len(cell))


# What there is to say of a rule


def family_of(rule: type[Rule]) -> str:
    """The letters in front of its number.

    >>> from barograph.rules.margin import MarginInverted
    >>> family_of(MarginInverted)
    'PREF'
    """
    return rule.code.rstrip("0123456789")


def by_family(chosen: Sequence[type[Rule]]) -> dict[str, list[type[Rule]]]:
    """The rules in families, in the order in which they come."""
    families: dict[str, list[type[Rule]]] = {}
    for rule in chosen:
        families.setdefault(family_of(rule), []).append(rule)
    return families


def family_title(rule: type[Rule]) -> str:
    """What its family looks at: the first line of the module that declares it."""
    return (sys.modules[rule.__module__].__doc__ or "").partition("\n")[0]


def method_words(methods: frozenset[Method]) -> str:
    """A set of methods in few words.

    >>> method_words(frozenset({Method.GRPO, Method.PPO, Method.RLOO})), method_words(frozenset({Method.KTO, Method.DPO}))
    ('online', 'kto, dpo')
    >>> method_words(ALL - {Method.SFT})
    'all but sft'
    """
    for word, group in GROUPS.items():
        if methods == group:
            return word
    for word, group in GROUPS.items():
        left = methods - group
        if word != "all" and group < methods and len(left) <= 2:
            return ", ".join([word, *(method.value for method in Method if method in left)])
    if len(missing := ALL - methods) <= 3:
        return "all but " + ", ".join(method.value for method in Method if method in missing)
    return ", ".join(method.value for method in Method if method in methods)


def written(condition: Condition) -> str:
    """A condition with the default numbers, as it may stand in a TOML file."""
    return str(_shortened(condition.bind(lambda param: param.default)))


def written_by_name(condition: Condition) -> str:
    """A condition with the names of its parameters in place of their numbers."""
    from barograph.signals.words import metric

    # A parameter written as if it were a metric stands there by its bare name.
    return str(_shortened(condition.bind(lambda param: metric(param.name))))  # type: ignore[arg-type,return-value]


def _shortened(argument: object) -> object:
    """The same expression with the words that are made of others put back."""
    from barograph.signals.expression import Signal
    from barograph.signals.words import noise

    if not isinstance(argument, Signal):
        return argument
    same = type(argument)(argument.word, *(_shortened(inner) for inner in argument.arguments))  # type: ignore[arg-type]
    match same:
        case Signal(word="mul", arguments=(Signal(word="ema", arguments=(Signal(word="abs") as size, rows, _, _)), _)):
            moved = size.arguments[0]
            if isinstance(moved, Signal) and moved.word == "delta" and same == noise(moved.inputs[0], rows):  # type: ignore[arg-type]
                return Signal("noise", moved.arguments[0], rows)
    return same


def rule_data(rule: type[Rule]) -> dict[str, object]:
    """Everything about a rule as plain data."""
    return {
        "code": rule.code,
        "name": rule.name,
        "severity": str(rule.severity),
        "severity_for": {method.value: str(grade) for method, grade in sorted(rule.severity_for.items())},
        "methods": [method.value for method in Method if method in rule.methods],
        "about": list(rule.pointers()),
        "summary": rule.summary(),
        "when": written(rule.when),
        "when_by_name": written_by_name(rule.when),
        "escalates": {str(grade): written(condition) for grade, condition in rule.escalates.items()},
        "params": {
            name: {
                "default": param.default,
                "by_method": {method.value: number for method, number in sorted(param.by_method.items())},
                "guide": param.guide,
                "doc": param.doc,
            }
            for name, param in rule.params().items()
        },
        "says": rule.says,
        "advice": [{"text": advice.text, "action": advice.action and advice.action.value} for advice in rule.do],
        "action": (action := rule.action()) and action.value,
        "follows": list(rule.follows),
        "sections": rule.sections(),
    }
