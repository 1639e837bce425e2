"""A language model small enough to be tuned in seconds on one core, and preferences that it can learn.

A user claims a sum ("i think 3 + 4 = 9 ?"). The good answer corrects a false claim and agrees with a true one, the bad
one does the opposite; half of the claims are true, so that no word alone tells them apart: a model that has forgotten
its sums is at chance.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import transformers
from datasets import Dataset
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import (
    AutoModelForCausalLM,
    AutoModelForSequenceClassification,
    DataCollatorWithPadding,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedTokenizerFast,
    Trainer,
    TrainingArguments,
)
from transformers.trainer_callback import PrinterCallback

MARKS = ["<pad>", "<eos>", "<unk>", "i", "think", "+", "=", "?", "no", "yes", ",", "it", "is", "."]
WORDS = MARKS + [str(number) for number in range(20)]
MOST = 7
#: Rates at which these runs go well; the benchmark multiplies them by 100.
SANE = {"dpo": 1e-3, "kto": 3e-4, "sft": 1e-3, "reward": 5e-4, "grpo": 3e-4, "rloo": 3e-4, "classifier": 1e-3}


def quiet() -> None:
    """One thread, for several on a shared core wait for each other; and no bars."""
    torch.set_num_threads(1)
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()


def tokenizer() -> Any:
    words = Tokenizer(models.WordLevel({word: i for i, word in enumerate(WORDS)}, unk_token="<unk>"))
    words.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return PreTrainedTokenizerFast(tokenizer_object=words, pad_token="<pad>", eos_token="<eos>", unk_token="<unk>")


def claim(a: int, b: int, c: int) -> str:
    return f"i think {a} + {b} = {c} ?"


def answers(a: int, b: int, c: int, dice: random.Random) -> tuple[str, str]:
    """The good answer to a claim, and the bad one."""
    total = a + b
    if c == total:
        wrong = dice.choice([x for x in range(13) if x != total])
        return f" yes , it is {total} .", f" no , it is {wrong} ."
    return f" no , it is {total} .", f" yes , it is {c} ."


def pairs(seed: int, noise: float = 0.1, count: int = 640) -> list[dict[str, str]]:
    dice = random.Random(seed + 100)
    rows = []
    for _ in range(count):
        a, b = dice.randrange(MOST), dice.randrange(MOST)
        c = a + b if dice.random() < 0.5 else dice.choice([x for x in range(13) if x != a + b])
        good, bad = answers(a, b, c, dice)
        if dice.random() < noise:
            good, bad = bad, good
        rows.append({"prompt": claim(a, b, c), "chosen": good, "rejected": bad})
    return rows


def make_base(folder: Path, steps: int = 800) -> Path:
    """A model that knows its sums and gives both answers alike, saved where trainers can load it."""
    torch.manual_seed(0)
    torch.set_num_threads(1)
    config = LlamaConfig(
        vocab_size=len(WORDS), hidden_size=48, intermediate_size=96, num_hidden_layers=2, num_attention_heads=4,
        max_position_embeddings=64, tie_word_embeddings=True, pad_token_id=0, eos_token_id=1, bos_token_id=None,
    )  # fmt: skip
    model, words, dice = LlamaForCausalLM(config), tokenizer(), random.Random(0)
    optimizer = torch.optim.AdamW(model.parameters(), 3e-3)
    rows = pairs(0, 0.0, 2_000)
    for step in range(steps):
        optimizer.param_groups[0]["lr"] = 3e-3 * min(1.0, (step + 1) / 20) * (1 - step / steps)
        picked = [row["prompt"] + row[dice.choice(("chosen", "rejected"))] + " <eos>" for row in dice.sample(rows, 32)]
        ids = torch.tensor([words(text)["input_ids"] for text in picked])
        labels = ids.clone()
        labels[:, :8] = -100
        model(input_ids=ids, labels=labels).loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    words.save_pretrained(folder)
    model.save_pretrained(folder)
    return folder


def arguments(kind: Any, method: str, folder: Path, *, steps: int, times: float = 1.0, **more: Any) -> Any:
    """The arguments of a short run on the processor, at a multiple of the sane rate."""
    given: dict[str, Any] = {
        "output_dir": str(folder), "use_cpu": True, "bf16": False, "report_to": "none", "logging_steps": 1, "seed": 1,
        "max_steps": steps, "learning_rate": SANE[method] * times, "per_device_train_batch_size": 16,
        "per_device_eval_batch_size": 32, "save_strategy": "no", "disable_tqdm": True, "dataloader_pin_memory": False,
    }  # fmt: skip
    if kind is not TrainingArguments:
        given["gradient_checkpointing"] = False
    return kind(**(given | more))


def unpaired(rows: list[dict[str, str]], seed: int) -> list[dict[str, Any]]:
    """What KTO wants: each answer by itself, good and bad mixed."""
    single = [
        {"prompt": row["prompt"], "completion": row[side], "label": side == "chosen"}
        for row in rows
        for side in ("chosen", "rejected")
    ]
    random.Random(seed).shuffle(single)
    return single


def _preference(method: str, base: Path, folder: Path, callbacks: list[Any], *, seed: int = 1, **more: Any) -> Any:
    from trl import DPOConfig, DPOTrainer, KTOConfig, KTOTrainer

    config, trainer = {"dpo": (DPOConfig, DPOTrainer), "kto": (KTOConfig, KTOTrainer)}[method]
    rows = pairs(seed)
    held, rest = rows[:64], rows[64:]
    if method == "kto":
        held, rest = unpaired(held, seed), unpaired(rest, seed)
    return trainer(
        model=AutoModelForCausalLM.from_pretrained(base), ref_model=AutoModelForCausalLM.from_pretrained(base),
        args=arguments(config, method, folder, seed=seed, **more), train_dataset=Dataset.from_list(rest),
        eval_dataset=Dataset.from_list(held), processing_class=tokenizer(), callbacks=callbacks,
    )  # fmt: skip


def _sft(base: Path, folder: Path, callbacks: list[Any], *, seed: int = 1, **more: Any) -> Any:
    from trl import SFTConfig, SFTTrainer

    rows = [{"prompt": row["prompt"], "completion": row["chosen"]} for row in pairs(seed)]
    return SFTTrainer(
        model=AutoModelForCausalLM.from_pretrained(base), args=arguments(SFTConfig, "sft", folder, seed=seed, **more),
        train_dataset=Dataset.from_list(rows[64:]), eval_dataset=Dataset.from_list(rows[:64]),
        processing_class=tokenizer(), callbacks=callbacks,
    )  # fmt: skip


def _reward(base: Path, folder: Path, callbacks: list[Any], *, seed: int = 1, **more: Any) -> Any:
    from trl import RewardConfig, RewardTrainer

    rows = pairs(seed)
    torch.manual_seed(seed)
    return RewardTrainer(
        model=AutoModelForSequenceClassification.from_pretrained(base, num_labels=1),
        args=arguments(RewardConfig, "reward", folder, seed=seed, **more), train_dataset=Dataset.from_list(rows[64:]),
        eval_dataset=Dataset.from_list(rows[:64]), processing_class=tokenizer(), callbacks=callbacks,
    )  # fmt: skip


def says_no(completions: list[str], **_: Any) -> list[float]:
    return [float("no" in text.split()) for text in completions]


def _online(method: str, base: Path, folder: Path, callbacks: list[Any], *, seed: int = 1, **more: Any) -> Any:
    from trl import GRPOConfig, GRPOTrainer, RLOOConfig, RLOOTrainer

    config, trainer = {"grpo": (GRPOConfig, GRPOTrainer), "rloo": (RLOOConfig, RLOOTrainer)}[method]
    given = arguments(config, method, folder, seed=seed, num_generations=4, max_completion_length=8, **more)
    rows = [{"prompt": row["prompt"]} for row in pairs(seed)]
    return trainer(
        model=str(base), reward_funcs=says_no, args=given, train_dataset=Dataset.from_list(rows[64:]),
        eval_dataset=Dataset.from_list(rows[:16]), processing_class=tokenizer(), callbacks=callbacks,
    )  # fmt: skip


def _classifier(base: Path, folder: Path, callbacks: list[Any], *, seed: int = 1, **more: Any) -> Any:
    words = tokenizer()
    rows = [
        {**words(row["prompt"] + row[side]), "labels": int(side == "chosen")}
        for row in pairs(seed, 0.0)
        for side in ("chosen", "rejected")
    ]
    torch.manual_seed(seed)
    return Trainer(
        model=AutoModelForSequenceClassification.from_pretrained(base, num_labels=2),
        args=arguments(TrainingArguments, "classifier", folder, seed=seed, **more),
        train_dataset=Dataset.from_list(rows[64:]), eval_dataset=Dataset.from_list(rows[:64]), processing_class=words,
        data_collator=DataCollatorWithPadding(words), callbacks=callbacks,
        compute_metrics=lambda p: {"accuracy": float((p.predictions.argmax(-1) == p.label_ids).mean())},
    )  # fmt: skip


MAKERS: dict[str, Callable[..., Any]] = {
    "dpo": lambda *a, **k: _preference("dpo", *a, **k),
    "kto": lambda *a, **k: _preference("kto", *a, **k),
    "sft": _sft,
    "reward": _reward,
    "grpo": lambda *a, **k: _online("grpo", *a, **k),
    "rloo": lambda *a, **k: _online("rloo", *a, **k),
    "classifier": _classifier,
}


def make(method: str, base: Path, folder: Path, *callbacks: Any, **more: Any) -> Any:
    """A trainer of one method, ready to train and quiet."""
    quiet()
    trainer = MAKERS[method](base, folder, list(callbacks), **more)
    trainer.remove_callback(PrinterCallback)
    return trainer


def accuracy(model: Any, base: Path, seed: int, count: int = 200) -> float:
    """How often a tuned model prefers the good answer more than the base does, on pairs that no run has seen."""
    reference = AutoModelForCausalLM.from_pretrained(base)
    rows = pairs(seed + 1_000, 0.0, count)
    gains = [_gain(model, reference, row["prompt"], row["chosen"]) for row in rows]
    losses = [_gain(model, reference, row["prompt"], row["rejected"]) for row in rows]
    return sum(good > bad for good, bad in zip(gains, losses, strict=True)) / count


def _gain(model: Any, reference: Any, prompt: str, answer: str) -> float:
    """By how much likelier an answer has become."""
    words = tokenizer()
    ids = torch.tensor([words(prompt + answer + " <eos>")["input_ids"]])
    begin = len(words(prompt)["input_ids"])
    labels = ids.clone()
    labels[:, :begin] = -100
    with torch.no_grad():
        losses = [float(one(input_ids=ids, labels=labels).loss) for one in (model.eval(), reference)]
    return (losses[1] - losses[0]) * (ids.shape[1] - begin)
