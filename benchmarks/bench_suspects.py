"""Are labels that are the wrong way round found by one training? One in ten is turned, and the ranking looked at.

    python benchmarks/bench_suspects.py                       # needs the `train` extra; some minutes on two cores
    python benchmarks/bench_suspects.py --task sums --seeds 1 --epochs 1

Two tasks: the sums of the tiny world, and solutions of GSM8K problems (../shared/data, left out where it is not
there), once a right and a wrong one of the same models, once the written-out one and a wrong one. Each is trained on by
DPO, KTO and as a reward model. Told are, as means over the seeds, the precision among the tenth ranked highest, and the
average precision: of this ranking, of the mean margin alone, and of the last loss of each example alone. By chance
both are 10 %.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).parent.parent
sys.path.insert(0, str(PROJECT / "src"))
warnings.filterwarnings("ignore")

import datasets  # noqa: E402
import numpy as np  # noqa: E402
import torch  # noqa: E402
import transformers  # noqa: E402
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers  # noqa: E402
from transformers import (  # noqa: E402
    AutoModelForCausalLM,
    AutoModelForSequenceClassification,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedTokenizerFast,
)

from barograph.data.looks import FILE, Looks  # noqa: E402
from barograph.data.map import map_of  # noqa: E402
from barograph.recipes import tasks  # noqa: E402
from barograph.recipes.weights import TINY_FOLDER  # noqa: E402
from barograph.trainers.callback import BarographCallback  # noqa: E402

GSM8K = PROJECT.parent / "shared/data/gsm8k-solutions/example_model_solutions.jsonl"
SOLVERS = ("6b_finetuning", "6b_verification", "175b_finetuning", "175b_verification")
TURNED = 0.1
#: Rates at which each method learns its task, by their healthy curves and not by what is found.
RATES = {
    ("sums", "dpo"): 1e-3, ("sums", "kto"): 5e-4, ("sums", "reward"): 5e-4,
    ("gsm8k", "dpo"): 5e-4, ("gsm8k", "kto"): 5e-4, ("gsm8k", "reward"): 5e-4,
}  # fmt: skip


def sums(seed: int) -> list[dict[str, str]]:
    return tasks.pairs(seed, 800)


def solutions(seed: int, *, written: bool) -> list[dict[str, str]]:
    """A better and a worse solution to each problem that somebody got wrong."""
    rows, dice = [], random.Random(seed)
    for line in GSM8K.read_text(encoding="utf-8").splitlines():
        problem = json.loads(line)
        wrong = [problem[solver]["solution"] for solver in SOLVERS if not problem[solver]["is_correct"]]
        right = [problem[solver]["solution"] for solver in SOLVERS if problem[solver]["is_correct"]]
        if written:
            right = [problem["ground_truth"]]
        if wrong and right:
            rows.append(
                {"prompt": problem["question"] + "\n", "chosen": dice.choice(right), "rejected": dice.choice(wrong)}
            )
    return dice.sample(rows, min(len(rows), 700))


TASKS = {
    "sums": sums,
    "gsm8k, both by models": lambda seed: solutions(seed, written=False),
    "gsm8k, the better one written": lambda seed: solutions(seed, written=True),
}


def small_model(rows: list[dict[str, str]], folder: Path) -> Path:
    """A model for these texts, of random weights, with a tokenizer that is trained on them."""
    pieces = Tokenizer(models.BPE())
    pieces.pre_tokenizer, pieces.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    pieces.train_from_iterator(
        (" ".join(row.values()) for row in rows),
        trainers.BpeTrainer(vocab_size=1_500, special_tokens=["<pad>", "<eos>"], show_progress=False),
    )
    words = PreTrainedTokenizerFast(tokenizer_object=pieces, pad_token="<pad>", eos_token="<eos>")
    words.save_pretrained(folder)
    torch.manual_seed(0)
    LlamaForCausalLM(LlamaConfig(
        vocab_size=len(words), hidden_size=64, intermediate_size=128, num_hidden_layers=2, num_attention_heads=4,
        max_position_embeddings=512, pad_token_id=0, eos_token_id=1, bos_token_id=None,
    )).save_pretrained(folder)  # fmt: skip
    return folder


def turned(rows: list[dict[str, str]], method: str, seed: int) -> tuple[list[dict[str, Any]], np.ndarray]:
    """The examples with one label in ten the wrong way round, and which these are."""
    dice = random.Random(seed + 7)
    examples: list[dict[str, Any]] = list(rows)
    if method == "kto":
        examples = tasks.unpaired(rows, seed)
    is_turned = np.zeros(len(examples), dtype=bool)
    is_turned[dice.sample(range(len(examples)), round(TURNED * len(examples)))] = True
    for place in np.flatnonzero(is_turned):
        row = dict(examples[place])
        if method == "kto":
            row["label"] = not row["label"]
        else:
            row["chosen"], row["rejected"] = row["rejected"], row["chosen"]
        examples[place] = row
    return examples, is_turned


def trained(
    method: str, base: Path, examples: list[dict[str, Any]], rate: float, epochs: int, seed: int, folder: Path
) -> dict[str, float]:
    """One training, watched; gives the last row of its log."""
    from trl import DPOConfig, DPOTrainer, KTOConfig, KTOTrainer, RewardConfig, RewardTrainer

    kind, config = {
        "dpo": (DPOTrainer, DPOConfig), "kto": (KTOTrainer, KTOConfig), "reward": (RewardTrainer, RewardConfig),
    }[method]  # fmt: skip
    torch.manual_seed(seed)
    given: dict[str, Any] = {"processing_class": transformers.AutoTokenizer.from_pretrained(base)}
    if method == "reward":
        given["model"] = AutoModelForSequenceClassification.from_pretrained(base, num_labels=1, dtype=torch.float32)
    else:
        given["model"], given["ref_model"] = (
            AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32) for _ in range(2)
        )
    args = config(
        output_dir=str(folder), use_cpu=True, bf16=False, report_to="none", logging_steps=10, seed=seed,
        num_train_epochs=epochs, learning_rate=rate, per_device_train_batch_size=16, save_strategy="no",
        disable_tqdm=True, dataloader_pin_memory=False, gradient_checkpointing=False, max_length=384,
    )  # fmt: skip
    trainer = kind(
        **given, args=args, train_dataset=datasets.Dataset.from_list(examples),
        callbacks=[BarographCallback(console=False)],
    )  # fmt: skip
    trainer.remove_callback(transformers.trainer_callback.PrinterCallback)
    trainer.train()
    return next(row for row in reversed(trainer.state.log_history) if "loss" in row)


def average_precision(score: np.ndarray, is_turned: np.ndarray) -> float:
    """The mean, over the turned ones, of the precision down to each of them."""
    hits = is_turned[np.argsort(-score, kind="stable")]
    return float((np.cumsum(hits) / np.arange(1, len(hits) + 1))[hits].mean())


def precision(score: np.ndarray, is_turned: np.ndarray) -> float:
    best = np.argsort(-score, kind="stable")[: round(TURNED * len(score))]
    return float(is_turned[best].mean())


def rankings(looks: Looks) -> Iterator[tuple[str, np.ndarray]]:
    kept = looks.kept
    yield "suspects", map_of(looks).score
    yield "mean margin", -kept["mean"]
    yield "last loss", -kept["last"]


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--task", choices=TASKS, action="append")
    arguments.add_argument("--method", choices=("dpo", "kto", "reward"), action="append")
    arguments.add_argument("--seeds", type=int, default=3)
    arguments.add_argument("--epochs", type=int, default=3)
    given = arguments.parse_args()
    torch.set_num_threads(1)
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    datasets.disable_progress_bars()
    print(f"{'task':30} {'method':7} {'ranking':12} {'precision at 10 %':>18} {'average precision':>18}", flush=True)
    for task in given.task or TASKS:
        if task.startswith("gsm8k") and not GSM8K.is_file():
            print(f"{task:30} left out: no {GSM8K}")
            continue
        for method in given.method or ("dpo", "kto", "reward"):
            found: dict[str, list[tuple[float, float]]] = {}
            begun = time.perf_counter()
            for seed in range(1, given.seeds + 1):
                with tempfile.TemporaryDirectory() as where:
                    rows = TASKS[task](seed)
                    base = TINY_FOLDER if task == "sums" else small_model(rows, Path(where) / "model")
                    examples, is_turned = turned(rows, method, seed)
                    rate = RATES[task.split(",")[0], method]
                    last = trained(method, base, examples, rate, given.epochs, seed, Path(where) / "run")
                    looks = Looks.read(Path(where) / "run" / FILE)
                for ranking, score in rankings(looks):
                    values = precision(score, is_turned), average_precision(score, is_turned)
                    found.setdefault(ranking, []).append(values)
            for ranking, values in found.items():
                at_ten, average = (statistics.fmean(side) for side in zip(*values, strict=True))
                print(f"{task:30} {method:7} {ranking:12} {at_ten:18.1%} {average:18.1%}", flush=True)
            right = last.get("rewards/accuracies", last.get("accuracy", float("nan")))
            print(
                f"  {given.seeds} runs, {time.perf_counter() - begun:.0f} s; accuracy at the end {right:.2f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
