"""Faults that are planted in an honest set, at rows that are known."""

# ruff: noqa: RUF001 - signs that are easily garbled are meant

from __future__ import annotations

import copy
import html
import json
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from honest import SIDES, Row, advice, sentence
from words import PEOPLE, THINGS, TONGUES

__all__ = ["FAULTS", "Fault", "Planted", "edited"]


@dataclass
class Planted:
    """A set with faults in it. A row may be a text that is no JSON."""

    rows: list[Any]
    #: The numbers, from 1 on, of the rows that have the fault.
    numbers: set[int]
    held_out: list[Row] | None = None


@dataclass(frozen=True)
class Fault:
    """What is planted, and the check that should find it."""

    code: str
    what: str
    plant: Callable[[list[Any], random.Random, int], Planted]
    #: In which sets it can be planted: "pairs", "labelled", "talks", "transcripts".
    base: str = "pairs"
    options: dict[str, Any] = field(default_factory=dict)


def changing(change: Callable[[Row, random.Random], Any]) -> Callable[[list[Any], random.Random, int], Planted]:
    """A fault of single rows."""

    def plant(rows: list[Any], dice: random.Random, count: int) -> Planted:
        made = list(rows)
        chosen = dice.sample(range(len(rows)), count)
        for place in chosen:
            made[place] = change(copy.deepcopy(made[place]), dice)
        return Planted(made, {place + 1 for place in chosen})

    return plant


def adding(
    add: Callable[[Row, random.Random], Sequence[Row]], *, names_source: bool = False
) -> Callable[[list[Any], random.Random, int], Planted]:
    """A fault of rows that come from others, at places drawn anew. `names_source`: the others are at fault too."""

    def plant(rows: list[Any], dice: random.Random, count: int) -> Planted:
        sources = set(dice.sample(range(len(rows)), count))
        placed = [(float(place), row, names_source and place in sources) for place, row in enumerate(rows)]
        for place in sorted(sources):
            added = add(copy.deepcopy(rows[place]), dice)
            placed += [(dice.uniform(place + 0.01, len(rows)), row, True) for row in added]
        placed.sort(key=lambda one: one[0])
        return Planted([row for _, row, _ in placed], {n for n, (_, _, is_fault) in enumerate(placed, 1) if is_fault})

    return plant


def leaking(of: Callable[[Row, random.Random], Row]) -> Callable[[list[Any], random.Random, int], Planted]:
    """Held-out rows that come from the training; a fifth of the set is held out, and the rest of it honest."""

    def plant(rows: list[Any], dice: random.Random, count: int) -> Planted:
        # What belongs to one prompt stays on one side.
        prompts = sorted({row["prompt"] for row in rows})
        apart = set(dice.sample(prompts, len(prompts) // 5))
        held_out = [row for row in rows if row["prompt"] in apart]
        train = [row for row in rows if row["prompt"] not in apart]
        chosen = dice.sample(range(len(held_out)), min(count, len(held_out)))
        for place in chosen:
            held_out[place] = of(copy.deepcopy(dice.choice(train)), dice)
        return Planted(train, {place + 1 for place in chosen}, held_out)

    return plant


def edited(text: str, dice: random.Random, share: float) -> str:
    """So large a share of the words replaced by others, one at least, and no numbers."""
    words = text.split(" ")
    places = [place for place, word in enumerate(words) if not any(map(str.isdigit, word))]
    for place in dice.sample(places, min(len(places), max(1, round(share * len(words))))):
        words[place] = f"{dice.choice(PEOPLE)}{dice.choice(THINGS)}"
    return " ".join(words)


def answer_of(row: Row, dice: random.Random) -> str:
    """The name of one answer."""
    return dice.choice([name for name in (*SIDES, "completion") if name in row])


def put(row: Row, dice: random.Random, texts: Sequence[str]) -> Row:
    """One of some texts put between two words of an answer."""
    name = answer_of(row, dice)
    words = row[name].split(" ")
    words.insert(dice.randrange(len(words) + 1), dice.choice(texts))
    return {**row, name: " ".join(words)}


def broken(row: Row, dice: random.Random) -> str:
    line = json.dumps(row)
    return dice.choice((line[: len(line) // 2], line.replace('": "', '": ', 1), f"{line},{line}", line[1:]))


def misfit(row: Row, dice: random.Random) -> Row:
    name = answer_of(row, dice)
    return {**row, name: dice.choice((None, 7, ["a", "b"], {"text": "so"}))}


def in_form(row: Row, dice: random.Random) -> Row:
    """The rejected answer is the chosen one, typed otherwise."""
    text = row["chosen"]
    first, _, rest = text.partition(" ")
    ways = [text.upper(), text.lower(), text.replace(". ", ".\n\n"), f"{text.rstrip('.')}!", text.replace(" ", "  ")]
    ways += [f'"{text}"', f"**{first}** {rest}"]
    return {**row, "rejected": dice.choice([way for way in ways if way != text])}


def in_number(row: Row, dice: random.Random) -> Row:
    chosen = f"{row['chosen']} That makes {dice.randrange(10, 500)}."
    words = chosen.split(" ")
    words[-1] = f"{dice.randrange(500, 999)}."
    return {**row, "chosen": chosen, "rejected": " ".join(words)}


def circle(row: Row, dice: random.Random) -> Sequence[Row]:
    third = advice(dice, 2)
    return ({**row, "chosen": row["rejected"], "rejected": third}, {**row, "chosen": third, "rejected": row["chosen"]})


def garbled(row: Row, dice: random.Random) -> Row:
    kind = dice.randrange(4)
    if kind == 0:
        return put(row, dice, ("caf\ufffd", "na\ufffdve", "\ufffd\ufffd"))
    if kind == 1:
        return put(row, dice, ("\x00", "\x1b[0m", "\x08"))
    texts = ("don’t", "“so”", "café", "Straße", "señor", "garçon", "naïve", "it’s", "– so –", "wait…", "😀 yes")
    return put(row, dice, [text.encode().decode("cp1252", "ignore") for text in texts])


def someone(dice: random.Random) -> str:
    """Something that looks personal, with check digits that are right."""
    name = dice.choice(PEOPLE).lower()
    card = [4, *(dice.randrange(10) for _ in range(14))]
    doubled = sum(sum(divmod(2 * n, 10)) if place % 2 == 0 else n for place, n in enumerate(card))
    number = "".join(map(str, [*card, -doubled % 10]))
    account = f"{dice.randrange(10**17):018}"
    check = 98 - int(f"{account}131400") % 97  # DE00
    parts = [number[n : n + 4] for n in range(0, 16, 4)]
    return dice.choice((
        f"{name}.{dice.randrange(99)}@mail.example.com", f"{name}@{dice.choice(THINGS)}.org", number, " ".join(parts),
        f"DE{check:02}{account}", f"+49 {dice.randrange(150, 180)} {dice.randrange(10**6, 10**7)}",
        f"({dice.randrange(200, 900)}) 555-{dice.randrange(1000, 9999)}",
        f"{dice.randrange(60, 99)}.{dice.randrange(30, 250)}.{dice.randrange(250)}.{dice.randrange(1, 250)}",
        "AKIA" + "".join(dice.choices("ABCDEFGHJK234567", k=16)), f"hf_{''.join(dice.choices('abcXYZ123', k=34))}",
    ))  # fmt: skip


MARKS = (
    "<|im_start|>", "<|im_end|>", "</s>", "<s>", "[INST]", "[/INST]", "<|eot_id|>", "<|endoftext|>", "<start_of_turn>",
    "<end_of_turn>", "<<SYS>>", "<|assistant|>", "<｜User｜>", "<|start_header_id|>",
)  # fmt: skip


def broken_turns(row: Row, dice: random.Random) -> Row:
    side = dice.choice(SIDES)
    talk = row[side]
    made = dice.choice((
        [talk[1], *talk[1:]], [*talk, {"role": "user", "content": "Why?"}],
        [{"role": "narrator", "content": "Once."}, *talk], [*talk[1:-1], talk[0], talk[-1]],
        [talk[0], {"role": "user", "content": " "}, talk[-1]],
    ))  # fmt: skip
    return {**row, side: made}


def joined_wrongly(row: Row, dice: random.Random) -> Row:
    """The rejected answer is one to another question."""
    head, answer = row["rejected"].split("\n\nAssistant: ", 1)
    return {**row, "rejected": f"{head.split('.')[0]}. {sentence(dice)}\n\nAssistant: {answer}"}


def in_another_tongue(row: Row, dice: random.Random) -> Row:
    _, sentences = TONGUES[dice.choice(list(TONGUES))]
    return {**row, "rejected": " ".join(dice.sample(sentences, 3))}


def turned(row: Row, _: random.Random) -> Sequence[Row]:
    return ({**row, "chosen": row["rejected"], "rejected": row["chosen"]},)


def relabelled(row: Row, _: random.Random) -> Sequence[Row]:
    return ({**row, "label": not row["label"]},)


def blank(row: Row, dice: random.Random) -> Row:
    return {**row, answer_of(row, dice): dice.choice(("", " ", "\n\t"))}


def identical(row: Row, dice: random.Random) -> Row:
    return {**row, "rejected": row["chosen"] + dice.choice(("", " ", "\n"))}


def nearly(row: Row, dice: random.Random) -> Sequence[Row]:
    return ({name: edited(text, dice, 0.04) for name, text in row.items()},)


def asked_again(row: Row, dice: random.Random) -> Row:
    return {**row, "chosen": advice(dice, 3)}


def asked_nearly(row: Row, dice: random.Random) -> Row:
    return {**row, "prompt": edited(row["prompt"], dice, 0.04), "chosen": advice(dice, 3)}


def started(row: Row, dice: random.Random) -> Row:
    return {**row, "prompt": dice.choice(("<s>", "<|begin_of_text|>", "<bos>")) + row["prompt"]}


def entities(row: Row, dice: random.Random) -> Row:
    return put(row, dice, [html.escape(text) for text in ("R & D", "a < b", '"so"', "it's")])


def scored(row: Row, dice: random.Random) -> Row:
    return {**row, "score_chosen": row["score_rejected"] - dice.choice((0, 1))}


def on_both(row: Row, text: str) -> Row:
    """The same text before both answers."""
    return row | {side: f"{text} {row[side]}" for side in SIDES}


LONG = " ".join(f"{thing} and {who} went on," for thing in THINGS for who in PEOPLE)
#: What examples are cut to, and a text of so many tokens by the usual estimate, and of three times as many.
ROOM = {"max_length": 512}
FULL, OVERFULL = LONG[: 4 * 600], LONG[: 4 * 3 * 512]

FAULTS: Sequence[Fault] = (
    Fault("DATA01", "lines that were cut, or lost a quotation mark", changing(broken)),
    Fault("DATA02", "null, a number, a list or an object for a text", changing(misfit)),
    Fault("DATA03", "an answer that is empty or blank", changing(blank)),
    Fault("DATA03", "the same", changing(blank), "labelled"),
    Fault("DATA04", "the same text on both sides", changing(identical)),
    Fault("DATA05", "capitals, blanks, quotation marks, emphasis, a last sign", changing(in_form)),
    Fault("DATA06", "one number changed", changing(in_number)),
    Fault("DATA07", "pairs repeated the other way round", adding(turned, names_source=True)),
    Fault("DATA07", "answers repeated with the other label", adding(relabelled, names_source=True), "labelled"),
    Fault("DATA08", "two pairs that close a circle with a third", adding(circle, names_source=True)),
    Fault("DATA09", "copies", adding(lambda row, _: (row,))),
    Fault("DATA09", "copies", adding(lambda row, _: (row,)), "labelled"),
    Fault("DATA10", "copies with one word in 25 changed", adding(nearly)),
    Fault("DATA11", "held-out rows from the training", leaking(lambda row, _: row)),
    Fault("DATA12", "held-out rows whose prompt is trained on", leaking(asked_again)),
    Fault("DATA12", "the same with one word in 25 changed", leaking(asked_nearly)),
    Fault("DATA17", "one answer repeats the prompt, the other does not",
          changing(lambda row, _: {**row, "chosen": f"{row['prompt']} {row['chosen']}"})),
    Fault("DATA17", "sides that were asked otherwise", changing(joined_wrongly), "transcripts"),
    Fault("DATA18", "both answers repeat the prompt", changing(lambda row, _: on_both(row, row["prompt"]))),
    Fault("DATA19", "marks of templates within an answer", changing(lambda row, dice: put(row, dice, MARKS))),
    Fault("DATA20", "a start mark before the prompt", changing(started)),
    Fault("DATA21", "turns doubled, empty, of unknown roles, in a wrong order", changing(broken_turns), "talks"),
    Fault("DATA23", "answers three times as long as there is room",
          changing(lambda row, dice: {**row, answer_of(row, dice): OVERFULL}), options=ROOM),
    Fault("DATA24", "answers that are the same as far as there is room",
          changing(lambda row, _: on_both(row, FULL)), options=ROOM),
    Fault("DATA25", "a rejected answer in one of six other languages", changing(in_another_tongue)),
    Fault("DATA34", "lost and garbled characters, control characters", changing(garbled)),
    Fault("DATA35", "HTML entities", changing(entities)),
    Fault("DATA36", "addresses, phones, cards, accounts, keys",
          changing(lambda row, dice: put(row, dice, [someone(dice)]))),
    Fault("DATA37", "scores that are alike, or the other way round", changing(scored), "talks"),
)  # fmt: skip
