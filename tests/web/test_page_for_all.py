"""The page for whoever comes: with a screen reader, a phone, in the dark; and whatever somebody wrote into a log."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import page_runs
import pytest
from click.testing import CliRunner
from documents import EVIL
from visiting import NARROW, WIDE, Server, Visits, press, ready, text, until

from barograph.cli.compare import compare
from barograph.cli.report import report

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser

COMPARED = [page_runs.SICK, page_runs.WELL, page_runs.LONG]
VIEWS = ["list", "run", "samples", "long run", "comparison", "help", "unknown run", "unknown comparison",
         "report", "report of a long run", "comparison file"]  # fmt: skip


@pytest.fixture(scope="module")
def axe() -> str:
    """What finds faults that shut people out."""
    package = pytest.importorskip("axe_playwright_python")
    return (Path(package.__file__).parent / "axe.min.js").read_text(encoding="utf-8")


#: All that opens, but of charts those of the first alone: they are all made alike.
OPEN = """document.querySelectorAll("figure:first-of-type details, details:not(figure details)")
  .forEach((one) => { one.open = true; })"""


def opened(view: str, server: Server, visits: Visits, folder: Path, **options: Any) -> Page:
    """A view with everything on it that opens, open."""
    addresses = {
        "list": server.at("/"), "run": server.at("/run", run=page_runs.SICK),
        "samples": server.at("/run", run=page_runs.SAID), "long run": server.at("/run", run=page_runs.LONG),
        "comparison": server.at("/compare", run=COMPARED, at=20), "help": server.at("/run", run=page_runs.SICK),
        "unknown run": server.at("/run", run="none"), "unknown comparison": server.at("/compare", run=["none", "two"]),
    }  # fmt: skip
    if view in addresses:
        visits.may_fail = view.startswith("unknown")
        page = visits.open(addresses[view], waits=not visits.may_fail, **options)
        if visits.may_fail:
            page.get_by_role("alert").wait_for()
        if view == "list":
            until(page, "() => !document.body.textContent.includes('being read')")
        if "samples" in view or "long" in view:
            page.get_by_role("heading", name="What the model said").wait_for()
    else:
        file = folder / "file.html"
        runs = COMPARED if "comparison" in view else [page_runs.LONG if "long" in view else page_runs.SICK]
        command = compare if "comparison" in view else report
        paths = [str(server.folder / run) for run in runs]
        assert CliRunner().invoke(command, [*paths, "-o", str(file)]).exit_code == 0
        page = visits.open(file.as_uri(), waits=False, **options)
    page.evaluate(OPEN)
    if view == "help":
        press(page, "?")
    return page


@pytest.mark.parametrize("view", VIEWS)
def test_nobody_is_shut_out_and_nothing_moves_sideways(
    view: str, axe: str, server: Server, visits: Visits, tmp_path: Path
) -> None:
    page = opened(view, server, visits, tmp_path, color_scheme="light")
    assert page.locator("h1").count() == 1
    page.evaluate(axe)
    for width in (WIDE, NARROW):
        page.set_viewport_size({"width": width, "height": 900})
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            page.wait_for_timeout(50)
            assert page.evaluate(VIOLATIONS, COLOURS if scheme == "dark" else None) == [], (width, scheme)
        assert page.evaluate("document.documentElement.scrollWidth") <= width


#: In other colours, no more than what depends on them is another.
COLOURS = ["color-contrast", "link-in-text-block"]
VIOLATIONS = """async (runOnly) => (await axe.run({ resultTypes: ["violations"], ...(runOnly && { runOnly }) }))
  .violations.map((one) => [one.impact, one.id, one.nodes.slice(0, 3).map((node) => node.html.slice(0, 200))])"""


def assert_harmless(page: Page) -> None:
    assert page.evaluate("[...document.scripts].every((one) => one.src.startsWith(location.origin + '/static/'))")
    assert page.locator("main :is(script, img, iframe, object, embed, form, base, meta, style, link)").count() == 0
    handlers = """[...document.querySelectorAll("*")].flatMap((one) => [...one.attributes])
      .filter((one) => one.name.startsWith("on") || /^\\s*javascript:/i.test(one.value)).length"""
    assert page.evaluate(handlers) == 0


@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_what_somebody_wrote_into_a_log_stays_text(width: int, server: Server, visits: Visits) -> None:
    page = visits.open(server.at("/"), width=width)
    link = page.get_by_role("link", name=page_runs.EVIL_NAME)
    link.wait_for()
    assert_harmless(page)
    link.click()
    ready(page)
    assert page_runs.EVIL_NAME in text(page, "#main header")
    # A name that is pasted into a terminal is one word there.
    quoted = page_runs.EVIL_NAME.replace("'", """'"'"'""")
    assert f"barograph check '{server.folder}/{quoted}'" in page.locator("pre").inner_text()
    assert_harmless(page)

    page.goto(server.at("/run", run=page_runs.HOSTILE))
    ready(page)
    page.get_by_role("heading", name="What the model said").wait_for()
    page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    evil = " ".join(EVIL.split())
    assert f"Guard, step 5: {evil}" in text(page, "#main header")
    assert page.locator("th", has_text=evil).count() >= 2  # A setting, a column of what was said.
    assert page.locator("td", has_text=evil).count() >= 3
    name = f"Reward: {page_runs.EVIL_REWARD}"
    figure = page.locator("figure", has=page.locator("h3", has_text=name))
    figure.scroll_into_view_if_needed()
    figure.get_by_role("img", name=f"{name}. ").wait_for()
    figure.locator(".board").focus()
    press(page, "ArrowRight", "l")
    assert "log=reward" in page.url
    page.reload()
    ready(page)
    assert_harmless(page)

    page.goto(server.at("/compare", run=[page_runs.EVIL_NAME, page_runs.HOSTILE, page_runs.SICK]))
    ready(page)
    assert page.locator("th", has_text=page_runs.EVIL_NAME).count() >= 2
    assert page.locator("td", has_text=evil).count() >= 1  # A setting in which they differ.
    assert_harmless(page)


def test_what_stands_in_an_address_stays_text(server: Server, visits: Visits) -> None:
    visits.may_fail = True
    page = visits.open(server.at("/run", run=EVIL), waits=False)
    page.get_by_role("alert").wait_for()
    assert_harmless(page)
    samples = {"from": EVIL, "to": EVIL, "log": EVIL, "step": EVIL, "text": EVIL, "first": EVIL}
    page.goto(server.at("/run", run=page_runs.SAID, **samples))
    ready(page)
    assert_harmless(page)
    page.goto(server.at("/", q=EVIL, sort=EVIL, run=EVIL))
    until(page, "() => document.body.textContent.includes('0 shown')")
    assert_harmless(page)
    page.goto(server.at("/compare", run=[EVIL, page_runs.SICK], by=EVIL, at=EVIL))
    page.get_by_role("alert").wait_for()
    assert_harmless(page)
