"""Write the pages that say what the code says: `python tools/generate.py`, or `--check` that they still do.

Every page under docs/ that is made here is named at its head. What is written by hand lies beside it and is left alone.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "src"))
os.environ |= {"BAROGRAPH_PLUGINS": "off", "BAROGRAPH_CACHE": "off"}  # The pages tell of what is ours.

import click  # noqa: E402
from markdown_parts import compact, finished, linked, plain, table  # noqa: E402
from method_pages import method_files  # noqa: E402
from picture import terminal_svg  # noqa: E402

from barograph.cli.check_pages import check_page, kind_words  # noqa: E402
from barograph.cli.explain import metric_page  # noqa: E402
from barograph.cli.main import cli  # noqa: E402
from barograph.cli.rules import (  # noqa: E402
    WEIGHING,
    by_family,
    cause_page,
    family_title,
    method_words,
    rule_page,
    signature,
    word_meaning,
    written,
)
from barograph.config.catalogue import CHECKS as OF_SETTINGS  # noqa: E402
from barograph.console.explanation import (  # noqa: E402
    GROUPS,
    Block,
    Code,
    Entries,
    Facts,
    Items,
    Section,
    Table,
    Text,
    fold_expression,
    listed,
)
from barograph.console.report import report  # noqa: E402
from barograph.console.terminal import Terminal  # noqa: E402
from barograph.core.check import Declared  # noqa: E402
from barograph.core.methods import Method  # noqa: E402
from barograph.core.names import catalogue  # noqa: E402
from barograph.data.catalogue import CHECKS  # noqa: E402
from barograph.data.example import Kind  # noqa: E402
from barograph.data.form import ALIASES, NEEDS  # noqa: E402
from barograph.engine.judge import judge  # noqa: E402
from barograph.rules.base import Rule  # noqa: E402
from barograph.rules.catalogue import RULES, by_code  # noqa: E402
from barograph.rules.causes import CAUSES  # noqa: E402
from barograph.rules.failure_modes import FAILURE_MODES  # noqa: E402
from barograph.signals.words import WORDS  # noqa: E402
from barograph.sources.catalogue import SOURCES  # noqa: E402
from barograph.sources.runs import read_run  # noqa: E402

BLOCK = re.compile(r"(<!-- generated: (\w+) -->\n).*?(<!-- /generated -->)", re.DOTALL)
WIDTH = 96


RULES_INTRO = """\
There are {rules} rules in {families} families. A rule is known by its code and by its name; `--select` and
`--ignore` take either, and also the letters of a family.
"""
MATRIX_INTRO = """\
`C` is critical, `W` a warning, `i` a remark: the severity to begin with. A rule may grow graver or milder while its
finding lasts.
"""
METRICS_INTRO = """\
Every metric has one name in barograph, whatever a framework calls it. A key as a framework writes it may mean
different things for different methods; that is said beside it. `eval.` in front of a name stands for held-out data:
`eval.loss`. A single reward function is `reward_component/NAME`.
"""
WORDS_INTRO = """\
A rule says when it speaks up in an expression over metrics. The same words may be used in a rule of your own:

```toml
[[rule]]
code = "MY01"
name = "kl-too-high"
when = "sustained(ema(kl_ref, 5) > 0.3, 5)"
says = "the KL has been above 0.3 since step {step}: {value:.2f}"
severity = "warning"
advice = ["Raise the weight of the KL term"]
```
"""
LANGUAGE = """\
Besides the words there are numbers; the names of [metrics](metrics.md), with `eval.` in front for held-out data;
`+ - * /`; `< <= > >=`; `and`, `or`, `not`; and brackets.

Words speak of the updates of a metric: `ema(loss, 5)` looks back over five rows that carry a loss, however many
other rows lie between. Where a span must mean the same however often a run was logged, give it in `steps`, or as a
`share` of the run. A condition that has no value yet is neither true nor false, and its rule is not judged.
"""
CHECKS_INTRO = """\
There are {checks} checks. `barograph explain CODE` prints what stands here of one; `--select` and `--ignore` of
`barograph data` take codes and names, and `--set CODE.NAME=N` sets a number. What the checks are for, and how to use
them, is told on [the page on data](data.md); how often they are right, [measured](data-measured.md).
"""
COVERAGE_INTRO = """\
This is the list of failures that barograph was written against, gathered from papers, from the documentation of
trainers, and from what people ask in their issue trackers: {of} in all. For {seen} of them there are rules, {rules}
together; a rule that needs a series which is not in your log is [not judged](why.md#how-it-judges), and the report says
so. For the others there is a reason.
"""
CAUSES_INTRO = """\
Findings are symptoms. A cause gathers those that speak for it, each with a weight; the likeliest is told first, with
the one thing to do, in the numbers of the run where configuration and log tell them. Causes are weighed only where
there is a warning at least. Rules that a cause would make fire, and that were judged and stay silent, are told as
speaking against it; they take nothing from its score.
"""


def main() -> int:
    """Write every page, or name those that are not as they would be written."""
    checking = sys.argv[1:] == ["--check"]
    if sys.argv[1:] and not checking:
        print("usage: generate.py [--check]", file=sys.stderr)
        return 2
    pages = dict(all_pages())
    own = (*(ROOT / "docs" / "rules").glob("*.md"), *filter(Path.is_file, (ROOT / "docs" / "methods").rglob("*")))
    old = [path for path in sorted(own) if path not in pages]
    stale = [path for path, text in pages.items() if not path.is_file() or path.read_text("utf-8") != text]
    for path in [*stale, *old]:
        print(
            f"{path.relative_to(ROOT)} {'is not up to date' if checking else 'written' if path in stale else 'removed'}"
        )
    if checking:
        return 1 if stale or old else 0
    for path in stale:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(pages[path], "utf-8")
    for path in old:
        path.unlink()
    return 0


def all_pages() -> Iterator[tuple[Path, str]]:
    """Every generated file, and what it should hold."""
    docs = ROOT / "docs"
    for rule in RULES:
        yield docs / "rules" / f"{rule.code}.md", finished(rule_text(rule))
    yield docs / "rules" / "README.md", finished(rules_index())
    yield docs / "metrics.md", finished(metrics_text())
    yield docs / "words.md", finished(words_text())
    yield docs / "causes.md", finished(causes_text())
    yield docs / "coverage.md", finished(coverage_text())
    yield docs / "data-checks.md", finished(checks_text())
    yield docs / "cli.md", finished(commands_text())
    yield docs / "check.svg", example_picture()
    yield from method_files(docs / "methods")
    by_hand = (ROOT / "README.md", docs / "sources.md", docs / "data.md", docs / "config-check.md")
    for page in filter(Path.is_file, by_hand):
        text = page.read_text("utf-8")
        yield page, BLOCK.sub(lambda found: found[1] + generated_block(found[2]) + found[3], text)


def example_picture() -> str:
    """The sick example run, as `barograph check` shows it in a terminal of 100 columns."""
    run = read_run(ROOT / "examples" / "kto-sick.jsonl")
    run = replace(run, path="examples/kto-sick.jsonl")
    why = {rule.code: rule.sections().get("Why", "") for rule in RULES}
    lines = list(report(judge(run), run, why, Terminal(width=100, colour=True)))
    return terminal_svg(["$ barograph check examples/kto-sick.jsonl", "", *lines[:30]], 100)


# Pages


def rule_text(rule: type[Rule]) -> Iterator[str]:
    """The page of one rule."""
    page = rule_page(rule)
    yield f"# {page.name} {page.title}"
    yield from blocks(page.lead)
    yield from sections(page.sections, 2)
    if rule.params():
        name, param = next(iter(rule.params().items()))
        yield "## Setting its numbers\n"
        yield f"In `barograph.toml`:\n\n```toml\n[rules.{rule.code}]\n{name} = {param.default:g}\n```\n"
    yield f"`barograph explain {rule.code}` prints this page."


def rules_index() -> Iterator[str]:
    """All rules in one table, and which of them judge which method."""
    yield "# Rules"
    yield RULES_INTRO.format(rules=len(RULES), families=len(by_family(RULES)))
    for family, members in by_family(RULES).items():
        yield f"## {family}\n\n{family_title(members)}\n"
        rows = ((linked(r.code), r.name, str(r.severity), method_words(r.methods), r.summary()) for r in members)
        yield from table(("code", "name", "severity", "methods", "what it sees"), rows)
    yield "## Sets of methods\n"
    yield from table(("name", "methods"), ((word, listed(group)) for word, group in GROUPS.items()))
    yield "## Rules by method\n"
    yield MATRIX_INTRO
    methods = list(Method)
    yield from table(("rule", *(method.value for method in methods)), (matrix_row(rule, methods) for rule in RULES))


def matrix_row(rule: type[Rule], methods: Sequence[Method]) -> tuple[str, ...]:
    """The severity of a rule for each method, in one letter."""
    letters = {"critical": "C", "warning": "W", "info": "i"}
    grades = (letters[str(rule.severity_for.get(m, rule.severity))] if m in rule.methods else "" for m in methods)
    return (linked(rule.code), *grades)


def metrics_text() -> Iterator[str]:
    """The vocabulary, group by group."""
    groups: dict[str, list[str]] = {}
    for metric in catalogue().values():
        groups.setdefault(metric.group, []).append(metric.name)
    yield "# Metrics"
    yield METRICS_INTRO
    for group, names in groups.items():
        yield f"- {group}: " + ", ".join(f"[`{name}`](#{name})" for name in names)
    for group, names in groups.items():
        yield f"\n## {group.capitalize()}\n"
        for name in names:
            page = metric_page(catalogue()[name])
            yield f"### {name}\n\n**{page.title}.**"
            yield from blocks(page.lead)
            for section in page.sections:
                yield f"\n{section.title}:\n"
                yield from blocks(section.blocks, "rules/", brief=True)


def words_text() -> Iterator[str]:
    """The language that rules are written in."""
    example = by_code()["PREF03"]
    yield "# Words of the rules' language"
    yield WORDS_INTRO
    yield f"This is how {linked(example.code, 'rules/')} is written, with its numbers filled in:\n"
    yield "```text\n" + "\n".join(fold_expression(written(example.when), WIDTH)) + "\n```\n"
    yield LANGUAGE
    yield from table(("word", "what it is"), ((f"`{signature(word)}`", word_meaning(word)) for word in WORDS))


def causes_text() -> Iterator[str]:
    """What several findings have in common."""
    yield "# Causes"
    yield CAUSES_INTRO
    for cause in CAUSES:
        page = cause_page(cause)
        yield f"## {page.name[:1].upper()}{page.name[1:]}\n"
        yield from blocks(page.sections[0].blocks, "rules/")
        for section in page.sections[1:]:
            yield f"{section.title}:\n"
            yield from blocks([block for block in section.blocks if block != Text(WEIGHING)], "rules/")
    yield WEIGHING


def coverage_text() -> Iterator[str]:
    """What can go wrong, and who looks for it."""
    yield "# What is looked for"
    modes = [mode for group in FAILURE_MODES.values() for mode in group]
    yield COVERAGE_INTRO.format(rules=len(RULES), seen=sum(bool(mode.rules) for mode in modes), of=len(modes))
    for title, group in FAILURE_MODES.items():
        yield f"## {title}\n"
        rows = (
            (plain(mode.words), ", ".join(linked(code, "rules/") for code in mode.rules))
            for mode in group
            if mode.rules
        )
        yield from table(("what goes wrong", "rules that look for it"), rows)
        if unseen := [mode for mode in group if not mode.rules]:
            yield "No rule looks for these:\n"
            yield from (f"- {plain(mode.words)}: {plain(mode.why_not)}" for mode in unseen)
            yield ""


def checks_text() -> Iterator[str]:
    """Every check of data."""
    yield "# Checks of data"
    yield CHECKS_INTRO.format(checks=len(CHECKS))
    for check in CHECKS:
        page = check_page(check)
        yield f"## {page.name} {page.title}\n"
        yield from blocks(page.lead)
        yield from sections(page.sections, 3)


def commands_text() -> Iterator[str]:
    """The help of every command, as it is printed."""
    yield "# Commands"
    yield f"```text\n{help_of(cli, 'barograph')}\n```\n"
    for name in cli.list_commands(click.Context(cli)):
        command = cli.commands[name]
        if not command.hidden:
            yield f"## barograph {name}\n\n```text\n{help_of(command, f'barograph {name}')}\n```\n"


def help_of(command: click.Command, name: str) -> str:
    """The help of a command, at a fixed width."""
    settings = {**command.context_settings, "help_option_names": ["-h", "--help"], "terminal_width": 90}
    with click.Context(command, info_name=name, **settings) as context:
        return command.get_help(context).strip()


def generated_block(name: str) -> str:
    """What stands between two marks of a name in a page that is else written by hand."""
    if name == "rules":
        rows = [(family, str(len(members)), family_title(members)) for family, members in by_family(RULES).items()]
        return "\n".join(table(("family", "rules", "what it looks at"), rows))
    if name == "sources":
        rows = [(f"`{source.name}`", source.describes, source.checked) for source in SOURCES]
        return "\n".join(table(("format", "what it is", "checked against"), rows))
    if name == "checks":
        rows = [
            (f"[{check.code}](data-checks.md#{anchor_of(check)})", check.name, str(check.severity), kind_words(check),
             plain(check.summary()))
            for check in CHECKS
        ]  # fmt: skip
        return "\n".join(table(("code", "name", "severity", "kinds", "what it sees"), rows))
    if name == "columns":
        rows = [
            (f"`{aliases[0]}`", ", ".join(kind.value for kind in Kind if thing in {"prompt", *NEEDS[kind]}),
             ", ".join(f"`{alias}`" for alias in aliases[1:]))
            for thing, aliases in ALIASES.items()
        ]  # fmt: skip
        return "\n".join(table(("column", "kinds", "other names it may have"), rows))
    if name == "settings":
        rows = [
            (f"[{check.code}](#{anchor_of(check)})", check.name, str(check.severity), method_words(check.methods),
             plain(check.summary()))
            for check in OF_SETTINGS
        ]  # fmt: skip
        return "\n".join(table(("code", "name", "severity", "methods", "what it sees"), rows))
    if name == "settings_one_by_one":
        return compact(line for check in OF_SETTINGS for line in check_section(check)) + "\n"
    names = "checks, columns, rules, settings, settings_one_by_one, sources"
    raise SystemExit(f"nothing is generated under the name {name!r}; there are: {names}")


def check_section(check: type[Declared]) -> Iterator[str]:
    """All there is to say of a check, below a heading of its own."""
    page = check_page(check)
    yield f"\n### {page.name} {page.title}\n"
    yield from blocks(page.lead)
    yield from sections(page.sections, 4)


def anchor_of(check: type[Declared]) -> str:
    """The anchor of the heading of a check."""
    return f"{check.code.lower()}-{check.name}"


# Markdown


def sections(parts: Sequence[Section], level: int) -> Iterator[str]:
    """Sections under headings."""
    for section in parts:
        yield f"\n{'#' * level} {section.title}\n"
        yield from blocks(section.blocks)


def blocks(parts: Sequence[Block], folder: str = "", *, brief: bool = False) -> Iterator[str]:
    """The blocks of a page, with links into the folder of rules. In brief, a rule's advice is left to its own page."""
    for block in parts:
        match block:
            case Text(text):
                yield f"{plain(text)}\n"
            case Items(items):
                yield from (f"- {plain(text)}" + (f" (`{word}`)" if word else "") for text, word in items)
            case Facts(rows):
                yield from (f"- {label}: {plain(text)}" for label, text in rows)
            case Code(text):
                lines = (folded for line in text.splitlines() for folded in fold_expression(line, WIDTH))
                yield "```text\n" + "\n".join(lines) + "\n```"
            case Table(rows, header) if header:
                yield from table(header, (tuple(map(plain, row)) for row in rows))
            case Table(rows):
                yield from (f"- {name_of(row[0], block, folder)}: {plain(', '.join(row[1:]))}" for row in rows)
            case Entries(entries) if brief:
                yield from (
                    f"- {linked(e.head[0], folder)} {e.head[2]} ({e.head[1]}): {plain(e.lines[0])}" for e in entries
                )
        yield ""


def name_of(cell: str, block: Table, folder: str) -> str:
    """The first cell of a row: a link to a rule, names as they are written, or just a word."""
    if cell in by_code():
        return linked(cell, folder)
    return re.sub(r"(^|, )([^\s,]+)", r"\1`\2`", cell) if block.of_names else plain(cell)


if __name__ == "__main__":
    sys.exit(main())
