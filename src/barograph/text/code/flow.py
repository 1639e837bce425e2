"""Where the value of each variable comes from: the data flow of GraphCodeBERT, which CodeBLEU compares.

An edge says that a token has its value from others: `x = a + b` gives one from x to a and b ("computedFrom"), a later
use of x one to that x ("comesFrom"). What a kind of node does is written in the language's table; the walk is the same
for all languages. It keeps a list of what is still to do in place of calling itself, and it counts its steps, since
loops are gone through twice: loops in loops in loops are work without end.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable
from functools import partial
from typing import NamedTuple

from barograph.text.code.languages import Relation
from barograph.text.code.tree import SyntaxTree

__all__ = ["MOST_STEPS", "Edge", "FlowCount", "data_flow", "flow_counts"]

#: What a text may cost: less than a second. An ordinary function takes a thousand.
MOST_STEPS = 500_000

#: Edges with variables named by their order, and how often each occurs.
FlowCount = Counter[tuple[str, str, tuple[str, ...]]]

#: For each variable the tokens that may have given it its value.
Definitions = dict[str, tuple[int, ...]]


#: Something that is still to do on the walk.
Step = Callable[[], None]


class Edge(NamedTuple):
    """A token, and where its value comes from. Tokens are numbered in the order in which they are written."""

    token: int
    relation: Relation
    names: tuple[str, ...]
    sources: tuple[int, ...]


class _TooLong(Exception):
    """The walk takes more steps than it may."""


def data_flow(tree: SyntaxTree, most_steps: int = MOST_STEPS) -> list[Edge] | None:
    """All edges by the tokens they belong to, those without a source too; None where that takes too many steps."""
    walk = _Walk(tree, most_steps)
    try:
        walk.run()
    except _TooLong:
        return None
    # Stable: edges of one token stay in the order in which the walk has met them.
    return sorted(walk.edges, key=lambda edge: edge.token)


def flow_counts(tree: SyntaxTree, most_steps: int = MOST_STEPS) -> FlowCount | None:
    """The edges as CodeBLEU compares them: variables called by the order in which they appear, not by their names."""
    edges = data_flow(tree, most_steps)
    if edges is None:
        return None
    linked: set[int] = set()
    for edge in edges:
        if edge.sources:
            linked.add(edge.token)
            linked.update(edge.sources)
    merged: dict[int, list[Edge]] = {}
    for edge in edges:
        if edge.token in linked:
            merged.setdefault(edge.token, []).append(edge)
    order: dict[str, str] = {}
    counts: FlowCount = Counter()
    for token, several in merged.items():
        names: Iterable[str] = several[0].names
        if len(several) > 1:
            # In the order in which they are met: a set would put them in another one in each process.
            names = dict.fromkeys(name for edge in several for name in edge.names)
        sources = tuple(order.setdefault(name, f"var_{len(order)}") for name in names)
        name = tree.words[token]
        target = order.setdefault(name, f"var_{len(order)}")
        counts[target, str(several[0].relation), sources] += 1
    return counts


class _Fork:
    """A branching that is being walked: what was known before it, and what each way has left behind."""

    def __init__(self, before: Definitions) -> None:
        self.before = before
        self.after: list[Definitions] = []


class _Walk:
    """One walk over a tree. `todo` holds what is still to do, the next thing last."""

    def __init__(self, tree: SyntaxTree, most_steps: int) -> None:
        self.tree = tree
        self.table = tree.language.flow
        self.left = most_steps
        self.edges: list[Edge] = []
        self.defined: Definitions = {}
        self.todo: list[Step] = []
        #: The tokens, and of those the ones that are variables or values, not words of the grammar.
        self.number_of = {node: number for number, node in enumerate(tree.tokens)}
        self.variables = [node for node, word in zip(tree.tokens, tree.words, strict=True) if tree.kind[node] != word]

    def run(self) -> None:
        self.visit(0)
        while self.todo:
            self.todo.pop()()

    def spend(self, steps: int) -> None:
        self.left -= steps
        if self.left < 0:
            raise _TooLong

    def plan(self, *steps: Step) -> None:
        """Do these next, in this order."""
        self.todo.extend(reversed(steps))

    def visiting(self, nodes: Iterable[int]) -> list[Step]:
        return [partial(self.visit, node) for node in nodes]

    def visit(self, node: int) -> None:
        """Go through one node: by its kind, else through its children."""
        self.spend(1)
        number = self.number_of.get(node)
        if number is not None:
            self.use(node, number)
            return
        kind, table = self.tree.kind[node], self.table
        if kind in table.loops:
            self.loop(node)
        elif kind in table.branches:
            self.branch(node)
        elif kind in table.bindings:
            self.plan(*self.binding(node))
        elif kind in table.updates:
            self.update(node)
        else:
            children = list(self.tree.children(node))
            if table.first:
                children.sort(key=lambda child: self.tree.kind[child] not in table.first)
            self.plan(*self.visiting(children))

    def use(self, node: int, token: int) -> None:
        """A token that is read. A name that nothing has given a value so far stands for its own."""
        kind, word = self.tree.kind[node], self.tree.words[token]
        if kind == word:
            return
        known = self.defined.get(word)
        if known is not None:
            self.add(token, Relation.COMES, (word,), known)
            return
        if kind == "identifier":
            self.defined[word] = (token,)
        self.add(token, Relation.COMES, (), ())

    def add(self, token: int, relation: Relation, names: tuple[str, ...], sources: tuple[int, ...]) -> None:
        self.spend(len(sources))
        self.edges.append(Edge(token, relation, names, sources))

    def variables_in(self, node: int) -> list[int]:
        """The tokens inside a node that are variables or values."""
        first = bisect_left(self.variables, node)
        last = bisect_left(self.variables, self.tree.after[node])
        self.spend(last - first)
        return [self.number_of[one] for one in self.variables[first:last]]

    def part(self, node: int, field: str) -> list[int]:
        return [child for child in self.tree.children(node) if self.tree.field[child] == field]

    def binding(self, node: int) -> list[Step]:
        """The values are read first, then the variables have them."""
        rule = self.table.bindings[self.tree.kind[node]]
        targets, values = self.part(node, rule.target), self.part(node, rule.value)
        if self.tree.kind[node] == "for_in_clause":
            values = list(self.tree.children(node))[-1:]
        if self.table.paired and not values:
            return []  # `x: int` says nothing of a value
        if self.table.paired and len(targets) == len(values) == 1 and rule.relation is Relation.COMPUTED:
            inside_targets, inside_values = self.listed(targets[0]), self.listed(values[0])
            if len(inside_targets) == len(inside_values):
                targets, values = inside_targets, inside_values
            pairs = [([target], [value]) for target, value in zip(targets, values, strict=True)]
        else:
            pairs = [(targets, values)]

        def bind() -> None:
            for some_targets, some_values in pairs:
                self.bind(some_targets, some_values, rule.relation)

        return [*self.visiting(values), bind]

    def listed(self, node: int) -> list[int]:
        """What stands in a node side by side; the node itself where it is a token."""
        return [child for child in self.tree.children(node) if self.tree.kind[child] != ","] or [node]

    def bind(self, targets: list[int], values: list[int], relation: Relation) -> None:
        sources = tuple(token for node in values for token in self.variables_in(node))
        names = tuple(self.tree.words[token] for token in sources)
        if not self.table.paired or relation is Relation.COMES:
            names = tuple(dict.fromkeys(names))
        for node in targets:
            for token in self.variables_in(node):
                if sources or not values or self.table.paired:
                    self.add(token, relation, names, sources)
                self.defined[self.tree.words[token]] = (token,)

    def update(self, node: int) -> None:
        tokens = tuple(self.variables_in(node))
        names = tuple(dict.fromkeys(self.tree.words[token] for token in tokens))
        for token in tokens:
            self.add(token, Relation.COMPUTED, names, tokens)
            self.defined[self.tree.words[token]] = (token,)

    def loop(self, node: int) -> None:
        """Twice over, so that what the body leaves behind reaches its beginning."""
        tree, table = self.tree, self.table
        bound: list[Step] = []
        taken: set[str] = set()
        if tree.kind[node] in table.bindings:
            rule = table.bindings[tree.kind[node]]
            bound, taken = self.binding(node), {rule.target, rule.value}
        parts: list[int] = []
        for child in tree.children(node):
            if tree.kind[child] in table.clauses:
                parts.extend(tree.children(child))
            elif tree.field[child] not in taken:
                parts.append(child)
        again = [part for part in parts if tree.field[part] not in table.once]
        self.plan(*bound, *self.visiting(parts), *bound, *self.visiting(again))

    def branch(self, node: int) -> None:
        """One way or another: behind it a variable may have its value from either."""
        tree = self.tree
        others = self.part(node, "alternative")
        ways = [child for child in tree.children(node) if tree.field[child] != "alternative"]
        fork = _Fork(self.defined)
        # Without an `else` there is one more way: to take none of them.
        closed = any(tree.kind[other] != "elif_clause" for other in others)
        steps: list[Step] = [partial(self.turn, fork), *self.visiting(ways)]
        for other in others:
            steps += [partial(self.turn, fork, kept=True), *self.visiting([other])]
        self.plan(*steps, partial(self.join, fork, closed=closed))

    def turn(self, fork: _Fork, *, kept: bool = False) -> None:
        """Begin a way with what was known before the branching."""
        if kept:
            fork.after.append(self.defined)
        self.spend(len(fork.before))
        self.defined = dict(fork.before)

    def join(self, fork: _Fork, *, closed: bool) -> None:
        """Go on with what all ways have left behind."""
        fork.after.append(self.defined)
        if not closed:
            fork.after.append(fork.before)
        joined: dict[str, set[int]] = {}
        for way in fork.after:
            for name, tokens in way.items():
                self.spend(len(tokens))
                joined.setdefault(name, set()).update(tokens)
        self.defined = {name: tuple(sorted(tokens)) for name, tokens in joined.items()}
