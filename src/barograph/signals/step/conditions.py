"""What must hold for a line of generated source to run, as far as it is not settled when the line is written.

A test is a tuple of conditions, all of which must hold: the empty tuple always does. `NEVER` is the test that fails.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeAlias

__all__ = ["ALWAYS", "NEVER", "Test", "both", "either", "implies", "written"]

Test: TypeAlias = "tuple[str, ...] | None"
ALWAYS: Test = ()
NEVER: Test = None


def both(tests: Iterable[Test]) -> Test:
    """All of these tests."""
    conditions: dict[str, None] = {}
    for test in tests:
        if test is None:
            return NEVER
        conditions.update(dict.fromkeys(test))
    return tuple(conditions)


def either(tests: Iterable[Test]) -> Test:
    """At least one of these tests. What they have in common is asked once."""
    possible = list(dict.fromkeys(test for test in tests if test is not None))
    if len(possible) == 1 or ALWAYS in possible:  # nearly always
        return ALWAYS if ALWAYS in possible else possible[0]
    possible = [test for test in possible if not any(set(other) < set(test) for other in possible)]
    if not possible:
        return NEVER
    common = tuple(condition for condition in possible[0] if all(condition in test for test in possible))
    rest = [tuple(condition for condition in test if condition not in common) for test in possible]
    if () in rest:
        return common
    return (*common, f"({' or '.join(map(written, rest))})")


def implies(one: Test, other: Test) -> bool:
    """Whether the other test holds for sure where the one does."""
    return one is None or one == other or (other is not None and set(other) <= set(one))


def written(test: Sequence[str] | None) -> str:
    """As source."""
    return "False" if test is None else " and ".join(test) or "True"
