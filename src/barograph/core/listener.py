"""Who wants to hear of a run while it goes on: the console, alerts, other trackers."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from barograph.core.decision import Decision
from barograph.core.finding import Diagnosis, Finding
from barograph.core.run import Run

__all__ = ["Listener"]


class Listener:
    """Hears what happens. Each method may be left as it is; what one raises never reaches the training."""

    #: Whether rows are told. One that has no more to do with them may say so, as they come at every step.
    wants_rows: bool = True

    def introduced(self, so_far: Callable[[Run], Diagnosis]) -> None:
        """Comes first: how to ask, at any time, what a run adds up to so far, given its rows."""

    def started(self, folder: str, method: str, config: Mapping[str, object]) -> None:
        """The run has begun, or goes on after a resume."""

    def logged(self, step: int, raw: Mapping[str, object], values: Mapping[str, float]) -> None:
        """A row: as it was logged, and its numbers under our names."""

    def went_back(self, step: int, run: Run) -> None:
        """The run goes on from this step. Rows of it and after that were told are no more; `run` holds those before."""

    def found(self, finding: Finding) -> None:
        """A finding is new, or has grown worse."""

    def decided(self, decision: Decision) -> None:
        """The guard has decided something."""

    def told(self, sentence: str) -> None:
        """Something that the owner of the run should know: a full disk, a metric that is no number."""

    def ended(self, diagnosis: Diagnosis | None) -> None:
        """The run is over."""
