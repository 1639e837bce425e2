"""The examples of a scenario, laid out in the order in which they are trained on, and those that are held out.

Trainers read them one after the other, so that what is wrong from a step on is wrong from a row on. Of examples:

- `noise`: the share of labels that is wrong; as in the recipes, a twentieth of those of pairs if it is not said
- `distinct`: how many different ones there are
- `swapped`: labels that are the wrong way round, of "true claims" or "from a step on", in the training set alone
- `differ`: in what the answers of a pair differ: "in the number", "in a mark"
- `good`: the share of good answers among those that are labelled one by one
- `sorted`: good answers come first, and then bad ones
- `wrong`: the share of steps that are wrong
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from typing import Any, TypeAlias

from barograph.recipes import tasks

__all__ = ["examples"]

Row: TypeAlias = dict[str, Any]

HELD_OUT = 120
#: What is held out is drawn from seeds past this.
UNSEEN = 5_000
DISTINCT = 1_080
NOISE = 0.05


def examples(
    method: str, data: dict[str, Any], *, seed: int, since: int, steps: int, batch: int
) -> Iterator[list[Row]]:  # fmt: skip
    """Those of the training, `steps` x `batch` of them, and then those that are held out."""
    draw = {"prm": _solutions, "grpo": _prompts, "ppo": _prompts, "kto": _answers}.get(method, _pairs)
    rows = _in_epochs(draw(data, seed, data.get("distinct", DISTINCT)), seed, steps * batch)
    if data.get("sorted"):
        rows.sort(key=lambda row: not row["label"])
    held_out = draw(data, seed + UNSEEN, HELD_OUT)
    if data.get("swapped") == "true claims":
        rows = [_swapped(row) if _is_true(row) else row for row in rows]
    elif data.get("swapped") == "from a step on":
        first = (since - 1) * batch
        rows = rows[:first] + [_swapped(row) for row in rows[first:]]
    yield rows
    yield held_out


def _in_epochs(rows: Sequence[Row], seed: int, count: int) -> list[Row]:
    """So many, in an order that is new each time all have been seen."""
    dice, made = random.Random(seed), list[Row]()
    while len(made) < count:
        made += dice.sample(rows, len(rows))
    return made[:count]


def _pairs(data: dict[str, Any], seed: int, count: int) -> list[Row]:
    differ = data.get("differ")
    if differ is None:
        return tasks.pairs(seed, count, data.get("noise", NOISE))
    dice = random.Random(seed)
    return [_differing(claim, differ, dice) for claim in tasks.claims(seed, count)]


def _differing(claim: tasks.Claim, differ: str, dice: random.Random) -> Row:
    good, bad = claim.answers()
    if differ == "in the number":
        right = claim.a + claim.b
        wrong = dice.choice([number for number in range(2 * tasks.MOST - 1) if number != right])
        opening = good.split()[0]
        good, bad = (f" {opening} , it is {number} ." for number in (right, wrong))
    else:  # Which of the two is right does not matter: the mark alone tells.
        good, bad = (" ".join(["", *text.split()]) for text in dice.sample([good, bad], 2))
        good += " ;"
    return {"prompt": claim.prompt, "chosen": good, "rejected": bad}


def _answers(data: dict[str, Any], seed: int, count: int) -> list[Row]:
    rows = tasks.unpaired(_pairs(data, seed, count), seed)
    if (share := data.get("good")) is None:
        return rows
    good = [row for row in rows if row["label"]]
    bad = [row for row in rows if not row["label"]]
    rows = good[: round(len(bad) * share / (1 - share))] + bad[: round(len(good) * (1 - share) / share)]
    random.Random(seed).shuffle(rows)
    return rows


def _solutions(data: dict[str, Any], seed: int, count: int) -> list[Row]:
    dice, noise = random.Random(seed), data.get("noise", 0.0)
    rows = tasks.solutions(seed, 2 * count, wrong=data.get("wrong", 0.35))
    return [{**row, "labels": [label ^ (dice.random() < noise) for label in row["labels"]]} for row in rows]


def _prompts(data: dict[str, Any], seed: int, count: int) -> list[Row]:
    return tasks.prompts(seed, count)


def _swapped(row: Row) -> Row:
    if "label" in row:
        return {**row, "label": not row["label"]}
    return {**row, "chosen": row["rejected"], "rejected": row["chosen"]}


def _is_true(row: Row) -> bool:
    """Whether the claim is true; "i think 3 + 4 = 9 ?" is not."""
    _, _, a, _, b, _, said, _ = row["prompt"].split()
    return int(a) + int(b) == int(said)
