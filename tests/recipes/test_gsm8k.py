"""Real data: grade-school problems with solutions of several models, right and wrong. A model made here, of words split
into pieces, goes through the whole path; nothing is claimed of what it learns in so few steps.
"""

# ruff: noqa: E402 - what trains is imported only where it is there

from __future__ import annotations

import json
import os
import statistics
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

for library in ("torch", "transformers", "trl", "datasets"):
    pytest.importorskip(library, reason="needs the `train` extra")

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from barograph.recipes.examples import PAIRS, UNPAIRED, split_of
from barograph.recipes.options import METHODS, Options

pytestmark = [pytest.mark.train, pytest.mark.timeout(300), pytest.mark.filterwarnings("default")]

SOLVERS = ("6b_finetuning", "6b_verification", "175b_finetuning", "175b_verification")


@pytest.fixture(scope="module")
def problems(shared_data: Path) -> list[dict[str, Any]]:
    path = shared_data / "gsm8k-solutions/example_model_solutions.jsonl"
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def pairs_of(problems: list[dict[str, Any]]) -> list[dict[str, str]]:
    """A right and a wrong solution to each problem that has both."""
    rows = []
    for problem in problems:
        solved = {bool(problem[solver]["is_correct"]): problem[solver]["solution"] for solver in SOLVERS}
        if len(solved) == 2:
            rows.append({"prompt": problem["question"] + "\n", "chosen": solved[True], "rejected": solved[False]})
    return rows


@pytest.fixture(scope="module")
def home(problems: list[dict[str, Any]], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pairs, the same as labelled answers, and a small model with a tokenizer of these texts."""
    folder = tmp_path_factory.mktemp("gsm8k")
    rows = pairs_of(problems)
    single = [
        {"prompt": row["prompt"], "completion": row[side], "label": side == "chosen"}
        for row in rows
        for side in ("chosen", "rejected")
    ]
    for name, data in (("pairs.jsonl", rows), ("labels.jsonl", single)):
        (folder / name).write_text("".join(json.dumps(row) + os.linesep for row in data), encoding="utf-8")
    pieces = Tokenizer(models.BPE())
    pieces.pre_tokenizer, pieces.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    pieces.train_from_iterator(
        (" ".join(row.values()) for row in rows),
        trainers.BpeTrainer(vocab_size=1_000, special_tokens=["<pad>", "<eos>"], show_progress=False),
    )
    words = PreTrainedTokenizerFast(tokenizer_object=pieces, pad_token="<pad>", eos_token="<eos>")
    words.save_pretrained(folder / "model")
    torch.manual_seed(0)
    LlamaForCausalLM(LlamaConfig(
        vocab_size=len(words), hidden_size=64, intermediate_size=128, num_hidden_layers=2, num_attention_heads=4,
        max_position_embeddings=512, pad_token_id=0, eos_token_id=1, bos_token_id=None,
    )).save_pretrained(folder / "model")  # fmt: skip
    return folder


def test_pairs_are_split_and_no_problem_is_on_both_sides(home: Path, problems: list[dict[str, Any]]) -> None:
    split = split_of(Options(data=str(home / "pairs.jsonl"), eval_share=0.1, seed=1), PAIRS)
    assert len(split.train) + len(split.held_out) == len(pairs_of(problems)) == 731
    assert len(split.held_out) == 73
    assert not set(split.train["prompt"]) & set(split.held_out["prompt"])
    labelled = split_of(Options(data=str(home / "labels.jsonl"), eval_share=0.1, seed=1), UNPAIRED)
    assert statistics.fmean([*labelled.train["label"], *labelled.held_out["label"]]) == 0.5


@pytest.mark.parametrize(
    ("method", "data", "key"),
    [
        ("dpo", "pairs.jsonl", "rewards/accuracies"),
        ("kto", "labels.jsonl", "rewards/margins"),
        ("reward", "pairs.jsonl", "accuracy"),
    ],
)
def test_the_whole_path(method: str, data: str, key: str, home: Path) -> None:
    done = import_module(f"barograph.recipes.{method}").run(
        METHODS[method].made({
            "model": str(home / "model"), "data": str(home / data), "max_steps": 4, "batch_size": 8, "accumulate": 1,
            "max_length": 320, "eval_steps": 4, "save_steps": 4, "learning_rate": 1e-4, "guard": "advise",
            "drop_long": True,  # A reward is of the whole text, and some solutions are longer.
        })
    )  # fmt: skip
    rows = [json.loads(row) for row in (Path(done.folder) / "logs/training_metrics.jsonl").read_text().splitlines()]
    assert [row["step"] for row in rows if "grad_norm" in row][-1] == 4
    assert any(key in row for row in rows)
    assert any(f"eval_{key}" in row for row in rows)
    assert done.before == {}  # The questions of the tiny world are not asked of another model.
    facts = json.loads((Path(done.folder) / "run.json").read_text())
    assert facts["state"] == "finished"
    assert facts["config"]["learning_rate"] == 1e-4
