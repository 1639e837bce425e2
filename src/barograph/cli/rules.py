"""`barograph rules`: what is looked for."""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, cast

import click

from barograph.cli.options import METHOD
from barograph.console.explanation import GROUPS, listed, method_words
from barograph.core.methods import ALL, Method

if TYPE_CHECKING:
    from barograph.console.explanation import Block, Entry, Facts, Page
    from barograph.console.terminal import Terminal
    from barograph.rules.base import Rule
    from barograph.rules.causes import CauseRule
    from barograph.rules.circumstances import Circumstance
    from barograph.rules.measures import Measure
    from barograph.signals.expression import Param, Signal

__all__ = [
    "advice_text",
    "by_family",
    "cause_page",
    "family_of",
    "family_page",
    "family_title",
    "quoted_template",
    "rule_data",
    "rule_entries",
    "rule_page",
    "rules",
    "signature",
    "word_meaning",
    "word_page",
    "word_users",
    "written",
    "written_by_name",
]

#: Nothing is wrapped for a program that reads along.
ENDLESS = 100_000
#: A limit so high that it is never reached.
NEVER = 1e12


@click.command(short_help="List the rules, by code, prefix or name.")
@click.argument("selectors", nargs=-1, metavar="[SELECTOR...]")
@click.option("--method", type=METHOD, help="Only rules that judge this method.")
@click.option("--family", is_flag=True, help="One line for each family of rules.")
@click.option("--json", "as_json", is_flag=True, help="Print everything about each rule as JSON.")
def rules(selectors: Sequence[str], method: str | None, *, family: bool, as_json: bool) -> None:
    """List the rules that runs are judged by.

    SELECTOR is a code (PREF03), the beginning of one (PREF) or a name (margin-inverted).

    \b
      barograph rules
      barograph rules PREF LIK --method dpo
      barograph rules --family
    """  # noqa: D301 - click looks for the backspace itself
    from barograph.console.terminal import Terminal
    from barograph.rules.catalogue import every_rule, rules_for, select

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
    click.echo("\n".join(_families(chosen, terminal) if family else _listing(chosen, terminal)), color=terminal.colour)
    if sys.stdout.isatty():
        click.echo(f"\n{_counted(len(chosen), len(every_rule()))}. More of one: barograph explain CODE")


def _counted(number: int, of: int) -> str:
    return f"{number} rules" if number == of else f"{number} of {of} rules"


# Tables


def _families(chosen: Sequence[type[Rule]], terminal: Terminal) -> Iterator[str]:
    from barograph.console.explanation import Table, lay_out_table

    rows = ((family, str(len(members)), _joint_methods(members), family_title(members))
            for family, members in by_family(chosen).items())  # fmt: skip
    yield from lay_out_table(Table(tuple(rows), ("family", "rules", "methods", "what it looks at")), terminal)


def _joint_methods(members: Sequence[type[Rule]]) -> str:
    return method_words(frozenset[Method]().union(*(rule.methods for rule in members)))


def _listing(chosen: Sequence[type[Rule]], terminal: Terminal) -> Iterator[str]:
    from barograph.console.explanation import Table, lay_out_table

    rows = tuple((r.code, r.name, str(r.severity), method_words(r.methods), r.summary()) for r in chosen)
    yield from lay_out_table(Table(rows, ("code", "name", "severity", "methods", "what it sees")), terminal)
    used = [word for word in GROUPS if word != "all" and any(word in row[3].split(", ") for row in rows)]
    if used and terminal.width < ENDLESS:
        yield ""
        for word in used:
            yield terminal.paint(f"{word:15}  {listed(GROUPS[word])}", "dim")


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


def family_title(members: Sequence[type[Rule]]) -> str:
    """What a family looks at: the first line of the module that declares the most of its rules."""
    home = Counter(rule.__module__ for rule in members).most_common(1)[0][0]
    return (sys.modules[home].__doc__ or "").partition("\n")[0]


def written(condition: Signal) -> str:
    """A condition with the default numbers, as it may stand in a TOML file."""
    return str(_tidy(condition).bind(lambda param: param.default))


def written_by_name(condition: Signal) -> str:
    """A condition with the names of its parameters in place of their numbers."""
    from barograph.signals.words import metric

    # A parameter written as if it were a metric stands there by its bare name.
    return str(_tidy(condition).bind(lambda param: cast("float", metric(param.name))))


def _tidy(signal: Signal) -> Signal:
    """The same as a person would write it: words put back for what they are made of, the limit on the right."""
    from barograph.signals.expression import Param, Signal
    from barograph.signals.words import noise

    if isinstance(signal, Param):
        return signal
    parts = [_tidy(part) if isinstance(part, Signal) else part for part in signal.arguments]
    if signal.word in MIRRORED and _is_limit(parts[0]) and not _is_limit(parts[1]):
        return type(signal)(MIRRORED[signal.word], parts[1], parts[0])
    same = type(signal)(signal.word, *parts)
    match same:
        case Signal(word="mul", arguments=(Signal(word="ema", arguments=(Signal(word="abs") as size, rows, _, _)), _)):
            for moved in size.inputs:
                if moved.word == "delta" and same == noise(moved.inputs[0], cast("float", rows)):
                    return Signal("noise", moved.inputs[0], rows)
    return same


#: Python turns a comparison with a parameter around: `x > limit` arrives as `limit < x`.
MIRRORED = {"lt": "gt", "le": "ge", "gt": "lt", "ge": "le"}


def _is_limit(argument: object) -> bool:
    """Whether it is a number, a parameter, or made of such alone."""
    from barograph.signals.expression import Param, Signal

    if not isinstance(argument, Signal) or isinstance(argument, Param):
        return True
    return argument.word in {"add", "sub", "mul", "div", "neg"} and all(map(_is_limit, argument.arguments))


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
        "may_act": rule.may_act,
        "follows": list(rule.follows),
        "sections": rule.sections(),
    }


def rule_page(rule: type[Rule]) -> Page:
    """Everything about a rule as a page."""
    from barograph.console.explanation import Code, Items, Page, Section, Table, Text
    from barograph.rules.catalogue import by_code

    parts = rule.sections()
    when: list[Block] = [Code(written_by_name(rule.when))]
    if rule.params():
        rows = ((name, _numbers(param), param.doc) for name, param in rule.params().items())
        when += [Text(f"The numbers, to be set under [rules.{rule.code}]:"), Table(tuple(rows), of_names=True)]
    for grade, condition in rule.escalates.items():
        when += [Text(f"It is {grade} when"), Code(written_by_name(condition))]
    sections = [
        Section("Why it happens", (Text(_sentence(parts.get("Why", ""))),)),
        Section(
            "What to do", (Items(tuple((advice_text(a.text), a.action.value if a.action else "") for a in rule.do)),)
        ),
        Section("When it is a false alarm", (Text(_sentence(parts.get("False alarm", ""))),)),
        Section("When it speaks up", tuple(when)),
    ]
    if rule.follows:
        causes = ((code, by_code()[code].name, by_code()[code].summary()) for code in rule.follows)
        sections.append(Section("What explains it: mend that first", (Table(tuple(causes)),)))
    sections.append(Section("Facts", (_facts(rule, parts.get("Sources", "")),)))
    return Page(rule.code, rule.name, str(rule.severity), (Text(parts["Sees"]),), tuple(sections))


def _facts(rule: type[Rule], sources: str) -> Facts:
    from barograph.console.explanation import Facts
    from barograph.rules.causes import CAUSES

    severity = [
        str(rule.severity),
        *(f"{grade} in {method.value}" for method, grade in sorted(rule.severity_for.items())),
    ]
    rows = [
        ("Looks at", ", ".join(rule.pointers())),
        ("Methods", "all" if rule.methods == ALL else listed(rule.methods)),
        ("Severity", ", ".join(severity)),
        ("Guard", guard_words(rule)),
        ("Says", quoted_template(rule.says)),
    ]
    if spoken := [cause.name for cause in CAUSES if rule.code in cause.speaks]:
        rows.append(("Speaks for", "; ".join(spoken)))
    return Facts((*rows, ("Sources", sources)))


def guard_words(rule: type[Rule]) -> str:
    """Whether a guard may act on a rule, and how far.

    >>> from barograph.rules.catalogue import by_code
    >>> guard_words(by_code()["GRAD04"]), guard_words(by_code()["LOSS01"])
    ('may stop the run once it is critical', 'never acts on it')
    """
    from barograph.core.finding import Action

    if not rule.may_act:
        return "never acts on it"
    mends = any(advice.action in {Action.REVERT, Action.CUT_LR} for advice in rule.do)
    return f"may stop the run{' or rescue it' if mends else ''} once it is critical"


def _numbers(param: Param) -> str:
    """The default of a parameter, and what it is elsewhere."""
    shared: dict[float, set[Method]] = {}
    for method, value in param.by_method.items():
        shared.setdefault(value, set()).add(method)
    others = [f"{method_words(frozenset(methods))}: {_number(value)}" for value, methods in shared.items()]
    if param.guide is not None:
        others.append(f"guide: {_number(param.guide)}")
    return _number(param.default) + (f" ({'; '.join(others)})" if others else "")


def _number(value: float) -> str:
    return f"{value:g}" if value < NEVER else "never"


def advice_text(template: str) -> str:
    """A sentence of advice without the blanks that only a finding can fill.

    >>> advice_text("{earlier}")
    'Go back to the last checkpoint from before the trouble'
    """
    return template.replace("{earlier}", "Go back to the last checkpoint from before the trouble").replace(
        "{new_rate}", ""
    )


def quoted_template(says: str) -> str:
    """The words of a finding, with blanks where its numbers will stand.

    >>> quoted_template("the margin is {margin:.3f} since step {onset}")
    'the margin is <margin> since step <onset>'
    """
    return re.sub(r"\{(\w+)[^}]*\}", r"<\1>", says)


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def family_page(members: Sequence[type[Rule]]) -> Page:
    """Some rules at a glance."""
    from barograph.console.explanation import Entries, Page, Text

    title = family_title(members).split(". ")[0].rstrip(".")
    more = Text(f"More of one: barograph explain {members[0].code}")
    return Page(family_of(members[0]), title, "", (Entries(rule_entries(members)), more))


def rule_entries(members: Sequence[type[Rule]]) -> tuple[Entry, ...]:
    """Rules in two lines each: what goes wrong, and what to do."""
    from barograph.console.explanation import Entry

    return tuple(
        Entry(
            (rule.code, str(rule.severity), rule.name),
            (rule.summary(), *(f"→ {advice_text(advice.text)}" for advice in rule.do[:2])),
        )
        for rule in members
    )


WEIGHING = (
    "A critical finding counts twice, a remark a third, a consequence of another finding a quarter, and one that is "
    "over six tenths. What speaks against a cause does so whether or not something explains it."
)


def cause_page(cause: CauseRule) -> Page:
    """What several findings have in common."""
    import inspect

    from barograph.console.explanation import Items, Page, Section, Table, Text
    from barograph.rules.catalogue import by_code

    def rows(weights: Mapping[str, float]) -> tuple[tuple[str, ...], ...]:
        strongest = sorted(weights.items(), key=lambda entry: -entry[1])
        return tuple(
            (code, f"{weight:g}", by_code()[code].name, by_code()[code].summary()) for code, weight in strongest
        )

    def told(parts: Iterable[Measure | Circumstance]) -> Items:
        return Items(tuple((inspect.getdoc(part) or "", "") for part in parts))

    sections = [Section("What to do", (Items(tuple((advice, "") for advice in cause.advice)),))]
    if cause.prescribes:
        sections.append(Section("With the run's own numbers, as far as they are known", (told(cause.prescribes),)))
    sections.append(Section("What speaks for it, and how strongly", (Table(rows(cause.speaks)), Text(WEIGHING))))
    if cause.against:
        sections.append(Section("What speaks against it", (Table(rows(cause.against)),)))
    if cause.circumstances:
        title = "What configuration and log tell, for it or against it"
        sections.append(Section(title, (told(cause.circumstances),)))
    if cause.expects:
        silent = Table(tuple((code, by_code()[code].name, by_code()[code].summary()) for code in cause.expects))
        sections.append(Section("Whose silence is told, where they could be judged", (silent,)))
    if cause.settles:
        sections.append(Section("What settles it", (Text(f"{_sentence(cause.settles).rstrip('.')}."),)))
    return Page(cause.name, "", "", (Text("A cause that findings may have in common."),), tuple(sections))


# The words that rules are written in


def signature(word: str) -> str:
    """A word with its arguments, as it is written.

    >>> signature("ema"), signature("after_warmup")
    ('ema(x, rows=0, steps=0, share=0)', 'after_warmup()')
    """
    from barograph.signals.words import parameters_of

    shown = (f"{p.name}={p.default!r}" if p.optional else p.name for p in parameters_of(word))
    return f"{word}({', '.join(shown)})"


def word_meaning(word: str) -> str:
    """What it stands for, in its own words."""
    import inspect

    from barograph.signals.words import WORDS

    return " ".join((inspect.getdoc(WORDS[word]) or "").split())


def word_users(word: str) -> list[type[Rule]]:
    """The rules whose condition is written with a word."""
    from barograph.rules.catalogue import every_rule

    if word == "metric":  # never written out where the name alone will do
        return []
    return [rule for rule in every_rule() if re.search(rf"\b{word}\(", written(rule.when))]


def word_page(word: str) -> Page:
    """What a word of the expression language means."""
    from barograph.console.explanation import Code, Facts, Page, Section, Text
    from barograph.signals.expression import Condition
    from barograph.signals.words import WORDS

    is_condition = WORDS[word].__annotations__["return"] == Condition.__name__
    lead: list[Block] = [Text(word_meaning(word)), Facts((("Gives", "true or false" if is_condition else "a number"),))]
    sections: list[Section] = []
    if users := word_users(word):
        shortest = min(users, key=lambda rule: len(written(rule.when)))
        names = ", ".join(rule.code for rule in users[:12]) + (
            f" and {len(users) - 12} more" if len(users) > 12 else ""
        )
        example: tuple[Block, ...] = (Code(written(shortest.when)), Text(f"This is {shortest.code} {shortest.name}."))
        sections = [Section("For example", example), Section("Rules that use it", (Text(names),))]
    return Page(signature(word), "", "", tuple(lead), tuple(sections))
