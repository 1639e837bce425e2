"""The abstract syntax tree: what a text says, without what only writes it down.

Brackets, commas and keywords go, and so do nodes that only hold others: a block, a list of arguments, a pair of
parentheses. Names, numbers and operators stay, as labels.
"""

from __future__ import annotations

from typing import NamedTuple

from barograph.text.code.tree import SyntaxTree

__all__ = ["LabelledTree", "abstract_tree"]

#: What is written between things, and means nothing by itself.
PUNCTUATION = frozenset("()[]{},;:.\n")


class LabelledTree(NamedTuple):
    """A tree as lists over its nodes, in the order in which they begin."""

    labels: list[str]
    #: For each node the first one behind all that it holds.
    after: list[int]

    @property
    def size(self) -> int:
        return len(self.labels)


def abstract_tree(tree: SyntaxTree) -> LabelledTree:
    """The tree of what a text says.

    >>> from barograph.text.code.languages import PYTHON
    >>> from barograph.text.code.tree import parsed
    >>> abstract_tree(parsed("print((a - 1))", PYTHON)).labels
    ['module', 'call', 'identifier print', 'binary_operator -', 'identifier a', 'integer 1']
    """
    labels: list[str] = []
    after: list[int] = []
    open_until: list[tuple[int, int]] = []  # the kept nodes around the present one, and where each ends in the syntax
    folded, whole = tree.language.folded, tree.language.whole
    node = 0
    while node < len(tree):
        while open_until and open_until[-1][1] <= node:
            after[open_until.pop()[0]] = len(labels)
        kind = tree.kind[node]
        opaque = tree.is_leaf(node) or kind in whole
        if tree.named[node] and kind not in folded:
            open_until.append((len(labels), tree.after[node]))
            labels.append(f"{kind} {tree.text(node)}" if opaque else _head(tree, node))
            after.append(0)
        node = tree.after[node] if opaque else node + 1
    for kept, _ in open_until:
        after[kept] = len(labels)
    return LabelledTree(labels, after)


def _head(tree: SyntaxTree, node: int) -> str:
    """The kind of a node, and what is written in it beside its children: `binary_operator +`."""
    written = [
        tree.kind[child]
        for child in tree.children(node)
        if not tree.named[child] and tree.kind[child] not in PUNCTUATION
    ]
    return " ".join([tree.kind[node], *written])
