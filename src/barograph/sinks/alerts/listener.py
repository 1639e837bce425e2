"""The listener that alerts people."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping

from barograph.core.decision import Decision, Deed
from barograph.core.finding import Diagnosis, Finding
from barograph.core.listener import Listener
from barograph.core.live_settings import AlertSettings
from barograph.sinks.alerts.channels import Channel, channels
from barograph.sinks.alerts.helper import Helper
from barograph.sinks.alerts.limit import Limit
from barograph.sinks.alerts.message import Message, of_decision, of_finding

__all__ = ["Alerts"]

#: So many deliveries may be under way at a time: a dead server must not gather processes.
MOST_UNDER_WAY = 8
#: Seconds that the end of a run waits for them, for a container may end with the training.
PATIENCE = 5.0


class Alerts(Listener):
    """Tells people of findings, and of what the guard decided. `tell` hears, once each, of channels that fail."""

    wants_rows = False

    def __init__(
        self,
        settings: AlertSettings,
        tell: Callable[[str], None],
        *,
        environment: Mapping[str, str] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.channels = channels(settings, os.environ if environment is None else environment)
        self._settings = settings
        self._tell = tell
        self._clock = clock
        self._limit = Limit(settings.pause, settings.most_an_hour)
        self._under_way: list[tuple[Channel, Helper]] = []
        self._run = ""

    def started(self, folder: str, method: str, config: Mapping[str, object]) -> None:
        self._run = folder

    def found(self, finding: Finding) -> None:
        # The guard of a resumed run may tell again what it told before; the limit is for that, too.
        if finding.severity >= self._settings.severity and self._admits(finding.code):
            self._send(of_finding(finding, self._run, self._limit.take_held()))

    def decided(self, decision: Decision) -> None:
        # Advice comes with a finding, which has been told.
        if decision.deed is not Deed.ADVISE and self._admits(f"{decision.deed}: {', '.join(decision.codes)}"):
            self._send(of_decision(decision, self._run, self._limit.take_held()))

    def ended(self, diagnosis: Diagnosis | None) -> None:
        until = self._clock() + PATIENCE
        self._look(lambda: max(until - self._clock(), 0.01))
        for _, helper in self._under_way:
            helper.leave()
        self._under_way = []

    def _admits(self, kind: str) -> bool:
        return bool(self.channels) and self._limit.admits(kind, self._clock())

    def _send(self, message: Message) -> None:
        self._look(lambda: 0.0)
        for channel in self.channels:
            if len(self._under_way) >= MOST_UNDER_WAY:
                self._tell(f"alerts are not getting through: {MOST_UNDER_WAY} are still under way, others are left out")
                return
            try:
                self._under_way.append((channel, Helper(channel.parcel(message))))
            except (OSError, ValueError) as error:
                self._tell(f"no alert by {channel.name}: {type(error).__name__}")

    def _look(self, wait: Callable[[], float]) -> None:
        """See which deliveries are done, and tell of those that failed."""
        still = []
        for channel, helper in self._under_way:
            problem = helper.problem(wait())
            if problem is None:
                still.append((channel, helper))
            elif problem:
                self._tell(f"an alert by {channel.name} was not delivered: {problem}")
        self._under_way = still
