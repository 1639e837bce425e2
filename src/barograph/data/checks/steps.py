"""Whether labelled steps can teach which step is wrong."""

from __future__ import annotations

from collections.abc import Iterator

from barograph.data.baseline import wilson
from barograph.data.check import CRITICAL, WARNING, Check, limit
from barograph.data.evidence import Circumstances, Evidence
from barograph.data.example import Example, Kind
from barograph.data.finding import DataFinding

__all__ = ["CHECKS"]


class _OfSteps(Check):
    """What is counted of every solution."""

    kinds = frozenset({Kind.STEPS})

    def __init__(self, circumstances: Circumstances) -> None:
        super().__init__(circumstances)
        self.solutions = self.steps = self.good = self.faultless = self.hopeless = 0
        #: Solutions of several steps with an error, and those of them whose only error is the last step.
        self.with_error = self.at_the_end = 0

    def see(self, example: Example) -> None:
        labels = example.labels
        if not labels:
            return
        good = sum(labels)
        self.solutions += 1
        self.steps += len(labels)
        self.good += good
        self.faultless += good == len(labels)
        self.hopeless += good == 0
        if good < len(labels) and len(labels) > 1:
            self.with_error += 1
            self.at_the_end += not labels[-1] and good == len(labels) - 1


class StepBalance(_OfSteps):
    """Steps that are nearly all good, or nearly all bad.

    Why: a classifier that always says the same is right almost always then, and accuracy hides that it learned nothing.
    Sources: the bounds are ours [G].
    False alarm: a loss that weighs the rare class, watched by F1 and not by accuracy.
    """

    code, name = "DATA29", "step-balance"
    says = "{share_good:.1%} of {steps:,} steps are good: saying so of all of them is right as often"
    do = ("Weigh the rarer class, or draw more solutions that have it; watch F1 and balanced accuracy",)
    rare = limit(0.1, "share of the rarer class below which it is a warning")
    none = limit(0.01, "share of the rarer class below which it is critical")

    def findings(self, evidence: Evidence) -> Iterator[DataFinding]:
        if not self.steps:
            return
        share = self.good / self.steps
        evidence.figures["good_steps"] = share
        rarer = min(share, 1 - share)
        if rarer < self.rare:
            yield self.found(CRITICAL if rarer < self.none else WARNING, share_good=share, steps=self.steps)


class ErrorsAtTheEnd(_OfSteps):
    """Errors that are at the last step only, solution after solution.

    Why: the place then tells the label: the classifier learns that what comes last is wrong, and nothing of the error.
    Sources: sets that stop at the first error, as PRM800K does, are of this shape [D].
    False alarm: solutions that are cut at their first error on purpose, with enough faultless ones beside them.
    """

    code, name = "DATA30", "errors-at-the-end"
    says = "in {at_the_end:,} of {with_error:,} solutions with an error it is the last step, and only that"
    do = ("Keep what comes after the first error, or add faultless solutions of the same lengths",)
    told_from = limit(0.9, "share of solutions with an error from which it is a warning")
    least = limit(20, "solutions with an error that are needed")

    def findings(self, evidence: Evidence) -> Iterator[DataFinding]:
        if self.with_error >= self.least:
            low, _ = wilson(self.at_the_end / self.with_error, self.with_error)
            if low >= self.told_from:
                yield self.found(at_the_end=self.at_the_end, with_error=self.with_error)


class SolutionsAlike(_OfSteps):
    """Solutions that are nearly all faultless, or in which no step at all is good.

    Why: where whole solutions carry one label, the classifier learns to judge problems, not steps.
    Sources: the bounds are ours [G].
    False alarm: a set of good solutions that is one of several in a mixture.
    """

    code, name = "DATA31", "solutions-alike"
    says = "{told_share:.0%} of {solutions:,} solutions {what}"
    do = ("Add solutions in which good and bad steps stand side by side",)
    told_from = limit(0.9, "share of solutions from which it is a warning")

    def findings(self, evidence: Evidence) -> Iterator[DataFinding]:
        if not self.solutions:
            return
        evidence.figures["faultless_solutions"] = self.faultless / self.solutions
        mixed = self.solutions - self.faultless - self.hopeless
        for number, what in (
            (self.faultless, "have no wrong step"),
            (self.hopeless, "have no good step"),
            (self.solutions - mixed, "have the same label on all their steps"),
        ):
            if number > self.told_from * self.solutions:
                yield self.found(told={"what": what}, told_share=number / self.solutions, solutions=self.solutions)
                return


CHECKS: tuple[type[Check], ...] = (StepBalance, ErrorsAtTheEnd, SolutionsAlike)
