"""How likely each label is the wrong way round, by all that the looks at its example have told.

A late look knows more than an early one, and is corrupted more: a wrong label is learned by heart with the right ones.
How much of each there is can be read off the training itself. What a model learns of the others moves the margins of
all examples at any time; what it has learned of an example by heart shows all at once, where an epoch begins and each
example has been trained on once more. So the steps of that staircase are the part learned by heart, and the rest of the
mean margin is what right and wrong labels differ by. With this difference and the way in which looks vary together, the
best weights of all looks are those of a linear discriminant (Fisher 1936).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from barograph.data.looks import BEGIN, BEGUN, END, NTHS, SLOTS, VARIANCE, width_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from barograph.data.looks import Looks

__all__ = ["Odds", "odds_of"]

#: How many examples must have been looked at so often, for that look to be weighed by itself.
ENOUGH = 50
#: By so much looks are taken to vary by themselves alone, whatever was counted.
SHRINK = 0.1
#: The share of those that stand apart is looked for from here on, up to here, until it changes by less than this or for
#: so many rounds, among so many examples.
FIRST_GUESS, MOST_APART, CLOSE, ROUNDS, LOOKED_AT = 0.05, 0.45, 1e-5, 60, 20_000
#: A smaller share than this is none.
LEAST_APART = 0.01


@dataclass(frozen=True, slots=True)
class Odds:
    """What is to be thought of each label."""

    #: By how much all looks make a wrong label likelier than a right one (a logarithm); minus infinity if never seen.
    score: NDArray[Any]
    #: How likely each example is one of those that stand apart from the rest, on the side of wrong labels. They may be
    #: of another kind and merely hard. All nought where none do.
    chance: NDArray[Any]
    #: The part of the last looks' mean margin that was learned by heart; None if examples were looked at once.
    by_heart: float | None


def odds_of(looks: Looks) -> Odds:
    """All looks together. Those that still wait are not in it."""
    import numpy as np

    told, filled = _slots(looks)
    enough = min(ENOUGH, (filled > 0).sum() / 2)
    deepest = max((deep for deep in range(1, SLOTS + 1) if (filled >= deep).sum() > enough), default=1)
    told, filled = told[:, :deepest], np.minimum(filled, deepest)
    honest, by_heart = _honest(looks, deepest)
    is_seen = filled > 0
    score = np.full(looks.examples, -np.inf)
    chance = np.zeros(looks.examples)
    if is_seen.any():
        score[is_seen] = _scores(told[is_seen], filled[is_seen], honest)
        chance[is_seen] = _apart(score[is_seen])
    return Odds(score, chance, by_heart)


def _slots(looks: Looks) -> tuple[NDArray[Any], NDArray[Any]]:
    """What was told, with as many looks to a slot for all examples; and how many slots each has filled."""
    import numpy as np

    count = looks.kept["count"].astype(np.int64)
    told = looks.kept["told"].astype(np.float64)
    widest = int(width_of(count.max(initial=0)))
    width = width_of(count)
    while (narrow := width < widest).any():
        # How many looks are in each slot: the last one may not be full.
        inside = np.clip(count[narrow, None] - np.arange(SLOTS) * width[narrow, None], 0, width[narrow, None])
        sums = (told[narrow] * inside).reshape(-1, SLOTS // 2, 2).sum(axis=2)
        told[narrow, : SLOTS // 2] = sums / np.maximum(1, inside.reshape(-1, SLOTS // 2, 2).sum(axis=2))
        told[narrow, SLOTS // 2 :] = 0
        width[narrow] *= 2
    return told, -(-count // widest)


def _honest(looks: Looks, deepest: int) -> tuple[NDArray[Any], float | None]:
    """The part of each slot's mean margin that was not learned by heart; and that part which was, in the end."""
    import numpy as np

    course = looks.course[looks.course[:, BEGUN] > 0]
    if not len(course):
        return np.ones(deepest), None
    # The middles of an end and of the beginning behind it lie one such part of an epoch apart, in which others teach.
    part = looks.edge / max(looks.examples, looks.edge + 1)
    rise = np.maximum(0.0, course[:, END] - course[:, BEGIN]) * part / (1 - part)
    steps = course[1:, BEGIN] - course[:-1, END] - (rise[1:] + rise[:-1]) / 2
    errors = course[1:, VARIANCE] / course[1:, BEGUN] + course[:-1, VARIANCE] / looks.edge
    # Only what exceeds its error is taken for learned by heart.
    by_heart = np.concatenate(([0.0], np.maximum(0.0, np.cumsum(steps) - np.sqrt(np.cumsum(errors)))))
    mean = (course[:, BEGIN] + course[:, END]) / 2 - looks.start
    share = np.clip(1 - by_heart / np.maximum(mean, 1e-12), 0.0, 1.0)
    width = int(width_of(looks.kept["count"].max(initial=0)))
    last = min(len(course), NTHS) - 1
    nths = np.minimum(np.arange(deepest * width), last).reshape(deepest, width)
    return share[nths].mean(axis=1), float(1 - share[nths[-1, -1]]) if len(course) > 1 else None


def _scores(told: NDArray[Any], filled: NDArray[Any], honest: NDArray[Any]) -> NDArray[Any]:
    """By how much a wrong label is likelier than a right one, by the slots that each example has.

    What was learned by heart is the same for all; beside it right labels lie around one place, and wrong ones around
    its opposite. They are few: so the mean of all is nearly that of right ones, and their spread nearly that of all.
    """
    import numpy as np

    is_there = filled[:, None] > np.arange(told.shape[1])
    count = is_there.sum(axis=0)
    mean = (told * is_there).sum(axis=0) / count
    off = (told - mean) * is_there
    spread = (off.T @ off) / np.minimum(count[:, None], count)  # What has a later slot has those before it.
    apart = np.maximum(mean * honest, 0.0)
    beside = told - mean * (1 - honest)
    score = np.zeros(len(told))
    for depth in range(1, told.shape[1] + 1):
        is_now = filled == depth
        score[is_now] = -2 * beside[is_now, :depth] @ _weights(apart[:depth], spread[:depth, :depth])
    return score


def _weights(apart: NDArray[Any], spread: NDArray[Any]) -> NDArray[Any]:
    """The weight of each look; one that would speak against itself has none."""
    import numpy as np

    scale = np.sqrt(np.maximum(np.diag(spread), 1e-12))
    together = (1 - SHRINK) * spread / np.outer(scale, scale) + SHRINK * np.eye(len(scale))
    used = np.flatnonzero(apart > 0)
    weights = np.zeros(len(apart))
    while len(used):
        weights[:] = 0
        weights[used] = np.linalg.solve(together[np.ix_(used, used)], (apart / scale)[used])
        if (weights >= 0).all():
            break
        used = used[weights[used] > 0]
    if not weights.any():
        return np.full(len(apart), 0.5 / len(apart))  # Nothing is known of any of them: then they are worth the same.
    return weights / scale


def _apart(score: NDArray[Any]) -> NDArray[Any]:
    """How likely each example is one of those that stand apart, on the side of wrong labels.

    Two groups are looked for whose scores lie around opposite places with the same spread, by expectation maximisation
    (Dempster, Laird and Rubin 1977). Where there are no two, the share of the second one goes to nought.
    """
    import numpy as np

    some = score[:: -(-len(score) // LOOKED_AT)]
    square = float((some**2).mean())
    share, sharpness, chance = FIRST_GUESS, 0.0, np.zeros(len(some))
    for _ in range(ROUNDS):
        place = float(((1 - 2 * chance) * -some).mean())
        sharpness = 2 * max(place, 0.0) / max(square - place**2, 1e-12)
        chance = _chance(some * sharpness, share)
        before, share = share, min(float(chance.mean()), MOST_APART)
        if abs(share - before) < CLOSE or share < LEAST_APART / 10:
            break
    return _chance(score * sharpness, share if share >= LEAST_APART else 0.0)


def _chance(odds: NDArray[Any], share: float) -> NDArray[Any]:
    """How likely an example is one of a share of all, by what else is known of it, as log-odds."""
    import numpy as np

    chance: NDArray[Any] = share / (share + (1 - share) * np.exp(np.clip(-odds, -60, 60)))
    return chance
