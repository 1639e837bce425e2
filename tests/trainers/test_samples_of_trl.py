"""A real run of TRL's GRPO: the tables that it writes, and what its reward function keeps through the callback."""

# ruff: noqa: E402 - what trains is imported only where it is there

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

for library in ("torch", "trl", "datasets", "pyarrow"):
    pytest.importorskip(library, reason="needs the `train` and `parquet` extras")

from datasets import Dataset
from trl import GRPOConfig, GRPOTrainer

from barograph.recipes.weights import TINY_FOLDER
from barograph.sources.samples import Samples, samples_of
from barograph.trainers import BarographCallback

pytestmark = [pytest.mark.train, pytest.mark.filterwarnings("default")]


def found(folder: Path) -> Samples:
    samples = samples_of(folder)
    assert samples is not None
    return samples


def test_tables_of_trl_and_rows_of_a_reward_function(tmp_path: Path) -> None:
    callback = BarographCallback(tmp_path / "own", console=False)
    heard: list[list[str]] = []

    def words(completions: list[str], prompts: list[str], **columns: Any) -> list[float]:
        heard.append(completions)
        scores = [float(len(one.split())) for one in completions]
        named = zip(prompts, completions, scores, strict=True)
        callback.samples({"prompt": prompt, "completion": said, "score": score} for prompt, said, score in named)
        return scores

    settings = GRPOConfig(
        output_dir=str(tmp_path / "trl"), use_cpu=True, bf16=False, report_to="none", logging_steps=2, max_steps=4,
        per_device_train_batch_size=4, num_generations=2, max_completion_length=8, save_strategy="no",
        disable_tqdm=True, gradient_checkpointing=False, log_completions=True, num_completions_to_print=1,
    )  # fmt: skip
    prompts = Dataset.from_list([{"prompt": f"i think 3 + {n} = 9 ?"} for n in range(4)])
    GRPOTrainer(
        model=str(TINY_FOLDER), reward_funcs=words, args=settings, train_dataset=prompts, callbacks=[callback]
    ).train()

    tables = found(tmp_path / "trl")
    assert tables.steps == [2, 4]
    assert tables.columns == ("step", "prompt", "completion", "words", "advantage")
    assert tables.notes == []
    for row in tables.rows(4):
        assert re.fullmatch(r"i think 3 \+ [0-3] = 9 \?", str(row["prompt"]))
        assert row["words"] == len(str(row["completion"]).split())
    assert tables.find("I THINK 3 +") == ([*tables.rows(2), *tables.rows(4)], 8)

    kept = found(tmp_path / "own")
    assert list(kept.steps) == [1, 2, 3, 4]
    assert [[row["completion"] for row in kept.rows(step)] for step in kept.steps] == heard
