"""The page while a run goes on: what is new appears by itself, and whoever looks is left where they are."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

import page_runs
import pytest
from visiting import Server, Visits, press, shown, text, until

from barograph.charts.report import WORDS
from barograph.core.finding import Verdict

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser

#: Seconds within which a row is on the page.
SOON = 1.0


@pytest.fixture(scope="module")
def growing_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Over a folder in which each test has a run of its own."""
    folder = tmp_path_factory.mktemp("growing") / "runs"
    folder.mkdir()
    server = Server(folder)
    yield server
    server.stop()


@pytest.fixture
def run(growing_server: Server, request: pytest.FixtureRequest) -> Iterator[Path]:
    path = page_runs.begin(growing_server.folder / f"run-{request.node.name}")
    yield path
    shutil.rmtree(path, ignore_errors=True)


def go_on(run: Path, *steps: int) -> None:
    page_runs.append(run, page_runs.rows(is_displaced=True, steps=range(steps[0], steps[-1] + 1)))


def told(step: int) -> str:
    """That the head and the first chart have come to a step."""
    return f"""() => document.querySelector("#main header").textContent.includes("steps 1 to {step} ")
      && document.querySelector(".board").ariaLabel.includes(" at step {step}.")"""


def seconds_until_told(page: Page, run: Path, step: int) -> float:
    """Measured in the page, from before the row is written."""
    before = page.evaluate("performance.now()")
    go_on(run, step)
    until(page, told(step))
    taken: float = page.evaluate("performance.now()") - before
    return taken / 1000


def test_a_row_is_on_the_page_within_a_second(growing_server: Server, run: Path, visits: Visits) -> None:
    page = visits.open(growing_server.at("/run", run=run.name))
    assert "step 60 of 200" in text(page, "#main header")
    assert page.get_by_role("progressbar").get_attribute("value") == "0.3"
    taken = [seconds_until_told(page, run, step) for step in range(61, 66)]
    assert median(taken) < SOON, taken


def test_a_row_on_the_list_and_in_a_comparison_shows_too(growing_server: Server, run: Path, visits: Visits) -> None:
    other = page_runs.write(run.with_name(f"{run.name}-twin"), page_runs.rows(is_displaced=False))
    runs = visits.open(growing_server.at("/"))
    both = visits.open(growing_server.at("/compare", run=[run.name, other.name]))
    steps = f"""() => [...document.querySelectorAll("table.runs tr")]
      .find((row) => row.querySelector("a")?.textContent === "{run.name}")?.querySelector(".step").textContent"""
    until(runs, f"{steps} === '60'")
    go_on(run, 61, 80)
    until(both, "() => [...document.querySelectorAll('.board')].some((one) => one.ariaLabel.includes(' at step 80.'))")
    until(runs, f"{steps} === '80'")
    shutil.rmtree(other)
    until(runs, f"() => !document.body.textContent.includes('{other.name}')")


def test_who_looks_is_left_in_place(growing_server: Server, run: Path, visits: Visits) -> None:
    page = visits.open(growing_server.at("/run", run=run.name), height=600)
    board = shown(page, "gradient")
    press(page, "+")
    page.wait_for_url("**from=16&to=45")
    until(page, "() => document.querySelector('#chart-gradient .board').ariaLabel.includes('at step 46')")
    page.locator("#chart-gradient summary").focus()
    press(page, "Enter")
    page.locator(board).focus()
    press(page, "ArrowRight", "ArrowRight")
    until(page, "() => document.querySelectorAll('#chart-gradient td').length > 5")
    place = page.locator(board).bounding_box()
    numbers, address, reading = text(page, "#chart-gradient details"), page.url, text(page, "#chart-gradient .reading")
    assert reading.startswith("step 17: ")
    for step in range(61, 64):
        go_on(run, step)
        until(page, f"() => document.querySelector('#main header').textContent.includes('steps 1 to {step} ')")
    page.wait_for_timeout(300)
    assert page.locator(board).bounding_box() == pytest.approx(place, abs=1)
    assert page.url == address
    assert [one.input_value() for one in page.get_by_role("spinbutton").all()] == ["16", "45"]
    assert page.evaluate("document.activeElement.closest('figure')?.id") == "chart-gradient"
    assert text(page, "#chart-gradient .reading") == reading
    assert text(page, "#chart-gradient details") == numbers


def test_a_finding_begins_while_one_looks(growing_server: Server, run: Path, visits: Visits) -> None:
    page = visits.open(growing_server.at("/run", run=run.name))
    assert text(page, "h1") == WORDS[Verdict.HEALTHY]
    assert page.locator("article.finding").count() == 0
    go_on(run, 61, 180)
    page.locator("article.finding").first.wait_for()
    until(page, f"() => document.querySelector('h1').textContent === '{WORDS[Verdict.WATCH]}'")
    code = text(page, "article.finding h3").split()[1]
    assert text(page, "#said").startswith(f"{WORDS[Verdict.WATCH]}. {code} ")
    assert page.title().startswith("watch: ")
    mark = page.locator("figcaption a", has_text=code).first
    mark.wait_for()
    # What is open stays so while its numbers change.
    page.locator("article.finding summary").first.click()
    page.locator("article.finding button").first.focus()
    before = text(page, "article.finding p")
    go_on(run, 181, 200)
    until(page, "(before) => document.querySelector('article.finding p').innerText.trim() !== before", before)
    assert page.locator("article.finding details").first.get_attribute("open") is not None
    assert page.evaluate("document.activeElement.textContent") == "Show it on the chart"


def test_a_run_that_is_deleted_says_so_and_stays(growing_server: Server, run: Path, visits: Visits) -> None:
    page = visits.open(growing_server.at("/run", run=run.name))
    drawn = page.locator("canvas").count()
    assert drawn > 0
    shutil.rmtree(run)
    page.get_by_role("alert").wait_for()
    assert text(page, "[role=alert]").endswith(". What is shown is the last that was read.")
    assert page.locator("canvas").count() >= drawn
    assert text(page, "h1") == WORDS[Verdict.HEALTHY]
    page_runs.begin(run)
    page.get_by_role("alert").wait_for(state="hidden")


def test_a_page_comes_back_with_its_server(tmp_path: Path, visits: Visits) -> None:
    run = page_runs.begin(tmp_path / "runs/one")
    server = Server(tmp_path / "runs")
    visits.may_fail = True
    pages = [visits.open(server.at("/run", run="one")), visits.open(server.at("/"))]
    server.stop()
    for page in pages:
        until(page, "() => document.querySelector('#pulse.lost') !== null")
        assert text(page, "#pulse") == "Connection lost: trying again"
    drawn = pages[0].locator("canvas").count()
    go_on(run, 61, 70)  # As many versions of it as before: the page must not take it for what it knows.
    server.start()
    until(pages[0], told(70))
    until(pages[1], "() => document.querySelector('table.runs .step')?.textContent === '70'")
    for page in pages:
        assert text(page, "#pulse") == "Live"
    assert pages[0].locator("canvas").count() >= drawn
    assert pages[0].locator(".trouble:visible").count() == 0
    server.stop()


def test_what_is_said_while_one_looks_appears(growing_server: Server, run: Path, visits: Visits) -> None:
    page = visits.open(growing_server.at("/run", run=run.name))
    assert page.get_by_text("What the model said").count() == 0
    (run / "logs/completions.jsonl").write_text(page_runs.lines(page_runs.said()))
    go_on(run, 61)
    page.get_by_role("heading", name="What the model said").wait_for()
    cell = page.locator("td.answer", has_text="It is").first
    assert cell.inner_text() == "It is\n0."  # In its own lines.
