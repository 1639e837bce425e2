"""`barograph serve`: the live page over a folder of runs."""

from __future__ import annotations

import errno
import os
import socket
import sys
from typing import TYPE_CHECKING
from urllib.parse import quote

import click

from barograph.core.errors import BarographError, ConfigurationError, MissingExtra

if TYPE_CHECKING:
    from barograph.web.room import Room

__all__ = ["serve"]

#: Where the page is looked for by itself; the next ones are tried where it is taken.
PORT, TRIED = 7117, 20
TOKEN = "BAROGRAPH_TOKEN"
#: Connections that wait to be answered.
BACKLOG = 256
#: Seconds that open pages are given to let go.
LAST_WORDS = 1


@click.command(short_help="Show a folder of runs as a live page.")
@click.argument("folder", default=".", metavar="[FOLDER]")
@click.option("--port", type=click.IntRange(0, 65535), help=f"Another port than {PORT}; 0 takes any that is free.")
@click.option("--host", default="127.0.0.1", show_default=True, metavar="ADDRESS",
              help="Where it can be reached; anywhere but on this machine a token is needed.")  # fmt: skip
@click.option("--token", envvar=TOKEN, show_envvar=True, metavar="TEXT",
              help="The token to be asked for, of sixteen signs or more; else one is made up.")  # fmt: skip
@click.option("--open", "opens", is_flag=True, help="Open the page in the browser.")
@click.option("--config", metavar="FILE", help="Settings in TOML; else barograph.toml or pyproject.toml here or above.")
def serve(folder: str, port: int | None, host: str, token: str | None, config: str | None, *, opens: bool) -> None:
    """Show the runs in a folder as a page: each with its verdict, its findings on its curves, live while it trains.

    FOLDER may also be one log; it need not hold a run yet. The page is of this machine alone, and only reads. To see it
    from elsewhere, forward the port (ssh -L 7117:localhost:7117 MACHINE), or name an --host: then it asks for a token.

    \b
      barograph serve runs
      barograph serve outputs/kto --open
      barograph serve runs --host 0.0.0.0
    """  # noqa: D301 - click looks for the backspace itself
    from barograph.engine.settings import read_settings

    try:
        from barograph.web.app import application
        from barograph.web.door import SHORTEST_TOKEN, is_loopback, new_token
        from barograph.web.listen import serve_on
    except ModuleNotFoundError as error:
        raise MissingExtra("the page", str(error.name).partition(".")[0], "web") from None
    if token is not None and len(token) < SHORTEST_TOKEN:
        raise ConfigurationError(f"a token of {len(token)} signs is soon guessed; give {SHORTEST_TOKEN} or more")
    if token is not None and not (token.isascii() and token.isprintable()):
        raise ConfigurationError("a token is of letters, digits and signs of ASCII: no header can hold another")
    settings = read_settings(config)
    if token is None and not is_loopback(host):
        token = new_token()
    listening = _listening(host, port)
    address = _address(host, listening.getsockname()[1], token)
    click.echo(f"{folder} at {address}\nCtrl-C ends it.")
    if "://" not in folder and folder != "-" and not os.path.lexists(folder.partition("#")[0]):
        click.echo(f"barograph: {folder}: does not exist yet; runs are shown as soon as it does", err=True)
    sys.stdout.flush()
    if opens:
        import webbrowser

        webbrowser.open(address)

    def make_room() -> Room:
        from barograph.web.room import Room

        return Room(folder, settings)

    # Names by which this machine may be called; where it listens to all, the token is what counts.
    names = () if host in {"0.0.0.0", "::"} else (host,)  # noqa: S104 - only looked at

    serve_on(
        listening,
        lambda is_ending: application(make_room, names=names, token=token, is_ending=is_ending),
        last_words=LAST_WORDS,
    )


def _listening(host: str, port: int | None) -> socket.socket:
    """A socket that takes connections from now on: who comes before all is loaded has to wait a moment only."""
    tried = [PORT + number for number in range(TRIED)] if port is None else [port]
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for one in tried:
        listening = socket.socket(family)
        if os.name == "posix":  # Elsewhere it would let two servers share a port.
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind((host, one))
            listening.listen(BACKLOG)
        except (OSError, UnicodeError) as error:
            listening.close()
            if one == tried[-1] or getattr(error, "errno", None) != errno.EADDRINUSE:
                raise _refused(host, one, error) from None
        else:
            return listening
    raise AssertionError("one port at least is tried")


def _refused(host: str, port: int, error: OSError | UnicodeError) -> BarographError:
    said = getattr(error, "strerror", None) or str(error)
    return ConfigurationError(f"{host}:{port}: {said}; name another with --port, or 0 for any that is free")


def _address(host: str, port: int, token: str | None) -> str:
    shown = {"0.0.0.0": socket.gethostname(), "::": socket.gethostname(), "127.0.0.1": "localhost"}.get(host, host)  # noqa: S104
    shown = f"[{shown}]" if ":" in shown else shown
    return f"http://{shown}:{port}/" + (f"?token={quote(token, safe='')}" if token else "")
