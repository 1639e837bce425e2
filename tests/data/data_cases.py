"""For each check a set with a planted fault at rows that are known, and the same set without it.

The clean sets are made of sentences that are all different, in which chosen and rejected are equally long on average.
"""

from __future__ import annotations

import copy
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from barograph.core.finding import Severity

Row = dict[str, Any]
INFO, WARNING, CRITICAL = Severity.INFO, Severity.WARNING, Severity.CRITICAL

NOUNS = (
    "river",
    "garden",
    "window",
    "teacher",
    "engine",
    "letter",
    "mountain",
    "candle",
    "market",
    "bridge",
    "forest",
    "doctor",
    "island",
    "mirror",
    "pencil",
    "station",
    "winter",
    "kitchen",
    "planet",
    "farmer",
    "ticket",
    "valley",
)
VERBS = ("follows", "paints", "repairs", "remembers", "carries", "describes", "measures", "visits", "hides", "finds")
PLACES = ("near the harbour", "in the old town", "behind the school", "under the roof", "on the way home", "at noon")


def sentence(dice: random.Random) -> str:
    """A sentence of some ten words."""
    first, second, third = dice.sample(NOUNS, 3)
    verb, place, number = dice.choice(VERBS), dice.choice(PLACES), dice.randrange(1000, 10**9)
    return f"The {first} {verb} the {second} and the {third} {place} in {number}."


def pairs(count: int = 200, seed: int = 0) -> list[Row]:
    dice = random.Random(seed)
    return [
        {"prompt": f"Say it again: {sentence(dice)}", "chosen": sentence(dice), "rejected": sentence(dice)}
        for _ in range(count)
    ]


def labelled(count: int = 200, seed: int = 0, good: float = 0.54) -> list[Row]:
    """Answers of which a bit more than half are good, as KTO likes it."""
    dice = random.Random(seed)
    return [
        {"prompt": f"Say it again: {sentence(dice)}", "completion": sentence(dice), "label": place < good * count}
        for place in range(count)
    ]


def stepped(count: int = 100, seed: int = 0) -> list[Row]:
    """Solutions of three steps of which the second is wrong in every second one."""
    dice = random.Random(seed)
    return [
        {
            "prompt": f"Solve: {sentence(dice)}",
            "completions": [sentence(dice) for _ in range(3)],
            "labels": [True, place % 2 == 0, True],
        }
        for place in range(count)
    ]


def talks(count: int = 100, seed: int = 0) -> list[Row]:
    """Pairs as conversations with a prompt of their own."""
    return [
        {
            "prompt": [{"role": "user", "content": row["prompt"]}],
            "chosen": [{"role": "assistant", "content": row["chosen"]}],
            "rejected": [{"role": "assistant", "content": row["rejected"]}],
        }
        for row in pairs(count, seed)
    ]


def changed(rows: list[Row], numbers: tuple[int, ...], change: Callable[[Row], Row | dict[str, Any]]) -> list[Row]:
    """The same rows, those with these numbers (from 1 on) changed."""
    made = copy.deepcopy(rows)
    for number in numbers:
        made[number - 1] = {**made[number - 1], **change(made[number - 1])}
    return made


@dataclass(frozen=True)
class Case:
    """A planted fault."""

    code: str
    faulty: list[Row]
    clean: list[Row]
    #: The rows that must be named, in this order; None where the finding is about the whole set.
    rows: tuple[int, ...] | None
    severity: Severity
    #: What its words must hold.
    says: str = ""
    held_out: list[Row] | None = None
    clean_held_out: list[Row] | None = None
    options: dict[str, Any] = field(default_factory=dict)
    #: The rows that a cleaned copy leaves out; those of the finding unless said otherwise.
    drops: tuple[int, ...] | None = None

    def __str__(self) -> str:
        return f"{self.code}-{self.says.replace(' ', '-')[:20]}"


def swapped(row: Row) -> Row:
    return {**row, "chosen": row["rejected"], "rejected": row["chosen"]}


P, L, S, T = pairs(), labelled(), stepped(), talks()
LONG = "word " * 2_000
MANY = tuple(range(1, 161))


def _beaten(rows: list[Row]) -> list[Row]:
    """A over B, B over C and C over A for the first prompt, at rows 1 to 3."""
    prompt, a, b, c = rows[0]["prompt"], "alpha one", "beta two", "gamma three"
    circle = [(a, b), (b, c), (c, a)]
    return [{"prompt": prompt, "chosen": x, "rejected": y} for x, y in circle] + rows[3:]


def _chain(rows: list[Row]) -> list[Row]:
    """A over B, B over C and A over C: no circle."""
    prompt, a, b, c = rows[0]["prompt"], "alpha one", "beta two", "gamma three"
    line = [(a, b), (b, c), (a, c)]
    return [{"prompt": prompt, "chosen": x, "rejected": y} for x, y in line] + rows[3:]


def _judged_twice(wrong: int, of: int = 40) -> list[Row]:
    """The first `of` pairs again, `wrong` of them the other way round."""
    again = [swapped(row) if place < wrong else row for place, row in enumerate(P[:of])]
    return P + again


def _longer(row: Row) -> Row:
    return {"chosen": f"{row['chosen']} And so on."}


def _signed(row: Row) -> Row:
    return {"chosen": f"Certainly! {row['chosen'][:-11]}"}


def _telling(wrong: tuple[int, ...]) -> list[Row]:
    """Pairs of which one word gives the good side away, but at these rows it stands on the other."""
    rows = [{**row, "chosen": f"sure {row['chosen']}", "rejected": f"sorry {row['rejected']}"} for row in P]
    return changed(rows, wrong, swapped)


def _imbalanced(good: int, bad: int) -> list[Row]:
    rows = labelled(good + bad)
    return [{**row, "label": place < good} for place, row in enumerate(rows)]


def _near(text: str) -> str:
    """The same text with one letter of a word changed."""
    return text.replace("The ", "That ", 1)


def _twice_as_long(row: Row) -> Row:
    return {name: f"{text} {text} {text}" for name, text in row.items()}


LONG_PAIRS = [
    {
        name: " ".join(sentence(random.Random(f"{name}{place}{n}")) for n in range(6))
        for name in ("prompt", "chosen", "rejected")
    }
    for place in range(100)
]
GERMAN = "Die Katze ist nicht auf dem Dach, und das ist auch gut für den Hund und die anderen."
ENGLISH = "The cat is not on the roof, and that is good for the dog and for all of the others."

CASES = [
    Case("DATA02", changed(P, (4, 9), lambda row: {"chosen": 7}), P, (4, 9), CRITICAL, "2 of 200 rows"),
    Case("DATA02", changed(P, (9,), lambda row: {"rejected": None}), P, (9,), WARNING, "1 of 200 rows"),
    Case("DATA03", changed(P, (3,), lambda row: {"chosen": " \n"}), P, (3,), WARNING, "1 of 200"),
    Case("DATA03", changed(P, (3, 5), lambda row: {"prompt": ""}), P, (3, 5), CRITICAL, "2 of 200"),
    Case("DATA03", changed(L, (8,), lambda row: {"completion": ""}), L, (8,), WARNING),
    Case("DATA03", changed(S, (8,), lambda row: {"completions": ["a", "", "b"]}), S, (8,), CRITICAL),
    Case("DATA04", changed(P, (2, 7), lambda row: {"rejected": row["chosen"]}), P, (2, 7), WARNING, "2 of 200"),
    Case(
        "DATA05",
        changed(P, (6,), lambda row: {"rejected": row["chosen"].upper() + "!"}),
        changed(P, (6,), lambda row: {"chosen": "x - 5 = 3", "rejected": "x + 5 = 3"}),
        (6,),
        WARNING,
    ),
    Case(
        "DATA06",
        changed(P, (6,), lambda row: {"chosen": "It is 3,5 m.", "rejected": "It is 4.5 m."}),
        changed(P, (6,), lambda row: {"chosen": "It is 3 m.", "rejected": "It was 4 m."}),
        (6,),
        INFO,
    ),
    Case("DATA07", [*P, swapped(P[9])], [*P, {**P[9], "chosen": "Another one."}], (10, 201), WARNING, "2 of 201"),
    Case("DATA07", [*P, swapped(P[9]), P[9]], [*P, P[9]], (10, 201, 202), WARNING, drops=(201,)),
    Case("DATA07", [*L, {**L[9], "label": False}], [*L, {**L[9], "completion": "Another."}], (10, 201), WARNING),
    Case("DATA07", [*S, {**S[9], "labels": [False, False, False]}], S, (10, 101), WARNING),
    Case("DATA08", _beaten(P), _chain(P), (1, 2, 3), INFO, "3 of 200"),
    Case("DATA09", [*P, P[4], P[4], P[6]], P, (201, 202, 203), WARNING, "3 of 203"),
    Case(
        "DATA10",
        [*LONG_PAIRS, *({name: _near(text) for name, text in row.items()} for row in LONG_PAIRS[:6])],
        [*LONG_PAIRS, {**LONG_PAIRS[0], "chosen": P[0]["chosen"]}],
        (101, 102, 103, 104, 105, 106),
        WARNING,
    ),
    Case(
        "DATA11",
        P,
        P,
        (2, 3),
        WARNING,
        "2 of 100",
        [pairs(1, 5)[0], P[3], P[8], *pairs(97, 6)],
        pairs(100, 6),
        drops=(4, 9),
    ),
    Case("DATA12", P, P, (1,), INFO, "1 of 100", [{**P[3], "chosen": "Another one."}, *pairs(99, 6)], pairs(100, 6)),
    Case(
        "DATA12",
        LONG_PAIRS,
        LONG_PAIRS,
        tuple(range(1, 11)),
        WARNING,
        "10 of them nearly",
        [*({**P[n], "prompt": _near(LONG_PAIRS[n]["prompt"])} for n in range(10)), *pairs(90, 6)],
        pairs(100, 6),
    ),
    Case(
        "DATA13",
        P,
        P,
        None,
        WARNING,
        "64 held-out examples: an accuracy over them is uncertain by ±12%",
        pairs(64, 6),
        pairs(100, 6),
    ),
    Case("DATA14", P, P, None, WARNING, "characters", [_twice_as_long(row) for row in pairs(100, 6)], pairs(100, 6)),
    Case("DATA14", L, L, None, WARNING, "90% are good, 54% in the training", labelled(100, 6, 0.9), labelled(100, 6)),
    Case("DATA15", changed(P, MANY, _longer), P, None, WARNING, '"longer wins" is right in'),
    Case("DATA15", [{**row, **_longer(row)} for row in P], P, None, CRITICAL, "in the median"),
    Case("DATA16", _telling(()), P, None, CRITICAL, "words alone tell good from bad in 100% of 200"),
    Case(
        "DATA17",
        changed(
            T,
            (5,),
            lambda row: {
                "prompt": row["prompt"],
                "chosen": [{"role": "user", "content": "Why?"}, *row["chosen"]],
                "rejected": [{"role": "user", "content": "Who?"}, *row["rejected"]],
            },
        ),
        T,
        (5,),
        WARNING,
    ),
    Case("DATA17", changed(P, (5,), lambda row: {"chosen": f"{row['prompt']} {row['chosen']}"}), P, (5,), WARNING),
    Case(
        "DATA18",
        changed(P, (5, 6), lambda row: {side: f"{row['prompt']} {row[side]}" for side in ("chosen", "rejected")}),
        P,
        (5, 6),
        WARNING,
    ),
    Case(
        "DATA19",
        changed(P, (12,), lambda row: {"chosen": f"{row['chosen']}<|im_end|>"}),
        changed(P, (12,), lambda row: {"chosen": "<<16-3=13>> and [1] and <b>bold</b> and a <- b"}),
        (12,),
        WARNING,
        "<|im_end|>",
    ),
    Case(
        "DATA20",
        changed(P, (12,), lambda row: {"prompt": f"<s>{row['prompt']}"}),
        changed(P, (12,), lambda row: {"prompt": f"<b>{row['prompt']}"}),
        (12,),
        WARNING,
    ),
    Case(
        "DATA21",
        changed(T, (2,), lambda row: {"prompt": [*row["prompt"], *row["prompt"]]}),
        T,
        (2,),
        WARNING,
        "two turns of the user in a row",
    ),
    Case(
        "DATA21",
        changed(T, (2,), lambda row: {"chosen": [*row["chosen"], {"role": "user", "content": "Why?"}]}),
        T,
        (2,),
        WARNING,
        "does not end with the assistant",
    ),
    Case(
        "DATA21",
        changed(T, (2,), lambda row: {"prompt": [{"role": "narrator", "content": "Once"}]}),
        T,
        (2,),
        WARNING,
        "unknown role",
    ),
    Case(
        "DATA23",
        changed(P, (1, 2, 3, 4), lambda row: {"chosen": LONG}),
        P,
        (1, 2, 3, 4),
        WARNING,
        "4 of 200 examples take more than 512 tokens, by an estimate",
        options={"max_length": 512},
    ),
    Case("DATA23", changed(P, (1, 2, 3, 4), lambda row: {"chosen": LONG}), P, (1, 2, 3, 4), INFO, "1,024"),
    Case(
        "DATA24",
        changed(P, (7,), lambda row: {"chosen": f"{LONG}yes", "rejected": f"{LONG}no"}),
        changed(P, (7,), lambda row: {"chosen": f"yes {LONG}", "rejected": f"no {LONG}"}),
        (7,),
        WARNING,
        options={"max_length": 512},
    ),
    Case(
        "DATA25",
        changed(P, (7, 8), lambda row: {"chosen": GERMAN, "rejected": f"{row['rejected']} {ENGLISH}"}),
        changed(P, (7, 8), lambda row: {"chosen": GERMAN, "rejected": f"{GERMAN} Ja."}),
        (7, 8),
        WARNING,
    ),
    Case(
        "DATA26",
        changed(P, (7, 8, 9), lambda row: {"chosen": GERMAN, "rejected": f"{GERMAN} Ja."}),
        changed(P, (7,), lambda row: {"chosen": "3 + 4 = 7", "rejected": "3 + 4 = 8"}),
        (7, 8, 9),
        INFO,
        "German",
    ),
    Case("DATA27", [{**row, "label": True} for row in L], L, None, CRITICAL, "all 200 answers are good"),
    Case("DATA28", _imbalanced(50, 150), _imbalanced(110, 90), None, WARNING, "ratio of 0.33"),
    Case("DATA28", _imbalanced(150, 50), _imbalanced(100, 100), None, WARNING, "ratio of 3.00"),
    Case("DATA28", _imbalanced(90, 110), _imbalanced(114, 86), None, INFO, "ratio of 0.82"),
    Case(
        "DATA29",
        changed(S, tuple(range(11, 101)), lambda row: {"labels": [True] * 3}),
        S,
        None,
        WARNING,
        "98.3% of 300 steps",
    ),
    Case(
        "DATA30",
        changed(S, tuple(range(1, 101)), lambda row: {"labels": [True, True, row["labels"][1]]}),
        S,
        None,
        WARNING,
        "in 50 of 50 solutions",
    ),
    Case(
        "DATA31",
        changed(S, tuple(range(5, 101)), lambda row: {"labels": [True] * 3}),
        S,
        None,
        WARNING,
        "have no wrong step",
    ),
    # 12 of 40 disagree: (1 - sqrt(1 - 2 * 0.3)) / 2 = 0.184.
    Case("DATA32", _judged_twice(12), P, None, WARNING, "about 18% of labels are wrong"),
    Case("DATA33", _telling((30, 60)), _telling(()), None, INFO, "2 of 200 labels are suspicious"),
    Case(
        "DATA34",
        changed(P, (3,), lambda row: {"chosen": "caf\u00c3\u00a9 at noon"}),
        changed(P, (3,), lambda row: {"chosen": "caf\u00e9 \u00c0 \u201cquote\u201d \u2026"}),
        (3,),
        WARNING,
        "garbled 1",
    ),
    Case("DATA34", changed(P, (3,), lambda row: {"chosen": "caf\ufffd"}), P, (3,), WARNING, "lost 1"),
    Case(
        "DATA34",
        changed(P, (3,), lambda row: {"chosen": "a\x00b"}),
        changed(P, (3,), lambda row: {"chosen": "a\n\tb\r\n"}),
        (3,),
        WARNING,
        "control 1",
    ),
    Case(
        "DATA35",
        changed(P, (3,), lambda row: {"chosen": "Tom &amp; Jerry"}),
        changed(P, (3,), lambda row: {"chosen": "R&D; a && b"}),
        (3,),
        INFO,
    ),
    Case(
        "DATA36",
        changed(P, (3,), lambda row: {"chosen": "Write to jane.doe@example.org."}),
        changed(P, (3,), lambda row: {"chosen": "Version 1.2.3.4, on 2024-01-02, at 192.168.0.1, @home."}),
        (3,),
        INFO,
        "e-mail 1",
    ),
    Case(
        "DATA37",
        [{**row, "score_chosen": 4 - place % 3, "score_rejected": 3} for place, row in enumerate(P[:6])],
        [{**row, "score_chosen": 4, "score_rejected": 3} for row in P[:6]],
        (2, 3, 5, 6),
        CRITICAL,
        "4 of 6 pairs that have scores are not preferred by them: in 2 both are alike, in 2 the rejected",
    ),
]
