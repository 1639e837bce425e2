"""How many nodes and edges must be inserted, deleted or renamed to turn one graph into another.

The least number is looked for by trying to pair the nodes in every way that can still be better than the best so far.
That is exact, and it may take for ever; so the steps are counted, and where they are used up there is no answer.
"""

from __future__ import annotations

from collections import Counter

from barograph.text.code.dependence import DependenceGraph

__all__ = ["MOST_STATEMENTS", "MOST_STEPS", "graph_distance"]

#: Graphs with more nodes are not tried: the steps would be used up.
MOST_STATEMENTS = 60
#: How many pairs of nodes may be tried: a fifth of a second.
MOST_STEPS = 20_000


class _TooLong(Exception):
    """The search takes more steps than it may."""


def graph_distance(one: DependenceGraph, other: DependenceGraph, most_steps: int = MOST_STEPS) -> int | None:
    """The least number of edits, None where the search takes too many steps; the same from either side.

    >>> from barograph.text.code.dependence import Dependence, DependenceEdge
    >>> edge = DependenceEdge(0, 1, Dependence.DATA)
    >>> graph_distance(DependenceGraph(("a", "b"), frozenset({edge})), DependenceGraph(("a", "c"), frozenset()))
    2
    """
    if one == other:
        return 0
    if max(len(one.labels), len(other.labels)) > MOST_STATEMENTS:
        return None
    # Always from the same side, so that the steps are used up for both orders or for none.
    first, second = sorted((one, other), key=lambda graph: (len(graph.labels), graph.labels, sorted(graph.edges)))
    search = _Search(first, second, most_steps)
    try:
        search.extend(0, 0)
    except _TooLong:
        return None
    return search.best


class _Search:
    """Pairs the nodes of one graph, one after the other, with those of the other or with none."""

    def __init__(self, one: DependenceGraph, other: DependenceGraph, most_steps: int) -> None:
        self.one, self.other = one, other
        self.left = most_steps
        self.edges, self.other_edges = _by_ends(one), _by_ends(other)
        #: For each node of the first graph its partner, None where it is deleted.
        self.partner: list[int | None] = []
        self.free = Counter(other.labels)
        self.taken: set[int] = set()
        self.best = one.size + other.size  # by deleting the one and inserting the other
        #: The labels of the first graph from each node on, and its edges that end there or later.
        self.rest = [Counter(one.labels[node:]) for node in range(len(one.labels) + 1)]
        self.open = [sum(max(edge[:2]) >= node for edge in one.edges) for node in range(len(one.labels) + 1)]

    def extend(self, cost: int, settled: int) -> None:
        """Try every partner for the next node. `settled` edges of the other graph are between taken nodes."""
        node = len(self.partner)
        if cost + self.at_least(node, settled) >= self.best:
            return
        if node == len(self.one.labels):
            self.best = cost + self.at_least(node, settled)
            return
        label = self.one.labels[node]
        candidates = [place for place in range(len(self.other.labels)) if place not in self.taken]
        candidates.sort(key=lambda place: (self.other.labels[place] != label, abs(place - node), place))
        for place in candidates:
            self.spend()
            shared, missing, surplus = self.beside(node, place)
            self.partner.append(place)
            self.taken.add(place)
            self.free[self.other.labels[place]] -= 1
            self.extend(cost + (self.other.labels[place] != label) + missing + surplus, settled + shared + surplus)
            self.free[self.other.labels[place]] += 1
            self.taken.remove(place)
            self.partner.pop()
        self.spend()
        deleted = sum(self.edges[node, earlier].total() for earlier in range(node) if (node, earlier) in self.edges)
        self.partner.append(None)
        self.extend(cost + 1 + deleted, settled)
        self.partner.pop()

    def spend(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise _TooLong

    def beside(self, node: int, place: int) -> tuple[int, int, int]:
        """Edges to earlier nodes when these two are paired: in both graphs, only in the first, only in the other."""
        shared = missing = surplus = 0
        for earlier, partner in enumerate(self.partner):
            mine = self.edges.get((node, earlier), _NONE)
            theirs = _NONE if partner is None else self.other_edges.get((place, partner), _NONE)
            if mine or theirs:
                both = (mine & theirs).total()
                shared += both
                missing += mine.total() - both
                surplus += theirs.total() - both
        return shared, missing, surplus

    def at_least(self, node: int, settled: int) -> int:
        """What the nodes and edges that are left will cost in any case; exact when no node is left."""
        rest, free = self.rest[node], +self.free
        nodes = max(rest.total(), free.total()) - (rest & free).total()
        edges = abs(self.open[node] - (len(self.other.edges) - settled))
        return nodes + edges


#: Edges between a node and one before it, by their direction and kind.
_Ends = dict[tuple[int, int], Counter[tuple[bool, str]]]
_NONE: Counter[tuple[bool, str]] = Counter()


def _by_ends(graph: DependenceGraph) -> _Ends:
    found: _Ends = {}
    for on, to, kind in graph.edges:
        found.setdefault((on, to), Counter())[True, str(kind)] += 1
        found.setdefault((to, on), Counter())[False, str(kind)] += 1
    return found
