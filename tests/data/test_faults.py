"""Faults planted in honest sets, as the benchmark measures them: found where they are, and nothing else is named."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
sys.path[:0] = [str(BENCHMARKS), str(BENCHMARKS / "data_checks")]

import bench_data_checks as bench  # noqa: E402 - the benchmark's own folder
from faults import FAULTS, Fault  # noqa: E402
from honest import HONEST  # noqa: E402

from barograph.core.finding import Severity  # noqa: E402

#: What is found by estimate; the others are found without exception.
BY_ESTIMATE = {"DATA10": 0.6, "DATA12": 0.4}


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{fault.code} {fault.what}")
def test_a_fault_is_found_where_it_was_planted(fault: Fault) -> None:
    rows = bench.made_sets(300)[fault.base]
    (recall,), (precision,), before = bench.measured(fault, rows, (0.1,))
    assert recall >= BY_ESTIMATE.get(fault.code, 1.0)
    assert precision == 1.0
    assert before == 0


@pytest.mark.parametrize("name", HONEST)
@pytest.mark.parametrize("count", [60, 400])
def test_an_honest_set_gives_no_warning(name: str, count: int) -> None:
    report = bench.judged(HONEST[name](count, 0), HONEST[name](200, 1))
    assert [one.says for one in report.findings if one.severity > Severity.INFO] == []


def test_the_page_has_a_place_for_each_table() -> None:
    page = bench.PAGE.read_text("utf-8")
    for name in ("honest", "planted", "near", "whole", "noise", "words", "gsm8k-alone", "gsm8k", "million"):
        block = page.split(f"<!-- measured: {name} -->\n")[1].split("<!-- /measured -->")[0]
        assert block.startswith("| "), name
