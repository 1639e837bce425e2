"""Sets that are bent more and more, as a whole, and sets with a known share of wrong labels."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from honest import SIDES, Row, labelled, pairs, stepped

__all__ = ["TRENDS", "Trend", "judged_twice", "told_by_words", "turned_round"]

#: Words that give a side away, in `told_by_words`.
KIND, CURT = (
    ("certainly", "gladly", "please", "happily", "kindly"),
    ("whatever", "obviously", "nonsense", "anyway", "duh"),
)


@dataclass(frozen=True)
class Trend:
    """A check of whole sets, how a set is bent, and how far."""

    code: str
    what: str
    at: Sequence[float]
    bend: Callable[[float, int], tuple[list[Row], list[Row] | None]]
    shown_as: str = "{:.0%}"


def longer_wins(share: float, seed: int) -> tuple[list[Row], None]:
    """The longer answer is the better one in so large a share."""
    dice = random.Random(seed)
    rows = []
    for row in pairs(1_000, seed):
        first, second = sorted((row["chosen"], row["rejected"]), key=len, reverse=dice.random() < share)
        rows.append({**row, "chosen": first, "rejected": second})
    return rows, None


def told_by_words(share: float, seed: int, count: int = 1_000) -> tuple[list[Row], None]:
    """The side that has a kind word is the better one, and the one that has a curt word the worse, in such a share."""
    dice = random.Random(seed + 1)
    rows = []
    for row in pairs(count, seed):
        words = [dice.choice(KIND), dice.choice(CURT)]
        if dice.random() >= share:
            words.reverse()
        rows.append(row | {side: _with(row[side], word, dice) for side, word in zip(SIDES, words, strict=True)})
    return rows, None


def _with(text: str, word: str, dice: random.Random) -> str:
    words = text.split(" ")
    words.insert(dice.randrange(len(words)), word)
    return " ".join(words)


def good_ones(ratio: float, seed: int) -> tuple[list[Row], None]:
    """So many good answers for each bad one."""
    good = round(1_000 * ratio / (1 + ratio))
    return [{**row, "label": place < good} for place, row in enumerate(labelled(1_000, seed))], None


def good_steps(share: float, seed: int) -> tuple[list[Row], None]:
    dice = random.Random(seed)
    return [{**row, "labels": [dice.random() < share for _ in row["labels"]]} for row in stepped(500, seed)], None


def wrong_at_the_end(share: float, seed: int) -> tuple[list[Row], None]:
    """Half of the solutions have one wrong step, which is the last one in such a share of them."""
    dice, rows = random.Random(seed), []
    for place, row in enumerate(stepped(500, seed)):
        count = len(row["labels"])
        at = count - 1 if dice.random() < share else dice.randrange(count - 1)
        rows.append({**row, "labels": [n != at or place % 2 == 0 for n in range(count)]})
    return rows, None


def faultless(share: float, seed: int) -> tuple[list[Row], None]:
    dice = random.Random(seed)
    rows = stepped(500, seed)
    return [{**row, "labels": [True] * len(row["labels"])} if dice.random() < share else row for row in rows], None


def few_held_out(count: float, seed: int) -> tuple[list[Row], list[Row]]:
    return pairs(300, seed), pairs(int(count), seed + 1_000)


def longer_held_out(times: float, seed: int) -> tuple[list[Row], list[Row]]:
    """Held-out examples of so many times the characters."""
    held_out = [
        {name: f"{text} {text * 4}"[: round(len(text) * times)] for name, text in row.items()}
        for row in pairs(300, seed + 1_000)
    ]
    return pairs(300, seed), held_out


TRENDS: Sequence[Trend] = (
    Trend("DATA15", "“longer wins” is right in", (0.5, 0.6, 0.65, 0.7, 0.75, 0.8, 0.95), longer_wins),
    Trend("DATA16", "kind and curt words are right in", (0.5, 0.6, 0.7, 0.8, 0.9, 1.0), told_by_words),
    Trend("DATA28", "good answers for each bad one", (0.2, 0.4, 0.8, 1.0, 1.33, 1.6, 3.0, 5.0), good_ones, "{:g}"),
    Trend("DATA29", "good steps", (0.005, 0.05, 0.15, 0.5, 0.85, 0.95, 0.995), good_steps, "{:.1%}"),
    Trend("DATA30", "the one wrong step is the last", (0.25, 0.5, 0.8, 0.9, 0.95, 1.0), wrong_at_the_end),
    Trend("DATA31", "solutions without a wrong step", (0.1, 0.5, 0.85, 0.95), faultless),
    Trend("DATA13", "held-out examples", (20, 60, 99, 100, 300), few_held_out, "{:.0f}"),
    Trend("DATA14", "held-out examples longer by a factor of", (0.3, 0.7, 1.0, 1.5, 3.0), longer_held_out, "{:g}"),
)


def judged_twice(wrong: float, seed: int, count: int = 2_000, again: float = 0.25) -> list[Row]:
    """Each verdict is wrong with such a chance by itself, and a quarter of the pairs is judged twice."""
    dice, rows = random.Random(f"verdicts {seed}"), []
    for row in pairs(count, seed):
        for _ in range(1 + (dice.random() < again)):
            is_wrong = dice.random() < wrong
            rows.append(turned_round(row) if is_wrong else row)
    dice.shuffle(rows)
    return rows


def turned_round(row: Row) -> Row:
    """A pair with the wrong label."""
    return row | {"chosen": row["rejected"], "rejected": row["chosen"]}
