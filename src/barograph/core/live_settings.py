"""What the owner of a run allows its guard, and whom to alert: the tables `[guard]` and `[alerts]` of the settings."""

from __future__ import annotations

from dataclasses import dataclass, field

from barograph.core.decision import Deed
from barograph.core.finding import Severity

__all__ = ["ALERT_VARIABLE", "AlertSettings", "GuardSettings"]

#: The environment variable that names one more address or command to alert.
ALERT_VARIABLE = "BAROGRAPH_ALERT"


@dataclass(frozen=True, slots=True)
class GuardSettings:
    """How far a guard may go where the code that trains does not say."""

    allowed: Deed = Deed.ADVISE
    most_rescues: int = 3
    #: What the learning rate is multiplied by at each rescue.
    rate: float = 0.5
    dry_run: bool = False
    #: Codes on whose findings it never acts.
    ignore: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AlertSettings:
    """Who is alerted, of what, and how often at most."""

    desktop: bool = False
    #: Addresses; they may hold secrets, and are never shown.
    webhooks: tuple[str, ...] = field(default=(), repr=False)
    #: Commands for the shell, each given the event.
    commands: tuple[str, ...] = field(default=(), repr=False)
    #: Milder findings are not told.
    severity: Severity = Severity.CRITICAL
    #: Seconds in which a code is told once at most, and alerts of any kind in an hour.
    pause: float = 60.0
    most_an_hour: int = 20

    @property
    def is_any(self) -> bool:
        """Whether there is anybody to alert."""
        return self.desktop or bool(self.webhooks) or bool(self.commands)
