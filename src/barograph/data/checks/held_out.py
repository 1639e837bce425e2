"""Whether what is held out can tell anything: apart from what is trained on, large enough, and like it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from barograph.data.check import Check, Graded, NotJudgeable, limit
from barograph.data.evidence import Evidence, Seen
from barograph.data.example import Kind
from barograph.data.finding import DataFinding, numbers
from barograph.data.grouping import example_keys

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["CHECKS"]


def _held_out(evidence: Evidence) -> Seen:
    if evidence.held_out is None:
        raise NotJudgeable("nothing is held out; name it with --eval")
    return evidence.held_out


def _twins(held: Seen, train: Seen, own: NDArray[np.uint64], theirs: NDArray[np.uint64]) -> dict[int, int]:
    """The rows that are held out and have a key that a row of the training has too, each with the first of those."""
    keys, places = np.unique(theirs, return_index=True)
    at = np.searchsorted(keys, own)
    at[at == len(keys)] = 0
    same = np.flatnonzero(keys[at] == own) if len(keys) else np.zeros(0, np.intp)
    return dict(zip(held.ledger.numbers[same].tolist(), train.ledger.numbers[places[at[same]]].tolist(), strict=True))


class HeldOutTrainedOn(Graded):
    """Held-out examples that are trained on too, word for word.

    Why: evaluation then measures memory. Its loss goes on falling while the model overfits, and the best checkpoint is
    chosen by the wrong measure.
    False alarm: none known.
    """

    code, name = "DATA11", "held-out-trained-on"
    says = "{count:,} of {of:,} held-out examples are trained on too"
    do = ("Leave their twins out of the training; split by prompt, after repeats are gone",)
    cleans = True
    warns_from = limit(0.002, "share of held-out examples from which it is more than a remark")
    grave_from = limit(0.05, "share of held-out examples from which it is critical")

    def findings(self, evidence: Evidence) -> Iterator[DataFinding]:
        held = _held_out(evidence)
        twins = _twins(held, evidence.train, example_keys(held.ledger), example_keys(evidence.train.ledger))
        if twins:
            rows, drops = numbers(sorted(twins)), numbers(sorted(set(twins.values())))
            grade = self.grade(len(twins) / held.examples)
            yield self.found(grade, rows=rows, of=held.examples, split="eval", drops=drops, twins=twins)


class HeldOutPrompt(Graded):
    """Held-out examples whose prompt is trained on with other answers, or nearly so.

    Why: what the model learned about this question helps it there, so that evaluation is better than for new questions.
    False alarm: sets with few prompts, where generalising to other answers is what is measured.
    Sources: near prompts are found as near repeats are [G].
    """

    code, name = "DATA12", "held-out-prompt"
    says = "{count:,} of {of:,} held-out examples have a prompt that is trained on, {near:,} of them nearly the same"
    do = ("Split by prompt, so that all answers to one are on the same side",)
    warns_from = limit(0.05, "share of held-out examples from which it is more than a remark")
    alike = limit(0.8, "share of pieces in common from which two prompts are alike; in short ones less")

    def findings(self, evidence: Evidence) -> Iterator[DataFinding]:
        held, train = _held_out(evidence), evidence.train
        own, theirs = held.ledger.hashes[0], train.ledger.hashes[0]
        whole = _twins(held, train, example_keys(held.ledger), example_keys(train.ledger))
        exact = {number: twin for number, twin in _twins(held, train, own, theirs).items() if number not in whole}
        for number, prompt in zip(held.ledger.numbers.tolist(), own.tolist(), strict=True):
            if prompt == 0:
                exact.pop(number, None)
        near: dict[int, int] = {}
        for pair in held.sketches.against(train.sketches, self.alike):
            number = int(held.ledger.numbers[pair.other])
            if number not in exact and number not in whole:
                near.setdefault(number, int(train.ledger.numbers[pair.one]))
        twins = exact | near
        if twins:
            rows, grade = numbers(sorted(twins)), self.grade(len(twins) / held.examples)
            yield self.found(grade, rows=rows, of=held.examples, split="eval", twins=twins, near=len(near))


class TinyHeldOut(Check):
    """So few held-out examples that their accuracy says little.

    Why: an accuracy over n examples is uncertain by about 1 / sqrt(n): with 100 of them, 60 % and 70 % are the same.
    Sources: the normal interval of a share, at its widest [M].
    False alarm: evaluation that is only to catch a collapse.
    """

    code, name = "DATA13", "tiny-held-out"
    says = "{examples:,} held-out examples: an accuracy over them is uncertain by ±{error:.0%}"
    do = ("Hold out at least {enough:,} examples, or read differences smaller than that as none",)
    least = limit(100, "held-out examples below which it is a warning")

    def findings(self, evidence: Evidence) -> Iterator[DataFinding]:
        held = _held_out(evidence)
        if held.examples < self.least:
            error = 0.98 / math.sqrt(held.examples) if held.examples else 1.0
            yield self.found(examples=held.examples, error=error, enough=int(self.least))


class UnlikeHeldOut(Check):
    """What is held out is not like what is trained on: other lengths, or other shares of good and bad.

    Why: evaluation then speaks of other data, and a loss that differs from the start looks like overfitting.
    False alarm: a test set of another source, taken on purpose.
    """

    code, name = "DATA14", "unlike-held-out"
    says = "what is held out is unlike the training: {what}"
    do = ("Draw both from the same shuffled data, or read evaluation as that of another task",)
    times = limit(2.0, "so many times as long in the median")
    apart = limit(0.2, "difference of the share of good ones")
    least = limit(30, "examples on either side that are needed")

    def findings(self, evidence: Evidence) -> Iterator[DataFinding]:
        held, train = _held_out(evidence), evidence.train
        if min(held.examples, train.examples) < self.least:
            raise NotJudgeable("there are too few examples")
        theirs, own = (float(np.median(sum(seen.ledger.lengths))) for seen in (train, held))
        if max(theirs, own) > self.times * max(1.0, min(theirs, own)):
            told = f"the median example has {own:,.0f} characters, {theirs:,.0f} in the training"
            yield self.found(told={"what": told}, held_out=own, train=theirs)
        if self.circumstances.kind is Kind.UNPAIRED:
            good, ours = (float(np.mean(seen.ledger.labels)) for seen in (train, held))
            if abs(good - ours) > self.apart:
                told = f"{ours:.0%} are good, {good:.0%} in the training"
                yield self.found(told={"what": told}, held_out=ours, train=good)


CHECKS: tuple[type[Check], ...] = (HeldOutTrainedOn, HeldOutPrompt, TinyHeldOut, UnlikeHeldOut)
