"""What to do about findings, by what the owner of the run allows.

A guard is told of findings and of checkpoints, and gives decisions. It acts on critical findings alone, only of rules
that have earned it, and only where the rule itself advises a deed. A rescue goes back to the last checkpoint from
before the trouble *began*, which is earlier than when it could be told, and goes on at half the rate.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from barograph.core.decision import Decision, Deed
from barograph.core.finding import Action, Finding, Severity

__all__ = ["Checkpoint", "Guard"]

#: What the learning rate is multiplied by at each rescue.
HALF = 0.5


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A state of the run that can be gone back to."""

    step: int
    path: str


class Guard:
    """Decides for one run.

    `allowed` is the most that it may do, `acting` the codes of rules that may act, each with the deeds it advises.
    """

    def __init__(
        self,
        allowed: Deed,
        acting: Mapping[str, Collection[Action]],
        *,
        most_rescues: int = 2,
        is_dry: bool = False,
    ) -> None:
        self.allowed = allowed
        self.acting = dict(acting)
        self.most_rescues = most_rescues
        self.is_dry = is_dry
        self.rescues = 0
        self.checkpoints: list[Checkpoint] = []
        self.decisions: list[Decision] = []
        self._decided: set[str] = set()
        self._has_ended = False

    def saved(self, step: int, path: str) -> None:
        """A checkpoint was written. One of the same step, or of a later one before a rescue, is no more."""
        self.checkpoints = [known for known in self.checkpoints if known.step < step]
        self.checkpoints.append(Checkpoint(step, path))

    def removed(self, path: str) -> None:
        """A checkpoint was deleted, as trainers do with the oldest."""
        self.checkpoints = [known for known in self.checkpoints if known.path != path]

    def found(self, findings: Collection[Finding], step: int) -> Decision | None:
        """What to do now, given what is new at this step."""
        grave = [finding for finding in findings if self._counts(finding)]
        if not grave or self._has_ended:
            return None
        grave.sort(key=_began)
        codes = tuple(finding.code for finding in grave)
        if self.allowed is not Deed.RESCUE:
            self._decided.update(codes)
        decision = self._decide(grave[0], codes, step)
        self.decisions.append(decision)
        if not decision.is_dry and decision.deed is Deed.RESCUE:
            self.rescues += 1
            self.checkpoints = [known for known in self.checkpoints if known.step <= (decision.checkpoint or 0)]
        elif not decision.is_dry and decision.deed is Deed.STOP:
            self._has_ended = True
        elif decision.is_dry:
            self._decided.update(codes)
        return decision

    def _counts(self, finding: Finding) -> bool:
        return (
            finding.severity is Severity.CRITICAL
            and bool(self.acting.get(finding.code))
            and finding.code not in self._decided
        )

    def _decide(self, first: Finding, codes: tuple[str, ...], step: int) -> Decision:
        why = f"{first.code} {first.name} since step {_began(first):,}"
        good = self.last_good(_began(first))
        # Where the run was never well, as with labels that are the wrong way round, going back does not help.
        may_help = not {Action.REVERT, Action.CUT_LR}.isdisjoint(self.acting[first.code])
        if self.allowed is Deed.ADVISE:
            return self._made(Deed.ADVISE, step, codes, f"{why}: {_advice(good, may_help=may_help)}", good)
        if self.allowed is Deed.STOP or not may_help:
            return self._made(Deed.STOP, step, codes, f"stopped: {why}", good)
        if good is None:
            return self._made(
                Deed.STOP, step, codes, f"stopped: {why}, and there is no checkpoint from before it", good
            )
        if self.rescues >= self.most_rescues:
            times = "once" if self.rescues == 1 else f"{self.rescues} times"
            return self._made(Deed.STOP, step, codes, f"stopped: {why}, after having gone back {times}", good)
        says = f"gone back to step {good.step:,}, at half the learning rate: {why}"
        return self._made(Deed.RESCUE, step, codes, says, good)

    def last_good(self, began: int) -> Checkpoint | None:
        """The newest checkpoint from before a step at which trouble began."""
        return max((known for known in self.checkpoints if known.step < began), key=lambda c: c.step, default=None)

    def _made(self, deed: Deed, step: int, codes: tuple[str, ...], says: str, good: Checkpoint | None) -> Decision:
        return Decision(
            deed=deed,
            step=step,
            codes=codes,
            says=f"(dry run) would have {says}" if self.is_dry and deed is not Deed.ADVISE else says,
            checkpoint=good.step if good else None,
            path=good.path if good else "",
            rate=HALF if deed is not Deed.STOP else 1.0,
            is_dry=self.is_dry and deed is not Deed.ADVISE,
        )


def _began(finding: Finding) -> int:
    """The step at which the trouble began, as far as it is known."""
    return int(finding.evidence.get("onset", finding.step))


def _advice(good: Checkpoint | None, *, may_help: bool) -> str:
    if not may_help:
        return "stop the run"
    return f"go back to step {good.step:,} at half the learning rate" if good else "stop, and start at half the rate"
