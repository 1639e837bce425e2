"""What is looked for: the list names rules that are there, and leaves none out."""

from __future__ import annotations

from collections import Counter

import pytest

from barograph.rules.catalogue import RULES
from barograph.rules.failure_modes import FAILURE_MODES, FailureMode

EVERY = [mode for modes in FAILURE_MODES.values() for mode in modes]


def test_every_rule_looks_for_something_on_the_list() -> None:
    named = {code for mode in EVERY for code in mode.rules}
    assert named == {rule.code for rule in RULES}


@pytest.mark.parametrize("mode", EVERY, ids=lambda mode: mode.words)
def test_a_failure_has_rules_or_a_reason_why_it_has_none(mode: FailureMode) -> None:
    assert bool(mode.rules) != bool(mode.why_not)
    assert len(set(mode.rules)) == len(mode.rules)


def test_no_failure_is_told_twice_of_the_same_runs() -> None:
    for title, modes in FAILURE_MODES.items():
        assert not [words for words, times in Counter(mode.words for mode in modes).items() if times > 1], title
