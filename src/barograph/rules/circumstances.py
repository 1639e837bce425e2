"""What the configuration of a run, and the course of its log, say for or against a cause.

Each looks at a case and says a sentence that speaks for the cause or against it, or nothing where it does not know.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from barograph.core.methods import Method
from barograph.rules.case import Case
from barograph.rules.measures import CUT, KTO_BATCH, plain
from barograph.rules.usual import Span, usual_beta

__all__ = [
    "Circumstance", "Telling", "batch_is_tiny", "beta_is_large", "beta_is_small", "classes_are_unbalanced",
    "dropout_is_on", "examples_come_again", "half_precision", "limit_is_short", "rate_is_high", "rate_is_low",
    "sampling_is_narrowed", "something_is_trainable",
]  # fmt: skip


class Telling(NamedTuple):
    """A sentence, and whether it speaks for the cause or against it."""

    says: str
    speaks: bool


Circumstance = Callable[[Case], "Telling | None"]


def rate_is_high(case: Case) -> Telling | None:
    """A learning rate above what is usual, or one that jumps up in the middle of the run."""
    if case.jump is not None:
        step, before, after = case.jump
        return Telling(f"the learning rate rises from {plain(before)} to {plain(after)} at step {step:,}", speaks=True)
    told = _rate_against_usual(case)
    return Telling(told[0], speaks=told[1] > 0) if told and told[1] >= 0 else None


def rate_is_low(case: Case) -> Telling | None:
    """A learning rate below what is usual."""
    told = _rate_against_usual(case)
    return Telling(told[0], speaks=told[1] < 0) if told and told[1] <= 0 else None


def _rate_against_usual(case: Case) -> tuple[str, int] | None:
    """The rate in words, and whether it lies below (-1), within (0) or above (1) what is usual."""
    rate, usual = case.rate, case.usual_rates
    if rate is None or usual is None:
        return None
    adapters = {True: " with adapters", False: "", None: ", adapters included"}[case.is_adapter]
    span = f"{plain(usual.low)} to {plain(usual.high)} is usual for {case.method}{adapters}"
    side = (rate > usual.high) - (rate < usual.low)
    if side == 0 and case.is_adapter is None:
        return None  # Between the least of the one and the most of the other it may be right or wrong.
    times = rate / usual.high if side > 0 else usual.low / rate
    how = {1: f", {plain(times)} times the most", -1: f", {plain(times)} times less than the least", 0: ""}[side]
    return f"the learning rate is {plain(rate)}{how}: {span}", side


def beta_is_small(case: Case) -> Telling | None:
    """A beta below what is usual."""
    return _beta_against_usual(case, lambda beta, span: beta < span.low)


def beta_is_large(case: Case) -> Telling | None:
    """A beta above what is usual."""
    return _beta_against_usual(case, lambda beta, span: beta > span.high)


def _beta_against_usual(case: Case, speaks: Callable[[float, Span], bool]) -> Telling | None:
    beta, span = case.number("beta"), usual_beta(case.method)
    if beta is None:
        return None
    return Telling(f"beta is {plain(beta)}: {span.low:g} to {span.high:g} is usual", speaks=speaks(beta, span))


def examples_come_again(case: Case) -> Telling | None:
    """More than one epoch; within the first there is nothing that could have been learned by heart."""
    done = case.before("epoch", case.run.last_step + 1)
    epochs = case.number("epochs") or done
    if epochs is None or done is None:
        return Telling(f"{plain(epochs)} epochs over the same examples", speaks=True) if epochs and epochs > 1 else None
    if done <= 1:
        return Telling("not one epoch is over: no example has been seen twice", speaks=False)
    return Telling(f"{plain(done)} epochs over the same examples", speaks=True)


def something_is_trainable(case: Case) -> Telling | None:
    """How many parameters are trained, and whether by an adapter."""
    trained = case.number("trainable_parameters")
    if trained is None:
        return None
    if trained == 0:
        return Telling("no parameter is trainable", speaks=True)
    if case.is_adapter:
        return Telling(f"an adapter of {trained:,.0f} parameters is trained: it may be switched off", speaks=True)
    return Telling(f"{trained:,.0f} parameters are trainable, by the configuration", speaks=False)


def half_precision(case: Case) -> Telling | None:
    """The precision: in fp16 alone numbers end at 65504."""
    if case.is_on("fp16"):
        return Telling("it trains in fp16, whose numbers end at 65504", speaks=True)
    if case.is_on("bf16"):
        return Telling("it trains in bf16, whose range is that of fp32", speaks=False)
    return Telling("it trains in fp32", speaks=False) if case.is_on("fp16") is False else None


def limit_is_short(case: Case) -> Telling | None:
    """How many answers are cut off, and how long they are against the limit."""
    limit, cut, length = case.number("answer_limit"), case.cut_off, case.mean("len_mean", 0.5)
    if cut is not None and cut > CUT:
        at = f" at {case.spelling('answer_limit')} {limit:g}" if limit else ""
        long = f"; their mean length is {length:,.0f}" if length else ""
        return Telling(f"{cut:.0%} of the answers are cut off{at}{long}", speaks=True)
    if limit and length and length < 0.5 * limit:
        return Telling(f"answers have {length:,.0f} of {limit:g} tokens", speaks=False)
    return None


def batch_is_tiny(case: Case) -> Telling | None:
    """Examples per device and step: KTO estimates its KL from these."""
    batch = case.number("per_device_batch")
    if batch is None:
        return None
    is_tiny = batch < KTO_BATCH
    says = f"{case.spelling('per_device_batch')} is {batch:g}"
    return Telling(f"{says}: {KTO_BATCH} or more are needed" if is_tiny else says, speaks=is_tiny)


def classes_are_unbalanced(case: Case) -> Telling | None:
    """How many answers of either kind were seen, times their weights."""
    chosen, rejected = case.total("count_chosen"), case.total("count_rejected")
    if chosen is None or rejected is None or case.method is not Method.KTO:
        return None
    weighed = chosen * case.numbers.get("desirable_weight", 1.0)
    other = rejected * case.numbers.get("undesirable_weight", 1.0)
    says = f"{chosen:,.0f} desirable and {rejected:,.0f} undesirable answers were seen"
    return Telling(says, speaks=not (other and 1 <= weighed / other <= 4 / 3))


def dropout_is_on(case: Case) -> Telling | None:
    """Dropout: with it the policy is not itself."""
    if case.is_on("disable_dropout") is None:
        return None
    return None if case.is_on("disable_dropout") else Telling("dropout is left on (disable_dropout false)", speaks=True)


def sampling_is_narrowed(case: Case) -> Telling | None:
    """How answers are sampled: whether tokens that the policy would choose are left out."""
    narrows = {
        "top_k": case.numbers.get("top_k", 0) > 0,
        "top_p": case.numbers.get("top_p", 1) < 1,
        "min_p": case.numbers.get("min_p", 0) > 0,
        "temperature": case.numbers.get("temperature", 1) != 1,
    }
    found = [f"{name} {case.numbers[name]:g}" for name, does in narrows.items() if does]
    if found:
        return Telling(f"answers are sampled with {', '.join(found)}", speaks=True)
    return Telling("answers are sampled purely", speaks=False) if case.number("top_p") is not None else None
