"""What to do about a finding: a sentence, and the deed behind it where there is one."""

from __future__ import annotations

from typing import NamedTuple

from barograph.core.finding import Action

__all__ = ["Advice", "advise", "cut_lr", "revert", "stop"]


class Advice(NamedTuple):
    """One sentence of advice. The action is what a guard may carry out if the run's owner allows it."""

    text: str
    action: Action | None = None


def advise(text: str) -> Advice:
    """A sentence without a deed."""
    return Advice(text)


def stop(why: str = "") -> Advice:
    """Stop the run."""
    return Advice("Stop the run" + (f": {why}" if why else ""), Action.STOP)


def revert() -> Advice:
    """Go back to the last checkpoint from before the trouble."""
    return Advice("{earlier}", Action.REVERT)


def cut_lr(factor: float = 0.5) -> Advice:
    """Lower the learning rate."""
    how = "Halve the learning rate" if factor == 0.5 else f"Multiply the learning rate by {factor:g}"
    return Advice(how + "{new_rate}", Action.CUT_LR)


check_labels = advise("Check which answer is marked as chosen: read ten pairs by eye, after the chat template")
check_data = advise("Read a sample of the data as the model sees it, after the template and truncation")
raise_lr = advise("Raise the learning rate 2 to 5 times, within the usual range of the method")
raise_beta = advise("Raise beta, so that the policy stays nearer to the reference")
check_trainable = advise("Count the trainable parameters: is the adapter attached and switched on?")
check_reference = advise("Make sure that the reference is the very model that training starts from, dropout off")
earlier_checkpoint = advise("Prefer the checkpoint with the best evaluation to the last one")
