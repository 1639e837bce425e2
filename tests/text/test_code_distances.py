"""Edits between trees and between graphs: beside naive versions, another library, and what any distance obeys."""

from __future__ import annotations

import itertools
import random
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("numpy")

from barograph.text.code.abstract import LabelledTree
from barograph.text.code.dependence import Dependence, DependenceEdge, DependenceGraph
from barograph.text.code.graph_distance import graph_distance
from barograph.text.code.tree_distance import tree_distance

#: A tree as nested tuples: a label, then sub-trees.
Nested = tuple  # type: ignore[type-arg]


def laid(tree: Nested) -> LabelledTree:
    labels: list[str] = []
    after: list[int] = []

    def lay(node: Nested) -> None:
        me = len(labels)
        labels.append(node[0])
        after.append(0)
        for child in node[1:]:
            lay(child)
        after[me] = len(labels)

    lay(tree)
    return LabelledTree(labels, after)


def naive(one: Nested, other: Nested) -> int:
    """By the recursion that defines the distance: the last root is deleted, inserted, or meets the other last root."""

    @cache
    def size(forest: Nested) -> int:
        return sum(1 + size(tree[1:]) for tree in forest)

    @cache
    def between(first: Nested, second: Nested) -> int:
        if not first or not second:
            return size(first) + size(second)
        last, other_last = first[-1], second[-1]
        return min(
            between(first[:-1] + last[1:], second) + 1,
            between(first, second[:-1] + other_last[1:]) + 1,
            between(first[:-1], second[:-1]) + between(last[1:], other_last[1:]) + (last[0] != other_last[0]),
        )

    return between((one,), (other,))


LABELS = st.sampled_from("abc")
TREES = st.recursive(
    LABELS.map(lambda label: (label,)),
    lambda trees: st.builds(lambda label, children: (label, *children), LABELS, st.lists(trees, max_size=3)),
    max_leaves=8,
)


@given(TREES, TREES)
@settings(max_examples=300)
def test_a_tree_distance_is_the_naive_one(one: Nested, other: Nested) -> None:
    assert tree_distance(laid(one), laid(other)) == naive(one, other)


@given(TREES, TREES, TREES)
def test_a_tree_distance_is_a_distance(one: Nested, other: Nested, third: Nested) -> None:
    a, b, c = laid(one), laid(other), laid(third)
    between = tree_distance(a, b)
    assert between is not None
    assert between == tree_distance(b, a)
    assert (between == 0) == (one == other)
    assert between <= tree_distance(a, c) + tree_distance(c, b)  # type: ignore[operator]
    assert abs(a.size - b.size) <= between <= a.size + b.size


def grown(rng: random.Random, size: int) -> Nested:
    children: list[list[int]] = [[]]
    for node in range(1, size):
        parent = rng.choice([rng.randrange(node), node - 1])
        children[parent].insert(rng.randint(0, len(children[parent])), node)
        children.append([])
    labels = [rng.choice("abcdef") for _ in range(size)]

    def nested(node: int) -> Nested:
        return (labels[node], *(nested(child) for child in children[node]))

    return nested(0)


def test_larger_trees_are_as_far_apart_as_in_apted() -> None:
    pytest.importorskip("apted")
    from apted import APTED
    from apted.helpers import Tree

    def theirs(tree: Nested) -> Tree:
        return Tree(tree[0], *map(theirs, tree[1:]))

    rng = random.Random(0)
    for size in (20, 30, 40, 60, 80):
        one, other = grown(rng, size), grown(rng, rng.randint(size // 2, size))
        expected = APTED(theirs(one), theirs(other)).compute_edit_distance()
        assert tree_distance(laid(one), laid(other)) == expected


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [  # the examples of Zhang and Shasha (1989), and of Augsten's lecture on them
        (("f", ("d", ("a",), ("c", ("b",))), ("e",)), ("f", ("c", ("d", ("a",), ("b",))), ("e",)), 2),
        (("a", ("b",), ("c", ("e",), ("f",)), ("d",)), ("a", ("b",), ("c",), ("d",)), 2),
        (("a",), ("b",), 1),
        (("a", ("b",)), ("a",), 1),
        (("a",), ("a", ("a", ("a",))), 2),
    ],
)
def test_tree_distances_by_hand(one: Nested, other: Nested, expected: int) -> None:
    assert tree_distance(laid(one), laid(other)) == expected


def test_trees_that_are_deep_or_wide() -> None:
    depth = 3_000
    chain = LabelledTree(["x"] * depth, [depth] * depth)
    longer = LabelledTree(["x"] * (depth + 5), [depth + 5] * (depth + 5))
    assert tree_distance(chain, longer) == 5
    other = LabelledTree([*["x"] * (depth - 1), "y"], [depth] * depth)
    assert tree_distance(chain, other) == 1
    depth = 2_000
    wide = LabelledTree(["r", *map(str, range(depth))], [depth + 1, *range(2, depth + 2)])
    mixed = LabelledTree(["r", *map(str, range(1, depth)), "z"], [depth + 1, *range(2, depth + 2)])
    assert tree_distance(wide, mixed) == 2


def test_trees_whose_tables_would_be_too_large_have_no_distance() -> None:
    one, other = laid(grown(random.Random(1), 100)), laid(grown(random.Random(2), 100))
    assert tree_distance(one, other, most_cells=1_000) is None
    assert tree_distance(other, one, most_cells=1_000) is None
    assert tree_distance(one, one, most_cells=1_000) == 0


@st.composite
def graphs(draw: st.DrawFn) -> DependenceGraph:
    labels = tuple(draw(st.lists(LABELS, min_size=1, max_size=4)))
    pairs = [(on, to) for on in range(len(labels)) for to in range(len(labels)) if on != to]
    possible = [DependenceEdge(on, to, kind) for on, to in pairs for kind in Dependence]
    edges = draw(st.sets(st.sampled_from(possible), max_size=6)) if possible else set()
    return DependenceGraph(labels, frozenset(edges))


def every_pairing(one: DependenceGraph, other: DependenceGraph) -> int:
    """The least cost over all ways to pair nodes, with none of its short cuts."""
    width = len(one.labels)
    places = [*range(len(other.labels)), *[None] * width]
    least = one.size + other.size
    for pairing in set(itertools.permutations(places, width)):
        kept = [place for place in pairing if place is not None]
        cost = (width - len(kept)) + (len(other.labels) - len(kept))
        cost += sum(place is not None and one.labels[node] != other.labels[place] for node, place in enumerate(pairing))
        moved = {(pairing[on], pairing[to], kind) for on, to, kind in one.edges}
        cost += len(moved ^ {tuple(edge) for edge in other.edges}) if moved else len(other.edges)
        # Edges of deleted nodes fall together in `moved`: count them one by one.
        lost = [edge for edge in one.edges if pairing[edge.on] is None or pairing[edge.to] is None]
        cost += len(lost) - len({(pairing[on], pairing[to], kind) for on, to, kind in lost})
        least = min(least, cost)
    return least


@given(graphs(), graphs())
@settings(max_examples=200)
def test_a_graph_distance_is_the_least_of_all_pairings(one: DependenceGraph, other: DependenceGraph) -> None:
    assert graph_distance(one, other) == every_pairing(one, other)


@given(graphs(), graphs())
def test_a_graph_distance_is_the_same_from_either_side_with_any_number_of_steps(
    one: DependenceGraph, other: DependenceGraph
) -> None:
    for steps in (0, 3, 10, 20_000):
        assert graph_distance(one, other, steps) == graph_distance(other, one, steps)


def test_graphs_that_take_too_many_steps_have_no_distance() -> None:
    rng = random.Random(0)

    def wild(size: int) -> DependenceGraph:
        edges = {DependenceEdge(*rng.sample(range(size), 2), rng.choice(list(Dependence))) for _ in range(3 * size)}
        return DependenceGraph(tuple(rng.choice("ab") for _ in range(size)), frozenset(edges))

    assert graph_distance(wild(14), wild(14), most_steps=500) is None
    assert graph_distance(wild(61), wild(61)) is None
