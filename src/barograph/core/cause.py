"""What several findings have in common: why it is thought so, and what to do about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

__all__ = ["Cause", "Change", "Ground", "GroundKind", "Prescription"]


class GroundKind(StrEnum):
    """What it is that speaks for or against a cause."""

    #: A rule that fired.
    FINDING = "finding"
    #: A rule that was judged and stayed silent, though this cause would make it fire.
    SILENCE = "silence"
    #: What the run was told to do, or what its log says of its course.
    SETTING = "setting"


@dataclass(frozen=True, slots=True)
class Ground:
    """One thing that speaks for or against a cause."""

    kind: GroundKind
    says: str
    code: str | None = None
    #: How much it adds to or takes from the score, where it does.
    weight: float | None = None

    def to_dict(self) -> dict[str, object]:
        return {"kind": self.kind.value, "code": self.code, "says": self.says, "weight": self.weight}


class Change(NamedTuple):
    """A setting as it is, where that is known, and as it should be."""

    setting: str
    now: float | None
    to: float


@dataclass(frozen=True, slots=True)
class Prescription:
    """The one thing to do: a sentence, and the numbers in it."""

    says: str
    changes: Sequence[Change] = ()
    #: The step of the checkpoint to go on from; None where there is none, or nobody knows of any.
    resume_from: int | None = None

    def to_dict(self) -> dict[str, object]:
        changes = {change.setting: {"now": change.now, "to": change.to} for change in self.changes}
        return {"says": self.says, "changes": changes, "resume_from": self.resume_from}


@dataclass(frozen=True, slots=True)
class Cause:
    """What several findings have in common, and the one thing to do about it."""

    name: str
    score: float
    #: Rules that speak for it.
    codes: Sequence[str]
    advice: Sequence[str] = ()
    prescription: Prescription | None = None
    speaks: Sequence[Ground] = ()
    against: Sequence[Ground] = ()
    #: All that it explains: what speaks for it, and the consequences of that.
    explains: Sequence[str] = ()
    #: Whether it is nearly as likely as the likeliest, and what would tell the two apart.
    is_close: bool = False
    tells_apart: str = ""
    #: Of the likeliest: the causes that this log cannot exclude, since what would tell them is not in it.
    left_open: Sequence[str] = ()

    def to_dict(self) -> dict[str, object]:
        return {
            "name": self.name,
            "score": self.score,
            "codes": list(self.codes),
            "advice": list(self.advice),
            "prescription": self.prescription.to_dict() if self.prescription else None,
            "for": [ground.to_dict() for ground in self.speaks],
            "against": [ground.to_dict() for ground in self.against],
            "explains": list(self.explains),
            "is_close": self.is_close,
            "tells_apart": self.tells_apart,
            "left_open": list(self.left_open),
        }
