"""Delivers one parcel, in a process of its own: a dead server or a hanging command can hold up nothing but this.

Run as a script, it knows nothing of the rest: `python -I deliver.py` reads the parcel as JSON from standard input.
What fails is one short sentence on standard error, without the address, which may hold a secret.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Mapping
from email.message import Message
from typing import IO

__all__ = ["deliver"]

#: Seconds for a server to answer, for a command to end, and for all of it, however slowly bytes may trickle in.
ANSWER, COMMAND, ALL = 5.0, 30.0, 40.0


class _NoDetour(urllib.request.HTTPRedirectHandler):
    """A server that sends us elsewhere has not taken the alert: a redirected request would come without its text."""

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Message, newurl: str
    ) -> None:
        return None


def deliver(parcel: Mapping[str, object]) -> str:
    """Deliver a parcel. Gives what went wrong, or nothing."""
    text = str(parcel.get("input", ""))
    environment, headers = parcel.get("environment"), parcel.get("headers")
    if "address" in parcel:
        return _post(str(parcel["address"]), text, headers if isinstance(headers, dict) else {})
    more = environment if isinstance(environment, dict) else {}
    if "shell" in parcel:
        return _call(str(parcel["shell"]), text, more, in_shell=True)
    program = parcel.get("program")
    return _call([str(part) for part in program] if isinstance(program, list) else [], text, more, in_shell=False)


def _post(address: str, text: str, headers: Mapping[str, str]) -> str:
    try:
        request = urllib.request.Request(address, text.encode(), dict(headers), method="POST")  # noqa: S310
        if request.type not in {"http", "https"}:
            return "the address must begin with http:// or https://"
        with urllib.request.build_opener(_NoDetour).open(request, timeout=ANSWER):
            return ""
    except urllib.error.HTTPError as error:
        error.close()
        return f"the server answered {error.code}"
    except urllib.error.URLError as error:
        reason = error.reason
        return f"the server cannot be reached ({getattr(reason, 'strerror', None) or type(reason).__name__})"
    except TimeoutError:
        return f"the server did not answer within {ANSWER:g} seconds"
    except Exception as error:  # noqa: BLE001 - what it says may quote the address
        return f"the request failed ({type(error).__name__})"


def _call(command: str | list[str], text: str, environment: Mapping[str, str], *, in_shell: bool) -> str:
    try:
        done = subprocess.run(  # noqa: S603 - the owner of the run wrote it; nothing of a log becomes part of it
            command,
            shell=in_shell,
            input=text.encode(),
            env={**os.environ, **environment},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=COMMAND,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"the command did not end within {COMMAND:g} seconds"
    except FileNotFoundError:
        return f"{command[0]} is not installed"
    except OSError as error:
        return f"the command cannot be run ({error.strerror})"
    return f"the command ended with {done.returncode}" if done.returncode else ""


def _give_up() -> None:
    sys.stderr.write(f"not delivered within {ALL:g} seconds")
    sys.stderr.flush()
    os._exit(1)


def main() -> None:
    """Deliver what standard input holds, and end, whatever happens."""
    watchdog = threading.Timer(ALL, _give_up)
    watchdog.daemon = True
    watchdog.start()
    problem = deliver(json.loads(sys.stdin.buffer.read()))
    sys.stderr.write(problem)
    sys.exit(1 if problem else 0)


if __name__ == "__main__":
    main()
