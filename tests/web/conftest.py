"""A browser, a server, and pages that keep a record of all they ask for. Modules here import helpers by plain name."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser
    from visiting import Server, Visits

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent / "charts")]

SWITCHES = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip


@pytest.fixture(scope="session")
def browser_path(project: Path) -> str:
    """The browser that `make setup-browser` finds."""
    spec = importlib.util.spec_from_file_location("browser_tool", project / "tools/browser.py")
    assert spec is not None
    assert spec.loader is not None
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    path: str | None = tool.browser()
    if path is None:
        pytest.skip("needs a browser; `make setup-browser` looks for one or installs it")
    return path


# While Playwright drives a browser no other event loop may run in this thread, and other tests have some: a module of
# tests in a browser ends its own.
@pytest.fixture(scope="module")
def browser(browser_path: str) -> Iterator[Browser]:
    api = pytest.importorskip("playwright.sync_api")
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path, args=SWITCHES)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """`barograph serve` over one run of each kind; nobody may change them."""
    import page_runs
    from visiting import Server

    folder = tmp_path_factory.mktemp("served") / "runs"
    page_runs.all_of(folder)
    server = Server(folder)
    yield server
    server.stop()


@pytest.fixture
def visits(browser: Browser) -> Iterator[Visits]:
    """Opens pages. At the end none of them may have asked elsewhere, complained, or run what is not ours."""
    from visiting import Visits

    visits = Visits(browser)
    yield visits
    visits.close()
    visits.assert_all_was_well()
