"""Find a browser for the tests that drive one; where there is none, try to install one.

python tools/browser.py    # as `make setup-browser`: says which it is; never fails, for tests without one are skipped
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
#: What apt installs: charts and pages hold text, so that a font is needed too.
PACKAGES = ("chromium", "fonts-dejavu-core")
#: Seconds that may pass until a browser says which it is, and until an attempt to install one is given up.
ANSWERS, INSTALLS = 30, 600
#: Where a download is refused, that is known soon: milliseconds until one that does not connect is given up.
CONNECTS = "10000"


def browser() -> str | None:
    """The first browser of the kind that is there and runs, or None."""
    return next((path for path in _candidates() if _runs([path, "--version"], ANSWERS)), None)


def _candidates() -> Iterator[str]:
    yield from filter(None, map(shutil.which, NAMES))
    mac = Path("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome")
    if mac.exists():
        yield str(mac)
    yield from _playwrights_own()


def _playwrights_own() -> Iterator[str]:
    try:
        from playwright.sync_api import sync_playwright
    except ModuleNotFoundError:
        return
    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    if Path(path).exists():
        yield path


def install() -> None:
    """By Playwright, which needs its own server to be reachable; then by apt, which needs to be root."""
    print("looking for a browser: Playwright is asked for one", flush=True)
    quickly = {**os.environ, "PLAYWRIGHT_DOWNLOAD_CONNECTION_TIMEOUT": CONNECTS}
    if _runs([sys.executable, "-m", "playwright", "install", "chromium"], INSTALLS, quickly) and browser() is not None:
        return
    if shutil.which("apt-get") is None:
        return
    is_root = hasattr(os, "geteuid") and os.geteuid() == 0
    if not is_root and not (shutil.which("sudo") and _runs(["sudo", "-n", "true"], ANSWERS)):
        return
    as_root = [] if is_root else ["sudo", "-n"]
    print(f"looking for a browser: apt is asked for {' and '.join(PACKAGES)}", flush=True)
    _runs([*as_root, "apt-get", "update", "-qq"], INSTALLS)
    _runs([*as_root, "apt-get", "install", "-y", "-qq", *PACKAGES], INSTALLS)


def _runs(command: list[str], seconds: float, environment: dict[str, str] | None = None) -> bool:
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, timeout=seconds, env=environment, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def main() -> None:
    """Say which browser there is, after an attempt to have one."""
    path = browser()
    if path is None:
        install()
        path = browser()
    print(f"browser: {path}" if path else "no browser is here, and none could be installed: tests that drive one are "
          "skipped (in CI they fail); install Chromium or Chrome and run this again")  # fmt: skip


if __name__ == "__main__":
    main()
