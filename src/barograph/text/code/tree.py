"""A text as a syntax tree laid flat.

A tree is kept as a few lists in the order in which its nodes begin, so that whatever reads it is a loop: code that is
nested ten thousand deep needs no recursion. Comments and docstrings are left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING

from barograph.text.code.grammar import grammar_of
from barograph.text.code.languages import Language

if TYPE_CHECKING:
    from tree_sitter import Node

__all__ = ["MOST_NODES", "SyntaxTree", "parsed"]

#: From this many nodes on a text is not taken apart: a third of a gigabyte of memory, some 300,000 lines.
MOST_NODES = 1_000_000


class SyntaxTree:
    """The tree of one text. Nodes are numbers, 0 the root; a node's children have higher numbers than itself."""

    def __init__(self, language: Language, source: bytes, *, sound: bool) -> None:
        self.language = language
        self.source = source
        #: Whether the grammar fits the whole text.
        self.sound = sound
        self.kind: list[str] = []
        #: The name of the field that a node is for its parent; empty where it is none.
        self.field: list[str] = []
        #: False for what is written in the grammar as such: brackets, operators, keywords.
        self.named: list[bool] = []
        self.parent: list[int] = []
        #: The first node behind all that this one holds.
        self.after: list[int] = []
        self._start: list[int] = []
        self._end: list[int] = []

    def append(self, kind: str, field: str, *, named: bool, parent: int, span: tuple[int, int]) -> int:
        """One more node behind the others; where it ends is set when its children are known."""
        self.kind.append(kind)
        self.field.append(field)
        self.named.append(named)
        self.parent.append(parent)
        self._start.append(span[0])
        self._end.append(span[1])
        self.after.append(len(self.kind))
        return len(self.kind) - 1

    def __len__(self) -> int:
        return len(self.kind)

    def text(self, node: int) -> str:
        """What is written there."""
        return self.source[self._start[node] : self._end[node]].decode("utf-8", "replace")

    def children(self, node: int) -> Iterator[int]:
        """In their order."""
        child, end = node + 1, self.after[node]
        while child < end:
            yield child
            child = self.after[child]

    def is_leaf(self, node: int) -> bool:
        return self.after[node] == node + 1

    @cached_property
    def tokens(self) -> list[int]:
        """The nodes that are tokens: leaves that are written, and strings as wholes."""
        whole, found, node = self.language.whole, [], 1  # the root is none, be it empty
        while node < len(self):
            if self.is_leaf(node) or self.kind[node] in whole:
                if self._end[node] > self._start[node]:
                    found.append(node)
                node = self.after[node]
            else:
                node += 1
        return found

    @cached_property
    def words(self) -> list[str]:
        """What the tokens say."""
        return [self.text(node) for node in self.tokens]


def parsed(code: str, language: Language, most_nodes: int = MOST_NODES) -> SyntaxTree | None:
    """The tree of a text, with the stretches that do not fit marked as errors; None where it has too many nodes."""
    # What cannot be written in UTF-8 is a stretch that fits no grammar, like any other.
    source = code.encode("utf-8", "surrogatepass")
    if len(source) > most_nodes * 8:  # a node for every eight bytes is dense code
        return None
    import tree_sitter

    grammar = grammar_of(language.name)
    tree = tree_sitter.Parser(grammar.language).parse(source)
    root = tree.root_node
    if root.descendant_count > most_nodes:
        return None
    laid = SyntaxTree(language, source, sound=not root.has_error)
    kinds, fields, named = grammar.kinds, grammar.fields, grammar.named
    cursor, parent = tree.walk(), -1
    while True:
        if (node := cursor.node) is None:
            return laid
        number = node.kind_id
        kind = kinds[number]
        if not _is_prose(node, kind, language):
            span = (node.start_byte, node.end_byte)
            if span[0] == span[1] and node.is_missing:
                kind = f"MISSING {kind}"  # put in by the parser to go on, no part of the text
            me = laid.append(kind, fields[cursor.field_id], named=named[number], parent=parent, span=span)
            if cursor.goto_first_child():
                parent = me
                continue
        while not cursor.goto_next_sibling():
            if not cursor.goto_parent():
                return laid
            laid.after[parent] = len(laid)
            parent = laid.parent[parent]


def _is_prose(node: Node, kind: str, language: Language) -> bool:
    """Whether it speaks to people alone: a comment, a docstring."""
    if kind in language.comments:
        return True
    if kind != language.prose or node.child_count != 1:
        return False
    return node.children[0].type in language.whole
