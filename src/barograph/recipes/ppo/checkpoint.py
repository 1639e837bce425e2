"""Checkpoints of PPO: after one is loaded, a run goes on as if it had never been interrupted.

The first process of a team writes them for all, with the dice of each. A team of another size can go on from them too;
its dice are thrown anew then, from the seed, the step and the number of the process.
"""

from __future__ import annotations

import random
import shutil
from pathlib import Path
from typing import Any

import torch
import transformers

from barograph.core.errors import ConfigurationError
from barograph.recipes.ppo.state import Run
from barograph.recipes.result import checkpoints_of
from barograph.trainers.rescue import set_aside

__all__ = ["drop_later_ones", "load", "save"]


def save(run: Run) -> Path:
    """Into `checkpoint-N`: the model as any tool reads it, and beside it what PPO itself goes on from."""
    folder = Path(str(run.options.output_dir)) / f"checkpoint-{run.step}"
    dice = run.team.gather(_dice(run))
    with run.team.together():  # Nobody goes on, and perhaps back to it, before it is written.
        if run.team.is_first:
            _write(run, folder, dice)
    return folder


def _write(run: Run, folder: Path, dice: list[Any]) -> None:
    half = folder.with_name(f"{folder.name}.part")  # Renamed when it is whole: a checkpoint is never half written.
    shutil.rmtree(half, ignore_errors=True)
    run.policy.save_pretrained(half)
    run.tokenizer.save_pretrained(half)
    torch.save(run.optimizer.state_dict(), half / "optimizer.pt")
    state = {
        "step": run.step,
        "cut": run.cut,
        "learning_rate": run.options.learning_rate,
        "kl_coefficient": run.kl_weight.coefficient,
        "head": run.head.state_dict(),
        "dice": dice,
    }
    torch.save(state, half / "ppo.pt")
    shutil.rmtree(folder, ignore_errors=True)
    half.rename(folder)
    numbered = sorted(checkpoints_of(folder.parent))
    for _, old in numbered[: -run.options.keep_checkpoints] if run.options.keep_checkpoints else []:
        shutil.rmtree(old, ignore_errors=True)


def load(run: Run, folder: Path) -> None:
    """Make the run what it was when the checkpoint was written."""
    with run.team.together():
        if not (folder / "ppo.pt").is_file():
            raise ConfigurationError(f"{folder}: is no checkpoint of a PPO run (ppo.pt is not there)")
        _read(run, folder)


def _read(run: Run, folder: Path) -> None:
    if hasattr(run.policy, "disable_adapter"):
        run.policy.load_adapter(str(folder), run.policy.active_adapter, is_trainable=True)
    else:
        saved = type(run.policy).from_pretrained(folder, dtype=run.policy.dtype)
        run.policy.load_state_dict(saved.state_dict())
    device = run.policy.device
    run.optimizer.load_state_dict(torch.load(folder / "optimizer.pt", map_location=device, weights_only=True))
    state = torch.load(folder / "ppo.pt", map_location="cpu", weights_only=True)
    run.head.load_state_dict(state["head"])
    run.step, run.kl_weight.coefficient = state["step"], state["kl_coefficient"]
    # A learning rate that differs from the one before was said anew, and replaces whatever rescues made of it.
    run.cut = state["cut"] if state["learning_rate"] == run.options.learning_rate else 1.0
    if len(state["dice"]) == run.team.size:
        _throw_on(run, state["dice"][run.team.rank])
    else:
        transformers.set_seed(run.team.seed(run.options.seed, run.step))


def _dice(run: Run) -> dict[str, Any]:
    """Where the random numbers of this process stand."""
    device = run.policy.device
    on_card = torch.cuda.get_rng_state(device) if device.type == "cuda" else None
    return {"random": random.getstate(), "torch": torch.get_rng_state(), "cuda": on_card}


def _throw_on(run: Run, dice: dict[str, Any]) -> None:
    random.setstate(dice["random"])
    torch.set_rng_state(dice["torch"])
    if dice["cuda"] is not None and run.policy.device.type == "cuda":
        torch.cuda.set_rng_state(dice["cuda"], run.policy.device)


def drop_later_ones(run: Run) -> None:
    """Take the checkpoints that come after the step of the run out of the way of resumes."""
    with run.team.together():
        if run.team.is_first:
            numbered = checkpoints_of(Path(str(run.options.output_dir)))
            set_aside([str(folder) for number, folder in numbered if number > run.step], drop=False)
