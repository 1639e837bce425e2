"""Serving an application on a socket that listens already."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

import uvicorn

if TYPE_CHECKING:
    from starlette.types import ASGIApp

__all__ = ["AppUntil", "serve_on", "server_of"]

AppUntil: TypeAlias = "Callable[[Callable[[], bool]], ASGIApp]"


def server_of(app_until: AppUntil, *, last_words: int) -> uvicorn.Server:
    """A server of the application that is made of a call which says whether the server has been told to end.

    What is under way then has `last_words` seconds to end by itself; what has not is broken off, with a traceback.
    """
    server: uvicorn.Server
    settings = uvicorn.Config(
        app_until(lambda: server.should_exit), log_level="warning", access_log=False, server_header=False,
        date_header=False, ws="none", timeout_graceful_shutdown=last_words, timeout_keep_alive=30, loop="asyncio",
        http="h11",
    )  # fmt: skip
    server = uvicorn.Server(settings)
    return server


def serve_on(listening: socket.socket, app_until: AppUntil, *, last_words: int) -> None:
    """Until Ctrl-C."""
    server_of(app_until, last_words=last_words).run(sockets=[listening])
