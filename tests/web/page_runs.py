"""Runs to be looked at on the page: a sick one that looks better than its healthy twin, one that grows, one that is
long in every way, one that means harm.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from documents import EVIL

SICK, WELL, GROWING, SAID, LONG, HOSTILE = "displaced", "healthy", "growing", "said", "long-" * 30, "hostile"
#: A file's name may hold no stroke; the rest of it may stand in one.
EVIL_NAME = EVIL.replace("/", "|") + ".jsonl"
LOG = "logs/training_metrics.jsonl"

Row = Mapping[str, object]


def rows(*, is_displaced: bool, steps: range = range(1, 201)) -> Iterator[Row]:
    """A DPO run of 200 steps. Displaced, its margin, accuracy and loss look better; the chosen answers lose 25 nats."""
    for step in steps:
        dice = random.Random(step)
        done = step / 200
        chosen = (-25.0 if is_displaced else 1.5) * done
        rejected = chosen - (22.0 if is_displaced else 14.0) * done
        yield {
            "step": step,
            "loss": 0.69 - 0.35 * done * (1.2 if is_displaced else 1.0) + dice.gauss(0, 0.01),
            "rewards/chosen": 0.1 * chosen + dice.gauss(0, 0.01),
            "rewards/rejected": 0.1 * rejected + dice.gauss(0, 0.01),
            "rewards/margins": 0.1 * (chosen - rejected) + dice.gauss(0, 0.01),
            "rewards/accuracies": min(1.0, 0.5 + 0.36 * done * (1.15 if is_displaced else 1.0)),
            "logps/chosen": -120 + chosen + dice.gauss(0, 0.5),
            "logps/rejected": -130 + rejected + dice.gauss(0, 0.5),
            "grad_norm": 5 + dice.gauss(0, 0.5), "learning_rate": 5e-7, "epoch": done * 2,
        }  # fmt: skip


def lines(objects: Sequence[object] | Iterator[object]) -> str:
    return "".join(json.dumps(one) + "\n" for one in objects)


def write(
    folder: Path, told: Iterator[Row], *, state: str = "finished", said: Sequence[Row] = (), **config: object
) -> Path:
    """A run as our own tracker leaves it."""
    (folder / "logs").mkdir(parents=True)
    (folder / LOG).write_text(lines(told))
    if said:
        (folder / "logs/completions.jsonl").write_text(lines(said))
    facts = {"method": "dpo", "state": state, "config": {"beta": 0.1, "max_steps": 200, **config}}
    (folder / "run.json").write_text(json.dumps(facts))
    return folder


def append(folder: Path, told: Iterator[Row]) -> None:
    """What a training does that goes on."""
    with (folder / LOG).open("a") as file:
        file.write(lines(told))


def begin(folder: Path) -> Path:
    """A run that is at its 60th step and goes wrong from here on."""
    return write(folder, rows(is_displaced=True, steps=range(1, 61)), state="running")


def said() -> list[Row]:
    return [
        {"step": step, "prompt": f"What is {number} + {step}?", "completion": f"It is\n{number}.", "score": number / 7}
        for step in (10, 20, 30)
        for number in range(30)
    ]


def pair(folder: Path) -> None:
    """The sick run and its twin."""
    write(folder / SICK, rows(is_displaced=True))
    write(folder / WELL, rows(is_displaced=False))


def all_of(folder: Path) -> None:
    """One of each kind."""
    pair(folder)
    begin(folder / GROWING)
    few = range(1, 41)
    write(folder / SAID, rows(is_displaced=False, steps=few), said=said())
    words = {"step": 10, "prompt": "p" * 3_000, "completion": "word " * 3_000, "column" * 20: "d" * 500}
    told = ({**row, "metric" * 30: 1.0, "a/" * 90 + "b": 2.0} for row in rows(is_displaced=False, steps=few))
    write(folder / LONG, told, said=[words] * 3, **{"setting" * 30: "value" * 80, "note": "word " * 100})
    told = ({**row, EVIL: row["loss"]} for row in rows(is_displaced=False, steps=few))
    harm = write(folder / HOSTILE, told, said=[{"step": 10, "prompt": EVIL, EVIL: EVIL}], **{EVIL: EVIL, "model": EVIL})
    (harm / "logs/findings.jsonl").write_text(lines([{"kind": "decision", "step": 5, "says": EVIL}]))
    (folder / EVIL_NAME).write_text(lines(rows(is_displaced=True)))
