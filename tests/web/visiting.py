"""A server as users start it, and pages of it in a browser."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page

WIDE, NARROW = 1280, 390
#: Counts what the browser refuses to do because the page's own policy forbids it.
REFUSALS = (
    "window.refused = []; addEventListener('securitypolicyviolation', (event) => refused.push(event.violatedDirective))"
)
#: All charts that are to be seen are drawn, and what changes will be heard of.
IS_READY = """() => {
  const isThere = (selector) => document.querySelector(selector) !== null;
  const isSeen = (element) => element.getBoundingClientRect().top < innerHeight;
  return isThere("#pulse.live") && isThere(location.pathname === "/" ? "table.runs a" : ".board canvas")
    && ![...document.querySelectorAll(".board:empty")].some(isSeen)
    && !/^(Judging|Reading|Looking)/.test(document.querySelector("h1").textContent);
}"""


class Server:
    """`barograph serve` in a process of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = 0
        self.start()

    def start(self) -> None:
        """Again at the same address, if it has been there before."""
        command = [sys.executable, "-m", "barograph", "serve", str(self.folder), "--port", str(self.port)]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        said = self._process.stdout.readline()
        assert " at http://localhost:" in said, said + self._process.communicate(timeout=10)[1]
        self.port = int(said.strip().rstrip("/").rpartition(":")[2])

    def stop(self) -> None:
        self._process.send_signal(signal.SIGINT)
        self._process.communicate(timeout=20)

    def at(self, path: str = "/", **query: object) -> str:
        text = urlencode(query, doseq=True)
        return f"http://localhost:{self.port}{path}" + (f"?{text}" if text else "")


class Visits:
    """Pages, and what they have done."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._contexts: list[BrowserContext] = []
        self.asked: list[str] = []
        self.wrong: list[str] = []
        #: Whether the server may refuse or be gone: the browser then complains by itself.
        self.may_fail = False

    def open(self, address: str, *, width: int = WIDE, height: int = 900, waits: bool = True, **options: Any) -> Page:
        """A page of its own, as in a browser that was started just now."""
        context = self._browser.new_context(viewport={"width": width, "height": height}, **options)
        self._contexts.append(context)
        context.add_init_script(REFUSALS)
        context.set_default_timeout(30_000)
        page = context.new_page()
        page.on("request", lambda request: self.asked.append(request.url))
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self.wrong.append(f"error: {error}"))
        page.on("dialog", self._dismiss)
        page.goto(address)
        if waits:
            ready(page)
        return page

    def _hear(self, message: ConsoleMessage) -> None:
        is_of_network = message.text.startswith("Failed to load resource")
        is_of_test = "willReadFrequently" in message.text  # Tests look at the dots of a chart, the page does not.
        if message.type in {"error", "warning"} and not (self.may_fail and is_of_network) and not is_of_test:
            self.wrong.append(f"console: {message.text}")

    def _dismiss(self, dialog: Any) -> None:
        self.wrong.append(f"a dialog: {dialog.message}")
        dialog.dismiss()

    def close(self) -> None:
        for context in self._contexts:
            for page in context.pages:
                self.wrong += [f"refused: {one}" for one in page.evaluate("window.refused ?? []")]
            context.close()

    def assert_all_was_well(self) -> None:
        assert self.wrong == []
        elsewhere = [
            one for one in self.asked if not one.startswith(("http://localhost:", "file://", "data:", "blob:"))
        ]
        assert elsewhere == []


def ready(page: Page) -> None:
    page.wait_for_function(IS_READY)


def until(page: Page, condition: str, argument: object = None) -> None:
    """Until something is so on the page."""
    page.wait_for_function(condition, arg=argument)


def text(page: Page, selector: str) -> str:
    return " ".join(page.locator(selector).first.inner_text().split())


def press(page: Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def shown(page: Page, name: str) -> str:
    """The chart of that name, scrolled to and drawn."""
    board = f"#chart-{name} .board"
    page.locator(board).scroll_into_view_if_needed()
    page.locator(f"{board} canvas").wait_for()
    return board


def upright_lines(page: Page, board: str, colour: str) -> list[float]:
    """Where on a chart lines stand from top to bottom in a colour of the style sheet, as shares of its width."""
    found: list[float] = page.evaluate(UPRIGHT, [board, colour])
    return found


UPRIGHT = """([selector, colour]) => {
  const board = document.querySelector(selector);
  const canvas = board.querySelector("canvas");
  const over = board.querySelector(".u-over").getBoundingClientRect();
  const whole = canvas.getBoundingClientRect();
  const scale = canvas.width / whole.width;
  const probe = document.createElement("span");
  probe.style.color = `var(${colour})`;
  board.append(probe);
  const wanted = getComputedStyle(probe).color.match(/\\d+/g).map(Number);
  probe.remove();
  const [left, top] = [(over.left - whole.left) * scale, (over.top - whole.top) * scale].map(Math.round);
  const [width, height] = [over.width * scale, over.height * scale].map(Math.round);
  const dots = canvas.getContext("2d").getImageData(left, top, width, height).data;
  const found = [];
  for (let x = 0; x < width; x++) {
    let count = 0;
    for (let y = 0; y < height; y++) {
      const at = 4 * (y * width + x);
      if (dots[at + 3] > 200 && wanted.every((part, index) => Math.abs(dots[at + index] - part) < 40)) count++;
    }
    if (count > 0.7 * height && (found.length === 0 || x / width - found.at(-1) > 0.01)) found.push(x / width);
  }
  return found;
}"""
