"""What is to be done about a run while it goes on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

__all__ = ["Decision", "Deed"]


class Deed(StrEnum):
    """What a guard may do, from saying to acting."""

    ADVISE = "advise"
    STOP = "stop"
    RESCUE = "rescue"


@dataclass(frozen=True, slots=True)
class Decision:
    """What a guard decided, when, and because of which findings."""

    deed: Deed
    #: The step at which it was decided.
    step: int
    #: The codes of the findings behind it, the gravest first.
    codes: Sequence[str]
    says: str
    #: The step of the checkpoint to go back to: the last one from before the trouble. None if there is none.
    checkpoint: int | None = None
    #: Where that checkpoint lies.
    path: str = ""
    #: What the learning rate is to be multiplied by.
    rate: float = 1.0
    #: Whether it is only said what would have been done.
    is_dry: bool = False

    def to_dict(self) -> dict[str, object]:
        return {
            "deed": self.deed.value,
            "step": self.step,
            "codes": list(self.codes),
            "says": self.says,
            "checkpoint": self.checkpoint,
            "path": self.path,
            "rate": self.rate,
            "dry_run": self.is_dry,
        }
