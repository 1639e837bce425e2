"""Logs that grow, and a real server that is asked over a socket, so that nothing tidies an address up on its way."""

from __future__ import annotations

import json
import select
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from barograph.engine.settings import Settings
from barograph.web import app as addresses
from barograph.web.listen import server_of
from barograph.web.room import Room

if TYPE_CHECKING:
    import pytest

T = TypeVar("T")

#: Longer than anything here takes, on a busy machine too.
SECONDS = 20.0


def lines(begin: int, end: int, **more: object) -> str:
    """Rows of a run from one step to before another."""
    rows = (
        {"step": step, "loss": 0.7 - 0.001 * step, "rewards/margins": 0.01 * step, **more} for step in range(begin, end)
    )
    return "".join(json.dumps(row) + "\n" for row in rows)


def append(path: Path, text: str) -> None:
    with path.open("a") as file:
        file.write(text)


def until(ask: Callable[[], T], seconds: float = SECONDS) -> T:
    """What is asked for, once it is there."""
    end = time.monotonic() + seconds
    while not (answer := ask()):
        assert time.monotonic() < end, "it never came"
        time.sleep(0.01)
    return answer


def read(room: Room, key: str) -> dict[str, Any]:
    """A run, once it is read and judged."""
    return until(lambda: answer if (answer := room.run(key))["is_read"] else None)


def strict(text: str | bytes) -> Any:
    """JSON as its grammar has it, without the numbers that Python adds."""

    def refuse(name: str) -> None:
        raise AssertionError(f"{name} is not JSON")

    return json.loads(text, parse_constant=refuse)


class Reply(NamedTuple):
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        assert self.headers["content-type"] == "application/json"
        return strict(self.body)


class Served(NamedTuple):
    """A server that runs."""

    port: int
    inside: addresses._Inside

    def ask(self, target: str, method: str = "GET", host: str = "", **headers: str) -> Reply:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=SECONDS)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        try:
            connection.request(method, target, headers={"Host": host or f"localhost:{self.port}", **named})
            answer = connection.getresponse()
            known = {name.lower(): value for name, value in answer.getheaders()}
            return Reply(answer.status, known, b"" if is_stream(known) else answer.read())
        finally:
            connection.close()

    def listen(self, target: str, receives: int = 0) -> Listener:
        return Listener(self.port, target, receives)


def is_stream(headers: Mapping[str, str]) -> bool:
    return headers.get("content-type", "").startswith("text/event-stream")


class Listener:
    """A page that holds a stream open."""

    def __init__(self, port: int, target: str, receives: int = 0) -> None:
        self.socket = socket.socket()
        if receives:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receives)
        self.socket.settimeout(SECONDS)
        self.socket.connect(("127.0.0.1", port))
        self.socket.sendall(f"GET {target} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        self._text = ""

    def line(self, begins: str) -> str:
        """The next line that begins so, without its beginning."""
        while True:
            head, end, rest = self._text.partition("\n")
            if not end:
                block = self.socket.recv(65_536)
                assert block, f"the stream has ended: {self._text!r}"
                self._text += block.decode()
                continue
            self._text = rest
            if head.startswith(begins):
                return head.removeprefix(begins).strip()

    def has_news(self, seconds: float) -> bool:
        """Whether an event comes within so long."""
        end = time.monotonic() + seconds
        while "data:" not in self._text and select.select([self.socket], [], [], max(0.0, end - time.monotonic()))[0]:
            self._text += self.socket.recv(65_536).decode()
        return "data:" in self._text

    def news(self) -> Any:
        """The next event."""
        return strict(self.line("data:"))

    def close(self) -> None:
        self.socket.close()


@contextmanager
def served(root: Path, patch: pytest.MonkeyPatch, **named: Any) -> Iterator[Served]:
    """A folder of runs as `barograph serve` serves it."""
    made: list[addresses._Inside] = []

    class Seen(addresses._Inside):
        def __init__(self, make_room: Callable[[], Room], is_ending: Callable[[], bool]) -> None:
            super().__init__(make_room, is_ending)
            made.append(self)

    patch.setattr(addresses, "_Inside", Seen)
    named = {"names": ("127.0.0.1",), "make_room": lambda: Room(str(root), Settings()), **named}
    server = server_of(lambda is_ending: addresses.application(is_ending=is_ending, **named), last_words=1)
    with socket.create_server(("127.0.0.1", 0), backlog=512) as listening:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            until(lambda: server.started)
            yield Served(listening.getsockname()[1], made[0])
        finally:
            server.should_exit = True
            thread.join(SECONDS)
            assert not thread.is_alive(), "it does not end"
