"""barograph keeps the trace of a preference-tuning run and says whether it is healthy, and why.

>>> import barograph
>>> diagnosis = barograph.check("runs/kto")  # doctest: +SKIP
>>> diagnosis.verdict  # doctest: +SKIP
<Verdict.HEALTHY: 'healthy'>
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

__version__ = "0.1.0"
__all__ = [
    "Tracker", "__version__", "alert", "check", "config", "finish", "init", "log", "read", "read_each", "run", "start",
    "summary",
]  # fmt: skip

if TYPE_CHECKING:
    from barograph.monitor import check, read, read_each
    from barograph.trainers.session import Config, Session, Summary, alert, finish, init, log
    from barograph.trainers.tracker import Tracker, start

    run: Session
    config: Config
    summary: Summary

#: Where the work behind each public name is. What is not named here is looked for in `session`, which offers what a
#: script that says `import barograph as wandb` may call.
_HOMES = {
    "check": "monitor", "read": "monitor", "read_each": "monitor", "Tracker": "trainers.tracker",
    "start": "trainers.tracker",
}  # fmt: skip


def __getattr__(name: str) -> object:
    """Import the work behind a public name when it is first asked for, so that `import barograph` stays instant."""
    if name.startswith("_"):
        raise AttributeError(f"module 'barograph' has no attribute {name!r}")
    if name in _HOMES:
        return getattr(import_module(f"barograph.{_HOMES[name]}"), name)
    from barograph.trainers.session import offered

    return offered(name)
