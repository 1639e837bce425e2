"""The sub-trees of a syntax tree, as CodeBLEU compares them: by their shape, whatever the names in them.

A sub-tree is called by a short digest of its shape. Its text form would be as long as the tree is deep, for each node.
"""

from __future__ import annotations

from collections import Counter
from hashlib import blake2b

from barograph.text.code.tree import SyntaxTree

__all__ = ["subtree_counts", "subtree_matches"]


def subtree_counts(tree: SyntaxTree) -> Counter[bytes]:
    """How often each shape occurs, of the whole tree and of every node in it that holds others."""
    counts: Counter[bytes] = Counter()
    inside: list[list[str]] = [[] for _ in range(len(tree))]
    # Backwards children come before their parents, the last child first.
    for node in range(len(tree) - 1, -1, -1):
        shape = f"({tree.kind[node]}{''.join(reversed(inside[node]))})"
        inside[node] = []
        if node == 0 or (tree.named[node] and not tree.is_leaf(node)):
            digest = blake2b(shape.encode(), digest_size=12)
            counts[digest.digest()] += 1
            shape = digest.hexdigest()
        # Brackets and operators are no part of a shape, unless the parser has put them in.
        if node and (tree.named[node] or tree.kind[node].startswith("MISSING")):
            inside[tree.parent[node]].append(f" {tree.field[node]}:{shape}")
    return counts


def subtree_matches(prediction: Counter[bytes], reference: Counter[bytes]) -> tuple[int, int]:
    """How many sub-trees of the reference the prediction has too, and of how many."""
    found = sum(count for shape, count in reference.items() if shape in prediction)
    return found, reference.total()
