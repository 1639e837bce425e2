"""barograph keeps the trace of a preference-tuning run and says whether it is healthy, and why.

>>> import barograph
>>> diagnosis = barograph.check("runs/kto")  # doctest: +SKIP
>>> diagnosis.verdict  # doctest: +SKIP
<Verdict.HEALTHY: 'healthy'>
"""

from __future__ import annotations

from typing import TYPE_CHECKING

__version__ = "0.1.0"
__all__ = ["__version__", "check", "read", "read_each"]

if TYPE_CHECKING:
    from barograph.monitor import check, read, read_each


def __getattr__(name: str) -> object:
    """Import the work behind a public name when it is first asked for, so that `import barograph` stays instant."""
    if name in __all__:
        from barograph import monitor

        return getattr(monitor, name)
    raise AttributeError(f"module 'barograph' has no attribute {name!r}")
