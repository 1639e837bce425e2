"""The plain-loop tracker: one line to begin a run, one for each row."""

from __future__ import annotations

import atexit
import os
import sys
import weakref
from collections.abc import Iterable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Self

from barograph.core.decision import Decision, Deed
from barograph.core.finding import Diagnosis, Finding
from barograph.core.listener import Listener
from barograph.core.methods import Method
from barograph.trainers.consoles import Console, consoles
from barograph.trainers.views import views

if TYPE_CHECKING:
    from barograph.monitor.live import Monitor

__all__ = ["Tracker", "start"]

#: Runs that nobody has ended yet: the end of the process does.
_open: weakref.WeakSet[Tracker] = weakref.WeakSet()


def start(
    folder: str | os.PathLike[str],
    method: Method | str | None = None,
    config: object = None,
    *,
    guard: Deed | str = "advise",
    console: Console = True,
    dry_run: bool = False,
    listeners: Iterable[Listener] = (),
) -> Tracker:
    """Record a run in a folder, and watch it.

    `method` may be left open, the keys of the first rows tell it. `config` is a mapping, parsed arguments or a
    dataclass: rules ask it for `beta`, `max_steps` and the like. A folder that holds a run is gone on with. `console`
    shows the run, in a notebook as a block, elsewhere in lines; with "text" it is lines everywhere.

    >>> with start("runs/kto", method="kto", config={"beta": 0.1}) as run:  # doctest: +SKIP
    ...     run.log(1, {"loss": 0.5, "kl": 0.0})
    """
    if _rank() > 0:
        return Tracker(None)
    from barograph.monitor.live import Monitor

    heard = [*listeners, *views(), *consoles(console)]
    return Tracker(Monitor(folder, method=method, config=config, guard=guard, dry_run=dry_run, listeners=heard))


class Tracker:
    """One run that is being recorded. Without a monitor, as on every rank but the first, it does nothing."""

    def __init__(self, monitor: Monitor | None) -> None:
        self.monitor = monitor
        #: The last thing the guard decided.
        self._decision: Decision | None = None
        self._must_stop = False
        if monitor is not None:
            _open.add(self)

    def log(
        self,
        first: object = None,
        second: object = None,
        /,
        *,
        step: object = None,
        metrics: Mapping[str, object] | None = None,
    ) -> None:
        """Keep one row: `log(step, metrics)`, or `log(metrics)` with the step counted on, or `log(metrics, step=3)`."""
        if self.monitor is None:
            return
        if type(first) is int and type(second) is dict:  # As nearly always; the questions below take their time.
            self.monitor.log(first, second)
            return
        if isinstance(first, Mapping):
            first, second = (second if step is None else step), first
        elif first is None:
            first = step
        row = second if metrics is None else metrics
        if isinstance(row, Mapping):
            self.monitor.log(first, row)
        else:
            self.monitor.tell(f"log() was given {type(row).__name__} where metrics by their names belong: left out")

    def samples(self, step: int, rows: Iterable[Mapping[str, object]]) -> None:
        """Keep what the model said at a step, to be shown beside its curves.

        Each row is a mapping: `prompt`, `completion`, `score`, and whatever else is worth a column; the messages of a
        chat become text. Of a step 64 rows are kept, and 32 MB in all: of a run that says more, every other step is
        let go, the oldest most often.

        >>> with start("runs/mine") as run:  # doctest: +SKIP
        ...     run.samples(10, [{"prompt": "3 + 4 ?", "completion": "7", "score": 1.0}])
        """
        if self.monitor is not None:
            self.monitor.samples(step, rows)

    def saved(self, step: int, path: str | os.PathLike[str]) -> None:
        """A checkpoint was written: advice and decisions may name it."""
        if self.monitor is not None:
            self.monitor.saved(step, path)

    def went_back(self, step: int) -> None:
        """The checkpoint of a step was loaded, and training goes on from there."""
        self._must_stop = False
        if self.monitor is not None:
            self.monitor.went_back(step)

    def take_decision(self) -> Decision | None:
        """What the guard has decided since it was last asked: each decision is handed out once."""
        self._look()
        decision, self._decision = self._decision, None
        if decision is not None and decision.deed is Deed.RESCUE:
            self._must_stop = False  # Whoever takes it carries it out.
        return decision

    @property
    def decision(self) -> Decision | None:
        """The latest decision that nobody has taken yet."""
        self._look()
        return self._decision

    @property
    def should_stop(self) -> bool:
        """Whether the guard wants this run to end: always False with `guard="advise"`."""
        self._look()
        return self._must_stop

    @property
    def findings(self) -> list[Finding]:
        """What has been found so far."""
        return list(self.monitor.findings) if self.monitor is not None else []

    @property
    def folder(self) -> str:
        """Where the run is kept; empty where it is not."""
        return str(self.monitor.folder) if self.monitor is not None else ""

    def finish(self, state: str = "finished") -> Diagnosis | None:
        """The run is over; gives the whole diagnosis. What is not ended by hand is ended with the process."""
        _open.discard(self)
        return self.monitor.finish(state) if self.monitor is not None else None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        is_end = error is None or (isinstance(error, SystemExit) and error.code in (0, None))
        self.finish("finished" if is_end else "crashed")

    def _look(self) -> None:
        while self.monitor is not None and (decision := self.monitor.take_decision()) is not None:
            self._decision = decision
            if not decision.is_dry and decision.deed is not Deed.ADVISE:
                self._must_stop = True


def _rank() -> int:
    """The number of this process in a group that trains together, as torchrun, accelerate and Slurm tell it."""
    for name in ("RANK", "SLURM_PROCID"):
        if os.environ.get(name, "").isdigit():
            return int(os.environ[name])
    return 0


@atexit.register
def _finish_all() -> None:
    """The process ends: so do its runs, as crashed if an error is what ends it."""
    has_failed = getattr(sys, "last_value", None) is not None and not hasattr(sys, "ps1")
    for tracker in list(_open):
        tracker.finish("crashed" if has_failed else "finished")
