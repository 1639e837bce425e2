"""How a decision is said."""

from __future__ import annotations

from collections.abc import Sequence

#: How parts of a learning rate are called.
NAMED = {0.5: "half", 0.25: "a quarter of", 0.125: "an eighth of"}

__all__ = ["STOP_IT", "advice", "came_back", "gone_back", "why"]

STOP_IT = "stop the run; a smaller learning rate does not mend it"


def why(code: str, name: str, began: int) -> str:
    """The finding behind a decision.

    >>> why("PREF03", "margin-inverted", 1240)
    'PREF03 margin-inverted since step 1,240'
    """
    return f"{code} {name} since step {began:,}"


def gone_back(step: int, factor: float, learning_rate: float | None) -> str:
    """What a rescue does.

    >>> gone_back(40, 0.25, 1e-5)
    'gone back to step 40, at a quarter of the learning rate (2.5e-06)'
    """
    new = "" if learning_rate is None else f" ({learning_rate * factor:.4g})"
    return f"gone back to step {step:,}, at {_part(factor)} the learning rate{new}"


def came_back(rates: Sequence[float]) -> str:
    """That going back did not help, as often as it was done.

    >>> came_back([0.5, 0.125])
    'and 2 rescues, at 0.5 and 0.125 of the learning rate, did not help'
    """
    if not rates:
        return "and no rescue is allowed"
    named = [f"{rate:.3g}" for rate in rates]
    listed = " and ".join([", ".join(named[:-1]), named[-1]] if len(named) > 1 else named)
    times = "one rescue" if len(rates) == 1 else f"{len(rates)} rescues"
    return f"and {times}, at {listed} of the learning rate, did not help"


def advice(path: str, step: int | None, factor: float, learning_rate: float | None) -> str:
    """How its owner mends the run, from a checkpoint or without one.

    A lower `learning_rate` alone would change nothing: the checkpoint brings the old one back with its optimizer.

    >>> print(advice("out/checkpoint-40", 40, 0.5, 1e-6))
    go back to step 40 with learning_rate=5e-07: barograph.trainers.resume(trainer, "out/checkpoint-40", rate=0.5)
    """
    new = f"learning_rate={learning_rate * factor:.4g}" if learning_rate else f"{_part(factor)} the learning rate"
    if step is None:
        return f"no checkpoint is from before it: stop, and start again with {new}"
    if not path:
        return f"go back to step {step:,} with {new}"
    return f'go back to step {step:,} with {new}: barograph.trainers.resume(trainer, "{path}", rate={factor:g})'


def _part(factor: float) -> str:
    """A part of something, in words.

    >>> _part(0.25), _part(1 / 128), _part(0.3)
    ('a quarter of', '1/128 of', '0.3 of')
    """
    if factor in NAMED:
        return NAMED[factor]
    whole = 1.0 / factor
    return f"1/{whole:,.0f} of" if whole.is_integer() else f"{factor:.3g} of"
