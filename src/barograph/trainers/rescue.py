"""Going back to a checkpoint in the same process, at a lower learning rate.

The trainer itself loads the checkpoint, as it does after a restart: model, optimizer, scheduler, scaler, random numbers
and the place in the data. What is added here is that it happens without a restart, and that the rate is cut
where it is really kept: a checkpoint brings back the old rate with the optimizer and with the scheduler's `base_lrs`,
so that a lower `args.learning_rate` alone changes nothing.
"""

from __future__ import annotations

import functools
import shutil
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from barograph.trainers.trl_compat import forget_attempt

if TYPE_CHECKING:
    from barograph.trainers.callback import BarographCallback

__all__ = ["has_optimizer", "keep_enough", "resume", "save_first", "scale_rate", "set_aside", "wrap"]

#: With a guard that may go back, this many checkpoints are kept at least: the newest may be from within the trouble.
LEAST_KEPT = 3


def wrap(trainer: Any, callback: BarographCallback) -> None:
    """Let `trainer.train()` go on from an earlier checkpoint whenever the callback has asked for it."""
    if getattr(trainer.train, "watched_by", None) is callback:
        return
    train: Callable[..., Any] = trainer.train

    @functools.wraps(train)
    def watched(*arguments: Any, **named: Any) -> Any:
        try:
            result = train(*arguments, **named)
            named.pop("resume_from_checkpoint", None)
            while (asked := callback.take_rescue()) is not None:
                _go_back(trainer, asked.path)
                result = train(asked.path, *arguments[1:], **named)
        except KeyboardInterrupt:
            callback.finish("interrupted")
            raise
        except BaseException:
            callback.finish("crashed")
            raise
        callback.finish("finished")
        return result

    watched.watched_by = callback  # type: ignore[attr-defined]
    trainer.train = watched


def resume(trainer: Any, checkpoint: str, rate: float = 0.5) -> Any:
    """Train on from a checkpoint at a part of its learning rate: what a rescue does, by hand and after a restart.

    >>> barograph.trainers.resume(trainer, "runs/kto/checkpoint-40", rate=0.5)  # doctest: +SKIP
    """
    from transformers import TrainerCallback

    class Cut(TrainerCallback):  # type: ignore[misc]
        def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            scale_rate(kwargs.get("optimizer"), kwargs.get("lr_scheduler"), rate)

    cut = Cut()
    if not has_optimizer(checkpoint):
        trainer.args.learning_rate *= rate
        return trainer.train(resume_from_checkpoint=checkpoint)
    trainer.add_callback(cut)
    try:
        return trainer.train(resume_from_checkpoint=checkpoint)
    finally:
        trainer.remove_callback(cut)


def _go_back(trainer: Any, checkpoint: str) -> None:
    """Make the trainer what it would be in a fresh process that is about to load a checkpoint."""
    from transformers import set_seed

    forget_attempt(trainer)
    trainer.control.should_training_stop = False
    # The order of the data follows from the seed, as set when the trainer was made, and from the epoch.
    set_seed(trainer.args.seed)
    if not has_optimizer(checkpoint) and trainer.optimizer is not None:
        # A checkpoint of the model alone: the moments of the abandoned attempt must not steer the next.
        optimizer = getattr(trainer.optimizer, "optimizer", trainer.optimizer)
        optimizer.state.clear()
        for group in optimizer.param_groups:
            group["lr"] = group.get("initial_lr", group["lr"])


def has_optimizer(checkpoint: str) -> bool:
    """Whether a checkpoint holds more than the model (`save_only_model` leaves the rest out)."""
    return any(Path(checkpoint).glob("optimizer*"))


def scale_rate(optimizer: Any, scheduler: Any, factor: float) -> None:
    """Multiply the learning rate in every place where it is kept, now and for the rest of the schedule."""
    if factor == 1.0:
        return
    for group in getattr(optimizer, "param_groups", ()):
        for name in ("lr", "initial_lr"):
            if name in group:
                group[name] = group[name] * factor
    for name in ("base_lrs", "_last_lr"):
        rates = getattr(scheduler, name, None)
        if rates:
            setattr(scheduler, name, [rate * factor for rate in rates])


def save_first(trainer: Any, step: int) -> str | None:
    """Save the state before the first step, so that there is always something to go back to. Gives its path.

    It costs the weights once, or the adapter alone with LoRA: an optimizer that has not stepped keeps nothing yet.
    """
    folder = Path(trainer.args.output_dir) / f"checkpoint-{step}"
    if step > 0 and (folder / "trainer_state.json").is_file():
        return str(folder)  # The one that this run has just been resumed from.
    if not hasattr(trainer, "_save_checkpoint"):
        return None
    trainer._save_checkpoint(trainer.model, None)  # noqa: SLF001 - the public way is to wait for a step's end
    return str(folder)


def keep_enough(args: Any) -> str:
    """Have the trainer keep enough checkpoints for one to be from before the trouble; what was changed, if anything."""
    limit = getattr(args, "save_total_limit", None)
    if not limit or limit >= LEAST_KEPT:
        return ""
    args.save_total_limit = LEAST_KEPT
    return f"save_total_limit is {LEAST_KEPT} instead of {limit}: a rescue needs a checkpoint from before the trouble"


def set_aside(checkpoints: Iterable[str], *, drop: bool) -> None:
    """Take the checkpoints of an abandoned attempt out of the way of later resumes: renamed, or dropped."""
    for path in checkpoints:
        with suppress(OSError):
            if drop:
                shutil.rmtree(path)
            else:
                _free_name(Path(path))


def _free_name(checkpoint: Path) -> None:
    """Rename to `abandoned-1-checkpoint-40`, or the first number that is free."""
    attempt = 1
    while (aside := checkpoint.with_name(f"abandoned-{attempt}-{checkpoint.name}")).exists():
        attempt += 1
    checkpoint.rename(aside)
