"""The picture: laid out for a width and a height, without a terminal."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from barograph.console.terminal import Terminal
from barograph.console.watch_screen import clipped
from barograph.console.watch_view import Gauge, Scene, duration, finding_line, picture, row_line
from barograph.core.bands import Band, Stage
from barograph.core.cause import Cause
from barograph.core.finding import Diagnosis, Finding, NotJudged, Severity, Verdict
from barograph.core.forecast import Forecast
from barograph.core.methods import Method

BAND = Band("loss", frozenset({Method.KTO}), Stage.MID, 0.4, 0.5, "D", "a guide")
FINDING = Finding(
    "PREF03", "margin-inverted", Severity.CRITICAL, 70, 90, "reward_margin", "the margin is negative since step 60",
    evidence={"onset": 60.0}, advice=("Stop the run", "Look at the labels"),
)  # fmt: skip
REMARK = replace(FINDING, code="NUM01", severity=Severity.INFO, says="nobody needs to know")
DIAGNOSIS = Diagnosis(
    "runs/kto", "jsonl", "kto", 90, 1, 90, Verdict.UNHEALTHY, (FINDING, REMARK),
    (Cause("labels flipped", 1.0, ("PREF03",), ("Swap the labels",)),),
    (NotJudged("FIT01", ("eval.loss",)),), judged=("PREF03",),
)  # fmt: skip
SCENE = Scene(
    "runs/kto", DIAGNOSIS,
    (Gauge("loss", 0.41, [0.5, 0.4, 0.41], BAND), Gauge("reward_margin", -1.0, [1.0, -1.0, -1.0], BAND, is_found=True),
     Gauge("lr", math.nan, [math.nan])),
    planned=180, share=0.5, stage="mid", seconds_left=75.0, seconds_a_row=2.0,
)  # fmt: skip


def test_everything_is_on_it() -> None:
    assert picture(SCENE, Terminal(width=80)) == [
        "UNHEALTHY: something is wrong  runs/kto",
        "kto, step 90 of 180, mid stage, 90 rows, a row every 2 s",
        "━" * 28 + "─" * 29 + "  50 %  1 min 15 s left",
        "",
        "Likeliest cause: labels flipped (PREF03)",
        "  → Swap the labels",
        "",
        "                    now  course                               usual in mid stage",
        "loss               0.41  █▁▂                                ✓ 0.4 to 0.5",
        "reward_margin        -1  █▁▁                                ✗ 0.4 to 0.5",
        "lr                  nan                                     ✗",
        "",
        "✗ PREF03 margin-inverted  critical, since step 60",
        "  The margin is negative since step 60",
        "  → Stop the run",
        "",
        "1 of 2 rules can be judged so far. Not in this log: eval.loss.",
    ]


def test_what_is_to_be_expected_stands_below_what_was_found_and_nothing_does_otherwise() -> None:
    expected = Forecast("LOSS04", "loss", 0.01, 0.06, 92, 36, 232, "the loss is gone in about 92 steps (36 to 232)")
    lines = picture(replace(SCENE, diagnosis=replace(DIAGNOSIS, forecasts=(expected,))), Terminal(width=80))
    (line,) = (number for number, line in enumerate(lines) if line.startswith("Forecast"))
    assert lines[line] == "Forecast: the loss is gone in about 92 steps (36 to 232) (LOSS04)"
    assert line > lines.index("✗ PREF03 margin-inverted  critical, since step 60")
    assert not any("Forecast" in line for line in picture(SCENE, Terminal(width=80)))


@pytest.mark.parametrize("width", [40, 57, 80, 120, 200])
@pytest.mark.parametrize("colour", [True, False])
def test_no_line_is_wider_than_the_terminal(width: int, colour: bool) -> None:
    scene = replace(SCENE, path="a/very/long/path/" * 9, decisions=["step 70: " + "go back " * 40], quiet=99.0)
    lines = picture(scene, Terminal(width=width, colour=colour))
    assert [line for line in lines if clipped(line, width) != line] == []


@pytest.mark.parametrize("height", range(1, 30))
def test_it_fits_and_the_verdict_is_the_last_to_go(height: int) -> None:
    many = [replace(FINDING, code=f"MANY{number:02}") for number in range(12)]
    crowded = replace(SCENE, diagnosis=replace(DIAGNOSIS, findings=many), gauges=SCENE.gauges * 5)
    lines = picture(crowded, Terminal(), height)
    assert len(lines) <= height
    assert lines[0].startswith("UNHEALTHY")
    if height >= 22:
        assert "MANY11" in "\n".join(lines)


def test_only_what_ascii_has() -> None:
    lines = picture(SCENE, Terminal(unicode=False))
    assert all(line.isascii() for line in lines)
    assert any(line.rstrip().endswith("x 0.4 to 0.5") for line in lines)


def test_an_escape_sequence_in_a_name_never_reaches_the_terminal() -> None:
    scene = replace(SCENE, path="a\x1b[2Jb", gauges=[Gauge("lo\x1b[2Jss", 1.0, [1.0])], decisions=["\x1b[2J"],
                    remarks=["\x1b[2J"])  # fmt: skip
    assert "\x1b" not in "\n".join([*picture(scene, Terminal()), row_line(scene, Terminal())])
    finding = replace(FINDING, says="\x1b[2J", advice=("\x1b[2J",))
    assert "\x1b" not in finding_line(finding, Terminal())


def test_waiting_says_for_what() -> None:
    assert picture(Scene("runs/x", trouble="runs/x: does not exist"), Terminal()) == [
        "waiting for a log: runs/x: does not exist"
    ]


def test_lines_for_a_reader_that_is_no_terminal() -> None:
    assert row_line(SCENE, Terminal()) == (
        "step 90 of 180  UNHEALTHY  loss 0.41  reward_margin -1  lr nan  1 min 15 s left"
    )
    assert finding_line(FINDING, Terminal()) == (
        "✗ step 70: critical PREF03 margin-inverted: the margin is negative since step 60 → Stop the run"
    )


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 s"), (59.4, "59 s"), (59.6, "1 min"), (3599, "59 min 59 s"), (3600, "1 h"), (90_000, "1 d 1 h")],
)
def test_durations(seconds: float, words: str) -> None:
    assert duration(seconds) == words


def test_a_number_outside_its_usual_range_says_on_which_side_and_is_no_finding() -> None:
    gauges = [Gauge("loss", value, [value], BAND) for value in (0.41, 0.2, 0.9)]
    scene = replace(SCENE, gauges=tuple(gauges))
    rows = [line for line in picture(scene, Terminal(width=80)) if line.startswith("loss")]
    assert [row.split()[3] for row in rows] == ["✓", "↓", "↑"]
