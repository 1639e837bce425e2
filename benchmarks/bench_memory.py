"""What recipes take at their peak, beside what was said before they started.

    python benchmarks/bench_memory.py                      # small models on the processor: every live tensor is counted
    python benchmarks/bench_memory.py --size 0.5 --length 1024   # on a card: what its allocator has had to hold
    python benchmarks/bench_memory.py --json dpo kto

Models are Llamas with random weights; every example is as long as may be. On the processor a tensor counts from its
creation to its end, as on a card, so that the parts of the estimate that do not hang on a card can be laid beside it.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import gc
import io
import json
import os
import tempfile
import weakref
from importlib import import_module
from pathlib import Path
from typing import Any

os.environ.setdefault("HF_HUB_OFFLINE", "1")

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten
from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM, Trainer

from barograph.recipes.memory import GIGA
from barograph.recipes.options import METHODS, settled
from barograph.recipes.profiles import needs_for
from barograph.recipes.weights import TINY_FOLDER

#: Hidden size, layers, and size of the vocabulary by the number of weights in billions; 0 is for the processor.
SIZES = {0.0: (512, 6, 8_000), 0.1: (768, 10, 32_000), 0.5: (1_280, 18, 64_000), 1.0: (2_048, 16, 64_000)}
WAYS: dict[str, dict[str, Any]] = {
    "all weights": {},
    "all weights, recomputed": {"recompute": True},
    "all weights, bf16, recomputed": {"recompute": True, "precision": "bf16"},
    "adapter, bf16": {"lora": True, "precision": "bf16"},
    "adapter, bf16, recomputed": {"lora": True, "precision": "bf16", "recompute": True},
}


class LiveBytes(TorchDispatchMode):
    """The bytes of all tensors that are alive, and the most there have been."""

    def __init__(self) -> None:
        super().__init__()
        self.live = self.most = 0
        self._known: dict[int, int] = {}

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        made = function(*args, **(kwargs or {}))
        for one in tree_flatten(made)[0]:
            if isinstance(one, torch.Tensor):
                self.see(one)
        return made

    def see(self, tensor: torch.Tensor) -> None:
        storage = tensor.untyped_storage()
        key, size = storage._cdata, storage.nbytes()  # noqa: SLF001 - what makes a storage one
        if key not in self._known:
            self._known[key] = size
            self.live += size
            self.most = max(self.most, self.live)
            weakref.finalize(storage, self._gone, key)

    def _gone(self, key: int) -> None:
        self.live -= self._known.pop(key, 0)


def model_of(size: float, folder: Path) -> None:
    """A Llama with random weights, and the tokenizer of the tiny model."""
    hidden, layers, vocabulary = SIZES[size]
    words = AutoTokenizer.from_pretrained(str(TINY_FOLDER))
    torch.manual_seed(1)
    LlamaForCausalLM(
        LlamaConfig(
            hidden_size=hidden, num_hidden_layers=layers, intermediate_size=round(hidden * 2.7), vocab_size=vocabulary,
            num_attention_heads=hidden // 64, num_key_value_heads=hidden // 256 or 1, max_position_embeddings=4096,
            pad_token_id=words.pad_token_id, eos_token_id=words.eos_token_id, bos_token_id=None,
        )
    ).save_pretrained(folder)  # fmt: skip
    words.save_pretrained(folder)


def rows_of(method: str, count: int, length: int) -> list[dict[str, Any]]:
    """Examples that fill the length to the last token."""
    half = length // 2 - 2
    prompt, answer = " ".join(["3"] * half), " " + " ".join(["4"] * half)
    if method in {"dpo", "kto"}:
        return [{"prompt": prompt, "chosen": answer, "rejected": answer}] * count
    if method == "reward":
        return [{"chosen": f"{prompt}{answer}", "rejected": f"{prompt}{answer}"}] * count
    if method == "prm":
        return [{"prompt": prompt, "completions": [answer], "labels": [True]}] * count
    return [{"prompt": prompt}] * count


def measured(method: str, way: dict[str, Any], size: float, length: int, batch: int) -> dict[str, Any]:
    """Two steps of a recipe: the most that was held while it trained, and what was said of it before."""
    counts = LiveBytes()
    on_a_card = torch.cuda.is_available() and size > 0
    began = list[bool]()

    def begin(*models: Any) -> None:
        if not began:
            began.append(True)
            gc.collect()
            if on_a_card:
                torch.cuda.empty_cache()
                torch.cuda.reset_peak_memory_stats()
            for model in models:  # What was loaded from a file has come by no operation.
                for weight in model.parameters():
                    counts.see(weight)
            counts.most = counts.live

    original = Trainer.training_step

    def step(trainer: Any, *given: Any, **named: Any) -> Any:
        begin(*filter(None, [trainer.model, getattr(trainer, "ref_model", None)]))
        return original(trainer, *given, **named)

    with contextlib.ExitStack() as around:
        folder = Path(around.enter_context(tempfile.TemporaryDirectory()))
        model_of(size, folder / "model")
        rows = rows_of(method, 8 * batch, length)
        (folder / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        (folder / "score.py").write_text("def score(answer):\n    return len(answer) % 2\n")
        told = {
            "model": str(folder / "model"), "data": str(folder / "rows.jsonl"), "eval_share": 0.5, "max_steps": 2,
            "batch_size": batch, "accumulate": 2, "max_length": length, "eval_steps": 50, "save_steps": 50,
            "output_dir": str(folder / "run"), "guard": "advise", "precision": "fp32", "recompute": False,
        }  # fmt: skip
        if method in {"dpo", "kto"}:
            told["keep_reference"] = True
        if method in {"ppo", "grpo"}:
            told |= {"reward": f"{folder}/score.py:score"}
            told |= (
                {"response_length": length // 2}
                if method == "ppo"
                else {"answer_length": length // 2, "generations": 2}
            )
        options = settled(METHODS[method].made(told, way))
        needs = needs_for(options, method, is_processor=not on_a_card)
        recipe = import_module(f"barograph.recipes.{method}")
        if method == "ppo":
            loop = import_module("barograph.recipes.ppo.loop")
            first = loop._step  # noqa: SLF001 - where a step begins
            loop._step = lambda run: (begin(*filter(None, [run.policy, run.reference])), first(run))[1]  # noqa: SLF001 - as above
            around.callback(setattr, loop, "_step", first)
        Trainer.training_step = step
        around.callback(setattr, Trainer, "training_step", original)
        around.enter_context(contextlib.redirect_stdout(io.StringIO()))
        around.enter_context(contextlib.redirect_stderr(io.StringIO()))
        if not on_a_card:
            around.enter_context(counts)
        recipe.run(options)
        most = torch.cuda.max_memory_allocated() if on_a_card else counts.most
    gc.collect()
    expected = needs.total - needs.spare
    return {
        "method": method,
        "estimate": expected,
        "measured": most,
        "ratio": expected / most,
        "parts": dataclasses.asdict(needs),
    }


def main() -> None:
    """Print a line for each method and way."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("methods", nargs="*", default=["dpo", "kto", "reward", "prm", "ppo", "grpo"])
    arguments.add_argument("--size", type=float, choices=list(SIZES), default=0.0)
    arguments.add_argument("--length", type=int, default=256)
    arguments.add_argument("--batch", type=int, default=4)
    arguments.add_argument("--ways", help="only the ways that begin so")
    arguments.add_argument("--json", action="store_true")
    given = arguments.parse_args()
    for method in given.methods:
        for name, way in WAYS.items():
            if given.ways and not name.startswith(given.ways):
                continue
            row = {"way": name, **measured(method, way, given.size, given.length, given.batch)}
            if given.json:
                print(json.dumps(row), flush=True)
            else:
                sizes = f"estimate {row['estimate'] / GIGA:6.2f} GB, measured {row['measured'] / GIGA:6.2f} GB"
                print(f"{method:7} {name:32} {sizes}: {row['ratio']:.2f}", flush=True)


if __name__ == "__main__":
    main()
