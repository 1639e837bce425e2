"""Serving an application on a socket that listens already."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import uvicorn

if TYPE_CHECKING:
    from starlette.types import ASGIApp

__all__ = ["serve_on", "server_of"]


def server_of(app: ASGIApp, *, last_words: int) -> uvicorn.Server:
    """A server of it; once told to end, open streams have `last_words` seconds for it."""
    settings = uvicorn.Config(
        app, log_level="warning", access_log=False, server_header=False, date_header=False, ws="none",
        timeout_graceful_shutdown=last_words, timeout_keep_alive=30, loop="asyncio", http="h11",
    )  # fmt: skip
    return uvicorn.Server(settings)


def serve_on(listening: socket.socket, app: ASGIApp, *, last_words: int) -> None:
    """Until Ctrl-C."""
    server_of(app, last_words=last_words).run(sockets=[listening])
