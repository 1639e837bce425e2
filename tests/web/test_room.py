"""What the page asks for: a run, its charts zoomed, several runs compared; all of them while logs grow."""

from __future__ import annotations

import itertools
import json
import math
import threading
from collections.abc import Iterator
from pathlib import Path
from statistics import fmean
from typing import Any

import pytest
from serving import SECONDS, append, lines, read, strict, until

import barograph
from barograph.charts.drawing import View
from barograph.core.errors import ConfigurationError, UnreadableRun
from barograph.engine.settings import Settings
from barograph.web import room as rooms
from barograph.web.room import Asked, NotHere, Room

#: Rows of the log that is zoomed into.
ROWS = 1_000


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    (tmp_path / "runs").mkdir()
    room = Room(str(tmp_path / "runs"), Settings())
    yield room
    room.close()


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    return tmp_path / "runs"


def charts(room: Room, key: str, name: str = "loss", view: View | None = None) -> list[Any]:
    known = room.charts(key, [name], view or View(10_000))
    return strict(json.dumps(known))["charts"]  # type: ignore[no-any-return]


def agreed(room: Room, key: str, expected: dict[str, object]) -> Any:
    """What is said of a run, once it is of as many rows; what takes long to judge is judged a moment later."""

    def known() -> Any:
        found = read(room, key)["diagnosis"]
        return found if (found["rows"], found["causes"]) == (expected["rows"], expected["causes"]) else None

    return until(known)


# A run


def test_a_run_says_what_check_says_before_and_after_it_has_grown(room: Room, runs: Path, project: Path) -> None:
    sick = (project / "examples/kto-sick.jsonl").read_text().splitlines(keepends=True)
    log = runs / "kto.jsonl"
    for end in (40, 100, len(sick)):
        log.write_text("".join(sick[:end]))
        expected = barograph.check(log).to_dict()
        known = agreed(room, "kto.jsonl", expected)
        for name in ("path", "method", "rows", "first_step", "last_step", "verdict", "causes", "not_judged", "source"):
            assert known[name] == expected[name], name
        assert [{name: one[name] for name in one if name != "why"} for one in known["findings"]] == expected["findings"]
        assert all(one["why"] for one in known["findings"])
        assert [row["stage"] for row in known["stages"]["rows"]] == [row["stage"] for row in expected["stages"]]
    assert known["verdict"] == "unhealthy"


def test_without_a_page_too_one_is_told_how_it_stands_now(room: Room, runs: Path) -> None:
    log = runs / "a.jsonl"
    log.write_text(lines(1, 31))
    assert read(room, "a.jsonl")["diagnosis"]["rows"] == 30
    append(log, lines(31, 41))
    assert room.run("a.jsonl")["diagnosis"]["rows"] == 40  # type: ignore[index]
    append(log, lines(41, 51))
    assert charts(room, "a.jsonl")[0]["lines"][0]["at"][-1] == 50
    append(log, lines(51, 61))
    assert "step 60" in room.report("a.jsonl")[1]
    append(log, lines(61, 71))
    (runs / "b.jsonl").write_text(lines(1, 31))
    ends = {one["key"]: one["series"]["loss"]["end"] for one in compared(room, "a.jsonl", "b.jsonl")["runs"]}
    # The mean of the last tenth: steps 64 to 70 of 70, 28 to 30 of 30.
    assert ends == {"a.jsonl": pytest.approx(0.7 - 0.067), "b.jsonl": pytest.approx(0.7 - 0.029)}


def test_where_a_page_looks_nobody_else_does(room: Room, runs: Path) -> None:
    log = runs / "a.jsonl"
    log.write_text(lines(1, 31))
    read(room, "a.jsonl")
    with room.desk.looking([str(log)]):
        append(log, lines(31, 41))
        assert room.run("a.jsonl")["diagnosis"]["rows"] == 30  # type: ignore[index]
        room.look("a.jsonl")
        assert room.run("a.jsonl")["diagnosis"]["rows"] == 40  # type: ignore[index]


def test_a_run_that_is_removed_while_it_is_shown_keeps_what_was_read(room: Room, runs: Path) -> None:
    for name in ("a.jsonl", "b.jsonl"):
        (runs / name).write_text(lines(1, 31))
    room.shelf.scan()
    before = read(room, "a.jsonl")
    append(runs / "a.jsonl", lines(31, 41))
    room.look("a.jsonl")
    (runs / "a.jsonl").unlink()
    room.shelf.scan()
    room.look("a.jsonl")
    assert [one["key"] for one in room.runs()["runs"]] == ["b.jsonl"]  # type: ignore[attr-defined]
    after = read(room, "a.jsonl")
    assert after["diagnosis"]["rows"] == 40
    assert after["scene"]["trouble"] == f"{runs}/a.jsonl: has been removed"
    assert after["version"] > before["version"]
    assert charts(room, "a.jsonl")[0]["lines"][0]["at"][-1] == 40
    assert room.samples("a.jsonl", "", "", 0)["rows"] == []


def test_a_run_that_cannot_be_read_is_a_sentence_that_names_it_once(room: Room, runs: Path) -> None:
    (runs / "bad").mkdir()
    (runs / "bad/trainer_state.json").write_text('{"log_history": [{"step": 1, "lo')
    (runs / "good.jsonl").write_text(lines(1, 31))
    for ask in (
        lambda: room.run("bad"), lambda: room.charts("bad", ["loss"], View()), lambda: room.report("bad"),
        lambda: room.compare(Asked(("good.jsonl", "bad"))),
    ):  # fmt: skip
        with pytest.raises(UnreadableRun) as said:
            ask()
        assert str(said.value).startswith("bad")
        assert str(said.value).count("trainer_state.json") <= 1
        assert not isinstance(said.value, NotHere)
    assert read(room, "good.jsonl")["diagnosis"]["rows"] == 30


def test_a_run_that_takes_long_is_told_of_as_far_as_it_is_known(
    room: Room, runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rooms, "LONGEST", 0.05)
    monkeypatch.setattr(rooms, "PATIENCE", 0.05)
    waits = threading.Event()
    reader = barograph.web.desk.read_run  # type: ignore[attr-defined]

    def slowly(*given: Any, **named: Any) -> Any:
        assert waits.wait(SECONDS)
        return reader(*given, **named)

    monkeypatch.setattr("barograph.web.desk.read_run", slowly)
    (runs / "a.jsonl").write_text(lines(1, 31))
    for ask in (lambda: room.run("a.jsonl"), lambda: room.charts("a.jsonl", ["loss"], View())):
        with pytest.raises(UnreadableRun, match=r"^a\.jsonl: is still being read$"):
            ask()
    waits.set()
    assert read(room, "a.jsonl")["diagnosis"]["rows"] == 30


# Charts


def test_every_panel_has_a_chart_of_its_name_whatever_is_found_in_between(
    room: Room, runs: Path, project: Path
) -> None:
    log = runs / "kto.jsonl"
    sick = (project / "examples/kto-sick.jsonl").read_text().splitlines()
    log.write_text("\n".join(sick[:30]) + "\n")
    before = {panel["name"]: panel["metrics"] for panel in read(room, "kto.jsonl")["panels"]}
    append(log, "\n".join(sick[30:]) + "\n")
    after = read(room, "kto.jsonl")
    assert {panel["name"]: panel["metrics"] for panel in after["panels"]} == before
    assert [panel["name"] for panel in after["panels"]] != list(before), "those of findings come first"
    known = room.charts("kto.jsonl", list(before), View())["charts"]
    assert [chart["name"] for chart in known] == [panel["name"] for panel in after["panels"]]  # type: ignore[attr-defined]
    for chart in known:  # type: ignore[attr-defined]
        assert {line["key"].removeprefix("eval.") for line in chart["lines"]} <= set(before[chart["name"]])
    assert room.charts("kto.jsonl", ["none"], View())["charts"] == []


def value(step: int) -> float:
    """Of no order, and of six digits at most."""
    return (step * 7_919 % 1_009) / 1_000


@pytest.fixture
def zoomed(room: Room, runs: Path) -> Room:
    rows = ({"step": step, "loss": value(step), "rewards/margins": 1.0} for step in range(1, ROWS + 1))
    (runs / "z.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    read(room, "z.jsonl")
    return room


def line(room: Room, within: tuple[float, float] | None, places: int = 10_000) -> Any:
    (chart,) = charts(room, "z.jsonl", view=View(places, within))
    return chart["lines"][0]


@pytest.mark.parametrize(
    ("within", "steps"),
    [
        ((100.0, 200.0), range(99, 202)),  # Both ends belong to it, and one more on each side.
        ((99.5, 200.5), range(99, 202)),
        ((100.2, 100.8), [100, 101]),  # Without a row: the line goes through it.
        ((100.0, 100.0), [99, 100, 101]),
        ((-50.0, 3.0), [1, 2, 3, 4]),
        ((998.0, 1e12), [997, 998, 999, 1_000]),
        ((-math.inf, 2.0), [1, 2, 3]),
        ((999.0, math.inf), [998, 999, 1_000]),
        (None, range(1, ROWS + 1)),
    ],
)
def test_a_window_holds_its_rows_and_one_more_on_each_side(
    zoomed: Room, within: tuple[float, float] | None, steps: list[int]
) -> None:
    shown = line(zoomed, within)
    assert shown["at"] == list(steps)
    assert shown["high"] == [value(step) for step in steps]
    assert "low" not in shown, "where each place has one row, it is the same"


@pytest.mark.parametrize("places", [10, 37, 102, 103])
def test_each_place_of_a_window_keeps_its_lowest_and_highest_value(zoomed: Room, places: int) -> None:
    shown = line(zoomed, (100.0, 200.0), places)
    rows = list(range(99, 202))
    # As many rows to each place as can be.
    borders = [number * len(rows) // places for number in range(places + 1)]
    parts = [rows[begin:end] for begin, end in itertools.pairwise(borders)]
    assert shown["at"] == [part[-1] for part in parts]
    assert shown["high"] == [max(map(value, part)) for part in parts]
    assert shown.get("low", shown["high"]) == [min(map(value, part)) for part in parts]


def test_zooming_in_brings_out_what_the_whole_has_no_room_for(zoomed: Room) -> None:
    whole, part = line(zoomed, None, 10), line(zoomed, (500.0, 600.0), 10_000)
    assert len(whole["at"]) == 10
    assert len(part["at"]) == 103
    assert max(whole["high"]) == max(map(value, range(1, ROWS + 1)))
    assert min(whole["low"]) == min(map(value, range(1, ROWS + 1)))
    assert zoomed.charts("z.jsonl", ["loss"], View(10, (500.0, 600.0)))["span"] == [1, ROWS]


@pytest.mark.parametrize("within", [(200.0, 100.0), (math.inf, -math.inf)])
def test_a_window_that_is_turned_round_shows_nothing(zoomed: Room, within: tuple[float, float]) -> None:
    assert charts(zoomed, "z.jsonl", view=View(100, within)) == []


def test_a_window_beyond_the_end_shows_no_more_than_where_it_ended(zoomed: Room) -> None:
    assert line(zoomed, (5_000.0, 6_000.0))["at"] == [ROWS]
    assert line(zoomed, (-9.0, -5.0))["at"] == [1]


def test_what_is_no_number_is_marked_in_the_window_it_lies_in(room: Room, runs: Path) -> None:
    rows = [{"step": step, "loss": 0.5, "rewards/margins": 1.0} for step in range(1, 51)]
    rows[19]["loss"] = math.nan
    rows[29]["loss"] = math.inf
    (runs / "z.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    read(room, "z.jsonl")
    assert line(room, None)["gaps"] == [20, 30]
    inside = line(room, (15.0, 25.0))
    assert inside["gaps"] == [20]
    assert inside["at"] == [step for step in range(14, 27) if step != 20]
    assert charts(room, "z.jsonl", view=View(100, (20.0, 20.0)))[0]["lines"][0]["at"] == [19, 21]


def test_a_spike_is_in_the_chart_of_the_whole_and_in_that_of_its_window(room: Room, runs: Path) -> None:
    rows = [{"step": step, "loss": 0.5 + step * 1e-6, "rewards/margins": 1.0} for step in range(1, 30_001)]
    rows[12_344]["loss"] = 140.0
    (runs / "z.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    read(room, "z.jsonl")
    assert max(line(room, None, 100)["high"]) == 140.0
    assert max(line(room, (12_000.0, 13_000.0), 100)["high"]) == 140.0
    assert max(line(room, (13_000.0, 14_000.0), 100)["high"]) < 1.0


# Comparisons


def better(step: int, gain: float, **more: object) -> dict[str, object]:
    return {
        "step": step, "loss": 0.69 - gain * step / 1_000, "rewards/margins": gain * step / 100,
        "rewards/chosen": gain * step / 150, "rewards/rejected": -gain * step / 300,
        "rewards/accuracies": min(1.0, 0.5 + gain * step / 500), "logps/chosen": -100.0 + gain * step / 15,
        "logps/rejected": -120.0 - gain * step / 30, **more,
    }  # fmt: skip


def write(path: Path, gain: float, first: int = 1, last: int = 100, **more: object) -> None:
    append(path, "".join(json.dumps(better(step, gain, **more)) + "\n" for step in range(first, last + 1)))


def compared(room: Room, *keys: str, **how: Any) -> Any:
    return strict(json.dumps(room.compare(Asked(keys, **how))))


def test_runs_are_ranked_as_compare_ranks_them(room: Room, runs: Path, project: Path) -> None:
    for name, gain in (("slow", 0.5), ("quick", 1.5), ("middling", 1.0)):
        write(runs / f"{name}.jsonl", gain)
    sick = (project / "examples/kto-sick.jsonl").read_text()
    (runs / "sick.jsonl").write_text(sick)
    keys = [f"{name}.jsonl" for name in ("slow", "sick", "quick", "middling")]
    expected = barograph.compare(*(runs / key for key in keys))
    known = compared(room, *keys)
    assert [Path(one.run.path).name for one in expected.contestants] == [one["key"] for one in known["runs"]]
    assert [one["key"] for one in known["runs"]] == ["quick.jsonl", "middling.jsonl", "slow.jsonl", "sick.jsonl"]
    assert known["rule"] == expected.rule
    assert known["goal"] == expected.goal == "reward_accuracy"
    assert known["preferred"] == str(runs / "quick.jsonl")
    assert known["says"].startswith("To be preferred: quick")
    ends = {one["key"]: one["series"]["reward_accuracy"]["end"] for one in known["runs"] if one["key"] != "sick.jsonl"}
    for name, gain in (("slow", 0.5), ("quick", 1.5), ("middling", 1.0)):
        assert ends[f"{name}.jsonl"] == pytest.approx(fmean(0.5 + gain * step / 500 for step in range(91, 101)))
    drawn = room.compared(Asked(tuple(keys)), [known["panels"][0]["name"]], View())
    assert drawn["span"] == [1, 145]  # The sick one is the longest.
    (chart,) = drawn["charts"]  # type: ignore[misc]
    assert [one["title"] for one in chart["lines"]] == [
        one["name"] for one in known["runs"] if one["key"] != "sick.jsonl"
    ]


def test_a_run_that_grows_is_compared_as_it_is_now(room: Room, runs: Path) -> None:
    for name in ("a.jsonl", "b.jsonl"):
        write(runs / name, 1.0 if name == "a.jsonl" else 0.9)
    first = compared(room, "a.jsonl", "b.jsonl")
    assert first["runs"][0]["key"] == "a.jsonl"
    assert compared(room, "a.jsonl", "b.jsonl") == first
    write(runs / "b.jsonl", 1.2, 101, 200)
    room.look("b.jsonl")
    second = compared(room, "a.jsonl", "b.jsonl")
    assert second["runs"][0]["key"] == "b.jsonl"
    assert second["versions"]["b.jsonl"] > first["versions"]["b.jsonl"]
    assert second["versions"]["a.jsonl"] == first["versions"]["a.jsonl"]
    assert second["runs"][0]["series"]["loss"]["end"] == pytest.approx(
        fmean(0.69 - 1.2 * step / 1_000 for step in range(181, 201))
    )
    (chart,) = room.compared(Asked(("a.jsonl", "b.jsonl")), ["loss"], View())["charts"]  # type: ignore[misc]
    assert {one["title"]: one["at"][-1] for one in chart["lines"]} == {"a.jsonl": 100, "b.jsonl": 200}


def test_what_was_compared_before_a_run_was_put_away_is_not_taken_for_what_it_is_now(
    room: Room, runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a.jsonl", "b.jsonl"):
        write(runs / name, 1.0)
    first = compared(room, "a.jsonl", "b.jsonl")
    monkeypatch.setattr("barograph.web.desk.MOST_KEPT", 0)
    write(runs / "c.jsonl", 1.0)
    read(room, "c.jsonl")
    assert str(runs / "a.jsonl") not in room.desk._open
    write(runs / "a.jsonl", 1.1, 101, 200)
    second = compared(room, "a.jsonl", "b.jsonl")
    assert second["runs"][0]["series"]["loss"]["best_step"] == 200
    assert second["versions"]["a.jsonl"] > first["versions"]["a.jsonl"]


def test_fifty_runs_can_be_compared_and_neither_one_nor_more(room: Room, runs: Path) -> None:
    keys = [f"{number}.jsonl" for number in range(51)]
    for number, key in enumerate(keys):
        write(runs / key, 0.5 + number / 100, last=20)
    assert compared(room, *keys[:50])["runs"][0]["key"] == "49.jsonl"
    for several, said in ((keys, "51 runs"), (keys[:1], "1 run"), ([], "0 runs")):
        with pytest.raises(ConfigurationError, match=f"{said}: two to 50 can be compared"):
            compared(room, *several)


def test_a_comparison_with_a_run_that_is_not_here(room: Room, runs: Path) -> None:
    for name in ("a.jsonl", "b.jsonl"):
        write(runs / name, 1.0)
    with pytest.raises(NotHere, match=r"^c\.jsonl: is no run in this folder"):
        compared(room, "a.jsonl", "c.jsonl")
    assert compared(room, "a.jsonl", "b.jsonl")["runs"]


def test_rewards_are_had_in_nats_by_beta_alone(room: Room, runs: Path) -> None:
    for name, beta in (("a.jsonl", 0.1), ("b.jsonl", 0.5)):
        (runs / name).write_text(json.dumps({"beta": beta, "step": 0}) + "\n")
        write(runs / name, 1.0)
    with pytest.raises(ConfigurationError, match="does not tell its beta"):
        compared(room, "a.jsonl", "b.jsonl", in_nats=True)
    for name, beta in (("c", 0.1), ("d", 0.5)):
        (runs / name / "logs").mkdir(parents=True)
        (runs / name / "run.json").write_text(json.dumps({"method": "dpo", "config": {"beta": beta}}))
        write(runs / name / "logs/training_metrics.jsonl", 1.0)
    known = compared(room, "c", "d", in_nats=True)
    # Margins of the last tenth are 0.955 on average: rewards are beta times nats.
    ends = {one["key"]: one["series"]["reward_margin"]["end"] for one in known["runs"]}
    assert ends == {"c": pytest.approx(9.55), "d": pytest.approx(1.91)}
    assert known["settings"] == ["beta"]
    (chart,) = room.compared(Asked(("c", "d"), in_nats=True), ["reward_margin"], View())["charts"]  # type: ignore[misc]
    assert {one["title"]: one["high"][-1] for one in chart["lines"]} == {"c": 10.0, "d": 2.0}
    assert chart["unit"] == "nats per sequence"


def test_curves_lie_along_epochs_where_runs_tell_them_and_never_lead_back(room: Room, runs: Path) -> None:
    for name, each in (("a.jsonl", 50), ("b.jsonl", 25)):
        for step in range(1, 101):
            append(runs / name, json.dumps(better(step, 1.0, epoch=step % 80 / each)) + "\n")
    (chart,) = room.compared(Asked(("a.jsonl", "b.jsonl"), by="epoch"), ["loss"], View())["charts"]  # type: ignore[misc]
    for shown, each in zip(chart["lines"], (50, 25), strict=True):
        assert shown["at"] == sorted(shown["at"])
        assert shown["at"][:3] == [1 / each, 2 / each, 3 / each]
        assert shown["at"][-1] == 79 / each, "where an epoch begins anew, the run had come that far"
    within = View(400, (1.0, 1.5))
    (chart,) = room.compared(Asked(("a.jsonl", "b.jsonl"), by="epoch"), ["loss"], within)["charts"]  # type: ignore[misc]
    assert chart["lines"][0]["at"] == [step / 50 for step in range(49, 77)]
    with pytest.raises(ConfigurationError, match="does not tell its tokens"):
        room.compared(Asked(("a.jsonl", "b.jsonl"), by="tokens"), ["loss"], View())


# What the model said


def test_what_the_model_said_is_found_page_by_page(room: Room, runs: Path) -> None:
    folder = runs / "grpo"
    (folder / "logs").mkdir(parents=True)
    (folder / "logs/training_metrics.jsonl").write_text(
        "".join(json.dumps({"step": step, "reward": 0.1 * step, "kl": 0.01}) + "\n" for step in range(1, 31))
    )
    said = [{"step": step, "completion": f"answer {step}-{n}"} for step in (10, 20) for n in range(30)]
    (folder / "logs/completions.jsonl").write_text("".join(json.dumps(row) + "\n" for row in said))
    last = room.samples("grpo", "", "", 0)
    assert last["steps"] == [10, 20]
    assert last["total"] == 30
    assert [row["completion"] for row in last["rows"]] == [f"answer 20-{n}" for n in range(25)]  # type: ignore[attr-defined]
    rest = room.samples("grpo", "10", "", 25)
    assert [row["completion"] for row in rest["rows"]] == [f"answer 10-{n}" for n in range(25, 30)]  # type: ignore[attr-defined]
    found = room.samples("grpo", "all", "-7", 0)
    assert [row["completion"] for row in found["rows"]] == ["answer 10-7", "answer 20-7"]  # type: ignore[attr-defined]
    assert room.samples("grpo", "15", "", 0)["rows"] == []
    for first in (-5, 10**400):
        assert room.samples("grpo", "", "", first)["total"] == 30
    with pytest.raises(ConfigurationError, match="step: 'x' is no whole number"):
        room.samples("grpo", "x", "", 0)


def test_where_listing_takes_long_whoever_asks_is_told_when_to_ask_again(room: Room, runs: Path) -> None:
    with barograph.start(runs / "grpo", method="grpo", console=False) as run:
        run.log(1, {"reward": 0.5})
        run.samples(1, [{"prompt": "1 + 1 ?", "completion": "2"}])
        assert "again" not in room.samples("grpo", "", "", 0)
        room._read("grpo")  # What is being read for the first time is not looked at anew.
        listed = room._samples["grpo"]
        room._samples["grpo"] = listed._replace(took=3_600.0)  # As if there were a great many files.
        run.log(2, {"reward": 0.6})
        run.samples(2, [{"prompt": "2 + 2 ?", "completion": "4"}])
        older = room.samples("grpo", "", "", 0)
        assert older["steps"] == [1]
        assert 35_000 < older["again"] <= 36_000  # type: ignore[operator]
        room._samples["grpo"] = listed._replace(took=0.0)
        assert room.samples("grpo", "", "", 0)["steps"] == [1, 2]


def test_a_run_that_is_gone_does_not_show_what_another_model_said(
    room: Room, runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = runs.parent / "elsewhere"
    (elsewhere / "logs").mkdir(parents=True)
    (elsewhere / "logs/completions.jsonl").write_text('{"step": 1, "completion": "of another"}\n')
    monkeypatch.chdir(elsewhere)
    (runs / "a#1.jsonl").write_text(lines(1, 31))
    read(room, "a#1.jsonl")
    assert room.samples("a#1.jsonl", "", "", 0)["rows"] == []
    (runs / "a#1.jsonl").unlink()
    room.look("a#1.jsonl")
    assert room.samples("a#1.jsonl", "", "", 0)["rows"] == []


# Many at once


def test_twenty_ask_for_charts_while_the_log_grows(room: Room, runs: Path) -> None:
    log = runs / "a.jsonl"
    log.write_text(lines(1, 501))
    write(runs / "b.jsonl", 1.0)
    read(room, "a.jsonl")
    failed: list[BaseException] = []
    ended = threading.Event()

    def asks(number: int) -> None:
        try:
            last = 0
            while not ended.is_set():
                match number % 5:
                    case 0:
                        room.compared(Asked(("a.jsonl", "b.jsonl")), ["loss"], View())
                    case 1:
                        room.run("a.jsonl")
                    case 2:
                        room.report("a.jsonl")
                    case _:
                        (chart,) = charts(room, "a.jsonl")
                        reached = chart["lines"][0]["at"]
                        assert reached == list(range(1, len(reached) + 1))
                        assert len(reached) >= last
                        last = len(reached)
        except BaseException as error:  # noqa: BLE001 - whatever it is, it is shown
            failed.append(error)

    threads = [threading.Thread(target=asks, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    try:
        for step in range(501, 531):
            append(log, lines(step, step + 1, **({"grad_norm": 1.0} if step > 515 else {})))  # A new series, too.
            room.look("a.jsonl")
    finally:
        ended.set()
        for thread in threads:
            thread.join(SECONDS)
    assert failed == []
    assert until(lambda: room.run("a.jsonl")["diagnosis"]["rows"] == 530)  # type: ignore[index]
