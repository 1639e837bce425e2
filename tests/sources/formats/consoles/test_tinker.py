"""tinker-cookbook: the tables that it printed, beside the numbers that went into them."""

from __future__ import annotations

import pytest
from logged import SAMPLES, expected_of, series_of

from barograph.sources.formats.consoles.decimals import LOST
from barograph.sources.formats.consoles.tinker import TINKER
from barograph.sources.runs import read_run

FOLDER = SAMPLES / "tinker"
TABLE = """\
┏━━━━━━━━┳━━━━━━━━━━┓
┃ Metric ┃ Value    ┃
┡━━━━━━━━╇━━━━━━━━━━┩
│ {} │ {} │
└────────┴──────────┘
"""


@pytest.mark.parametrize("log", ["console.log", "logs.log"])
@pytest.mark.parametrize(("kind", "method", "last"), [("rl", "grpo", 11), ("dpo", "dpo", 19)])
def test_every_value_at_its_step(kind: str, method: str, last: int, log: str) -> None:
    run = read_run(FOLDER / kind / log)
    read, logged = series_of(run), expected_of(FOLDER / kind / "expected.json")
    # The share of mixed groups is turned into that of the others.
    known = [key for key in logged if key in read and not key.endswith("frac_mixed")]
    assert len(known) >= 6
    for key in known:
        assert read[key] == [(step, pytest.approx(value, abs=5.1e-7, nan_ok=True)) for step, value in logged[key]]
    assert (run.source, run.method.value, run.first_step, run.last_step) == ("tinker_console", method, 0, last)


def test_what_it_means() -> None:
    run = read_run(FOLDER / "rl" / "console.log")
    logged = expected_of(FOLDER / "rl" / "expected.json")
    assert run.latest("score_mean") == pytest.approx(logged["env/all/reward/total"][-1][1], abs=1e-6)
    mixed = logged["env/all/by_group/frac_mixed"][-1][1]
    assert run.latest("zero_std_frac") == pytest.approx(1 - mixed, abs=1e-6)
    assert run.columns["eval/test.score_mean"].raw == "test/env/all/reward/total"


def test_names_that_were_cut_are_left_out_and_said_so() -> None:
    run = read_run(FOLDER / "rl" / "console.log")
    assert not [key for key in run.unknown_keys if "…" in key]
    assert any("were cut" in note for note in run.notes)


def test_a_table_that_sums_up_is_no_step() -> None:
    parser = TINKER.parser()
    text = "   Step 3   \n" + TABLE.format("loss", "0.5") + TABLE.format("cost", "3.25")
    assert [row for line in text.splitlines() for row in parser.line(line)] == [{"step": 3, "loss": "0.5"}]


def test_a_rate_of_which_nothing_is_left() -> None:
    parser = TINKER.parser()
    text = "   Step 3   \n" + TABLE.format("optim/lr", "0.000000")
    assert [row for line in text.splitlines() for row in parser.line(line)] == []
    assert parser.notes() == [LOST]
