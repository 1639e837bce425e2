"""What a prescription is made of: each measure looks at a case and says what to do, with numbers where it knows them.

A measure that knows nothing to say says nothing; it never invents a number, nor a checkpoint that cannot be there.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from barograph.core.cause import Change, Prescription
from barograph.core.methods import ONLINE, Method
from barograph.rules.case import Case
from barograph.rules.usual import BETA, usual_beta

__all__ = [
    "Measure", "Part", "balance_classes", "do", "fill_batch", "first", "go_back", "go_back_to_best",
    "halve_entropy_bonus", "lengthen_answers", "less_decay", "look_at_the_break", "lower_critic_rate", "lower_rate",
    "mend_beta", "one_epoch", "plain", "prescribe", "raise_beta", "raise_rate", "sample_purely", "use_bf16",
    "widen_clip",
]  # fmt: skip

#: A rate so many times above what is usual is brought back to that; any other is halved.
FAR = 4.0
#: A rate that is too low is raised so many times.
RAISE = 3.0
#: The share of answers that may be cut off, and how much a limit is raised at once, at least and at most.
CUT, LEAST, MOST = 0.05, 1.5, 4.0
#: So many epochs are more than one.
SEVERAL = 1.5
#: Limits are whole multiples of this.
WHOLE = 64
#: With fewer rows before the trouble there is nothing to go back to.
FEW = 2
#: Examples per device that KTO's estimate of the KL needs.
KTO_BATCH = 4


class Part(NamedTuple):
    """One part of what to do: a deed, or settings and their values."""

    says: str
    changes: tuple[Change, ...] = ()
    resume_from: int | None = None
    is_setting: bool = False


Measure = Callable[[Case], "Part | None"]


def prescribe(case: Case, measures: Iterable[Measure], otherwise: Sequence[str]) -> Prescription | None:
    """One sentence from what the measures say; what to do in words alone where none of them knows anything."""
    parts = [part for measure in measures if (part := measure(case)) is not None]
    if not parts:
        return Prescription(otherwise[0]) if otherwise else None
    deeds = [part.says for part in parts if not part.is_setting]
    settings = " and ".join(part.says for part in parts if part.is_setting)
    if settings and parts[0].is_setting:
        deeds.insert(0, f"set {settings}")
    elif settings:
        deeds[0] += f" with {settings}"
    says = "; ".join(deeds)
    return Prescription(
        says[:1].upper() + says[1:],
        tuple(change for part in parts for change in part.changes),
        next((part.resume_from for part in parts if part.resume_from is not None), None),
    )


def first(*measures: Measure) -> Measure:
    """What the first of these says that knows anything."""

    def measure(case: Case) -> Part | None:
        return next((part for one in measures if (part := one(case)) is not None), None)

    measure.__doc__ = " Else: ".join(one.__doc__ or "" for one in measures)
    return measure


# Deeds


def do(says: str) -> Measure:
    """What is to be done whatever the numbers are."""

    def measure(case: Case) -> Part:
        return Part(says)

    measure.__doc__ = f"{says[:1].upper()}{says[1:]}."
    return measure


def go_back(case: Case) -> Part:
    """Go back to the last checkpoint from before the trouble, or to the beginning if there is none."""
    onset = min(case.onset, case.jump.step) if case.jump else case.onset
    found = case.checkpoint_before(onset)
    if found is not None and found.step == 0:
        return Part("start again")
    if found is not None:
        return Part(f"resume from {_named(found.step, is_sure=found.is_sure)}", resume_from=found.step)
    if case.rows_before(onset) < FEW:
        return Part("start again")
    if case.saved is not None:
        none = f"no checkpoint is older than step {onset:,}" if case.saved else "no checkpoint was saved"
        return Part(f"start again ({none})")
    return Part(f"go back to before step {onset:,}")


def go_back_to_best(case: Case) -> Part | None:
    """Go back to the checkpoint of the best evaluation."""
    if case.best is None:
        return None
    found = case.checkpoint_before(case.best + 1)
    if found is None:
        way = "go back to" if case.saved is None else "start again and stop at"
        return Part(f"{way} step {case.best:,} (the best evaluation)")
    name = _named(found.step, is_sure=found.is_sure)
    near = (
        "the best evaluation" if found.step == case.best else f"the last before the best evaluation, of {case.best:,}"
    )
    return Part(f"go back to {name} ({near})", resume_from=found.step)


def _set(says: str, *changes: Change) -> Part:
    return Part(says, changes, is_setting=True)


def _named(step: int, *, is_sure: bool) -> str:
    return f"checkpoint-{step}" + ("" if is_sure else " (if it was kept)")


# The learning rate


def lower_rate(case: Case) -> Part:
    """The learning rate: what it was before it jumped; what is usual, if it is far above that; else half."""
    name, rate, begun, usual = case.spelling("learning_rate"), case.rate, case.rate_in_warmup, case.usual_rates
    if case.jump is not None:
        to, now = case.jump.before, case.jump.after
        return _set(f"{name} {plain(to)} (as before step {case.jump.step:,}, where it rises to {plain(now)})",
                    Change(name, now, to))  # fmt: skip
    if rate is None:
        return _set("half the learning rate")
    if usual is not None and (begun or rate) > FAR * usual.high:
        to, why = usual.high, f"now {plain(rate)}; {plain(usual.high)} is the most that is usual{_for(case)}"
    elif begun is not None:
        to, why = begun / 2, f"now {plain(rate)}; the trouble begins at {plain(begun)}, in the warm-up"
    else:
        to, why = rate / 2, f"half of {plain(rate)}"
    return _set(f"{name} {plain(to)} ({why})", Change(name, rate, _round(to)))


def raise_rate(case: Case) -> Part:
    """The learning rate: three times, or the lowest that is usual if that is more; never beyond what is usual."""
    name, rate, usual = case.spelling("learning_rate"), case.rate, case.usual_rates
    if rate is None:
        return Part("start again at 2 to 5 times the learning rate")
    to, why = RAISE * rate, f"{RAISE:g} times {plain(rate)}"
    if usual is not None and rate >= usual.high:
        return Part(f"look at examples and labels first: {name} is {plain(rate)}, at the upper end of what is usual")
    if usual is not None and not usual.low <= to <= usual.high:
        to = min(max(to, usual.low), usual.high)
        end = "least" if to == usual.low else "most"
        why = f"now {plain(rate)}; {plain(to)} is the {end} that is usual{_for(case)}"
    return Part(f"start again with {name} {plain(to)} ({why})", (Change(name, rate, _round(to)),))


def lower_critic_rate(case: Case) -> Part | None:
    """The critic's learning rate: a tenth where its loss runs away, else half; zero is none."""
    rate, name = case.number("value_learning_rate"), case.spelling("value_learning_rate")
    if rate is None:
        return None
    if rate == 0:
        return Part(f"train the critic: {name} is 0")
    to = _round(rate / 10 if case.has("VAL01") else rate / 2)
    return _set(f"{name} {plain(to)} (now {plain(rate)})", Change(name, rate, to))


def _for(case: Case) -> str:
    adapters = {True: " with adapters", False: "", None: ", adapters included"}
    return f" for {case.method}{adapters[case.is_adapter]}"


# The objective


def mend_beta(case: Case) -> Part | None:
    """Beta: 0.1, online 0.04, where it lies outside of what is usual."""
    beta, span = case.number("beta"), usual_beta(case.method)
    if beta is None or span.low <= beta <= span.high:
        return None
    name, to = case.spelling("beta"), 0.04 if case.method in ONLINE else 0.1
    usual = f"now {plain(beta)}; {span.low:g} to {span.high:g} is usual"
    return Part(f"start again with {name} {to:g} ({usual})", (Change(name, beta, to),))


def raise_beta(case: Case) -> Part | None:
    """Beta: twice, at least 0.1 and at most 0.5; online, where there may be none, at least 0.04."""
    beta, name = case.number("beta"), case.spelling("beta")
    if beta is None or beta >= BETA.high:
        return None
    least = 0.1 if case.method not in {Method.GRPO, Method.RLOO, Method.PPO} else 0.04
    to = min(BETA.high, max(least, 2 * beta))
    return _set(f"{name} {plain(to)} (now {plain(beta)})", Change(name, beta, to))


def widen_clip(case: Case) -> Part | None:
    """The upper clipping range: 0.28, as in DAPO."""
    now = case.number("clip_high") or case.number("clip_low")
    if now is None or now >= 0.28:
        return None
    name = case.spelling("clip_high")
    return _set(f"{name} 0.28 (now {plain(now)})", Change(name, now, 0.28))


def halve_entropy_bonus(case: Case) -> Part | None:
    """The entropy bonus: half."""
    now, name = case.number("entropy_bonus"), case.spelling("entropy_bonus")
    return _set(f"{name} {plain(now / 2)} (half of {plain(now)})", Change(name, now, _round(now / 2))) if now else None


# Examples and answers


def one_epoch(case: Case) -> Part | None:
    """Epochs: one."""
    epochs, done = case.number("epochs"), case.before("epoch", case.run.last_step + 1)
    if epochs is not None and epochs > 1:
        name = case.spelling("epochs")
        return _set(f"{name} 1 (now {plain(epochs)})", Change(name, epochs, 1))
    # Where the number of steps is given, the number of epochs is not looked at.
    return Part(f"train for one epoch (now {plain(done)})") if done and done > SEVERAL else None


def less_decay(case: Case) -> Part | None:
    """Weight decay: half."""
    now = case.number("weight_decay")
    return (
        _set(f"weight_decay {plain(now / 2)} (half of {plain(now)})", Change("weight_decay", now, now / 2))
        if now
        else None
    )


def look_at_the_break(case: Case) -> Part | None:
    """Score answers from before and after the step at which the reward died by hand."""
    if case.rows_before(case.onset) < FEW:
        return None
    return Part(f"run the reward function by hand on ten answers from before step {case.onset:,} and ten from after it")


def fill_batch(case: Case) -> Part | None:
    """Examples per device and step: four, with less accumulation, so that an update sees as many as before."""
    batch, accumulation = case.number("per_device_batch"), case.number("accumulation") or 1
    if batch is None or batch >= KTO_BATCH:
        return None
    name = case.spelling("per_device_batch")
    change = Change(name, batch, KTO_BATCH)
    times = KTO_BATCH / batch
    if accumulation < times or accumulation % times:
        return _set(f"{name} {KTO_BATCH} (now {batch:g})", change)
    fewer = Change(case.spelling("accumulation"), accumulation, accumulation / times)
    says = f"{name} {KTO_BATCH} (now {batch:g}), {fewer.setting} {fewer.to:g} (now {accumulation:g})"
    return _set(says, change, fewer)


def balance_classes(case: Case) -> Part | None:
    """KTO's weights: the counts of the other class, so that both classes weigh the same (1 to 4/3 is good)."""
    chosen, rejected = case.total("count_chosen"), case.total("count_rejected")
    if not chosen or not rejected or case.method is not Method.KTO:
        return None
    name, other = "desirable_weight", "undesirable_weight"
    # Rounded such that desirable answers do not weigh less than the others.
    to = _digits(rejected / chosen, math.ceil)
    if chosen > rejected:
        name, other, to = other, name, _digits(chosen / rejected, math.floor)
    now, now_other = case.number(name), case.number(other)
    if now == to and now_other in {None, 1.0}:
        return None
    counts = f"{chosen:,.0f} desirable and {rejected:,.0f} undesirable answers"
    return _set(f"{name} {plain(to)} and {other} 1 ({counts})", Change(name, now, to), Change(other, now_other, 1.0))


def lengthen_answers(case: Case) -> Part | None:
    """The length limit: so far that one answer in twenty is cut off, if lengths fall off evenly; at most four times."""
    known, cut, name = case.number("answer_limit"), case.cut_off, case.spelling("answer_limit")
    column = case.column("len_max")
    limit = known or (max(column.finite(), default=None) if column else None)
    if not limit or cut is None or cut <= CUT:
        return None
    factor = min(MOST, max(LEAST, math.log(CUT) / math.log(cut))) if cut < 1 else MOST
    size = WHOLE if limit >= 2 * WHOLE else 1
    to = float(math.ceil(factor * limit / size) * size)
    now = f"now {limit:g}" if known else f"the longest answer now has {limit:g}"
    return _set(f"{name} {to:g} ({now}; {cut:.0%} are cut off)", Change(name, known, to))


def sample_purely(case: Case) -> Part | None:
    """Sampling: top_k 0, top_p 1, min_p 0, temperature 1, no min_length."""
    pure = {"top_k": 0.0, "top_p": 1.0, "min_p": 0.0, "temperature": 1.0, "min_length": -1.0}
    off = [
        Change(name, now, to)
        for name, to in pure.items()
        if (now := case.number(name)) is not None and now != to and not (name == "top_k" and now <= 0)
    ]
    if not off:
        return None
    says = " and ".join(f"{one.setting} {one.to:g} (now {one.now:g})" for one in off)
    return _set(says, *off)


def use_bf16(case: Case) -> Part | None:
    """Precision: bf16, if it is fp16."""
    if not case.is_on("fp16"):
        return None
    return _set("bf16 in place of fp16", Change("bf16", 0.0, 1.0), Change("fp16", 1.0, 0.0))


# Numbers in words


def plain(number: float) -> str:
    """Two digits that tell, as one writes them.

    >>> plain(2.5e-7), plain(0.1), plain(3), plain(0.00025)
    ('2.5e-7', '0.1', '3', '0.00025')
    """
    return f"{number:.2g}".replace("e-0", "e-").replace("e+0", "e") if number < 100 else f"{number:g}"


def _round(number: float) -> float:
    return float(f"{number:.2g}")


def _digits(number: float, whole: Callable[[float], int]) -> float:
    """Two digits that tell, rounded up or down.

    >>> _digits(2.34, math.ceil), _digits(2.36, math.floor), _digits(3.0, math.ceil)
    (2.4, 2.3, 3.0)
    """
    power = 1 - math.floor(math.log10(number))
    return whole(round(number * 10.0**power, 6)) / 10.0**power
