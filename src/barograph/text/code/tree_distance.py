"""How many nodes must be inserted, deleted or renamed to turn one tree into another.

The algorithm is that of Zhang and Shasha (1989): distances of sub-trees are found from the smallest to the whole, each
by a table of distances between the forests that begin it. Three things make it quick enough for source code:

- What is the same on both sides is set aside first: equal roots, and equal sub-trees at either end of what they hold.
  That changes no distance, as with the ends of two strings.
- Sub-trees that occur twice are compared once.
- A row of all tables of one sub-tree, over every sub-tree of the other side, is one row of an array.

Trees are gone through from right to left: code leans that way, which leaves fewer tables than the other.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from barograph.text.code.abstract import LabelledTree

__all__ = ["MOST_CELLS", "tree_distance"]

#: How many entries the tables of two trees may have: half a second, or two texts of some 400 lines without likeness.
MOST_CELLS = 50_000_000

Forest = list[int]
#: Whole numbers of either width.
Row = NDArray[Any]


def tree_distance(one: LabelledTree, other: LabelledTree, most_cells: int = MOST_CELLS) -> int | None:
    """The least number of edits, None where finding it would take too many entries.

    >>> a = LabelledTree(["call", "print", "x"], [3, 2, 3])
    >>> b = LabelledTree(["call", "print", "y", "z"], [4, 2, 3, 4])
    >>> tree_distance(a, b)
    2
    """
    names: dict[str, int] = {}
    shapes: dict[tuple[int, ...], int] = {}
    first, second = (_Side(tree, names, shapes) for tree in (one, other))
    rest, other_rest = _unlike(first, second)
    sizes = [sum(side.after[node] - node for node in nodes) for side, nodes in ((first, rest), (second, other_rest))]
    if not all(sizes):
        return max(sizes)
    tables, other_tables = _Tables(first, rest), _Tables(second, other_rest)
    if tables.cells * other_tables.cells > most_cells:
        return None
    return _distance(tables, other_tables)


class _Side:
    """A tree whose labels and sub-trees have numbers that both sides share."""

    def __init__(self, tree: LabelledTree, names: dict[str, int], shapes: dict[tuple[int, ...], int]) -> None:
        self.after = tree.after
        self.label = [names.setdefault(label, len(names)) for label in tree.labels]
        #: Equal for equal sub-trees.
        self.shape = [0] * tree.size
        for node in range(tree.size - 1, -1, -1):
            shape = (self.label[node], *(self.shape[child] for child in self.children(node)))
            self.shape[node] = shapes.setdefault(shape, len(shapes))

    def children(self, node: int) -> Forest:
        found, child = [], node + 1
        while child < self.after[node]:
            found.append(child)
            child = self.after[child]
        return found


def _unlike(one: _Side, other: _Side) -> tuple[Forest, Forest]:
    """What is left of two trees when everything that is the same at their tops and ends is set aside."""
    rest, other_rest = [0], [0]
    while rest and other_rest:
        begin = _common(one, rest, other, other_rest)
        rest, other_rest = rest[begin:], other_rest[begin:]
        end = _common(one, rest[::-1], other, other_rest[::-1])
        rest, other_rest = rest[: len(rest) - end], other_rest[: len(other_rest) - end]
        if len(rest) != 1 or len(other_rest) != 1 or one.label[rest[0]] != other.label[other_rest[0]]:
            break
        rest, other_rest = one.children(rest[0]), other.children(other_rest[0])
    return rest, other_rest


def _common(one: _Side, nodes: Forest, other: _Side, other_nodes: Forest) -> int:
    """How many sub-trees are the same from the beginning on."""
    count = 0
    for node, other_node in zip(nodes, other_nodes, strict=False):
        if one.shape[node] != other.shape[other_node]:
            break
        count += 1
    return count


class _Table(NamedTuple):
    """A sub-tree that needs a table: its nodes in the order of that table, which ends with its root."""

    rank: int
    nodes: range


class _Tables:
    """The sub-trees of one side that need a table of their own, each shape once, the innermost first."""

    def __init__(self, side: _Side, rest: Forest) -> None:
        # A root above what is left, the same on both sides, so that there is one tree to be compared.
        end = side.after[rest[-1]]
        count = end - rest[0] + 1
        # From right to left and from the inside out is the order of the nodes backwards.
        self.label = [side.label[end - 1 - place] for place in range(count - 1)] + [-1]
        self.shape = self._small([side.shape[end - 1 - place] for place in range(count - 1)] + [-1])
        #: The place of the innermost node on the right edge of each sub-tree.
        self.edge = [end - side.after[end - 1 - place] for place in range(count - 1)] + [0]
        self.shapes = max(self.shape) + 1
        self.tables = self._tables()
        #: Every table has one more row, for nothing at all.
        self.cells = sum(len(table.nodes) + 1 for table in self.tables)

    @staticmethod
    def _small(shapes: list[int]) -> list[int]:
        numbers: dict[int, int] = {}
        return [numbers.setdefault(shape, len(numbers)) for shape in shapes]

    def _tables(self) -> list[_Table]:
        edge, rank = self.edge, [0] * len(self.edge)
        waiting: list[int] = []
        for place, innermost in enumerate(edge):
            while waiting and waiting[-1] >= innermost:
                child = waiting.pop()
                rank[place] = max(rank[place], rank[child] + (edge[child] != innermost))
            waiting.append(place)
        last = {innermost: place for place, innermost in enumerate(edge)}
        once = {self.shape[place]: place for place in sorted(last.values(), reverse=True)}
        roots = sorted(once.values(), key=lambda place: (rank[place], place))
        return [_Table(rank[root], range(edge[root], root + 1)) for root in roots]


class _Columns:
    """The tables of one side laid next to each other; each begins with a column for nothing at all."""

    def __init__(self, tables: _Tables, limit: int) -> None:
        begins: list[int] = []
        shape: list[int] = []
        label: list[int] = []
        before: list[int] = []
        depth: list[int] = []
        number: list[int] = []
        on_edge: list[bool] = []
        for index, (_, nodes) in enumerate(tables.tables):
            begin = len(shape)
            begins.append(begin)
            shape += [0, *(tables.shape[node] for node in nodes)]
            label += [-2, *(tables.label[node] for node in nodes)]
            before += [begin, *(begin + tables.edge[node] - nodes[0] for node in nodes)]
            on_edge += [False, *(tables.edge[node] == nodes[0] for node in nodes)]
            depth += range(len(nodes) + 1)
            number += [index] * (len(nodes) + 1)
        exact = np.int32 if 4 * limit * len(begins) < np.iinfo(np.int32).max else np.int64
        self.begins = np.array(begins)
        self.shape, self.label, self.before = np.array(shape), np.array(label), np.array(before)
        self.on_edge = np.array(on_edge)
        #: How many nodes of its table stand before and in a column: what inserting them all costs.
        self.depth: Row = np.array(depth, dtype=exact)
        # Taken from a row it makes "or insert one more" a running minimum, which falls from table to table by more
        # than any distance, so that none reaches into the next.
        self.slope: Row = self.depth + np.array(number, dtype=exact) * (2 * limit)
        ranks = [table.rank for table in tables.tables]
        bounds = [begin for index, begin in enumerate(begins) if not index or ranks[index] != ranks[index - 1]]
        #: The tables by their rank: those of one rank need only those of lower ones.
        self.ranks = [_Rank(self, slice(*pair)) for pair in zip(bounds, [*bounds[1:], len(shape)], strict=True)]

    def filled(self, row: Row, where: slice = slice(None)) -> Row:
        """A row with the third way to each entry: from the entry left of it, by one more insertion."""
        row -= self.slope[where]
        np.minimum.accumulate(row, out=row)
        row += self.slope[where]
        return row


class _Rank:
    """The tables of one rank, as a stretch of columns."""

    def __init__(self, columns: _Columns, where: slice) -> None:
        self.where = where
        self.before, self.shape, self.on_edge = (
            column[where] for column in (columns.before, columns.shape, columns.on_edge)
        )
        #: Sub-trees whose distance is found here, and their columns.
        self.found = np.flatnonzero(self.on_edge) + where.start
        self.found_shape = columns.shape[self.found]


def _distance(one: _Tables, other: _Tables) -> int:
    limit = len(one.label) + len(other.label) + 2
    columns = _Columns(other, limit)
    found = np.zeros((one.shapes, other.shapes), dtype=columns.depth.dtype)  # the distances of sub-trees
    for _, nodes in one.tables:
        rows = [columns.depth]
        for node in nodes:
            deleted = rows[-1] + 1
            known = found[one.shape[node]]
            if one.edge[node] == nodes[0]:
                rows.append(_row_on_edge(columns, rows[-1], deleted, known, one.label[node], limit))
            else:
                row = rows[one.edge[node] - nodes[0]][columns.before] + known[columns.shape]
                row[columns.begins] = limit
                rows.append(columns.filled(np.minimum(row, deleted, out=row)))
    return int(found[one.shape[-1], other.shape[-1]])


def _row_on_edge(columns: _Columns, above: Row, deleted: Row, known: Row, label: int, limit: int) -> Row:
    """A row of a node on the right edge of its table, where distances of sub-trees are found; they go into `known`."""
    renamed = np.empty_like(above)
    renamed[1:] = above[:-1]
    renamed += columns.label != label
    renamed[columns.begins] = limit
    row = np.minimum(renamed, deleted)
    for rank in columns.ranks:
        # Off the edge of the other side whole sub-trees are compared, by what lower ranks have found for this node.
        split = columns.depth[rank.before] + known[rank.shape]
        stretch = np.where(rank.on_edge | (columns.depth[rank.where] == 0), row[rank.where], split)
        np.minimum(stretch, deleted[rank.where], out=stretch)
        row[rank.where] = columns.filled(stretch, rank.where)
        known[rank.found_shape] = row[rank.found]
    return row
