"""barograph keeps the trace of a preference-tuning run and says whether it is healthy, and why.

>>> import barograph
>>> diagnosis = barograph.check("runs/kto")  # doctest: +SKIP
>>> diagnosis.verdict  # doctest: +SKIP
<Verdict.HEALTHY: 'healthy'>
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING

__version__ = "0.1.0"
__all__ = [
    "Tracker", "__version__", "alert", "check", "compare", "config", "finish", "init", "log", "read", "read_each",
    "run", "start", "summary",
]  # fmt: skip

if TYPE_CHECKING:
    from barograph.monitor import check, read, read_each
    from barograph.pages import compare
    from barograph.trainers.session import Config, Session, Summary, alert, finish, init, log
    from barograph.trainers.tracker import Tracker, start

    run: Session
    config: Config
    summary: Summary

#: Where the work behind each public name is. What is not named here is looked for in `session`, which offers what a
#: script that says `import barograph as wandb` may call.
_HOMES = {
    "check": "monitor", "compare": "pages", "read": "monitor", "read_each": "monitor", "Tracker": "trainers.tracker",
    "start": "trainers.tracker",
}  # fmt: skip
#: Names whose answers a notebook shows as pages.
_SHOWN = frozenset({"check", "compare", "read", "read_each"})
#: The shells that know how.
_TAUGHT: set[int] = set()


def __getattr__(name: str) -> object:
    """Import the work behind a public name when it is first asked for, so that `import barograph` stays instant."""
    if name.startswith("_"):
        raise AttributeError(f"module 'barograph' has no attribute {name!r}")
    if name in _SHOWN and (ipython := sys.modules.get("IPython")) is not None:
        _teach(ipython.get_ipython())
    if name in _HOMES:
        return getattr(import_module(f"barograph.{_HOMES[name]}"), name)
    from barograph.trainers.session import offered

    return offered(name)


def _teach(shell: object) -> None:
    """Once for each notebook; a terminal has no shell and nothing to learn."""
    if shell is not None and id(shell) not in _TAUGHT:
        _TAUGHT.add(id(shell))
        import_module("barograph.notebook").register(shell)
