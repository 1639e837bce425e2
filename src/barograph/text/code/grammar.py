"""The grammar of a language, loaded when it is asked for."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING, NamedTuple

from barograph.core.errors import MissingExtra
from barograph.text.code.languages import LANGUAGES

if TYPE_CHECKING:
    from tree_sitter import Language as TreeSitterLanguage

__all__ = ["EXTRA", "Grammar", "grammar_edition", "grammar_of"]

#: What brings tree-sitter and the grammars.
EXTRA = "eval"


class Grammar(NamedTuple):
    """A grammar, and the names of its nodes by their numbers."""

    language: TreeSitterLanguage
    kinds: dict[int, str]
    named: dict[int, bool]
    fields: dict[int | None, str]


#: What tree-sitter calls a stretch that no rule of the grammar fits.
ERROR = 0xFFFF


@cache
def grammar_of(name: str) -> Grammar:
    """The grammar of a language, by the language's name."""
    language = LANGUAGES[name]
    try:
        import tree_sitter
    except ImportError:
        raise MissingExtra(f"reading {name}", "tree-sitter", EXTRA) from None
    try:
        module = import_module(language.module)
    except ImportError:
        raise MissingExtra(f"reading {name}", language.package, EXTRA) from None
    found = tree_sitter.Language(module.language())
    numbers = range(found.node_kind_count)
    return Grammar(
        found,
        {number: found.node_kind_for_id(number) or "" for number in numbers} | {ERROR: "ERROR"},
        {number: found.node_kind_is_named(number) for number in numbers} | {ERROR: True},
        {None: ""} | {number: found.field_name_for_id(number) or "" for number in range(1, found.field_count + 1)},
    )


def grammar_edition(name: str) -> str:
    """Which edition of the grammar is installed: another may build other trees."""
    return version(LANGUAGES[name].package)
