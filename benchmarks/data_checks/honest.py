"""Sets of many kinds in which nothing is wrong, made of a few words and rules; nothing is fetched.

Each stands for a kind of data that people train on. They are honest where it matters here: prompts differ, the better
answer is better by what it says, and neither its length nor its style gives it away.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from typing import Any

from words import ASKS, CODE, FACTS, PARTS, PEOPLE, REASONS, STARTS, SUBJECTS, THINGS, TONGUES

__all__ = ["HONEST", "labelled", "pairs", "stepped", "talks"]

Row = dict[str, Any]
SIDES = ("chosen", "rejected")


def sentence(dice: random.Random) -> str:
    """One of some forty thousand."""
    first, second, third = (dice.choice(PARTS) for _ in range(3))
    return f"{dice.choice(STARTS)} {first}, {second} and {third}, {dice.choice(REASONS)}."


def advice(dice: random.Random, sentences: int) -> str:
    return " ".join(sentence(dice) for _ in range(sentences))


def question(dice: random.Random) -> str:
    about = " and ".join(dice.sample(SUBJECTS, 2))
    who, when = f"{dice.choice(PEOPLE)} and {dice.choice(PEOPLE)}", dice.randrange(2, 400)
    return f"{dice.choice(ASKS).format(about)} {who} asked me {when} days ago. I was told: {sentence(dice)}"


def both(of: Callable[[str], Any]) -> Row:
    """What is made for each side."""
    return {side: of(side) for side in SIDES}


def pairs(count: int, seed: int = 0) -> list[Row]:
    """Advice of two to five sentences on both sides."""
    dice = random.Random(seed)
    return [{"prompt": question(dice), **both(lambda _: advice(dice, dice.randrange(2, 6)))} for _ in range(count)]


def talks(count: int, seed: int = 0) -> list[Row]:
    """Conversations with a system turn, as whole lists on both sides, and scores beside them."""
    dice, rows = random.Random(seed), []
    for row in pairs(count, seed):
        before = [
            {"role": "system", "content": "You are a helpful assistant."},
            {"role": "user", "content": row["prompt"]},
        ]
        if dice.random() < 0.3:
            before += [{"role": "assistant", "content": advice(dice, 1)}, {"role": "user", "content": question(dice)}]
        better = dice.choice((3.5, 4.0, 4.5))
        rows.append({
            "prompt": row["prompt"], "score_chosen": better, "score_rejected": better - dice.choice((0.5, 1.0, 1.5)),
            **{side: [*before, {"role": "assistant", "content": row[side]}] for side in SIDES},
        })  # fmt: skip
    return rows


def transcripts(count: int, seed: int = 0) -> list[Row]:
    """Both sides as one text with Human and Assistant in it, and no prompt of its own."""
    return [{side: f"\n\nHuman: {row['prompt']}\n\nAssistant: {row[side]}" for side in SIDES}
            for row in pairs(count, seed)]  # fmt: skip


def summaries(count: int, seed: int = 0) -> list[Row]:
    """Long posts and short summaries; three pairs belong to each post."""
    dice, rows = random.Random(seed), []
    while len(rows) < count:
        post = f"SUBREDDIT: r/advice\n\nTITLE: {question(dice)}\n\nPOST: {advice(dice, 14)}\n\nTL;DR:"
        rows += [{"prompt": post, "chosen": f" {sentence(dice)}", "rejected": f" {sentence(dice)}"} for _ in range(3)]
    return rows[:count]


def short(count: int, seed: int = 0) -> list[Row]:
    """Answers of one or two words; each is right for some questions."""
    dice, rows = random.Random(seed), []
    for _ in range(count):
        ask, article, answers = dice.choice(FACTS)
        right, wrong = dice.sample(answers, 2)
        told = {"prompt": f"{ask} {dice.choice(PEOPLE)}ville, district {dice.randrange(10**6)}?"}
        rows.append(told | {"chosen": f"{article} {right}".strip(), "rejected": f"{article} {wrong}".strip()})
    return rows


def choices(count: int, seed: int = 0) -> list[Row]:
    """Single letters."""
    dice, rows = random.Random(seed), []
    for place in range(count):
        options = "\n".join(f"{letter}) {sentence(dice)}" for letter in "ABCD")
        right, wrong = dice.sample("ABCD", 2)
        rows.append({"prompt": f"{place}. {question(dice)}\n{options}", "chosen": right, "rejected": wrong})
    return rows


def sums(count: int, seed: int = 0) -> list[Row]:
    """Written-out sums of which one goes wrong at its last step."""
    dice, rows = random.Random(seed), []
    for _ in range(count):
        person, thing, (a, b, c) = dice.choice(PEOPLE), dice.choice(THINGS), [dice.randrange(3, 90) for _ in range(3)]
        ask = f"{person} has {a} {thing}, buys {b} more and then {c} times as many. How many {thing} are there?"
        steps = f"{person} has {a} + {b} = <<{a}+{b}={a + b}>>{a + b} {thing}.\n"
        totals = {"chosen": (a + b) * (c + 1), "rejected": (a + b) * (c + dice.choice((0, 2, 3)))}
        answers = {side: f"{steps}Then there are {total} {thing}.\nA: {total}" for side, total in totals.items()}
        rows.append({"prompt": ask, **answers})
    return rows


def code(count: int, seed: int = 0) -> list[Row]:
    """Python for a task, and for one that is nearly the same; often they differ in one sign."""
    dice, rows = random.Random(seed), []
    for place in range(count):
        ask, program, ways = dice.choice(CODE)
        names = {"n": f"{dice.choice(THINGS)}_{place}", "k": dice.randrange(2, 99), "a": dice.choice(THINGS)}
        right, wrong = ([part.format(**names) for part in way] for way in dice.sample(ways, 2))
        sides = (f"```python\n{program.format(*way[1:], **names)}\n```" for way in (right, wrong))
        rows.append({"prompt": ask.format(right[0], **names), **dict(zip(SIDES, sides, strict=True))})
    return rows


def languages(count: int, seed: int = 0) -> list[Row]:
    """Six languages, both sides in that of the question."""
    dice, rows = random.Random(seed), []
    while len(rows) < count:
        ask, answers = TONGUES[dice.choice(list(TONGUES))]
        chosen, rejected = (" ".join(dice.sample(answers, dice.choice((3, 4)))) for _ in range(2))
        if chosen != rejected:
            prompt = f"{ask.format(dice.choice(PEOPLE))} ({dice.randrange(10**6)})"
            rows.append({"prompt": prompt, "chosen": chosen, "rejected": rejected})
    return rows


def labelled(count: int, seed: int = 0) -> list[Row]:
    """Thumbs, a few more of them up."""
    dice = random.Random(seed)
    return [{"prompt": question(dice), "completion": advice(dice, dice.randrange(2, 6)), "label": dice.random() < 0.54}
            for _ in range(count)]  # fmt: skip


def stepped(count: int, seed: int = 0) -> list[Row]:
    """Solutions of three to six steps; each step is right two times in three, by itself."""
    dice, rows = random.Random(seed), []
    for _ in range(count):
        steps = [f"{dice.choice(PEOPLE)} {sentence(dice)}" for _ in range(dice.randrange(3, 7))]
        rows.append({"prompt": question(dice), "completions": steps, "labels": [dice.random() < 0.66 for _ in steps]})
    return rows


def prompts(count: int, seed: int = 0) -> list[Row]:
    """Questions with an answer to be checked by a program."""
    return [{"prompt": row["prompt"], "answer": row["chosen"].rsplit(" ", 1)[-1]} for row in sums(count, seed)]


def tools(count: int, seed: int = 0) -> list[Row]:
    """Conversations in which a tool is called, and says something."""
    dice, rows = random.Random(seed), []
    for row in pairs(count, seed):
        before: list[Row] = [
            {"role": "user", "content": row["prompt"]},
            {"role": "assistant", "content": None, "tool_calls": [{"name": "search"}]},
            {"role": "tool", "content": f"{dice.randrange(1000)} results: {sentence(dice)}"},
        ]
        answers = {side: [{"role": "assistant", "content": row[side]}] for side in SIDES}
        rows.append({"prompt": before, **answers})
    return rows


HONEST: Mapping[str, Callable[[int, int], list[Row]]] = {
    "advice, as texts": pairs,
    "advice, as conversations with scores": talks,
    "transcripts without a prompt": transcripts,
    "conversations with tools": tools,
    "summaries of posts": summaries,
    "short answers": short,
    "letters": choices,
    "sums": sums,
    "code": code,
    "six languages": languages,
    "thumbs": labelled,
    "steps": stepped,
    "prompts only": prompts,
}
