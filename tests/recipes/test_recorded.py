"""The two recorded runs as they ship: small, strict, of one recipe, and of no machine."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from barograph.recipes.options import DPOOptions, settled
from barograph.recipes.recorded import FOLDER, HEALTHY, SICK, recording

BOTH = pytest.mark.parametrize("name", [SICK, HEALTHY])


def no_number(word: str) -> float:
    raise ValueError(f"{word} is no JSON")


@BOTH
def test_the_log_is_strict_json_under_the_keys_of_the_trainer(name: str) -> None:
    path = FOLDER / f"{name}.jsonl"
    assert path.stat().st_size < 50_000
    rows = [json.loads(line, parse_constant=no_number) for line in path.read_text(encoding="ascii").splitlines()]
    training = [row for row in rows if "loss" in row]
    assert [row["step"] for row in training] == list(range(1, 151))
    assert [row["step"] for row in rows if "eval_loss" in row] == [50, 100, 150]
    assert {"rewards/chosen", "rewards/margins", "logps/chosen", "learning_rate"} <= training[0].keys()
    digits = [f"{abs(value):.12g}".lstrip("0.").replace(".", "") for row in training for value in row.values()]
    assert max(len(number.split("e")[0].rstrip("0")) for number in digits) <= 5
    assert recording(name).rows == tuple((row.pop("step"), row) for row in rows)


@BOTH
def test_nothing_names_a_machine_or_a_person(name: str) -> None:
    text = (FOLDER / f"{name}.json").read_text(encoding="ascii")
    assert "/" not in text
    assert not {"host", "user", "folder", "output_dir", "run_name"} & recording(name).config.keys()


def test_the_twins_differ_in_one_setting() -> None:
    sick, healthy = recording(SICK), recording(HEALTHY)
    assert {key for key in sick.told if sick.told[key] != healthy.told[key]} == {"sft_weight"}
    assert sick.told.keys() == healthy.told.keys()
    of_its_loss = {"loss_type", "loss_weights"}
    assert {
        key for key in sick.config | healthy.config if sick.config.get(key) != healthy.config.get(key)
    } == of_its_loss
    # What the trainer wrote down is what the recipe was told.
    asked = settled(DPOOptions.made(sick.told))
    assert sick.config["lr_scheduler_type"] == asked.schedule
    assert sick.config["per_device_train_batch_size"] == asked.batch_size
    for name in ("beta", "learning_rate", "max_steps", "seed"):
        assert sick.config[name] == getattr(asked, name)


def test_the_sick_run_looks_better_and_is_worth_nothing() -> None:
    sick, healthy = recording(SICK), recording(HEALTHY)
    assert sick.before == healthy.before  # Both began as the same model.
    last = {name: dict(recording(name).rows)[150] for name in (SICK, HEALTHY)}
    assert last[SICK]["eval_rewards/margins"] > 3 * last[HEALTHY]["eval_rewards/margins"]
    assert last[SICK]["eval_loss"] < last[HEALTHY]["eval_loss"]
    assert sick.after["answers right"] == 0.0
    assert healthy.after["answers right"] > 0.9


def test_the_package_holds_them(project: Path) -> None:
    assert FOLDER.is_relative_to(project / "src" / "barograph")
    names = {path.name for path in FOLDER.iterdir() if path.is_file()}
    assert names == {"__init__.py", "sick.json", "sick.jsonl", "healthy.json", "healthy.jsonl"}
