"""`barograph serve` as somebody starts it: where it is, who may come in, and how it ends."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from pathlib import Path

import pytest
from click.testing import CliRunner

from barograph.cli import serve as command
from barograph.core.errors import ConfigurationError

BAROGRAPH = [sys.executable, "-m", "barograph"]
SECONDS = 20.0
TOKEN = "a-token-of-many-signs"


def done(*arguments: object, code: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    """What has ended by itself; `code` runs before the command."""
    start = [sys.executable, "-c", f"{code}\nfrom barograph.cli.main import main; main()"] if code else BAROGRAPH
    return subprocess.run(
        [*start, *map(str, arguments)], capture_output=True, text=True, check=False, timeout=60,
        env={**os.environ, "NO_COLOR": "1", "COLUMNS": "100", **environment},
    )  # fmt: skip


def hear_ctrl_c() -> None:
    """What a shell starts in the background ignores Ctrl-C, and so does what that starts, such as these tests."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


class Started:
    """A server that runs, and what it has said so far."""

    def __init__(self, *arguments: object, **environment: str) -> None:
        self.process = subprocess.Popen(
            [*BAROGRAPH, "serve", *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env={**os.environ, **environment},
            preexec_fn=hear_ctrl_c if os.name == "posix" else None,  # noqa: PLW1509 - one thread
        )  # fmt: skip
        assert self.process.stdout is not None
        self.said = self.process.stdout.readline()
        self.port = int((re.search(r":(\d+)/", self.said) or ["", "0"])[1])
        assert self.port, self.process.communicate(timeout=SECONDS)

    def ask(self, target: str, host: str = "localhost", **headers: str) -> tuple[int, bytes]:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=SECONDS)
        try:
            connection.request("GET", target, headers={"Host": host, **headers})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def end(self, number: int = signal.SIGINT) -> tuple[int, str, float]:
        """How it has ended, what it said then, and how long that took."""
        begun = time.monotonic()
        self.process.send_signal(number)
        said = self.process.communicate(timeout=SECONDS)[1]
        return self.process.returncode, said, time.monotonic() - begun

    def kill(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.communicate(timeout=SECONDS)


@pytest.fixture
def start() -> Iterator[Callable[..., Started]]:
    started: list[Started] = []

    def begin(*arguments: object, **environment: str) -> Started:
        started.append(Started(*arguments, "--port", 0, **environment))
        return started[-1]

    yield begin
    for one in started:
        one.kill()


@pytest.fixture
def runs(tmp_path: Path, project: Path) -> Path:
    (tmp_path / "runs").mkdir()
    for name in ("kto-sick", "kto-healthy"):
        (tmp_path / f"runs/{name}.jsonl").write_bytes((project / f"examples/{name}.jsonl").read_bytes())
    return tmp_path / "runs"


# What it says


def test_the_help_says_what_it_is_and_loads_nothing() -> None:
    said = done("serve", "--help", code=(
        "import atexit, sys\n"
        "atexit.register(lambda: print('loaded', [name for name in ('starlette', 'uvicorn', 'numpy') "
        "if name in sys.modules]))"
    ))  # fmt: skip
    assert said.returncode == 0
    assert said.stdout.startswith("Usage: ")
    assert all(option in said.stdout for option in ("[FOLDER]", "--port", "--host", "--token", "--open", "--config"))
    assert "BAROGRAPH_TOKEN" in said.stdout
    assert said.stdout.splitlines()[-1] == "loaded []"
    assert any(line.split()[:1] == ["serve"] for line in done("--help").stdout.splitlines())


def test_a_missing_library_is_one_sentence_that_names_the_extra(runs: Path) -> None:
    for library in ("starlette", "uvicorn"):
        said = done("serve", runs, "--port", 0, code=f"import sys; sys.modules[{library!r}] = None")
        assert (said.returncode, said.stdout) == (1, "")
        assert said.stderr.splitlines() == [
            f"barograph: the page needs {library}, which is not installed: pip install 'barograph[web]'"
        ]


def test_a_short_token_is_refused(runs: Path) -> None:
    said = done("serve", runs, "--port", 0, "--token", "x" * 15)
    assert (said.returncode, said.stdout) == (2, "")
    assert said.stderr == "barograph: a token of 15 signs is soon guessed; give 16 or more\n"
    assert "of 3 signs" in done("serve", runs, "--port", 0, BAROGRAPH_TOKEN="abc").stderr
    foreign = done("serve", runs, "--port", 0, "--token", "пароль-пароль-пароль")
    assert (foreign.returncode, foreign.stderr.count("\n")) == (2, 1)
    assert "ASCII" in foreign.stderr


@pytest.mark.parametrize("by", ["option", "barograph.toml"])
def test_settings_that_cannot_be_used_are_refused_before_there_is_a_page(runs: Path, tmp_path: Path, by: str) -> None:
    (tmp_path / "barograph.toml").write_text("[rules.NONE99]\nx = 1\n")
    given = ["--config", tmp_path / "barograph.toml"] if by == "option" else []
    said = subprocess.run(
        [*BAROGRAPH, "serve", str(runs), "--port", "0", *map(str, given)],
        capture_output=True, text=True, check=False, timeout=60, cwd=tmp_path if by != "option" else None,
    )  # fmt: skip
    assert (said.returncode, said.stdout) == (2, "")
    assert said.stderr.count("\n") == 1
    assert "NONE99" in said.stderr


def test_settings_that_are_not_there_are_one_sentence(runs: Path, tmp_path: Path) -> None:
    said = done("serve", runs, "--port", 0, "--config", tmp_path / "none.toml")
    assert (said.returncode, said.stderr.count("\n")) == (2, 1)
    assert "none.toml" in said.stderr


# Where it is


def test_a_port_that_was_named_and_is_taken_is_one_sentence(runs: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = done("serve", runs, "--port", port)
    assert (said.returncode, said.stdout) == (2, "")
    assert said.stderr.count("\n") == 1
    assert said.stderr.startswith(f"barograph: 127.0.0.1:{port}: ")
    assert "--port" in said.stderr


def test_where_the_usual_port_is_taken_the_next_one_is(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        monkeypatch.setattr(command, "PORT", port)
        with command._listening("127.0.0.1", None) as listening:
            assert port < listening.getsockname()[1] < port + command.TRIED
        monkeypatch.setattr(command, "TRIED", 1)
        with pytest.raises(ConfigurationError, match=f"^127.0.0.1:{port}: "):
            command._listening("127.0.0.1", None)


@pytest.mark.parametrize("host", ["203.0.113.7", "none.invalid", "x" * 100, "1::2::3"])
def test_an_address_that_is_not_of_this_machine_is_one_sentence(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[object] = []

    class Counted(socket.socket):
        def bind(self, address: object) -> None:
            tried.append(address)
            super().bind(address)  # type: ignore[arg-type]

    monkeypatch.setattr(socket, "socket", Counted)
    result = CliRunner().invoke(command.serve, ["--host", host])
    assert isinstance(result.exception, ConfigurationError)
    assert str(result.exception).startswith(host)
    assert result.stdout == ""
    assert len(tried) == 1, "another port does not help"


def test_it_serves_what_it_says_where_it_says(runs: Path, start: Callable[..., Started]) -> None:
    page = start(runs)
    assert page.said == f"{runs} at http://localhost:{page.port}/\n"
    assert page.ask("/")[0] == 200
    assert page.ask("/", host="evil.example")[0] == 421
    assert b'"kto-sick.jsonl"' in page.ask("/api/runs")[1]
    code, said, _ = page.end()
    assert (code, said.strip()) == (130, "interrupted")


def test_elsewhere_a_token_is_made_up_and_printed(runs: Path, start: Callable[..., Started]) -> None:
    page, other = start(runs, "--host", "0.0.0.0"), start(runs, "--host", "0.0.0.0")
    tokens = [re.search(r"/\?token=([\w-]+)$", one.said.strip()) for one in (page, other)]
    assert tokens[0] is not None
    assert tokens[1] is not None
    assert len(tokens[0][1]) >= 32
    assert tokens[0][1] != tokens[1][1]
    assert page.ask("/api/runs", host="gpu-7.lab.example")[0] == 401
    assert page.ask(f"/?token={tokens[0][1]}", host="gpu-7.lab.example")[0] == 303
    assert page.ask("/api/runs", host="gpu-7.lab.example", Authorization=f"Bearer {tokens[0][1]}")[0] == 200
    assert page.ask("/api/runs", Authorization=f"Bearer {tokens[1][1]}")[0] == 401


def test_a_token_that_was_chosen_can_be_clicked_whatever_signs_it_has(
    runs: Path, start: Callable[..., Started]
) -> None:
    token = 'x&y=z#%41 "quoted"+;'
    page = start(runs, BAROGRAPH_TOKEN=token)
    target = page.said.strip().rpartition("/")[2]
    assert page.ask("/")[0] == 401
    assert page.ask(f"/{target}")[0] == 303
    assert page.ask("/api/runs", Authorization=f"Bearer {token}")[0] == 200


@pytest.mark.parametrize("folder", ["none", "file.txt", "-", "s3://bucket/runs", "empty", "runs/*"])
def test_a_folder_without_runs_is_served_with_a_sentence(
    folder: str, tmp_path: Path, start: Callable[..., Started]
) -> None:
    (tmp_path / "file.txt").write_text("to do: train")
    (tmp_path / "empty").mkdir()
    page = start(folder if folder == "-" or "://" in folder else tmp_path / folder)
    status, body = page.ask("/api/runs")
    assert status == 200
    assert re.search(rb'"trouble":"[^"]{20,}', body)
    *said, last = filter(None, page.end()[1].splitlines())
    assert last == "interrupted"
    assert len(said) == (folder in {"none", "runs/*"})  # Somebody may have mistyped it.
    assert all("does not exist yet" in line for line in said)


# How it ends


@pytest.mark.skipif(sys.platform == "win32", reason="signals are not sent there")
def test_ctrl_c_ends_it_while_pages_are_open(runs: Path, start: Callable[..., Started]) -> None:
    page = start(runs)
    streams = [socket.create_connection(("127.0.0.1", page.port)) for _ in range(5)]
    for stream in streams:
        stream.sendall(b"GET /events?list&run=kto-sick.jsonl HTTP/1.1\r\nHost: localhost\r\n\r\n")
        said = b""
        while b"data:" not in said:
            said += stream.recv(65_536)
    code, words, took = page.end()
    for stream in streams:
        stream.close()
    assert (code, words.strip()) == (130, "interrupted")
    assert took < 3.0


@pytest.mark.skipif(sys.platform == "win32", reason="signals are not sent there")
def test_ctrl_c_ends_it_while_it_looks_through_many_runs(tmp_path: Path, start: Callable[..., Started]) -> None:
    text = "".join(f'{{"step": {step}, "loss": 0.5, "rewards/margins": 0.1}}\n' for step in range(1, 2_001))
    for number in range(300):
        (tmp_path / f"{number}.jsonl").write_text(text)
    page = start(tmp_path)
    assert page.ask("/api/runs")[0] == 200
    code, said, took = page.end()
    assert (code, said.strip()) == (130, "interrupted")
    assert took < 3.0


@pytest.mark.skipif(sys.platform == "win32", reason="signals are not sent there")
def test_being_told_to_end_it_ends(runs: Path, start: Callable[..., Started]) -> None:
    page = start(runs)
    assert page.ask("/api/runs")[0] == 200
    code, said, _ = page.end(signal.SIGTERM)
    assert (code, said) == (-signal.SIGTERM, "")
