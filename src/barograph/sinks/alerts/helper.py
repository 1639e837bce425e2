"""A short-lived process that delivers one alert, and outlives the training if that ends at once.

A thread would die with the training, often in the very moment that it should tell of; and it would share the
interpreter with the training meanwhile. Starting a process takes a few milliseconds, once an alert.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

__all__ = ["Helper"]

SCRIPT = Path(__file__).with_name("deliver.py")
#: A parcel fits into any pipe's buffer, so that handing it over never waits for the reader.
LONGEST = 60_000


class Helper:
    """One delivery under way. Raises OSError if no process can be started."""

    def __init__(self, parcel: Mapping[str, object]) -> None:
        data = json.dumps(parcel).encode()
        if len(data) > LONGEST:
            raise OSError(f"an alert of {len(data):,} bytes is too long")
        self._process = subprocess.Popen(  # noqa: S603 - our own script, in an interpreter without the user's paths
            [sys.executable, "-I", str(SCRIPT)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,  # a Ctrl-C meant for the training does not reach it
        )
        if self._process.stdin is not None:
            with suppress(OSError), self._process.stdin as pipe:
                pipe.write(data)

    def problem(self, wait: float = 0.0) -> str | None:
        """What went wrong; nothing if it was delivered, None if it is still under way."""
        try:
            code = self._process.wait(wait) if wait else self._process.poll()
        except subprocess.TimeoutExpired:
            return None
        if code is None:
            return None
        said = ""
        if self._process.stderr is not None:
            with suppress(OSError, ValueError), self._process.stderr as pipe:
                said = pipe.read(500).decode(errors="replace").strip()
        return "" if code == 0 else said.splitlines()[-1] if said else f"the helper ended with {code}"

    def leave(self) -> None:
        """Let it finish by itself."""
        if self._process.stderr is not None:
            with suppress(OSError):
                self._process.stderr.close()
        # It is nobody's to wait for any more; without this Python complains that it still runs.
        self._process.returncode = 0
