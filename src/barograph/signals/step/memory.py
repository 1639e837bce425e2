"""How each word with a memory is written out: one table.

The lines are Python in which `x` is the value that has just arrived, `me` the word's own value, `me_...` what it
remembers besides, `step` the step of the row, and capitals are numbers that are filled in. They run only in rows in
which `x` has been updated. Most words have shorter lines for when they have grown, that is, once what is missing at
first is there for good; functions that are written from then on take those.
"""

from __future__ import annotations

import math
from bisect import insort
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from textwrap import dedent, indent
from types import MappingProxyType
from typing import Any, NamedTuple

from barograph.signals.timeline import Timeline

__all__ = ["HELPERS", "MEMORY", "WHOLE", "Memory"]

#: The mass of an average from which on it counts as whole.
WHOLE = 1.0 - 1e-12

#: What a word remembers, by name; its value is "".
State = Mapping[str, Any]


def _has_value(state: State) -> bool:
    return state[""] is not None


class Memory(NamedTuple):
    """How a word with a memory is written out."""

    #: What it does with a new value, at any age.
    lines: str
    #: The same, once it has grown.
    later: str | None = None
    #: How its value is worked out where it is read, if that is rarer than new values are; nothing is kept as `me` then.
    read: str | None = None
    #: What else it remembers, before the first value.
    state: State = MappingProxyType({})
    numbers: Mapping[str, str] = MappingProxyType({})
    grown: Callable[[State], bool] = _has_value
    #: It may be without a value even though `x` has been updated; never again once it has one.
    late: bool = False
    #: How large its value can become, for an `x` of size one; infinite where it may not be finite.
    size: float = 1.0


def _ema(timeline: Timeline, rows: float, steps: float, share: float) -> Memory:
    """Each value weighs less the longer it is ago. While there are few, all that there are make up the whole.

    `me_mass` is the weight of all values so far; it grows to one, as if the series had always been there.
    """
    if rows:
        lines = """
        if me is None:
            me = x
        else:
            me_mass, weight = among_few(me_mass, WEIGHT)
            me = me + weight * (x - me)
        """
        numbers = {"WEIGHT": repr(2.0 / (rows + 1.0))}
        return Memory(lines, "me = me + WEIGHT * (x - me)", state={"mass": 0.0}, numbers=numbers, grown=_whole)
    span, fixed = _span(timeline, steps, share)
    # By the steps that have gone since the update before: nearly always as many as the last time.
    weigh = """
    gone = step - me_then
    if gone != me_gone:
        me_gone = gone
        me_weight = weight_of(gone, SPAN)
    """
    if not fixed:
        weigh = weigh.replace("if gone != me_gone:", "if True:")
    lines = f"""
    if me is None:
        me = x
    else:
        {indent(weigh, "    ").strip()}
        me_mass, weight = among_few(me_mass, me_weight)
        me = me + weight * (x - me)
    me_then = step
    """
    # The same as `among_few` once there is a mass, without a call.
    later = f"""
    {weigh.strip()}
    me_mass = me_mass + me_weight * (1.0 - me_mass)
    if me_mass >= WHOLE: me_mass = 1.0
    me = me + me_weight / me_mass * (x - me)
    me_then = step
    """
    state = {"mass": 0.0, "then": 0.0, "gone": None, "weight": 0.0}
    return Memory(lines, later, state=state, numbers={"SPAN": span}, grown=lambda state: state["mass"] > 0.0)


def _whole(state: State) -> bool:
    return bool(state["mass"] == 1.0)


def _span(timeline: Timeline, steps: float, share: float) -> tuple[str, bool]:
    """A number of steps, or of a share of the run; and whether it is the same in every row."""
    if steps or not share:
        return repr(float(steps)), True
    if timeline.horizon is None:
        return f"({share!r} * step)", False
    return repr(share * timeline.horizon), True


def _windowed(result: str, *, late: bool = False, size: float = 1.0) -> Callable[..., Memory]:
    """A function of the last values."""

    def word(timeline: Timeline, rows: float) -> Memory:
        lines = f"me_window.append(x)\nme = {result}"
        return Memory(lines, state={"window": deque(maxlen=int(rows))}, late=late, size=size)

    return word


def _looked_up(result: str) -> Callable[..., Memory]:
    """A function of the last values that rules read only now and then, as behind another condition."""

    def word(timeline: Timeline, rows: float) -> Memory:
        return Memory("me_window.append(x)", read=result, state={"window": deque(maxlen=int(rows))})

    return word


def _spike(timeline: Timeline, rows: float) -> Memory:
    """Compared with the values before: the window holds those when a new value arrives, `me_top` is their largest.

    Only what is larger than all of them is a spike at all, so nothing is ever sorted for any other.
    """
    judge = "me = spike_height(x, me_window) if x > me_top else 0.0"
    slide = """
    if not me_window or x >= me_top:
        me_top = x
        me_window.append(x)
    elif me_window[0] < me_top:
        me_window.append(x)
    else:
        me_window.append(x)
        me_top = max(me_window)
    """
    n = int(rows)
    return Memory(
        f"if len(me_window) * 2 >= ROWS: {judge}\n{dedent(slide).strip()}",
        f"{judge}\n{dedent(slide.replace('not me_window or ', '')).strip()}",
        state={"window": deque[float](maxlen=n), "top": -math.inf},
        numbers={"ROWS": str(n)},
        late=True,
        size=math.inf,
    )


def _delta(timeline: Timeline, rows: float) -> Memory:
    if rows == 1:
        lines = "if me_last is not None: me = x - me_last\nme_last = x"
        return Memory(lines, "me = x - me_last\nme_last = x", state={"last": None}, late=True, size=2.0)
    lines = "me_window.append(x)\nif len(me_window) > ROWS: me = x - me_window[0]"
    window = {"window": deque[float](maxlen=int(rows) + 1)}
    return Memory(lines, state=window, numbers={"ROWS": str(int(rows))}, late=True, size=2.0)


def _first(timeline: Timeline, rows: float) -> Memory:
    lines = """
    if len(me_ranked) < ROWS:
        insort(me_ranked, x)
        me = middle_of(me_ranked)
    """
    numbers = {"ROWS": str(int(rows))}
    return Memory(
        lines, "", state={"ranked": []}, numbers=numbers, grown=lambda state: len(state["ranked"]) >= int(rows)
    )


def _settled(timeline: Timeline, rows: float) -> Memory:
    lines = "me_seen = me_seen + 1\nif me_seen >= ROWS: me = x"
    return Memory(lines, "me = x", state={"seen": 0}, numbers={"ROWS": str(int(rows))}, late=True)


def _lowest(timeline: Timeline, rows: float) -> Memory:
    if rows:
        return _looked_up("min(me_window)")(timeline, rows)
    return Memory("if me is None or x < me: me = x", "if x < me: me = x")


def _highest(timeline: Timeline, rows: float) -> Memory:
    if rows:
        return _looked_up("max(me_window)")(timeline, rows)
    return Memory("if me is None or x > me: me = x", "if x > me: me = x")


def _count(timeline: Timeline) -> Memory:
    return Memory("me = (me or 0.0) + 1.0", "me = me + 1.0")


def _total(timeline: Timeline) -> Memory:
    return Memory("me = (me or 0.0) + (1.0 if x else 0.0)", "if x: me = me + 1.0")


def _streak(timeline: Timeline) -> Memory:
    return Memory("me = (me or 0.0) + 1.0 if x else 0.0")


def _ever(timeline: Timeline) -> Memory:
    return Memory("me = bool(me or x)", "if x: me = True")


def _fraction(timeline: Timeline, rows: float) -> Memory:
    """The window holds truth values; `me_true` counts those that are true."""
    lines = """
    if len(me_window) == ROWS: me_true = me_true - me_window[0]
    me_window.append(x)
    me_true = me_true + x
    if len(me_window) == ROWS: me = me_true / ROWS
    """
    later = """
    me_true = me_true - me_window[0] + x
    me_window.append(x)
    me = me_true / ROWS
    """
    state = {"window": deque[float](maxlen=int(rows)), "true": 0}
    return Memory(lines, later, state=state, numbers={"ROWS": str(int(rows))}, late=True)


def _sustained(timeline: Timeline, rows: float, steps: float, share: float) -> Memory:
    """True for long enough. A row stands for the steps since the row before it, so the span begins there.

    `me_onset` is the first step at which it was true, in the stretch that goes on; `me_begun` counts its rows.
    """
    # Asked for no steps as well: after a restart the step may lie before the stretch.
    tests = [f"me_begun >= {float(rows)!r}", f"step - me_since >= {float(steps)!r}"]
    if share:
        tests.append(f"step - me_since >= {_span(timeline, 0, share)[0]}")
    begins = f"""
    if x:
        if me_since is None:
            me_since = step if me_then is None else me_then
            me_onset = step
        me_begun = me_begun + 1.0
        me = {" and ".join(tests)}
    else:
    """
    # `me_then` is asked for where a stretch begins, so it need not move within one.
    ends = """
        me_then = step
        me = False
        me_begun = 0.0
        me_since = None
    """
    still = """
        me_then = step
        if me_begun:
            me = False
            me_begun = 0.0
            me_since = None
    """
    lines, later = (dedent(begins).strip() + "\n" + indent(dedent(rest).strip(), "    ") for rest in (ends, still))
    return Memory(lines, later, state={"begun": 0.0, "onset": 0.0, "since": None, "then": None})


#: Each word, called with the run's frame and the word's numbers.
MEMORY: dict[str, Callable[..., Memory]] = {
    "ema": _ema,
    "mean": _windowed("sum(me_window) / len(me_window)"),
    "median": _looked_up("middle_of(sorted(me_window))"),
    "std": _windowed("spread_of(me_window)", late=True, size=math.inf),
    "slope": _windowed("slope_of(me_window)", late=True, size=math.inf),
    "spike": _spike,
    "delta": _delta,
    "first": _first,
    "settled": _settled,
    "lowest": _lowest,
    "highest": _highest,
    "count": _count,
    "sustained": _sustained,
    "streak": _streak,
    "fraction": _fraction,
    "total": _total,
    "ever": _ever,
}


# What the lines call


def weight_of(gone: float, span: float) -> float:
    """The weight of a value that comes so many steps after the one before."""
    return -math.expm1(-max(0.0, gone) / span) if span > 0 else 1.0


def among_few(mass: float, weight: float) -> tuple[float, float]:
    """The mass of an average with one more value, and that value's weight. The first weighs as much as the second."""
    if not weight:
        return mass, 0.0
    begun = mass or weight
    mass = begun + weight * (1.0 - begun)
    if mass >= WHOLE:
        mass = 1.0
    return mass, weight / mass


def spread_of(window: Sequence[float]) -> float | None:
    """The standard deviation, from two values on."""
    n = len(window)
    if n < 2:
        return None
    mean = sum(window) / n
    try:
        return math.sqrt(sum((value - mean) ** 2 for value in window) / (n - 1))
    except OverflowError:  # the square of a number past 1e154
        return math.inf


def slope_of(window: Sequence[float]) -> float | None:
    """The least-squares rise per value, from three values on."""
    n = len(window)
    if n < 3:
        return None
    middle = (n - 1) / 2
    rise = sum((i - middle) * value for i, value in enumerate(window))
    return rise / (n * (n * n - 1) / 12)


def middle_of(ranked: Sequence[float]) -> float:
    """The median of values in rising order."""
    n = len(ranked)
    return ranked[n // 2] if n % 2 else (ranked[n // 2 - 1] + ranked[n // 2]) / 2


def spike_height(value: float, window: Sequence[float]) -> float:
    """Robust standard deviations above the median; a spread of zero counts as a hundredth of the level."""
    level = middle_of(sorted(window))
    deviation = middle_of(sorted(abs(other - level) for other in window))
    return (value - level) / max(1.4826 * deviation, 0.01 * abs(level), 1e-12)


HELPERS: dict[str, object] = {
    function.__name__: function for function in (weight_of, among_few, spread_of, slope_of, middle_of, spike_height)
}
HELPERS |= {"WHOLE": WHOLE, "insort": insort}
