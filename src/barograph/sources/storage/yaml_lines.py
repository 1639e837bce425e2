"""The few lines of YAML that trackers write: names with plain values, read without a parser that obeys them."""

from __future__ import annotations

import re
from pathlib import Path

from barograph.sources.base import decoded, neighbour

__all__ = ["plain_lines", "scalar", "settings_with_values"]

#: No such file is longer.
LONGEST = 1 << 20
#: What is longer is text.
LONGEST_SCALAR = 200
_TOP = re.compile(r"([^\s#:'\"\-][^:]*|'[^']*'|\"[^\"]*\"):(?: +(.*))?")
_VALUE = re.compile(r"( +)value: +(\S.*)")


def scalar(text: str) -> object:
    """The value that a text stands for.

    >>> scalar("5.0e-07"), scalar("24"), scalar("True"), scalar("null"), scalar("'8'"), scalar("['sigmoid']")
    (5e-07, 24, True, None, '8', ['sigmoid'])
    """
    text = text.strip()
    if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"":
        return text[1:-1]
    word = text.lower()
    if word in {"true", "false"}:
        return word == "true"
    # Behind a lone sign stands text over several lines, or nothing.
    if word in {"null", "none", "~", "", "{}", "[]", "|", "|-", ">", ">-"}:
        return None
    if len(text) > LONGEST_SCALAR:
        return text
    if text[0] == "[" and text[-1] == "]":
        return [scalar(part) for part in text[1:-1].split(",") if part.strip()]
    for number in (int, float):
        try:
            return number(text)
        except ValueError:
            continue
    return text


def plain_lines(file: Path) -> dict[str, object]:
    """The names at the beginning of a line with what stands behind them; nothing of what cannot be read."""
    return {name: scalar(value) for name, value in _tops(_lines(file)) if value}


def settings_with_values(file: Path) -> dict[str, object]:
    """Settings that are written as a name and, below it, `value:` and what it is."""
    settings: dict[str, object] = {}
    name, indent = "", 0
    for line in _lines(file):
        if top := _TOP.fullmatch(line):
            name, indent = top[1].strip("'\""), 0
            continue
        # What stands deeper than the first line below a name is inside of something else.
        indent = indent or len(line) - len(line.lstrip(" "))
        if name and (value := _VALUE.fullmatch(line)) and len(value[1]) == indent:
            settings[name] = scalar(value[2])
    return settings


def _tops(lines: list[str]) -> list[tuple[str, str]]:
    return [(top[1].strip("'\""), top[2] or "") for line in lines if (top := _TOP.fullmatch(line))]


def _lines(file: Path) -> list[str]:
    """The lines of a file that really lies there. What is cut off by its length does not count."""
    return decoded(neighbour(file, LONGEST))[0].splitlines()
