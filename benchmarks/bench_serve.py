"""How soon is there something to see? The live page beside TensorBoard and trackio, on the same data.

    python benchmarks/bench_serve.py            # up to 1,000,000 rows, 200 runs; some minutes
    python benchmarks/bench_serve.py --quick    # no million rows, no rivals

Needs the `web` extra. A chromium is driven where there is one (playwright); rivals are timed where they are installed:
pip install tensorboard torch trackio. Seconds are counted from the start of the process, or from opening the address.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from bench_check import write_log

#: The two runs of the comparison with rivals.
PEER_RUNS, PEER_ROWS = 2, 10_000
BROWSER = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
DRAWN = "document.querySelector('.board canvas') !== null"


class Server:
    """A page that is being served."""

    def __init__(self, command: Sequence[str], port: int, environment: dict[str, str] | None = None) -> None:
        self.address = f"http://127.0.0.1:{port}"
        self.begun = time.perf_counter()
        self.process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ, **(environment or {})}
        )

    def get(self, path: str, **asked: Any) -> bytes:
        query = f"?{urlencode(asked, doseq=True)}" if asked else ""
        with urllib.request.urlopen(f"{self.address}{path}{query}") as answer:
            found: bytes = answer.read()
        return found

    def ask(self, path: str, **asked: Any) -> Any:
        return json.loads(self.get(path, **asked))

    def until_it_answers(self, path: str = "/", longest: float = 120) -> float:
        while time.perf_counter() - self.begun < longest:
            try:
                self.get(path)
            except OSError:
                time.sleep(0.005)
            else:
                return time.perf_counter() - self.begun
        raise SystemExit(f"{self.address} does not answer")


@contextmanager
def served(folder: Path, cache: Path | None = None) -> Iterator[Server]:
    port = free_port()
    command = [sys.executable, "-m", "barograph", "serve", str(folder), "--port", str(port)]
    server = Server(command, port, {"BAROGRAPH_CACHE": str(cache) if cache is not None else "off"})
    try:
        yield server
    finally:
        server.process.terminate()
        server.process.wait(10)


def free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def say(what: str, seconds: float, more: str = "") -> None:
    print(f"  {what:58}{seconds:8.2f} s  {more}")


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    begun = time.perf_counter()
    found = work()
    return time.perf_counter() - begun, found


# One run


def one_run(folder: Path, rows: int, browser: Any) -> None:
    log = folder / f"{rows}.jsonl"
    write_log(log, rows)
    print(f"\none run of {rows:,} rows and 12 metrics ({log.stat().st_size >> 20} MB)")
    for cache in (folder / "cache-of-first", folder / "cache-of-first"):
        kept = "columns kept from the last time" if cache.exists() else "read for the first time"
        cache.mkdir(exist_ok=True)
        with served(log, cache) as server:
            say(f"{kept}: the port answers", server.until_it_answers())
            opened = time.perf_counter()
            first = server.ask("/api/run", run=log.name)
            names = [panel["name"] for panel in first["panels"]]
            charts = server.get("/api/charts", run=log.name, chart=names)
            sketched = "a sketch" if first["is_sketch"] else "all rows"
            say(f"{kept}: data of all series", time.perf_counter() - opened, f"{sketched}, {len(charts) >> 10} kB")
            while not (first := server.ask("/api/run", run=log.name))["is_read"]:
                time.sleep(0.02)
            say(f"{kept}: read and judged", time.perf_counter() - opened, first["diagnosis"]["verdict"])
            again, _ = timed(lambda: server.get("/api/charts", run=log.name, chart=names))  # noqa: B023 - called here
            say(f"{kept}: data of all series once more", again)
            span = {"from": rows // 2, "to": rows // 2 + rows // 100}
            zoomed, _ = timed(lambda: server.get("/api/charts", run=log.name, chart=names, **span))  # noqa: B023
            say(f"{kept}: the same, zoomed in to one hundredth", zoomed)
    if browser is not None:
        with served(log, folder / "cache-of-browser") as server:
            server.until_it_answers()
            say("in a browser: the first chart is drawn", first_chart(browser, f"{server.address}/run?run={log.name}"))


def first_chart(browser: Any, address: str, drawn: str = DRAWN) -> float:
    page = browser.new_page()
    begun = time.perf_counter()
    page.goto(address, wait_until="commit")
    page.wait_for_function(drawn, timeout=60_000)
    spent = time.perf_counter() - begun
    page.close()
    return spent


# Many runs


def many_runs(folder: Path, many: int, rows: int, browser: Any) -> None:
    runs = folder / "many"
    runs.mkdir()
    for number in range(many):
        write_log(runs / f"run-{number:03}.jsonl", rows)
    names = sorted(path.name for path in runs.iterdir())
    print(f"\n{many} runs of {rows:,} rows")
    with served(runs) as server:
        server.until_it_answers()
        if browser is not None:
            page = browser.new_page()
            begun = time.perf_counter()
            page.goto(server.address, wait_until="commit")
            page.wait_for_selector("table.runs tbody tr", timeout=60_000)
            say("in a browser: the first run is on the list", time.perf_counter() - begun)
            page.wait_for_function(f"document.querySelector('h1').textContent.includes('{many} healthy')",
                                   timeout=120_000)  # fmt: skip
            say("in a browser: all are judged", time.perf_counter() - begun)
            spent = page.evaluate(
                "() => { const field = document.getElementById('filter'); const begun = performance.now();"
                " field.value = 'run-1'; field.dispatchEvent(new Event('input')); return performance.now() - begun; }"
            )
            say("in a browser: filtering the list", spent / 1000)
            page.close()
        stream = urllib.request.urlopen(f"{server.address}/events?list=1")
        while sum("verdict" in run for run in server.ask("/api/runs")["runs"]) < many:
            time.sleep(0.05)
        say("all are judged", time.perf_counter() - server.begun)
        spent, text = timed(lambda: server.get("/api/runs"))
        say("the list", spent, f"{len(text) >> 10} kB")
        stream.close()
        chosen = names[:50]
        spent, found = timed(lambda: server.ask("/api/compare", run=chosen))
        say("50 runs compared, each read for the first time", spent)
        panels = [panel["name"] for panel in found["panels"]]
        spent, text = timed(lambda: server.get("/api/compared", run=chosen, chart=panels[:6], places=100))
        say("their first six charts", spent, f"{len(text) >> 10} kB")
        if browser is not None:
            address = f"{server.address}/compare?{urlencode({'run': chosen}, doseq=True)}"
            say("in a browser: the first chart of 50 runs", first_chart(browser, address))


# Live


def live(folder: Path) -> None:
    """From a row to the event that tells of it, and what goes over the wire while nothing happens."""
    print("\nlive")
    log = folder / "live.jsonl"
    write_log(log, 10_000)
    last = log.read_text().splitlines()[-1]
    with served(log) as server:
        server.until_it_answers()
        server.ask("/api/run", run=log.name)
        events: list[tuple[float, int]] = []

        def listen() -> None:
            with urllib.request.urlopen(f"{server.address}/events?run={log.name}") as stream:
                events.extend((time.perf_counter(), len(line)) for line in stream)

        threading.Thread(target=listen, daemon=True).start()
        time.sleep(2)
        waits = []
        for number in range(20):
            with log.open("a") as file:
                file.write(json.dumps({**json.loads(last), "step": 10_001 + number}) + "\n")
            begun, known = time.perf_counter(), len(events)
            while not any(size > 4 for _, size in events[known:]):
                time.sleep(0.005)
            waits.append(events[-1][0] - begun)
            time.sleep(0.6)
        say("a new row is told of: median", statistics.median(waits), f"longest {max(waits):.2f} s")
        begun, known = time.perf_counter(), len(events)
        time.sleep(10)
        idle = sum(size for _, size in events[known:])
        print(f"  {'ten idle seconds':58}{idle:8} bytes in one stream, no request")


# Rivals


def rivals(folder: Path, browser: Any) -> None:
    runs = folder / "peers"
    runs.mkdir()
    for number in range(PEER_RUNS):
        write_log(runs / f"run-{number}.jsonl", PEER_ROWS)
    rows = {path.stem: [json.loads(line) for line in path.open()] for path in sorted(runs.iterdir())}
    print(f"\nbeside rivals: {PEER_RUNS} runs of {PEER_ROWS:,} rows and 12 metrics")
    with served(runs) as server:
        say("barograph: the port answers", server.until_it_answers())
        said = first_chart(browser, f"{server.address}/run?run=run-0.jsonl") if browser is not None else None
        tell_first("barograph", said)
    if find_spec("tensorboard") and find_spec("torch"):
        tensorboard(folder / "events", rows, browser)
    else:
        print("  TensorBoard is not installed")
    if find_spec("trackio"):
        trackio(folder / "trackio", rows, browser)
    else:
        print("  trackio is not installed")


def tell_first(name: str, seconds: float | None) -> None:
    if seconds is not None:
        say(f"{name}: in a browser: the first chart is drawn", seconds)


def tensorboard(folder: Path, rows: dict[str, list[dict[str, float]]], browser: Any) -> None:
    from torch.utils.tensorboard import SummaryWriter

    for run, logged in rows.items():
        with SummaryWriter(str(folder / run)) as writer:
            for row in logged:
                for name, value in row.items():
                    if name != "step":
                        writer.add_scalar(name, value, row["step"])
    port = free_port()
    command = [sys.executable, "-m", "tensorboard.main", "--logdir", str(folder), "--port", str(port)]
    server = Server(command, port)
    try:
        say("TensorBoard: the port answers", server.until_it_answers())
        drawn = """(() => { const all = (root) => [...root.querySelectorAll('*')].flatMap(
            (one) => one.shadowRoot ? [one, ...all(one.shadowRoot)] : [one]);
            return all(document).some((one) => one.matches('line-chart canvas, line-chart svg path')); })()"""
        tell_first("TensorBoard", first_chart(browser, server.address, drawn) if browser is not None else None)
    finally:
        server.process.terminate()
        server.process.wait(10)


def trackio(folder: Path, rows: dict[str, list[dict[str, float]]], browser: Any) -> None:
    environment = {"TRACKIO_DIR": str(folder), "HF_HUB_OFFLINE": "1"}
    script = (
        "import json, sys, trackio\n"
        "for run, rows in json.load(sys.stdin).items():\n"
        "    trackio.init(project='bench', name=run)\n"
        "    for row in rows: trackio.log(row, step=row['step'])\n"
        "    trackio.finish()\n"
    )
    subprocess.run([sys.executable, "-c", script], input=json.dumps(rows), text=True, check=True,
                   env={**os.environ, **environment}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # fmt: skip
    port = free_port()
    command = [
        sys.executable,
        "-c",
        "import trackio; trackio.show(project='bench', block_thread=True, open_browser=False)",
    ]
    server = Server(command, port, {**environment, "GRADIO_SERVER_PORT": str(port), "PORT": str(port)})
    try:
        say("trackio: the port answers", server.until_it_answers())
        drawn = "document.querySelector('canvas, svg.marks, .vega-embed svg, .plot svg') !== null"
        tell_first("trackio", first_chart(browser, f"{server.address}/?project=bench", drawn) if browser else None)
    finally:
        server.process.terminate()
        server.process.wait(10)


@contextmanager
def a_browser() -> Iterator[Any]:
    """One, if there is one and something to drive it."""
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if found is None or not find_spec("playwright"):
        print("no browser: what is drawn is not timed")
        yield None
        return
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        # What is asked of the page from outside is no part of it, and not bound by its rules.
        yield driver.chromium.launch(executable_path=found, args=BROWSER).new_context(bypass_csp=True)


def main() -> None:
    """Every figure once; the port is answered for the first time in a fresh process each time."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--quick", action="store_true", help="no million rows, no rivals")
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory() as spare, a_browser() as browser:
        folder = Path(spare)
        for rows in (1_000, 100_000, *(() if given.quick else (1_000_000,))):
            inside = folder / str(rows)
            inside.mkdir()
            one_run(inside, rows, browser)
        many_runs(folder, 200, 500, browser)
        live(folder)
        if not given.quick:
            rivals(folder, browser)


if __name__ == "__main__":
    main()
