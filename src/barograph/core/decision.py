"""What is to be done about a run while it goes on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from barograph.core.errors import ConfigurationError, suggest

__all__ = ["Decision", "Deed"]


class Deed(StrEnum):
    """What a guard may do, from saying to acting."""

    ADVISE = "advise"
    STOP = "stop"
    RESCUE = "rescue"

    @classmethod
    def of(cls, word: Deed | str) -> Deed:
        """The deed that a word names; any other word is an error that lists them."""
        try:
            return cls(word)
        except ValueError:
            known = [deed.value for deed in cls]
            near = suggest(str(word), known)
            raise ConfigurationError(f"unknown guard {word!r}: it is one of {', '.join(known)}{near}") from None


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
    #: What the run's own learning rate is to be multiplied by from here on, earlier rescues included: 0.5, then 0.125.
    #: The rate stored in a checkpoint may have been cut already; this factor belongs to the rate before any cut.
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

    @classmethod
    def from_dict(cls, written: Mapping[str, object]) -> Decision:
        """A decision as `to_dict` wrote it, read back from the log of a run.

        >>> again = Decision(Deed.STOP, 12, ("NUM01",), "stopped")
        >>> Decision.from_dict(again.to_dict()) == again
        True
        """
        codes, rate, checkpoint = written.get("codes"), written.get("rate"), written.get("checkpoint")
        return cls(
            deed=Deed(str(written["deed"])),
            step=int(str(written["step"])),
            codes=tuple(str(code) for code in codes) if isinstance(codes, list | tuple) else (),
            says=str(written.get("says", "")),
            checkpoint=checkpoint if isinstance(checkpoint, int) else None,
            path=str(written.get("path", "")),
            rate=float(rate) if isinstance(rate, int | float) else 1.0,
            is_dry=bool(written.get("dry_run", False)),
        )
