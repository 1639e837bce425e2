"""What to do about findings, by what the owner of the run allows.

A guard is told of findings and of checkpoints, and gives decisions. It acts on critical findings alone, only of rules
that have earned it, and only where the rule itself advises a deed. A rescue goes back to the last checkpoint from
before the trouble *began*, which is earlier than when it could be told, and earlier still if a warning about the same
metric came before; and goes on at half the rate. Where a rescue has led nowhere, so that the next goes back no less
far, half was far from enough: each such cut goes twice as deep as the one before it (to 1/2, 1/8, 1/128), and three of
them reach from a hundred times the right rate below it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

from barograph.core.decision import Decision, Deed
from barograph.core.finding import Action, Finding, Severity
from barograph.guard.words import STOP_IT, advice, came_back, gone_back, why

__all__ = ["HALF", "MOST_RESCUES", "Checkpoint", "Guard"]

#: What the learning rate is multiplied by at each rescue.
HALF = 0.5
#: No single cut goes deeper, unless the owner of the run asks for it.
DEEPEST_CUT = 1 / 16
#: A run that had to be rescued more often is not one that a smaller rate mends.
MOST_RESCUES = 3
#: Deeds that a checkpoint and a smaller rate can carry out; where a rule advises neither, only stopping is left.
MENDING = frozenset({Action.REVERT, Action.CUT_LR})


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A state of the run that can be gone back to."""

    step: int
    path: str


@dataclass(frozen=True, slots=True)
class _Trouble:
    """A finding of the stretch that the run is in."""

    code: str
    #: What it is about.
    metric: str
    #: Where it was first seen, and where the trouble behind it began.
    step: int
    began: int
    #: Where it was told: later than where it was first seen, if it has grown worse since.
    told: int = field(compare=False)


class Guard:
    """Decides for one run.

    `allowed` is the most that it may do, `acting` the codes of rules that may act, each with the deeds it advises,
    `follows` the codes that explain a code.

    >>> guard = Guard(Deed.STOP, {"NUM01": {Action.STOP}})
    >>> nan = Finding("NUM01", "loss-not-finite", Severity.CRITICAL, 7, 7, "loss", "", {"onset": 7})
    >>> guard.found([nan], 7).says
    'stopped: NUM01 loss-not-finite since step 7'
    """

    def __init__(
        self,
        allowed: Deed,
        acting: Mapping[str, Collection[Action]],
        *,
        most_rescues: int = MOST_RESCUES,
        rate: float = HALF,
        ignored: Collection[str] = (),
        is_dry: bool = False,
        follows: Mapping[str, Collection[str]] | None = None,
    ) -> None:
        self.allowed = allowed
        self.acting: dict[str, Collection[Action]] = dict(acting)
        self.follows: dict[str, Collection[str]] = dict(follows or {})
        self.most_rescues = most_rescues
        self.rate = rate
        self.ignored = frozenset(ignored)
        self.is_dry = is_dry
        #: What each rescue that was decided multiplied the run's own learning rate by; a dry run has none.
        self.rates: list[float] = []
        self._last_cut = 1.0
        self._last_return = -1
        self.checkpoints: list[Checkpoint] = []
        self.decisions: list[Decision] = []
        #: The run's own learning rate, where it is known, and from how many steps a row of its log is made.
        self.learning_rate: float | None = None
        self.logged_every = 1
        #: Tells whether a checkpoint still lies where it was saved. Nothing here touches a disk by itself.
        self.is_there: Callable[[str], bool] = bool
        self._troubles: list[_Trouble] = []
        #: Warnings of what a smaller rate would mend: trouble of the same metric began with them.
        self._signs: list[_Trouble] = []
        self._decided: list[_Trouble] = []
        #: A decision to stop or to go back has been given, and the run has not gone on from elsewhere since.
        self._is_leaving = False

    # What it is told

    def know(self, config: Mapping[str, object]) -> None:
        """Take from the settings of the run what its decisions are worded with."""
        rate, every = config.get("learning_rate"), config.get("logging_steps")
        if isinstance(rate, int | float) and rate > 0:
            self.learning_rate = float(rate)
        # A fraction is a share of the run, as transformers reads it; what it comes to is not known here.
        if isinstance(every, int | float) and every >= 1:
            self.logged_every = int(every)

    def saved(self, step: int, path: str) -> None:
        """A checkpoint was written. An older one of the same step or the same place is no more."""
        self.checkpoints = [known for known in self.checkpoints if known.step != step and known.path != path]
        self.checkpoints.append(Checkpoint(step, path))
        self.checkpoints.sort(key=lambda known: known.step)

    def removed(self, path: str) -> None:
        """A checkpoint was deleted, as trainers do with the oldest."""
        self.checkpoints = [known for known in self.checkpoints if known.path != path]

    def went_back(self, step: int) -> None:
        """The run goes on from this step, by a rescue or by hand: what came after it is no more.

        What was found there is forgotten, and counts again if it comes again.
        """
        self.checkpoints = [known for known in self.checkpoints if known.step <= step]
        self._troubles = [trouble for trouble in self._troubles if trouble.told <= step]
        self._signs = [sign for sign in self._signs if sign.told <= step]
        self._decided = [trouble for trouble in self._decided if trouble.told <= step]
        self._is_leaving = False

    # What it answers

    def found(self, findings: Collection[Finding], step: int) -> Decision | None:
        """What to do now, given what is new at this step."""
        troubles = [_trouble_of(finding, step) for finding in findings if self._is_grave(finding)]
        self._troubles += [trouble for trouble in troubles if trouble not in self._troubles]
        self._signs += [_trouble_of(finding, step) for finding in findings if self._is_sign(finding)]
        if self._is_leaving:
            return None
        names = {(finding.code, finding.step): finding.name for finding in findings}
        grave = [trouble for trouble in troubles if self.acting.get(trouble.code) and not self._is_told(trouble)]
        if not grave:
            return None
        grave = sorted(grave, key=lambda trouble: (self._is_explained(trouble, grave), trouble.began))
        self._decided += grave
        first = grave[0]
        reason = why(first.code, names[first.code, first.step], first.began)
        decision = self._decide(first, reason, tuple(dict.fromkeys(trouble.code for trouble in grave)), step)
        self.decisions.append(decision)
        if not decision.is_dry and decision.deed is not Deed.ADVISE:
            self._is_leaving = True
            if decision.deed is Deed.RESCUE:
                self._rescued(decision)
        return decision

    @property
    def rescues(self) -> int:
        """How often it was decided to go back."""
        return len(self.rates)

    def last_good(self, began: int, metric: str) -> Checkpoint | None:
        """The newest checkpoint from before a step at which trouble began, and from before all other trouble.

        Better still is one from before the first warning about the same metric, if there is one so old.
        """
        earliest = min([began, *(trouble.began for trouble in self._troubles)])
        first_sign = min((sign.began for sign in self._signs if sign.metric == metric), default=earliest)
        return self._before(min(earliest, first_sign)) or self._before(earliest)

    def _before(self, earliest: int) -> Checkpoint | None:
        """The newest checkpoint from before a step, and from before what the row of that step stands for."""
        good = (known for known in self.checkpoints if known.step <= earliest - self.logged_every)
        return max(
            (known for known in good if not known.path or self.is_there(known.path)),
            key=lambda known: known.step,
            default=None,
        )

    # How it comes to an answer

    def _next_rate(self, good: Checkpoint | None) -> float:
        """What the run's own rate is to be multiplied by, when it goes on from a checkpoint."""
        return (self.rates[-1] if self.rates else 1.0) * self._next_cut(good)

    def _next_cut(self, good: Checkpoint | None) -> float:
        has_led_nowhere = bool(self.rates) and good is not None and good.step <= self._last_return
        deeper = max(self._last_cut**2, DEEPEST_CUT) if has_led_nowhere else self.rate
        return min(self.rate, deeper)

    def _rescued(self, decision: Decision) -> None:
        self._last_cut = decision.rate / (self.rates[-1] if self.rates else 1.0)
        self._last_return = decision.checkpoint or 0
        self.rates.append(decision.rate)

    def _is_grave(self, finding: Finding) -> bool:
        return finding.severity is Severity.CRITICAL and finding.code not in self.ignored

    def _is_sign(self, finding: Finding) -> bool:
        is_mild = finding.severity is Severity.WARNING and finding.code not in self.ignored
        return is_mild and finding.action in MENDING

    def _is_told(self, trouble: _Trouble) -> bool:
        """Whether it was decided on already, by itself or with what explains it."""
        explaining = self.follows.get(trouble.code, ())
        return any(known == trouble or known.code in explaining for known in self._decided)

    def _is_explained(self, trouble: _Trouble, others: Sequence[_Trouble]) -> bool:
        """Whether one of the others is its cause; two that name each other explain nothing."""
        causes = [other.code for other in others if other.code in self.follows.get(trouble.code, ())]
        return any(trouble.code not in self.follows.get(code, ()) for code in causes)

    def _decide(self, first: _Trouble, reason: str, codes: tuple[str, ...], step: int) -> Decision:
        good = self.last_good(first.began, first.metric)
        factor = self._next_rate(good)
        # Where the run was never well, as with weights that are all frozen, going back does not help.
        may_help = not MENDING.isdisjoint(self.acting[first.code])
        if self.allowed is Deed.ADVISE:
            if not may_help:
                return self._made(Deed.ADVISE, step, codes, f"{reason}: {STOP_IT}", None)
            counsel = advice(good.path if good else "", good.step if good else None, factor, self.learning_rate)
            return self._made(Deed.ADVISE, step, codes, f"{reason}: {counsel}", good, factor)
        if self.allowed is Deed.STOP or not may_help:
            return self._made(Deed.STOP, step, codes, f"stopped: {reason}", good)
        if self.rescues >= self.most_rescues:
            return self._made(Deed.STOP, step, codes, f"stopped: {reason}, {came_back(self.rates)}", good)
        if good is None:
            says = f"stopped: {reason}, and there is no checkpoint from before it"
            return self._made(Deed.STOP, step, codes, says, good)
        says = f"{gone_back(good.step, factor, self.learning_rate)}: {reason}"
        return self._made(Deed.RESCUE, step, codes, says, good, factor)

    def _made(
        self, deed: Deed, step: int, codes: tuple[str, ...], says: str, good: Checkpoint | None, rate: float = 1.0
    ) -> Decision:
        is_dry = self.is_dry and deed is not Deed.ADVISE
        return Decision(
            deed=deed,
            step=step,
            codes=codes,
            says=f"(dry run) would have {says}" if is_dry else says,
            checkpoint=good.step if good else None,
            path=good.path if good else "",
            rate=rate,
            is_dry=is_dry,
        )


def _trouble_of(finding: Finding, step: int) -> _Trouble:
    return _Trouble(finding.code, finding.metric, finding.step, int(finding.evidence.get("onset", finding.step)), step)
