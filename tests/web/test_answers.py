"""What is sent: strict JSON of the kind it is said to be, whatever a log holds."""

from __future__ import annotations

import gzip
import json
import math
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from serving import Served, lines, served, strict, until
from starlette.requests import Request

from barograph.charts.drawing import Band, View, charts_of
from barograph.core.cause import Cause, Ground, GroundKind
from barograph.core.errors import ConfigurationError
from barograph.core.finding import Diagnosis, Finding, Severity, Verdict
from barograph.core.methods import Method
from barograph.core.run import Run, run_from_rows
from barograph.monitor import check
from barograph.web import app as addresses
from barograph.web.answers import about_card, about_chart, about_diagnosis
from barograph.web.room import Room
from barograph.web.shelf import Card

EVIL = "</script><script>alert(1)</script><img src=x onerror=alert(1)>\u2028\"'&"


def asked(accepts: str = "") -> Request:
    return Request({"type": "http", "headers": [(b"accept-encoding", accepts.encode())]})


def sent(facts: dict[str, object]) -> Any:
    return strict(addresses._json(asked(), facts).body)


def diagnosed(run: Run, *findings: Finding) -> Diagnosis:
    return Diagnosis("run", "rows", run.method, len(run), run.first_step, run.last_step, Verdict.WATCH, findings)


def finding(**evidence: float) -> Finding:
    return Finding("X01", "x", Severity.WARNING, 1, 2, "loss", "it is odd", evidence)


# Numbers


def test_numbers_that_json_has_no_word_for_are_null() -> None:
    run = run_from_rows([(1, {"loss": 0.5})])
    odd = finding(here=math.nan, there=math.inf, elsewhere=-math.inf, well=0.25)
    (found,) = sent(about_diagnosis(diagnosed(run, odd), run, {}))["findings"]
    assert found["evidence"] == {"here": None, "there": None, "elsewhere": None, "well": 0.25}
    assert sent({"deep": [{"er": (math.nan, 1)}]}) == {"deep": [{"er": [None, 1]}]}


def test_what_follows_is_told_by_its_place_in_the_list() -> None:
    run = run_from_rows([(1, {"loss": 0.5})])
    later = replace(finding(), code="X02", follows="X01")
    alone = replace(finding(), code="X03", metric="lr")
    ground = Ground(GroundKind.SILENCE, "loss-rising", "LOSS02")
    cause = Cause("odd", 1.0, ("X01",), against=(ground,), explains=("X01", "X02"))
    told = sent(about_diagnosis(replace(diagnosed(run, finding(), alone, later), causes=(cause,)), run, {}))
    assert told["story"] == {
        "explained": [{"finding": 0, "times": 1, "consequences": [2]}],
        "apart": [{"finding": 1, "times": 1, "consequences": []}],
    }
    assert told["grounds"] == [{"for": [], "against": ["LOSS02 loss-rising stays silent"]}]


def test_settings_may_be_anything() -> None:
    odd: dict[str, object] = {
        "day": date(2024, 2, 29), "path": Path("/x"), "huge": 10**400, "many": {3}, "none": None, "yes": True,
        "nested": {1: {"nan": math.nan}, (1, 2): b"bytes", None: [date(2024, 3, 1)]}, "half": "\ud800",
    }  # fmt: skip
    assert sent(odd) == {
        "day": "2024-02-29", "path": "/x", "huge": 10**400, "many": [3], "none": None, "yes": True,
        "nested": {"1": {"nan": None}, "(1, 2)": "b'bytes'", "None": ["2024-03-01"]}, "half": "\ud800",
    }  # fmt: skip
    run = run_from_rows([(1, {"loss": 0.5})], config={**odd, "long": "x" * 10_000})
    config = sent(about_diagnosis(diagnosed(run), run, {}))["config"]
    assert list(config) == sorted([*odd, "long"])
    assert {len(config["huge"]), len(config["long"])} == {300}
    assert config["day"] == "2024-02-29"


@pytest.mark.parametrize(
    ("value", "digits"),
    [
        (0.1234567, 0.123457),
        (-123456.789, -123457.0),
        (1.23456789e-12, 1.23457e-12),
        (9.87654321e300, 9.87654e300),
        (5e-324, 5e-324),
        (1.7976931348623157e308, 1.79769e308),
        (100000.0, 100000.0),
        (0.0, 0.0),
    ],
)
def test_a_value_is_sent_to_six_digits(value: float, digits: float) -> None:
    run = run_from_rows([(1, {"entropy": value}), (2, {"entropy": value / 2})], method=Method.SFT)
    (chart,) = charts_of(run, diagnosed(run), View(100))
    (line,) = sent(about_chart(chart))["lines"]
    assert line["high"][0] == digits
    assert abs(line["high"][0] - value) <= 5e-6 * abs(value)


def test_what_is_the_same_is_not_sent_twice() -> None:
    run = run_from_rows([(step, {"loss": float(step % 7)}) for step in range(1, 1_001)], method=Method.SFT)
    (wide,), (narrow,) = (charts_of(run, diagnosed(run), view) for view in (View(1_000), View(10)))
    assert "low" not in about_chart(wide)["lines"][0]  # type: ignore[index]
    assert "smooth" in about_chart(wide)["lines"][0]  # type: ignore[index]
    assert {"low", "high", "smooth"} <= about_chart(narrow)["lines"][0].keys()  # type: ignore[index]
    few = run_from_rows([(step, {"loss": float(step % 7)}) for step in range(1, 11)], method=Method.SFT)
    (chart,) = charts_of(few, diagnosed(few))
    assert "smooth" not in about_chart(chart)["lines"][0], "of few values each is its own mean"  # type: ignore[index]


@pytest.mark.parametrize("values", [[1e308, -1e308], [math.nan, 1.0], [5e-324, 1e-323], [0.0, 0.0], [-math.inf, 2.0]])
def test_charts_at_the_edge_of_what_numbers_can_hold(values: list[float]) -> None:
    run = run_from_rows([(step, {"entropy": value}) for step, value in enumerate(values)], method=Method.GRPO)
    for chart in charts_of(run, check(run)):
        known = sent(about_chart(chart))
        assert all(isinstance(known[end], float) for end in ("low", "high"))


def test_a_band_that_is_open_has_no_end() -> None:
    run = run_from_rows([(1, {"entropy": 0.5}), (2, {"entropy": 0.4})], method=Method.GRPO)
    (chart,) = charts_of(run, diagnosed(run))
    open_ones = replace(chart, bands=[Band(1, 2, -math.inf, 0.5), Band(3, 4, 0.25, math.inf)])
    assert sent(about_chart(open_ones))["bands"] == [
        {"from": 1, "to": 2, "low": None, "high": 0.5}, {"from": 3, "to": 4, "low": 0.25, "high": None},
    ]  # fmt: skip


def test_a_run_that_is_not_judged_yet_says_no_more_than_its_name() -> None:
    assert sent(about_card(Card("a", "runs/a"))) == {
        "key": "a", "state": "", "changed": None, "trouble": "", "says": "",
    }  # fmt: skip


# Words


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    tmp_path = tmp_path_factory.mktemp("runs")
    (tmp_path / "evil" / "logs").mkdir(parents=True)
    (tmp_path / "evil/logs/training_metrics.jsonl").write_text(lines(1, 31, **{f"rewards/{EVIL}": 0.5}))
    (tmp_path / "evil/run.json").write_text(json.dumps({"method": "dpo", "state": EVIL, "config": {EVIL: EVIL}}))
    (tmp_path / "evil/logs/completions.jsonl").write_text(json.dumps({"step": 1, EVIL: EVIL, "half": "\ud800"}) + "\n")
    (tmp_path / "other.jsonl").write_text(lines(1, 31))
    with pytest.MonkeyPatch.context() as patch, served(tmp_path, patch) as page:
        until(lambda: all("verdict" in one for one in page.ask("/api/runs").json["runs"]))
        yield page


def test_words_of_a_log_stay_words(page: Served) -> None:
    run = page.ask("/api/run?run=evil").json
    assert run["scene"]["state"] == EVIL
    assert EVIL in {*run["diagnosis"]["config"], *run["diagnosis"]["config"].values()}
    samples = page.ask("/api/samples?run=evil").json
    assert EVIL in samples["rows"][0].values()
    for target in ("/api/runs", "/api/run?run=evil", "/api/samples?run=evil", "/api/compare?run=evil&run=other.jsonl",
                   f"/api/run?run={'%3Cscript%3E'}", "/api/charts?run=evil&from=%3Cscript%3E"):  # fmt: skip
        answer = page.ask(target)
        assert answer.headers["content-type"] == "application/json"
        assert answer.headers["x-content-type-options"] == "nosniff"
        strict(answer.body)


def test_each_answer_says_of_what_kind_it_is(page: Served) -> None:
    for target, kind in {
        "/": "text/html; charset=utf-8", "/run?run=x": "text/html; charset=utf-8",
        "/static/main.js": "text/javascript; charset=utf-8", "/static/page.css": "text/css; charset=utf-8",
        "/static/sheet.css": "text/css; charset=utf-8", "/static/mark.svg": "image/svg+xml",
        "/api/runs": "application/json", "/report?run=other.jsonl": "text/html; charset=utf-8",
        "/events?list": "text/event-stream; charset=utf-8", "/none": "text/plain; charset=utf-8",
        "/api/run?run=none": "application/json",
    }.items():  # fmt: skip
        answer = page.ask(target)
        assert answer.headers["content-type"] == kind, target
        assert answer.headers["x-content-type-options"] == "nosniff"


def test_a_report_is_saved_and_never_shown_in_place_of_the_page(page: Served) -> None:
    answer = page.ask("/report?run=other.jsonl")
    assert answer.headers["content-disposition"] == 'attachment; filename="other.jsonl.html"'
    assert b"<script" not in answer.body


def test_a_name_of_a_file_keeps_to_what_headers_can_hold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / 'über "x" \n.jsonl').write_text(lines(1, 31))
    (tmp_path / "b.jsonl").write_text(lines(1, 31))
    with served(tmp_path, monkeypatch) as page:
        answer = page.ask("/report?run=%C3%BCber%20%22x%22%20%0A.jsonl")
    assert answer.status == 200
    assert answer.headers["content-disposition"] == 'attachment; filename="?ber-x-.jsonl.html"'


def test_what_is_packed_unpacks_to_the_same(page: Served) -> None:
    for target in ("/static/page.css", "/static/sheet.css", "/static/vendor/uPlot.js", "/api/run?run=other.jsonl"):
        plain, packed = page.ask(target), page.ask(target, accept_encoding="br, gzip")
        assert packed.headers["content-encoding"] == "gzip"
        assert "content-encoding" not in plain.headers
        assert plain.headers["vary"] == packed.headers["vary"] == "Accept-Encoding"
        assert len(packed.body) < len(plain.body)
        if not target.startswith("/api"):
            assert gzip.decompress(packed.body) == plain.body
    assert "content-encoding" not in page.ask("/api/compare", accept_encoding="gzip").headers, "it is short"


# What is asked for


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("from=nan", "from: 'nan' is no number"),
        ("to=inf", "to: 'inf' is no number"),
        ("from=-1e999", "from: '-1e999' is no number"),
        ("from=x", "from: 'x' is no number"),
        ("places=many", "places: 'many' is no number"),
    ],
)
def test_a_window_is_of_numbers(page: Served, query: str, said: str) -> None:
    answer = page.ask(f"/api/charts?run=other.jsonl&chart=loss&{query}")
    assert (answer.status, answer.json) == (422, {"trouble": said})


@pytest.mark.parametrize(
    ("query", "steps"),
    [
        ("", 30),
        ("&from=&to=", 30),
        ("&places=-5", 10),
        ("&places=1e308", 30),
        ("&places=0", 30),
        ("&from=10&to=19", 12),
        ("&from=25", 7),
        ("&to=5", 6),
        ("&from=-1e308&to=1e308", 30),
    ],
)
def test_how_much_of_a_chart(page: Served, query: str, steps: int) -> None:
    (chart,) = page.ask(f"/api/charts?run=other.jsonl&chart=loss{query}").json["charts"]
    assert len(chart["lines"][0]["at"]) == steps


def test_a_window_that_is_turned_round_holds_no_chart(page: Served) -> None:
    assert page.ask("/api/charts?run=other.jsonl&chart=loss&from=20&to=5").json["charts"] == []


@pytest.mark.parametrize(
    ("query", "status", "said"),
    [
        ("run=evil", 422, "1 run: two to 50 can be compared"),
        ("run=evil&run=evil", 422, "1 run: two to 50 can be compared"),
        ("&".join(f"run={n}" for n in range(51)), 422, "51 runs: 50 at most can be looked at together"),
        ("run=evil&run=none", 404, "none: is no run in this folder; has it been removed?"),
        ("run=evil&run=other.jsonl&by=moon", 422, "by: 'moon' is none of step, epoch, samples, tokens"),
        ("run=evil&run=other.jsonl&at=x", 422, "at: 'x' is no number"),
    ],
)
def test_what_cannot_be_compared_is_a_sentence(page: Served, query: str, status: int, said: str) -> None:
    answer = page.ask(f"/api/compare?{query}")
    assert (answer.status, answer.json) == (status, {"trouble": said})


@pytest.mark.parametrize("query", ["at=1e308", "at=-1e308", "at=0", "at=1.5"])
def test_any_step_may_be_asked_for(page: Served, query: str) -> None:
    assert page.ask(f"/api/compare?run=evil&run=other.jsonl&{query}").status == 200
    assert page.ask(f"/api/samples?run=evil&first={query[3:]}").status == 200


def test_settings_that_cannot_be_read_are_said_on_the_page_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails() -> Room:
        raise ConfigurationError("barograph.toml: is odd")

    with served(tmp_path, monkeypatch, make_room=fails) as page:
        for target in ("/api/runs", "/api/run?run=x", "/events?list"):
            answer = page.ask(target)
            assert (answer.status, answer.json) == (422, {"trouble": "barograph.toml: is odd"})
        assert page.ask("/").status == 200
