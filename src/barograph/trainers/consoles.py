"""Who shows a run where it is trained: a block in a notebook, lines elsewhere."""

from __future__ import annotations

import os
import sys
from typing import Any

from barograph.core.errors import ConfigurationError
from barograph.core.listener import Listener

__all__ = ["Console", "asked_console", "consoles", "is_notebook"]

#: Whether the run is shown; "text" is for lines where there would be a block.
Console = bool | str
TEXT = "text"
#: The shells of Jupyter, Kaggle, VS Code and their like, of which that of Colab is one too; and that of xeus.
NOTEBOOKS = frozenset({"ZMQInteractiveShell", "XPythonShell"})
#: It talks as a notebook does, but its window shows text.
TEXT_ONLY = frozenset({"SpyderShell"})


def asked_console(word: Console) -> Console:
    """The same word, if it is one; another is an error, for whoever misspells it would miss the warnings of the run.

    >>> asked_console("text")
    'text'
    """
    if isinstance(word, str) and word != TEXT:
        raise ConfigurationError(f"unknown console {word!r}: it is True, False or {TEXT!r}")
    return word


def consoles(asked: Console) -> list[Listener]:
    """Those that show the run: one, or none where none is asked for."""
    if not asked_console(asked):
        return []
    from barograph.console.live import LiveConsole

    lines = LiveConsole()
    if asked == TEXT or not is_notebook():
        return [lines]
    from barograph.trainers.notebook_block import NotebookBlock  # It draws, which takes NumPy.

    return [NotebookBlock(otherwise=lines)]


def is_notebook() -> bool:
    """Whether this process is that of a notebook, which shows HTML. IPython is not loaded to find out."""
    ask = getattr(sys.modules.get("IPython"), "get_ipython", None)
    shell = ask() if ask is not None else None
    names = {kind.__name__ for kind in type(shell).__mro__}
    return not names.isdisjoint(NOTEBOOKS) and names.isdisjoint(TEXT_ONLY) and not _is_forked(shell)


def _is_forked(shell: Any) -> bool:
    """Whether this is a copy of the notebook's process, as `notebook_launcher` makes: what it displays gets lost."""
    session = getattr(getattr(shell, "display_pub", None), "session", None)
    return getattr(session, "pid", None) not in {None, os.getpid()}
