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
#: A file's name may hold no stroke, and the name of a reward neither that nor a space; all else may stand in one.
EVIL_NAME = EVIL.replace("/", "|") + ".jsonl"
EVIL_REWARD = EVIL.replace("/", "|").replace(" ", "_")
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


def scored(reward: str) -> Iterator[Row]:
    """A GRPO run of 40 steps, with a reward function of some name."""
    for step in range(1, 41):
        yield {
            "step": step, "loss": 0.01, "reward": 0.02 * step, f"rewards/{reward}/mean": 0.02 * step, "grad_norm": 1.0,
            "completions/mean_length": 40.0, "learning_rate": 1e-6,
        }  # fmt: skip


def lines(objects: Sequence[object] | Iterator[object]) -> str:
    return "".join(json.dumps(one) + "\n" for one in objects)


def write(
    folder: Path, told: Iterator[Row], *, method: str = "dpo", state: str = "finished", said: Sequence[Row] = (),
    config: Mapping[str, object] | None = None,
) -> Path:  # fmt: skip
    """A run as our own tracker leaves it."""
    (folder / "logs").mkdir(parents=True)
    (folder / LOG).write_text(lines(told))
    if said:
        (folder / "logs/completions.jsonl").write_text(lines(said))
    facts = {"method": method, "state": state, "config": {"beta": 0.1, "max_steps": 200, **(config or {})}}
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
    write(folder / SICK, rows(is_displaced=True), config={"model": "a model"})
    write(folder / WELL, rows(is_displaced=False))


def all_of(folder: Path) -> None:
    """One of each kind."""
    pair(folder)
    begin(folder / GROWING)
    write(folder / SAID, rows(is_displaced=False, steps=range(1, 41)), said=said())
    words = {"step": 10, "prompt": "p" * 3_000, "completion": "word " * 3_000, "column" * 20: "d" * 500}
    config = {"setting" * 30: "value" * 80, "note": "word " * 100}
    write(folder / LONG, scored("metric" * 30), method="grpo", said=[words] * 3, config=config)
    config = {EVIL: EVIL, "model": EVIL}
    row = {"step": 10, "prompt": EVIL, EVIL: EVIL}
    harm = write(folder / HOSTILE, scored(EVIL_REWARD), method="grpo", said=[row], config=config)
    (harm / "logs/findings.jsonl").write_text(lines([{"kind": "decision", "step": 5, "says": EVIL}]))
    (folder / EVIL_NAME).write_text(lines(rows(is_displaced=True)))
