"""Serving an application on a socket that listens already."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import uvicorn

if TYPE_CHECKING:
    from starlette.types import ASGIApp

__all__ = ["serve_on"]


def serve_on(listening: socket.socket, app: ASGIApp, *, last_words: int) -> None:
    """Until Ctrl-C; open streams have `last_words` seconds to end."""
    settings = uvicorn.Config(
        app, log_level="warning", access_log=False, server_header=False, date_header=False, ws="none",
        timeout_graceful_shutdown=last_words, timeout_keep_alive=30, loop="asyncio", http="h11",
    )  # fmt: skip
    uvicorn.Server(settings).run(sockets=[listening])
