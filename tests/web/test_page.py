"""The page in a browser: what it says of a run, that its address is its state, and that a keyboard is enough."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import page_runs
import pytest
from click.testing import CliRunner
from visiting import Server, Visits, press, ready, shown, text, until, upright_lines

import barograph
from barograph.charts.drawing import charts_of, number
from barograph.charts.report import WORDS
from barograph.cli.compare import compare
from barograph.cli.report import report
from barograph.core.finding import Finding, Severity, Verdict

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser

MARGIN = "rewards/margins"


def loud(path: Path) -> list[Finding]:
    return [one for one in barograph.check(path).findings if one.severity > Severity.INFO]


def last(path: Path, name: str) -> float:
    rows = [json.loads(line) for line in (path / page_runs.LOG).read_text().splitlines()]
    return sum(row[name] for row in rows[-20:]) / 20


def followed(log: Path) -> set[str]:
    """The findings that lead others: where these are found too, they are folded away under them."""
    codes = {found.code: found.follows for found in loud(log)}
    roots = set()
    for code, before in codes.items():
        root = before if before in codes else None
        while root is not None and codes[root] in codes:
            root = codes[root]
        roots |= {root} if root is not None and root != code else set()
    return roots


def reported(runs: Path, name: str, folder: Path) -> str:
    target = folder / f"{name}.html"
    assert CliRunner().invoke(report, [str(runs / name), "-o", str(target)]).exit_code == 0
    return target.as_uri()


def test_a_run_that_looks_better_and_is_sick_is_found_out_on_page_and_report(
    server: Server, visits: Visits, tmp_path: Path
) -> None:
    sick, well = server.folder / page_runs.SICK, server.folder / page_runs.WELL
    assert last(sick, "loss") < last(well, "loss")
    assert last(sick, MARGIN) > last(well, MARGIN)
    assert last(sick, "rewards/accuracies") > last(well, "rewards/accuracies")
    verdict, (found, *_) = barograph.check(sick).verdict, loud(sick)
    assert found.code.startswith("LIK")
    assert verdict is not Verdict.HEALTHY

    page = visits.open(server.at("/run", run=page_runs.SICK), device_scale_factor=2)
    document = visits.open(reported(server.folder, page_runs.SICK, tmp_path), waits=False)
    for one in (page, document):
        assert text(one, "h1") == WORDS[verdict]
        assert text(one, ".cause .prescription") == barograph.check(sick).causes[0].advice[0]
        assert one.locator("details.consequences").count() == len(followed(sick))
        heading = f"{found.severity}: {found.code} {found.name} · steps {found.step} to {found.last_step}"
        assert text(one, "article.finding h3") == heading
        assert found.says[1:] in text(one, "article.finding")
        assert one.locator("figure").first.get_attribute("id") == "chart-rewards"
        first = one.locator("figure figcaption").first
        assert first.locator("a").first.inner_text() == f"{found.code} at step {found.step}"
        # Beside the finding, on the first screen.
        assert one.locator("figure").first.bounding_box()["y"] < 400
    expected = (found.step - 1) / 199
    assert upright_lines(page, "figure .board", f"--{found.severity}") == pytest.approx([expected], abs=0.01)
    marks = document.locator("figure").first.locator("line.mark")
    frame = document.locator("figure").first.locator("line.grid").first
    x, left, right = (
        float(marks.get_attribute("x1")),
        float(frame.get_attribute("x1")),
        float(frame.get_attribute("x2")),
    )
    assert (x - left) / (right - left) == pytest.approx(expected, abs=0.01)

    page = visits.open(server.at("/run", run=page_runs.WELL), device_scale_factor=2)
    document = visits.open(reported(server.folder, page_runs.WELL, tmp_path), waits=False)
    for one in (page, document):
        assert text(one, "h1") == WORDS[Verdict.HEALTHY]
        assert one.locator("article.finding, figcaption a, line.mark").count() == 0
    for colour in ("--warning", "--critical"):
        assert upright_lines(page, shown(page, "rewards"), colour) == []


def test_the_comparison_prefers_the_twin_and_says_that_the_other_has_the_better_number(
    server: Server, visits: Visits, tmp_path: Path
) -> None:
    runs = [page_runs.SICK, page_runs.WELL]
    page = visits.open(server.at("/compare", run=runs))
    target = tmp_path / "both.html"
    told = CliRunner().invoke(compare, [*(str(server.folder / run) for run in runs), "-o", str(target)])
    assert told.exit_code == 0
    document = visits.open(target.as_uri(), waits=False)
    for one in (page, document):
        said = f"To be preferred: {page_runs.WELL}. {page_runs.SICK} has the better number, and the worse verdict."
        assert text(one, "header:not(.bar)").startswith(f"2 runs compared {said}")
        assert one.locator("table").first.locator("tr:has(td)").evaluate_all(NAMES) == [page_runs.WELL, page_runs.SICK]
    page.get_by_role("link", name=page_runs.SICK).first.click()
    ready(page)
    assert text(page, "h1") == WORDS[barograph.check(server.folder / page_runs.SICK).verdict]


NAMES = "(rows) => rows.map((row) => row.querySelector('th').textContent.trim())"


def test_each_chart_is_told_in_words_and_numbers_too(server: Server, visits: Visits) -> None:
    path = server.folder / page_runs.SICK
    page = visits.open(server.at("/run", run=page_runs.SICK))
    charts = {one.name: one for one in charts_of(barograph.read(path), barograph.check(path))}
    assert [one.get_attribute("id") for one in page.locator("figure").all()] == [f"chart-{name}" for name in charts]
    for name, chart in charts.items():
        board = page.locator(shown(page, name))
        assert board.get_attribute("role") == "img"
        assert board.get_attribute("aria-label") == f"{chart.title}. {chart.says}"
    assert " rose from " in charts["loss"].says or " fell from " in charts["loss"].says

    rows = [json.loads(line) for line in (path / page_runs.LOG).read_text().splitlines()]
    figure = page.locator("#chart-rewards")
    figure.locator("summary").click()
    figure.locator("td").first.wait_for()
    assert charts["rewards"].says in figure.locator("details").inner_text()
    values = [row.locator("th, td").all_inner_texts() for row in figure.locator("tr").all()]
    chosen = [*rows[::10], rows[-1]]
    assert values == [
        ["step", "Reward of chosen", "Reward of rejected"],
        *([str(row["step"]), number(row["rewards/chosen"]), number(row["rewards/rejected"])] for row in chosen),
    ]


def state(page: Page) -> dict[str, object]:
    """What the page shows, as far as its address can tell it."""
    shows: dict[str, object] = page.evaluate("""() => ({
      fields: [...document.querySelectorAll("main input, main select")]
        .filter((one) => one.type !== "checkbox" || one.checked).map((one) => one.value),
      pressed: [...document.querySelectorAll("main button[aria-pressed]")].map((one) => one.ariaPressed),
      sorted: [...document.querySelectorAll("th[aria-sort]")].map((one) => [one.textContent, one.ariaSort]),
      rows: [...document.querySelectorAll("tbody th")].map((one) => one.textContent),
      said: document.querySelector("main > div > section > p.tools > span")?.textContent,
    })""")
    return shows


def zoom_and_more(page: Page) -> None:
    page.get_by_role("spinbutton", name="from step").fill("50")
    page.get_by_role("spinbutton", name="to step").fill("150")
    press(page, "Enter")
    page.get_by_role("button", name="Loss: powers of ten").click()
    page.get_by_role("button", name="Every value").click()


def look_for_what_was_said(page: Page) -> None:
    page.get_by_role("combobox").select_option("all")
    page.get_by_role("searchbox").fill("What is 1")
    until(page, "() => document.querySelector('p.tools span')?.textContent === '1 to 25 of 33'")
    page.get_by_role("button", name="Later").click()
    until(page, "() => document.querySelector('p.tools span')?.textContent === '26 to 33 of 33'")


def sort_and_filter(page: Page) -> None:
    page.get_by_role("button", name="Verdict").click()
    page.get_by_role("button", name="Verdict").click()
    page.get_by_label("Filter").fill("dpo")
    page.get_by_label(f"Compare {page_runs.SICK}").check()


def compare_otherwise(page: Page) -> None:
    page.get_by_label("Along the").select_option("epoch")
    page.wait_for_url("**by=epoch**")
    ready(page)
    page.get_by_label("Values at step").fill("100")
    press(page, "Enter")
    page.get_by_label("rewards in nats").check()
    until(page, "() => document.body.textContent.includes('at step 100')")


@pytest.mark.parametrize(("path", "runs", "act", "names"), [
    ("/run", [page_runs.SICK], zoom_and_more, ["run", "from", "to", "log", "course"]),
    ("/run", [page_runs.SAID], look_for_what_was_said, ["run", "step", "text", "first"]),
    ("/", [], sort_and_filter, ["sort", "q", "run"]),
    ("/compare", [page_runs.SICK, page_runs.WELL], compare_otherwise, ["run", "run", "by", "at", "nats"]),
], ids=["run", "samples", "list", "comparison"])  # fmt: skip
def test_what_is_shown_stands_in_the_address(path, runs, act, names, server: Server, visits: Visits) -> None:  # type: ignore[no-untyped-def]
    page = visits.open(server.at(path, run=runs))
    act(page)
    assert [part.partition("=")[0] for part in page.url.partition("?")[2].split("&")] == names
    before, address = state(page), page.url
    page.reload()
    ready(page)
    until(page, ROWS_AGAIN, len(before["rows"]))  # type: ignore[arg-type]
    assert state(page) == before
    elsewhere = visits.open(address)
    until(elsewhere, ROWS_AGAIN, len(before["rows"]))  # type: ignore[arg-type]
    assert state(elsewhere) == before


ROWS_AGAIN = "(count) => document.querySelectorAll('tbody th').length === count"


def fields(page: Page) -> list[str]:
    return [page.get_by_label(name, exact=True).input_value() for name in ("from step", "to step")]


def test_back_undoes_a_zoom_and_nothing_else(server: Server, visits: Visits) -> None:
    page = visits.open(server.at("/run", run=page_runs.SICK))
    press(page, "+")
    until(page, "() => document.querySelector('main input').value === '51'")
    press(page, "+", "e")
    assert fields(page) == ["76", "125"]
    page.go_back()
    until(page, "() => document.querySelector('main input').value === '51'")
    assert fields(page) == ["51", "150"]
    page.go_back()
    until(page, "() => document.querySelector('main input').value === '1'")
    assert page.url == server.at("/run", run=page_runs.SICK, course=1)
    assert page.get_by_role("button", name="Every value").get_attribute("aria-pressed") == "false"
    whole = "(board) => /at step 1 to .* at step 200/.test(document.querySelector(board).getAttribute('aria-label'))"
    until(page, whole, shown(page, "loss"))


def test_a_drag_zooms_and_a_double_click_shows_all(server: Server, visits: Visits) -> None:
    page = visits.open(server.at("/run", run=page_runs.SICK))
    box = page.locator("figure .u-over").first.bounding_box()
    y = box["y"] + 60
    page.mouse.move(box["x"] + box["width"] * 0.25, y)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.75, y, steps=4)
    page.mouse.up()
    page.wait_for_url("**from=**")
    assert [int(one) for one in fields(page)] == pytest.approx([51, 150], abs=2)
    until(page, "() => / at step (49|50|51|52) to /.test(document.querySelector('.board').ariaLabel)")
    page.locator("figure .u-over").first.dblclick()
    assert fields(page) == ["1", "200"]


def test_the_list_can_be_used_by_keyboard_alone(server: Server, visits: Visits) -> None:
    page = visits.open(server.at("/"))
    until(page, "() => document.querySelector('table.runs td.healthy') !== null")
    press(page, "Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    press(page, "/")
    page.keyboard.type("displaced")
    assert page.locator("table.runs tbody tr").count() == 1
    press(page, "Escape", "j")
    assert page.evaluate("document.activeElement.textContent") == page_runs.SICK
    press(page, "x", "/", "Control+A", "Backspace")
    page.keyboard.type("healthy finished")
    press(page, "Enter", "k")  # To the first of them, and no further.
    names = page.locator("table.runs a").all_inner_texts()
    assert page.evaluate("document.activeElement.textContent") == names[0]
    for _ in range(names.index(page_runs.WELL)):
        press(page, "j")
    press(page, "x")
    assert page.get_by_role("button", name="Compare 2 runs").is_enabled()
    press(page, "c")
    page.wait_for_url("**/compare?**")
    ready(page)
    assert text(page, "h1") == "2 runs compared"
    press(page, "r")
    page.wait_for_url(server.at("/", run=[page_runs.SICK, page_runs.WELL]))
    ready(page)
    assert page.locator("input:checked").count() == 2
    button = page.get_by_role("button", name="Run", exact=True)
    while not button.evaluate("(one) => one === document.activeElement"):
        press(page, "Tab")
    press(page, "Enter")
    assert page.locator("th[aria-sort]").inner_text().startswith("Run")
    assert text(page, "#said") == "Sorted by Run"
    names = page.locator("table.runs a").all_inner_texts()
    assert names == sorted(names)
    for _ in range(names.index(page_runs.SICK) + 1):
        press(page, "j")
    press(page, "Enter")
    page.wait_for_url(server.at("/run", run=page_runs.SICK))


def test_a_chart_can_be_read_by_keyboard_alone(server: Server, visits: Visits) -> None:
    page = visits.open(server.at("/run", run=page_runs.SICK))
    rows = list(page_runs.rows(is_displaced=True))

    def reading(step: int) -> str:
        chosen, rejected = (number(rows[step - 1][f"rewards/{one}"]) for one in ("chosen", "rejected"))  # type: ignore[arg-type]
        return f"step {step}: Reward of chosen {chosen} · Reward of rejected {rejected}"

    press(page, "j", "ArrowRight")
    assert text(page, "#said") == reading(1)
    press(page, "ArrowRight", "PageDown")
    assert text(page, "#said") == reading(12)
    press(page, "End", "ArrowLeft")
    assert text(page, "#said") == reading(199)
    assert text(page, "figure .reading") == reading(199)
    press(page, "Home")
    assert text(page, "#said") == reading(1)
    press(page, "j")
    assert page.evaluate("document.activeElement.closest('figure').id") != "chart-rewards"
    press(page, "k", "+")  # Around what is read.
    assert fields(page) == ["1", "101"]
    press(page, "0")
    assert text(page, "#said") == "The whole run"
    assert fields(page) == ["1", "200"]


def test_a_run_can_be_looked_through_by_keyboard_alone(server: Server, visits: Visits) -> None:
    page = visits.open(server.at("/run", run=page_runs.SICK))
    press(page, "+")
    assert fields(page) == ["51", "150"]
    press(page, "[")
    assert fields(page) == ["2", "101"]
    press(page, "]", "]")
    assert fields(page) == ["101", "200"]
    press(page, "-")
    assert fields(page) == ["52", "200"]
    assert text(page, "#said") == "step 52 to 200"
    while page.evaluate("document.activeElement.ariaLabel") != "from step":
        press(page, "Tab")
    page.keyboard.type("120")
    press(page, "Tab")
    assert fields(page) == ["120", "200"]
    press(page, "Escape", "0")
    page.locator(shown(page, "loss")).focus()
    press(page, "l")
    assert page.get_by_role("button", name="Loss: powers of ten").get_attribute("aria-pressed") == "true"
    press(page, "e")
    assert page.get_by_role("button", name="Every value").get_attribute("aria-pressed") == "false"
    assert "course=1" in page.url
    assert "log=loss" in page.url
    press(page, "?")
    assert page.get_by_role("dialog").is_visible()
    keys = page.locator("dialog dt").all_inner_texts()
    assert {"?", "t", "+", "-", "0", "[", "]", "j", "k", "e", "l", "r"} == set(keys)
    press(page, "Escape")
    assert not page.get_by_role("dialog").is_visible()
    assert page.evaluate("document.activeElement.closest('figure').id") == "chart-loss"
    press(page, "r")
    page.wait_for_url(server.at("/"))


def test_a_finding_leads_to_its_chart_and_a_mark_to_its_finding(server: Server, visits: Visits) -> None:
    page = visits.open(server.at("/run", run=page_runs.SICK), height=500)
    page.locator("article.finding").get_by_role("button").first.focus()
    press(page, "Enter")
    assert page.evaluate("document.activeElement.closest('figure').id") == "chart-rewards"
    page.locator("figcaption a").first.focus()
    press(page, "Enter")
    assert page.evaluate("document.activeElement.id").startswith("finding-LIK")
    press(page, "Tab")
    assert page.evaluate("document.activeElement.textContent") == "Show it on the chart"


@pytest.mark.parametrize("path", ["/", "/run?run=said", "/compare?run=displaced&run=healthy"])
def test_whatever_has_the_focus_is_seen_to_have_it(path: str, server: Server, visits: Visits) -> None:
    page = visits.open(server.at() + path[1:])
    page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    seen = []
    for _ in range(200):
        press(page, "Tab")
        told = page.evaluate("""() => {
          const one = document.activeElement;
          if (one === document.body) return null;
          const [style, box] = [getComputedStyle(one), one.getBoundingClientRect()];
          return [one.outerHTML.slice(0, 80), style.outlineStyle, parseFloat(style.outlineWidth), box.width, box.height,
            box.bottom > 0 && box.top < innerHeight];
        }""")
        if told is None:
            break
        seen.append(told)
    assert len(seen) > 8
    assert [one for one in seen if one[1] == "none" or one[2] < 2 or not one[5] or one[3] < 5 or one[4] < 5] == []


def dots(page: Page, board: str) -> str:
    drawn: str = page.locator(f"{board} canvas").evaluate("(canvas) => canvas.toDataURL()")
    return drawn


def paper(page: Page) -> str:
    colour: str = page.evaluate("getComputedStyle(document.body).backgroundColor")
    return colour


def test_chosen_colours_are_drawn_at_once_and_stay(server: Server, visits: Visits) -> None:
    page = visits.open(server.at("/run", run=page_runs.SICK), color_scheme="light")
    board = shown(page, "rewards")
    light, before = paper(page), dots(page, board)
    page.get_by_role("button", name="Theme").click()
    dark = paper(page)
    assert (light, dark) == ("rgb(255, 255, 255)", "rgb(20, 22, 26)")
    until(page, CHANGED, [board, before])
    page.reload()
    ready(page)
    assert paper(page) == dark
    page.goto(server.at("/"))
    assert paper(page) == dark
    press(page, "t")
    assert paper(page) == light
    assert text(page, "#said") == "light colours"


CHANGED = "([board, before]) => document.querySelector(`${board} canvas`).toDataURL() !== before"


def test_colours_follow_the_system_until_some_are_chosen(server: Server, visits: Visits) -> None:
    page = visits.open(server.at("/run", run=page_runs.SICK), color_scheme="light")
    board = shown(page, "rewards")
    before = dots(page, board)
    page.emulate_media(color_scheme="dark")
    until(page, CHANGED, [board, before])
    assert paper(page) == "rgb(20, 22, 26)"


def test_paper_is_white_and_holds_no_buttons(server: Server, visits: Visits) -> None:
    page = visits.open(server.at("/run", run=page_runs.SICK), color_scheme="dark")
    board = shown(page, "rewards")
    press(page, "t", "t")  # Dark, and chosen so.
    assert paper(page) == "rgb(20, 22, 26)"
    before = dots(page, board)
    page.emulate_media(media="print")
    until(page, CHANGED, [board, before])
    assert paper(page) == "rgb(255, 255, 255)"
    for hidden in (".bar", ".tools", ".figure-head button"):
        assert not page.locator(hidden).first.is_visible()
    assert page.locator("figure").first.is_visible()
    assert not page.locator("figure:has(.board:empty)").first.is_visible()
    assert page.pdf()[:5] == b"%PDF-"


def test_a_page_on_which_nothing_happens_asks_for_nothing(server: Server, visits: Visits) -> None:
    pages = [visits.open(server.at("/")), visits.open(server.at("/run", run=page_runs.SICK)),
             visits.open(server.at("/compare", run=[page_runs.SICK, page_runs.WELL]))]  # fmt: skip
    for page in pages:
        page.wait_for_timeout(300)
    asked = [one for one in visits.asked if "/events" in one]
    assert len(asked) == len(pages)
    visits.asked.clear()
    pages[0].wait_for_timeout(10_000)
    assert len(visits.asked) <= 2
