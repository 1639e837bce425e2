"""Alerts reach real servers and real commands on this machine; those that cannot be reached hold up nothing."""

from __future__ import annotations

import json
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from click.testing import CliRunner

from barograph.cli.main import cli
from barograph.core.decision import Decision, Deed
from barograph.core.finding import Finding, Severity
from barograph.core.live_settings import AlertSettings
from barograph.sinks.alerts import deliver
from barograph.sinks.alerts.channels import Channel, channels, shape_of
from barograph.sinks.alerts.limit import Limit
from barograph.sinks.alerts.listener import MOST_UNDER_WAY, Alerts
from barograph.sinks.alerts.message import of_finding

INVERTED = Finding(
    "PREF03",
    "margin-inverted",
    Severity.CRITICAL,
    90,
    120,
    "reward_margin",
    "the margin is negative <!channel>",
    {"onset": 88.0, "value": float("nan")},
    ("Stop the run", "Check the labels"),
)


class Server:
    """A server that keeps what it is sent."""

    def __init__(self, answer: int = 200) -> None:
        self.taken: list[tuple[str, dict[str, str], bytes]] = []
        taken = self.taken

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                taken.append((self.path, dict(self.headers), body))
                self.send_response(answer)
                if answer == 302:
                    self.send_header("Location", "/elsewhere")
                self.end_headers()

            def log_message(self, *arguments: object) -> None:
                """Say nothing."""

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.http.serve_forever, args=(0.01,), daemon=True).start()
        self.address = f"127.0.0.1:{self.http.server_address[1]}"

    def close(self) -> None:
        self.http.shutdown()
        self.http.server_close()


@pytest.fixture(autouse=True)
def _nobody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BAROGRAPH_ALERT", raising=False)


@pytest.fixture
def server() -> Iterator[Server]:
    with closing(Server()) as started:
        yield started


@pytest.fixture
def hanging() -> Iterator[str]:
    """A port that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/hook"


@pytest.fixture
def refusing() -> str:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return f"http://127.0.0.1:{listening.getsockname()[1]}/s3cret"


def listening_to(
    told: list[str],
    *,
    clock: Callable[[], float] = time.monotonic,
    environment: dict[str, str] | None = None,
    **more: object,
) -> Alerts:
    alerts = Alerts(AlertSettings(**more), told.append, environment=environment or {}, clock=clock)  # type: ignore[arg-type]
    alerts.started("runs/kto", "kto", {})
    return alerts


# What arrives


def test_a_finding_arrives_as_plain_json(server: Server) -> None:
    told: list[str] = []
    alerts = listening_to(told, webhooks=(f"http://{server.address}/hook?key=s3cret",))
    alerts.found(INVERTED)
    alerts.ended(None)
    [(path, headers, body)] = server.taken
    data = json.loads(body)
    assert path == "/hook?key=s3cret"
    assert headers["Content-Type"] == "application/json"
    assert (data["kind"], data["code"], data["step"], data["severity"]) == ("finding", "PREF03", 120, "critical")
    assert data["run"] == "runs/kto"
    assert data["finding"]["evidence"] == {"onset": 88.0, "value": "nan"}
    assert data["text"] == "Step 120: the margin is negative <!channel>. Stop the run."
    assert told == []


def test_a_decision_arrives_and_advice_does_not(server: Server) -> None:
    alerts = listening_to([], webhooks=(f"http://{server.address}/",))
    alerts.decided(Decision(Deed.ADVISE, 6, ("NUM01",), "do this"))
    alerts.decided(Decision(Deed.RESCUE, 7, ("NUM01",), "gone back to step 3", 3, "out/checkpoint-3", 0.5))
    alerts.ended(None)
    [(_, _, body)] = server.taken
    assert (json.loads(body)["title"], json.loads(body)["decision"]["checkpoint"]) == ("Guard: rescue", 3)


@pytest.mark.parametrize(
    ("address", "shape", "plain"),
    [
        ("https://hooks.slack.com/services/T/B/x", "slack", "https://hooks.slack.com/services/T/B/x"),
        ("https://discord.com/api/webhooks/1/x", "discord", "https://discord.com/api/webhooks/1/x"),
        ("https://ntfy.sh/my-runs", "ntfy", "https://ntfy.sh/my-runs"),
        ("https://ntfy.example.org/my-runs", "ntfy", "https://ntfy.example.org/my-runs"),
        ("slack+https://mattermost.example.org/hooks/x", "slack", "https://mattermost.example.org/hooks/x"),
        ("https://example.org/hook", "json", "https://example.org/hook"),
        ("https://example.org/hooks.slack.com", "json", "https://example.org/hooks.slack.com"),
    ],
)
def test_the_shape_follows_from_the_address(address: str, shape: str, plain: str) -> None:
    assert shape_of(address) == (shape, plain)


def test_slack_gets_a_text_in_which_nobody_is_mentioned(server: Server) -> None:
    alerts = listening_to([], webhooks=(f"slack+http://{server.address}/services/x",))
    alerts.found(INVERTED)
    alerts.ended(None)
    [(_, _, body)] = server.taken
    assert list(json.loads(body)) == ["text"]
    assert "&lt;!channel&gt;" in json.loads(body)["text"]


def test_discord_gets_a_content_of_a_length_it_takes(server: Server) -> None:
    alerts = listening_to([], webhooks=(f"discord+http://{server.address}/api/webhooks/1/x",))
    long = Finding("X1", "x", Severity.CRITICAL, 1, 1, "loss", "@everyone " * 400)
    alerts.found(long)
    alerts.ended(None)
    [(_, headers, body)] = server.taken
    assert len(json.loads(body)["content"]) <= 2000
    assert json.loads(body)["allowed_mentions"] == {"parse": []}
    assert not headers["User-Agent"].startswith("Python-urllib")


def test_ntfy_gets_plain_text_with_headers(server: Server) -> None:
    alerts = listening_to([], webhooks=(f"ntfy+http://user:pass%20word@{server.address}/my-runs",))
    alerts.found(INVERTED)
    alerts.ended(None)
    [(path, headers, body)] = server.taken
    assert (path, headers["Title"], headers["Priority"]) == ("/my-runs", "PREF03 margin-inverted (critical)", "urgent")
    assert body.decode().splitlines()[0].startswith("Step 120: the margin is negative")
    assert headers["Authorization"] == "Basic dXNlcjpwYXNzIHdvcmQ="  # base64 of "user:pass word"


def test_a_command_gets_the_finding_on_its_standard_input_and_in_its_environment(tmp_path: Path) -> None:
    script = tmp_path / "take.py"
    script.write_text(
        "import json, os, pathlib, sys\n"
        "got = [json.load(sys.stdin)['finding']['code'], os.environ['BAROGRAPH_CODE'], os.environ['BAROGRAPH_TEXT']]\n"
        f"pathlib.Path({str(tmp_path / 'got.json')!r}).write_text(json.dumps(got))\n"
    )
    trap = Finding("PREF03", "x", Severity.CRITICAL, 1, 1, "loss", f"$(touch {tmp_path / 'trap'}); `id`\0")
    told: list[str] = []
    alerts = listening_to(told, commands=(f'"{sys.executable}" "{script}"',))
    alerts.found(trap)
    alerts.ended(None)
    assert told == []
    by_input, code, text = json.loads((tmp_path / "got.json").read_text())
    assert (by_input, code) == ("PREF03", "PREF03")
    assert text.startswith("Step 1: $(touch")
    assert not (tmp_path / "trap").exists()


def test_the_desktop_is_told_by_the_program_of_the_system(monkeypatch: pytest.MonkeyPatch) -> None:
    desktop = Channel("desktop", "desktop")
    message = of_finding(INVERTED, "runs/kto")
    programs = {}
    for platform in ("linux", "darwin", "win32"):
        monkeypatch.setattr(sys, "platform", platform)
        programs[platform] = desktop.parcel(message)["program"]
    assert programs["linux"][0] == "notify-send"  # type: ignore[index]
    assert programs["darwin"][0] == "osascript"  # type: ignore[index]
    assert programs["win32"][0] == "powershell"  # type: ignore[index]
    # What a finding says never becomes part of a program.
    assert not any("negative" in part for part in programs["win32"])  # type: ignore[attr-defined]
    assert "negative" not in programs["darwin"][2]  # type: ignore[index]


# What does not


def test_a_dead_endpoint_holds_up_nothing_and_is_told_without_its_secret(refusing: str) -> None:
    told: list[str] = []
    alerts = listening_to(told, webhooks=(refusing,))
    alerts.found(INVERTED)
    alerts.ended(None)
    assert told == [
        "an alert by json at 127.0.0.1 was not delivered: the server cannot be reached (Connection refused)"
    ]


def test_a_hanging_server_holds_up_nothing(hanging: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("barograph.sinks.alerts.listener.PATIENCE", 0.2)
    told: list[str] = []
    alerts = listening_to(told, webhooks=(hanging,), pause=0)
    started = time.perf_counter()
    for _ in range(MOST_UNDER_WAY + 3):
        alerts.found(INVERTED)
    took = time.perf_counter() - started
    under_way = len(alerts._under_way)
    alerts.ended(None)
    assert under_way == MOST_UNDER_WAY
    # Its server alone would take five seconds to be given up, eight times over.
    assert took < deliver.ANSWER
    assert told == [f"alerts are not getting through: {MOST_UNDER_WAY} are still under way, others are left out"] * 3


def test_a_hanging_server_is_given_up(hanging: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deliver, "ANSWER", 0.1)
    problem = deliver.deliver({"address": hanging, "headers": {}, "input": "{}"})
    assert problem == "the server did not answer within 0.1 seconds"


@pytest.mark.parametrize(("answer", "problem"), [(404, "the server answered 404"), (302, "the server answered 302")])
def test_a_server_that_does_not_take_it(answer: int, problem: str) -> None:
    with closing(Server(answer)) as unwilling:
        assert deliver.deliver({"address": f"http://{unwilling.address}/x", "headers": {}, "input": ""}) == problem
        assert len(unwilling.taken) == 1


@pytest.mark.parametrize("address", ["file:///etc/passwd", "ftp://example.org/x", "nonsense", "http://"])
def test_other_addresses_are_refused_without_being_quoted(address: str) -> None:
    problem = deliver.deliver({"address": address, "headers": {}, "input": ""})
    assert problem
    assert "passwd" not in problem
    assert "example" not in problem


def test_a_command_that_fails_or_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    assert deliver.deliver({"shell": "exit 3", "input": ""}) == "the command ended with 3"
    monkeypatch.setattr(deliver, "COMMAND", 0.1)
    hang = f'"{sys.executable}" -c "import time; time.sleep(2)"'
    assert deliver.deliver({"shell": f"exec {hang}", "input": ""}) == "the command did not end within 0.1 seconds"
    assert deliver.deliver({"program": ["no-such-program-here"], "input": ""}).endswith("is not installed")


def test_no_process_can_be_started(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: object, **named: object) -> None:
        raise BlockingIOError("no more processes")

    monkeypatch.setattr("subprocess.Popen", refuse)
    told: list[str] = []
    listening_to(told, commands=("true",)).found(INVERTED)
    assert told == ["no alert by command 1: BlockingIOError"]


def test_secrets_are_not_shown() -> None:
    settings = AlertSettings(webhooks=("https://user:pw@example.org/s3cret",), commands=("call s3cret",))
    assert "s3cret" not in repr(settings)
    assert [channel.name for channel in channels(settings, {})] == ["json at example.org", "command 1"]


# How often, and who


def test_the_limit_is_by_code_and_by_hour() -> None:
    limit = Limit(pause=60, most_an_hour=3)
    assert [limit.admits("A", now) for now in (0, 59, 60)] == [True, False, True]
    assert limit.take_held() == 1
    assert limit.admits("B", 61)
    assert not limit.admits("C", 62)
    assert not limit.admits("C", 3599)
    assert limit.admits("C", 3600)
    assert limit.take_held() == 2
    assert limit.take_held() == 0


def test_what_was_held_back_is_counted_in_the_next(server: Server) -> None:
    now = 0.0
    alerts = listening_to([], webhooks=(f"http://{server.address}/",), clock=lambda: now)
    for _ in range(4):
        alerts.found(INVERTED)
    now = 61.0
    alerts.found(INVERTED)
    alerts.ended(None)
    assert sorted(json.loads(body)["held_back"] for _, _, body in server.taken) == [0, 3]


@pytest.mark.parametrize(("severity", "expected"), [(Severity.CRITICAL, 0), (Severity.WARNING, 1)])
def test_milder_findings_are_left_out(server: Server, severity: Severity, expected: int) -> None:
    alerts = listening_to([], webhooks=(f"http://{server.address}/",), severity=severity)
    alerts.found(Finding("X1", "x", Severity.WARNING, 1, 1, "loss", "hm"))
    alerts.ended(None)
    assert len(server.taken) == expected


@pytest.mark.parametrize(
    ("value", "kinds"),
    [
        ("https://ntfy.sh/x", ["webhook"]),
        ("desktop", ["desktop"]),
        ("say 'see https://example.org'", ["command"]),
        ("  ", []),
    ],
)
def test_the_environment_names_one_more(value: str, kinds: list[str]) -> None:
    assert [channel.kind for channel in channels(AlertSettings(), {"BAROGRAPH_ALERT": value})] == kinds


def test_the_command_line_tries_them(tmp_path: Path, server: Server, refusing: str) -> None:
    good = tmp_path / "good.toml"
    good.write_text(f'[alerts]\nwebhooks = ["http://{server.address}/s3cret"]\n')
    done = CliRunner().invoke(cli, ["alerts", "--test", "--config", str(good)])
    assert (done.exit_code, done.stdout) == (0, "json at 127.0.0.1: delivered\n")
    assert json.loads(server.taken[0][2])["kind"] == "trial"
    bad = tmp_path / "bad.toml"
    bad.write_text(f'[alerts]\nwebhooks = ["{refusing}"]\n')
    done = CliRunner().invoke(cli, ["alerts", "--test", "--config", str(bad)])
    assert done.exit_code == 1
    assert "cannot be reached" in done.stdout
    assert "s3cret" not in done.output
    assert CliRunner().invoke(cli, ["alerts", "--config", str(bad)]).stdout == "json at 127.0.0.1\n"


def test_nobody_is_alerted(tmp_path: Path) -> None:
    empty = tmp_path / "barograph.toml"
    empty.write_text("")
    assert CliRunner().invoke(cli, ["alerts", "--config", str(empty)]).exit_code == 0
    assert CliRunner().invoke(cli, ["alerts", "--test", "--config", str(empty)]).exit_code == 1
