"""Are labels that are the wrong way round found by one training? One in ten is turned, and the ranking looked at.

    python benchmarks/bench_suspects.py --write               # into docs/data-map.md; needs the `train` extra
    python benchmarks/bench_suspects.py --task sums --seeds 1 --epochs 1
    python benchmarks/bench_suspects.py --gsm8k example_model_solutions.jsonl

Three tasks: the sums of the tiny world, and solutions of GSM8K problems, once a right and a wrong one of the same
models, once the one written out by people and a wrong one (github.com/openai/grade-school-math,
`grade_school_math/data/example_model_solutions.jsonl`; left out where it is not there). Each is trained on from a fresh
or a tiny model by DPO, KTO and as a reward model; chains of sums also by a step classifier. Told are, as means over the
seeds, the precision among the tenth ranked highest and the average precision: of this ranking, of the mean margin (in
KTO beside the middle of all at that time), of the last loss of each example alone. By chance both are 10 %. Told as
well is how many examples stand apart and how many of these were turned; and, from a further run with no label turned,
how many stand apart there.
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
from typing import Any, NamedTuple

PROJECT = Path(__file__).parent.parent
sys.path.insert(0, str(PROJECT / "src"))
warnings.filterwarnings("ignore")

import datasets  # noqa: E402
import measured_blocks  # noqa: E402
import numpy as np  # noqa: E402
import torch  # noqa: E402
import transformers  # noqa: E402
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers  # noqa: E402
from transformers import (  # noqa: E402
    AutoModelForCausalLM,
    AutoModelForSequenceClassification,
    AutoModelForTokenClassification,
    DataCollatorForTokenClassification,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedTokenizerFast,
    Trainer,
    TrainingArguments,
)

from barograph.data.kept import FILE  # noqa: E402
from barograph.data.looks import Looks  # noqa: E402
from barograph.data.map import Map, map_of  # noqa: E402
from barograph.recipes import tasks  # noqa: E402
from barograph.recipes.prm import encoded  # noqa: E402
from barograph.recipes.weights import TINY_FOLDER  # noqa: E402
from barograph.trainers.callback import BarographCallback  # noqa: E402

GSM8K = PROJECT.parent / "shared/data/gsm8k-solutions/example_model_solutions.jsonl"
PAGE = PROJECT / "docs/data-map.md"
SOLVERS = ("6b_finetuning", "6b_verification", "175b_finetuning", "175b_verification")
TURNED = 0.1
#: The first seed: those before it were looked at while the ranking was made.
FIRST = 11
#: Tokens of a prompt with an answer; longer ones are left out beforehand.
LONGEST = 384
#: Rates and epochs at which each method learns its task, by their healthy curves and not by what is found: for the
#: sums those of the recipes.
COURSES = {
    ("sums", "dpo"): (1e-3, 3), ("sums", "kto"): (5e-4, 3), ("sums", "reward"): (5e-4, 6), ("sums", "prm"): (2e-3, 6),
    ("gsm8k", "dpo"): (5e-4, 3), ("gsm8k", "kto"): (5e-4, 3), ("gsm8k", "reward"): (5e-4, 3),
}  # fmt: skip


class Task(NamedTuple):
    """What is learned, and by which methods."""

    name: str
    methods: tuple[str, ...]

    @property
    def is_tiny(self) -> bool:
        return self.name == "sums"


TASKS = (
    Task("sums", ("dpo", "kto", "reward", "prm")),
    Task("gsm8k, the better one written", ("dpo", "kto", "reward")),
    Task("gsm8k, both by models", ("dpo", "kto", "reward")),
)


def solutions(path: Path, seed: int, *, written: bool) -> list[dict[str, str]]:
    """A better and a worse solution to each problem that somebody got wrong."""
    rows, dice = [], random.Random(seed)
    for line in path.read_text(encoding="utf-8").splitlines():
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


def examples_of(task: Task, method: str, path: Path, seed: int) -> list[dict[str, Any]]:
    """What is trained on, all labels right."""
    if method == "prm":
        return tasks.solutions(seed, 1_600)
    rows = tasks.pairs(seed, 800) if task.is_tiny else solutions(path, seed, written="written" in task.name)
    return tasks.unpaired(rows, seed) if method == "kto" else rows


def small_model(rows: list[dict[str, Any]], folder: Path) -> Path:
    """A model for these texts, of random weights, with a tokenizer that is trained on them."""
    pieces = Tokenizer(models.BPE())
    pieces.pre_tokenizer, pieces.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    pieces.train_from_iterator(
        (value for row in rows for value in row.values() if isinstance(value, str)),
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


def short_ones(rows: list[dict[str, Any]], words: Any) -> list[dict[str, Any]]:
    """Those that no trainer will leave out by itself, so that places stay what they are."""

    def fits(row: dict[str, Any]) -> bool:
        sides = [value for name, value in row.items() if name != "prompt" and isinstance(value, str)]
        return all(len(words(row["prompt"] + side)["input_ids"]) < LONGEST - 2 for side in sides)

    return [row for row in rows if fits(row)]


def turned(rows: list[dict[str, Any]], share: float, seed: int) -> tuple[list[dict[str, Any]], np.ndarray]:
    """The examples with a share of their labels the wrong way round (of labelled steps one), and which these are."""
    dice = random.Random(seed + 7)
    examples, is_turned = list(rows), np.zeros(len(rows), dtype=bool)
    is_turned[dice.sample(range(len(rows)), round(share * len(rows)))] = True
    for place in np.flatnonzero(is_turned):
        row = dict(examples[place])
        if "labels" in row:
            step = dice.randrange(len(row["labels"]))
            row["labels"] = [label != (number == step) for number, label in enumerate(row["labels"])]
        elif "label" in row:
            row["label"] = not row["label"]
        else:
            row["chosen"], row["rejected"] = row["rejected"], row["chosen"]
        examples[place] = row
    return examples, is_turned


def trained(
    method: str, base: Path, examples: list[dict[str, Any]], course: tuple[float, int], seed: int, folder: Path
) -> None:
    """One training, watched."""
    from trl import DPOConfig, DPOTrainer, KTOConfig, KTOTrainer, RewardConfig, RewardTrainer

    rate, epochs = course
    kind, config, model = {
        "dpo": (DPOTrainer, DPOConfig, AutoModelForCausalLM), "kto": (KTOTrainer, KTOConfig, AutoModelForCausalLM),
        "reward": (RewardTrainer, RewardConfig, AutoModelForSequenceClassification),
        "prm": (Trainer, TrainingArguments, AutoModelForTokenClassification),
    }[method]  # fmt: skip
    torch.manual_seed(seed)
    words = transformers.AutoTokenizer.from_pretrained(base)
    sizes = {"reward": {"num_labels": 1}, "prm": {"num_labels": 2}}.get(method, {})
    given: dict[str, Any] = {"model": model.from_pretrained(base, dtype=torch.float32, **sizes)}
    more: dict[str, Any] = {"gradient_checkpointing": False, "max_length": LONGEST}
    if method in {"dpo", "kto"}:
        given["ref_model"] = model.from_pretrained(base, dtype=torch.float32)
    elif method == "prm":
        examples, more = [encoded(words, row, LONGEST) for row in examples], {}
        given["data_collator"] = DataCollatorForTokenClassification(words)
    args = config(
        output_dir=str(folder), use_cpu=True, bf16=False, report_to="none", logging_steps=10, seed=seed,
        num_train_epochs=epochs, learning_rate=rate, per_device_train_batch_size=32 if method == "prm" else 16,
        save_strategy="no", disable_tqdm=True, dataloader_pin_memory=False, **more,
    )  # fmt: skip
    trainer = kind(
        **given, args=args, train_dataset=datasets.Dataset.from_list(examples), processing_class=words,
        callbacks=[BarographCallback(console=False, method=method)],
    )  # fmt: skip
    trainer.remove_callback(transformers.trainer_callback.PrinterCallback)
    trainer.train()


def seen(
    task: Task, method: str, given: argparse.Namespace, seed: int, share: float = TURNED
) -> tuple[Looks, np.ndarray]:
    """What one training has shown, and which labels were turned."""
    rate, epochs = COURSES[task.name.split(",")[0], method]
    with tempfile.TemporaryDirectory() as where:
        rows = examples_of(task, method, given.gsm8k, seed)
        base = TINY_FOLDER if task.is_tiny else small_model(rows, Path(where) / "model")
        rows = short_ones(rows, transformers.AutoTokenizer.from_pretrained(base))
        examples, is_turned = turned(rows, share, seed)
        trained(method, base, examples, (rate, given.epochs or epochs), seed, Path(where) / "run")
        return Looks.read(Path(where) / "run" / FILE), is_turned


def average_precision(score: np.ndarray, is_turned: np.ndarray) -> float:
    """The mean, over the turned ones, of the precision down to each of them."""
    hits = is_turned[np.argsort(-score, kind="stable")]
    return float((np.cumsum(hits) / np.arange(1, len(hits) + 1))[hits].mean())


def precision(score: np.ndarray, is_turned: np.ndarray) -> float:
    best = np.argsort(-score, kind="stable")[: round(TURNED * len(score))]
    return float(is_turned[best].mean())


def rankings(looks: Looks, found: Map) -> Iterator[np.ndarray]:
    """This one, and the two that it stands beside."""
    yield from (found.score, -looks.kept["mean"], -looks.kept["last"])


HEAD = (
    "| task | method | suspects | mean margin | last loss | average precision | of mean margin | of last loss "
    "| stand apart, turned among them | stand apart where none was turned |\n" + "| --- " * 10 + "|"
)


def row_of(task: Task, method: str, given: argparse.Namespace) -> str:
    """A line of the table."""
    values, apart = [], []
    for seed in range(FIRST, FIRST + given.seeds):
        looks, is_turned = seen(task, method, given, seed)
        found = map_of(looks)
        pairs = [(precision(score, is_turned), average_precision(score, is_turned)) for score in rankings(looks, found)]
        values.append([pair[part] for part in (0, 1) for pair in pairs])
        stands = found.chance > 0.5
        apart.append((int(stands.sum()), int((stands & is_turned).sum()), int(is_turned.sum())))
    looks, _ = seen(task, method, given, FIRST + given.seeds, 0.0)
    clean = map_of(looks)
    means = [statistics.fmean(column) for column in zip(*values, strict=True)]
    stand, hit, of = (statistics.fmean(column) for column in zip(*apart, strict=True))
    shown = [f"{mean:.0%}" for mean in means]
    return (
        f"| {task.name} | {method} | {' | '.join(shown)} | {stand:.0f}, {hit:.0f} of {of:.0f} "
        f"| {clean.apart} of {clean.seen:,} |"
    )


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--task", choices=[task.name for task in TASKS], action="append")
    arguments.add_argument("--method", choices=TASKS[0].methods, action="append")
    arguments.add_argument("--seeds", type=int, default=3)
    arguments.add_argument("--epochs", type=int, help="as many for all")
    arguments.add_argument("--gsm8k", type=Path, default=GSM8K, metavar="FILE")
    arguments.add_argument("--write", action="store_true", help="put the table into docs/data-map.md")
    given = arguments.parse_args()
    torch.set_num_threads(1)
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    datasets.disable_progress_bars()
    lines = [HEAD]
    print(HEAD, flush=True)
    for task in TASKS:
        if given.task and task.name not in given.task:
            continue
        if not task.is_tiny and not given.gsm8k.is_file():
            print(f"{task.name}: left out, no {given.gsm8k}", file=sys.stderr)
            continue
        for method in task.methods:
            if given.method and method not in given.method:
                continue
            begun = time.perf_counter()
            lines.append(row_of(task, method, given))
            print(lines[-1], flush=True)
            print(f"{task.name}, {method}: {time.perf_counter() - begun:.0f} s", file=sys.stderr, flush=True)
    if given.write:
        measured_blocks.write(PAGE, {"suspects": "\n".join(lines)})


if __name__ == "__main__":
    main()
