"""The program dependence graph of a text: its statements, what each is ruled by, and whose values it uses.

A statement depends on the one that decides whether it runs (control), and on those whose values it reads (data). The
order in which independent statements stand is no part of the graph, and neither are the names of variables and
parameters: both may change and the graph stays the same. Names that come from elsewhere, such as functions, do count.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from barograph.text.code.flow import data_flow
from barograph.text.code.tree import SyntaxTree

__all__ = ["Dependence", "DependenceEdge", "DependenceGraph", "dependence_graph"]

#: How a variable or parameter of the text itself is written in a label.
OWN = "_"


class Dependence(StrEnum):
    """Why one statement depends on another."""

    CONTROL = "control"
    DATA = "data"


class DependenceEdge(NamedTuple):
    """The statement `to` depends on the statement `on`."""

    on: int
    to: int
    kind: Dependence


class DependenceGraph(NamedTuple):
    """Statements by their labels, in the order in which they are written, and what they depend on."""

    labels: tuple[str, ...]
    edges: frozenset[DependenceEdge]

    @property
    def size(self) -> int:
        return len(self.labels) + len(self.edges)


def dependence_graph(tree: SyntaxTree) -> DependenceGraph | None:
    """The graph of a text; None where its data flow takes too many steps, or where it has no statement."""
    flow = data_flow(tree)
    if flow is None:
        return None
    statement_of = _statements(tree)
    statements = [node for node in range(len(tree)) if statement_of[node] == node]
    if not statements:
        return None
    number = {node: place for place, node in enumerate(statements)}
    edges: set[DependenceEdge] = set()
    for node in statements:
        if node and (ruler := statement_of[tree.parent[node]]) in number:
            edges.add(DependenceEdge(number[ruler], number[node], Dependence.CONTROL))
    owners = [number.get(statement_of[node]) for node in tree.tokens]
    for edge in flow:
        to = owners[edge.token]
        for source in edge.sources:
            on = owners[source]
            # What a statement owes to itself, as in a loop, leads nowhere else.
            if on is not None and to is not None and on != to:
                edges.add(DependenceEdge(on, to, Dependence.DATA))
    return DependenceGraph(_labels(tree, statements, owners), frozenset(edges))


def _statements(tree: SyntaxTree) -> list[int]:
    """For each node the innermost statement around it, itself where it is one; -1 where there is none."""
    found: list[int] = []
    for node, kind in enumerate(tree.kind):
        if kind in tree.language.statements:
            found.append(node)
        else:
            found.append(found[tree.parent[node]] if node else -1)
    return found


def _labels(tree: SyntaxTree, statements: list[int], owners: list[int | None]) -> tuple[str, ...]:
    """The kind of each statement, and what is written in it and in no statement inside it."""
    own = _own_names(tree)
    labels = [[tree.kind[node]] for node in statements]
    for word, owner in zip(tree.words, owners, strict=True):
        if owner is not None:
            labels[owner].append(OWN if word in own else word)
    return tuple(" ".join(label) for label in labels)


def _own_names(tree: SyntaxTree) -> frozenset[str]:
    """The variables and parameters that the text itself introduces."""
    bindings, own, bound_until = tree.language.flow.bindings, set(), 0
    for node, kind in enumerate(tree.kind):
        parent = tree.parent[node]
        rule = bindings.get(tree.kind[parent]) if node else None
        if kind in tree.language.parameters or (rule is not None and tree.field[node] == rule.target):
            bound_until = max(bound_until, tree.after[node])
        if node < bound_until and kind == "identifier":
            own.add(tree.text(node))
    return frozenset(own)
