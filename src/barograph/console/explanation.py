"""A page of explanation: what stands on it, and how it is laid out for a terminal.

A page is made of a few kinds of blocks, and knows nothing of what it explains: the command fills it, and whoever
writes documentation lays the same page out in another way.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from barograph.console.terminal import Terminal, clean
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

__all__ = [
    "GROUPS", "Block", "Code", "Entries", "Entry", "Facts", "Items", "Page", "Section", "Table", "Text",
    "fold_expression", "lay_out", "lay_out_table", "listed", "method_words",
]  # fmt: skip

#: Lines longer than this are tiring to read, however wide the terminal.
READABLE = 100
#: A last column narrower than this goes on a line of its own.
NARROW = 36
#: Words that have a colour wherever they stand in a table, and codes, which have one as well.
_COLOURS = {"critical": ("red", "bold"), "warning": ("yellow",), "info": ("dim",)}
_CODE = re.compile(r"[A-Z]{2,4}\d*")
#: What a page may use beyond ASCII, and what stands for it where only ASCII can be shown.
_PLAIN = {"•": "-", "→": "->", "…": "...", "≥": ">=", "≤": "<="}


@dataclass(frozen=True, slots=True)
class Text:
    """A paragraph."""

    text: str


@dataclass(frozen=True, slots=True)
class Items:
    """A list of sentences, each with a word behind it or none."""

    items: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Facts:
    """Labels and what they stand for."""

    rows: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of cells; the last column holds sentences and is wrapped."""

    rows: tuple[tuple[str, ...], ...]
    header: tuple[str, ...] = ()
    indent: str = ""
    #: Whether the first column holds names as they are written in a log or a file.
    of_names: bool = False


class Entry(NamedTuple):
    """Something with a name: cells that are lined up with those of its neighbours, and what is said of it below."""

    head: tuple[str, ...]
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Entries:
    """Several things with a name."""

    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class Code:
    """An expression or a piece of a file, with line breaks where it needs them."""

    text: str
    language: str = ""


Block: TypeAlias = "Text | Items | Facts | Table | Entries | Code"


@dataclass(frozen=True, slots=True)
class Section:
    """Blocks under a heading."""

    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Page:
    """Everything there is to say of one thing."""

    name: str
    title: str
    #: One word about it, such as a severity.
    mark: str
    lead: tuple[Block, ...]
    sections: tuple[Section, ...] = ()


def lay_out(page: Page, terminal: Terminal) -> Iterator[str]:
    """The lines of a page."""
    width = min(terminal.width, READABLE)
    head = terminal.paint(clean(page.name), "bold", "cyan")
    length = len(clean(page.name))
    if page.title:
        head += "  " + terminal.paint(page.title, "bold")
        length += 2 + len(page.title)
    if page.mark:
        head += " " * max(2, width - length - len(page.mark)) + _cell(page.mark, terminal)
    yield head
    for block in page.lead:
        yield from _plain(_block(block, "", width, terminal), terminal)
    for section in page.sections:
        yield ""
        yield terminal.paint(section.title, "bold")
        for block in section.blocks:
            yield from _plain(_block(block, "  ", width, terminal), terminal)


def _plain(lines: Iterator[str], terminal: Terminal) -> Iterator[str]:
    """The lines in characters that the terminal can show."""
    for line in lines:
        if terminal.unicode or line.isascii():
            yield line
            continue
        text = line
        for fancy, plain in _PLAIN.items():
            text = text.replace(fancy, plain)
        yield text.encode("ascii", "replace").decode("ascii")


def _block(block: Block, indent: str, width: int, terminal: Terminal) -> Iterator[str]:
    match block:
        case Text(text):
            yield from _wrapped(text, indent, indent, width)
        case Items(items):
            for text, word in items:
                mark = f"  [{word}]" if word else ""
                lines = _wrapped(text + mark, f"{indent}• ", f"{indent}  ", width)
                yield from (_dim_mark(line, mark.strip(), terminal) for line in lines)
        case Facts(rows):
            label = max((len(name) for name, _ in rows), default=0)
            for name, text in rows:
                begun = f"{indent}{name:{label}}  "
                first, *others = _wrapped(text, begun, " " * len(begun), width) or [begun]
                yield indent + terminal.paint(f"{name:{label}}", "dim") + first[len(indent) + label :]
                yield from others
        case Table():
            yield from lay_out_table(block, terminal, indent + block.indent, width)
        case Entries(entries):
            yield from _entries(entries, indent, width, terminal)
        case Code(text):
            for line in text.splitlines():
                yield from (f"{indent}{folded}" for folded in fold_expression(line, width - len(indent)))


def _wrapped(text: str, first: str, hang: str, width: int) -> list[str]:
    return textwrap.wrap(
        text, width, initial_indent=first, subsequent_indent=hang, break_long_words=False, break_on_hyphens=False
    )


def _dim_mark(line: str, mark: str, terminal: Terminal) -> str:
    if mark and line.endswith(mark):
        return line[: -len(mark)] + terminal.paint(mark, "cyan")
    return line


def _cell(text: str, terminal: Terminal, width: int = 0) -> str:
    style = ("cyan",) if _CODE.fullmatch(text) else _COLOURS.get(text, ())
    return terminal.paint(text, *style) + " " * (width - len(text))


def _widths(rows: Sequence[tuple[str, ...]]) -> list[int]:
    return [max(map(len, column)) for column in zip(*rows, strict=True)]


def lay_out_table(table: Table, terminal: Terminal, indent: str = "", width: int = 0) -> Iterator[str]:
    """The lines of a table, by itself as wide as the terminal."""
    width = width or terminal.width
    rows = [*([table.header] if table.header else []), *table.rows]
    *widths, last = _widths(rows)
    room = width - len(indent) - sum(widths) - 2 * len(widths)
    below = room < min(last, NARROW)
    hang = f"{indent}    " if below else " " * (width - room)
    for number, row in enumerate(rows):
        is_header = bool(table.header) and number == 0
        cells = [f"{cell:{w}}" if is_header else _cell(cell, terminal, w) for cell, w in zip(row, widths, strict=False)]
        begun = indent + "  ".join(cells)
        texts = [line.strip() for line in _wrapped(row[-1], hang, hang, max(width, len(hang) + NARROW))]
        if is_header:
            yield terminal.paint(begun if below else f"{begun}  {row[-1]}", "dim").rstrip()
        elif below:
            yield begun.rstrip()
            yield from (hang + text for text in texts)
        else:
            first, *others = texts or [""]
            yield f"{begun}  {_cell(first, terminal)}".rstrip() if cells else indent + first
            yield from (hang + text for text in others)


def _entries(entries: Sequence[Entry], indent: str, width: int, terminal: Terminal) -> Iterator[str]:
    widths = _widths([entry.head for entry in entries]) if entries else []
    for entry in entries:
        name, *cells = (_cell(cell, terminal, w) for cell, w in zip(entry.head, widths, strict=True))
        yield f"{indent}{terminal.paint(name, 'cyan')}  {'  '.join(cells)}".rstrip()
        for line in entry.lines:
            hang = f"{indent}    " + ("  " if line.startswith("→ ") else "")
            yield from _wrapped(line, f"{indent}    ", hang, width)


# Methods in words


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


def listed(methods: Collection[Method]) -> str:
    """Methods one by one, in the order in which they are always named."""
    return ", ".join(method.value for method in Method if method in methods)


def method_words(methods: frozenset[Method]) -> str:
    """A set of methods in few words.

    >>> (
    ...     method_words(frozenset({Method.GRPO, Method.PPO, Method.RLOO})),
    ...     method_words(frozenset({Method.KTO, Method.DPO})),
    ... )
    ('online', 'kto, dpo')
    >>> method_words(IMPLICIT_REWARD | CLASSIFIER | {Method.REWARD}), method_words(ALL - {Method.SFT})
    ('implicit reward, classifiers, reward', 'all but sft')
    """
    missing = ALL - methods
    if missing and len(missing) <= 3:
        return f"all but {listed(missing)}"
    words, rest = [], methods
    for word, group in GROUPS.items():
        if group <= rest:
            words.append(word)
            rest -= group
    return ", ".join([*words, *([listed(rest)] if rest else [])])


# Expressions


def fold_expression(text: str, width: int) -> list[str]:
    """An expression on as many lines as it needs, broken where it binds least.

    >>> for line in fold_expression("after_warmup() and sustained(ema(loss, 5) > 2 and lr > 1, 3)", 40):
    ...     print(line)
    after_warmup()
    and sustained(
          ema(loss, 5) > 2 and lr > 1,
          3)
    """
    if len(text) <= width:
        return [text]
    for sign in (" or ", " and "):
        parts = _split(text, sign)
        if len(parts) > 1:
            return _led(parts, sign.lstrip(), "", width)
    for sign in (" < ", " <= ", " > ", " >= ", " + ", " - ", " * ", " / "):
        parts = _split(text, sign)
        if len(parts) > 1:
            return _led(parts, sign.lstrip(), "  ", width)
    call = re.fullmatch(r"(\w*\()(.*)\)", text)
    if call is None:
        return [text]
    return [call[1], *(f"  {line}" for line in _arguments(_split(call[2], ", "), width - 3))]


def _arguments(parts: Sequence[str], width: int) -> list[str]:
    """The arguments of a call and its closing bracket: each on lines of its own, short ones at the end together."""
    head, tail = list(parts), ""
    while len(head) > 1 and len(head[-1]) + len(tail) <= READABLE // 3:
        tail = f"{head.pop()}, {tail}" if tail else head.pop()
    lines: list[str] = []
    for part in [*head, *([tail] if tail else [])]:
        lines += fold_expression(part, width)
        lines[-1] += ","
    lines[-1] = lines[-1][:-1] + ")"
    return lines


def _led(parts: Sequence[str], sign: str, indent: str, width: int) -> list[str]:
    """Parts below each other, each but the first led by its sign."""
    lines: list[str] = []
    for number, part in enumerate(parts):
        lead = indent + sign if number else ""
        first, *others = fold_expression(part, width - len(lead))
        lines += [lead + first, *(" " * len(lead) + line for line in others)]
    return lines


def _split(text: str, sign: str) -> list[str]:
    """The text cut at a sign wherever that stands outside all brackets."""
    parts, depth, begin = [], 0, 0
    for place, character in enumerate(text):
        depth += (character == "(") - (character == ")")
        if depth == 0 and text.startswith(sign, place):
            parts.append(text[begin:place])
            begin = place + len(sign)
    return [*parts, text[begin:]]
