"""What does the callback cost a training? DPO and KTO on the device at hand, with it and without, in turns.

    python benchmarks/bench_overhead.py                        # a tiny model on the processor; needs the `train` extra
    python benchmarks/bench_overhead.py --size 0.5 --steps 40  # half a billion weights, as on a GPU

The weights are random and the words mean nothing: only the time counts. Every step is logged. Told are the median time
of a step, the share of it that is spent in the callback (median of its rows), the most that one row took, and memory.
"""

from __future__ import annotations

import argparse
import random
import statistics
import sys
import tempfile
import time
import warnings
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).parent.parent
sys.path.insert(0, str(PROJECT / "src"))
warnings.filterwarnings("ignore")

import torch  # noqa: E402
import transformers  # noqa: E402
from datasets import Dataset  # noqa: E402
from tokenizers import Tokenizer, models, pre_tokenizers  # noqa: E402
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast, TrainerCallback  # noqa: E402
from trl import DPOConfig, DPOTrainer, KTOConfig, KTOTrainer  # noqa: E402

from barograph.trainers.callback import BarographCallback  # noqa: E402

VOCABULARY = 32_000
#: Billions of weights: width, layers, heads.
SHAPES = {0.0: (128, 2, 4), 0.1: (768, 8, 12), 0.5: (1536, 15, 16), 1.0: (2048, 19, 32)}


class Clock(TrainerCallback):
    """The time from one step's beginning to the next, so that logging is within."""

    def __init__(self) -> None:
        self.times: list[float] = []
        self._last = 0.0

    def on_step_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        now = time.perf_counter()
        if self._last:
            self.times.append(now - self._last)
        self._last = now


class Timed(BarographCallback):
    """Notes how long each of its rows takes."""

    def __init__(self, **how: Any) -> None:
        super().__init__(**how)
        self.spent: list[float] = []

    def on_log(self, *arguments: Any, **named: Any) -> None:
        begun = time.perf_counter()
        super().on_log(*arguments, **named)
        self.spent.append(time.perf_counter() - begun)


def words() -> Any:
    known = {"<pad>": 0, "<eos>": 1, "<unk>": 2} | {f"w{number}": number for number in range(3, VOCABULARY)}
    made = Tokenizer(models.WordLevel(known, unk_token="<unk>"))
    made.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return PreTrainedTokenizerFast(tokenizer_object=made, pad_token="<pad>", eos_token="<eos>", unk_token="<unk>")


def model(size: float) -> Any:
    width, layers, heads = SHAPES[size]
    config = LlamaConfig(
        vocab_size=VOCABULARY, hidden_size=width, intermediate_size=4 * width, num_hidden_layers=layers,
        num_attention_heads=heads, max_position_embeddings=2048, tie_word_embeddings=True, pad_token_id=0,
        eos_token_id=1, bos_token_id=None,
    )  # fmt: skip
    torch.manual_seed(0)
    made = LlamaForCausalLM(config)
    return made.to(torch.bfloat16).cuda() if torch.cuda.is_available() else made


def data(method: str, rows: int, length: int) -> Any:
    dice = random.Random(0)

    def text() -> str:
        return " ".join(f"w{dice.randrange(3, VOCABULARY)}" for _ in range(length // 2))

    if method == "dpo":
        return Dataset.from_list(
            [{"prompt": text(), "chosen": " " + text(), "rejected": " " + text()} for _ in range(rows)]
        )
    return Dataset.from_list([{"prompt": text(), "completion": " " + text(), "label": n % 2 == 0} for n in range(rows)])


def trained(method: str, given: argparse.Namespace, folder: Path, base: Any, callbacks: list[Any]) -> None:
    kind, config = {"dpo": (DPOTrainer, DPOConfig), "kto": (KTOTrainer, KTOConfig)}[method]
    has_gpu = torch.cuda.is_available()
    args = config(
        output_dir=str(folder), use_cpu=not has_gpu, bf16=has_gpu, report_to="none", logging_steps=1,
        max_steps=given.steps, learning_rate=1e-6, per_device_train_batch_size=given.batch, save_strategy="no",
        disable_tqdm=True, max_length=given.length, gradient_checkpointing=False,
    )  # fmt: skip
    trainer = kind(
        model=base, ref_model=model(given.size), args=args, processing_class=words(), callbacks=callbacks,
        train_dataset=data(method, given.steps * given.batch, given.length),
    )  # fmt: skip
    trainer.remove_callback(transformers.trainer_callback.PrinterCallback)
    trainer.train()


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--size", type=float, choices=SHAPES, default=0.0, help="billions of weights")
    arguments.add_argument("--steps", type=int, default=40)
    arguments.add_argument("--batch", type=int, default=8)
    arguments.add_argument("--length", type=int, default=512)
    arguments.add_argument("--method", choices=["dpo", "kto"], action="append")
    given = arguments.parse_args()
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else "the processor"
    base = model(given.size)
    weights = sum(weight.numel() for weight in base.parameters())
    print(
        f"{weights / 1e6:,.0f} M weights on {device}, batch {given.batch}, {given.length} tokens, {given.steps} steps"
    )
    print("method  turn      ms a step  in callback  us a row (median, most)   peak GB")
    for method in given.method or ["dpo", "kto"]:
        medians: dict[bool, list[float]] = {True: [], False: []}
        for is_watched in (False, True, True, False):
            clock, watch = Clock(), Timed(console=False)
            if torch.cuda.is_available():
                torch.cuda.reset_peak_memory_stats()
            with tempfile.TemporaryDirectory() as folder:
                trained(method, given, Path(folder), base, [clock, *([watch] if is_watched else [])])
            times = clock.times[5:]
            medians[is_watched].append(statistics.median(times))
            peak = torch.cuda.max_memory_allocated() / 1e9 if torch.cuda.is_available() else 0.0
            row = f"{method:7} {'watched' if is_watched else 'plain':8} {1e3 * statistics.median(times):10.2f}"
            if is_watched:
                spent = watch.spent[5:]
                share = statistics.median(spent) / statistics.median(times)
                row += f"  {share:11.3%}  {1e6 * statistics.median(spent):8.0f} {1e6 * max(watch.spent):12.0f}"
            else:
                row += " " * 36
            print(f"{row}   {peak:7.2f}", flush=True)
        ratio = statistics.mean(medians[True]) / statistics.mean(medians[False])
        print(f"{method:7} step time with the callback, over without: {ratio:.4f}")


if __name__ == "__main__":
    main()
