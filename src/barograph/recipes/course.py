"""What every recipe on a trainer of transformers or TRL does: arguments from options, the callback, resume, the end."""

from __future__ import annotations

import atexit
import dataclasses
import json
import logging
import signal
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import datasets
import torch
import transformers

from barograph.core import errors
from barograph.core.errors import ConfigurationError
from barograph.recipes.before import tell_before
from barograph.recipes.disk import check_room, says_when_full
from barograph.recipes.options import Chosen, Options, choices_of, settled
from barograph.recipes.processes import is_first, processes
from barograph.recipes.profiles import announce, fitted
from barograph.recipes.result import TOLD
from barograph.recipes.weights import context_of, is_tiny, precision, source_of
from barograph.sinks.replace import write_whole
from barograph.trainers.callback import BarographCallback
from barograph.trainers.rescue import resume
from barograph.trainers.session import free_folder

__all__ = [
    "FINAL",
    "Interrupted",
    "arguments",
    "leave_group_at_exit",
    "prepare",
    "remember",
    "stops_after_the_step",
    "train",
    "watching",
]

#: Where the weights lie when all is done.
FINAL = "final_model"


def prepare(options: Chosen, method: str, mark: str = "trainer_state.json") -> Chosen:
    """The options whole, with a folder of its own; quiet libraries, one seed, one thread for the tiny model.

    A checkpoint holds the file `mark`. A run that is resumed goes on in its folder, as it was told before. One that
    names no folder gets the next free one: `runs/dpo`, `runs/dpo-2`.
    """
    if options.resume_from:
        options = _taken_up(options, Path(options.resume_from), mark)
    options = _within_context(settled(fitted(options, method)), said=options.max_length)
    tell_before(options, method)
    announce(options, method)
    if not options.output_dir:
        if processes() > 1 and not options.resume_from:
            raise ConfigurationError("several processes train together: name --output-dir, or each would find its own")
        folder = Path(options.resume_from).parent if options.resume_from else free_folder(Path("runs") / method)
        options = dataclasses.replace(options, output_dir=str(folder))
    check_room(options)
    warnings.filterwarnings("ignore", category=FutureWarning)
    warnings.filterwarnings("ignore", category=UserWarning, module=r"(transformers|trl|peft|torch)\b")
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    datasets.disable_progress_bars()
    logging.getLogger("huggingface_hub").setLevel(logging.ERROR)  # What it retries comes to one sentence of ours.
    transformers.set_seed(options.seed or 0)
    leave_group_at_exit()
    if is_tiny(options):
        torch.set_num_threads(1)  # Several on small matrices wait for each other.
    return options


def watching(options: Options, method: str | None = None) -> BarographCallback:
    """The callback of a recipe. Its own data, a world of 36 words, are not what checks of data are meant for."""
    return BarographCallback(guard=str(options.guard), method=method, check_data=options.data is not None)


def leave_group_at_exit() -> None:
    """A group that still stands when the interpreter goes may abort the process after all its work is done."""

    def leave() -> None:
        if torch.distributed.is_available() and torch.distributed.is_initialized():
            torch.distributed.destroy_process_group()

    atexit.register(leave)


def _taken_up(options: Chosen, checkpoint: Path, mark: str) -> Chosen:
    """The options of a run that goes on: those that are said now, and else those that it was told before."""
    if not (checkpoint / mark).is_file():
        raise ConfigurationError(f"{checkpoint}: is no checkpoint of this method (it holds no {mark})")
    try:
        before = dict(json.loads((checkpoint.parent / TOLD).read_bytes()))
    except (OSError, ValueError, TypeError):
        before = {}
    known = choices_of(type(options)).keys() - {"output_dir", "resume_from"}
    told = {name: value for name, value in before.items() if name in known}
    now: dict[str, object] = dict(options.said())
    if rate := _rate_of(checkpoint):  # As it stands there, rescues included.
        told["learning_rate"] = rate
    return type(options).made(told, now)


def _within_context(options: Chosen, said: int | None) -> Chosen:
    """No more tokens than the model takes: what was said is refused, what is usual gives way."""
    most = context_of(options)
    if most is None or (options.max_length or 0) <= most:
        return options
    if said is not None:
        raise ConfigurationError(f"max_length = {said:,}: {source_of(options)} takes {most:,} tokens at most")
    return dataclasses.replace(options, max_length=most)


def remember(options: Options) -> None:
    """Write down what the run was told, for when it goes on; the first of several processes does."""
    if is_first():
        folder = Path(str(options.output_dir))
        folder.mkdir(parents=True, exist_ok=True)
        write_whole(folder / TOLD, json.dumps(options.said(), indent=1).encode() + b"\n")


def arguments(kind: Any, options: Options, **more: Any) -> Any:
    """The arguments of a trainer, from the options; `more` goes first."""
    computes = precision(options)
    given: dict[str, Any] = {
        "output_dir": options.output_dir,
        "learning_rate": options.learning_rate,
        "lr_scheduler_type": options.schedule,
        "warmup_steps": options.warmup,
        "max_steps": options.max_steps or -1,
        "num_train_epochs": options.epochs,
        "per_device_train_batch_size": options.batch_size,
        "per_device_eval_batch_size": options.batch_size,
        "gradient_accumulation_steps": options.accumulate,
        "logging_steps": options.logging_steps,
        "logging_first_step": True,
        "eval_strategy": "steps",
        "eval_steps": options.eval_steps,
        "save_strategy": "steps",
        "save_steps": options.save_steps,
        "save_total_limit": options.keep_checkpoints or None,
        "seed": options.seed,
        "bf16": computes == "bf16",
        "fp16": computes == "fp16",
        "use_cpu": not torch.cuda.is_available(),
        "dataloader_pin_memory": torch.cuda.is_available(),
        "gradient_checkpointing": bool(options.recompute),
        "report_to": [name for name in str(options.report_to).split(",") if name],
    }
    if "max_length" in getattr(kind, "__dataclass_fields__", {}):
        given["max_length"] = options.max_length
    if more.get("load_best_model_at_end") and (options.save_steps or 0) % (options.eval_steps or 1):
        raise ConfigurationError(
            f"save_steps = {options.save_steps}: the best checkpoint is one that was evaluated, "
            f"so a multiple of eval_steps = {options.eval_steps} belongs there"
        )
    try:
        made = kind(**(given | more))
        transformers.integrations.get_reporting_integration_callbacks(made.report_to)
    except ValueError as error:  # What a library finds wrong with a setting is a mistake of whoever gave it.
        raise ConfigurationError(" ".join(str(error).split())[:300]) from error
    return made


def train(trainer: Any, options: Options, method: str) -> str:
    """Train, or go on from a checkpoint, and save the end. Gives the verdict."""
    callback = next(one for one in trainer.callback_handler.callbacks if isinstance(one, BarographCallback))
    trainer.remove_callback(transformers.trainer_callback.PrinterCallback)
    folder = Path(str(options.output_dir))
    try:
        with says_when_full(folder, method):
            remember(options)
            if options.resume_from:
                _go_on(trainer, options)
            else:
                trainer.train()
            if trainer.is_world_process_zero():
                trainer.save_model(str(folder / FINAL))
    except KeyboardInterrupt:
        raise Interrupted(_kept(trainer), method) from None
    except torch.OutOfMemoryError:
        raise ConfigurationError(
            f"the device has not enough memory for batches of {options.batch_size}: "
            f"halve --batch-size and double --accumulate, add --lora, or let --profile auto choose"
        ) from None
    monitor = callback.monitor
    diagnosis = monitor.diagnosis() if monitor is not None else None
    return diagnosis.verdict.value if diagnosis is not None else "unjudged"


class Interrupted(errors.Interrupted):
    """Ctrl-C: the state is kept in a checkpoint."""

    def __init__(self, checkpoint: str, method: str) -> None:
        super().__init__(f"interrupted; to go on: barograph train {method} --resume-from {checkpoint}")


@contextmanager
def stops_after_the_step() -> Iterator[list[int]]:
    """Ctrl-C waits for the end of what is done here, and is then found in the list; a second one does not wait."""
    caught = list[int]()

    def note(number: int, frame: object) -> None:
        if caught:
            raise KeyboardInterrupt
        caught.append(number)

    if threading.current_thread() is not threading.main_thread():  # Only there can a signal be heard.
        yield caught
        return
    before = signal.signal(signal.SIGINT, note)
    try:
        yield caught
    finally:
        signal.signal(signal.SIGINT, before)


def _kept(trainer: Any) -> str:
    step = trainer.state.global_step
    trainer._save_checkpoint(trainer.model, None)  # noqa: SLF001 - the public way is to wait for a step's end
    return str(Path(trainer.args.output_dir) / f"checkpoint-{step}")


def _go_on(trainer: Any, options: Options) -> None:
    """From a checkpoint. A learning rate other than that of its run counts from here: it is cut where it is kept."""
    checkpoint = Path(str(options.resume_from))
    step = json.loads((checkpoint / "trainer_state.json").read_bytes())["global_step"]
    if 0 < trainer.args.max_steps <= step:
        raise ConfigurationError(f"{checkpoint}: is the end of its run of {step:,} steps; name more --max-steps")
    before = _rate_of(checkpoint)
    if before and options.learning_rate and before != options.learning_rate:
        trainer.args.learning_rate = before
        resume(trainer, str(checkpoint), rate=options.learning_rate / before)
    else:
        trainer.train(resume_from_checkpoint=str(checkpoint))


def _rate_of(checkpoint: Path) -> float | None:
    """The highest learning rate of the schedule that a trainer's checkpoint goes on with."""
    if not (checkpoint / "scheduler.pt").is_file():
        return None
    rates = torch.load(checkpoint / "scheduler.pt", map_location="cpu", weights_only=True).get("base_lrs")
    return float(rates[0]) if rates else None
